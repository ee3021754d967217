#include "base/mem.h"
#include "conf/testing.h"

#include <stdio.h>
#include <unistd.h>

/* Anything is a value of this schema, so that only limits refuse. */
static bool any_read(struct slv_conf_read *read, struct slv_conf_node *node, void *ret_value)
{
	(void)read;
	(void)node;
	*(bool *)ret_value = true;
	return true;
}

static const struct slv_conf_key any_keys[] = {
	{ "a", SLV_CONF_CUSTOM, 0, .size = sizeof(bool), .read = any_read },
	{ 0 },
};

/* Read and free `buf`; NULL for `what` means that it is accepted. */
static void limit_is(struct slv_buf *buf, const char *what)
{
	struct reading reading;
	assert_false(buf->overflow);
	read_text(&reading, slv_buf_str(buf), "", any_keys, sizeof(bool));
	if (what) {
		assert_non_null(reading.err.what);
		assert_string_equal(reading.err.what, what);
		assert_int_equal(reading.err.code, SLV_E_LIMIT);
	} else {
		assert_null(reading.err.what);
		assert_true(*(const bool *)slv_conf_root(reading.conf));
	}
	reading_done(&reading);
	slv_buf_done(buf);
}

static struct slv_buf repeated(const char *head, const char *part, size_t count, const char *tail)
{
	struct slv_buf buf;
	slv_buf_init(&buf, SLV_MIB(4));
	slv_buf_add(&buf, slv_str_from(head));
	for (size_t i = 0; i < count; i++)
		slv_buf_add(&buf, slv_str_from(part));
	slv_buf_add(&buf, slv_str_from(tail));
	return buf;
}

static void a_file_has_a_mebibyte(void **state)
{
	(void)state;
	struct slv_buf buf = repeated("a: '", "x", SLV_MIB(1) - 5, "'");
	assert_int_equal(buf.len, SLV_MIB(1));
	limit_is(&buf, NULL);
	buf = repeated("a: '", "x", SLV_MIB(1) - 4, "'");
	limit_is(&buf, "c.yaml:1:1: the file is larger than 1 MiB; make it smaller");
}

static void a_loaded_file_has_a_mebibyte(void **state)
{
	(void)state;
	char path[] = "/tmp/conf-test-XXXXXX", expected[128];
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	struct slv_buf buf = repeated("a: '", "x", SLV_MIB(1) - 5, "'");
	assert_int_equal(write(fd, buf.at, buf.len), buf.len);
	struct slv_arena arena;
	slv_arena_init(&arena, SLV_KIB(4), SLV_KIB(64));
	struct slv_conf *conf;
	assert_false(slv_failed(slv_conf_load(&arena, path, any_keys, sizeof(bool), &conf)));
	slv_conf_free(conf);
	assert_int_equal(write(fd, "\n", 1), 1);
	slv_err err = slv_conf_load(&arena, path, any_keys, sizeof(bool), &conf);
	snprintf(expected, sizeof(expected),
			"%s:1:1: the file is larger than 1 MiB; make it smaller", path);
	assert_string_equal(err.what, expected);
	assert_int_equal(err.code, SLV_E_LIMIT);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(path), 0);
	slv_arena_done(&arena);
	slv_buf_done(&buf);
}

