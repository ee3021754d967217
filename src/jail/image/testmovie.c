#include "jail/image/testmovie.h"
#include "base/testing.h"

#include "base/attr.h"
#include "jail/image/testpicture.h"

#include <string.h>

#define WIDTH SLV_TESTMOVIE_WIDTH
#define HEIGHT SLV_TESTMOVIE_HEIGHT
#define MATRIX 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000

uint32_t slv_testmovie_u32(slv_str file, size_t at)
{
	const uint8_t *byte = (const uint8_t *)file.at + at;
	return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

void slv_testmovie_set_u32(char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)(value >> (24 - 8 * i));
}

slv_str slv_testmovie_box(slv_str file, const char *type)
{
	size_t at = slv_str_find_str(file, slv_str_from(type));
	assert_true(at >= 4 && at < file.len);
	return (slv_str){ file.at + at - 4, slv_testmovie_u32(file, at - 4) };
}

static void put_words(struct slv_buf *buf, const uint32_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char bytes[4];
		slv_testmovie_set_u32(bytes, words[i]);
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
	slv_testmovie_set_u32(buf->at + at, (uint32_t)(buf->len - at));
}

#define BOX(buf, type, ...)                                                                        \
	do {                                                                                       \
		size_t box_at = begin(buf, type);                                                  \
		WORDS(buf, __VA_ARGS__);                                                           \
		end(buf, box_at);                                                                  \
	} while (0)

/* So many bytes of free space. */
static void pad(struct slv_buf *buf, uint32_t bytes)
{
	size_t space = begin(buf, "free");
	while (buf->len - space < bytes)
		slv_buf_add_char(buf, '\0');
	end(buf, space);
}

void slv_testmovie_set_sides(slv_str file, uint32_t width, uint32_t height)
{
	slv_str box = slv_testmovie_box(file, "tkhd");
	char *end = (char *)(uintptr_t)box.at + box.len;
	slv_testmovie_set_u32(end - 8, width << 16);
	slv_testmovie_set_u32(end - 4, height << 16);
}

struct sample {
	uint32_t at, len;
};

static void put_formats(struct slv_buf *buf, const struct slv_testmovie *movie, slv_str config)
{
	uint32_t count = movie->formats ? movie->formats : 1;
	size_t descriptions = begin(buf, "stsd");
	WORDS(buf, 0, count);
	for (uint32_t i = 0; i < count; i++) {
		size_t entry = begin(buf, "av01");
		WORDS(buf, 0, 1, 0, 0, 0, 0, WIDTH << 16 | HEIGHT, 0x480000, 0x480000, 0, 0x10000);
		WORDS(buf, 0, 0, 0, 0, 0, 0, 0, 24); /* no name; 24 bits */
		slv_buf_add(buf, (slv_str){ "\xff\xff", 2 });
		slv_buf_add(buf, config);
		BOX(buf, "ccst", 0, 0x7c000000);
		if (movie->format_bytes)
			pad(buf, movie->format_bytes - (uint32_t)(buf->len - descriptions - 8));
		end(buf, entry);
	}
	end(buf, descriptions);
}

/* The last run has what is left of the frames. */
static void put_times(struct slv_buf *buf, const struct slv_testmovie *movie)
{
	uint32_t runs = movie->runs ? movie->runs : 1;
	size_t times = begin(buf, "stts");
	WORDS(buf, 0, runs + movie->empty_runs);
	for (uint32_t i = 0; i < runs; i++)
		WORDS(buf, i + 1 < runs ? 1 : movie->frames - i, i + 1);
	for (uint32_t i = 0; i < movie->empty_runs; i++)
		WORDS(buf, 0, 1);
	end(buf, times);
}

static void put_samples(struct slv_buf *buf, const struct slv_testmovie *movie, slv_str config,
		const struct sample samples[2])
{
	size_t table = begin(buf, "stbl");
	put_formats(buf, movie, config);
	for (int i = 0; i <= movie->times_again; i++)
		put_times(buf, movie);
	BOX(buf, "stsc", 0, 1, 1, 1, 1); /* each by itself */
	size_t sizes = begin(buf, "stsz");
	WORDS(buf, 0, 0, movie->frames);
	for (uint32_t i = 0; i < movie->frames; i++)
		WORDS(buf, samples[i % 2].len);
	end(buf, sizes);
	size_t chunks = begin(buf, "stco");
	WORDS(buf, 0, movie->frames);
	for (uint32_t i = 0; i < movie->frames; i++)
		WORDS(buf, samples[i % 2].at);
	end(buf, chunks);
	end(buf, table);
}

