/* test_sequence.c - AVIF image sequences: their still picture is read, or they are refused
 *
 * The test's libvips writes none, so one is put together of two of its pictures: the first
 * stays as it is, and a track shows it and then the second (ISO 14496-12 §8, AV1-ISOBMFF §2).
 */
#include "base/testing.h"

#include "base/attr.h"
#include "base/buf.h"
#include "jail/image/testjail.h"
#include "jail/image/testpicture.h"

#include <string.h>

#define WIDTH 64
#define HEIGHT 32

static struct slv_testjail jail;

static uint32_t get_u32(slv_str file, size_t at)
{
	const uint8_t *byte = (const uint8_t *)file.at + at;
	return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

static void set_u32(char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)(value >> (24 - 8 * i));
}

static void put_words(struct slv_buf *buf, const uint32_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char bytes[4];
		set_u32(bytes, words[i]);
		slv_buf_add(buf, (slv_str){ bytes, 4 });
	}
}

#define WORDS(buf, ...)                                                                            \
	put_words(buf, (const uint32_t[]){ __VA_ARGS__ },                                          \
			SLV_COUNT(((const uint32_t[]){ __VA_ARGS__ })))

/* Where a box begins; its length comes by end(). */
static size_t begin(struct slv_buf *buf, const char *type)
{
	size_t at = buf->len;
	WORDS(buf, 0);
	slv_buf_add(buf, (slv_str){ type, 4 });
	return at;
}

static void end(struct slv_buf *buf, size_t at)
{
	set_u32(buf->at + at, (uint32_t)(buf->len - at));
}

#define BOX(buf, type, ...)                                                                        \
	do {                                                                                       \
		size_t box_at = begin(buf, type);                                                  \
		WORDS(buf, __VA_ARGS__);                                                           \
		end(buf, box_at);                                                                  \
	} while (0)

/* The box of that type, from its length on; the first whose name is met. */
static slv_str box_of(slv_str file, const char *type)
{
	size_t at = slv_str_find_str(file, slv_str_from(type));
	assert_true(at >= 4 && at < file.len);
	return (slv_str){ file.at + at - 4, get_u32(file, at - 4) };
}

static slv_str still(struct slv_testcolour colour)
{
	return slv_testpicture_file(
			slv_testpicture_plain(WIDTH, HEIGHT, colour), ".avif[effort=0,Q=90]", true);
}

struct sample {
	uint32_t at, len;
};

static void put_samples(struct slv_buf *buf, slv_str config, const struct sample samples[2])
{
	size_t table = begin(buf, "stbl");
	size_t descriptions = begin(buf, "stsd");
	WORDS(buf, 0, 1);
	size_t entry = begin(buf, "av01");
	WORDS(buf, 0, 1, 0, 0, 0, 0, WIDTH << 16 | HEIGHT, 0x480000, 0x480000, 0, 0x10000);
	WORDS(buf, 0, 0, 0, 0, 0, 0, 0, 24); /* no name; 24 bits */
	slv_buf_add(buf, (slv_str){ "\xff\xff", 2 });
	slv_buf_add(buf, config);
	BOX(buf, "ccst", 0, 0x7c000000);
	end(buf, entry);
	end(buf, descriptions);
	BOX(buf, "stts", 0, 1, 2, 1);    /* two, of one tick each */
	BOX(buf, "stsc", 0, 1, 1, 1, 1); /* each by itself */
	BOX(buf, "stsz", 0, 0, 2, samples[0].len, samples[1].len);
	BOX(buf, "stco", 0, 2, samples[0].at, samples[1].at);
	end(buf, table);
}

#define MATRIX 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000

static void put_movie(struct slv_buf *buf, slv_str config, const struct sample samples[2])
{
	size_t movie = begin(buf, "moov");
	BOX(buf, "mvhd", 0, 0, 0, 5, 2, 0x10000, 0x1000000, 0, 0, MATRIX, 0, 0, 0, 0, 0, 0, 2);
	size_t track = begin(buf, "trak");
	BOX(buf, "tkhd", 3, 0, 0, 1, 0, 2, 0, 0, 0, 0, MATRIX, WIDTH << 16, HEIGHT << 16);
	size_t media = begin(buf, "mdia");
	BOX(buf, "mdhd", 0, 0, 0, 5, 2, 0x55c40000);
	size_t handler = begin(buf, "hdlr");
	WORDS(buf, 0, 0, 0x70696374, 0, 0, 0); /* pict */
	slv_buf_add_char(buf, '\0');
	end(buf, handler);
	size_t info = begin(buf, "minf");
	BOX(buf, "vmhd", 1, 0, 0);
	size_t data = begin(buf, "dinf");
	size_t references = begin(buf, "dref");
	WORDS(buf, 0, 1);
	BOX(buf, "url ", 1); /* this file */
	end(buf, references);
	end(buf, data);
	put_samples(buf, config, samples);
	end(buf, info);
	end(buf, media);
	end(buf, track);
	end(buf, movie);
}

/* Red, then blue. Without `item` the red one is a frame of the track alone. */
static void sequence(struct slv_buf *buf, bool item)
{
	slv_str red = still(SLV_RED), blue = still(SLV_BLUE);
	slv_str config = box_of(red, "av1C");
	slv_str first = slv_str_from_index(box_of(red, "mdat"), 8);
	slv_str second = slv_str_from_index(box_of(blue, "mdat"), 8);
	slv_buf_init(buf, SLV_KIB(64));
	slv_buf_add(buf, red);
	/* The major brand, and the last of the compatible ones, or all. */
	size_t brands = get_u32(red, 0);
	memcpy(buf->at + 8, "avis", 4);
	for (size_t at = item ? brands - 4 : 16; at < brands; at += 4)
		memcpy(buf->at + at, "msf1", 4);
	if (!item)
		memcpy(buf->at + (box_of(red, "meta").at - red.at) + 4, "free", 4);
	struct sample samples[2] = { { (uint32_t)(first.at - red.at), (uint32_t)first.len },
		{ (uint32_t)buf->len + 8, (uint32_t)second.len } };
	size_t more = begin(buf, "mdat");
	slv_buf_add(buf, second);
	end(buf, more);
	put_movie(buf, config, samples);
	assert_false(buf->overflow);
	slv_testpicture_free(red);
	slv_testpicture_free(blue);
}

