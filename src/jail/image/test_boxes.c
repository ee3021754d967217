#include "base/testing.h"
#include "jail/image/boxes.h"

#include "base/attr.h"

#include <stdio.h>
#include <string.h>

/* A file from a text: "(type …)" is a box, a number four bytes, "*N" a number of eight, "^" in
 * front of a box one whose length has 64 bits, "!" one up to the end. */
struct text {
	const char *at;
	char out[4096];
	size_t len;
};

static void put(struct text *text, uint64_t value, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		text->out[text->len++] = (char)(value >> (8 * i));
}

static void put_all(struct text *text)
{
	size_t open[16], depth = 0;
	char kind[16];
	while (*text->at) {
		char c = *text->at++;
		if (c == '(') {
			kind[depth] = text->at[-2];
			open[depth++] = text->len;
			put(text, kind[depth - 1] == '^', 4);
			for (int i = 0; i < 4; i++)
				text->out[text->len++] = *text->at++;
			if (kind[depth - 1] == '^')
				put(text, 0, 8);
		} else if (c == ')') {
			assert_true(depth > 0);
			size_t begin = open[--depth], end = text->len;
			bool wide = kind[depth] == '^';
			text->len = begin + (wide ? 8 : 0);
			if (kind[depth] != '!')
				put(text, end - begin, wide ? 8 : 4);
			text->len = end;
		} else if (c == '*' || (c >= '0' && c <= '9')) {
			unsigned long long value;
			int used;
			assert_int_equal(sscanf(text->at - (c != '*'), "%lli%n",
							 (long long *)&value, &used),
					1);
			text->at += used - (c != '*');
			put(text, value, c == '*' ? 8 : 4);
		}
	}
}

/* What it tells refers to the text, until the next one is read. */
static struct slv_boxes read_text(const char *source)
{
	static struct text text;
	/* The first character has one before it. */
	char padded[1024];
	snprintf(padded, sizeof(padded), " %s", source);
	text = (struct text){ .at = padded + 1 };
	put_all(&text);
	return slv_boxes_read((slv_str){ text.out, text.len });
}

#define HEAD(duration, width, height)                                                              \
	"(tkhd 0 0 0 1 0 " #duration " 0 0 0 0 1 2 3 4 5 6 7 8 9 " #width " " #height ")"
#define WIDE_HEAD(duration, width, height)                                                         \
	"(tkhd 0x1000000 *0 *0 1 0 *" #duration " 0 0 0 0 1 2 3 4 5 6 7 8 9 " #width " " #height ")"

static void what_a_file_has_is_seen(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool still;
		uint32_t tracks;
	} cases[] = {
		{ "", false, 0 },
		{ "(ftyp 1)", false, 0 },
		{ "(ftyp 1)(meta 0)", true, 0 },
		{ "(ftyp 1)(moov)", false, 0 },
		{ "(ftyp 1)(moov (mvhd 0)(trak))", false, 1 },
		{ "(moov (trak))(meta)", true, 1 },
		{ "(meta)(moov (trak))", true, 1 },
		{ "^(free 1 2)^(meta 0)", true, 0 },
		{ "(free)!(moov (trak))", false, 1 },
		{ "(moov (trak)(trak))(moov (trak))", false, 3 },
		{ "(free (meta))", false, 0 },
		{ "(trak)", false, 0 },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		struct slv_boxes boxes = read_text(cases[i].text);
		if (boxes.still != cases[i].still || boxes.tracks != cases[i].tracks)
			fail_msg("%s: %d %u", cases[i].text, boxes.still, boxes.tracks);
	}
}

static void impossible_lengths_end_it(void **state)
{
	(void)state;
	static const struct {
		char bytes[32];
		size_t len;
	} cases[] = {
		{ "\0\0\0\7metaxxxxxxxx", 16 },          /* shorter than its head */
		{ "\0\0\0\x11metaxxxxxxxx", 16 },        /* one byte too long */
		{ "\0\0\0\1meta\0\0\0\0\0\0\0\xf", 16 }, /* shorter than its long head */
		{ "\0\0\0\1meta\0\0\0\0\0\0\0\x11", 16 },
		{ "\0\0\0\1meta\xff\xff\xff\xff\xff\xff\xff\xff", 16 },
		{ "\0\0\0\1meta\0\0\0\0\0\0\0", 15 },
		{ "\0\0\0\x08met", 7 },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++)
		assert_false(slv_boxes_read((slv_str){ cases[i].bytes, cases[i].len }).still);
	assert_true(slv_boxes_read((slv_str){ "\0\0\0\x10metaxxxxxxxx", 16 }).still);
	assert_true(slv_boxes_read((slv_str){ "\0\0\0\1meta\0\0\0\0\0\0\0\x10", 16 }).still);
	/* What comes before still counts. */
	assert_true(slv_boxes_read((slv_str){ "\0\0\0\x08meta\0\0\0\x07xxxx", 16 }).still);
}

