#include "base/testing.h"

#include "base/arena.h"
#include "base/attr.h"
#include "service/image/hosted/record.h"
#include "service/image/options.h"

#include <string.h>

static const slv_str account = SLV_STR_INIT("0123456789abcdef0123456789abcdef");

/* --- names --- */

static void an_account_has_a_public_name(void **state)
{
	char hash[HOSTED_HASH_BYTES], again[HOSTED_HASH_BYTES], other[HOSTED_HASH_BYTES];
	(void)state;
	hosted_account_hash(account, hash);
	hosted_account_hash(account, again);
	hosted_account_hash(SLV_STR("0123456789abcdef0123456789abcdee"), other);
	assert_memory_equal(hash, again, sizeof(hash));
	assert_memory_not_equal(hash, other, sizeof(hash));
	/* printf 'images of account 0123…' | openssl dgst -sha256 -binary | basenc --base64url */
	assert_memory_equal(hash, "ThHeCI3bid-pc80pZsimbc", sizeof(hash));
}

static bool id_ok(slv_str id)
{
	return !slv_failed(hosted_id_check(id));
}

static void an_id_is_any_text_within_its_bound(void **state)
{
	char most[HOSTED_ID_BYTES_MAX + 1];
	(void)state;
	memset(most, 'i', sizeof(most));
	assert_true(id_ok(SLV_STR("a")));
	assert_true(id_ok(SLV_STR("shop/shoes/left one.jpg")));
	assert_true(id_ok(SLV_STR("\xc3\xa9t\xc3\xa9")));
	assert_true(id_ok((slv_str){ most, HOSTED_ID_BYTES_MAX }));
	assert_int_equal(hosted_id_check((slv_str){ most, sizeof(most) }).code, SLV_E_LIMIT);
	assert_int_equal(hosted_id_check((slv_str){ 0 }).code, SLV_E_SYNTAX);
	assert_int_equal(hosted_id_check(SLV_STR("a\0b")).code, SLV_E_SYNTAX);
	assert_int_equal(hosted_id_check(SLV_STR("a\xff")).code, SLV_E_SYNTAX);
}

static void an_id_can_stand_in_a_path(void **state)
{
	static const char *const good[] = { "...", ".a", "a.", "a/..b", "a/b../c", "a/.b/c", "%2e",
		"a%2fb", "a%5cb", "%2e%2e/a" };
	static const char *const bad[] = { ".", "..", "/", "//", "/a", "a/", "a//b", "a///b", "./a",
		"../a", "a/.", "a/..", "a/./b", "a/../b", "a/b/../../c", "\\", "a\\b", "a\\..\\b",
		"\\a", "a/b\\" };
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(good); i++)
		if (!id_ok(slv_str_from(good[i])))
			fail_msg("'%s' is refused", good[i]);
	for (size_t i = 0; i < SLV_COUNT(bad); i++)
		if (hosted_id_check(slv_str_from(bad[i])).code != SLV_E_SYNTAX)
			fail_msg("'%s' is taken", bad[i]);
}

static void an_id_of_ours_is_a_uuid(void **state)
{
	uint8_t random[16];
	char id[HOSTED_UUID_BYTES];
	(void)state;
	memset(random, 0xff, sizeof(random));
	hosted_uuid_print(random, id);
	assert_memory_equal(id, "ffffffff-ffff-4fff-bfff-ffffffffffff", sizeof(id));
	memset(random, 0, sizeof(random));
	hosted_uuid_print(random, id);
	assert_memory_equal(id, "00000000-0000-4000-8000-000000000000", sizeof(id));
	assert_true(hosted_id_is_uuid((slv_str){ id, sizeof(id) }));
	assert_false(hosted_id_is_uuid((slv_str){ id, sizeof(id) - 1 }));
	assert_false(hosted_id_is_uuid(SLV_STR("00000000-0000-4000-8000-00000000000g")));
	assert_true(hosted_id_is_uuid(SLV_STR("00000000-0000-4000-8000-00000000000A")));
	assert_false(hosted_id_is_uuid(SLV_STR("0000000000000-4000-8000-000000000000")));
}

