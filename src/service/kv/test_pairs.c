#include "base/testing.h"

#include "base/attr.h"
#include "base/buf.h"
#include "service/kv/bulk.h"

#include <string.h>

#define NOW_S 1000000

struct kit {
	struct slv_arena arena;
	struct kv_pairs pairs;
};

static int set_up(void **state)
{
	struct kit *kit = malloc(sizeof(*kit));
	slv_arena_init(&kit->arena, 4096, 65536);
	kv_pairs_init(&kit->pairs);
	*state = kit;
	return 0;
}

static int tear_down(void **state)
{
	struct kit *kit = *state;
	kv_pairs_done(&kit->pairs);
	slv_arena_done(&kit->arena);
	free(kit);
	return 0;
}

static slv_err read_text(struct kit *kit, slv_str text, bool keys_only)
{
	kv_pairs_done(&kit->pairs);
	kv_pairs_init(&kit->pairs);
	return kv_pairs_read(&kit->pairs, &kit->arena, text, keys_only, NOW_S);
}

static void is(slv_str text, const char *want)
{
	if (!slv_str_eq(text, slv_str_from(want)))
		fail_msg("'%.*s' is not '%s'", SLV_FMT(text), want);
}

/* It is refused, and the text of the error has `what` in it. */
static void refuses(struct kit *kit, slv_str text, bool keys_only, int32_t code, const char *what)
{
	slv_err err = read_text(kit, text, keys_only);
	assert_int_equal(err.code, code);
	slv_str words = slv_str_from(err.what);
	if (slv_str_find_str(words, slv_str_from(what)) >= words.len)
		fail_msg("'%s' does not say '%s'", err.what, what);
}

static void pairs_are_taken_apart(void **state)
{
	struct kit *kit = *state;
	slv_err err = read_text(kit,
			SLV_STR(" [ {\"key\":\"a\",\"value\":\"1\\u0000\\u00fc\"},\n"
				"{\"key\":\"b\",\"value\":\"AP8=\",\"base64\":true,\"metadata\":"
				"{\"m\":[1]},\"expiration_ttl\":60} , "
				"{\"key\":\"c\",\"value\":\"\","
				"\"expiration\":1000060.9,\"metadata\":null,\"unknown\":{}} ] "
				"\r\n"),
			false);
	assert_false(slv_failed(err));
	assert_int_equal(kv_pairs_count(&kit->pairs), 3);
	is(kv_pair_key(&kit->pairs, 0), "a");
	assert_true(slv_str_eq(kv_pair_value(&kit->pairs, 0), SLV_STR("1\0\xc3\xbc")));
	assert_int_equal(kv_pairs_at(&kit->pairs, 0)->expires_s, 0);
	assert_int_equal(kv_pair_metadata(&kit->pairs, 0).len, 0);
	is(kv_pair_key(&kit->pairs, 1), "b");
	assert_true(slv_str_eq(kv_pair_value(&kit->pairs, 1), SLV_STR("\0\xff")));
	is(kv_pair_metadata(&kit->pairs, 1), "{\"m\":[1]}");
	assert_int_equal(kv_pairs_at(&kit->pairs, 1)->expires_s, NOW_S + 60);
	is(kv_pair_value(&kit->pairs, 2), "");
	assert_int_equal(kv_pair_metadata(&kit->pairs, 2).len, 0);
	assert_int_equal(kv_pairs_at(&kit->pairs, 2)->expires_s, NOW_S + 60);
}

static void keys_alone_are_taken_apart(void **state)
{
	struct kit *kit = *state;
	assert_false(slv_failed(read_text(kit, SLV_STR("[\"a\",\"b/c\"]"), true)));
	assert_int_equal(kv_pairs_count(&kit->pairs), 2);
	is(kv_pair_key(&kit->pairs, 1), "b/c");
	assert_false(slv_failed(read_text(kit, SLV_STR("[]"), true)));
	assert_int_equal(kv_pairs_count(&kit->pairs), 0);
}

#define GOOD "{\"key\":\"a\",\"value\":\"1\"},"

static void an_error_names_the_item(void **state)
{
	static const struct {
		const char *item, *what;
	} rows[] = {
		{ "5", "a pair is an object" },
		{ "{\"value\":\"1\"}", "a key is a text" },
		{ "{\"key\":\"\",\"value\":\"1\"}", "1 byte" },
		{ "{\"key\":\"..\",\"value\":\"1\"}", "cannot be" },
		{ "{\"key\":\"b\"}", "value is a text" },
		{ "{\"key\":\"b\",\"value\":\"A\",\"base64\":true}", "base64" },
		{ "{\"key\":\"b\",\"value\":\"AA=A\",\"base64\":true}", "base64" },
		{ "{\"key\":\"b\",\"value\":\"1\",\"expiration\":\"1\"}", "numbers" },
		{ "{\"key\":\"b\",\"value\":\"1\",\"expiration\":-1}", "numbers" },
		{ "{\"key\":\"b\",\"value\":\"1\",\"expiration\":1e13}", "numbers" },
		{ "{\"key\":\"b\",\"value\":\"1\",\"expiration\":1000059}", "60 seconds" },
		{ "{\"key\":\"b\",\"value\":\"1\",\"expiration_ttl\":59}", "60 seconds" },
		{ "{\"key\":\"b\",\"value\":\"1\",\"value\":\"2\"}", "no JSON" },
		{ "{", "no JSON" },
		{ "", "no JSON" },
	};
	struct kit *kit = *state;
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		char text[300];
		snprintf(text, sizeof(text), "[" GOOD GOOD "%s]", rows[i].item);
		refuses(kit, slv_str_from(text), false, SLV_E_SYNTAX, rows[i].what);
		refuses(kit, slv_str_from(text), false, SLV_E_SYNTAX, "item 2");
	}
	refuses(kit, SLV_STR("[\"a\",5]"), true, SLV_E_SYNTAX, "item 1");
}

