#include "http/accept.h"

#include "base/attr.h"
#include "base/testing.h"

#include <stdio.h>
#include <string.h>

static unsigned q(const char *value, const char *type)
{
	struct slv_accept accept;
	slv_accept_init(&accept);
	slv_accept_add(&accept, slv_str_from(value));
	return slv_accept_q(&accept, slv_str_from(type));
}

static unsigned q_named(const char *value, const char *type)
{
	struct slv_accept accept;
	slv_accept_init(&accept);
	slv_accept_add(&accept, slv_str_from(value));
	return slv_accept_q_named(&accept, slv_str_from(type));
}

static void the_closest_range_decides(void **state)
{
	(void)state;
	const char *value = "image/*;q=0.5, */*;q=0.1, image/avif, text/html;q=0";
	assert_int_equal(q(value, "image/avif"), 1000);
	assert_int_equal(q(value, "image/webp"), 500);
	assert_int_equal(q(value, "text/plain"), 100);
	assert_int_equal(q(value, "text/html"), 0);
	assert_int_equal(q("*/*, image/*;q=0.2, image/webp;q=0", "image/webp"), 0);
	assert_int_equal(q("image/png", "image/webp"), 0);
	assert_int_equal(q("image/*", "imagex/webp"), 0);
	assert_int_equal(q("image/*", "image"), 0);
}

/* The example of RFC 9110 section 12.5.1, as far as it asks for types without parameters. */
static void the_example_of_the_rfc_holds(void **state)
{
	(void)state;
	const char *value = "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed,"
			    " text/plain;format=fixed;q=0.4, */*;q=0.5";
	assert_int_equal(q(value, "text/plain"), 700);
	assert_int_equal(q(value, "text/html"), 300);
	assert_int_equal(q(value, "image/jpeg"), 500);
}

static void the_field_of_a_browser_is_read(void **state)
{
	(void)state;
	const char *value = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,"
			    "image/webp,image/apng,*/*;q=0.8,"
			    "application/signed-exchange;v=b3;q=0.7";
	assert_int_equal(q(value, "image/avif"), 1000);
	assert_int_equal(q(value, "image/jxl"), 800);
	assert_int_equal(q(value, "application/xml"), 900);
	assert_int_equal(q(value, "application/signed-exchange"), 800);
	assert_int_equal(q_named(value, "image/jxl"), 0);
	assert_int_equal(q_named(value, "image/webp"), 1000);
}

static void weights_have_three_digits_at_most(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		unsigned q;
	} cases[] = { { "a/b;q=0", 0 }, { "a/b;q=0.", 0 }, { "a/b;q=0.000", 0 },
		{ "a/b;q=0.001", 1 }, { "a/b;q=0.01", 10 }, { "a/b;q=0.999", 999 },
		{ "a/b;q=1", 1000 }, { "a/b;q=1.", 1000 }, { "a/b;q=1.000", 1000 },
		{ "a/b;Q=0.5", 500 }, { "a/b ; q=0.5", 500 }, { "a/b;\tq=0.25 ", 250 },
		{ "a/b;q=0.5;x", 7 }, { "a/b;q=0.5;x=1", 500 }, { "a/b;q=0.5;x=\",\"", 500 },
		{ "a/b;;q=0.5;", 500 }, { "a/b;charset=utf-8;q=0.5", 500 },
		{ "a/b;charset=\"utf-8\"", 1000 },
		/* A comma ends the element. */
		{ "a/b;q=0,5", 0 },
		/* Malformed, and so passed over. */
		{ "a/b;q=0.0001", 7 }, { "a/b;q=1.001", 7 }, { "a/b;q=2", 7 }, { "a/b;q=-0", 7 },
		{ "a/b;q=.5", 7 }, { "a/b;q=", 7 }, { "a/b;q", 7 }, { "a/b;q=\"0.5\"", 7 },
		{ "a/b;q =0.5", 7 }, { "a/b q=0.5", 7 }, { "a/b;q=01", 7 }, { "a/b;q=0x1", 7 },
		{ "a/b;=1", 7 }, { "a/b;x=\"1", 7 } };
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		char value[128];
		snprintf(value, sizeof(value), "*/*;q=0.007, %s", cases[i].value);
		assert_int_equal(q(value, "a/b"), cases[i].q);
	}
}

static void malformed_elements_are_passed_over(void **state)
{
	(void)state;
	assert_int_equal(q("image, image/, /webp, */webp, i mage/webp, image/webp/x, "
			   "image/w@bp, image/avif",
					 "image/webp"),
			0);
	assert_int_equal(q("image/webp/x, image/avif;q=0.5", "image/avif"), 500);
	assert_int_equal(q(",, ,image/avif;q=0.5,", "image/avif"), 500);
	assert_int_equal(q("x/y;z=\"a, image/avif", "image/avif"), 1000); /* nothing parses */
	assert_int_equal(q("a/a, x/y;z=\"a, image/avif", "image/avif"), 0);
}

