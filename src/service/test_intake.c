#include "service/intake.h"

#include "base/mem.h"
#include "store/blob/testing.h"

#include <stdio.h>
#include <string.h>

#define LEN (5 * SLV_KIB(64) + 7)
#define FORM_TYPE "multipart/form-data; boundary=b"
#define PART(name, value)                                                                          \
	"--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"

/* A body that comes in pieces, each a turn after it was asked for, and may break off. */
struct stream {
	struct slv_source source;
	struct slv_loop *loop;
	struct slv_task task;
	struct slv_pull *pull;
	slv_str rest;
	size_t piece;
	slv_err err; /* instead of the end */
	bool closed;
};

static void stream_tell(struct slv_task *task)
{
	struct stream *stream = SLV_CONTAINER(task, struct stream, task);
	slv_str bytes = slv_str_head(stream->rest, stream->piece);
	stream->rest = slv_str_from_index(stream->rest, bytes.len);
	stream->pull->done(stream->pull, bytes.len ? SLV_OK : stream->err, bytes);
}

static void stream_pull(struct slv_source *source, struct slv_pull *pull)
{
	struct stream *stream = SLV_CONTAINER(source, struct stream, source);
	stream->pull = pull;
	slv_task_start(stream->loop, &stream->task);
}

static void stream_close(struct slv_source *source)
{
	struct stream *stream = SLV_CONTAINER(source, struct stream, source);
	slv_task_stop(&stream->task);
	stream->closed = true;
}

static const struct slv_source_ops stream_ops = { .pull = stream_pull, .close = stream_close };

/* --- who takes it --- */

struct owner {
	struct slv_intake in;
	struct blobs_kit *kit;
	struct slv_arena arena;
	struct stream stream;
	size_t open_at; /* bytes, from which on there is a blob; 0: never */
	const char *stop_at;
	slv_err err; /* of a callback */
	uint64_t len;
	unsigned stops;
	char told[256];
};

static struct owner *owner_of(struct slv_intake *in)
{
	return SLV_CONTAINER(in, struct owner, in);
}

static void tell(struct owner *owner, const char *what, slv_str text)
{
	size_t len = strlen(owner->told);
	snprintf(owner->told + len, sizeof(owner->told) - len, "%s%.*s ", what, SLV_FMT(text));
}

static slv_err on_part(struct slv_intake *in)
{
	struct owner *owner = owner_of(in);
	tell(owner, "+", in->form.part.name);
	in->stop = owner->stop_at && slv_str_eq(in->form.part.name, slv_str_from(owner->stop_at));
	return SLV_OK;
}

static slv_err on_part_end(struct slv_intake *in)
{
	tell(owner_of(in), "-", (slv_str){ 0 });
	return SLV_OK;
}

static slv_err on_data(struct slv_intake *in, slv_str bytes)
{
	struct owner *owner = owner_of(in);
	owner->len += bytes.len;
	if (slv_failed(owner->err))
		return owner->err;
	if (in->is_form)
		tell(owner, "", bytes);
	slv_intake_keep(in, bytes);
	return in->writer || !owner->open_at || owner->len < owner->open_at ? SLV_OK
	                                                                    : slv_intake_open(in);
}

static void on_wake(struct slv_intake *in)
{
	owner_of(in)->kit->pending--;
}

static const struct slv_intake_ops ops = {
	.part = on_part, .part_end = on_part_end, .data = on_data, .wake = on_wake
};

static void begin(struct owner *owner, struct blobs_kit *kit, size_t open_at)
{
	*owner = (struct owner){ .kit = kit, .open_at = open_at };
	slv_arena_init(&owner->arena, 1024, SLV_KIB(64));
	slv_intake_init(&owner->in, &ops, kit->loop, kit->blobs, LEN);
}

static void take(struct owner *owner, const char *type, struct slv_body body)
{
	slv_err err = slv_intake_take(&owner->in, &body, &owner->arena, slv_str_from(type),
			&SLV_MULTIPART_LIMITS);
	assert_int_equal(err.code, SLV_E_NONE);
	assert_null(body.source);
}

