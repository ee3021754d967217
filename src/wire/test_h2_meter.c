#include "wire/h2_meter.h"

#include "base/attr.h"
#include "base/testing.h"
#include "wire/h2.h"

static void nothing_is_fine(void **state)
{
	(void)state;
	struct h2_meter meter = { 0 };
	assert_int_equal(h2_meter_judge(&meter, 100), H2_FINE);
}

static void oddities_add_up_to_a_goaway_and_then_to_the_end(void **state)
{
	(void)state;
	struct h2_meter meter = { 0 };
	h2_meter_odd(&meter, H2_SCORE_GOAWAY - 1, 0);
	assert_int_equal(h2_meter_judge(&meter, 100), H2_FINE);
	h2_meter_odd(&meter, 1, 0);
	assert_int_equal(h2_meter_judge(&meter, 100), H2_GOAWAY);
	assert_int_equal(meter.why.code, SLV_E_BUSY);
	h2_meter_odd(&meter, H2_SCORE_MAX - H2_SCORE_GOAWAY - 1, 0);
	assert_int_equal(h2_meter_judge(&meter, 100), H2_GOAWAY);
	h2_meter_odd(&meter, 1, 0);
	assert_int_equal(h2_meter_judge(&meter, 100), H2_CLOSE);
}

static void time_and_work_take_oddities_off(void **state)
{
	(void)state;
	struct h2_meter meter = { .score = 100 };
	h2_meter_work(&meter, 30);
	assert_int_equal(meter.score, 70);
	h2_meter_work(&meter, 71);
	assert_int_equal(meter.score, 0);
	h2_meter_odd(&meter, 100, 0);
	h2_meter_odd(&meter, 0, 1000);
	assert_int_equal(meter.score, 100 - H2_SCORE_LEAK_PER_S);
	h2_meter_odd(&meter, 0, 1049); /* a part of a point is kept for later */
	assert_int_equal(meter.score, 100 - H2_SCORE_LEAK_PER_S);
	h2_meter_odd(&meter, 0, 1050);
	assert_int_equal(meter.score, 100 - H2_SCORE_LEAK_PER_S - 1);
	h2_meter_odd(&meter, 0, 1000000);
	assert_int_equal(meter.score, 0);
}

static void a_score_does_not_wrap(void **state)
{
	(void)state;
	struct h2_meter meter = { 0 };
	for (int i = 0; i < 10; i++)
		h2_meter_odd(&meter, 1u << 30, 0);
	assert_int_equal(h2_meter_judge(&meter, 100), H2_CLOSE);
}

static void bytes_must_carry_something(void **state)
{
	(void)state;
	struct h2_meter meter = { .bytes = 8ull * H2_BYTES_GRACE + 7 };
	assert_int_equal(h2_meter_judge(&meter, 100), H2_FINE);
	meter.bytes++;
	assert_int_equal(h2_meter_judge(&meter, 100), H2_CLOSE);
	meter.payload_bytes = 1;
	assert_int_equal(h2_meter_judge(&meter, 100), H2_FINE);
}

static void resets_have_a_burst_and_a_rate(void **state)
{
	(void)state;
	struct h2_meter meter = { 0 };
	for (int i = 0; i < SLV_H2_RESETS_BURST; i++)
		h2_meter_reset(&meter, 0, 5000);
	assert_int_equal(h2_meter_judge(&meter, 100), H2_FINE);
	h2_meter_reset(&meter, 0, 5000);
	assert_int_equal(h2_meter_judge(&meter, 100), H2_CLOSE);

	meter = (struct h2_meter){ 0 };
	for (uint64_t s = 0; s < 100; s++)
		for (int i = 0; i < SLV_H2_RESETS_PER_S; i++)
			h2_meter_reset(&meter, 0, 5000 + s * 1000);
	assert_int_equal(h2_meter_judge(&meter, 100), H2_FINE);
}

static void most_requests_must_not_be_reset_at_once(void **state)
{
	(void)state;
	struct h2_meter meter = { .requests = H2_PREMATURE_REQUESTS - 1 };
	for (unsigned i = 0; i <= H2_PREMATURE_REQUESTS / 2; i++)
		h2_meter_reset(&meter, 1000, 1000 + H2_PREMATURE_MS - 1);
	assert_int_equal(h2_meter_judge(&meter, 100), H2_FINE); /* too few to tell */
	meter.requests++;
	assert_int_equal(h2_meter_judge(&meter, 100), H2_CLOSE);
	meter.requests += 2;
	assert_int_equal(h2_meter_judge(&meter, 100), H2_FINE);

	meter = (struct h2_meter){ .requests = H2_PREMATURE_REQUESTS };
	for (unsigned i = 0; i < H2_PREMATURE_REQUESTS; i++)
		h2_meter_reset(&meter, 1000, 1000 + H2_PREMATURE_MS);
	assert_int_equal(h2_meter_judge(&meter, 100), H2_FINE); /* they were given time */
}

static void refused_streams_are_counted_against_streams_max(void **state)
{
	static const struct {
		uint32_t streams_max, refused;
		enum h2_verdict verdict;
	} rows[] = { { 10, 100, H2_FINE }, { 10, 101, H2_CLOSE }, { 300, 300, H2_FINE },
		{ 300, 301, H2_CLOSE } };
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		struct h2_meter meter = { .refused = rows[i].refused };
		assert_int_equal(h2_meter_judge(&meter, rows[i].streams_max), rows[i].verdict);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_fine),
		cmocka_unit_test(oddities_add_up_to_a_goaway_and_then_to_the_end),
		cmocka_unit_test(time_and_work_take_oddities_off),
		cmocka_unit_test(a_score_does_not_wrap),
		cmocka_unit_test(bytes_must_carry_something),
		cmocka_unit_test(resets_have_a_burst_and_a_rate),
		cmocka_unit_test(most_requests_must_not_be_reset_at_once),
		cmocka_unit_test(refused_streams_are_counted_against_streams_max),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
