#include "conf/testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_IS(text, literal) assert_true(slv_str_eq((text), SLV_STR(literal)))

static void defaults_are_read_as_text_is(void **state)
{
	(void)state;
	static const char *const empty[] = { "", "# nothing\n", "{}", "---\n", "~\n",
		"\xef\xbb\xbf" };
	for (size_t i = 0; i < SLV_COUNT(empty); i++) {
		struct reading reading;
		const struct fixture *root = accepted(&reading, empty[i]);
		assert_true(root->on);
		assert_int_equal(root->port, 8080);
		assert_int_equal(root->body_bytes, 1 << 20);
		assert_int_equal(root->mode, 0);
		assert_true(root->ratio == 0.5);
		TEXT_IS(root->title, "Hello");
		TEXT_IS(root->key, "");
		TEXT_IS(root->data, "/etc/x/data");
		assert_int_equal(root->inner.depth, 3);
		assert_null(root->extra);
		assert_int_equal(root->items.count, 0);
		assert_int_equal(root->hosts.count, 1);
		TEXT_IS(*(const slv_str *)root->hosts.at, "*");
		assert_int_equal(root->presets.count, 0);
		assert_int_equal(root->size.width, 3);
		assert_int_equal(root->size.height, 4);
		reading_done(&reading);
	}
}

static void texts_of_every_style_arrive(void **state)
{
	(void)state;
	static const char *styles[][2] = {
		{ "key: 'a''b''c'\n", "a'b'c" },
		{ "key: \"\\x41\\x42\\x43\\u00e9\\n\"\n", "ABC\xc3\xa9\n" },
		{ "key: a b\n  c\n\n  d\n", "a b c\nd" },
		{ "key: |\n  a\n  b\n\n  c\n", "a\nb\n\nc\n" },
		{ "key: >-\n  a\n  b\n\n  c\n", "a b\nc" },
		{ "key: ''\n", "" },
	};
	for (size_t i = 0; i < SLV_COUNT(styles); i++) {
		struct reading reading;
		const struct fixture *root = accepted(&reading, styles[i][0]);
		assert_true(slv_str_eq(root->key, slv_str_from(styles[i][1])));
		reading_done(&reading);
	}
}

static void every_type_arrives(void **state)
{
	(void)state;
	struct reading reading;
	const struct fixture *root = accepted(&reading,
			"on: false\nport: 1\nany: -5\nmode: off\nratio: .75\ntitle: \"a\\tb\"\n"
			"key: plain\ndata: /abs\ninner: {depth: 9}\nextra: { note: x }\n"
			"items:\n- name: one\n- { name: two, port: 65535 }\n"
			"hosts: [a, 'b']\npresets:\n  small:\n  large: { port: 7 }\nsize: 10x20\n");
	assert_false(root->on);
	assert_int_equal(root->port, 1);
	assert_int_equal(root->any, -5);
	assert_int_equal(root->mode, 2);
	assert_true(root->ratio == 0.75);
	TEXT_IS(root->title, "a\tb");
	TEXT_IS(root->key, "plain");
	TEXT_IS(root->data, "/abs");
	assert_int_equal(root->inner.depth, 9);
	assert_non_null(root->extra);
	assert_int_equal(root->extra->depth, 3);
	TEXT_IS(root->extra->note, "x");
	const struct fixture_item *items = root->items.at, *presets = root->presets.at;
	assert_int_equal(root->items.count, 2);
	TEXT_IS(items[0].name, "one");
	assert_int_equal(items[0].port, 80);
	TEXT_IS(items[1].name, "two");
	assert_int_equal(items[1].port, 65535);
	const slv_str *hosts = root->hosts.at;
	assert_int_equal(root->hosts.count, 2);
	TEXT_IS(hosts[0], "a");
	TEXT_IS(hosts[1], "b");
	assert_int_equal(root->presets.count, 2);
	TEXT_IS(presets[0].name, "small");
	assert_int_equal(presets[0].port, 80);
	TEXT_IS(presets[1].name, "large");
	assert_int_equal(presets[1].port, 7);
	assert_int_equal(root->size.width, 10);
	assert_int_equal(root->size.height, 20);
	reading_done(&reading);
}

static void an_option_without_settings_is_given(void **state)
{
	(void)state;
	struct reading reading;
	const struct fixture *root = accepted(&reading, "extra:\n");
	assert_non_null(root->extra);
	assert_int_equal(root->extra->depth, 3);
	reading_done(&reading);
}

