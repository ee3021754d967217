#include "base/testing.h"

#include "api/token.h"
#include "base/attr.h"

#include <string.h>

#define ACCOUNT "0123456789abcdef0123456789abcdef"
#define ALL "com.cloudflare.api.account." ACCOUNT
#define BUCKET(name) "com.cloudflare.edge.r2.bucket." ACCOUNT "_default_" name

static int with_arena(void **state)
{
	struct slv_arena *arena = malloc(sizeof(*arena));
	slv_arena_init(arena, 4096, 1 << 20);
	*state = arena;
	return 0;
}

static int without_arena(void **state)
{
	slv_arena_done(*state);
	free(*state);
	return 0;
}

static json_t *json_of(const char *text)
{
	json_error_t why;
	json_t *root = json_loads(text, 0, &why);
	if (!root)
		fail_msg("%s in %s", why.text, text);
	return root;
}

/* A record made of what a client says; the id and secret are of no meaning. */
static slv_err make(struct slv_arena *arena, const char *said, struct slv_api_token *ret_token)
{
	json_t *from = json_of(said);
	json_t *record = json_pack("{s:s, s:s}", "id", ACCOUNT, "secret", ACCOUNT ACCOUNT);
	slv_err err = slv_api_record_update(arena, SLV_STR(ACCOUNT), from, true, record);
	char *text = json_dumps(record, 0);
	if (!slv_failed(err))
		err = slv_api_token_read(arena, SLV_STR(ACCOUNT), slv_str_from(text), ret_token);
	free(text);
	json_decref(record);
	json_decref(from);
	return err;
}

#define POLICY(effect, group, resource, reach)                                                     \
	"{\"effect\":\"" effect "\",\"permission_groups\":[{\"name\":\"" group                     \
	"\"}],\"resources\":{\"" resource "\":" reach "}}"
#define TOKEN(policies) "{\"name\":\"t\",\"policies\":[" policies "]}"
#define ITEMS(kind) "Workers R2 Storage Bucket Item " kind

/* --- values --- */

static void a_value_tells_its_id_and_nothing_else_is_one(void **state)
{
	uint8_t random[40];
	char value[SLV_API_VALUE_BYTES], changed[SLV_API_VALUE_BYTES];
	slv_str id;
	(void)state;
	for (size_t i = 0; i < sizeof(random); i++)
		random[i] = (uint8_t)(i * 7);
	slv_api_value_print(SLV_STR(ACCOUNT), random, value);
	slv_str text = { value, sizeof(value) };
	assert_true(slv_api_value_parse(text, &id));
	assert_true(slv_str_eq(id, SLV_STR(ACCOUNT)));
	assert_true(slv_str_starts(text, SLV_STR("slv_" ACCOUNT "_")));

	for (size_t i = 0; i < sizeof(value); i++) {
		memcpy(changed, value, sizeof(value));
		changed[i] = (char)(changed[i] ^ 1);
		assert_false(slv_api_value_parse((slv_str){ changed, sizeof(changed) }, &id));
	}
	assert_false(slv_api_value_parse(slv_str_head(text, text.len - 1), &id));
	assert_false(slv_api_value_parse((slv_str){ 0 }, &id));
}

static void the_secret_is_the_digest_of_the_value(void **state)
{
	/* FIPS 180-4, the example "abc" of the secure hash standard's vectors. */
	char secret[SLV_API_SECRET_BYTES];
	(void)state;
	slv_api_value_secret(SLV_STR("abc"), secret);
	assert_memory_equal(secret,
			"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
			sizeof(secret));
}

/* --- what may be said --- */

