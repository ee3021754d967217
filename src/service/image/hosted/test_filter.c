#include "base/testing.h"

#include "service/image/hosted/filter.h"

#include <stdio.h>
#include <string.h>

static struct hosted_image picture(void)
{
	return (struct hosted_image){ .creator = SLV_STR("ada"),
		.metadata = SLV_STR("{\"n\":5,\"r\":2.5,\"s\":\"5\",\"t\":true,\"z\":null,"
				    "\"a\":[1],\"o\":{\"p\":{\"q\":-1}}}") };
}

static slv_err read_it(struct slv_arena *arena, const char *query, struct hosted_filter *filter)
{
	slv_arena_init(arena, 4096, SLV_KIB(64));
	return hosted_filter_read(filter, arena, slv_str_from(query));
}

static bool fits(const char *query)
{
	struct slv_arena arena;
	struct hosted_filter filter;
	struct hosted_image image = picture();
	assert_int_equal(read_it(&arena, query, &filter).code, SLV_E_NONE);
	bool fit = hosted_filter_fits(&filter, &image);
	slv_arena_done(&arena);
	return fit;
}

static int code_of(const char *query)
{
	struct slv_arena arena;
	struct hosted_filter filter;
	int code = read_it(&arena, query, &filter).code;
	slv_arena_done(&arena);
	return code;
}

static void nothing_asked_fits_all(void **state)
{
	(void)state;
	assert_true(fits(""));
	assert_true(fits("page=1&per_page=10&metadata=x&meta=y"));
}

static void a_creator_is_the_same_text(void **state)
{
	(void)state;
	assert_true(fits("creator=ada"));
	assert_true(fits("creator=%61da"));
	assert_false(fits("creator=Ada"));
	assert_false(fits("creator="));
}

static void a_value_is_of_its_type(void **state)
{
	static const char *const yes[] = { "meta.n[eq]=5", "meta.n[eq]=5.0", "meta.n[eq:number]=5",
		"meta.s[eq]=5", "meta.s[eq:string]=5", "meta.t[eq]=true", "meta.t[eq:boolean]=true",
		"meta.n[in]=4|5", "meta.s[in:string]=5", "meta.r[in:number]=1|2.5",
		"meta.o.p.q[eq]=-1", "meta.o.p.q[lt]=0", "meta%2Eo.p%2eq%5Blte%5D=-1" };
	static const char *const no[] = { "meta.n[eq:string]=5", "meta.s[eq:number]=5",
		"meta.t[eq:string]=true", "meta.t[eq]=1", "meta.z[eq]=null", "meta.a[eq]=1",
		"meta.o[eq]=1", "meta.o.p[eq]=-1", "meta.o.p.q.r[eq]=1",
		"meta.never[eq]=", "meta.n[in]=", "meta.s[gt]=1", "meta.t[gt]=0", "meta.n[eq]=x" };
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(yes); i++)
		assert_true(fits(yes[i]));
	for (size_t i = 0; i < SLV_COUNT(no); i++)
		assert_false(fits(no[i]));
}

static void bounds_hold_at_their_ends(void **state)
{
	(void)state;
	assert_true(fits("meta.n[gt]=4.9") && !fits("meta.n[gt]=5"));
	assert_true(fits("meta.n[gte]=5") && !fits("meta.n[gte]=5.1"));
	assert_true(fits("meta.n[lt]=5.1") && !fits("meta.n[lt]=5"));
	assert_true(fits("meta.n[lte]=5") && !fits("meta.n[lte]=4.9"));
}

static void all_of_it_must_hold(void **state)
{
	(void)state;
	assert_true(fits("meta.n[gt]=4&meta.n[lt]=6&creator=ada"));
	assert_false(fits("meta.n[gt]=4&meta.n[lt]=5&creator=ada"));
	assert_false(fits("meta.n[gt]=4&creator=bob"));
}

static void a_picture_without_metadata_fits_no_filter_of_them(void **state)
{
	struct slv_arena arena;
	struct hosted_filter filter;
	struct hosted_image image = { 0 };
	(void)state;
	assert_false(slv_failed(read_it(&arena, "meta.n[lt]=5", &filter)));
	assert_false(hosted_filter_fits(&filter, &image));
	slv_arena_done(&arena);
}

static void what_is_no_filter_is_refused(void **state)
{
	static const char *const bad[] = { "meta.n=5", "meta.[eq]=5", "meta.n[eq=5", "meta.n[]=5",
		"meta.n[ne]=5", "meta.n[eq:]=5", "meta.n[eq:date]=5", "meta.n.[eq]=5",
		"meta..n[eq]=5", "meta.n[gt]=x", "meta.n[gt]=", "meta.n[gt:string]=5",
		"meta.n[in:boolean]=true", "meta.n[eq:boolean]=yes", "meta.n[eq:number]=x",
		"meta.n[in:number]=1|x", "creator=a&creator=b", "a=%zz", "%zz=a" };
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(bad); i++)
		assert_int_equal(code_of(bad[i]), SLV_E_SYNTAX);
	assert_int_equal(code_of("meta.a.b.c.d.e[eq]=1"), SLV_E_NONE);
	assert_int_equal(code_of("meta.a.b.c.d.e.f[eq]=1"), SLV_E_LIMIT);
	assert_int_equal(code_of("meta.a[in]=1|2|3|4|5|6|7|8|9|10"), SLV_E_NONE);
	assert_int_equal(code_of("meta.a[in]=1|2|3|4|5|6|7|8|9|10|11"), SLV_E_LIMIT);
}

static void filters_and_parameters_have_a_bound(void **state)
{
	char query[1000] = "";
	(void)state;
	for (int i = 0; i < 5; i++)
		strncat(query, "&meta.a[eq]=1", sizeof(query) - strlen(query) - 1);
	assert_int_equal(code_of(query), SLV_E_NONE);
	strncat(query, "&meta.a[eq]=1", sizeof(query) - strlen(query) - 1);
	assert_int_equal(code_of(query), SLV_E_LIMIT);
	query[0] = 0;
	for (int i = 0; i < 128; i++)
		strncat(query, "&a=1", sizeof(query) - strlen(query) - 1);
	assert_int_equal(code_of(query), SLV_E_NONE);
	strncat(query, "&a=1", sizeof(query) - strlen(query) - 1);
	assert_int_equal(code_of(query), SLV_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_asked_fits_all),
		cmocka_unit_test(a_creator_is_the_same_text),
		cmocka_unit_test(a_value_is_of_its_type),
		cmocka_unit_test(bounds_hold_at_their_ends),
		cmocka_unit_test(all_of_it_must_hold),
		cmocka_unit_test(a_picture_without_metadata_fits_no_filter_of_them),
		cmocka_unit_test(what_is_no_filter_is_refused),
		cmocka_unit_test(filters_and_parameters_have_a_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