static struct slv_testjail_answer ask(slv_str source, enum slv_format format)
{
	struct slv_pixel_plan plan = slv_testjail_plan();
	plan.format = (uint8_t)format;
	struct slv_testjail_answer answer;
	if (!slv_testjail_ask(&jail, &plan, source, NULL, &answer))
		fail_msg("the jail died");
	return answer;
}

static void a_sequence_gives_its_still_picture(void **state)
{
	(void)state;
	static const enum slv_format formats[] = { SLV_FORMAT_PNG, SLV_FORMAT_WEBP,
		SLV_FORMAT_SAME };
	struct slv_buf file;
	sequence(&file, true);
	assert_int_equal(slv_format_sniff(slv_buf_str(&file)), SLV_FORMAT_AVIF);
	for (size_t i = 0; i < SLV_COUNT(formats); i++) {
		struct slv_testjail_answer answer = ask(slv_buf_str(&file), formats[i]);
		if (answer.result.code != 0)
			fail_msg("%s", answer.result.what);
		assert_int_equal(answer.result.source_format, SLV_FORMAT_AVIF);
		assert_int_equal(answer.result.frames, 1);
		VipsImage *image = slv_testpicture_decode(answer.bytes);
		assert_int_equal(image->Xsize, WIDTH);
		assert_int_equal(image->Ysize, HEIGHT);
		slv_testpicture_pixel(image, WIDTH / 2, HEIGHT / 2, SLV_RED, 12);
		g_object_unref(image);
		slv_testjail_answer_done(&answer);
	}
	slv_buf_done(&file);
}

static void one_without_a_still_picture_is_refused_by_name(void **state)
{
	(void)state;
	struct slv_buf file;
	sequence(&file, false);
	assert_int_equal(slv_format_sniff(slv_buf_str(&file)), SLV_FORMAT_AVIF);
	struct slv_testjail_answer answer = ask(slv_buf_str(&file), SLV_FORMAT_PNG);
	assert_int_equal(answer.result.code, SLV_E_MEDIA);
	assert_string_equal(answer.result.what,
			"an image sequence without a still picture is not read here");

	/* A length of 64 bits, and one that means the rest of the file, are lengths too. */
	struct slv_buf longer;
	slv_buf_init(&longer, SLV_KIB(64));
	uint32_t head = get_u32(slv_buf_str(&file), 0);
	slv_buf_add(&longer, slv_str_head(slv_buf_str(&file), head));
	WORDS(&longer, 1, 0x66726565, 0, 20, 0); /* free, of 4 bytes */
	slv_str movie = box_of(slv_buf_str(&file), "moov");
	slv_buf_add(&longer, movie);
	set_u32(longer.at + longer.len - movie.len, 0);
	answer = ask(slv_buf_str(&longer), SLV_FORMAT_PNG);
	assert_int_equal(answer.result.code, SLV_E_MEDIA);
	/* One that leads past the end: damaged, whatever would come. */
	set_u32(longer.at + head + 12, 0x7fffffff);
	answer = ask(slv_buf_str(&longer), SLV_FORMAT_PNG);
	assert_int_equal(answer.result.code, SLV_E_CORRUPT);
	slv_buf_done(&longer);
	slv_buf_done(&file);
}

static int code_of(slv_str source)
{
	struct slv_testjail_answer answer = ask(source, SLV_FORMAT_WEBP);
	slv_testjail_answer_done(&answer);
	return answer.result.code;
}

static void a_cut_or_spoilt_sequence_harms_nobody(void **state)
{
	(void)state;
	for (int item = 0; item < 2; item++) {
		struct slv_buf file;
		sequence(&file, item);
		/* From behind the brands on; without them it is no AVIF. */
		for (size_t i = get_u32(slv_buf_str(&file), 0); i < file.len; i += 7) {
			int code = code_of((slv_str){ file.at, i });
			if (code != SLV_E_CORRUPT && code != SLV_E_MEDIA && (code || !item))
				fail_msg("cut at %zu: %s", i, slv_code_name(code));
			file.at[i] = (char)~file.at[i];
			code = code_of(slv_buf_str(&file));
			if (code != 0 && code != SLV_E_CORRUPT && code != SLV_E_MEDIA &&
					code != SLV_E_LIMIT)
				fail_msg("spoilt at %zu: %s", i, slv_code_name(code));
			file.at[i] = (char)~file.at[i];
		}
		assert_int_equal(code_of(slv_buf_str(&file)), item ? 0 : SLV_E_MEDIA);
		slv_buf_done(&file);
	}
}

int main(int argc, char **argv)
{
	assert_int_equal(argc, 2);
	assert_int_equal(VIPS_INIT(argv[0]), 0);
	slv_testjail_start(&jail, argv[1]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sequence_gives_its_still_picture),
		cmocka_unit_test(one_without_a_still_picture_is_refused_by_name),
		cmocka_unit_test(a_cut_or_spoilt_sequence_harms_nobody),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	failed += slv_testjail_stop(&jail) != 0;
	vips_shutdown();
	return failed;
}