static void what_is_said_of_a_token_is_checked(void **state)
{
	static const struct {
		const char *said, *names;
	} cases[] = {
		{ "[]", "object" },
		{ "{}", "name" },
		{ "{\"name\":\"\"}", "name" },
		{ "{\"name\":1}", "name" },
		{ "{\"name\":\"t\"}", "policies" },
		{ "{\"name\":\"t\",\"policies\":[]}", "policies" },
		{ TOKEN(POLICY("perhaps", ITEMS("Read"), ALL, "\"*\"")), "effect" },
		{ TOKEN(POLICY("allow", "Nothing", ALL, "\"*\"")), "permission group" },
		{ TOKEN(POLICY("allow", ITEMS("Read"), "com.example", "\"*\"")), "com.example" },
		{ TOKEN(POLICY("allow", ITEMS("Read"), ALL "0", "\"*\"")), "no such resource" },
		{ TOKEN(POLICY("allow", ITEMS("Read"), BUCKET(""), "\"*\"")), "no such resource" },
		{ TOKEN(POLICY("allow", ITEMS("Read"), ALL, "\"some\"")), "\"*\"" },
		{ TOKEN(POLICY("allow", ITEMS("Read"), BUCKET("b"), "{}")), "\"*\"" },
		{ TOKEN(POLICY("allow", ITEMS("Read"), BUCKET("b"), "{\"p\":\"*\"}")), "\"*\"" },
		{ TOKEN(POLICY("allow", "Images Read", BUCKET("b"), "\"*\"")), "of an account" },
		{ "{\"name\":\"t\",\"policies\":[" POLICY("allow", ITEMS("Read"), ALL,
				  "\"*\"") "],\"expires_on\":\"tomorrow\"}",
				"expires_on" },
		{ "{\"name\":\"t\",\"policies\":[" POLICY(
				  "allow", ITEMS("Read"), ALL, "\"*\"") "],\"status\":\"gone\"}",
				"status" },
		{ "{\"name\":\"t\",\"policies\":[" POLICY("allow", ITEMS("Read"), ALL,
				  "\"*\"") "],\"condition\":{\"request_ip\":{\"in\":[\"x\"]}}}",
				"condition" },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		struct slv_api_token token;
		slv_err err = make(*state, cases[i].said, &token);
		if (!slv_failed(err) || !strstr(err.what, cases[i].names))
			fail_msg("%s: %s", cases[i].said, slv_failed(err) ? err.what : "taken");
		assert_int_equal(err.code, SLV_E_SYNTAX);
	}
}

static void a_name_has_its_bound(void **state)
{
	char said[400];
	struct slv_api_token token;
	for (int over = 0; over < 2; over++) {
		(void)snprintf(said, sizeof(said), "{\"name\":\"%.*s\",\"policies\":[%s]}",
				SLV_API_NAME_BYTES_MAX + over,
				"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
				"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
				POLICY("allow", ITEMS("Read"), ALL, "\"*\""));
		assert_int_equal(
				make(*state, said, &token).code, over ? SLV_E_SYNTAX : SLV_OK.code);
	}
}

static void lists_of_a_token_have_their_bounds(void **state)
{
	for (int over = 0; over < 2; over++) {
		struct slv_api_token token;
		json_t *policy = json_of(POLICY("allow", ITEMS("Read"), ALL, "\"*\""));
		json_t *policies = json_array(), *nets = json_array();
		for (int i = 0; i < SLV_API_POLICIES_MAX + over; i++)
			json_array_append(policies, policy);
		for (int i = 0; i < SLV_API_NETS_MAX; i++)
			json_array_append_new(nets, json_string("192.0.2.1"));
		json_t *said = json_pack("{s:s, s:o, s:{s:{s:o}}}", "name", "t", "policies",
				policies, "condition", "request_ip", "in", nets);
		char *text = json_dumps(said, 0);
		assert_int_equal(make(*state, text, &token).code, over ? SLV_E_LIMIT : 0);
		free(text);
		json_array_append_new(nets, json_string("192.0.2.1"));
		if (over)
			json_array_remove(policies, 0);
		text = json_dumps(said, 0);
		assert_int_equal(make(*state, text, &token).code, SLV_E_SYNTAX);
		free(text);
		json_decref(said);
		json_decref(policy);
	}
}

