#include "jail/image/boxes.h"

#include "base/attr.h"

#include <string.h>

#define DEPTH_MAX 3 /* in a trak: mdia, minf, stbl */
#define PLAYS_MAX UINT16_MAX

/* Tables with an entry for each sample, chunk, or run of them. */
enum table { TABLE_TIMES, TABLE_RUNS, TABLE_SIZES, TABLE_CHUNKS, TABLE_SYNCS, TABLE_COUNT };

static const struct {
	char type[5];
	enum table table;
	size_t count_at;
} table_box[] = {
	{ "stts", TABLE_TIMES, 4 },
	{ "stsc", TABLE_RUNS, 4 },
	{ "stsz", TABLE_SIZES, 8 },
	{ "stco", TABLE_CHUNKS, 4 },
	{ "co64", TABLE_CHUNKS, 4 },
	{ "stss", TABLE_SYNCS, 4 },
};

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
	uint32_t id, auxiliary_of; /* tracks; 0: none */
	uint64_t formats, format_bytes;
	bool av1;
	uint32_t time_boxes;
	slv_str times; /* the last */
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
	track->id = read_u32(body, wide ? 20 : 12);
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

/* ISO 14496-12 §8.5.2: each has its length and its type first. More than one is more than is read,
 * so that only the first matters. */
static void read_formats(struct track *track, slv_str body)
{
	uint32_t count = read_u32(body, 4);
	track->formats += count;
	track->format_bytes += body.len;
	if (count > 0 && body.len >= 16 && memcmp(body.at + 12, "av01", 4) == 0)
		track->av1 = true;
}

static void read_references(struct track *track, slv_str body)
{
	struct box box;
	while (next_box(&body, &box))
		if (is(&box, "auxl"))
			track->auxiliary_of = read_u32(box.body, 0);
}

/* ISO 14496-12 §8.6.1.2. */
static void read_times(struct slv_boxes *boxes, struct track *track, slv_str body)
{
	track->time_boxes++;
	track->times = body;
	uint32_t runs = read_u32(body, 4);
	for (size_t i = 0; i < runs && body.len >= 16 + i * 8; i++)
		if (read_u32(body, 8 + i * 8) == 0)
			boxes->empty_runs = true;
}

static void read_table(struct slv_boxes *boxes, struct track *track, const struct box *box)
{
	for (size_t i = 0; i < SLV_COUNT(table_box); i++)
		if (is(box, table_box[i].type))
			track->entries[table_box[i].table] +=
					read_u32(box->body, table_box[i].count_at);
	if (is(box, "stts"))
		read_times(boxes, track, box->body);
}

/* What has no boxes of interest in it. */
static void read_leaf(struct slv_boxes *boxes, struct track *track, const struct box *box)
{
	if (is(box, "tkhd"))
		read_header(boxes, track, box->body);
	else if (is(box, "meta"))
		boxes->meta_bytes += box->body.len;
	else if (is(box, "elst"))
		read_edits(track, box->body);
	else if (is(box, "tref"))
		read_references(track, box->body);
	else if (is(box, "stsd"))
		read_formats(track, box->body);
	else
		read_table(boxes, track, box);
}

static bool has_boxes(const struct box *box)
{
	static const char types[][5] = { "edts", "mdia", "minf", "stbl" };
	for (size_t i = 0; i < SLV_COUNT(types); i++)
		if (is(box, types[i]))
			return true;
	return false;
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
		} else if (depth < DEPTH_MAX && has_boxes(&box)) {
			outer[depth++] = body;
			body = box.body;
		} else {
			read_leaf(boxes, track, &box);
		}
	}
}

static void raise_to(uint64_t *most, uint64_t value)
{
	if (value > *most)
		*most = value;
}

static void read_movie(struct slv_boxes *boxes, slv_str movie, bool *found)
{
	struct box box;
	raise_to(&boxes->moov_bytes, movie.len);
	while (next_box(&movie, &box)) {
		if (!is(&box, "trak"))
			continue;
		struct track track = { 0 };
		read_track(boxes, &track, box.body);
		for (int i = 0; i < TABLE_COUNT; i++)
			raise_to(&boxes->entries, track.entries[i]);
		raise_to(&boxes->formats, track.formats);
		raise_to(&boxes->format_bytes, track.format_bytes);
		raise_to(&boxes->runs_most, track.entries[TABLE_TIMES]);
		if (track.time_boxes > boxes->time_boxes)
			boxes->time_boxes = track.time_boxes;
		boxes->tracks++;
		if (*found || !track.id || !track.av1 || !track.entries[TABLE_CHUNKS] ||
				track.auxiliary_of)
			continue;
		*found = true;
		boxes->plays = plays_of(&track);
		boxes->times = slv_str_from_index(track.times, 8);
		boxes->runs = read_u32(track.times, 4);
	}
}

struct slv_boxes slv_boxes_read(slv_str file)
{
	struct slv_boxes boxes = { 0 };
	struct box box;
	bool found = false;
	while (next_box(&file, &box)) {
		if (is(&box, "meta")) {
			boxes.still = true;
			boxes.meta_bytes += box.body.len;
		} else if (is(&box, "moov")) {
			read_movie(&boxes, box.body, &found);
		}
	}
	return boxes;
}

struct slv_boxes_run slv_boxes_run(const struct slv_boxes *boxes, uint32_t index)
{
	size_t at = (size_t)index * 8;
	return (struct slv_boxes_run){ read_u32(boxes->times, at), read_u32(boxes->times, at + 4) };
}