static void variants_and_keys_have_names_that_are_no_options(void **state)
{
	char most[HOSTED_VARIANT_ID_BYTES_MAX + 1];
	(void)state;
	memset(most, 'v', sizeof(most));
	slv_str fits = { most, HOSTED_VARIANT_ID_BYTES_MAX }, longer = { most, sizeof(most) };
	assert_false(slv_failed(hosted_variant_id_check(SLV_STR("Thumb-2_x"))));
	assert_false(slv_failed(hosted_variant_id_check(fits)));
	assert_int_equal(hosted_variant_id_check(longer).code, SLV_E_LIMIT);
	assert_int_equal(hosted_variant_id_check((slv_str){ 0 }).code, SLV_E_SYNTAX);
	assert_int_equal(hosted_variant_id_check(SLV_STR("w=400")).code, SLV_E_SYNTAX);
	assert_int_equal(hosted_variant_id_check(SLV_STR("a/b")).code, SLV_E_SYNTAX);
	fits.len = HOSTED_KEY_NAME_BYTES_MAX;
	longer.len = HOSTED_KEY_NAME_BYTES_MAX + 1;
	assert_false(slv_failed(hosted_key_name_check(fits)));
	assert_int_equal(hosted_key_name_check(longer).code, SLV_E_LIMIT);
	assert_int_equal(hosted_key_name_check(SLV_STR("a.b")).code, SLV_E_SYNTAX);
}

/* --- pictures --- */

static void comes_back(struct hosted_image image)
{
	char row[HOSTED_IMAGE_BYTES_MAX];
	struct hosted_image back;
	size_t len = hosted_image_write(&image, row);
	assert_true(len <= sizeof(row));
	assert_false(slv_failed(hosted_image_read((slv_str){ row, len }, &back)));
	assert_int_equal(back.uploaded_ms, image.uploaded_ms);
	assert_int_equal(back.is_draft, image.is_draft);
	assert_int_equal(back.is_signed, image.is_signed);
	assert_int_equal(back.expires_ms, image.expires_ms);
	assert_memory_equal(back.upload, image.upload, sizeof(image.upload));
	assert_memory_equal(back.blob.id.bytes, image.blob.id.bytes, SLV_BLOB_ID_BYTES);
	assert_int_equal(back.blob.len, image.blob.len);
	assert_int_equal(back.format, image.format);
	assert_int_equal(back.width, image.width);
	assert_int_equal(back.height, image.height);
	assert_true(slv_str_eq(back.filename, image.filename));
	assert_true(slv_str_eq(back.creator, image.creator));
	assert_true(slv_str_eq(back.metadata, image.metadata));
}

static struct hosted_image a_picture(void)
{
	struct hosted_image image = {
		.uploaded_ms = INT64_C(0x1122334455667788),
		.is_signed = true,
		.blob.len = UINT64_C(0x0807060504030201),
		.format = 3,
		.width = 12000,
		.height = 0x01020304,
		.filename = SLV_STR("a.jpg"),
		.metadata = SLV_STR("{\"a\":1}"),
	};
	memset(image.blob.id.bytes, 0xa5, SLV_BLOB_ID_BYTES);
	return image;
}

static struct hosted_image a_draft(void)
{
	struct hosted_image image = { .uploaded_ms = 1, .is_draft = true, .expires_ms = 2 };
	memset(image.upload, 0x5a, sizeof(image.upload));
	image.creator = SLV_STR("somebody");
	return image;
}

static void a_picture_comes_back_as_it_was(void **state)
{
	static char most[HOSTED_CREATOR_BYTES_MAX];
	(void)state;
	comes_back((struct hosted_image){ 0 });
	comes_back(a_picture());
	comes_back(a_draft());
	memset(most, 'm', sizeof(most));
	struct hosted_image image = a_picture();
	image.filename = (slv_str){ most, HOSTED_FILENAME_BYTES_MAX };
	image.creator = (slv_str){ most, HOSTED_CREATOR_BYTES_MAX };
	image.metadata = (slv_str){ most, HOSTED_METADATA_BYTES_MAX };
	comes_back(image);
}

static void is_damaged(slv_str row)
{
	struct hosted_image image;
	assert_int_equal(hosted_image_read(row, &image).code, SLV_E_CORRUPT);
}

static void a_picture_that_is_cut_or_longer_is_damaged(void **state)
{
	char row[HOSTED_IMAGE_BYTES_MAX + 1] = { 0 };
	struct hosted_image both[] = { a_picture(), a_draft() };
	(void)state;
	for (size_t i = 0; i < SLV_COUNT(both); i++) {
		size_t len = hosted_image_write(&both[i], row);
		for (size_t cut = 0; cut < len; cut++)
			is_damaged((slv_str){ row, cut });
		is_damaged((slv_str){ row, len + 1 });
		row[0]++; /* another format */
		is_damaged((slv_str){ row, len });
	}
}

static void its_version_is_that_of_its_bytes(void **state)
{
	char version[HOSTED_VERSION_BYTES];
	struct hosted_image image = a_picture();
	(void)state;
	hosted_version(&image, version);
	assert_memory_equal(version, "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5", sizeof(version));
}

/* --- variants and settings --- */

