#include "wire/h2_testing.h"

#include "base/assert.h"
#include "base/mem.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

struct slv_h2_test_answer *slv_h2_test_answer(struct slv_h2_test_client *client, uint32_t id)
{
	return &client->answers[id / 2 % SLV_H2_TEST_ANSWERS];
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
	struct slv_h2_test_client *client = arg;
	(void)session;
	(void)flags;
	struct slv_h2_test_answer *answer =
			slv_h2_test_answer(client, (uint32_t)frame->hd.stream_id);
	slv_str key = { (const char *)name, name_len }, text = { (const char *)value, value_len };
	if (slv_str_eq(key, SLV_STR(":status"))) {
		uint64_t status = 0;
		slv_assert(slv_str_u64(text, 999, &status));
		answer->status = (int)status;
		answer->heads++;
	}
	if (!client->keep_bodies)
		return 0;
	slv_buf_add(&answer->text, key);
	slv_buf_add(&answer->text, SLV_STR(": "));
	slv_buf_add(&answer->text, text);
	slv_buf_add_char(&answer->text, '\n');
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
		size_t len, void *arg)
{
	struct slv_h2_test_client *client = arg;
	(void)session;
	(void)flags;
	client->body_bytes += len;
	if (client->keep_bodies)
		slv_buf_add(&slv_h2_test_answer(client, (uint32_t)id)->body,
				(slv_str){ (const char *)bytes, len });
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct slv_h2_test_client *client = arg;
	(void)session;
	if (frame->hd.type == NGHTTP2_GOAWAY) {
		client->goaway = true;
		client->goaway_code = frame->goaway.error_code;
		client->goaway_last = (uint32_t)frame->goaway.last_stream_id;
	}
	if (frame->hd.type == NGHTTP2_PING && frame->hd.flags & NGHTTP2_FLAG_ACK)
		client->acks++;
	if (frame->hd.type == NGHTTP2_RST_STREAM)
		client->resets++;
	bool ends = (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
	            frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	if (ends) {
		slv_h2_test_answer(client, (uint32_t)frame->hd.stream_id)->ended = true;
		client->ended++;
	}
	return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *arg)
{
	struct slv_h2_test_client *client = arg;
	(void)session;
	struct slv_h2_test_answer *answer = slv_h2_test_answer(client, (uint32_t)id);
	answer->closed = true;
	answer->code = code;
	client->closed++;
	return 0;
}

void slv_h2_test_client_init_window(struct slv_h2_test_client *client, uint32_t window_bytes)
{
	*client = (struct slv_h2_test_client){ .keep_bodies = true };
	client->answers = slv_alloc(SLV_H2_TEST_ANSWERS * sizeof(*client->answers));
	for (size_t i = 0; i < SLV_H2_TEST_ANSWERS; i++) {
		slv_buf_init(&client->answers[i].text, SLV_MIB(1));
		slv_buf_init(&client->answers[i].body, SLV_MIB(64));
	}
	slv_buf_init(&client->out, SLV_MIB(64));
	nghttp2_session_callbacks *set = NULL;
	slv_assert(nghttp2_session_callbacks_new(&set) == 0);
	nghttp2_session_callbacks_set_on_header_callback(set, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(set, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(set, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(set, on_close);
	slv_assert(nghttp2_session_client_new(&client->session, set, client) == 0);
	nghttp2_session_callbacks_del(set);
	nghttp2_settings_entry entry = { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window_bytes };
	slv_assert(nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, &entry, 1) == 0);
}

void slv_h2_test_client_init(struct slv_h2_test_client *client)
{
	slv_h2_test_client_init_window(client, 65535);
}

void slv_h2_test_client_done(struct slv_h2_test_client *client)
{
	nghttp2_session_del(client->session);
	for (size_t i = 0; i < SLV_H2_TEST_ANSWERS; i++) {
		slv_buf_done(&client->answers[i].text);
		slv_buf_done(&client->answers[i].body);
	}
	slv_free(client->answers);
	slv_buf_done(&client->out);
}

/* The rest of the body is kept in the source's pointer, which has a place of its own. */
static ssize_t read_upload(nghttp2_session *session, int32_t id, uint8_t *to, size_t most,
		uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	slv_str *rest = source->ptr;
	(void)session;
	(void)id;
	(void)arg;
	slv_str part = slv_str_head(*rest, most);
	if (part.len)
		memcpy(to, part.at, part.len);
	*rest = slv_str_from_index(*rest, part.len);
	if (!rest->len) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		slv_free(rest);
	}
	return (ssize_t)part.len;
}

uint32_t slv_h2_test_ask(struct slv_h2_test_client *client, const struct slv_h2_test_pair *pairs,
		const slv_str *body)
{
	nghttp2_nv fields[64];
	size_t count = 0;
	for (; pairs[count].name; count++) {
		slv_assert(count < SLV_COUNT(fields));
		fields[count] = (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)pairs[count].name,
			.namelen = strlen(pairs[count].name),
			.value = (uint8_t *)(uintptr_t)pairs[count].value,
			.valuelen = strlen(pairs[count].value) };
	}
	nghttp2_data_provider provider = { .read_callback = read_upload };
	if (body) {
		slv_str *rest = SLV_ALLOC(slv_str);
		*rest = *body;
		provider.source.ptr = rest;
	}
	int32_t id = nghttp2_submit_request(
			client->session, NULL, fields, count, body ? &provider : NULL, NULL);
	slv_assert(id > 0);
	return (uint32_t)id;
}

uint32_t slv_h2_test_get(struct slv_h2_test_client *client, const char *path)
{
	const struct slv_h2_test_pair pairs[] = {
		{ ":method", "GET" },
		{ ":scheme", "http" },
		{ ":authority", "test.example" },
		{ ":path", path },
		{ 0 },
	};
	return slv_h2_test_ask(client, pairs, NULL);
}

void slv_h2_test_reset(struct slv_h2_test_client *client, uint32_t id, uint32_t code)
{
	slv_assert(nghttp2_submit_rst_stream(
				   client->session, NGHTTP2_FLAG_NONE, (int32_t)id, code) == 0);
}

void slv_h2_test_ping(struct slv_h2_test_client *client)
{
	slv_assert(nghttp2_submit_ping(client->session, NGHTTP2_FLAG_NONE, NULL) == 0);
}

bool slv_h2_test_input(struct slv_h2_test_client *client, slv_str bytes)
{
	return nghttp2_session_mem_recv(client->session, (const uint8_t *)bytes.at, bytes.len) ==
	       (ssize_t)bytes.len;
}

void slv_h2_test_output(struct slv_h2_test_client *client)
{
	const uint8_t *at = NULL;
	for (ssize_t len; (len = nghttp2_session_mem_send(client->session, &at)) > 0;)
		slv_buf_add(&client->out, (slv_str){ (const char *)at, (size_t)len });
}

void slv_h2_test_preface(struct slv_buf *buf)
{
	slv_buf_add(buf, SLV_STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
	slv_h2_test_frame(buf, NGHTTP2_SETTINGS, 0, 0, (slv_str){ 0 });
}

void slv_h2_test_frame(
		struct slv_buf *buf, uint8_t type, uint8_t flags, uint32_t id, slv_str payload)
{
	const char head[9] = { (char)(payload.len >> 16), (char)(payload.len >> 8),
		(char)payload.len, (char)type, (char)flags, (char)(id >> 24), (char)(id >> 16),
		(char)(id >> 8), (char)id };
	slv_buf_add(buf, (slv_str){ head, sizeof(head) });
	slv_buf_add(buf, payload);
}

static void add_string(struct slv_buf *buf, slv_str text)
{
	if (text.len < 127) {
		slv_buf_add_char(buf, (char)text.len);
	} else {
		size_t rest = text.len - 127;
		slv_buf_add_char(buf, 127);
		for (; rest >= 128; rest /= 128)
			slv_buf_add_char(buf, (char)(rest % 128 | 128));
		slv_buf_add_char(buf, (char)rest);
	}
	slv_buf_add(buf, text);
}

void slv_h2_test_field(struct slv_buf *buf, const char *name, const char *value)
{
	slv_buf_add_char(buf, 0); /* literal, not indexed, with its name: RFC 7541 section 6.2.2 */
	add_string(buf, slv_str_from(name));
	add_string(buf, slv_str_from(value));
}
