#include "jail/image/boxes.h"

#include "base/attr.h"

#include <string.h>

#define DEPTH_MAX 5 /* moov, trak, mdia, minf, stbl */
#define PLAYS_MAX UINT16_MAX

/* Tables with an entry for each sample, chunk, or run of them. */
enum table { TABLE_STTS, TABLE_STSC, TABLE_STSZ, TABLE_STCO, TABLE_CO64, TABLE_STSS, TABLE_COUNT };

static const char table_type[TABLE_COUNT][5] = { "stts", "stsc", "stsz", "stco", "co64", "stss" };

struct box {
	const char *type;
	slv_str body;
};

/* One track. A table may come in several boxes. */
struct track {
	uint64_t entries[TABLE_COUNT];
	uint64_t duration, edit_duration; /* in the same unit; UINT64_MAX: without end */
	uint32_t edits;
	bool repeats;
};

static uint64_t read_number(slv_str bytes, size_t at, size_t len)
{
	uint64_t value = 0;
	if (bytes.len < len || at > bytes.len - len)
		return 0;
	for (size_t i = 0; i < len; i++)
		value = value << 8 | (uint8_t)bytes.at[at + i];
	return value;
}

static uint32_t read_u32(slv_str bytes, size_t at)
{
	return (uint32_t)read_number(bytes, at, 4);
}

static bool is(const struct box *box, const char *type)
{
	return memcmp(box->type, type, 4) == 0;
}

/* Take the next box off `rest`; false at the end, or where it is none. */
static bool next_box(slv_str *rest, struct box *ret_box)
{
	size_t head = 8;
	if (rest->len < head)
		return false;
	uint64_t len = read_u32(*rest, 0);
	if (len == 1) {
		head = 16;
		len = read_number(*rest, 8, 8);
	} else if (len == 0) {
		len = rest->len; /* up to the end */
	}
	if (len < head || len > rest->len)
		return false;
	ret_box->type = rest->at + 4;
	ret_box->body = (slv_str){ rest->at + head, (size_t)len - head };
	*rest = slv_str_from_index(*rest, (size_t)len);
	return true;
}

/* Version 1 has times of 64 bits. The greatest value means that the end is not known. */
static uint64_t read_duration(slv_str body, size_t at, bool wide)
{
	uint64_t value = read_number(body, at, wide ? 8 : 4);
	return value == (wide ? UINT64_MAX : UINT32_MAX) ? UINT64_MAX : value;
}

/* ISO 14496-12 §8.3.2: sides are of 16.16 bits. */
static void read_header(struct slv_boxes *boxes, struct track *track, slv_str body)
{
	bool wide = body.len > 0 && body.at[0] == 1;
	track->duration = read_duration(body, wide ? 28 : 20, wide);
	uint32_t width = read_u32(body, wide ? 88 : 76) >> 16;
	uint32_t height = read_u32(body, wide ? 92 : 80) >> 16;
	if (width > boxes->width)
		boxes->width = width;
	if (height > boxes->height)
		boxes->height = height;
}

/* ISO 14496-12 §8.6.6. */
static void read_edits(struct track *track, slv_str body)
{
	bool wide = body.len > 0 && body.at[0] == 1;
	track->repeats = read_u32(body, 0) & 1;
	track->edits = read_u32(body, 4);
	track->edit_duration = read_duration(body, 8, wide);
}

/* A sequence that is edited is shown once, or, if its one edit repeats, until the track's time is
 * over. */
static uint32_t plays_of(const struct track *track)
{
	if (track->edits == 0)
		return 0;
	if (!track->repeats)
		return 1;
	if (track->edits != 1 || track->edit_duration == 0 || track->duration == UINT64_MAX)
		return 0;
	uint64_t plays = track->duration / track->edit_duration +
	                 (track->duration % track->edit_duration != 0);
	return plays < 1 ? 1 : plays < PLAYS_MAX ? (uint32_t)plays : PLAYS_MAX;
}

static void read_table(struct track *track, const struct box *box)
{
	for (int i = 0; i < TABLE_COUNT; i++)
		if (is(box, table_type[i]))
			track->entries[i] += read_u32(box->body, i == TABLE_STSZ ? 8 : 4);
}

static void read_meta(struct slv_boxes *boxes, slv_str body)
{
	if (body.len > boxes->meta_bytes)
		boxes->meta_bytes = body.len;
}

static void read_track(struct slv_boxes *boxes, struct track *track, slv_str body)
{
	/* Where to go on in the boxes around. */
	slv_str outer[DEPTH_MAX];
	size_t depth = 0;
	for (;;) {
		struct box box;
		if (!next_box(&body, &box)) {
			if (depth == 0)
				return;
			body = outer[--depth];
		} else if (is(&box, "tkhd")) {
			read_header(boxes, track, box.body);
		} else if (is(&box, "meta")) {
			read_meta(boxes, box.body);
		} else if (is(&box, "elst")) {
			read_edits(track, box.body);
		} else if (depth < DEPTH_MAX &&
				(is(&box, "edts") || is(&box, "mdia") || is(&box, "minf") ||
						is(&box, "stbl"))) {
			outer[depth++] = body;
			body = box.body;
		} else {
			read_table(track, &box);
		}
	}
}

static void read_movie(struct slv_boxes *boxes, slv_str movie)
{
	struct box box;
	if (movie.len > boxes->moov_bytes)
		boxes->moov_bytes = movie.len;
	while (next_box(&movie, &box)) {
		if (!is(&box, "trak"))
			continue;
		struct track track = { 0 };
		read_track(boxes, &track, box.body);
		for (int i = 0; i < TABLE_COUNT; i++)
			if (track.entries[i] > boxes->entries)
				boxes->entries = track.entries[i];
		if (boxes->tracks++ == 0)
			boxes->plays = plays_of(&track);
	}
}

struct slv_boxes slv_boxes_read(slv_str file)
{
	struct slv_boxes boxes = { 0 };
	struct box box;
	while (next_box(&file, &box)) {
		if (is(&box, "meta")) {
			boxes.still = true;
			read_meta(&boxes, box.body);
		} else if (is(&box, "moov")) {
			read_movie(&boxes, box.body);
		}
	}
	return boxes;
}
