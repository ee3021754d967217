/* awschunk.h - bodies of the content coding aws-chunked
 *
 * S3's clients stream bodies in chunks of their own, inside of whatever frames the message: signed
 * one by one, each over the one before, or unsigned; and with a trailer or without. The decoder
 * eats what there is and hands out views of it. It keeps no data but the trailer.
 *
 * The bytes of a signed chunk are handed out before its signature can be checked, which is when
 * its last byte was there. So nothing of a body counts before `done`: whoever stores it must be
 * able to drop it.
 *
 * As strict as wire/chunk.h but for the ends of trailer lines: CRLF, LF, or LF CRLF, because
 * minio-go writes the last of these. Thread: any.
 *
 * Source: "Signature calculations for the Authorization header: transferring payload in multiple
 * chunks" and "… including trailing headers" of the S3 API reference.
 */
#ifndef SLV_SERVICE_OBJECT_AWSCHUNK_H
#define SLV_SERVICE_OBJECT_AWSCHUNK_H

#include "base/arena.h"
#include "http/field.h"
#include "http/sigv4.h"
#include "service/object/error.h"

#define SLV_OBJECT_SIGNED_CHUNK_MIN 8192  /* bytes of a signed chunk but the last */
#define SLV_OBJECT_TRAILER_BYTES_MAX 4096 /* of all lines */
#define SLV_OBJECT_TRAILER_FIELDS_MAX 16  /* without that of the signature */

/* What x-amz-content-sha256 says of a body. */
enum slv_object_payload {
	SLV_OBJECT_PAYLOAD_DIGEST,   /* 64 hexadecimal digits, of its SHA-256 */
	SLV_OBJECT_PAYLOAD_UNSIGNED, /* nothing, as where there is no such field */
	SLV_OBJECT_PAYLOAD_SIGNED_CHUNKS,
	SLV_OBJECT_PAYLOAD_SIGNED_CHUNKS_TRAILER,
	SLV_OBJECT_PAYLOAD_UNSIGNED_CHUNKS_TRAILER
};

/* False: it is none of these. */
bool slv_object_payload_of(slv_str sha256, enum slv_object_payload *ret_payload);

/* Zeroes but for the first five begin a body; what stands below `done` is private. */
struct slv_object_awschunk {
	struct slv_arena *arena;           /* the trailer lives here; must outlive its use */
	const struct slv_sigv4 *signature; /* of the request; NULL: chunks are unsigned */
	const struct slv_digest *key;      /* of its scope; NULL likewise */
	bool has_trailer;
	uint64_t length; /* that x-amz-decoded-content-length tells */

	struct slv_fields trailers; /* but for the signature; read them once `done` */
	bool done;                  /* all is there, and every signature holds */

	uint8_t state;
	uint8_t digits;                 /* of the size so far */
	uint8_t ext_len;                /* of ";chunk-signature=…" so far */
	bool small;                     /* a signed chunk has come after which only the last may */
	uint64_t size, left;            /* of this chunk; of it still to come */
	uint64_t total;                 /* bytes of data in all chunks so far */
	char told[SLV_SIGV4_HEX_BYTES]; /* the signature that this chunk, or the trailer, has */
	char before[SLV_SIGV4_HEX_BYTES]; /* that of the chunk before */
	bool has_before;                  /* false: it is the request's */
	bool trailer_signed;              /* the trailer's signature was there */
	struct slv_digest_stream digest;  /* of this chunk, or of the trailer */
	char *lines;                      /* of the trailer, so far; in the arena */
	uint32_t lines_len, line_at;      /* bytes; where the last line begins */
};

/* Eat from `bytes`. `*ret_used` bytes are done with; `*ret_data` is a view of the data among them,
 * or empty. Call again with the rest until all is used or decoder->done: each call ends at the end
 * of a chunk's data at the latest. A body that ends before it is done is IncompleteBody, and so
 * is one with bytes behind it. After an error the decoder is at its end.
 *
 * InvalidRequest         not of the grammar of chunks
 * InvalidChunkSizeError  a signed chunk below SLV_OBJECT_SIGNED_CHUNK_MIN that was not the last
 * SignatureDoesNotMatch  of a chunk or of the trailer, or there is none
 * IncompleteBody         more or fewer bytes than `length`
 * MalformedTrailerError  not of the grammar of fields, past a bound of the trailer, or past the
 *                        arena's cap */
slv_object_err slv_object_awschunk_decode(struct slv_object_awschunk *decoder, slv_str bytes,
		size_t *ret_used, slv_str *ret_data);

#endif