static void a_variant_comes_back_as_it_was(void **state)
{
	char row[HOSTED_VARIANT_BYTES_MAX + 1], most[HOSTED_OPTIONS_BYTES_MAX];
	struct hosted_variant back, variant = { true, { most, sizeof(most) } };
	(void)state;
	memset(most, 'o', sizeof(most));
	size_t len = hosted_variant_write(&variant, row);
	assert_false(slv_failed(hosted_variant_read((slv_str){ row, len }, &back)));
	assert_true(back.never_signed);
	assert_true(slv_str_eq(back.options, variant.options));
	assert_int_equal(hosted_variant_read((slv_str){ row, len + 1 }, &back).code, SLV_E_CORRUPT);
	assert_int_equal(hosted_variant_read((slv_str){ row, 1 }, &back).code, SLV_E_CORRUPT);
	row[0]++;
	assert_int_equal(hosted_variant_read((slv_str){ row, len }, &back).code, SLV_E_CORRUPT);
}

static void the_public_variant_can_be_delivered(void **state)
{
	struct slv_arena arena;
	struct slv_image_defaults defaults;
	struct slv_image_options options;
	(void)state;
	slv_image_defaults_init(&defaults);
	slv_arena_init(&arena, 4096, 4096);
	assert_false(slv_failed(slv_image_options_parse(
			&arena, SLV_STR(HOSTED_PUBLIC_OPTIONS), &defaults, &options)));
	assert_int_equal(options.width, 1366);
	slv_arena_done(&arena);
}

static void settings_come_back_as_they_were(void **state)
{
	char row[HOSTED_CONFIG_BYTES + 1] = { 0 };
	struct hosted_config back, config = { .flexible_variants = true };
	(void)state;
	assert_false(slv_failed(hosted_config_read((slv_str){ 0 }, &back)));
	assert_false(back.flexible_variants);
	size_t len = hosted_config_write(&config, row);
	assert_false(slv_failed(hosted_config_read((slv_str){ row, len }, &back)));
	assert_true(back.flexible_variants);
	assert_int_equal(hosted_config_read((slv_str){ row, len + 1 }, &back).code, SLV_E_CORRUPT);
	assert_int_equal(hosted_config_read((slv_str){ row, 1 }, &back).code, SLV_E_CORRUPT);
}

/* --- keys --- */

static void signing_keys_come_back_as_they_were(void **state)
{
	char row[HOSTED_KEYS_BYTES_MAX + 1], name[HOSTED_KEY_NAME_BYTES_MAX];
	char value[HOSTED_KEY_VALUE_BYTES_MAX];
	struct hosted_keys keys = { 0 }, back;
	(void)state;
	memset(name, 'n', sizeof(name));
	memset(value, 'v', sizeof(value));
	assert_int_equal(hosted_keys_read((slv_str){ 0 }, &back).code, SLV_E_NONE);
	assert_int_equal(back.count, 0);
	while (keys.count < HOSTED_KEYS_MAX) {
		name[0] = (char)('a' + keys.count);
		keys.at[keys.count++] = (struct hosted_key){ { name, sizeof(name) - keys.count },
			{ value, sizeof(value) - keys.count } };
		size_t len = hosted_keys_write(&keys, row);
		assert_true(len < sizeof(row));
		assert_int_equal(hosted_keys_read((slv_str){ row, len }, &back).code, SLV_E_NONE);
		assert_int_equal(back.count, keys.count);
		for (size_t i = 0; i < keys.count; i++) {
			assert_int_equal(back.at[i].name.len, keys.at[i].name.len);
			assert_true(slv_str_eq(back.at[i].value, keys.at[i].value));
		}
	}
}

static void signing_keys_that_are_cut_or_too_many_are_damaged(void **state)
{
	char row[HOSTED_KEYS_BYTES_MAX + 16];
	struct hosted_keys keys = { 0 }, back;
	(void)state;
	keys.at[keys.count++] = (struct hosted_key){ SLV_STR("one"), SLV_STR("secret") };
	size_t len = hosted_keys_write(&keys, row);
	for (size_t cut = 2; cut < len; cut++)
		assert_int_equal(
				hosted_keys_read((slv_str){ row, cut }, &back).code, SLV_E_CORRUPT);
	row[0] ^= 2;
	assert_int_equal(hosted_keys_read((slv_str){ row, len }, &back).code, SLV_E_CORRUPT);
	keys.at[0].name = SLV_STR("a.b");
	len = hosted_keys_write(&keys, row);
	assert_int_equal(hosted_keys_read((slv_str){ row, len }, &back).code, SLV_E_CORRUPT);
	for (keys.count = 0; keys.count < HOSTED_KEYS_MAX; keys.count++)
		keys.at[keys.count] = (struct hosted_key){ SLV_STR("k"), SLV_STR("v") };
	len = hosted_keys_write(&keys, row);
	assert_int_equal(hosted_keys_read((slv_str){ row, len }, &back).code, SLV_E_NONE);
	memcpy(row + len, "\0\1k\0\1v", 6);
	assert_int_equal(hosted_keys_read((slv_str){ row, len + 6 }, &back).code, SLV_E_CORRUPT);
}

