/* test_attacks.c - files that were made to hurt
 *
 * Bombs are refused from their header; truncated and damaged files fail or give the same bytes
 * whatever the heap held before; formats that are not named are not read, though the library
 * could.
 */
#include "base/testing.h"

#include "jail/image/testjail.h"
#include "jail/image/testpicture.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static struct slv_testjail jail;

static struct slv_testjail_answer ask(const struct slv_pixel_plan *plan, slv_str source)
{
	struct slv_testjail_answer answer;
	if (!slv_testjail_ask(&jail, plan, source, NULL, &answer))
		fail_msg("the jail died");
	return answer;
}

static slv_str quarters(const char *suffix)
{
	return slv_testpicture_file(slv_testpicture_quarters(160, 120), suffix, true);
}

static uint8_t *bytes_of(slv_str file)
{
	return (uint8_t *)(uintptr_t)file.at;
}

static void be32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Send a bomb: it must be refused with the limit's number, long before it could be decoded. */
static void refused(slv_str file, const char *number)
{
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.width = 100;
	struct slv_testjail_answer answer = ask(&plan, file);
	assert_int_equal(answer.result.code, SLV_E_LIMIT);
	assert_non_null(strstr(answer.result.what, number));
	assert_non_null(strstr(answer.result.what, "100000000"));
	assert_true(answer.result.decode_us < 100000);
	slv_testpicture_free(file);
}

static void pixel_bombs_are_refused_from_the_header(void **state)
{
	(void)state;
	slv_str file = quarters(".jpg");
	uint8_t *at = bytes_of(file);
	size_t sof = 0;
	while (at[sof] != 0xff || at[sof + 1] != 0xc0)
		sof++;
	at[sof + 5] = at[sof + 7] = 64250 >> 8;
	at[sof + 6] = at[sof + 8] = 64250 & 255;
	refused(file, "64250 x 64250");

	file = quarters(".png");
	at = bytes_of(file);
	be32(at + 16, 60000);
	be32(at + 20, 60000);
	be32(at + 29, (uint32_t)crc32(0, at + 12, 17));
	refused(file, "60000 x 60000");

	/* A GIF's screen may lie, and is then taken from its frames: both are made large. */
	file = quarters(".gif");
	at = bytes_of(file);
	size_t frame = 13;
	while (at[frame] != 0x2c || at[frame + 1] != 0 || at[frame + 5] != 160)
		frame++;
	memcpy(at + 6, "\xff\xff\xff\xff", 4);
	memcpy(at + frame + 5, "\xff\xff\xff\xff", 4);
	refused(file, "65535 x 65535");
}

static void the_limit_itself_is_allowed(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = slv_testjail_plan();
	slv_str file = quarters(".png");
	plan.limits.source_pixels_max = 160 * 120;
	struct slv_testjail_answer answer = ask(&plan, file);
	assert_int_equal(answer.result.code, 0);
	slv_testjail_answer_done(&answer);
	plan.limits.source_pixels_max--;
	answer = ask(&plan, file);
	assert_int_equal(answer.result.code, SLV_E_LIMIT);
	slv_testpicture_free(file);
}

static void output_bombs_are_refused(void **state)
{
	(void)state;
	slv_str file = quarters(".png");
	for (int fit = 0; fit < SLV_FIT_COUNT; fit++) {
		if (fit != SLV_FIT_CONTAIN && fit != SLV_FIT_COVER && fit != SLV_FIT_PAD &&
				fit != SLV_FIT_SQUEEZE && fit != SLV_FIT_SCALE_UP)
			continue;
		struct slv_pixel_plan plan = slv_testjail_plan();
		plan.fit = (uint8_t)fit;
		plan.width = plan.height = 12000;
		struct slv_testjail_answer answer = ask(&plan, file);
		assert_int_equal(answer.result.code, SLV_E_LIMIT);
		assert_non_null(strstr(answer.result.what, "50000000"));
		plan.width = plan.height = 3000;
		plan.dpr = 8;
		answer = ask(&plan, file);
		assert_int_equal(answer.result.code, SLV_E_LIMIT);
		assert_non_null(strstr(answer.result.what, "16384"));
	}
	slv_testpicture_free(file);
}