static void take_stream(struct owner *owner, const char *type, slv_str bytes, size_t piece)
{
	owner->stream = (struct stream){ .source.ops = &stream_ops,
		.loop = owner->kit->loop,
		.task.run = stream_tell,
		.rest = bytes,
		.piece = piece };
	take(owner, type,
			(struct slv_body){ .length = bytes.len, .source = &owner->stream.source });
}

/* To the end; its error. */
static int run(struct owner *owner)
{
	enum slv_intake_what what;
	while ((what = slv_intake_go(&owner->in)) != SLV_INTAKE_IS_OVER) {
		if (what == SLV_INTAKE_STOPS) {
			owner->stops++;
			continue;
		}
		owner->kit->pending++;
		blobs_kit_wait(owner->kit);
	}
	return owner->in.err.code;
}

static void finish(struct owner *owner)
{
	while (!slv_intake_finish(&owner->in)) {
		owner->kit->pending++;
		blobs_kit_wait(owner->kit);
	}
	assert_int_equal(owner->in.err.code, SLV_E_NONE);
	assert_true(owner->in.has_ref);
}

static void end(struct owner *owner)
{
	slv_intake_done(&owner->in);
	slv_arena_done(&owner->arena);
}

static char *some_bytes(void)
{
	char *bytes = slv_alloc(LEN);
	for (size_t i = 0; i < LEN; i++)
		bytes[i] = blobs_kit_byte(0, i);
	return bytes;
}

/* --- tests --- */

static void what_is_kept_is_in_memory_or_in_a_blob(void **state)
{
	static const size_t pieces[] = { 0, 1000, SLV_KIB(64), SLV_KIB(300) };
	struct blobs_kit *kit = *state;
	char *bytes = some_bytes();
	for (size_t i = 0; i < 2 * SLV_COUNT(pieces); i++) {
		struct owner owner;
		size_t piece = pieces[i / 2];
		begin(&owner, kit, i % 2 ? 2000 : 0);
		if (piece)
			take_stream(&owner, "image/png", (slv_str){ bytes, LEN }, piece);
		else
			take(&owner, "", slv_body_bytes((slv_str){ bytes, LEN }, NULL));
		assert_int_equal(run(&owner), SLV_E_NONE);
		assert_int_equal(owner.len, LEN);
		assert_int_equal(owner.stream.closed, piece > 0);
		assert_int_equal(owner.in.kept.len, i % 2 ? 0 : LEN);
		if (i % 2) {
			finish(&owner);
			assert_int_equal(owner.in.ref.len, LEN);
			blobs_kit_read(kit, &owner.in.ref, 0, 0, LEN);
			assert_int_equal(kit->err.code, SLV_E_NONE);
			owner.in.has_ref = false; /* a row names it */
		} else {
			assert_memory_equal(owner.in.kept.at, bytes, LEN);
		}
		end(&owner);
	}
	slv_free(bytes);
}

static void a_blob_that_nobody_names_is_discarded(void **state)
{
	struct blobs_kit *kit = *state;
	struct owner owner;
	struct slv_blob_listed listed[4];
	char *bytes = some_bytes();
	begin(&owner, kit, 1);
	take(&owner, "", slv_body_bytes((slv_str){ bytes, LEN }, NULL));
	assert_int_equal(run(&owner), SLV_E_NONE);
	finish(&owner);
	unsigned shard = owner.in.ref.id.bytes[0];
	assert_int_equal(blobs_kit_list(kit, shard, listed, SLV_COUNT(listed)), 1);
	end(&owner);
	while (blobs_kit_list(kit, shard, listed, SLV_COUNT(listed)))
		slv_loop_turn(kit->loop, false);
	slv_free(bytes);
}

