/* The request parser beside llhttp: what ours accepts, llhttp must accept, and understand in the
 * same way. The reverse is not asked: llhttp takes a bare CR for a line end and unfolds lines.
 *
 * Known and meant:
 * - llhttp knows a list of methods, we take any token. For an unknown method it is shown the same
 *   request with GET, so that the rest is compared.
 * - llhttp takes a tab in Connection for part of an option, we for white space; and it keeps no
 *   connection that is to be upgraded, but one of HTTP/1.0 that is to be closed and kept alive.
 *   Whether to keep it is not compared then.
 */
#include "wire/h1.h"

#include "base/assert.h"
#include "base/mem.h"

#include <llhttp.h>
#include <string.h>

#define FIELDS_MAX 128

/* What llhttp saw. Its spans lie in the input, each in one piece. */
struct theirs {
	slv_str target;
	slv_str names[FIELDS_MAX + 1], values[FIELDS_MAX + 1];
	size_t names_count, values_count;
	bool complete;
};

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
	struct theirs *theirs = parser->data;
	slv_assert(!theirs->target.at);
	theirs->target = (slv_str){ at, len };
	return 0;
}

static int on_name(llhttp_t *parser, const char *at, size_t len)
{
	struct theirs *theirs = parser->data;
	slv_assert(theirs->names_count < FIELDS_MAX);
	theirs->names[theirs->names_count] = (slv_str){ at, len };
	return 0;
}

static int on_name_end(llhttp_t *parser)
{
	((struct theirs *)parser->data)->names_count++;
	return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
	struct theirs *theirs = parser->data;
	slv_assert(theirs->values_count < FIELDS_MAX);
	slv_str *value = &theirs->values[theirs->values_count];
	slv_assert(!value->at || len == 0);
	*value = (slv_str){ at, len };
	return 0;
}

static int on_value_end(llhttp_t *parser)
{
	((struct theirs *)parser->data)->values_count++;
	return 0;
}

static int on_head(llhttp_t *parser)
{
	((struct theirs *)parser->data)->complete = true;
	return HPE_PAUSED;
}

static void read_theirs(slv_str bytes, llhttp_t *parser, struct theirs *theirs)
{
	llhttp_settings_t settings;
	llhttp_settings_init(&settings);
	settings.on_url = on_url;
	settings.on_header_field = on_name;
	settings.on_header_field_complete = on_name_end;
	settings.on_header_value = on_value;
	settings.on_header_value_complete = on_value_end;
	settings.on_headers_complete = on_head;
	llhttp_init(parser, HTTP_REQUEST, &settings);
	parser->data = theirs;
	llhttp_errno_t got = llhttp_execute(parser, bytes.at, bytes.len);
	slv_assert(got == HPE_PAUSED && theirs->complete);
}

static bool knows_method(slv_str method)
{
	static const slv_str known[] = {
#define XX(number, name, text) SLV_STR_INIT(#text),
		HTTP_METHOD_MAP(XX)
#undef XX
	};
	for (size_t i = 0; i < SLV_COUNT(known); i++)
		if (slv_str_eq(method, known[i]))
			return true;
	return false;
}

static bool connection_has_tab(const struct theirs *theirs)
{
	for (size_t i = 0; i < theirs->names_count; i++)
		if (slv_str_eq_nocase(theirs->names[i], SLV_STR("connection")) &&
				slv_str_find(theirs->values[i], '\t') < theirs->values[i].len)
			return true;
	return false;
}

static void compare(slv_str bytes, const struct slv_h1_head *head)
{
	llhttp_t parser;
	struct theirs theirs = { 0 };
	read_theirs(bytes, &parser, &theirs);

	/* The end that llhttp stopped at is that of the last LF, or behind it. */
	size_t end = (size_t)(llhttp_get_error_pos(&parser) - bytes.at);
	slv_assert(end == bytes.len || end + 1 == bytes.len);
	const char *method = llhttp_method_name((llhttp_method_t)llhttp_get_method(&parser));
	if (knows_method(head->method_name))
		slv_assert(slv_str_eq(slv_str_from(method), head->method_name));
	slv_assert(slv_str_eq(theirs.target, head->target));
	slv_assert(parser.http_major * 10 + parser.http_minor == head->version);

	slv_assert(theirs.names_count == head->fields.count);
	slv_assert(theirs.values_count == head->fields.count);
	for (size_t i = 0; i < head->fields.count; i++) {
		slv_str value = slv_str_trim(theirs.values[i]);
		slv_assert(slv_str_eq(theirs.names[i], head->fields.at[i].name));
		slv_assert(slv_str_eq(value, head->fields.at[i].value));
	}
	slv_assert(!!(parser.flags & F_CHUNKED) == head->framing.chunked);
	if (!head->framing.chunked)
		slv_assert(parser.content_length == head->framing.length);
	if (head->version == 11 && !parser.upgrade && !connection_has_tab(&theirs))
		slv_assert(llhttp_should_keep_alive(&parser) == head->keep_alive);
}

/* As `compare`, with a method that llhttp knows. */
static void compare_as_get(slv_str bytes, const struct slv_h1_head *head)
{
	size_t begin = (size_t)(head->method_name.at - bytes.at) + head->method_name.len;
	slv_str rest = slv_str_from_index(bytes, begin);
	char *copy = slv_alloc(rest.len + 3);
	memcpy(copy, "GET", 3);
	memcpy(copy + 3, rest.at, rest.len);
	compare((slv_str){ copy, rest.len + 3 }, head);
	slv_free(copy);
}

/* The same bytes in three pieces; the outcome must not depend on it. */
static void parse_split(slv_str bytes, slv_err whole, size_t whole_used)
{
	struct slv_arena arena;
	slv_arena_init(&arena, 4096, 65536);
	struct slv_h1_parser parser = { 0 };
	struct slv_h1_head head;
	slv_err err = SLV_OK;
	size_t used = 0;
	for (size_t third = 1; third <= 3 && !used && !slv_failed(err); third++)
		err = slv_h1_parse(&parser, &arena, slv_str_head(bytes, bytes.len * third / 3),
				&SLV_H1_LIMITS_DEFAULT, &head, &used);
	slv_assert(slv_failed(err) == slv_failed(whole));
	slv_assert(slv_failed(err) || used == whole_used);
	slv_arena_done(&arena);
}

static void check_head(slv_str bytes, const struct slv_h1_head *head, size_t used)
{
	slv_assert(used <= bytes.len && used >= sizeof("A / HTTP/1.0\r\n\r\n") - 1);
	slv_assert(!head->framing.chunked || head->framing.length == 0);
	slv_assert(head->version == 10 || head->host.len);
	bytes = slv_str_head(bytes, used);
	if (knows_method(head->method_name))
		compare(bytes, head);
	else
		compare_as_get(bytes, head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	slv_str bytes = { (const char *)data, size };
	struct slv_arena arena;
	slv_arena_init(&arena, 4096, 65536);
	struct slv_h1_parser parser = { 0 };
	struct slv_h1_head head;
	size_t used = 0;
	slv_err err = slv_h1_parse(&parser, &arena, bytes, &SLV_H1_LIMITS_DEFAULT, &head, &used);
	if (!slv_failed(err) && used)
		check_head(bytes, &head, used);
	parse_split(bytes, err, used);
	slv_arena_done(&arena);
	(void)slv_h1_is_h2_preface(bytes); /* must only not read too far */
	return 0;
}