static void numbers_at_their_bounds(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t offset;
		int64_t value;
	} good[] = {
		{ "port: 1", offsetof(struct fixture, port), 1 },
		{ "port: 65535", offsetof(struct fixture, port), 65535 },
		{ "port: '80'", offsetof(struct fixture, port), 80 },
		{ "idle_ms: 100", offsetof(struct fixture, idle_ms), 100 },
		{ "body_bytes: 1024", offsetof(struct fixture, body_bytes), 1024 },
		{ "body_bytes: 1k", offsetof(struct fixture, body_bytes), 1024 },
		{ "body_bytes: 3M", offsetof(struct fixture, body_bytes), 3 << 20 },
		{ "body_bytes: 1G", offsetof(struct fixture, body_bytes), 1 << 30 },
		{ "any: 9223372036854775807", offsetof(struct fixture, any), INT64_MAX },
		{ "any: -9223372036854775808", offsetof(struct fixture, any), INT64_MIN },
		{ "any: -0", offsetof(struct fixture, any), 0 },
	};
	for (size_t i = 0; i < SLV_COUNT(good); i++) {
		struct reading reading;
		const struct fixture *root = accepted(&reading, good[i].text);
		int64_t value = *(const int64_t *)((const char *)root + good[i].offset);
		assert_true(value == good[i].value);
		reading_done(&reading);
	}
}

static void numbers_past_their_bounds(void **state)
{
	(void)state;
	refused("port: 0", "c.yaml:1:7: port is 0, at least 1 is needed");
	refused("port: 65536", "c.yaml:1:7: port is 65536, at most 65535 is allowed");
	refused("port: -1", "c.yaml:1:7: port is -1, at least 1 is needed");
	refused("idle_ms: 5", "c.yaml:1:10: idle_ms is 5, at least 100 is needed");
	refused("idle_ms: 99", "c.yaml:1:10: idle_ms is 99, at least 100 is needed");
	refused("idle_ms: 600001", "c.yaml:1:10: idle_ms is 600001, at most 600000 is allowed");
	refused("body_bytes: 1023", "c.yaml:1:13: body_bytes is 1023, at least 1k is needed");
	refused("body_bytes: 2G", "c.yaml:1:13: body_bytes is 2G, at most 1G is allowed");
	refused("body_bytes: 1073741825",
			"c.yaml:1:13: body_bytes is 1073741825, at most 1G is allowed");
	refused("port: 99999999999999999999",
			"c.yaml:1:7: port is 99999999999999999999, at most 65535 is allowed");
	refused("port: -99999999999999999999",
			"c.yaml:1:7: port is -99999999999999999999, at least 1 is needed");
	refused("any: 9223372036854775808",
			"c.yaml:1:6: any is 9223372036854775808, which is past 64 bits");
	refused("any: -9223372036854775809",
			"c.yaml:1:6: any is -9223372036854775809, which is past 64 bits");
	refused("body_bytes: 9007199254740993G",
			"c.yaml:1:13: body_bytes is 9007199254740993G, at most 1G is allowed");
}

static void what_is_no_number(void **state)
{
	(void)state;
	static const char *const bad[] = { "abc", "1.5", "0x10", "+1", "--", "1 2", "1k", "1e3" };
	for (size_t i = 0; i < SLV_COUNT(bad); i++) {
		char text[64], what[128];
		snprintf(text, sizeof(text), "port: %s", bad[i]);
		snprintf(what, sizeof(what),
				"c.yaml:1:7: port is '%s', a whole number from 1 to 65535 is "
				"needed",
				bad[i]);
		refused(text, what);
	}
	refused("any: x", "c.yaml:1:6: any is 'x', a whole number is needed");
	refused("body_bytes: k", "c.yaml:1:13: body_bytes is 'k', a size from 1k to 1G is needed");
	refused("body_bytes: 1K",
			"c.yaml:1:13: body_bytes is '1K', a size from 1k to 1G is needed");
	refused("port: ''", "c.yaml:1:7: port is '', a whole number from 1 to 65535 is needed");
	refused("port:", "c.yaml:1:1: port has no value, a whole number from 1 to 65535 is needed");
	refused("port: ~",
			"c.yaml:1:7: port has no value, a whole number from 1 to 65535 is needed");
	refused("port: [1]",
			"c.yaml:1:7: port is a list, a whole number from 1 to 65535 is needed");
	refused("port: {a: 1}",
			"c.yaml:1:7: port is a mapping, a whole number from 1 to 65535 is needed");
}