static void types_compare_without_case(void **state)
{
	(void)state;
	assert_int_equal(q("IMAGE/WebP;q=0.5", "image/webp"), 500);
	assert_int_equal(q("Image/*;q=0.5", "image/webp"), 500);
}

static void doubled_ranges_count_as_the_most_liked(void **state)
{
	(void)state;
	assert_int_equal(q("a/b;q=0.2, a/b;q=0.9, a/b;q=0.5", "a/b"), 900);
	assert_int_equal(q("a/b;q=0.9, a/b;q=0.2, */*", "a/b"), 900);
}

static void nothing_told_means_everything(void **state)
{
	(void)state;
	struct slv_accept accept;
	slv_accept_init(&accept);
	assert_int_equal(slv_accept_q(&accept, SLV_STR("a/b")), 1000);
	assert_int_equal(slv_accept_q_named(&accept, SLV_STR("a/b")), 0);
	assert_int_equal(q("", "a/b"), 1000);
	assert_int_equal(q("garbage", "a/b"), 1000);
	assert_int_equal(q("a/b;level=1", "a/b"), 0);
}

static void all_lines_are_read(void **state)
{
	(void)state;
	struct slv_arena arena;
	struct slv_fields fields;
	struct slv_accept accept;
	slv_arena_init(&arena, 1024, 4096);
	slv_fields_init(&fields, &arena);
	slv_accept_read(&fields, &accept);
	assert_false(accept.told);
	assert_false(slv_failed(slv_fields_add(&fields, SLV_STR("Accept"), SLV_STR("a/b;q=0.1"))));
	assert_false(slv_failed(slv_fields_add(&fields, SLV_STR("Age"), SLV_STR("c/d"))));
	assert_false(slv_failed(slv_fields_add(&fields, SLV_STR("ACCEPT"), SLV_STR("c/d;q=0.2"))));
	slv_accept_read(&fields, &accept);
	assert_int_equal(accept.count, 2);
	assert_int_equal(slv_accept_q(&accept, SLV_STR("a/b")), 100);
	assert_int_equal(slv_accept_q(&accept, SLV_STR("c/d")), 200);
	slv_arena_done(&arena);
}

static void at_most_64_elements_are_read(void **state)
{
	(void)state;
	char value[1024] = "";
	struct slv_accept accept;
	for (unsigned i = 0; i < SLV_ACCEPT_MAX - 1; i++)
		strncat(value, i % 2 ? "a/a," : "bad,", sizeof(value) - strlen(value) - 1);
	size_t before = strlen(value);
	strncat(value, "a/b;q=0.5", sizeof(value) - before - 1);
	assert_int_equal(q(value, "a/b"), 500);

	value[before] = '\0';
	strncat(value, "bad,a/b;q=0.5", sizeof(value) - before - 1);
	assert_int_equal(q(value, "a/b"), 0);

	slv_accept_init(&accept);
	for (int i = 0; i < 5; i++)
		slv_accept_add(&accept, slv_str_from(value));
	assert_int_equal(accept.seen, SLV_ACCEPT_MAX);
}

static bool prefers_json(const char *value)
{
	struct slv_accept accept;
	slv_accept_init(&accept);
	slv_accept_add(&accept, slv_str_from(value));
	return slv_accept_prefers_json(&accept);
}

static void json_is_for_who_asks_for_it(void **state)
{
	(void)state;
	assert_true(prefers_json("application/json"));
	assert_true(prefers_json("application/json, */*"));
	assert_true(prefers_json("application/json, text/plain, */*"));
	assert_true(prefers_json("application/json;charset=utf-8"));
	assert_true(prefers_json("application/*, text/*;q=0.5"));
	assert_true(prefers_json("text/plain;q=0.3, application/json;q=0.4"));
	assert_false(prefers_json("*/*"));
	assert_false(prefers_json(""));
	assert_false(prefers_json("text/plain, application/json;q=0.9"));
	assert_false(prefers_json("application/json;q=0"));
	assert_false(prefers_json("application/json;q=0, text/plain;q=0"));
	assert_false(prefers_json("text/html,application/xml;q=0.9,*/*;q=0.8"));
	assert_false(prefers_json("image/avif,image/webp,*/*;q=0.8"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_closest_range_decides),
		cmocka_unit_test(the_example_of_the_rfc_holds),
		cmocka_unit_test(the_field_of_a_browser_is_read),
		cmocka_unit_test(weights_have_three_digits_at_most),
		cmocka_unit_test(malformed_elements_are_passed_over),
		cmocka_unit_test(types_compare_without_case),
		cmocka_unit_test(doubled_ranges_count_as_the_most_liked),
		cmocka_unit_test(nothing_told_means_everything),
		cmocka_unit_test(all_lines_are_read),
		cmocka_unit_test(at_most_64_elements_are_read),
		cmocka_unit_test(json_is_for_who_asks_for_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