static void more_may_be_kept_when_all_has_come(void **state)
{
	struct blobs_kit *kit = *state;
	struct owner owner;
	char *bytes = some_bytes();
	begin(&owner, kit, 0);
	take(&owner, "", slv_body_bytes((slv_str){ 0 }, NULL));
	assert_int_equal(run(&owner), SLV_E_NONE);
	for (size_t at = 0; at < LEN; at += SLV_KIB(64)) {
		slv_str all = { bytes, LEN };
		slv_intake_keep(&owner.in, slv_str_head(slv_str_from_index(all, at), SLV_KIB(64)));
		if (!owner.in.writer)
			assert_int_equal(slv_intake_open(&owner.in).code, SLV_E_NONE);
		assert_int_equal(run(&owner), SLV_E_NONE);
		assert_int_equal(owner.in.kept.len, 0);
	}
	finish(&owner);
	blobs_kit_read(kit, &owner.in.ref, 0, 0, LEN);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	end(&owner);
	slv_free(bytes);
}

static void a_form_comes_part_by_part(void **state)
{
	static const slv_str form = SLV_STR_INIT(PART("a", "1") PART("b", "22") "--b--\r\n");
	struct blobs_kit *kit = *state;
	struct owner owner;
	begin(&owner, kit, 0);
	take(&owner, FORM_TYPE, slv_body_bytes(form, NULL));
	assert_int_equal(run(&owner), SLV_E_NONE);
	assert_string_equal(owner.told, "+a 1 - +b 22 - ");
	assert_int_equal(owner.stops, 0);
	end(&owner);
	begin(&owner, kit, 0);
	owner.stop_at = "b";
	take_stream(&owner, "Multipart/Form-Data; boundary=b", form, 1);
	assert_int_equal(run(&owner), SLV_E_NONE);
	assert_string_equal(owner.told, "+a 1 - +b 2 2 - ");
	assert_int_equal(owner.stops, 1);
	assert_true(owner.stream.closed);
	end(&owner);
}

static void what_is_no_form_is_refused(void **state)
{
	struct blobs_kit *kit = *state;
	struct owner owner;
	struct slv_body body = slv_body_bytes(SLV_STR("x"), NULL);
	begin(&owner, kit, 0);
	slv_err err = slv_intake_take(&owner.in, &body, &owner.arena,
			SLV_STR("multipart/form-data"), &SLV_MULTIPART_LIMITS);
	assert_int_equal(err.code, SLV_E_SYNTAX);
	assert_int_equal(body.bytes.len, 1); /* it was not taken */
	end(&owner);
	begin(&owner, kit, 0);
	take(&owner, FORM_TYPE, slv_body_bytes(SLV_STR(PART("a", "1") "--b"), NULL));
	assert_int_equal(run(&owner), SLV_E_SYNTAX);
	end(&owner);
}

static void an_error_ends_it(void **state)
{
	struct blobs_kit *kit = *state;
	struct owner owner;
	begin(&owner, kit, 1); /* of a callback, while there is a blob */
	take_stream(&owner, "", SLV_STR("some bytes"), 3);
	owner.err = SLV_ERR(SLV_E_MEDIA, "not like this");
	assert_int_equal(run(&owner), SLV_E_MEDIA);
	assert_true(owner.stream.closed);
	assert_int_equal(run(&owner), SLV_E_MEDIA); /* and stays so */
	end(&owner);
	begin(&owner, kit, 1); /* of who sends */
	take_stream(&owner, "", SLV_STR("some bytes"), 3);
	owner.stream.err = SLV_ERR(SLV_E_CLOSED, "gone");
	assert_int_equal(run(&owner), SLV_E_CLOSED);
	assert_int_equal(owner.len, 10);
	assert_true(owner.stream.closed);
	end(&owner);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, blobs_kit_set_up, blobs_kit_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_kept_is_in_memory_or_in_a_blob),
		TEST(a_blob_that_nobody_names_is_discarded),
		TEST(more_may_be_kept_when_all_has_come),
		TEST(a_form_comes_part_by_part),
		TEST(what_is_no_form_is_refused),
		TEST(an_error_ends_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