static void long_boxes_are_measured(void **state)
{
	(void)state;
	/* A decoder puts those that are called meta together. */
	struct slv_boxes boxes = read_text(
			"(meta 1)(moov (trak (meta 1 2 3)(meta 1))(trak (meta 1 2)))(meta 1)");
	assert_int_equal(boxes.meta_bytes, 4 + 12 + 4 + 8 + 4);
	assert_int_equal(boxes.moov_bytes, 8 + 20 + 12 + 8 + 16);
	boxes = read_text("(meta 1 2 3)(moov)");
	assert_int_equal(boxes.meta_bytes, 12);
	assert_int_equal(boxes.moov_bytes, 0);
	boxes = read_text("(moov)(moov 1 2)(moov 1)");
	assert_int_equal(boxes.moov_bytes, 8);
}

static void the_largest_track_counts(void **state)
{
	(void)state;
	struct slv_boxes boxes = read_text("(moov (trak" HEAD(0, 0x123ffff, 0x20000) ")(trak" HEAD(
			0, 0x50000, 0xffff8000) "))");
	assert_int_equal(boxes.width, 0x123);
	assert_int_equal(boxes.height, 0xffff);
	boxes = read_text("(moov (trak" WIDE_HEAD(0, 0x70000, 0x90000) "))");
	assert_int_equal(boxes.width, 7);
	assert_int_equal(boxes.height, 9);
	/* Cut, it says nothing. */
	boxes = read_text("(moov (trak (tkhd 0 0 0 1)))");
	assert_int_equal(boxes.width, 0);
}

static void entries_of_a_table_add_up(void **state)
{
	(void)state;
#define TABLES(x) "(moov (trak (mdia (minf (stbl " x ")))))"
	static const struct {
		const char *text;
		uint64_t entries;
	} cases[] = {
		{ TABLES("(stts 0 5)"), 5 },
		{ TABLES("(stsc 0 6)(stts 0 5)"), 6 },
		{ TABLES("(stsz 0 100 7)(stts 0 5)"), 7 },
		{ TABLES("(stco 0 8)"), 8 },
		{ TABLES("(co64 0 9)"), 9 },
		{ TABLES("(stss 0 10)"), 10 },
		{ TABLES("(stco 0 8)(co64 0 9)"), 17 },
		{ TABLES("(stts 0 5)(stts 0 6)"), 11 },
		{ TABLES("(stts 0 0xffffffff)(stts 0 0xffffffff)"), 0x1fffffffe },
		{ TABLES("(stts 0 5))(stbl (stts 0 6)"), 11 },
		{ "(moov (trak (mdia (minf (stbl (stts 0 5)))))"
		  "(trak (mdia (minf (stbl (stts 0 6))))))",
				6 },
		{ TABLES("(xxxx 0 5)"), 0 },
		{ TABLES("(stts 0)"), 0 },
		{ "(moov (stts 0 5))", 0 },
		/* Deeper than any file is. */
		{ "(moov (trak (mdia (mdia (stts 0 4)))))", 4 },
		{ "(moov (trak (mdia (mdia (mdia (stts 0 4))))))", 4 },
		{ "(moov (trak (mdia (mdia (mdia (mdia (stts 0 4)))))))", 0 },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		uint64_t entries = read_text(cases[i].text).entries;
		if (entries != cases[i].entries)
			fail_msg("%s: %llu", cases[i].text, (unsigned long long)entries);
	}
}

