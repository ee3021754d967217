#include "conf/testing.h"

#include <stdio.h>
#include <unistd.h>

static void unknown_settings_name_the_nearest(void **state)
{
	(void)state;
	refused("pots: 1", "c.yaml:1:1: unknown setting 'pots'; did you mean 'port'?");
	refused("on: true\nprot: 1\n", "c.yaml:2:1: unknown setting 'prot'; did you mean 'port'?");
	refused("idle: 1", "c.yaml:1:1: unknown setting 'idle'; did you mean 'idle_ms'?");
	refused("idle_s: 1", "c.yaml:1:1: unknown setting 'idle_s'; did you mean 'idle_ms'?");
	refused("inner: { dept: 1 }", "c.yaml:1:10: unknown setting 'dept'; did you mean 'depth'?");
	refused("inner: { zzzzzz: 1 }",
			"c.yaml:1:10: unknown setting 'zzzzzz'; known are depth, note");
	refused("presets: { a: { name: x } }",
			"c.yaml:1:17: unknown setting 'name'; known are port");
	refused("inner: { ? : 1 }", "c.yaml:1:8: a key must be a text");
	refused("inner: { '': 1 }", "c.yaml:1:10: unknown setting ''; known are depth, note");
}

static void missing_settings_are_named(void **state)
{
	(void)state;
	refused("items:\n- port: 1\n",
			"c.yaml:2:3: 'name' is missing, a text of 1 to 8 bytes is needed");
	static const struct slv_conf_key leaf[] = {
		{ "file", SLV_CONF_PATH, 0, .min = 1, .max = 9 },
		{ 0 },
	};
	static const struct slv_conf_key middle[] = {
		{ "client", SLV_CONF_SECTION, 0, .keys = leaf },
		{ 0 },
	};
	static const struct slv_conf_key keys[] = {
		{ "tls", SLV_CONF_SECTION, 0, .keys = middle },
		{ "sites", SLV_CONF_LIST, 32, .min = 1, .keys = leaf, .size = sizeof(slv_str) },
		{ 0 },
	};
	struct reading reading;
	read_text(&reading, SLV_STR("# none\n"), "", keys, 64);
	assert_string_equal(reading.err.what,
			"c.yaml:1:1: 'tls.client.file' is missing, a path of 1 to 9 bytes is "
			"needed\n"
			"c.yaml:1:1: sites has 0 items, at least 1 is needed");
	reading_done(&reading);
}

static void collections_of_another_kind(void **state)
{
	(void)state;
	refused("[a]", "c.yaml:1:1: the file is a list, a mapping is needed");
	refused("text", "c.yaml:1:1: the file is a text, a mapping is needed");
	refused("port:8080", "c.yaml:1:1: the file is a text, a mapping is needed; write a blank "
			     "behind the ':'");
	refused("inner:\n  depth:1",
			"c.yaml:2:3: inner is a text, a mapping is needed; write a blank "
			"behind the ':'");
	refused("inner: 5", "c.yaml:1:8: inner is a text, a mapping is needed");
	refused("inner:\n  - 5\n", "c.yaml:2:3: inner is a list, a mapping is needed");
	refused("extra: 5", "c.yaml:1:8: extra is a text, a mapping is needed");
	refused("items: x", "c.yaml:1:8: items is 'x', a list of at most 3 mappings is needed");
	refused("items: [x, {name: b}, []]",
			"c.yaml:1:9: item 1 of items is a text, a mapping is needed\n"
			"c.yaml:1:23: item 3 of items is a list, a mapping is needed");
	refused("hosts: x", "c.yaml:1:8: hosts is 'x', a list of 1 to 2 texts is needed");
	refused("hosts: [[x]]", "c.yaml:1:9: item 1 of hosts is a list, a text is needed");
	refused("hosts: [a, ~]", "c.yaml:1:12: item 2 of hosts has no value, a text is needed");
	refused("hosts:\n  -\n  -\n", "c.yaml:2:4: item 1 of hosts has no value, a text is needed\n"
				      "c.yaml:3:4: item 2 of hosts has no value, a text is needed");
	refused("inner:\n  depth:\n",
			"c.yaml:2:3: depth has no value, a whole number from 1 to 9 is "
			"needed");
	refused("presets: [x]",
			"c.yaml:1:10: presets is a list, a mapping of at most 2 names is needed");
	refused("presets: { a: 5 }", "c.yaml:1:15: a is a text, a mapping is needed");
	refused("size: [1]", "c.yaml:1:7: size is a list, a text is needed");
}