static void decimals(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double value;
	} good[] = { { "ratio: 0.25", 0.25 }, { "ratio: 1", 1 }, { "ratio: 1.0", 1 } };
	for (size_t i = 0; i < SLV_COUNT(good); i++) {
		struct reading reading;
		assert_true(accepted(&reading, good[i].text)->ratio == good[i].value);
		reading_done(&reading);
	}
	refused("ratio: 0.24", "c.yaml:1:8: ratio is 0.24, at least 0.25 is needed");
	refused("ratio: 1.01", "c.yaml:1:8: ratio is 1.01, at most 1 is allowed");
	refused("ratio: .inf",
			"c.yaml:1:8: ratio is '.inf', a decimal number from 0.25 to 1 is needed");
}

static void words(void **state)
{
	(void)state;
	refused("on: yes", "c.yaml:1:5: on is 'yes', true or false is needed");
	refused("on: True", "c.yaml:1:5: on is 'True', true or false is needed");
	refused("mode: fsat", "c.yaml:1:7: mode is 'fsat', one of safe, fast, off is needed");
	refused("mode: ''", "c.yaml:1:7: mode is '', one of safe, fast, off is needed");
	refused("mode: safe|fast",
			"c.yaml:1:7: mode is 'safe|fast', one of safe, fast, off is needed");
}

static void texts_at_and_past_their_bounds(void **state)
{
	(void)state;
	struct reading reading;
	TEXT_IS(accepted(&reading, "title: ab")->title, "ab");
	reading_done(&reading);
	TEXT_IS(accepted(&reading, "title: 12345678")->title, "12345678");
	reading_done(&reading);
	refused("title: a", "c.yaml:1:8: title has 1 byte, at least 2 are needed");
	refused("title: ''", "c.yaml:1:8: title has 0 bytes, at least 2 are needed");
	refused("title: 123456789", "c.yaml:1:8: title has 9 bytes, at most 8 are allowed");
	refused("title: \"a\\0b\"", "c.yaml:1:8: title holds a NUL, which no text may");
	refused("title:", "c.yaml:1:1: title has no value, a text of 2 to 8 bytes is needed");
	refused("title: [x]", "c.yaml:1:8: title is a list, a text of 2 to 8 bytes is needed");
	refused("items: [{name: ''}]", "c.yaml:1:16: name has 0 bytes, at least 1 is needed");
}

static void paths_start_from_the_folder(void **state)
{
	(void)state;
	static const struct {
		const char *folder, *text, *path;
	} rows[] = {
		{ "/etc/x", "data: a/b", "/etc/x/a/b" },
		{ "/etc/x", "data: ././a", "/etc/x/a" },
		{ "/etc/x", "data: ../a", "/etc/x/../a" },
		{ "/etc/x", "data: /a", "/a" },
		{ "/", "data: a", "/a" },
		{ "", "data: ./a", "./a" },
		{ "demo", "", "demo/data" },
	};
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		struct reading reading;
		read_text(&reading, slv_str_from(rows[i].text), rows[i].folder, fixture_keys,
				sizeof(struct fixture));
		assert_non_null(reading.root);
		assert_true(slv_str_eq(reading.root->data, slv_str_from(rows[i].path)));
		reading_done(&reading);
	}
	refused("data: ''", "c.yaml:1:7: data has 0 bytes, at least 1 is needed");
}

static void secrets_from_the_environment(void **state)
{
	(void)state;
	struct reading reading;
	assert_int_equal(setenv("FIXTURE_KEY", "sixteen bytes ok", 1), 0);
	TEXT_IS(accepted(&reading, "key: env:FIXTURE_KEY")->key, "sixteen bytes ok");
	reading_done(&reading);
	assert_int_equal(setenv("FIXTURE_KEY", "seventeen bytes..", 1), 0);
	refused("key: env:FIXTURE_KEY", "c.yaml:1:6: key has 17 bytes, at most 16 are allowed");
	assert_int_equal(unsetenv("FIXTURE_KEY"), 0);
	refused("key: env:FIXTURE_KEY",
			"c.yaml:1:6: key: the environment variable 'FIXTURE_KEY' is not set");
	assert_int_equal(setenv("FIXTURE_KEY", "", 1), 0);
	refused("key: env:FIXTURE_KEY",
			"c.yaml:1:6: key: the environment variable 'FIXTURE_KEY' is empty");
	assert_int_equal(unsetenv("FIXTURE_KEY"), 0);
	refused("key: 'env:'", "c.yaml:1:6: key: 'env:' needs a variable's name behind it");
	refused("key: \"env:a\\0b\"", "c.yaml:1:6: key: 'env:' needs a variable's name behind it");
}

