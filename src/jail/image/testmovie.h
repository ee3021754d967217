/* testmovie.h - AVIF image sequences box by box; for tests only
 *
 * The tests' libvips writes none, so they are put together of its still pictures: the file of the
 * first, and behind it a track that shows it and others (ISO 14496-12 §8, AV1-ISOBMFF §2).
 */
#ifndef SLV_JAIL_IMAGE_TESTMOVIE_H
#define SLV_JAIL_IMAGE_TESTMOVIE_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define SLV_TESTMOVIE_WIDTH 64
#define SLV_TESTMOVIE_HEIGHT 32

struct slv_testmovie {
	bool item;           /* the first frame is a still picture too */
	uint32_t frames;     /* red, blue, red, …; each for one of 5 ticks a second */
	uint32_t plays;      /* as a list of edits says; 0: there is none */
	uint32_t empty;      /* tracks that have nothing, behind the one */
	bool decoy;          /* an empty track in front, which is shown once */
	uint32_t formats;    /* of samples, all the same; 0: one */
	uint32_t runs;       /* of equal times, 1, 2, 3… ticks; 0: one */
	uint32_t empty_runs; /* of no samples, behind them */
	bool times_again;    /* their box comes twice */
	/* So many, with free space; 0: as it comes. */
	uint32_t moov_bytes, meta_bytes, format_bytes;
};

/* Build one; the caller calls slv_buf_done(). */
void slv_testmovie(struct slv_buf *buf, const struct slv_testmovie *movie);

/* The sides in the header of the first track, in whole px. */
void slv_testmovie_set_sides(slv_str file, uint32_t width, uint32_t height);

/* The box of that type, from its length on; the first whose name is met. */
slv_str slv_testmovie_box(slv_str file, const char *type);

uint32_t slv_testmovie_u32(slv_str file, size_t at);
void slv_testmovie_set_u32(char *at, uint32_t value);

#endif