static void a_list_of_edits_tells_how_often(void **state)
{
	(void)state;
#define AV1 "(mdia (minf (stbl (stsd 0 1 (av01))(stco 0 1))))"
#define TRACK(head, edits) "(moov (trak " head " " edits AV1 "))"
	static const struct {
		const char *text;
		uint32_t plays;
	} cases[] = {
		{ TRACK(HEAD(12, 1, 1), ""), 0 },
		{ TRACK(HEAD(12, 1, 1), "(edts (elst 0 0))"), 0 },
		{ TRACK(HEAD(12, 1, 1), "(edts (elst 0 1 4 0 0x10000))"), 1 },
		{ TRACK(HEAD(12, 1, 1), "(edts (elst 1 1 4 0 0x10000))"), 3 },
		{ TRACK(HEAD(13, 1, 1), "(edts (elst 1 1 4 0 0x10000))"), 4 },
		{ TRACK(HEAD(4, 1, 1), "(edts (elst 1 1 4 0 0x10000))"), 1 },
		{ TRACK(HEAD(0, 1, 1), "(edts (elst 1 1 4 0 0x10000))"), 1 },
		{ TRACK(HEAD(12, 1, 1), "(edts (elst 1 1 0 0 0x10000))"), 0 },
		{ TRACK(HEAD(12, 1, 1), "(edts (elst 1 2 4 0 0x10000 4 0 0x10000))"), 0 },
		{ TRACK(HEAD(0xffffffff, 1, 1), "(edts (elst 1 1 4 0 0x10000))"), 0 },
		{ TRACK(HEAD(0xfffffffe, 1, 1), "(edts (elst 1 1 1 0 0x10000))"), 65535 },
		{ TRACK(WIDE_HEAD(12, 1, 1), "(edts (elst 0x1000001 1 *4 *0 0x10000))"), 3 },
		{ TRACK(WIDE_HEAD(0xffffffff, 1, 1), "(edts (elst 1 1 0x80000000 0 0))"), 2 },
		{ TRACK(WIDE_HEAD(-1, 1, 1), "(edts (elst 1 1 4 0 0x10000))"), 0 },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		uint32_t plays = read_text(cases[i].text).plays;
		if (plays != cases[i].plays)
			fail_msg("%s: %u", cases[i].text, plays);
	}
}

static void formats_are_counted(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t formats, bytes;
	} cases[] = {
		{ TABLES(""), 0, 0 },
		{ TABLES("(stsd)"), 0, 0 },
		{ TABLES("(stsd 0 1 (av01))"), 1, 16 },
		{ TABLES("(stsd 0 2 (av01))"), 2, 16 },
		{ TABLES("(stsd 0 1 (av01))(stsd 0 1 (av01 1))"), 2, 36 },
		{ TABLES("(stsd 0 0xffffffff)(stsd 0 1)"), 0x100000000, 16 },
		{ "(moov (trak (mdia (minf (stbl (stsd 0 2)))))"
		  "(trak (mdia (minf (stbl (stsd 0 1 0 0))))))",
				2, 16 },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		struct slv_boxes boxes = read_text(cases[i].text);
		if (boxes.formats != cases[i].formats || boxes.format_bytes != cases[i].bytes)
			fail_msg("%s: %llu %llu", cases[i].text, (unsigned long long)boxes.formats,
					(unsigned long long)boxes.format_bytes);
	}
}

/* A track, shown so often, with an ID, what it refers to, a format, and how many chunks. */
#define ONE(id, plays, refers, format, chunks)                                                     \
	"(trak (tkhd 0 0 0 " #id " 0 " #plays " 0 0 0 0 1 2 3 4 5 6 7 8 9 0 0)"                    \
	"(edts (elst 1 1 1 0 0))" refers "(mdia (minf (stbl (stsd 0 1 (" #format "))"              \
	"(stts 0 1 1 " #plays ")(stco 0 " #chunks ")))))"

