#include "proto/testing_h2.h"

#include "base/testing.h"

void talk_carry(struct talk *talk)
{
	struct bench *bench = talk->bench;
	for (;;) {
		slv_h2_test_output(&talk->client);
		if (!talk->client.out.len && !bench->out.len)
			return;
		if (talk->client.out.len && !bench->closed)
			bench_input(bench, slv_buf_str(&talk->client.out));
		slv_buf_clear(&talk->client.out);
		bench_turn(bench);
		if (bench->out.len)
			assert_true(slv_h2_test_input(&talk->client, slv_buf_str(&bench->out)));
		slv_buf_clear(&bench->out);
	}
}

int talk_begin(void **state)
{
	struct talk *talk = test_malloc(sizeof(*talk));
	talk->bench = bench_new();
	slv_h2_test_client_init(&talk->client);
	*state = talk;
	return 0;
}

int talk_end(void **state)
{
	struct talk *talk = *state;
	bench_free(talk->bench);
	slv_h2_test_client_done(&talk->client);
	test_free(talk);
	return 0;
}

slv_str talk_body(struct talk *talk, uint32_t id)
{
	return slv_buf_str(&slv_h2_test_answer(&talk->client, id)->body);
}

bool talk_tells(const struct slv_h2_test_answer *answer, const char *line)
{
	slv_str text = slv_buf_str(&answer->text);
	return slv_str_find_str(text, slv_str_from(line)) < text.len;
}

void raw_ask(struct slv_buf *buf, uint32_t id, uint8_t flags, const char *method, const char *path)
{
	struct slv_buf block;
	slv_buf_init(&block, SLV_KIB(64));
	slv_h2_test_field(&block, ":method", method);
	slv_h2_test_field(&block, ":scheme", "http");
	slv_h2_test_field(&block, ":authority", "a");
	slv_h2_test_field(&block, ":path", path);
	slv_h2_test_frame(buf, HEADERS, flags, id, slv_buf_str(&block));
	slv_buf_done(&block);
}

void raw_send(struct bench *bench, struct slv_buf *buf)
{
	bench_input(bench, slv_buf_str(buf));
	slv_buf_clear(buf);
}

struct raw_seen raw_look(struct bench *bench, uint8_t type)
{
	struct raw_seen seen = { 0 };
	const uint8_t *at = (const uint8_t *)bench->out.at;
	for (size_t i = 0; i + 9 <= bench->out.len;) {
		size_t len = (size_t)at[i] << 16 | (size_t)at[i + 1] << 8 | at[i + 2];
		const uint8_t *payload = at + i + 9;
		if (at[i + 3] == type) {
			size_t code = type == GOAWAY ? 4 : 0;
			seen.count++;
			seen.flags = at[i + 4];
			seen.id = (uint32_t)at[i + 7] << 8 | at[i + 8];
			if (len >= code + 4)
				seen.code = (uint32_t)payload[code + 2] << 8 | payload[code + 3];
		}
		i += 9 + len;
	}
	return seen;
}

void raw_begin(struct bench *bench, struct slv_buf *buf)
{
	slv_buf_init(buf, SLV_MIB(4));
	slv_h2_test_preface(buf);
	bench_h2(bench, (slv_str){ 0 });
}