/* A GIF of `count` frames of one pixel. */
static slv_str tiny_frames(uint32_t count)
{
	static const char head[] = "GIF89a\1\0\1\0\x80\0\0\xff\0\0\0\0\xff";
	static const char frame[] = "\x21\xf9\4\0\1\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0";
	size_t frame_len = sizeof(frame) - 1, head_len = sizeof(head) - 1;
	char *bytes = g_malloc(head_len + count * frame_len + 1);
	memcpy(bytes, head, head_len);
	for (uint32_t i = 0; i < count; i++)
		memcpy(bytes + head_len + i * frame_len, frame, frame_len);
	bytes[head_len + count * frame_len] = 0x3b;
	return (slv_str){ bytes, head_len + count * frame_len + 1 };
}

static void frame_bombs_are_cut(void **state)
{
	(void)state;
	slv_str file = tiny_frames(20000);
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_WEBP;
	struct slv_testjail_answer answer = ask(&plan, file);
	assert_int_equal(answer.result.code, 0);
	assert_int_equal(answer.result.frames, 256);
	assert_int_equal(answer.result.source_frames, 20000);
	slv_testjail_answer_done(&answer);
	slv_testpicture_free(file);
}

/* `file`, a PNG, with `count` chunks of `type` behind its header. */
static slv_str with_chunks(
		slv_str file, const char *type, const void *data, uint32_t len, uint32_t count)
{
	const size_t head = 33;
	size_t total = file.len + count * (12 + (size_t)len);
	uint8_t *bytes = g_malloc(total), *at = bytes + head;
	memcpy(bytes, file.at, head);
	for (uint32_t i = 0; i < count; i++) {
		be32(at, len);
		memcpy(at + 4, type, 4);
		memcpy(at + 8, data, len);
		be32(at + 8 + len, (uint32_t)crc32(0, at + 4, len + 4));
		at += 12 + len;
	}
	memcpy(at, file.at + head, file.len - head);
	slv_testpicture_free(file);
	return (slv_str){ (char *)bytes, total };
}

static void chunk_bombs_cost_little(void **state)
{
	(void)state;
	/* Texts and profiles of 32 MiB each, packed to 32 KiB. */
	static const struct {
		const char *type;
		uint32_t count;
		bool refused;
	} cases[] = { { "zTXt", 1, false }, { "zTXt", 2000, true }, { "iTXt", 3, false },
		{ "iCCP", 1, false } };
	const size_t plain = 32 << 20;
	uLongf packed_len = compressBound(plain);
	uint8_t *zeroes = calloc(1, plain), *packed = malloc(packed_len + 8);
	memcpy(packed, "k\0\0", 3);
	assert_int_equal(compress2(packed + 3, &packed_len, zeroes, plain, 9), Z_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		slv_str file = with_chunks(quarters(".png"), cases[i].type, packed,
				(uint32_t)packed_len + 3, cases[i].count);
		struct slv_pixel_plan plan = slv_testjail_plan();
		struct slv_testjail_answer answer = ask(&plan, file);
		assert_int_equal(answer.result.code == SLV_E_LIMIT, cases[i].refused);
#if !SLV_SANITIZED
		assert_true(answer.result.rss_kib < 256 << 10);
#endif
		print_message("%u %s: %u us\n", cases[i].count, cases[i].type,
				answer.result.decode_us);
		assert_true(answer.result.decode_us < 5000000);
		slv_testjail_answer_done(&answer);
		slv_testpicture_free(file);
	}
	free(zeroes);
	free(packed);
}

static void packed_texts_are_bounded_to_the_byte(void **state)
{
	(void)state;
	static const struct {
		const char *type;
		uint8_t flag;
		uint32_t len;
		bool refused;
	} cases[] = { { "zTXt", 0, 65536, false }, { "zTXt", 0, 65537, true },
		{ "iTXt", 0, 65537, false }, { "iTXt", 1, 65536, false },
		{ "iTXt", 1, 65537, true } };
	uint8_t *data = calloc(1, 65537);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(data, "key", 4);
		data[4] = cases[i].flag;
		slv_str file = with_chunks(quarters(".png"), cases[i].type, data, cases[i].len, 1);
		struct slv_pixel_plan plan = slv_testjail_plan();
		struct slv_testjail_answer answer = ask(&plan, file);
		assert_int_equal(answer.result.code == SLV_E_LIMIT, cases[i].refused);
		if (cases[i].refused)
			assert_non_null(strstr(answer.result.what, "65536"));
		slv_testjail_answer_done(&answer);
		slv_testpicture_free(file);
	}
	free(data);
}

