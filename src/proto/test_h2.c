#include "base/testing.h"
#include "proto/testing.h"
#include "wire/h2_testing.h"

#include <string.h>

/* A bench with an HTTP/2 session on it, and a client at the other end. */
struct talk {
	struct bench *bench;
	struct slv_h2_test_client client;
};

/* Carry bytes both ways until nobody has anything to say. */
static void carry(struct talk *talk)
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

static int begin(void **state)
{
	struct talk *talk = test_malloc(sizeof(*talk));
	talk->bench = bench_new();
	slv_h2_test_client_init(&talk->client);
	*state = talk;
	return 0;
}

static int end(void **state)
{
	struct talk *talk = *state;
	bench_free(talk->bench);
	slv_h2_test_client_done(&talk->client);
	test_free(talk);
	return 0;
}

static slv_str body_of(struct talk *talk, uint32_t id)
{
	return slv_buf_str(&slv_h2_test_answer(&talk->client, id)->body);
}

static void a_get_is_answered(void **state)
{
	struct talk *talk = *state;
	bench_h2(talk->bench, (slv_str){ 0 });
	uint32_t id = slv_h2_test_get(&talk->client, "/hello");
	carry(talk);
	struct slv_h2_test_answer *answer = slv_h2_test_answer(&talk->client, id);
	assert_int_equal(answer->status, 200);
	assert_true(answer->ended && answer->closed);
	assert_true(slv_str_eq(body_of(talk, id), SLV_STR("hello")));
	assert_non_null(strstr(answer->text.at, "date: Sun, 06 Nov 1994 08:49:37 GMT\n"));
	assert_non_null(strstr(answer->text.at, "content-length: 5\n"));
	assert_false(talk->bench->busy);
	assert_false(talk->bench->closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_get_is_answered, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