static void a_damaged_record_is_told(void **state)
{
	static const char *const records[] = { "", "{", "{}", "{\"id\":\"x\"}",
		"{\"id\":\"" ACCOUNT "\",\"name\":\"n\",\"secret\":\"short\"}" };
	for (size_t i = 0; i < SLV_COUNT(records); i++) {
		struct slv_api_token token;
		slv_err err = slv_api_token_read(
				*state, SLV_STR(ACCOUNT), slv_str_from(records[i]), &token);
		assert_int_equal(err.code, SLV_E_CORRUPT);
	}
}

/* --- what it allows --- */

static bool may(void **state, const char *said, enum slv_api_right right, const char *bucket,
		const char *key)
{
	struct slv_api_token token;
	slv_err err = make(*state, said, &token);
	if (slv_failed(err))
		fail_msg("%s: %s", said, err.what);
	return slv_api_token_may(&token, right, slv_str_from(bucket), slv_str_from(key));
}

static void rights_are_of_what_they_name(void **state)
{
	static const char on_all[] = TOKEN(POLICY("allow", ITEMS("Write"), ALL, "\"*\""));
	static const char on_one[] = TOKEN(POLICY("allow", ITEMS("Write"), BUCKET("b"), "\"*\""));
	static const char on_part[] =
			TOKEN(POLICY("allow", ITEMS("Write"), BUCKET("b"), "{\"a/*\":\"*\"}"));
	static const char reads[] = TOKEN(POLICY("allow", ITEMS("Read"), BUCKET("b"), "\"*\""));
	static const char kv[] = TOKEN(POLICY("allow", "Workers KV Storage Write", ALL, "\"*\""));
	static const char r2[] = TOKEN(POLICY("allow", "Workers R2 Storage Write", ALL, "\"*\""));
	static const struct {
		const char *said;
		enum slv_api_right right;
		const char *bucket, *key;
		bool may;
	} cases[] = {
		{ on_all, SLV_API_ITEM_WRITE, "b", "k", true },
		{ on_all, SLV_API_ITEM_READ, "c", "", true },
		{ on_all, SLV_API_R2_WRITE, "b", "", false },
		{ on_one, SLV_API_ITEM_WRITE, "b", "k", true },
		{ on_one, SLV_API_ITEM_READ, "b", "", true },
		{ on_one, SLV_API_ITEM_READ, "bb", "k", false },
		{ on_one, SLV_API_ITEM_READ, "", "", false },
		{ on_part, SLV_API_ITEM_WRITE, "b", "a/x", true },
		{ on_part, SLV_API_ITEM_WRITE, "b", "b/x", false },
		{ on_part, SLV_API_ITEM_READ, "b", "a", false },
		{ on_part, SLV_API_ITEM_READ, "b", "", false },
		{ reads, SLV_API_ITEM_READ, "b", "k", true },
		{ reads, SLV_API_ITEM_WRITE, "b", "k", false },
		{ kv, SLV_API_KV_WRITE, "", "", true },
		{ kv, SLV_API_KV_READ, "", "", true },
		{ kv, SLV_API_ITEM_READ, "b", "k", false },
		{ kv, SLV_API_TOKENS_READ, "", "", false },
		{ r2, SLV_API_R2_READ, "", "", true },
		{ r2, SLV_API_ITEM_WRITE, "b", "k", true },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++)
		if (may(state, cases[i].said, cases[i].right, cases[i].bucket, cases[i].key) !=
				cases[i].may)
			fail_msg("case %zu", i);
}

static void denials_win(void **state)
{
	static const char but_one[] = TOKEN(POLICY("allow", ITEMS("Write"), ALL,
			"\"*\"") "," POLICY("deny", ITEMS("Write"), BUCKET("b"), "\"*\""));
	static const char but_part[] = TOKEN(POLICY("allow", ITEMS("Read"), BUCKET("b"),
			"\"*\"") "," POLICY("deny", ITEMS("Read"), BUCKET("b"), "{\"a/*\":\"*\"}"));
	assert_true(may(state, but_one, SLV_API_ITEM_WRITE, "c", "k"));
	assert_false(may(state, but_one, SLV_API_ITEM_WRITE, "b", "k"));
	/* Who must not write may still read. */
	assert_true(may(state, but_one, SLV_API_ITEM_READ, "b", "k"));
	assert_true(may(state, but_part, SLV_API_ITEM_READ, "b", "k"));
	assert_false(may(state, but_part, SLV_API_ITEM_READ, "b", "a/k"));
	/* All of a bucket has the denied part in it. */
	assert_false(may(state, but_part, SLV_API_ITEM_READ, "b", ""));
}

