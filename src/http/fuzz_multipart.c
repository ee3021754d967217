/* fuzz_multipart.c - fed in pieces of any size, a form tells the same; written anew, too
 *
 * The first four bytes choose the sizes of the pieces; the Content-Type reaches to the first LF,
 * the body is the rest.
 */
#include "base/assert.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/mem.h"
#include "http/multipart.h"

#include <string.h>

#define BODY_BYTES_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Small, so that an input reaches them. */
static const struct slv_multipart_limits limits = { 4, 256, 4, 32 };
/* Written anew, each byte of a name may have become three. */
static const struct slv_multipart_limits more_limits = { 4, 1024, 4, 32 };

struct outcome {
	struct slv_arena arena;
	struct slv_multipart decoder;
	struct slv_buf told;  /* all events, with what they came with */
	struct slv_buf again; /* the form, written as browsers do */
	slv_err err;
	bool in_part, over;
	bool writable; /* no name needs an escape that there is not */
};

static void outcome_init(struct outcome *outcome, size_t size)
{
	memset(outcome, 0, sizeof(*outcome));
	slv_arena_init(&outcome->arena, 4096, SLV_KIB(16));
	slv_buf_init(&outcome->told, 2 * size + SLV_KIB(8));
	slv_buf_init(&outcome->again, 4 * size + SLV_KIB(8));
	outcome->writable = true;
}

static void outcome_done(struct outcome *outcome)
{
	slv_buf_done(&outcome->again);
	slv_buf_done(&outcome->told);
	slv_arena_done(&outcome->arena);
}

static void tell_text(struct slv_buf *told, slv_str text)
{
	slv_buf_add_char(told, text.at ? '<' : '-');
	slv_buf_add_u64(told, text.len);
	slv_buf_add_char(told, ':');
	slv_buf_add(told, text);
}

static slv_str boundary_of(const struct slv_multipart *decoder)
{
	return slv_str_from_index((slv_str){ decoder->delim, decoder->delim_len }, 4);
}

static void write_name(struct outcome *outcome, const char *param, slv_str name)
{
	static const char *const escapes[] = { "%22", "%0D", "%0A" };
	for (size_t i = 0; i < SLV_COUNT(escapes); i++)
		if (slv_str_find_str(name, slv_str_from(escapes[i])) < name.len)
			outcome->writable = false;
	slv_buf_printf(&outcome->again, "; %s=\"", param);
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];
		bool line = c == '\r' || c == '\n';
		if (((unsigned char)c < 0x20 && !line && c != '\t') || c == 0x7f)
			outcome->writable = false;
		if (line || c == '"')
			slv_buf_add(&outcome->again, slv_str_from(escapes[c == '"'    ? 0
									  : c == '\r' ? 1
										      : 2]));
		else
			slv_buf_add_char(&outcome->again, c);
	}
	slv_buf_add_char(&outcome->again, '"');
}

static void write_part(struct outcome *outcome)
{
	const struct slv_multipart_part *part = &outcome->decoder.part;
	slv_buf_printf(&outcome->again, "--%.*s\r\nContent-Disposition: form-data",
			SLV_FMT(boundary_of(&outcome->decoder)));
	write_name(outcome, "name", part->name);
	if (part->filename.at)
		write_name(outcome, "filename", part->filename);
	slv_buf_add(&outcome->again, SLV_STR("\r\n"));
	for (uint32_t i = 0; i < part->fields.count; i++) {
		slv_buf_add(&outcome->again, part->fields.at[i].name);
		slv_buf_add_char(&outcome->again, ':');
		slv_buf_add(&outcome->again, part->fields.at[i].value);
		slv_buf_add(&outcome->again, SLV_STR("\r\n"));
	}
	slv_buf_add(&outcome->again, SLV_STR("\r\n"));
}

static void tell_part(struct outcome *outcome)
{
	const struct slv_multipart_part *part = &outcome->decoder.part;
	slv_assert(part->name.at && part->name.len <= limits.name_bytes_max);
	slv_assert(part->filename.len <= limits.name_bytes_max);
	slv_assert(part->fields.count < limits.fields_max);
	slv_buf_add_char(&outcome->told, 'P');
	tell_text(&outcome->told, part->name);
	tell_text(&outcome->told, part->filename);
	tell_text(&outcome->told, part->content_type);
	for (uint32_t i = 0; i < part->fields.count; i++) {
		tell_text(&outcome->told, part->fields.at[i].name);
		tell_text(&outcome->told, part->fields.at[i].value);
	}
	slv_buf_add_char(&outcome->told, '\n');
	write_part(outcome);
}

