/* multipart.h - forms with files (multipart/form-data: RFC 7578, RFC 2046 section 5.1)
 *
 * The decoder eats the body as it comes and hands out views of it; of its own it keeps the head of
 * one part, never data: what it holds back because it may become a boundary is known without being
 * kept. Each byte is looked at once, near-boundaries too.
 *
 * As strict as browsers, curl and the libraries of other languages are exact. Lines end with CRLF,
 * nothing stands behind a boundary, each part says `Content-Disposition: form-data` and a name.
 * What is before the first boundary and behind the last is skipped within a bound.
 *
 * In names, `%22`, `%0D` and `%0A` are what the HTML standard means by them, and no other escape is
 * one. A backslash is itself, even the last before the closing quote; but `\"` is a quote where the
 * text goes on behind it, as Go and `curl --form-escape` write one. `filename*` (RFC 8187, UTF-8
 * only) is what RFC 7578 forbids and .NET sends: it is taken, before `filename`. Names are the
 * bytes that were sent, mostly UTF-8; they may hold line ends and slashes, so nothing but a label
 * is to be made of them. A part that is multipart/mixed itself is data.
 */
#ifndef SLV_HTTP_MULTIPART_H
#define SLV_HTTP_MULTIPART_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/field.h"

#include <stdint.h>

#define SLV_MULTIPART_BOUNDARY_BYTES_MAX 70   /* RFC 2046 section 5.1.1 */
#define SLV_MULTIPART_PREAMBLE_BYTES_MAX 1024 /* before the first boundary */
#define SLV_MULTIPART_EPILOGUE_BYTES_MAX 1024 /* behind the last one and its CRLF */

struct slv_multipart_limits {
	uint32_t parts_max;
	uint32_t head_bytes_max; /* of a part, with the empty line that ends it */
	uint32_t fields_max;     /* in a part's head */
	uint32_t name_bytes_max; /* of a name, and of a file's, as decoded */
};

#define SLV_MULTIPART_LIMITS ((struct slv_multipart_limits){ 100, 8192, 16, 1024 })

/* The texts are good until the next part begins. */
struct slv_multipart_part {
	slv_str name;         /* may be empty */
	slv_str filename;     /* at == NULL if the part is no file; browsers send an empty one for
	                         a file that was not chosen */
	slv_str content_type; /* as sent; at == NULL if it was not */
	struct slv_fields fields; /* all but Content-Disposition */
};

enum slv_multipart_event {
	SLV_MULTIPART_NEED,     /* all is eaten: call again with what comes next */
	SLV_MULTIPART_PART,     /* a part begins: see decoder->part */
	SLV_MULTIPART_DATA,     /* bytes of the part; never none */
	SLV_MULTIPART_PART_END, /* the part had its last byte */
	SLV_MULTIPART_END,      /* the form is over, but for what is skipped */
};

struct slv_multipart {
	struct slv_multipart_part part;

	/* Private. */
	struct slv_arena *arena;
	struct slv_multipart_limits limits;
	char delim[4 + SLV_MULTIPART_BOUNDARY_BYTES_MAX]; /* CRLF, "--", the boundary */
	uint8_t delim_len;
	uint8_t matched; /* bytes of `delim` seen at the end of what was fed */
	uint8_t unsent;  /* the first of those, which are no data */
	uint8_t state;
	uint32_t parts;
	uint32_t skip_bytes_left; /* of the preamble or epilogue */
	char *head;               /* of the part so far; head_bytes_max */
	uint32_t head_len;
};

/* Begin a form whose Content-Type is `content_type`, and take the memory for a head from `arena`,
 * which must outlive the decoder; error texts go there too. No limit may be 0.
 *
 * SLV_E_MEDIA   not multipart/form-data
 * SLV_E_SYNTAX  not one boundary of 1 to 70 bytes that RFC 2046 allows
 * SLV_E_LIMIT   past the arena's cap */
slv_err slv_multipart_init(struct slv_multipart *decoder, struct slv_arena *arena,
		slv_str content_type, const struct slv_multipart_limits *limits);

/* Eat from `bytes`, `*ret_used` of them, up to the next thing to tell. Call again with the rest,
 * even if that is nothing, until the event is SLV_MULTIPART_NEED: then all is used. `*ret_data` is
 * empty but for SLV_MULTIPART_DATA, and good until the next call. After an error the decoder is of
 * no more use; what it told before is to be thrown away, for an error may come even behind the end.
 *
 * SLV_E_SYNTAX       not of the grammar, or not a form's part
 * SLV_E_UNSUPPORTED  a Content-Transfer-Encoding other than 7bit, 8bit, binary
 * SLV_E_LIMIT        past a limit or bound, which the text names, or the arena's cap */
slv_err slv_multipart_decode(struct slv_multipart *decoder, slv_str bytes, size_t *ret_used,
		enum slv_multipart_event *ret_event, slv_str *ret_data);

/* The body is over. SLV_E_SYNTAX unless the form is. */
slv_err slv_multipart_finish(const struct slv_multipart *decoder);

#endif
