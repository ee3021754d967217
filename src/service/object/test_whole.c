#include "service/object/whole.h"

#include "base/attr.h"
#include "base/testing.h"

#include <string.h>

#define PARTS_MAX 4
#define MIB (UINT64_C(1) << 20)
#define UPLOAD "0123456789abcdef0123456789abcdef"

/* Parts of an upload as they are in its rows: 1, 3, 4 and 9, of 5 MiB but the last. */
struct kit {
	char keys[PARTS_MAX][OBJECT_PART_KEY_BYTES];
	struct slv_buf values[PARTS_MAX], list;
	struct slv_omap_row rows[PARTS_MAX];
	struct object_meta metas[PARTS_MAX], upload, meta;
	char etags[PARTS_MAX][2 * OBJECT_MD5_BYTES];
	struct slv_object_part named[PARTS_MAX];
	struct slv_object_complete complete;
	struct object_parts parts;
};

static const uint32_t numbers[PARTS_MAX] = { 1, 3, 4, 9 };

/* The text that stands for a part's bytes in its checksum. */
static slv_str text_of(size_t i)
{
	static const char text[] = "123456789abc";
	return (slv_str){ text + 3 * i, 3 };
}

static struct slv_object_checksum sum(enum slv_object_checksum_kind kind, slv_str bytes)
{
	struct slv_object_checksum_stream stream;
	struct slv_object_checksum checksum;
	slv_object_checksum_init(&stream, kind);
	slv_object_checksum_add(&stream, bytes);
	slv_object_checksum_finish(&stream, &checksum);
	return checksum;
}

static void row_write(struct kit *kit, size_t i)
{
	slv_buf_clear(&kit->values[i]);
	assert_false(slv_failed(object_meta_write(&kit->metas[i], &kit->values[i])));
	kit->rows[i] = (struct slv_omap_row){ .version = 1,
		.key = object_part_key(SLV_STR(UPLOAD), numbers[i], kit->keys[i]),
		.value = slv_buf_str(&kit->values[i]) };
}

static void name_parts(struct kit *kit, size_t count, const size_t *which)
{
	for (size_t i = 0; i < count; i++)
		kit->named[i] = (struct slv_object_part){ .number = numbers[which[i]],
			.etag = { kit->etags[which[i]], sizeof(kit->etags[0]) } };
	kit->complete.count = (uint32_t)count;
}

static int set_up(void **state)
{
	struct kit *kit = test_calloc(1, sizeof(*kit));
	for (size_t i = 0; i < PARTS_MAX; i++) {
		struct object_meta *meta = &kit->metas[i];
		slv_str text = text_of(i);
		struct slv_digest_stream md5;
		slv_digest_init(&md5, SLV_DIGEST_MD5);
		slv_digest_add(&md5, text);
		slv_digest_finish(&md5, meta->md5);
		slv_str_hex(meta->md5, OBJECT_MD5_BYTES, kit->etags[i]);
		meta->len = i == PARTS_MAX - 1 ? 3 : 5 * MIB;
		meta->where = OBJECT_BLOB;
		slv_buf_init(&kit->values[i], OBJECT_ROW_BYTES_MAX);
		row_write(kit, i);
	}
	slv_buf_init(&kit->list, SLV_KIB(1));
	kit->complete.parts = kit->named;
	kit->parts = (struct object_parts){ &kit->complete, kit->rows, PARTS_MAX };
	name_parts(kit, PARTS_MAX, (const size_t[]){ 0, 1, 2, 3 });
	*state = kit;
	return 0;
}

static int tear_down(void **state)
{
	struct kit *kit = *state;
	for (size_t i = 0; i < PARTS_MAX; i++)
		slv_buf_done(&kit->values[i]);
	slv_buf_done(&kit->list);
	test_free(kit);
	return 0;
}

static enum slv_object_code made(struct kit *kit)
{
	slv_buf_clear(&kit->list);
	return object_whole_make(&kit->parts, &kit->upload, &kit->meta, &kit->list).code;
}

