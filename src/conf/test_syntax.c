#include "conf/testing.h"

#include <stdio.h>

#define QUOTE "put the text in quotes"

/* What people get wrong, and what they are told. */
static const struct {
	const char *text, *place, *told;
} rows[] = {
	/* indents */
	{ "port: 1\n\ton: true\n", "2:1", "no tab can be before a key or value; use spaces" },
	{ "inner:\n\tdepth: 1\n", "2:1", "no tab can be before a key or value; use spaces" },
	{ "hosts:\n- a\n-\tb\n", "3:2", "no tab can be before a key or value; use spaces" },
	{ "title: >\n\tx\n", "2:1", "no tab can be before a key or value; use spaces" },
	{ "inner:\n  depth: 1\n note: x\n", "3:2",
			"this belongs to nothing: a key is needed, in the column of the mapping "
			"that begins at line 1, column 1" },
	{ "inner:\n  depth: 1\n    note: x\n", "3:9",
			"no ':' can be here; put a text that holds one in quotes, and begin the "
			"keys of a mapping in one column" },
	{ "hosts:\n  - a\n  b: c\n", "3:3",
			"this belongs to nothing: '- ' is needed, in the column of the list that "
			"begins at line 2, column 3" },
	/* brackets */
	{ "hosts: [a\n", "2:1",
			"',' or ']' is missing in the list that begins at line 1, column 8" },
	{ "inner: {depth: 1\non: true", "2:3",
			"',' or '}' is missing in the mapping that begins at line 1, column 8" },
	{ "hosts: ]", "1:8", "']' cannot begin a value; put the whole text in quotes" },
	{ "{on: true}}", "1:11",
			"nothing can be here, for the value before it has ended (or '---' is "
			"missing behind lines that begin with '%')" },
	/* quotes */
	{ "title: \"x\n", "1:8", "this quote is not closed; write it again where the text ends" },
	{ "title: 'x\n---\n", "1:8",
			"this quote is not closed before the next document; write it again where "
			"the text ends" },
	{ "title: \"x\" y", "1:12",
			"this belongs to nothing: a key is needed, in the column of the mapping "
			"that begins at line 1, column 1" },
	{ "title: \"\\q\"", "1:9",
			"this escape is unknown; write \\\\ for a backslash, or use single "
			"quotes" },
	{ "title: \"\\x1\"", "1:11",
			"this escape is no character; write \\x, \\u or \\U and 2, 4 or 8 "
			"hexadecimal digits" },
	{ "title: \"\\ud800\"", "1:11",
			"this escape is no character; write \\x, \\u or \\U and 2, 4 or 8 "
			"hexadecimal digits" },
	/* texts that need them */
	{ "on: @x\n", "1:5", "'@' cannot begin a text; " QUOTE },
	{ "on: `x`\n", "1:5", "'`' cannot begin a text; " QUOTE },
	{ "title: \xc3\xa4: b", "1:9",
			"no ':' can be here; put a text that holds one in quotes, and begin the "
			"keys of a mapping in one column" },
	{ "hosts: [::1, b]", "1:9", "':' cannot begin a value; put the whole text in quotes" },
	{ "title: [::1]:443", "1:9", "':' cannot begin a value; put the whole text in quotes" },
	{ "hosts: [*.a.net]", "1:9", "'&' and '*' cannot begin a text; " QUOTE },
	{ "title: & b", "1:8", "'&' and '*' cannot begin a text; " QUOTE },
	{ "title: ? b", "1:8", "no '?' can be here; put a text that begins with one in quotes" },
	{ "title: - b", "1:8",
			"no list can begin here; begin it in a line of its own, or write it as "
			"[ a, b ]" },
	{ "on: true\nport\nany: 1\n", "2:1",
			"':' is missing behind this key, in its line and within 1024 characters" },
	{ "title: |x\n  y\n", "1:9",
			"behind '|' or '>' the line must end; the text goes into the next" },
	{ "title: |0\n  y\n", "1:9", "behind '|' or '>' a number from 1 to 9 is allowed" },
	/* tags and directives */
	{ "title: !a!b c", "1:8",
			"tags (!name) are not allowed; remove it, or put a text in quotes" },
	{ "title: !<a", "1:8", "tags (!name) are not allowed; remove it, or put a text in quotes" },
	{ "title: !%4 a", "1:8",
			"tags (!name) are not allowed; remove it, or put a text in quotes" },
	{ "%YAML 9.9\n---\nport: 1\n", "1:1",
			"this version of YAML is unknown; write 1.2 or remove the line" },
	{ "%YAML 1.2\n%YAML 1.2\n---\nport: 1\n", "2:1", "%YAML is given twice; remove one" },
	{ "%YAML x\n---\nport: 1\n", "1:1", "%YAML needs a version, as %YAML 1.2" },
	{ "%x y\n---\nport: 1\n", "1:1", "this directive (%) is unknown; remove the line" },
	{ "%YAML 1.2\nport: 1\n", "2:1",
			"nothing can be here, for the value before it has ended (or '---' is "
			"missing behind lines that begin with '%')" },
};

static void what_is_no_yaml_is_told_in_our_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		char what[512];
		snprintf(what, sizeof(what), "c.yaml:%s: not YAML: %s", rows[i].place,
				rows[i].told);
		refused(rows[i].text, what);
	}
}

static void tags_are_not_declared(void **state)
{
	(void)state;
	refused("%TAG ! tag:x,2000:\n---\nport: 1\n",
			"c.yaml:1:1: tags (%TAG) are not allowed; remove the line");
	refused("port: 1\n...\n%TAG ! x\n",
			"c.yaml:3:1: tags (%TAG) are not allowed; remove the line");
	struct reading reading;
	assert_true(slv_str_eq(accepted(&reading, "title: 'a\n %TAG'")->title, SLV_STR("a %TAG")));
	reading_done(&reading);
}

/* What is read as YAML 1.2 says although the library is of 1.1. */
static void versions_of_yaml_do_not_matter(void **state)
{
	(void)state;
	static const struct {
		const char *text, *title;
	} same[] = {
		{ "%YAML 1.1\n---\ntitle: on", "on" },
		{ "%YAML 1.2\n---\ntitle: yes", "yes" },
		{ "title: 1:30:00", "1:30:00" },
		{ "title: 0o17", "0o17" },
		{ "title: 1_000", "1_000" },
		{ "title: \"a\\/b\"", "a/b" },
		{ "{\"title\":\"a:b\"}", "a:b" },
		{ "{title: a:b}", "a:b" },
		{ "title: ::1", "::1" },
		{ "title:\ta b", "a b" },
		{ "title: a#b", "a#b" },
		{ "title: <<", "<<" },
		{ "title: =x", "=x" },
	};
	for (size_t i = 0; i < SLV_COUNT(same); i++) {
		struct reading reading;
		slv_str title = accepted(&reading, same[i].text)->title;
		assert_true(slv_str_eq(title, slv_str_from(same[i].title)));
		reading_done(&reading);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_yaml_is_told_in_our_words),
		cmocka_unit_test(tags_are_not_declared),
		cmocka_unit_test(versions_of_yaml_do_not_matter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
