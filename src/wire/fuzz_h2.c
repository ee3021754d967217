/* fuzz_h2.c - bytes of a client, in pieces, against the codec
 *
 * The first byte chooses: how the bytes are cut, whether the preface is given, when
 * replies are made, how much the transport takes. Whatever comes: no crash, streams and
 * their arenas all end, the output stays within its bound.
 */
#include "base/assert.h"
#include "base/mem.h"
#include "wire/h2.h"
#include "wire/h2_testing.h"

#include <string.h>

#define STREAMS_MAX 8

struct own {
	struct slv_h2_stream wire; /* first */
	struct slv_arena arena;
	bool alive, headed, sent;
	size_t held; /* of its request's body, not consumed */
};

struct fuzz {
	struct slv_h2 *h2;
	struct own streams[STREAMS_MAX];
	unsigned alive;
	uint8_t choice;
};

static struct slv_h2_stream *on_open(void *arg)
{
	struct fuzz *fuzz = arg;
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		struct own *own = &fuzz->streams[i];
		if (own->alive)
			continue;
		*own = (struct own){ .alive = true, .wire.arena = &own->arena };
		slv_arena_init(&own->arena, 512, 4096);
		fuzz->alive++;
		return &own->wire;
	}
	return NULL;
}

static void reply_to(struct fuzz *fuzz, struct own *own)
{
	static const char body[20000];
	struct slv_fields fields;
	slv_fields_init(&fields, &own->arena);
	/* Past the arena's cap it is a reply without fields. */
	(void)slv_fields_add(&fields, SLV_STR("X-Name"), SLV_STR("value")).code;
	uint64_t length = own->wire.id % 3 ? sizeof(body) : 0;
	struct slv_h2_reply reply = { .status = 200,
		.fields = &fields,
		.length = fuzz->choice & 4 ? SLV_LENGTH_UNKNOWN : length,
		.bodiless = !length };
	own->sent = true;
	slv_err err = slv_h2_reply(fuzz->h2, &own->wire, &reply);
	slv_assert(!slv_failed(err));
	if (length)
		slv_h2_send(fuzz->h2, &own->wire, (slv_str){ body, length }, true, NULL);
}

static void on_head(void *arg, struct slv_h2_stream *stream, slv_err err)
{
	struct fuzz *fuzz = arg;
	struct own *own = SLV_CONTAINER(stream, struct own, wire);
	const struct slv_h2_head *head = &stream->head;
	own->headed = true;
	if (!slv_failed(err)) {
		slv_assert(head->method_name.len && head->target.len);
		slv_assert(head->target.at[0] == '/' || head->target.at[0] == '*');
		slv_assert(slv_fields_get(&head->fields, SLV_FIELD_HOST).len);
		for (uint32_t i = 0; i < head->fields.count; i++)
			slv_assert(slv_field_name_ok(head->fields.at[i].name) &&
					slv_field_value_ok(head->fields.at[i].value));
	}
	if (fuzz->choice & 1)
		reply_to(fuzz, own);
	else if (head->expect_continue)
		slv_h2_continue(fuzz->h2, stream);
}

static void on_data(void *arg, struct slv_h2_stream *stream, slv_str bytes)
{
	struct fuzz *fuzz = arg;
	struct own *own = SLV_CONTAINER(stream, struct own, wire);
	slv_assert(own->headed && bytes.len);
	if (fuzz->choice & 2)
		slv_h2_consume(fuzz->h2, stream, bytes.len);
	else
		own->held += bytes.len;
}

static void on_end(void *arg, struct slv_h2_stream *stream)
{
	struct fuzz *fuzz = arg;
	struct own *own = SLV_CONTAINER(stream, struct own, wire);
	slv_assert(own->headed && stream->input_ended);
	if (!own->sent)
		reply_to(fuzz, own);
}

static void on_drained(void *arg, struct slv_h2_stream *stream)
{
	(void)arg;
	(void)stream;
	slv_assert(false); /* each body is given at once */
}

static void on_closed(void *arg, struct slv_h2_stream *stream, uint32_t code)
{
	struct fuzz *fuzz = arg;
	struct own *own = SLV_CONTAINER(stream, struct own, wire);
	(void)code;
	slv_assert(own->alive);
	if (own->held)
		slv_h2_consume(fuzz->h2, stream, own->held);
	slv_h2_release(fuzz->h2, stream);
	slv_arena_done(&own->arena);
	own->alive = false;
	fuzz->alive--;
}

static void on_refused(void *arg, slv_err err)
{
	(void)arg;
	slv_assert(slv_failed(err) && err.what);
}

static const struct slv_h2_events events = { on_open, on_head, on_data, on_end, on_drained,
	on_closed, on_refused };

static void take(struct fuzz *fuzz, uint64_t now_ms)
{
	if (fuzz->choice & 128)
		(void)slv_h2_nudge(fuzz->h2);
	for (int i = 0; i < 64; i++) {
		const struct iovec *parts = NULL;
		size_t len = 0, sum = 0;
		int count = slv_h2_output(fuzz->h2, &parts, &len);
		for (int k = 0; k < count; k++)
			sum += parts[k].iov_len;
		slv_assert(sum == len && len <= 2 * SLV_H2_OUTPUT_BYTES_MAX);
		if (!len)
			return;
		slv_h2_sent(fuzz->h2, fuzz->choice & 8 ? len : (len + 1) / 2, now_ms);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct slv_h2_limits limits = {
		.streams_max = STREAMS_MAX,
		.window_bytes = 65535,
		.connection_window_bytes = 65535,
		.target_bytes_max = 100,
		.field_bytes_max = 200,
		.head_bytes_max = 1000,
		.fields_max = 16,
	};
	if (!size)
		return 0;
	struct fuzz fuzz = { .choice = data[0] };
	uint64_t now_ms = 1;
	fuzz.h2 = slv_h2_new(&limits, &events, &fuzz, now_ms);
	struct slv_buf buf;
	slv_buf_init(&buf, SLV_MIB(4));
	if (fuzz.choice & 16)
		slv_h2_test_preface(&buf);
	slv_buf_add(&buf, (slv_str){ (const char *)data + 1, size - 1 });
	size_t step = fuzz.choice & 32 ? 7 : 16384;
	for (slv_str rest = slv_buf_str(&buf); rest.len; now_ms += 10) {
		slv_str part = slv_str_head(rest, step);
		rest = slv_str_from_index(rest, part.len);
		slv_err err = slv_h2_input(fuzz.h2, part, now_ms);
		if (!(fuzz.choice & 64))
			take(&fuzz, now_ms);
		if (slv_failed(err))
			break;
	}
	slv_h2_terminate(fuzz.h2, SLV_H2_NO_ERROR);
	take(&fuzz, now_ms);
	slv_h2_free(fuzz.h2);
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		fuzz.alive -= fuzz.streams[i].alive;
		if (fuzz.streams[i].alive)
			slv_arena_done(&fuzz.streams[i].arena);
	}
	slv_assert(fuzz.alive == 0);
	slv_buf_done(&buf);
	return 0;
}
