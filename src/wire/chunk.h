/* chunk.h - bodies in chunks (RFC 9112 section 7.1)
 *
 * The decoder eats what there is and hands out views of it; it keeps no data of
 * its own but the trailers. As strict as wire/h1.h: CRLF only, a size is 1 to 16
 * hexadecimal digits directly followed by ';' or CRLF, extensions are skipped
 * within a bound. After an error the connection must be closed.
 */
#ifndef SLV_WIRE_CHUNK_H
#define SLV_WIRE_CHUNK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "http/field.h"
#include "wire/h1.h"

#include <stdbool.h>
#include <stdint.h>

/* Extensions of one chunk, and of all chunks of a body: who sends chunks of one byte with
 * long extensions would have us read much for little. */
#define SLV_CHUNK_EXT_BYTES_MAX 256
#define SLV_CHUNK_EXT_BYTES_ALL_MAX 16384

/* Zeroes but for `arena` and `limits` begin a body; the rest is private. */
struct slv_chunk_decoder {
	struct slv_arena *arena;            /* trailers live here; must outlive their use */
	const struct slv_h1_limits *limits; /* of the trailers; head_bytes_max bounds all of them */
	struct slv_fields trailers;         /* read them once `done` */
	bool done;                          /* the body and its trailers have ended */

	uint8_t state;
	uint8_t digits;     /* of the size so far */
	uint32_t ext_bytes; /* of this chunk's extensions */
	uint32_t ext_bytes_all;
	uint64_t left; /* bytes of this chunk still to come */
	char *lines;   /* trailer section so far; in the arena */
	uint32_t lines_len, lines_cap;
};

/* Eat from `bytes`. `*ret_used` bytes are done with; `*ret_data` is a view of the data among
 * them, or empty. Call again with the rest until all is used or decoder->done: each call ends
 * at the end of a chunk's data at the latest. With done, what was not used is the next request.
 *
 * SLV_E_SYNTAX    not of the grammar, a size past 2^64 - 1, extensions past their bounds, or a
 *                 field that may not be a trailer (RFC 9110 section 6.5.1)
 * SLV_E_HEADERS   the trailers are past a limit, or past the arena's cap */
slv_err slv_chunk_decode(struct slv_chunk_decoder *decoder, slv_str bytes, size_t *ret_used,
		slv_str *ret_data);

/* Encode: begin, `len` bytes of data, CRLF; and last once. `len` > 0, because an empty chunk
 * is the last. An overflow of `buf` is the caller's to check. */
void slv_chunk_begin(struct slv_buf *buf, uint64_t len);

/* The last chunk and the trailers; NULL for none. SLV_E_SYNTAX and nothing added if a name
 * or value cannot be sent or may not be a trailer. */
slv_err slv_chunk_last(struct slv_buf *buf, const struct slv_fields *trailers);

/* May a field of this name be a trailer? Not those that frame, route, authenticate, or say
 * how to process the message. */
bool slv_chunk_trailer_ok(enum slv_field_id id, slv_str name);

#endif
