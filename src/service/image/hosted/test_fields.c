#include "base/testing.h"

#include "service/image/hosted/fields.h"

#include <string.h>

struct kit {
	struct slv_arena arena;
	struct hosted_fields fields;
};

static int set_up(void **state)
{
	static struct kit kit;
	slv_arena_init(&kit.arena, 4096, SLV_KIB(64));
	hosted_fields_init(&kit.fields, &kit.arena);
	*state = &kit;
	return 0;
}

static int tear_down(void **state)
{
	struct kit *kit = *state;
	hosted_fields_done(&kit->fields);
	slv_arena_done(&kit->arena);
	return 0;
}

static slv_err set(struct kit *kit, const char *name, const char *value)
{
	return hosted_fields_set(&kit->fields, slv_str_from(name), slv_str_from(value));
}

static void takes(struct kit *kit, const char *name, const char *value)
{
	assert_int_equal(set(kit, name, value).code, SLV_E_NONE);
}

static void refuses(struct kit *kit, const char *name, const char *value, int code)
{
	assert_int_equal(set(kit, name, value).code, code);
}

static void what_is_said_is_kept(void **state)
{
	struct kit *kit = *state;
	const struct hosted_fields *fields = &kit->fields;
	takes(kit, "id", "a/b");
	takes(kit, "url", "https://example.com/");
	takes(kit, "creator", "");
	takes(kit, "expiry", "soon");
	takes(kit, "requireSignedURLs", "true");
	takes(kit, "metadata", "{\"a\": 1}");
	takes(kit, "colour", "red");
	assert_int_equal(hosted_fields_check(&kit->fields).code, SLV_E_NONE);
	assert_true(slv_str_eq(fields->id, SLV_STR("a/b")));
	assert_true(slv_str_eq(fields->url, SLV_STR("https://example.com/")));
	assert_non_null(fields->creator.at);
	assert_true(slv_str_eq(fields->expiry, SLV_STR("soon")));
	assert_true(fields->has_signed && fields->is_signed);
	assert_true(slv_str_eq(slv_buf_str(&fields->metadata_text), SLV_STR("{\"a\":1}")));
}

static void nothing_is_said_twice(void **state)
{
	struct kit *kit = *state;
	static const char *const names[] = { "id", "url", "creator", "expiry" };
	for (size_t i = 0; i < SLV_COUNT(names); i++) {
		takes(kit, names[i], "");
		refuses(kit, names[i], "x", SLV_E_SYNTAX);
	}
	takes(kit, "requireSignedURLs", "false");
	refuses(kit, "requireSignedURLs", "false", SLV_E_SYNTAX);
	takes(kit, "metadata", "{}");
	refuses(kit, "metadata", "{}", SLV_E_SYNTAX);
}

static void metadata_is_made_of_members(void **state)
{
	struct kit *kit = *state;
	takes(kit, "metadata[a]", "1");
	takes(kit, "metadata[b][c]", "x");
	takes(kit, "metadata[b][d][e][f][g]", "\"");
	refuses(kit, "metadata[a]", "2", SLV_E_SYNTAX);
	refuses(kit, "metadata[a][b]", "2", SLV_E_SYNTAX);
	refuses(kit, "metadata[b]", "2", SLV_E_SYNTAX);
	refuses(kit, "metadata[x][c][d][e][f][g]", "2", SLV_E_LIMIT);
	assert_int_equal(hosted_fields_check(&kit->fields).code, SLV_E_NONE);
	assert_true(slv_str_starts(slv_buf_str(&kit->fields.metadata_text),
			SLV_STR("{\"a\":\"1\",\"b\":{\"c\":\"x\",\"d\":{\"e\":{\"f\":{\"g\":"
				"\"\\\"\""
				"}}}}")));
}

static void half_a_member_is_none(void **state)
{
	struct kit *kit = *state;
	static const char *const names[] = { "metadata[", "metadata[]", "metadata[a",
		"metadata[a]b", "metadata[a][", "metadata[a][]" };
	for (size_t i = 0; i < SLV_COUNT(names); i++)
		refuses(kit, names[i], "x", SLV_E_SYNTAX);
	refuses(kit, "metadata[c]", "\xff", SLV_E_SYNTAX);
	refuses(kit, "metadata[\xff]", "x", SLV_E_SYNTAX);
}

static void bounds_hold_when_all_was_said(void **state)
{
	struct kit *kit = *state;
	char most[HOSTED_METADATA_BYTES_MAX + 2];
	memset(most, 'm', sizeof(most));
	/* {"a":"…"} */
	most[HOSTED_METADATA_BYTES_MAX - 8] = 0;
	takes(kit, "metadata[a]", most);
	assert_int_equal(hosted_fields_check(&kit->fields).code, SLV_E_NONE);
	takes(kit, "metadata[b]", "");
	assert_int_equal(hosted_fields_check(&kit->fields).code, SLV_E_LIMIT);
}

static void an_id_must_not_be_one_of_ours(void **state)
{
	struct kit *kit = *state;
	refuses(kit, "id", "2cdc28f0-017a-49c4-9ed7-87056c839010", SLV_E_SYNTAX);
	refuses(kit, "id", "variants", SLV_E_SYNTAX);
	refuses(kit, "id", "a/../b", SLV_E_SYNTAX);
	takes(kit, "id", "variants/x");
	assert_int_equal(hosted_fields_check(&kit->fields).code, SLV_E_NONE);
}

static void without_memory_nothing_is_said(void **state)
{
	struct hosted_fields fields;
	struct slv_arena none;
	(void)state;
	slv_arena_init(&none, 1, 1);
	hosted_fields_init(&fields, &none);
	slv_err err = hosted_fields_set(&fields, SLV_STR("id"), SLV_STR("a long enough name"));
	assert_int_equal(err.code, SLV_E_LIMIT);
	hosted_fields_done(&fields);
	slv_arena_done(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_said_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_said_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(metadata_is_made_of_members, set_up, tear_down),
		cmocka_unit_test_setup_teardown(half_a_member_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bounds_hold_when_all_was_said, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_id_must_not_be_one_of_ours, set_up, tear_down),
		cmocka_unit_test(without_memory_nothing_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