static void put_file(const char *folder, const char *name, const char *text, size_t len)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

/* The secret file `text` gives either `key` or `what`. */
static void with_file(
		const char *folder, const char *text, size_t len, const char *key, const char *what)
{
	struct reading reading;
	put_file(folder, "secret", text, len);
	read_text(&reading, SLV_STR("key: file:secret"), folder, fixture_keys,
			sizeof(struct fixture));
	if (key) {
		assert_non_null(reading.root);
		assert_true(slv_str_eq(reading.root->key, slv_str_from(key)));
	} else {
		assert_non_null(reading.err.what);
		assert_string_equal(reading.err.what, what);
	}
	reading_done(&reading);
}

static void secrets_from_files(void **state)
{
	(void)state;
	char folder[] = "/tmp/conf-test-XXXXXX", path[64], what[160], *large;
	assert_non_null(mkdtemp(folder));
	with_file(folder, "hidden", 6, "hidden", NULL);
	with_file(folder, "hidden\n", 7, "hidden", NULL);
	with_file(folder, "hidden\r\n", 8, "hidden", NULL);
	with_file(folder, "hidden\n\n", 8, "hidden\n", NULL);
	with_file(folder, "hidden\r", 7, "hidden\r", NULL);
	with_file(folder, "hidden\r\r\n", 9, "hidden\r", NULL);
	with_file(folder, "hidden\r\n\r\n", 10, "hidden\r\n", NULL);
	snprintf(what, sizeof(what), "c.yaml:1:6: key: the file '%s/secret' is empty", folder);
	with_file(folder, "", 0, NULL, what);
	with_file(folder, "\n", 1, NULL, what);
	with_file(folder, "\r\n", 2, NULL, what);
	with_file(folder, "\n\n", 2, "\n", NULL);
	with_file(folder, "a\0b", 3, NULL, "c.yaml:1:6: key holds a NUL, which no text may");

	large = calloc(1, SLV_KIB(64) + 1);
	memset(large, 'x', SLV_KIB(64) + 1);
	with_file(folder, large, SLV_KIB(64), NULL,
			"c.yaml:1:6: key has 65536 bytes, at most 16 are allowed");
	snprintf(what, sizeof(what), "c.yaml:1:6: key: the file '%s/secret' is larger than 64 KiB",
			folder);
	with_file(folder, large, SLV_KIB(64) + 1, NULL, what);
	free(large);

	snprintf(path, sizeof(path), "%s/secret", folder);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	struct reading reading;
	read_text(&reading, SLV_STR("key: file:secret"), folder, fixture_keys,
			sizeof(struct fixture));
	snprintf(what, sizeof(what), "c.yaml:1:6: key: '%s/secret' is no file", folder);
	assert_string_equal(reading.err.what, what);
	reading_done(&reading);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
	refused("key: file:/nowhere/at/all", "c.yaml:1:6: key: cannot read the file "
					     "'/nowhere/at/all': No such file or directory");
	refused("key: 'file:'", "c.yaml:1:6: key: 'file:' needs a path behind it");
}

static void secrets_are_in_no_mistake(void **state)
{
	(void)state;
	refused("key: 0123456789abcdefg", "c.yaml:1:6: key has 17 bytes, at most 16 are allowed");
	refused("key: [hunter2]",
			"c.yaml:1:6: key is a list, a secret of at most 16 bytes is needed");
	refused("key: {hunter2: 1}",
			"c.yaml:1:6: key is a mapping, a secret of at most 16 bytes is needed");
	refused("key: \"hunter2\\0\"", "c.yaml:1:6: key holds a NUL, which no text may");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_read_as_text_is),
		cmocka_unit_test(texts_of_every_style_arrive),
		cmocka_unit_test(every_type_arrives),
		cmocka_unit_test(an_option_without_settings_is_given),
		cmocka_unit_test(numbers_at_their_bounds),
		cmocka_unit_test(numbers_past_their_bounds),
		cmocka_unit_test(what_is_no_number),
		cmocka_unit_test(decimals),
		cmocka_unit_test(words),
		cmocka_unit_test(texts_at_and_past_their_bounds),
		cmocka_unit_test(paths_start_from_the_folder),
		cmocka_unit_test(secrets_from_the_environment),
		cmocka_unit_test(secrets_from_files),
		cmocka_unit_test(secrets_are_in_no_mistake),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
