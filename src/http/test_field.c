#include "http/field.h"

#include "base/testing.h"

#include <string.h>

static void every_name_of_the_table_is_found_in_any_case(void **state)
{
	(void)state;
	for (unsigned id = SLV_FIELD_OTHER + 1; id < SLV_FIELD_COUNT; id++) {
		slv_str name = slv_field_name((enum slv_field_id)id);
		char upper[64], mixed[64];
		assert_true(name.len < sizeof(upper));
		for (size_t i = 0; i < name.len; i++) {
			bool letter = name.at[i] >= 'a' && name.at[i] <= 'z';
			upper[i] = letter ? (char)(name.at[i] - 32) : name.at[i];
			mixed[i] = i % 3 ? name.at[i] : upper[i];
		}
		assert_int_equal(slv_field_id(name), id);
		assert_int_equal(slv_field_id((slv_str){ upper, name.len }), id);
		assert_int_equal(slv_field_id((slv_str){ mixed, name.len }), id);
	}
}

/* Among the changes are those by the bit that tells cases apart, as '-' to a carriage return. */
static void a_name_with_one_byte_changed_is_another(void **state)
{
	(void)state;
	for (unsigned id = SLV_FIELD_OTHER + 1; id < SLV_FIELD_COUNT; id++) {
		slv_str name = slv_field_name((enum slv_field_id)id);
		char text[64];
		for (size_t i = 0; i < name.len; i++) {
			memcpy(text, name.at, name.len);
			for (int c = 0; c < 256; c++) {
				if (slv_lower((char)c) == name.at[i])
					continue;
				text[i] = (char)c;
				assert_int_not_equal(slv_field_id((slv_str){ text, name.len }), id);
			}
		}
		assert_int_not_equal(slv_field_id(slv_str_head(name, name.len - 1)), id);
	}
	assert_int_equal(slv_field_id((slv_str){ 0 }), SLV_FIELD_OTHER);
	assert_int_equal(slv_field_id(SLV_STR("x-unheard-of")), SLV_FIELD_OTHER);
}

static void names_are_tokens(void **state)
{
	(void)state;
	assert_true(slv_field_name_ok(SLV_STR("X-Thing_1!")));
	assert_false(slv_field_name_ok(SLV_STR("")));
	assert_false(slv_field_name_ok(SLV_STR("Host ")));
	assert_false(slv_field_name_ok(SLV_STR("Ho:st")));
	assert_false(slv_field_name_ok(SLV_STR("H\xc3\xb6st")));
	assert_false(slv_field_name_ok(SLV_STR("a\0b")));
}

static void values_have_no_controls_and_no_space_at_their_ends(void **state)
{
	(void)state;
	assert_true(slv_field_value_ok((slv_str){ 0 }));
	assert_true(slv_field_value_ok(SLV_STR("a\tb c \xc3\xb6 \xff")));
	assert_false(slv_field_value_ok(SLV_STR(" a")));
	assert_false(slv_field_value_ok(SLV_STR("a\t")));
	assert_false(slv_field_value_ok(SLV_STR("\t")));
	assert_false(slv_field_value_ok(SLV_STR("a\rb")));
	assert_false(slv_field_value_ok(SLV_STR("a\nb")));
	assert_false(slv_field_value_ok(SLV_STR("a\0b")));
	assert_false(slv_field_value_ok(SLV_STR("a\x7f"
						"b")));
}

static struct slv_fields new_fields(struct slv_arena *arena, size_t max)
{
	struct slv_fields fields;
	slv_arena_init(arena, 256, max);
	slv_fields_init(&fields, arena);
	return fields;
}

static void fields_keep_their_order_and_doubles(void **state)
{
	(void)state;
	struct slv_arena arena;
	struct slv_fields fields = new_fields(&arena, SLV_KIB(64));
	char digits[100][2];
	for (int i = 0; i < 100; i++) {
		digits[i][0] = (char)('0' + i / 10);
		digits[i][1] = (char)('0' + i % 10);
		slv_str name = i % 2 ? SLV_STR("Accept") : SLV_STR("X-Own");
		assert_false(slv_failed(slv_fields_add(&fields, name, (slv_str){ digits[i], 2 })));
	}
	assert_int_equal(fields.count, 100);

	int at = 1;
	const struct slv_field *field = NULL;
	while ((field = slv_fields_find(&fields, SLV_FIELD_ACCEPT, field))) {
		assert_true(slv_str_eq(field->value, (slv_str){ digits[at], 2 }));
		assert_true(slv_str_eq(field->name, SLV_STR("Accept")));
		at += 2;
	}
	assert_int_equal(at, 101);
	assert_true(slv_str_eq(slv_fields_get(&fields, SLV_FIELD_ACCEPT), SLV_STR("01")));
	slv_arena_done(&arena);
}