static void counts_at_and_past_their_bounds(void **state)
{
	(void)state;
	struct reading reading;
	assert_int_equal(
			accepted(&reading, "items: [{name: a}, {name: b}, {name: c}]")->items.count,
			3);
	reading_done(&reading);
	refused("items: [{name: a}, {name: b}, {name: c}, {name: d}]",
			"c.yaml:1:8: items has 4 items, at most 3 are allowed");
	refused("hosts: []", "c.yaml:1:8: hosts has 0 items, at least 1 is needed");
	refused("hosts: [a, b, c]", "c.yaml:1:8: hosts has 3 items, at most 2 are allowed");
	assert_int_equal(accepted(&reading, "presets: {a: , b: {}}")->presets.count, 2);
	reading_done(&reading);
	refused("presets: {a: , b: , c: }",
			"c.yaml:1:10: presets has 3 items, at most 2 are allowed");
	refused("presets: { '': }", "c.yaml:1:12: this key has 0 bytes, at least 1 is needed");
	refused("presets: { 123456789: }",
			"c.yaml:1:12: this key has 9 bytes, at most 8 are allowed");
}

static void custom_readers_say_what_they_miss(void **state)
{
	(void)state;
	refused("size: 10", "c.yaml:1:7: size is '10', <width>x<height> is needed");
	refused("tilte: 1\nsize: \"1\\n\\e[2J\"",
			"c.yaml:1:1: unknown setting 'tilte'; did you mean 'title'?\n"
			"c.yaml:2:7: size is '1??[2J', <width>x<height> is needed");
}

static void mistakes_come_in_the_order_of_the_file(void **state)
{
	(void)state;
	refused("title: a\n"
		"hosts: []\n"
		"prot: 5\n"
		"inner: { note: 123456789, depth: 10 }\n"
		"on: maybe\n",
			"c.yaml:1:8: title has 1 byte, at least 2 are needed\n"
			"c.yaml:2:8: hosts has 0 items, at least 1 is needed\n"
			"c.yaml:3:1: unknown setting 'prot'; did you mean 'port'?\n"
			"c.yaml:4:16: note has 9 bytes, at most 8 are allowed\n"
			"c.yaml:4:34: depth is 10, at most 9 is allowed\n"
			"c.yaml:5:5: on is 'maybe', true or false is needed");
}

static void keys_stand_once(void **state)
{
	(void)state;
	refused("port: 1\non: true\nport: 2\n",
			"c.yaml:3:1: 'port' is given twice, first at line 1; remove one");
	refused("inner: { depth: 1, \"depth\": 0 }\nport: 0\n",
			"c.yaml:1:20: 'depth' is given twice, first at line 1; remove one\n"
			"c.yaml:2:7: port is 0, at least 1 is needed");
	refused("[a]: 1", "c.yaml:1:1: a key must be a text");
	refused("? {a: b}\n: 1", "c.yaml:1:3: a key must be a text");
}

static void aliases_anchors_and_tags_are_refused(void **state)
{
	(void)state;
	refused("title: !b &a Hello\n", "c.yaml:1:8: anchors (&name) and tags (!name) are not "
					"allowed; remove both");
	refused("title: &a Hello\n", "c.yaml:1:8: anchors (&name) are not allowed; remove it");
	refused("inner: &a\n  depth: 1\n",
			"c.yaml:1:8: anchors (&name) are not allowed; remove it");
	refused("title: *a\n",
			"c.yaml:1:8: aliases (*name) are not allowed; write the value itself");
	refused("<<: *a\n", "c.yaml:1:5: aliases (*name) are not allowed; write the value itself");
	refused("title: !!str 5\n", "c.yaml:1:8: tags (!name) are not allowed; remove it");
}

static void one_document_a_file(void **state)
{
	(void)state;
	struct reading reading;
	assert_int_equal(accepted(&reading, "---\nport: 5\n...\n")->port, 5);
	reading_done(&reading);
	refused("port: 5\n---\nport: 6\n",
			"c.yaml:2:1: a second document begins; one file holds one");
	refused("port: 5\n...\nport: 6\n",
			"c.yaml:3:1: a second document begins; one file holds one");
}