static void rows_of_times_are_in_their_order(void **state)
{
	char early[HOSTED_KEY_BYTES_MAX], late[HOSTED_KEY_BYTES_MAX];
	int64_t time_ms;
	slv_str id;
	(void)state;
	slv_str up[] = { hosted_time_key('o', 255, SLV_STR("z"), early),
		hosted_time_key('o', 256, SLV_STR("a"), late) };
	assert_true(slv_str_cmp(up[0], up[1]) < 0);
	slv_str down[] = { hosted_time_key('n', 255, SLV_STR("a"), early),
		hosted_time_key('n', 256, SLV_STR("z"), late) };
	assert_true(slv_str_cmp(down[0], down[1]) > 0);
	assert_true(hosted_time_read(down[0], &time_ms, &id));
	assert_int_equal(time_ms, 255);
	assert_true(slv_str_eq(id, SLV_STR("a")));
	assert_false(hosted_time_read(slv_str_head(down[0], 8), &time_ms, &id));
}

static void the_longest_keys_fit(void **state)
{
	static char most[HOSTED_ID_BYTES_MAX];
	char room[HOSTED_KEY_BYTES_MAX], again[HOSTED_KEY_BYTES_MAX];
	uint8_t digest[HOSTED_SECRET_BYTES] = { 1, 2 };
	(void)state;
	memset(most, 'm', sizeof(most));
	slv_str row = hosted_row_key('i', (slv_str){ most, sizeof(most) }, room);
	assert_int_equal(row.len, 1 + sizeof(most));
	assert_int_equal(hosted_time_key('x', 1, row, again).len, sizeof(again));
	assert_true(sizeof(again) <= SLV_OMAP_KEY_BYTES_MAX);
	slv_str secret = hosted_secret_key('u', digest, room);
	assert_int_equal(secret.len, 1 + sizeof(digest));
	assert_memory_equal(secret.at, "u\1\2", 3);
}

static void the_bytes_of_a_picture_have_a_name_as_a_source(void **state)
{
	struct slv_blob_ref ref = { .len = SLV_BLOB_BYTES_MAX }, back;
	char room[HOSTED_SOURCE_BYTES_MAX];
	(void)state;
	for (size_t i = 0; i < SLV_BLOB_ID_BYTES; i++)
		ref.id.bytes[i] = (uint8_t)(0xf0 + i);
	slv_str name = hosted_source_name(&ref, room);
	assert_true(slv_str_eq(
			name, SLV_STR("hosted:f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff.5368709120")));
	assert_true(hosted_source_read(name, &back));
	assert_int_equal(back.len, ref.len);
	assert_memory_equal(back.id.bytes, ref.id.bytes, SLV_BLOB_ID_BYTES);
	static const char *const none[] = { "", "/a.png", "hosted:", "hosted:.",
		"hosted:f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
		"hosted:f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff.",
		"hosted:f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff.0",
		"hosted:f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff.5368709121",
		"hosted:f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff.-1", "hosted:f0.1",
		"https://f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff.1" };
	for (size_t i = 0; i < SLV_COUNT(none); i++)
		assert_false(hosted_source_read(slv_str_from(none[i]), &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bytes_of_a_picture_have_a_name_as_a_source),
		cmocka_unit_test(an_account_has_a_public_name),
		cmocka_unit_test(an_id_is_any_text_within_its_bound),
		cmocka_unit_test(an_id_can_stand_in_a_path),
		cmocka_unit_test(an_id_of_ours_is_a_uuid),
		cmocka_unit_test(variants_and_keys_have_names_that_are_no_options),
		cmocka_unit_test(a_picture_comes_back_as_it_was),
		cmocka_unit_test(a_picture_that_is_cut_or_longer_is_damaged),
		cmocka_unit_test(its_version_is_that_of_its_bytes),
		cmocka_unit_test(a_variant_comes_back_as_it_was),
		cmocka_unit_test(the_public_variant_can_be_delivered),
		cmocka_unit_test(settings_come_back_as_they_were),
		cmocka_unit_test(signing_keys_come_back_as_they_were),
		cmocka_unit_test(signing_keys_that_are_cut_or_too_many_are_damaged),
		cmocka_unit_test(rows_of_times_are_in_their_order),
		cmocka_unit_test(the_longest_keys_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
