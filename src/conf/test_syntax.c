#include "conf/testing.h"

#include <stdio.h>
#include <string.h>

#define QUOTE "put the text in quotes"
#define LINE_TAB "no tab can be where a line begins; use spaces"
#define KEY "': ' (with a blank) is missing behind this key, in its line and within 1024 characters"
#define BLANK "a blank is needed behind this ':', or quotes around the text that holds it"
#define COMMENT                                                                                    \
	"'#' begins a comment only behind a blank; put one before it, or put the whole text in "   \
	"quotes"
#define STILL(line, column)                                                                        \
	"this line is still in the quotes that begin at line " line ", column " column             \
	"; close them there, or begin it further right"
#define LEFT                                                                                       \
	"this line begins left of the text behind '|' or '>'; begin all its lines in one column"

/* What people get wrong, and what they are told. */
static const struct {
	const char *text, *place, *told;
} rows[] = {
	/* indents */
	{ "port: 1\n\ton: true\n", "2:1", LINE_TAB },
	{ "inner:\n\tdepth: 1\n", "2:1", LINE_TAB },
	{ "hosts:\n- a\n-\tb\n", "3:2", "no tab can be before a key or value; use spaces" },
	{ "title: >\n\tx\n", "2:1", LINE_TAB },
	{ "inner:\n  depth: 1\n note: x\n", "3:2",
			"this belongs to nothing: a key is needed, in the column of the mapping "
			"that begins at line 1, column 1" },
	{ "inner:\n  depth: 1\n    note: x\n", "3:9",
			"no ':' can be here; put a text that holds one in quotes, and begin the "
			"keys of a mapping in one column" },
	{ "hosts:\n  - a\n  b: c\n", "3:3",
			"this belongs to nothing: '- ' is needed, in the column of the list that "
			"begins at line 2, column 3" },
	{ "port: 1\n\t\nany: 2", "2:1", LINE_TAB },
	{ "port: 1\n\t# c\nany: 2", "2:1", LINE_TAB },
	{ "\t# c\nport: 1", "1:1", LINE_TAB },
	{ "port: 1\r\t#", "2:1", LINE_TAB },
	{ "hosts: [\n\ta\n\t]", "3:1", LINE_TAB },
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
	{ "on: true\nport\nany: 1\n", "2:1", KEY },
	{ "any: 1\nport:8080\non: true", "2:1", KEY },
	{ "any: 1\n\"port\":8080", "2:1", KEY },
	{ "\"port\":8080", "1:7", BLANK },
	{ "hosts:\n  - 'a':1", "2:8", BLANK },
	{ "inner: {note:}", "1:13", BLANK },
	{ "inner: {depth:, note: x}", "1:14", BLANK },
	{ "hosts: [a:]", "1:10", BLANK },
	{ "{hosts :[]}", "1:8", BLANK },
	/* a '?' that the library takes off its text */
	{ "inner: {?note: x}", "1:9", "'?' cannot begin a text here; " QUOTE },
	{ "inner: {depth: 1, ?note: x}", "1:19", "'?' cannot begin a text here; " QUOTE },
	{ "hosts: [\xc3\xa4, ?x]", "1:12", "'?' cannot begin a text here; " QUOTE },
	/* comments */
	{ "title: 'ab'#c", "1:12", COMMENT },
	{ "\"title\"#c: x", "1:8", COMMENT },
	{ "title: >#c\n  ab", "1:9", COMMENT },
	{ "title: |2-#c\n  ab", "1:11", COMMENT },
	{ "hosts: [a]#c", "1:11", COMMENT },
	{ "inner: {note: \xc3\xa4}#c", "1:17", COMMENT },
	{ "hosts: [a,#c\nb]", "1:11", COMMENT },
	/* quotes that are closed too late */
	{ "title: \"a\nport: 2\nany: x\"", "2:1", STILL("1", "8") },
	{ "title: \"a\n\"", "2:1", STILL("1", "8") },
	{ "inner:\n  note: 'x\n\n  y'", "4:3", STILL("2", "9") },
	{ "hosts: [\"a\nb\"]", "2:1", STILL("1", "9") },
	{ "hosts:\n- 'x\ny'", "3:1", STILL("2", "3") },
	/* lines of texts behind '|' and '>' */
	{ "title: |2\n ab", "2:2", LEFT },
	{ "title: >9\n  ab", "2:3", LEFT },
	{ "title: |\n    \n  ab", "3:3", LEFT },
	{ "title: |\n    ab\n# c\n  cd\n", "4:3", LEFT },
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
	{ "port: 1\n%YAML 1.2", "2:1", "nothing follows this line; remove it" },
	{ "%YAML 1.2\n\n# c\n", "1:1", "nothing follows this line; remove it" },
	{ "...\nport: 1", "1:1", "nothing is before '...'; remove this line" },
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

/* A key with what follows it, up to and past 1024 characters. */
static void long_keys_are_told(void **state)
{
	(void)state;
	static const struct {
		const char *head, *tail, *place;
	} ways[] = {
		{ "", ": 1", "1:1026" },
		{ "\"", "\": 1", "1:1028" },
		{ "any: 1\n\"", "\": 1", "2:1" },
		{ "any: 1\n", ": 1", "2:1" },
		{ "{\"", "\": 1}", "1:1029" },
	};
	for (size_t i = 0; i < SLV_COUNT(ways); i++) {
		char text[1100], what[256], key[1026];
		memset(key, 'k', sizeof(key));
		key[1025] = '\0';
		snprintf(text, sizeof(text), "%s%s%s", ways[i].head, key, ways[i].tail);
		snprintf(what, sizeof(what),
				"c.yaml:%s: not YAML: a key has at most 1024 characters; put a "
				"text that holds ':' in quotes",
				ways[i].place);
		refused(text, what);
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
		{ "{title: why?}", "why?" },
		{ "{title: a ?b}", "a ?b" },
		{ "{? title: ab}", "ab" },
		{ "title: 'a b' #c", "a b" },
		{ "title: > #c\n  ab\n# d\n\n #e#f\nport: 1", "ab\n" },
		{ "title: 'ab\n  cd'", "ab cd" },
		{ "title: \"ab\r\n\r\n cd\"", "ab\ncd" },
		{ "{title: 'ab\ncd'}", "ab cd" },
		{ "{title: ab,\nhosts: [\na\n]}", "ab" },
		{ "hosts:\n- 'a\n b'\ntitle: ab", "ab" },
		{ "hosts:\n- |\n  a\n- b\ntitle: ab", "ab" },
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
		cmocka_unit_test(long_keys_are_told),
		cmocka_unit_test(tags_are_not_declared),
		cmocka_unit_test(versions_of_yaml_do_not_matter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