static void the_first_track_of_colours_is_told_of(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t plays;
	} cases[] = {
		{ "(moov " ONE(1, 3, "", av01, 1) ")", 3 },
		{ "(moov " ONE(1, 3, "", av01, 1) ONE(2, 4, "", av01, 1) ")", 3 },
		{ "(moov " ONE(1, 3, "", av01, 1) ")(moov " ONE(2, 4, "", av01, 1) ")", 3 },
		{ "(moov " ONE(0, 3, "", av01, 1) ONE(2, 4, "", av01, 1) ")", 4 },
		{ "(moov " ONE(1, 3, "", mp4a, 1) ONE(2, 4, "", av01, 1) ")", 4 },
		{ "(moov " ONE(1, 3, "", av01, 0) ONE(2, 4, "", av01, 1) ")", 4 },
		{ "(moov " ONE(1, 3, "(tref (auxl 2))", av01, 1) ONE(2, 4, "", av01, 1) ")", 4 },
		{ "(moov " ONE(1, 3, "(tref (auxl 0))", av01, 1) ONE(2, 4, "", av01, 1) ")", 3 },
		{ "(moov " ONE(1, 3, "(auxl 2)", av01, 1) ONE(2, 4, "", av01, 1) ")", 3 },
		{ "(moov " ONE(1, 3, "(tref (prem 2))", av01, 1) ONE(2, 4, "", av01, 1) ")", 3 },
		{ "(moov (trak)" ONE(2, 4, "", av01, 1) ")", 4 },
		{ "(moov " ONE(1, 3, "", hvc1, 1) ")", 0 },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		struct slv_boxes boxes = read_text(cases[i].text);
		if (boxes.plays != cases[i].plays)
			fail_msg("%s: %u", cases[i].text, boxes.plays);
		assert_int_equal(slv_boxes_run(&boxes, 0).ticks, boxes.plays);
	}
}

/* Of any track, for which of them a decoder takes is its own affair. */
static void times_are_counted(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t boxes;
		uint64_t runs;
		bool empty;
	} cases[] = {
		{ TABLES(""), 0, 0, false },
		{ TABLES("(stts)"), 1, 0, false },
		{ TABLES("(stts 0 1 3 0)"), 1, 1, false },
		{ TABLES("(stts 0 1 0 3)"), 1, 1, true },
		{ TABLES("(stts 0 3 1 9 1 9 0 9)"), 1, 3, true },
		{ TABLES("(stts 0 2 1 9 1 9 0 9)"), 1, 2, false },
		{ TABLES("(stts 0 0xffffffff 1 9)"), 1, 0xffffffff, false }, /* cut */
		{ TABLES("(stts 0 1 1 9)(stts 0 2 1 9 0 9)"), 2, 3, true },
		{ "(moov " ONE(1, 3, "", av01, 1) "(trak (mdia (minf (stbl (stts 0 2 0 9 1 9))))))",
				1, 2, true },
		{ "(moov (trak (mdia (minf (stbl (stts 0 2 0 9 1 9)))))" ONE(1, 3, "", av01, 1) ")",
				1, 2, true },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		struct slv_boxes boxes = read_text(cases[i].text);
		if (boxes.time_boxes != cases[i].boxes || boxes.runs_most != cases[i].runs ||
				boxes.empty_runs != cases[i].empty)
			fail_msg("%s: %u %llu %d", cases[i].text, boxes.time_boxes,
					(unsigned long long)boxes.runs_most, boxes.empty_runs);
	}
}

static void runs_are_those_of_the_last_box(void **state)
{
	(void)state;
	char bytes[256];
	struct text text = { .at = bytes + 1 };
	snprintf(bytes, sizeof(bytes), " %s",
			"(moov (trak (tkhd 0 0 0 1)(mdia (minf (stbl (stsd 0 1 (av01))"
			"(stco 0 1)(stts 0 1 9 9)(stts 0 3 5 6 7 8 9))))))");
	put_all(&text);
	struct slv_boxes boxes = slv_boxes_read((slv_str){ text.out, text.len });
	assert_int_equal(boxes.time_boxes, 2);
	assert_int_equal(boxes.runs, 3);
	assert_int_equal(slv_boxes_run(&boxes, 0).samples, 5);
	assert_int_equal(slv_boxes_run(&boxes, 0).ticks, 6);
	assert_int_equal(slv_boxes_run(&boxes, 1).samples, 7);
	assert_int_equal(slv_boxes_run(&boxes, 1).ticks, 8);
	/* Cut, and none. */
	assert_int_equal(slv_boxes_run(&boxes, 2).ticks, 0);
	assert_int_equal(slv_boxes_run(&boxes, UINT32_MAX).samples, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_file_has_is_seen),
		cmocka_unit_test(impossible_lengths_end_it),
		cmocka_unit_test(long_boxes_are_measured),
		cmocka_unit_test(the_largest_track_counts),
		cmocka_unit_test(entries_of_a_table_add_up),
		cmocka_unit_test(a_list_of_edits_tells_how_often),
		cmocka_unit_test(formats_are_counted),
		cmocka_unit_test(the_first_track_of_colours_is_told_of),
		cmocka_unit_test(times_are_counted),
		cmocka_unit_test(runs_are_those_of_the_last_box),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