static void tell(struct outcome *outcome, enum slv_multipart_event event, slv_str data)
{
	slv_assert((data.len > 0) == (event == SLV_MULTIPART_DATA));
	slv_assert(!outcome->over || event == SLV_MULTIPART_NEED);
	switch (event) {
	case SLV_MULTIPART_NEED:
		break;
	case SLV_MULTIPART_PART:
		slv_assert(!outcome->in_part);
		outcome->in_part = true;
		tell_part(outcome);
		break;
	case SLV_MULTIPART_DATA:
		slv_assert(outcome->in_part);
		slv_buf_add(&outcome->told, data);
		slv_buf_add(&outcome->again, data);
		break;
	case SLV_MULTIPART_PART_END:
		slv_assert(outcome->in_part);
		outcome->in_part = false;
		slv_buf_add(&outcome->told, SLV_STR("E\n"));
		slv_buf_add(&outcome->again, SLV_STR("\r\n"));
		break;
	case SLV_MULTIPART_END:
		slv_assert(!outcome->in_part);
		outcome->over = true;
		slv_buf_add(&outcome->told, SLV_STR("!"));
		slv_buf_printf(&outcome->again, "--%.*s--\r\n",
				SLV_FMT(boundary_of(&outcome->decoder)));
	}
}

/* Feed one piece, in memory of its own. */
static void feed(struct outcome *outcome, slv_str bytes)
{
	char *copy = slv_alloc(bytes.len);
	memcpy(copy, bytes.at, bytes.len);
	slv_str piece = { copy, bytes.len };
	enum slv_multipart_event event = SLV_MULTIPART_NEED;
	do {
		size_t used;
		slv_str data;
		outcome->err = slv_multipart_decode(&outcome->decoder, piece, &used, &event, &data);
		if (slv_failed(outcome->err))
			break;
		slv_assert(used <= piece.len);
		slv_assert(event != SLV_MULTIPART_NEED || used == piece.len);
		tell(outcome, event, data);
		piece = slv_str_from_index(piece, used);
	} while (event != SLV_MULTIPART_NEED);
	slv_free(copy);
}

/* Pieces of 1 to `step` bytes; of just `step` if there is no `seed`. */
static void decode(struct outcome *outcome, slv_str type, slv_str body,
		const struct slv_multipart_limits *with, size_t step, uint32_t seed)
{
	outcome_init(outcome, body.len);
	outcome->err = slv_multipart_init(&outcome->decoder, &outcome->arena, type, with);
	while (body.len && !slv_failed(outcome->err)) {
		seed = seed * 1664525u + (seed ? 1013904223u : 0);
		size_t len = seed ? 1 + (seed >> 16) % step : step;
		feed(outcome, slv_str_head(body, len));
		body = slv_str_from_index(body, len);
	}
	if (!slv_failed(outcome->err))
		outcome->err = slv_multipart_finish(&outcome->decoder);
	slv_assert(slv_failed(outcome->err) || outcome->over);
	slv_assert(!outcome->told.overflow && !outcome->again.overflow);
}

static void check_same(const struct outcome *a, const struct outcome *b)
{
	slv_assert(a->err.code == b->err.code);
	slv_assert(slv_str_eq(slv_buf_str(&a->told), slv_buf_str(&b->told)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t seed;
	if (size < sizeof(seed) || size > BODY_BYTES_MAX)
		return 0;
	memcpy(&seed, data, sizeof(seed));
	slv_str body = { (const char *)data + sizeof(seed), size - sizeof(seed) };
	slv_str type = slv_str_cut(&body, '\n');

	struct outcome whole, other;
	decode(&whole, type, body, &limits, SIZE_MAX, 0);
	decode(&other, type, body, &limits, 1, 0);
	check_same(&whole, &other);
	outcome_done(&other);
	decode(&other, type, body, &limits, 1 + (seed & 127), seed | 1);
	check_same(&whole, &other);
	outcome_done(&other);

	if (!slv_failed(whole.err) && whole.writable) {
		decode(&other, type, slv_buf_str(&whole.again), &more_limits, SIZE_MAX, 0);
		check_same(&whole, &other);
		outcome_done(&other);
	}
	outcome_done(&whole);
	return 0;
}