static void put_media(struct slv_buf *buf, const struct slv_testmovie *movie, slv_str config,
		const struct sample samples[2])
{
	size_t media = begin(buf, "mdia");
	BOX(buf, "mdhd", 0, 0, 0, 5, movie->frames, 0x55c40000);
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
	put_samples(buf, movie, config, samples);
	end(buf, info);
	end(buf, media);
}

static void put_movie(struct slv_buf *buf, const struct slv_testmovie *movie, slv_str config,
		const struct sample samples[2])
{
	uint32_t ticks = movie->frames * (movie->plays ? movie->plays : 1);
	size_t all = begin(buf, "moov");
	BOX(buf, "mvhd", 0, 0, 0, 5, ticks, 0x10000, 0x1000000, 0, 0, MATRIX, 0, 0, 0, 0, 0, 0, 2);
	if (movie->decoy) {
		size_t decoy = begin(buf, "trak");
		BOX(buf, "tkhd", 3, 0, 0, 2, 0, 4, 0, 0, 0, 0, MATRIX, WIDTH << 16, HEIGHT << 16);
		size_t edits = begin(buf, "edts");
		BOX(buf, "elst", 0, 1, 4, 0, 0x10000);
		end(buf, edits);
		end(buf, decoy);
	}
	size_t track = begin(buf, "trak");
	BOX(buf, "tkhd", 3, 0, 0, 1, 0, ticks, 0, 0, 0, 0, MATRIX, WIDTH << 16, HEIGHT << 16);
	if (movie->plays) {
		size_t edits = begin(buf, "edts");
		BOX(buf, "elst", movie->plays > 1, 1, movie->frames, 0, 0x10000);
		end(buf, edits);
	}
	put_media(buf, movie, config, samples);
	end(buf, track);
	for (uint32_t i = 0; i < movie->empty; i++)
		end(buf, begin(buf, "trak"));
	if (movie->moov_bytes)
		pad(buf, movie->moov_bytes - (uint32_t)(buf->len - all - 8));
	end(buf, all);
	if (movie->meta_bytes) {
		size_t meta = begin(buf, "meta");
		pad(buf, movie->meta_bytes);
		end(buf, meta);
	}
}

static slv_str still(struct slv_testcolour colour)
{
	return slv_testpicture_file(slv_testpicture_plain(WIDTH, HEIGHT, colour),
			".avif[effort=0,Q=90,strip]", true);
}

void slv_testmovie(struct slv_buf *buf, const struct slv_testmovie *movie)
{
	slv_str red = still(SLV_RED), blue = still(SLV_BLUE);
	slv_str config = slv_testmovie_box(red, "av1C");
	slv_str first = slv_str_from_index(slv_testmovie_box(red, "mdat"), 8);
	slv_str second = slv_str_from_index(slv_testmovie_box(blue, "mdat"), 8);
	slv_buf_init(buf, SLV_MIB(4));
	slv_buf_add(buf, red);
	/* The major brand, and the last of the compatible ones, or all. */
	size_t brands = slv_testmovie_u32(red, 0);
	memcpy(buf->at + 8, "avis", 4);
	for (size_t at = movie->item ? brands - 4 : 16; at < brands; at += 4)
		memcpy(buf->at + at, "msf1", 4);
	if (!movie->item)
		memcpy(buf->at + (slv_testmovie_box(red, "meta").at - red.at) + 4, "free", 4);
	struct sample samples[2] = { { (uint32_t)(first.at - red.at), (uint32_t)first.len },
		{ (uint32_t)buf->len + 8, (uint32_t)second.len } };
	size_t more = begin(buf, "mdat");
	slv_buf_add(buf, second);
	end(buf, more);
	put_movie(buf, movie, config, samples);
	assert_false(buf->overflow);
	slv_testpicture_free(red);
	slv_testpicture_free(blue);
}