static void bytes_that_are_no_text_are_refused(void **state)
{
	(void)state;
	refused_bytes(SLV_STR("on: true\ntitle: \xc3\xa4\xff"), SLV_E_SYNTAX,
			"c.yaml:2:9: the byte 0xff is not UTF-8, which the file must be");
	static const struct {
		slv_str text;
		unsigned byte;
	} bad[] = {
		{ SLV_STR_INIT("\x80"), 0x80 },
		{ SLV_STR_INIT("\xc0\x80"), 0xc0 },
		{ SLV_STR_INIT("\xc3"), 0xc3 },
		{ SLV_STR_INIT("\xe0\x9f\x80"), 0xe0 },
		{ SLV_STR_INIT("\xed\xa0\x80"), 0xed },
		{ SLV_STR_INIT("\xf0\x8f\x80\x80"), 0xf0 },
		{ SLV_STR_INIT("\xf4\x90\x80\x80"), 0xf4 },
		{ SLV_STR_INIT("\xe2\x82"), 0xe2 },
	};
	for (size_t i = 0; i < SLV_COUNT(bad); i++) {
		char what[128];
		snprintf(what, sizeof(what),
				"c.yaml:1:1: the byte 0x%02x is not UTF-8, which the file must be",
				bad[i].byte);
		refused_bytes(bad[i].text, SLV_E_SYNTAX, what);
	}
	refused_bytes(SLV_STR("on: \0"), SLV_E_SYNTAX,
			"c.yaml:1:5: the character U+0000 is not allowed; remove it");
	refused("title: a\x1b[2J", "c.yaml:1:9: the control character 0x1b is not allowed; "
				   "write \"\\x1b\" in double quotes");
}

/* YAML 1.1 takes some of them for the end of a line, so they would spoil the places of mistakes. */
static void characters_that_nobody_sees_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *what;
	} rows[] = {
		{ "\xc2\x80", "control character 0x80 is not allowed; write \"\\x80\"" },
		{ "\xc2\x85", "control character 0x85 is not allowed; write \"\\x85\"" },
		{ "\xc2\x9f", "control character 0x9f is not allowed; write \"\\x9f\"" },
		{ "\xe2\x80\xa8", "character U+2028 is not allowed; write \"\\u2028\"" },
		{ "\xe2\x80\xa9", "character U+2029 is not allowed; write \"\\u2029\"" },
		{ "\xef\xbf\xbe", "character U+FFFE is not allowed; write \"\\ufffe\"" },
		{ "\xef\xbf\xbf", "character U+FFFF is not allowed; write \"\\uffff\"" },
	};
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		char text[32], what[128];
		snprintf(text, sizeof(text), "on: true\ntitle: a%s", rows[i].text);
		snprintf(what, sizeof(what), "c.yaml:2:9: the %s in double quotes", rows[i].what);
		refused(text, what);
	}
	struct reading reading;
	const char *seen = "title: \xc2\xa0\xf4\x8f\xbf\xbf";
	assert_int_equal(accepted(&reading, seen)->title.len, 6);
	reading_done(&reading);
}

static void a_byte_order_mark_has_no_column(void **state)
{
	(void)state;
	struct reading reading;
	assert_int_equal(accepted(&reading, "\xef\xbb\xbfport: 5")->port, 5);
	reading_done(&reading);
	assert_int_equal(accepted(&reading, "\xef\xbb\xbf")->port, 8080);
	reading_done(&reading);
	refused("\xef\xbb\xbfpots: 5", "c.yaml:1:1: unknown setting 'pots'; did you mean 'port'?");
	refused("\xef\xbb\xbf\xef\xbb\xbfport: 5",
			"c.yaml:1:1: the character U+FEFF is not allowed; remove it");
	refused("title: a\xef\xbb\xbf",
			"c.yaml:1:9: the character U+FEFF is not allowed; remove it");
}

static void a_bad_default_is_told_at_its_section(void **state)
{
	(void)state;
	static const struct slv_conf_key keys[] = {
		{ "port", SLV_CONF_INT, 0, "0", 1, 9, .help = "Low" },
		{ "key", SLV_CONF_SECRET, 16, "env:FIXTURE_NOT_SET", .help = "Unset" },
		{ "open", SLV_CONF_TEXTS, 32, "[ a", .help = "Not closed" },
		{ 0 },
	};
	static const struct slv_conf_key root[] = {
		{ "in", SLV_CONF_SECTION, 0, .keys = keys },
		{ 0 },
	};
	struct reading reading;
	read_text(&reading, SLV_STR("\nin:\n  open: []\n"), "", root, 64);
	assert_string_equal(reading.err.what,
			"c.yaml:3:3: the default of 'key': key: the environment variable "
			"'FIXTURE_NOT_SET' is not set\n"
			"c.yaml:3:3: the default of 'port': port is 0, at least 1 is needed");
	reading_done(&reading);
	read_text(&reading, SLV_STR("in: {port: 1, key: x}\n"), "", root, 64);
	assert_string_equal(reading.err.what,
			"c.yaml:1:5: the default of 'open': not YAML: ',' or ']' is missing "
			"in the list that begins at line 1, column 1");
	reading_done(&reading);
}