static void what_is_no_array_is_refused(void **state)
{
	static const char *const texts[] = { "", " ", "{}", "5", "[", "[" GOOD,
		"[{\"key\":\"a\",\"value\":\"1\"}", "[{\"key\":\"a\",\"value\":\"1\"} 5]", "[] x",
		"[][]", "[,]", "[" GOOD "]" };
	for (size_t i = 0; i < SLV_COUNT(texts); i++) {
		slv_err err = read_text(*state, slv_str_from(texts[i]), false);
		assert_int_equal(err.code, SLV_E_SYNTAX);
	}
}

/* A pair with a member as long as is asked for. */
static slv_err read_long(struct kit *kit, const char *head, size_t len, const char *tail)
{
	struct slv_buf text;
	slv_buf_init(&text, SLV_MIB(64));
	slv_buf_add(&text, slv_str_from(head));
	for (size_t i = 0; i < len; i++)
		slv_buf_add_char(&text, 'x');
	slv_buf_add(&text, slv_str_from(tail));
	slv_err err = read_text(kit, slv_buf_str(&text), false);
	slv_buf_done(&text);
	return err;
}

static void a_member_has_a_bound(void **state)
{
	static const struct {
		const char *head, *tail;
		size_t len_max;
	} rows[] = {
		{ "[{\"key\":\"", "\",\"value\":\"1\"}]", SLV_KV_KEY_BYTES_MAX },
		{ "[{\"key\":\"a\",\"value\":\"", "\"}]", SLV_KV_VALUE_BYTES_MAX },
		{ "[{\"key\":\"a\",\"value\":\"1\",\"metadata\":\"", "\"}]",
				SLV_KV_METADATA_BYTES_MAX - 2 },
	};
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		slv_err err = read_long(*state, rows[i].head, rows[i].len_max, rows[i].tail);
		assert_int_equal(err.code, SLV_E_NONE);
		err = read_long(*state, rows[i].head, rows[i].len_max + 1, rows[i].tail);
		assert_int_equal(err.code, SLV_E_LIMIT);
	}
}

static void there_are_10000_pairs_at_most(void **state)
{
	struct kit *kit = *state;
	struct slv_buf text;
	slv_buf_init(&text, SLV_MIB(1));
	for (size_t i = 0; i < SLV_KV_BULK_PAIRS_MAX; i++)
		slv_buf_add(&text, i ? SLV_STR(",\"k\"") : SLV_STR("[\"k\""));
	size_t len = text.len;
	slv_buf_add(&text, SLV_STR("]"));
	assert_false(slv_failed(read_text(kit, slv_buf_str(&text), true)));
	assert_int_equal(kv_pairs_count(&kit->pairs), SLV_KV_BULK_PAIRS_MAX);
	text.len = len;
	slv_buf_add(&text, SLV_STR(",\"k\"]"));
	refuses(kit, slv_buf_str(&text), true, SLV_E_LIMIT, "10000");
	slv_buf_done(&text);
}

/* An array of `count` ones: as many bytes, as many commas less one, and two brackets. */
static slv_err read_numbers(struct kit *kit, size_t count)
{
	struct slv_buf text;
	slv_buf_init(&text, SLV_MIB(1));
	slv_buf_add(&text, SLV_STR("["));
	for (size_t i = 0; i < count; i++)
		slv_buf_add(&text, i ? SLV_STR(", 1") : SLV_STR("[1"));
	slv_buf_add(&text, SLV_STR("]]"));
	slv_err err = read_text(kit, slv_buf_str(&text), false);
	slv_buf_done(&text);
	return err;
}

/* Else a request would become a tree of forty times its size. */
static void an_item_has_64_kib_besides_its_texts_at_most(void **state)
{
	const size_t count_max = (SLV_KIB(64) - 1) / 2;
	slv_err err = read_numbers(*state, count_max);
	assert_int_equal(err.code, SLV_E_SYNTAX); /* a pair is an object */
	err = read_numbers(*state, count_max + 1);
	assert_int_equal(err.code, SLV_E_LIMIT);
	assert_string_equal(err.what, "item 0 has more than 64 KiB besides its texts");
	/* Brackets in texts, and those behind a quote that is none, are nothing of the kind. */
	err = read_long(*state, "[{\"key\":\"a\\\"]}\",\"value\":\"[{\\\\", SLV_KIB(128), "\"}]");
	assert_int_equal(err.code, SLV_E_NONE);
}

/* 1e16 is longer when it is printed again. */
static void what_grows_when_it_is_decoded_has_a_bound(void **state)
{
	static const char said[] =
			"[{\"key\":\"k\",\"value\":\"v\",\"metadata\":[1e16,1e16,1e16]}]";
	struct kit *kit = *state;
	for (size_t over = 0; over < 2; over++) {
		kv_pairs_done(&kit->pairs);
		kv_pairs_init(&kit->pairs);
		kit->pairs.texts.max = 2 + 3 * strlen("10000000000000000.0") + 4 - over;
		slv_err err = kv_pairs_read(
				&kit->pairs, &kit->arena, slv_str_from(said), false, NOW_S);
		assert_int_equal(err.code, over ? SLV_E_LIMIT : SLV_E_NONE);
	}
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(pairs_are_taken_apart),
		TEST(keys_alone_are_taken_apart),
		TEST(an_error_names_the_item),
		TEST(what_is_no_array_is_refused),
		TEST(a_member_has_a_bound),
		TEST(there_are_10000_pairs_at_most),
		TEST(an_item_has_64_kib_besides_its_texts_at_most),
		TEST(what_grows_when_it_is_decoded_has_a_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
