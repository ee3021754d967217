#include "base/testing.h"

#include "jail/image/exif.h"

#include <glib.h>
#include <string.h>

/* Artist in the entry itself, copyright at the end. */
static const char block[] = "Exif\0\0II*\0\x08\0\0\0\x02\0"
			    "\x3b\x01\x02\0\x03\0\0\0Jo\0\0"
			    "\x98\x82\x02\0\x06\0\0\0\x26\0\0\0"
			    "\0\0\0\0"
			    "(c) X";

static void owners_are_read_in_either_byte_order(void **state)
{
	(void)state;
	struct slv_exif_owner owner;
	assert_true(slv_exif_read((slv_str){ block, sizeof(block) }, &owner));
	assert_true(slv_str_eq(owner.artist, SLV_STR("Jo")));
	assert_true(slv_str_eq(owner.copyright, SLV_STR("(c) X")));
	static const char big[] = "MM\0*\0\0\0\x08\0\x01\x82\x98\0\x02\0\0\0\x02X\0\0\0\0\0\0";
	assert_true(slv_exif_read((slv_str){ big, sizeof(big) - 1 }, &owner));
	assert_true(slv_str_eq(owner.copyright, SLV_STR("X")));
	assert_int_equal(owner.artist.len, 0);
}

static void a_cut_block_is_never_read_past_its_end(void **state)
{
	(void)state;
	for (size_t len = 0; len <= sizeof(block); len++) {
		char *copy = g_malloc(len); /* the sanitizer watches its end */
		if (len)                    /* g_malloc(0) is NULL */
			memcpy(copy, block, len);
		struct slv_exif_owner owner = { 0 };
		bool found = slv_exif_read((slv_str){ copy, len }, &owner);
		if (len < 16 + 12)
			assert_false(found);
		g_free(copy);
	}
}

static void offsets_out_of_the_block_give_nothing(void **state)
{
	(void)state;
	static const size_t at[] = { 10, 14, 30, 34, 36 };
	char copy[sizeof(block)];
	struct slv_exif_owner owner;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		for (int byte = 0; byte < 256; byte++) {
			memcpy(copy, block, sizeof(block));
			memset(copy + at[i], byte, 2);
			if (slv_exif_read((slv_str){ copy, sizeof(copy) }, &owner))
				assert_true(owner.copyright.len + owner.artist.len <= sizeof(copy));
		}
	assert_false(slv_exif_read(SLV_STR("Exif\0\0XX*\0\x08\0\0\0"), &owner));
}

static void orientation_is_read_in_either_byte_order_and_else_upright(void **state)
{
	(void)state;
	char big[] = "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0";
	char little[] = "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0";
	slv_str big_block = { big, sizeof(big) - 1 }, little_block = { little, sizeof(little) - 1 };
	for (int value = 0; value < 256; value++) {
		big[25] = little[18] = (char)value;
		int should = value >= 1 && value <= 8 ? value : 1;
		assert_int_equal(slv_exif_orientation(big_block), should);
		assert_int_equal(slv_exif_orientation(little_block), should);
	}
	big[25] = little[18] = 6;
	little[19] = 1; /* 262 */
	assert_int_equal(slv_exif_orientation(little_block), 1);
	for (size_t len = 0; len < big_block.len; len++)
		assert_int_equal(slv_exif_orientation((slv_str){ big, len }), 1);
	big[19] = 4; /* a number of another type */
	assert_int_equal(slv_exif_orientation(big_block), 1);
	assert_int_equal(slv_exif_orientation((slv_str){ block, sizeof(block) }), 1);
	assert_int_equal(slv_exif_orientation(SLV_STR("")), 1);
}

static void what_is_written_can_be_read_and_stands_behind_jfif(void **state)
{
	(void)state;
	char much[SLV_EXIF_TEXT_MAX + 1];
	memset(much, 'm', sizeof(much));
	static const slv_str jpegs[] = { SLV_STR_INIT("\xff\xd8\xff\xe0\0\x04jf\xff\xdb rest"),
		SLV_STR_INIT("\xff\xd8\xff\xdb rest") };
	const struct slv_exif_owner owners[] = {
		{ SLV_STR("Jo"), SLV_STR("(c) X") },
		{ SLV_STR("Jonathan"), { 0 } },
		{ { 0 }, SLV_STR("abc") },
		{ { much, sizeof(much) }, { much, SLV_EXIF_TEXT_MAX } },
	};
	for (int n = 0; n < 8; n++) {
		slv_str jpeg = jpegs[n % 2];
		const struct slv_exif_owner *owner = &owners[n / 2];
		size_t split = n % 2 ? 2 : 8, len;
		void *bytes;
		assert_true(slv_exif_insert(jpeg, owner, &bytes, &len));
		const uint8_t *at = bytes;
		assert_memory_equal(at, jpeg.at, split);
		assert_int_equal(at[split], 0xff);
		assert_int_equal(at[split + 1], 0xe1);
		size_t segment = (size_t)at[split + 2] << 8 | at[split + 3];
		assert_int_equal(len, jpeg.len + 2 + segment);
		assert_memory_equal(at + split + 2 + segment, jpeg.at + split, jpeg.len - split);
		struct slv_exif_owner back;
		assert_true(slv_exif_read(
				(slv_str){ (char *)bytes + split + 4, segment - 2 }, &back));
		assert_true(slv_str_eq(
				back.artist, slv_str_head(owner->artist, SLV_EXIF_TEXT_MAX)));
		assert_true(slv_str_eq(
				back.copyright, slv_str_head(owner->copyright, SLV_EXIF_TEXT_MAX)));
		g_free(bytes);
	}
	void *bytes;
	size_t len;
	assert_false(slv_exif_insert(SLV_STR("\x89PNG"), &owners[0], &bytes, &len));
	assert_false(slv_exif_insert(
			SLV_STR("\xff\xd8\xff\xe0\xff\xff"), &owners[0], &bytes, &len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners_are_read_in_either_byte_order),
		cmocka_unit_test(a_cut_block_is_never_read_past_its_end),
		cmocka_unit_test(offsets_out_of_the_block_give_nothing),
		cmocka_unit_test(orientation_is_read_in_either_byte_order_and_else_upright),
		cmocka_unit_test(what_is_written_can_be_read_and_stands_behind_jfif),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