/* All parts have a checksum of that kind, and so has the upload. */
static void with_checksums(struct kit *kit, enum slv_object_checksum_kind kind, bool full_object)
{
	for (size_t i = 0; i < PARTS_MAX; i++) {
		kit->metas[i].has_checksum = true;
		kit->metas[i].checksum = sum(kind, text_of(i));
		row_write(kit, i);
	}
	kit->upload.has_checksum = true;
	kit->upload.full_object = full_object;
	kit->upload.checksum.kind = kind;
}

static void the_etag_is_the_md5_of_the_parts_md5s(void **state)
{
	struct kit *kit = *state;
	char room[OBJECT_ETAG_BYTES_MAX];
	assert_int_equal(made(kit), SLV_OBJECT_E_NONE);
	slv_str etag = object_etag(&kit->meta, room);
	/* By md5sum: of the four digests, one behind the other. */
	slv_str expected = SLV_STR("\"4a829f6a207fd8730ce95200d8c0b445-4\"");
	assert_int_equal(etag.len, expected.len);
	assert_memory_equal(etag.at, expected.at, expected.len);
	assert_int_equal(kit->meta.len, 15 * MIB + 3);
}

static void the_list_has_number_and_length_of_each(void **state)
{
	struct kit *kit = *state;
	struct object_part_item item;
	assert_int_equal(made(kit), SLV_OBJECT_E_NONE);
	for (size_t i = 0; i < PARTS_MAX; i++) {
		assert_true(object_part_item_read(slv_buf_str(&kit->list), i, &item));
		assert_int_equal(item.number, numbers[i]);
		assert_int_equal(item.len, kit->metas[i].len);
	}
	assert_false(object_part_item_read(slv_buf_str(&kit->list), PARTS_MAX, &item));
}

static void a_part_that_is_not_there_is_none(void **state)
{
	struct kit *kit = *state;
	kit->named[1].number = 2;
	assert_int_equal(made(kit), SLV_OBJECT_E_INVALID_PART);
	kit->named[1].number = 3;
	kit->named[3].number = 10;
	assert_int_equal(made(kit), SLV_OBJECT_E_INVALID_PART);
	kit->parts.count = 0;
	assert_int_equal(made(kit), SLV_OBJECT_E_INVALID_PART);
}

static void a_part_of_another_etag_is_another_part(void **state)
{
	struct kit *kit = *state;
	kit->etags[2][0] ^= 1;
	assert_int_equal(made(kit), SLV_OBJECT_E_INVALID_PART);
	kit->named[2].etag = SLV_STR("x");
	assert_int_equal(made(kit), SLV_OBJECT_E_INVALID_PART);
}

static void only_the_last_may_be_small(void **state)
{
	struct kit *kit = *state;
	kit->metas[1].len = 5 * MIB - 1;
	row_write(kit, 1);
	assert_int_equal(made(kit), SLV_OBJECT_E_ENTITY_TOO_SMALL);
	name_parts(kit, 2, (const size_t[]){ 0, 1 });
	assert_int_equal(made(kit), SLV_OBJECT_E_NONE);
	assert_int_equal(kit->meta.parts, 2);
}

static void a_checksum_of_all_bytes_is_joined(void **state)
{
	static const enum slv_object_checksum_kind kinds[] = { SLV_OBJECT_CRC32, SLV_OBJECT_CRC32C,
		SLV_OBJECT_CRC64NVME };
	struct kit *kit = *state;
	char *bytes = test_malloc(5 * MIB);
	for (size_t k = 0; k < SLV_COUNT(kinds); k++) {
		struct slv_object_checksum_stream stream;
		struct slv_object_checksum all;
		slv_object_checksum_init(&stream, kinds[k]);
		with_checksums(kit, kinds[k], true);
		for (size_t i = 0; i < PARTS_MAX; i++) {
			kit->metas[i].len = i == PARTS_MAX - 1 ? 3 : 5 * MIB;
			memset(bytes, 'a' + (int)i, 5 * MIB);
			slv_str part = { bytes, kit->metas[i].len };
			kit->metas[i].checksum = sum(kinds[k], part);
			row_write(kit, i);
			slv_object_checksum_add(&stream, part);
		}
		slv_object_checksum_finish(&stream, &all);
		assert_int_equal(made(kit), SLV_OBJECT_E_NONE);
		assert_true(kit->meta.has_checksum && !kit->meta.checksum.parts);
		assert_true(slv_object_checksum_eq(&kit->meta.checksum, &all));
	}
	test_free(bytes);
}

