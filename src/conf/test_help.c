#include "conf/testing.h"

#include <stdio.h>

static const struct slv_conf_key secret_keys[] = {
	{ "open", SLV_CONF_SECRET, 0, "hunter2", .help = "Told to nobody" },
	{ "env", SLV_CONF_SECRET, 0, "env:KEY", .help = "Tells where" },
	{ "none", SLV_CONF_SECRET, 0, "", .help = "Has none" },
	{ "must", SLV_CONF_TEXTS, 0, NULL, 1, 1, .help = "Given | or not" },
	{ "exact", SLV_CONF_TEXT, 0, NULL, 4, 4, .help = "Four" },
	{ "least", SLV_CONF_INT, 0, "5", 5, 0, .help = "No most" },
	{ "long", SLV_CONF_TEXT, 0, NULL, 2, 0, .help = "No most" },
	{ 0 },
};

static void help_is(void (*help)(const struct slv_conf_key *, struct slv_buf *),
		const struct slv_conf_key *keys, const char *expected)
{
	struct slv_buf buf;
	slv_buf_init(&buf, SLV_KIB(16));
	help(keys, &buf);
	slv_buf_add_char(&buf, '\0');
	assert_false(buf.overflow);
	assert_string_equal(buf.at, expected);
	slv_buf_done(&buf);
}

static void the_reference_is_aligned(void **state)
{
	(void)state;
	help_is(slv_conf_help, fixture_keys,
			"on          true or false                    true     Do it\n"
			"port        whole number from 1 to 65535     8080     Where to listen\n"
			"idle_ms     whole number from 100 to 600000  60000    How long silence is "
			"borne\n"
			"body_bytes  size from 1k to 1G               1M       The largest body\n"
			"any         whole number                     0        Any number\n"
			"mode        one of safe, fast, off           safe     How it is done\n"
			"ratio       decimal number from 0.25 to 1    0.5      Of the whole\n"
			"title       text of 2 to 8 bytes             Hello    What is shown\n"
			"key         secret of at most 16 bytes       \"\"       What is not "
			"shown\n"
			"data        path of 1 to 64 bytes            ./data   Where it is kept\n"
			"inner       mapping                                   A section\n"
			"  depth  whole number from 1 to 9  3   How deep\n"
			"  note   text of at most 8 bytes   \"\"  For people\n"
			"extra       mapping                          none     A section that may "
			"be absent\n"
			"  depth  whole number from 1 to 9  3   How deep\n"
			"  note   text of at most 8 bytes   \"\"  For people\n"
			"items       list of at most 3 mappings       empty    Some items\n"
			"  name  text of 1 to 8 bytes          required  Its name\n"
			"  port  whole number from 1 to 65535  80        Its port\n"
			"hosts       list of 1 to 2 texts             [ '*' ]  Some names\n"
			"presets     mapping of at most 2 names       empty    Items by name\n"
			"  port  whole number from 1 to 65535  80  Its port\n"
			"size        <width>x<height>                 3x4      Of a picture\n");
}

static void the_reference_as_markdown(void **state)
{
	(void)state;
	help_is(slv_conf_help_markdown, fixture_keys,
			"| setting | type | default | meaning |\n"
			"| --- | --- | --- | --- |\n"
			"| `on` | true or false | `true` | Do it |\n"
			"| `port` | whole number from 1 to 65535 | `8080` | Where to listen |\n"
			"| `idle_ms` | whole number from 100 to 600000 | `60000` | How long "
			"silence is borne |\n"
			"| `body_bytes` | size from 1k to 1G | `1M` | The largest body |\n"
			"| `any` | whole number | `0` | Any number |\n"
			"| `mode` | one of safe, fast, off | `safe` | How it is done |\n"
			"| `ratio` | decimal number from 0.25 to 1 | `0.5` | Of the whole |\n"
			"| `title` | text of 2 to 8 bytes | `Hello` | What is shown |\n"
			"| `key` | secret of at most 16 bytes | `\"\"` | What is not shown |\n"
			"| `data` | path of 1 to 64 bytes | `./data` | Where it is kept |\n"
			"| `inner` | mapping |  | A section |\n"
			"| `extra` | mapping | none | A section that may be absent |\n"
			"| `items` | list of at most 3 mappings | empty | Some items |\n"
			"| `hosts` | list of 1 to 2 texts | `[ '*' ]` | Some names |\n"
			"| `presets` | mapping of at most 2 names | empty | Items by name |\n"
			"| `size` | &lt;width>x&lt;height> | `3x4` | Of a picture |\n"
			"\n"
			"## `inner`\n"
			"\n"
			"| setting | type | default | meaning |\n"
			"| --- | --- | --- | --- |\n"
			"| `depth` | whole number from 1 to 9 | `3` | How deep |\n"
			"| `note` | text of at most 8 bytes | `\"\"` | For people |\n"
			"\n"
			"## `extra`\n"
			"\n"
			"| setting | type | default | meaning |\n"
			"| --- | --- | --- | --- |\n"
			"| `depth` | whole number from 1 to 9 | `3` | How deep |\n"
			"| `note` | text of at most 8 bytes | `\"\"` | For people |\n"
			"\n"
			"## `items[]`\n"
			"\n"
			"| setting | type | default | meaning |\n"
			"| --- | --- | --- | --- |\n"
			"| `name` | text of 1 to 8 bytes | required | Its name |\n"
			"| `port` | whole number from 1 to 65535 | `80` | Its port |\n"
			"\n"
			"## `presets.<name>`\n"
			"\n"
			"| setting | type | default | meaning |\n"
			"| --- | --- | --- | --- |\n"
			"| `port` | whole number from 1 to 65535 | `80` | Its port |\n");
}

static void secrets_are_not_shown(void **state)
{
	(void)state;
	help_is(slv_conf_help, secret_keys,
			"open   secret                    (secret)  Told to nobody\n"
			"env    secret                    env:KEY   Tells where\n"
			"none   secret                    \"\"        Has none\n"
			"must   list of 1 text            required  Given | or not\n"
			"exact  text of 4 bytes           required  Four\n"
			"least  whole number from 5       5         No most\n"
			"long   text of at least 2 bytes  required  No most\n");
	help_is(slv_conf_help_markdown, secret_keys,
			"| setting | type | default | meaning |\n"
			"| --- | --- | --- | --- |\n"
			"| `open` | secret | (secret) | Told to nobody |\n"
			"| `env` | secret | `env:KEY` | Tells where |\n"
			"| `none` | secret | `\"\"` | Has none |\n"
			"| `must` | list of 1 text | required | Given \\| or not |\n"
			"| `exact` | text of 4 bytes | required | Four |\n"
			"| `least` | whole number from 5 | `5` | No most |\n"
			"| `long` | text of at least 2 bytes | required | No most |\n");
}

static void a_full_buffer_says_so(void **state)
{
	(void)state;
	struct slv_buf buf;
	slv_buf_init(&buf, 64);
	slv_conf_help(fixture_keys, &buf);
	assert_true(buf.overflow);
	slv_buf_clear(&buf);
	slv_conf_help_markdown(fixture_keys, &buf);
	assert_true(buf.overflow);
	slv_buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reference_is_aligned),
		cmocka_unit_test(the_reference_as_markdown),
		cmocka_unit_test(secrets_are_not_shown),
		cmocka_unit_test(a_full_buffer_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