static void names_outside_of_the_table_are_found_too(void **state)
{
	(void)state;
	struct slv_arena arena;
	struct slv_fields fields = new_fields(&arena, SLV_KIB(64));
	assert_null(slv_fields_find_name(&fields, SLV_STR("x-own")));
	assert_null(slv_fields_get(&fields, SLV_FIELD_HOST).at);
	assert_false(slv_failed(slv_fields_add(&fields, SLV_STR("X-Own"), SLV_STR("1"))));
	assert_false(slv_failed(slv_fields_add(&fields, SLV_STR("HOST"), SLV_STR("h"))));
	assert_true(slv_str_eq(
			slv_fields_find_name(&fields, SLV_STR("x-owN"))->value, SLV_STR("1")));
	assert_true(slv_str_eq(
			slv_fields_find_name(&fields, SLV_STR("host"))->value, SLV_STR("h")));
	assert_null(slv_fields_find_name(&fields, SLV_STR("x-owm")));
	slv_arena_done(&arena);
}

static void set_leaves_one(void **state)
{
	(void)state;
	struct slv_arena arena;
	struct slv_fields fields = new_fields(&arena, SLV_KIB(64));
	assert_false(slv_failed(slv_fields_add(&fields, SLV_STR("ETAG"), SLV_STR("\"1\""))));
	assert_false(slv_failed(slv_fields_add(&fields, SLV_STR("Age"), SLV_STR("5"))));
	assert_false(slv_failed(slv_fields_add(&fields, SLV_STR("etag"), SLV_STR("\"2\""))));
	assert_false(slv_failed(slv_fields_set(&fields, SLV_FIELD_ETAG, SLV_STR("\"3\""))));
	assert_int_equal(fields.count, 2);
	assert_true(slv_str_eq(slv_fields_get(&fields, SLV_FIELD_ETAG), SLV_STR("\"3\"")));
	assert_true(slv_str_eq(fields.at[1].name, SLV_STR("etag")));
	slv_fields_remove(&fields, SLV_FIELD_ETAG);
	slv_fields_remove(&fields, SLV_FIELD_ETAG);
	assert_int_equal(fields.count, 1);
	assert_int_equal(fields.at[0].id, SLV_FIELD_AGE);
	slv_arena_done(&arena);
}

/* 16 places fit, their doubling does not. */
static void an_arena_that_is_full_is_a_limit(void **state)
{
	(void)state;
	struct slv_arena arena;
	struct slv_fields fields = new_fields(&arena, 16 * sizeof(struct slv_field) + 64);
	for (int i = 0; i < 16; i++)
		assert_false(slv_failed(slv_fields_add_id(&fields, SLV_FIELD_AGE, SLV_STR("1"))));
	assert_int_equal(slv_fields_add_id(&fields, SLV_FIELD_AGE, SLV_STR("1")).code, SLV_E_LIMIT);
	assert_int_equal(slv_fields_add(&fields, SLV_STR("a"), SLV_STR("b")).code, SLV_E_LIMIT);
	assert_int_equal(slv_fields_set(&fields, SLV_FIELD_DATE, SLV_STR("b")).code, SLV_E_LIMIT);
	assert_int_equal(fields.count, 16);
	slv_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_of_the_table_is_found_in_any_case),
		cmocka_unit_test(a_name_with_one_byte_changed_is_another),
		cmocka_unit_test(names_are_tokens),
		cmocka_unit_test(values_have_no_controls_and_no_space_at_their_ends),
		cmocka_unit_test(fields_keep_their_order_and_doubles),
		cmocka_unit_test(names_outside_of_the_table_are_found_too),
		cmocka_unit_test(set_leaves_one),
		cmocka_unit_test(an_arena_that_is_full_is_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