/* Pairs of a mapping by hand, as the routes of a site are read. */
static bool pairs_read(struct slv_conf_read *read, struct slv_conf_node *node, void *ret_value)
{
	int64_t *ret_count = ret_value;
	slv_str key;
	struct slv_conf_node *key_node, *value;
	if (!slv_conf_is_map(node))
		return slv_conf_fail(read, node, "pairs are needed");
	size_t count = 0;
	for (; slv_conf_pair(read, node, count, &key, &key_node, &value); count++) {
		struct fixture_inner *inner = slv_conf_take(read, sizeof(*inner));
		if (slv_str_eq(key, SLV_STR("bad")))
			return slv_conf_fail(read, key_node, "this key is bad");
		if (!inner || !slv_conf_section(read, value, fixture_inner_keys, inner))
			return false;
	}
	assert_non_null(slv_conf_arena(read));
	*ret_count = (int64_t)count;
	return true;
}

static void custom_readers_walk_pairs(void **state)
{
	(void)state;
	static const struct slv_conf_key keys[] = {
		{ "pairs", SLV_CONF_CUSTOM, 0, .size = sizeof(int64_t), .read = pairs_read },
		{ 0 },
	};
	static const struct {
		const char *text, *what;
	} rows[] = {
		{ "pairs: { a: , b: {depth: 2} }", NULL },
		{ "pairs: [a]", "c.yaml:1:8: pairs are needed" },
		{ "pairs: { a: , bad: }", "c.yaml:1:15: this key is bad" },
		{ "pairs: { a: { depth: 0 } }", "c.yaml:1:22: depth is 0, at least 1 is needed" },
		{ "pairs: { a: [] }", "c.yaml:1:13: a is a list, a mapping is needed" },
		{ "", "c.yaml:1:1: 'pairs' is missing, a value is needed" },
	};
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		struct reading reading;
		read_text(&reading, slv_str_from(rows[i].text), "", keys, sizeof(int64_t));
		if (rows[i].what) {
			assert_non_null(reading.err.what);
			assert_string_equal(reading.err.what, rows[i].what);
		} else {
			assert_int_equal(*(const int64_t *)slv_conf_root(reading.conf), 2);
		}
		reading_done(&reading);
	}
}

static void files_are_loaded(void **state)
{
	(void)state;
	char path[] = "/tmp/conf-test-XXXXXX", expected[64];
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "port: 7\n", 8), 8);
	struct slv_arena arena;
	slv_arena_init(&arena, SLV_KIB(4), SLV_KIB(64));
	struct slv_conf *conf;
	slv_err err = slv_conf_load(&arena, path, fixture_keys, sizeof(struct fixture), &conf);
	assert_false(slv_failed(err));
	const struct fixture *root = slv_conf_root(conf);
	assert_int_equal(root->port, 7);
	assert_true(slv_str_eq(root->data, SLV_STR("/tmp/data")));
	slv_conf_free(conf);
	slv_conf_free(NULL);

	assert_int_equal(write(fd, "on: 1\n", 6), 6);
	err = slv_conf_load(&arena, path, fixture_keys, sizeof(struct fixture), &conf);
	snprintf(expected, sizeof(expected), "%s:2:5: on is '1', true or false is needed", path);
	assert_string_equal(err.what, expected);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(path), 0);

	err = slv_conf_load(&arena, "/nowhere/c.yaml", fixture_keys, sizeof(struct fixture), &conf);
	assert_int_equal(err.code, SLV_E_MISSING);
	assert_string_equal(err.what, "cannot open the configuration '/nowhere/c.yaml': "
				      "No such file or directory");
	err = slv_conf_load(&arena, "/tmp", fixture_keys, sizeof(struct fixture), &conf);
	assert_int_equal(err.code, SLV_E_SYS);
	assert_string_equal(err.what, "cannot read the configuration '/tmp': Is a directory");
	slv_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_settings_name_the_nearest),
		cmocka_unit_test(missing_settings_are_named),
		cmocka_unit_test(collections_of_another_kind),
		cmocka_unit_test(counts_at_and_past_their_bounds),
		cmocka_unit_test(custom_readers_say_what_they_miss),
		cmocka_unit_test(mistakes_come_in_the_order_of_the_file),
		cmocka_unit_test(keys_stand_once),
		cmocka_unit_test(aliases_anchors_and_tags_are_refused),
		cmocka_unit_test(one_document_a_file),
		cmocka_unit_test(bytes_that_are_no_text_are_refused),
		cmocka_unit_test(characters_that_nobody_sees_are_refused),
		cmocka_unit_test(a_byte_order_mark_has_no_column),
		cmocka_unit_test(a_bad_default_is_told_at_its_section),
		cmocka_unit_test(custom_readers_walk_pairs),
		cmocka_unit_test(files_are_loaded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