static void levels_are_32(void **state)
{
	(void)state;
	struct slv_buf buf = repeated("a: ", "[", 31, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	limit_is(&buf, NULL);
	buf = repeated("a: ", "[", 32, "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	limit_is(&buf, "c.yaml:1:35: too many levels in one another, at most 32 are allowed");
	buf = repeated("a:\n", "- ", 400000, "");
	limit_is(&buf, "c.yaml:2:63: too many levels in one another, at most 32 are allowed");
	buf = repeated("a: ", "{b: ", 200000, "");
	limit_is(&buf, "c.yaml:1:128: too many levels in one another, at most 32 are allowed");
}

/* The root, its key, the list, and the items. */
static void values_and_keys_are_100000(void **state)
{
	(void)state;
	struct slv_buf buf = repeated("a: [", "x,", 100000 - 3, "]");
	limit_is(&buf, NULL);
	buf = repeated("a: [", "x,", 100000 - 2, "]");
	limit_is(&buf, "c.yaml:1:199999: too many values and keys, at most 100000 are allowed");
}

/* They have once cost the square of their number. */
static void blank_lines_have_no_limit(void **state)
{
	(void)state;
	static const char *const blanks[] = { "\n", "\r", "\r\n", "  \n" };
	static const char *const heads[] = { "a: 'x\n", "a: \"x'\n", "a: x\n", "a: |\n x\n", "" };
	static const char *const tails[] = { " x'\n", " x\"", " x", " x", "a: x" };
	for (size_t i = 0; i < SLV_COUNT(blanks); i++)
		for (size_t j = 0; j < SLV_COUNT(heads); j++) {
			size_t count = (SLV_MIB(1) - 16) / strlen(blanks[i]);
			struct slv_buf buf = repeated(heads[j], blanks[i], count, tails[j]);
			limit_is(&buf, NULL);
		}
}

static void mistakes_told_are_20(void **state)
{
	(void)state;
	for (size_t count = 20; count <= 22; count++) {
		struct slv_buf buf = repeated("", "", 0, "");
		for (size_t i = 0; i < count; i++)
			slv_buf_printf(&buf, "zzzzzz%zu: 1\n", i);
		struct reading reading;
		read_text(&reading, slv_buf_str(&buf), "", fixture_keys, sizeof(struct fixture));
		assert_int_equal(reading.err.code, SLV_E_SYNTAX);
		size_t lines = 0;
		slv_str last = { 0 };
		for (slv_str rest = slv_str_from(reading.err.what); rest.at; lines++)
			last = slv_str_cut(&rest, '\n');
		assert_int_equal(lines, count == 20 ? 20 : 21);
		assert_int_equal(slv_str_eq(last, SLV_STR("c.yaml:20:1: there are more mistakes "
							  "than these 20")),
				count > 20);
		reading_done(&reading);
		slv_buf_done(&buf);
	}
}

static void long_values_are_cut_in_mistakes(void **state)
{
	(void)state;
	struct slv_buf buf = repeated("port: ", "x", 64, "");
	struct slv_buf what = repeated("c.yaml:1:7: port is '", "x", 64,
			"', a whole number from 1 to 65535 is needed");
	slv_buf_add_char(&what, '\0');
	slv_buf_add_char(&buf, '\0');
	refused(buf.at, what.at);
	slv_buf_done(&buf);
	slv_buf_done(&what);
	buf = repeated("port: x", "\xc3\xa4", 600, "");
	what = repeated("c.yaml:1:7: port is 'x", "\xc3\xa4", 31,
			"...', a whole number from 1 to 65535 is needed");
	slv_buf_add_char(&what, '\0');
	slv_buf_add_char(&buf, '\0');
	refused(buf.at, what.at);
	slv_buf_done(&buf);
	slv_buf_done(&what);
	/* A reader's own message, which ends within a character. */
	buf = repeated("size: ", "\xc3\xa4", 600, "");
	struct reading reading;
	read_text(&reading, slv_buf_str(&buf), "", fixture_keys, sizeof(struct fixture));
	assert_true(strlen(reading.err.what) <= 512 + 12);
	assert_true(strlen(reading.err.what) >= 500);
	assert_memory_equal(reading.err.what + strlen(reading.err.what) - 2, "\xc3\xa4", 2);
	reading_done(&reading);
	slv_buf_done(&buf);
}

/* With every cap from nothing up, each allocation is once the one that fails. */
static void past_the_memory_cap_it_is_refused(void **state)
{
	(void)state;
	assert_int_equal(setenv("FIXTURE_KEY", "hidden", 1), 0);
	slv_str text = SLV_STR("title: some\nkey: env:FIXTURE_KEY\nextra:\n"
			       "items: [ { name: a }, { name: b } ]\n"
			       "hosts: [ a, b ]\npresets: { a: , b: }\n");
	size_t refusals = 0;
	bool good = false;
	for (size_t max = 1; !good; max += 7) {
		struct slv_arena arena;
		struct slv_conf *conf = NULL;
		slv_arena_init(&arena, SLV_KIB(4), SLV_KIB(64));
		slv_err err = slv_conf_parse_capped(&arena, text, "c.yaml", "/etc/x", fixture_keys,
				sizeof(struct fixture), max, &conf);
		good = !slv_failed(err);
		if (!good) {
			refusals++;
			assert_int_equal(err.code, SLV_E_LIMIT);
			assert_non_null(strstr(err.what, "from here on the settings need more "
							 "than"));
			assert_null(strchr(err.what, '\n'));
			assert_null(conf);
		}
		slv_conf_free(conf);
		slv_arena_done(&arena);
		assert_true(max < SLV_KIB(64));
	}
	assert_true(refusals > 100);
	assert_int_equal(unsetenv("FIXTURE_KEY"), 0);
}

static bool greedy_read(struct slv_conf_read *read, struct slv_conf_node *node, void *ret_value)
{
	(void)node;
	(void)ret_value;
	return slv_conf_take(read, SLV_CONF_ARENA_BYTES_MAX + 1);
}

/* Takes from the arena itself and says nothing. */
static bool silent_read(struct slv_conf_read *read, struct slv_conf_node *node, void *ret_value)
{
	(void)node;
	(void)ret_value;
	return slv_arena_bytes(slv_conf_arena(read), SLV_CONF_ARENA_BYTES_MAX + 1);
}

static void readers_past_the_cap_are_refused(void **state)
{
	(void)state;
	const struct slv_conf_key keys[][2] = {
		{ { "a", SLV_CONF_CUSTOM, 0, .read = greedy_read }, { 0 } },
		{ { "a", SLV_CONF_CUSTOM, 0, .read = silent_read }, { 0 } },
		{ { "a", SLV_CONF_LIST, 0, .keys = fixture_inner_keys, .size = SLV_MIB(33) },
				{ 0 } },
	};
	for (size_t i = 0; i < SLV_COUNT(keys); i++) {
		struct reading reading;
		read_text(&reading, SLV_STR("\na: [{}, {}]\n"), "", keys[i], 64);
		assert_int_equal(reading.err.code, SLV_E_LIMIT);
		assert_string_equal(reading.err.what,
				"c.yaml:2:4: from here on the settings need more than 65536 KiB of "
				"memory; make them fewer");
		reading_done(&reading);
	}
	struct reading reading;
	read_text(&reading, SLV_STR(""), "", any_keys, SLV_CONF_ARENA_BYTES_MAX + 1);
	assert_int_equal(reading.err.code, SLV_E_LIMIT);
	reading_done(&reading);
}

static void without_memory_for_the_reason_the_code_stays(void **state)
{
	(void)state;
	struct slv_arena arena;
	slv_arena_init(&arena, 8, 8);
	struct slv_conf *conf;
	slv_err err = slv_conf_parse(&arena, SLV_STR("port: 0"), "c.yaml", "", fixture_keys,
			sizeof(struct fixture), &conf);
	assert_int_equal(err.code, SLV_E_SYNTAX);
	assert_string_equal(err.what, "(no memory for the reason)");
	slv_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_has_a_mebibyte),
		cmocka_unit_test(a_loaded_file_has_a_mebibyte),
		cmocka_unit_test(levels_are_32),
		cmocka_unit_test(values_and_keys_are_100000),
		cmocka_unit_test(blank_lines_have_no_limit),
		cmocka_unit_test(mistakes_told_are_20),
		cmocka_unit_test(long_values_are_cut_in_mistakes),
		cmocka_unit_test(past_the_memory_cap_it_is_refused),
		cmocka_unit_test(readers_past_the_cap_are_refused),
		cmocka_unit_test(without_memory_for_the_reason_the_code_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