/* Leave other bytes in the heap than the last job did. */
static void stir(int kind)
{
	struct slv_pixel_plan plan = slv_testjail_plan();
	slv_str file = slv_testpicture_file(
			slv_testpicture_plain(200, 200, kind ? SLV_WHITE : SLV_RED), ".png", true);
	struct slv_testjail_answer answer = ask(&plan, file);
	slv_testjail_answer_done(&answer);
	slv_testpicture_free(file);
}

/* Twice, with a different heap: failure or the same picture both times. Returns whether it gave
 * one. */
static bool same_both_times(slv_str file)
{
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = SLV_FORMAT_PNG;
	plan.effort[SLV_FORMAT_PNG] = 1;
	plan.width = 80;
	stir(0);
	struct slv_testjail_answer first = ask(&plan, file);
	stir(1);
	struct slv_testjail_answer second = ask(&plan, file);
	assert_int_equal(first.result.code, second.result.code);
	bool made = first.result.code == 0;
	if (made)
		assert_true(slv_str_eq(first.bytes, second.bytes));
	else
		assert_true(first.result.code == SLV_E_CORRUPT ||
				first.result.code == SLV_E_MEDIA ||
				first.result.code == SLV_E_LIMIT);
	slv_testjail_answer_done(&first);
	slv_testjail_answer_done(&second);
	return made;
}

static const char *const suffixes[] = { ".jpg", ".jpg[interlace]", ".png", ".png[interlace]",
	".webp", ".webp[lossless]", ".avif[effort=0]", ".gif", ".tiff",
	".tiff[compression=deflate]" };

static void a_truncated_file_fails_or_gives_the_same_every_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		slv_str file = quarters(suffixes[i]);
		assert_true(same_both_times(file));
		size_t step = file.len / 24 + 1;
		for (size_t len = 0; len < file.len; len += step) {
			/* Of its own size: the sanitizer watches the end. */
			char *cut = g_memdup2(file.at, len + 1);
			bool made = same_both_times((slv_str){ cut, len });
			/* With a half of its bytes gone it cannot be whole. */
			if (len < file.len / 2)
				assert_false(made);
			g_free(cut);
		}
		slv_testpicture_free(file);
	}
}

static void a_damaged_file_fails_or_gives_the_same_every_time(void **state)
{
	(void)state;
	uint32_t random = 12345;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		slv_str file = quarters(suffixes[i]);
		for (int round = 0; round < 16; round++) {
			uint8_t *copy = g_memdup2(file.at, file.len);
			for (int k = 0; k < 3; k++) {
				random = random * 1103515245 + 12345;
				copy[(random >> 8) % file.len] ^= (uint8_t)(1 + random % 255);
			}
			(void)same_both_times((slv_str){ (char *)copy, file.len });
			g_free(copy);
		}
		slv_testpicture_free(file);
	}
}

static void formats_that_nobody_named_are_refused(void **state)
{
	(void)state;
	static const slv_str files[] = { SLV_STR_INIT(""), SLV_STR_INIT("hello"),
		SLV_STR_INIT("%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n"),
		SLV_STR_INIT("\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14"
			     "ftypjp2 \0\0\0\0jp2 "),
		SLV_STR_INIT("\xff\x4f\xff\x51\0\x2f\0\0"), /* JPEG 2000 code stream */
		SLV_STR_INIT("\x76\x2f\x31\x01\2\0\0\0"),   /* OpenEXR */
		SLV_STR_INIT("P6 1 1 255\nabc"), SLV_STR_INIT("P3 1 1 255\n1 2 3\n"),
		SLV_STR_INIT("#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 1\nabcd"),
		SLV_STR_INIT("SIMPLE  =                    T"), /* FITS */
		SLV_STR_INIT("MATLAB 5.0 MAT-file, Platform"), SLV_STR_INIT("1,2,3\n4,5,6\n"),
		SLV_STR_INIT("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"),
		SLV_STR_INIT("\x08\xf2\xa6\xb6\0\0\0\1"),       /* libvips' own */
		SLV_STR_INIT("\0\0\1\0\1\0\1\1\0\0\1\0\x18\0"), /* ICO */
		SLV_STR_INIT("8BPS\0\1\0\0\0\0\0\0"),
		SLV_STR_INIT("\0\0\0\x18"
			     "ftypheic\0\0\0\0mif1heic"),
		SLV_STR_INIT("\xff\x0a\0\x10\xb0\x13"),
		SLV_STR_INIT("<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>"),
		SLV_STR_INIT("<?xml version='1.0'?><svg/>"),
		SLV_STR_INIT("push graphic-context\nimage over 0,0 0,0 'msl:/etc/passwd'\n") };
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct slv_pixel_plan plan = slv_testjail_plan();
		struct slv_testjail_answer answer = ask(&plan, files[i]);
		if (answer.result.code != SLV_E_MEDIA)
			fail_msg("file %zu: %d %s", i, answer.result.code, answer.result.what);
		assert_int_equal(answer.bytes.len, 0);
	}
}

