#include "service/image/source.h"
#include "service/image/testing.h"

#include <string.h>

static void each_spelling_has_its_name(void **state)
{
	static const struct {
		const char *source, *name; /* NULL: no request can have it */
	} rows[] = {
		{ "/f/a.jpg", "/f/a.jpg" },
		{ "/f/%61.jpg", "/f/a.jpg" },
		{ "/%66/a.jpg", "/f/a.jpg" },
		{ "/f/a%2Ejpg", "/f/a.jpg" },
		{ "/f/a%2ejpg", "/f/a.jpg" },
		{ "/f//a.jpg", "/f/a.jpg" },
		{ "//f///a.jpg", "/f/a.jpg" },
		{ "/f/a.jpg?", "/f/a.jpg" },
		{ "/f/a.jpg?x=1", "/f/a.jpg" },
		{ "/f/a.jpg?x=/../%2f%zz", "/f/a.jpg" },
		{ "/f/%61.jpg?x=1?y", "/f/a.jpg" },
		/* Those are other files. */
		{ "/f/A.jpg", "/f/A.jpg" },
		{ "/f/a.jpg/", "/f/a.jpg/" },
		{ "/f/b/a.jpg", "/f/b/a.jpg" },
		{ "/f/%2561.jpg", "/f/%2561.jpg" }, /* decoded once */
		{ "/f/a.jpg%3Fx=1", "/f/a.jpg%3Fx%3D1" },
		/* What must be encoded is, and what needs not may be. */
		{ "/f/\xc3\xbc b.jpg", "/f/%C3%BC%20b.jpg" },
		{ "/f/%c3%bc%20b.jpg", "/f/%C3%BC%20b.jpg" },
		{ "/f/a+b,c@d.jpg", "/f/a%2Bb%2Cc%40d.jpg" },
		{ "/f/a%2bb%2cc%40d.jpg", "/f/a%2Bb%2Cc%40d.jpg" },
		{ "/f/-._~9Z.jpg", "/f/-._~9Z.jpg" },
		/* No files: query and spelling may matter. */
		{ "/a.jpg", "/a.jpg" },
		{ "/%61.jpg", "/%61.jpg" },
		{ "/a.jpg?x=1", "/a.jpg?x=1" },
		{ "//a.jpg?", "//a.jpg?" },
		{ "/f", "/f" },
		{ "/i/width=5/f/%61.jpg?x=1", "/i/width=5/f/%61.jpg?x=1" },
		/* Of another's the other knows. */
		{ "https://img.example.com/f/%61.jpg?x=1",
				"https://img.example.com/f/%61.jpg?x=1" },
		{ "http://img.example.com//f/../a.jpg", "http://img.example.com//f/../a.jpg" },
		{ "/f/./a.jpg", NULL },
		{ "/f/%2e%2E/a.jpg", NULL },
		{ "/f/b%2fa.jpg", NULL },
		{ "/f/b\\a.jpg", NULL },
		{ "/f/%5ca.jpg", NULL },
		{ "/f/a.jpg%00", NULL },
		{ "/f/a.jpg%", NULL },
		{ "/f/%6g.jpg", NULL },
	};
	struct bench *bench = *state;
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		slv_str name = { 0 };
		slv_err err = image_source_name(
				bench->self, &bench->arena, slv_str_from(rows[i].source), &name);
		if (slv_failed(err) != !rows[i].name ||
				(rows[i].name && !slv_str_eq(name, slv_str_from(rows[i].name))))
			fail_msg("%s: '%.*s'", rows[i].source, SLV_FMT(name));
		assert_int_equal(err.code, rows[i].name ? SLV_E_NONE : SLV_E_SYNTAX);
	}
}

/* What is fetched by its name is what was asked for. */
static void a_name_is_its_own_name(void **state)
{
	struct bench *bench = *state;
	for (unsigned c = 1; c < 256; c++) {
		char source[] = "/f/ .jpg";
		slv_str name, again, path, path_again;
		source[3] = (char)c;
		if (c == '%' || c == '?' || c == '\\')
			continue;
		slv_str text = slv_str_from(source);
		assert_false(slv_failed(
				image_source_name(bench->self, &bench->arena, text, &name)));
		assert_false(slv_failed(
				image_source_name(bench->self, &bench->arena, name, &again)));
		assert_true(slv_str_eq(name, again));
		assert_false(slv_failed(slv_uri_decode_path(&bench->arena, text, &path)));
		assert_false(slv_failed(slv_uri_decode_path(&bench->arena, name, &path_again)));
		assert_true(slv_str_eq(path, path_again));
	}
}

static void files_are_known_by_their_path(void **state)
{
	static const struct {
		const char *source;
		bool is_file;
	} rows[] = {
		{ "/f/a.jpg", true },
		{ "/%66//a.jpg?x", true },
		{ "/a.jpg", false },
		{ "https://img.example.com/f/a.jpg", false },
		{ "/f/../a.jpg", false },
		{ "/f/%zz.jpg", false },
	};
	struct bench *bench = *state;
	for (size_t i = 0; i < SLV_COUNT(rows); i++)
		assert_int_equal(image_source_is_file(bench->self, &bench->arena,
						 slv_str_from(rows[i].source)),
				rows[i].is_file);
}

static void past_the_arenas_cap_there_is_no_name(void **state)
{
	struct bench *bench = *state;
	struct slv_arena arena;
	slv_str name = { 0 };
	slv_arena_init(&arena, 64, 64);
	char source[200];
	memset(source, 'a', sizeof(source));
	memcpy(source, "/f/", 3);
	slv_err err = image_source_name(
			bench->self, &arena, (slv_str){ source, sizeof(source) }, &name);
	assert_int_equal(err.code, SLV_E_LIMIT);
	assert_null(name.at);
	slv_arena_done(&arena);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
		T(each_spelling_has_its_name),
		T(a_name_is_its_own_name),
		T(files_are_known_by_their_path),
		T(past_the_arenas_cap_there_is_no_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