static void a_list_has_nothing_that_is_denied(void **state)
{
	static const char said[] = TOKEN(
			POLICY("allow", ITEMS("Read"), BUCKET("b"), "\"*\"") "," POLICY("deny",
					ITEMS("Read"), BUCKET("b"), "{\"secret/*\":\"*\"}"));
	static const struct {
		const char *prefix;
		bool may;
	} cases[] = { { "", false }, { "s", false }, { "secret", false }, { "secret/", false },
		{ "secret/a", false }, { "public/", true }, { "secreT", true }, { "sec-", true } };
	struct slv_api_token token;
	assert_int_equal(make(*state, said, &token).code, 0);
	for (size_t i = 0; i < SLV_COUNT(cases); i++)
		if (slv_api_token_may_all(&token, SLV_API_ITEM_READ, SLV_STR("b"),
				    slv_str_from(cases[i].prefix)) != cases[i].may)
			fail_msg("prefix '%s'", cases[i].prefix);
	/* One key is another question: 's' may be one. */
	assert_true(slv_api_token_may(&token, SLV_API_ITEM_READ, SLV_STR("b"), SLV_STR("s")));
}

static void who_must_not_read_buckets_cannot_read_what_is_in_them(void **state)
{
	static const char said[] = TOKEN(POLICY("allow", "Workers R2 Storage Write", ALL,
			"\"*\"") "," POLICY("deny", "Workers R2 Storage Read", ALL, "\"*\""));
	assert_false(may(state, said, SLV_API_R2_READ, "", ""));
	assert_false(may(state, said, SLV_API_ITEM_READ, "b", "k"));
	assert_true(may(state, said, SLV_API_ITEM_WRITE, "b", "k"));
}

#define BOUND(expires, in, not_in)                                                                 \
	"{\"name\":\"t\",\"policies\":[" POLICY("allow", ITEMS("Read"), ALL,                       \
			"\"*\"") "]," expires "\"condition\":{\"request_ip\":{\"in\":[" in         \
				 "],\"not_in\":[" not_in "]}}}"
#define UNTIL(year) "\"expires_on\":\"" year "-01-01T00:00:00Z\","

static void nobody_sheds_the_bounds_of_a_token(void **state)
{
	static const char maker[] = BOUND(UNTIL("2030"), "\"10.0.0.0/8\"", "\"10.1.0.0/16\"");
	static const struct {
		const char *gives;
		bool may;
	} cases[] = {
		{ BOUND(UNTIL("2030"), "\"10.0.0.0/8\"", "\"10.1.0.0/16\""), true },
		{ BOUND(UNTIL("2029"), "\"10.2.0.0/16\"", "\"10.0.0.0/8\""), true },
		{ BOUND(UNTIL("2031"), "\"10.0.0.0/8\"", "\"10.1.0.0/16\""), false },
		{ BOUND("", "\"10.0.0.0/8\"", "\"10.1.0.0/16\""), false },
		{ BOUND(UNTIL("2030"), "\"0.0.0.0/0\"", "\"10.1.0.0/16\""), false },
		{ BOUND(UNTIL("2030"), "", "\"10.1.0.0/16\""), false },
		{ BOUND(UNTIL("2030"), "\"10.0.0.0/8\"", ""), false },
		{ BOUND(UNTIL("2030"), "\"10.0.0.0/8\"", "\"10.1.0.0/24\""), false },
	};
	struct slv_api_token has, gives;
	assert_int_equal(make(*state, maker, &has).code, 0);
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		assert_int_equal(make(*state, cases[i].gives, &gives).code, 0);
		if (slv_api_token_covers(&has, &gives) != cases[i].may)
			fail_msg("case %zu", i);
	}
}