static void a_composite_one_is_of_the_parts_checksums(void **state)
{
	struct kit *kit = *state;
	struct slv_object_checksum_stream stream;
	struct slv_object_checksum expected;
	with_checksums(kit, SLV_OBJECT_SHA256, false);
	slv_object_checksum_init(&stream, SLV_OBJECT_SHA256);
	for (size_t i = 0; i < PARTS_MAX; i++)
		slv_object_checksum_add_part(&stream, &kit->metas[i].checksum);
	slv_object_checksum_finish(&stream, &expected);
	assert_int_equal(made(kit), SLV_OBJECT_E_NONE);
	assert_true(kit->meta.has_checksum && kit->meta.checksum.parts == PARTS_MAX);
	assert_true(slv_object_checksum_eq(&kit->meta.checksum, &expected));
}

static void a_checksum_that_is_named_must_hold(void **state)
{
	struct kit *kit = *state;
	with_checksums(kit, SLV_OBJECT_CRC32, false);
	name_parts(kit, 1, (const size_t[]){ 3 });
	kit->named[0].has_checksum = true;
	kit->named[0].checksum = kit->metas[3].checksum;
	assert_int_equal(made(kit), SLV_OBJECT_E_NONE);
	kit->named[0].checksum.bytes[0] ^= 1;
	assert_int_equal(made(kit), SLV_OBJECT_E_INVALID_PART);
	kit->named[0].checksum = sum(SLV_OBJECT_CRC32C, text_of(3));
	assert_int_equal(made(kit), SLV_OBJECT_E_INVALID_PART);
	/* A part that has none has not that one. */
	kit->metas[3].has_checksum = kit->upload.has_checksum = false;
	row_write(kit, 3);
	assert_int_equal(made(kit), SLV_OBJECT_E_INVALID_PART);
}

static void a_part_without_the_uploads_checksum_is_our_mistake(void **state)
{
	struct kit *kit = *state;
	kit->upload.has_checksum = true;
	assert_int_equal(made(kit), SLV_OBJECT_E_INTERNAL);
}

static void a_damaged_row_is_no_part(void **state)
{
	struct kit *kit = *state;
	kit->rows[0].value = SLV_STR("?");
	assert_int_equal(made(kit), SLV_OBJECT_E_INTERNAL);
}

static void what_was_not_named_is_left_over(void **state)
{
	struct kit *kit = *state;
	size_t index = 0;
	assert_null(object_whole_unnamed(&kit->parts, &index));
	name_parts(kit, 2, (const size_t[]){ 1, 3 });
	index = 0;
	assert_ptr_equal(object_whole_unnamed(&kit->parts, &index), &kit->rows[0]);
	assert_ptr_equal(object_whole_unnamed(&kit->parts, &index), &kit->rows[2]);
	assert_null(object_whole_unnamed(&kit->parts, &index));
}

int main(void)
{
#define KIT_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		KIT_TEST(the_etag_is_the_md5_of_the_parts_md5s),
		KIT_TEST(the_list_has_number_and_length_of_each),
		KIT_TEST(a_part_that_is_not_there_is_none),
		KIT_TEST(a_part_of_another_etag_is_another_part),
		KIT_TEST(only_the_last_may_be_small),
		KIT_TEST(a_checksum_of_all_bytes_is_joined),
		KIT_TEST(a_composite_one_is_of_the_parts_checksums),
		KIT_TEST(a_checksum_that_is_named_must_hold),
		KIT_TEST(a_part_without_the_uploads_checksum_is_our_mistake),
		KIT_TEST(a_damaged_row_is_no_part),
		KIT_TEST(what_was_not_named_is_left_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