static void what_hides_behind_a_picture_does_not_survive(void **state)
{
	(void)state;
	static const char zip[] = "PK\3\4HIDDEN<script>alert(1)</script>";
	static const char *const kinds[] = { ".jpg", ".png", ".gif", ".webp" };
	for (int i = 0; i < 4; i++) {
		slv_str file = quarters(kinds[i]);
		char *both = g_malloc(file.len + sizeof(zip));
		memcpy(both, file.at, file.len);
		memcpy(both + file.len, zip, sizeof(zip));
		struct slv_pixel_plan plan = slv_testjail_plan();
		struct slv_testjail_answer answer =
				ask(&plan, (slv_str){ both, file.len + sizeof(zip) });
		if (answer.result.code == 0)
			assert_int_equal(slv_str_find_str(answer.bytes, SLV_STR("HIDDEN")),
					answer.bytes.len);
		slv_testjail_answer_done(&answer);
		g_free(both);
		slv_testpicture_free(file);
	}
}

static void a_bad_overlay_fails_like_a_bad_picture(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.draw_count = 1;
	plan.draw[0].opacity = 1;
	slv_str file = quarters(".png"), over = SLV_STR("no picture");
	struct slv_testjail_answer answer;
	assert_true(slv_testjail_ask(&jail, &plan, file, &over, &answer));
	assert_int_equal(answer.result.code, SLV_E_MEDIA);
	slv_testpicture_free(file);
}

static void memory_stays_flat(void **state)
{
	(void)state;
	uint64_t half = 0, end = 0;
	slv_str files[3];
	for (int i = 0; i < 3; i++)
		files[i] = slv_testpicture_file(
				slv_testpicture_quarters(400 + 300 * i, 300), ".jpg", true);
	for (int i = 0; i < 400; i++) {
		struct slv_pixel_plan plan = slv_testjail_plan();
		plan.format = (uint8_t)(SLV_FORMAT_JPEG + i % 3);
		plan.width = 100 + (uint32_t)(i % 7);
		struct slv_testjail_answer answer = ask(&plan, files[i % 3]);
		assert_int_equal(answer.result.code, 0);
		if (i == 199)
			half = answer.result.rss_kib;
		end = answer.result.rss_kib;
		slv_testjail_answer_done(&answer);
	}
	for (int i = 0; i < 3; i++)
		slv_testpicture_free(files[i]);
	print_message("%lu KiB after 200 jobs, %lu after 400\n", half, end);
	assert_true(end <= half + half / 20);
}

/* The address sanitizer holds freed memory back for a while: in the jail only a little of it, or it
 * is that which grows. */
static void hold_little_back(void)
{
	const char *options = getenv("ASAN_OPTIONS");
	char *more = g_strconcat(options ? options : "", ":quarantine_size_mb=1", NULL);
	setenv("ASAN_OPTIONS", more, 1);
	g_free(more);
}

int main(int argc, char **argv)
{
	assert_int_equal(argc, 2);
	hold_little_back();
	assert_int_equal(VIPS_INIT(argv[0]), 0);
	slv_testjail_start(&jail, argv[1]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_stays_flat),
		cmocka_unit_test(pixel_bombs_are_refused_from_the_header),
		cmocka_unit_test(the_limit_itself_is_allowed),
		cmocka_unit_test(output_bombs_are_refused),
		cmocka_unit_test(frame_bombs_are_cut),
		cmocka_unit_test(chunk_bombs_cost_little),
		cmocka_unit_test(packed_texts_are_bounded_to_the_byte),
		cmocka_unit_test(a_truncated_file_fails_or_gives_the_same_every_time),
		cmocka_unit_test(a_damaged_file_fails_or_gives_the_same_every_time),
		cmocka_unit_test(formats_that_nobody_named_are_refused),
		cmocka_unit_test(what_hides_behind_a_picture_does_not_survive),
		cmocka_unit_test(a_bad_overlay_fails_like_a_bad_picture),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	failed += slv_testjail_stop(&jail) != 0;
	vips_shutdown();
	return failed;
}