static void times_and_networks_bound_a_token(void **state)
{
	struct slv_api_token token;
	struct slv_addr addr;
	slv_err err = make(*state,
			"{\"name\":\"t\",\"policies\":[" POLICY("allow", ITEMS("Read"), ALL,
					"\"*\"") "],\"not_before\":\"2020-01-01T00:00:00Z\","
						 "\"expires_on\":\"2021-01-01T00:00:00Z\","
						 "\"condition\":{\"request_ip\":{\"in\":[\"192.0.2."
						 "0/24\"],\"not_in\":[\"192.0.2.7\"]}}}",
			&token);
	assert_int_equal(err.code, 0);
	assert_int_equal(slv_api_token_status(&token, 1577836799), SLV_API_DISABLED);
	assert_int_equal(slv_api_token_status(&token, 1577836800), SLV_API_ACTIVE);
	assert_int_equal(slv_api_token_status(&token, 1609459199), SLV_API_ACTIVE);
	assert_int_equal(slv_api_token_status(&token, 1609459200), SLV_API_EXPIRED);
	assert_true(slv_addr_parse(SLV_STR("192.0.2.1"), &addr));
	assert_true(slv_api_token_from(&token, &addr));
	assert_true(slv_addr_parse(SLV_STR("192.0.2.7"), &addr));
	assert_false(slv_api_token_from(&token, &addr));
	assert_true(slv_addr_parse(SLV_STR("192.0.3.1"), &addr));
	assert_false(slv_api_token_from(&token, &addr));
	assert_false(slv_api_token_from(&token, &(struct slv_addr){ 0 }));
}

static void nobody_gives_more_than_he_has(void **state)
{
	static const char all[] = TOKEN(POLICY("allow", ITEMS("Write"), ALL, "\"*\""));
	static const char one[] = TOKEN(POLICY("allow", ITEMS("Write"), BUCKET("b"), "\"*\""));
	static const char other[] = TOKEN(POLICY("allow", ITEMS("Read"), BUCKET("c"), "\"*\""));
	static const char part[] =
			TOKEN(POLICY("allow", ITEMS("Read"), BUCKET("b"), "{\"a/*\":\"*\"}"));
	static const char kv[] = TOKEN(POLICY("allow", "Workers KV Storage Read", ALL, "\"*\""));
	static const struct {
		const char *has, *gives;
		bool may;
	} cases[] = {
		{ all, one, true },
		{ all, all, true },
		{ one, part, true },
		{ one, one, true },
		{ one, all, false },
		{ one, other, false },
		{ part, one, false },
		{ all, kv, false },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		struct slv_api_token has, gives;
		assert_int_equal(make(*state, cases[i].has, &has).code, 0);
		assert_int_equal(make(*state, cases[i].gives, &gives).code, 0);
		if (slv_api_token_covers(&has, &gives) != cases[i].may)
			fail_msg("case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_tells_its_id_and_nothing_else_is_one),
		cmocka_unit_test(the_secret_is_the_digest_of_the_value),
		cmocka_unit_test_setup_teardown(
				what_is_said_of_a_token_is_checked, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(a_name_has_its_bound, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(
				lists_of_a_token_have_their_bounds, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(
				a_damaged_record_is_told, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(
				rights_are_of_what_they_name, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(denials_win, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(
				a_list_has_nothing_that_is_denied, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(
				who_must_not_read_buckets_cannot_read_what_is_in_them, with_arena,
				without_arena),
		cmocka_unit_test_setup_teardown(
				nobody_sheds_the_bounds_of_a_token, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(
				times_and_networks_bound_a_token, with_arena, without_arena),
		cmocka_unit_test_setup_teardown(
				nobody_gives_more_than_he_has, with_arena, without_arena),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
