/* Why a text is no YAML, told to somebody who wants to put it right. libyaml says what its grammar
 * missed ("did not find expected key"); the rows below say what is wrong and what to write. */
#include "base/assert.h"
#include "conf/read.h"

#include <string.h>
#include <yaml.h>

enum with {
	WITH_NOTHING,
	WITH_CHAR,  /* begins with the character at the place, as "'@' " */
	WITH_START, /* ends with where the thing begins, as " that begins at line 1, column 2" */
	WITH_TAB,   /* says where in the line no tab can be */
	WITH_DIRECTIVE, /* told at the last line that begins with '%' */
};

#define KEY_MAX 1024u /* characters between a key's begin and its ':' */

struct row {
	const char *problem, *context; /* as the library has them; NULL is any */
	const char *told;
	const char *stands; /* what the text has where the library stopped: "" is its end, ":" one
	                     * without a blank behind it; NULL is any */
	size_t column_min;  /* of that place, from 0 */
	enum with with;
	bool at_context; /* told where the thing begins, else where the library stopped */
};

static const char colon_told[] = "a blank is needed behind this ':', or quotes around the text "
				 "that holds it";
static const char long_told[] = "a key has at most 1024 characters; put a text that holds ':' in "
				"quotes";
static const char anchor_told[] = "'&' and '*' cannot begin a text; put the text in quotes";
static const char tag_told[] = "tags (!name) are not allowed; remove it, or put a text in quotes";
static const char hex_told[] = "this escape is no character; write \\x, \\u or \\U and 2, 4 or 8 "
			       "hexadecimal digits";

/* The first row that fits is taken. */
static const struct row rows[] = {
	{ "found unexpected ':'", NULL, .told = colon_told },
	{ "did not find expected ',' or ']'", NULL, .stands = ":", .told = colon_told },
	{ "did not find expected ',' or '}'", NULL, .stands = ": ", .column_min = KEY_MAX,
			.told = long_told },
	{ "did not find expected ',' or '}'", NULL, .stands = ":", .told = colon_told },
	{ "did not find expected '-' indicator", NULL, .stands = ":", .told = colon_told },
	{ "did not find expected key", NULL, .stands = ":", .told = colon_told },
	{ "did not find expected <document start>", NULL, .stands = ":", .told = colon_told },
	{ "did not find expected <document start>", NULL, .stands = "",
			.told = "nothing follows this line; remove it", .with = WITH_DIRECTIVE },
	{ "did not find expected node content", NULL, .stands = "...",
			.told = "nothing is before '...'; remove this line" },
	{ "found unexpected end of stream", "while scanning a quoted scalar",
			.told = "this quote is not closed; write it again where the text ends",
			.at_context = true },
	{ "found unexpected document indicator", NULL,
			.told = "this quote is not closed before the next document; write it again "
				"where "
				"the text ends",
			.at_context = true },
	{ "found unknown escape character", NULL,
			.told = "this escape is unknown; write \\\\ for a backslash, or use single "
				"quotes" },
	{ "did not find expected hexdecimal number", NULL, .told = hex_told },
	{ "found invalid Unicode character escape code", NULL, .told = hex_told },
	{ "did not find expected ',' or ']'", NULL, .told = "',' or ']' is missing in the list",
			.with = WITH_START },
	{ "did not find expected ',' or '}'", NULL, .told = "',' or '}' is missing in the mapping",
			.with = WITH_START },
	{ "did not find expected '-' indicator", NULL,
			.told = "this belongs to nothing: '- ' is needed, in the column of the "
				"list",
			.with = WITH_START },
	{ "did not find expected key", NULL,
			.told = "this belongs to nothing: a key is needed, in the column of the "
				"mapping",
			.with = WITH_START },
	{ "could not find expected ':'", NULL, .column_min = KEY_MAX, .told = long_told,
			.at_context = true },
	{ "mapping values are not allowed in this context", NULL, .column_min = KEY_MAX,
			.told = long_told },
	{ "could not find expected ':'", NULL,
			.told = "': ' (with a blank) is missing behind this key, in its line and "
				"within 1024 characters",
			.at_context = true },
	{ "mapping values are not allowed in this context", NULL,
			.told = "no ':' can be here; put a text that holds one in quotes, and "
				"begin the "
				"keys of a mapping in one column" },
	{ "mapping keys are not allowed in this context", NULL,
			.told = "no '?' can be here; put a text that begins with one in quotes" },
	{ "block sequence entries are not allowed in this context", NULL,
			.told = "no list can begin here; begin it in a line of its own, or write "
				"it "
				"as [ a, b ]" },
	{ "found a tab character that violates indentation", NULL, .with = WITH_TAB },
	{ "found a tab character where an indentation space is expected", NULL, .with = WITH_TAB },
	{ "found character that cannot start any token", NULL,
			.told = "cannot begin a text; put the text in quotes", .with = WITH_CHAR },
	{ "did not find expected node content", NULL,
			.told = "cannot begin a value; put the whole text in quotes",
			.with = WITH_CHAR },
	{ "found an indentation indicator equal to 0", NULL,
			.told = "behind '|' or '>' a number from 1 to 9 is allowed" },
	{ NULL, "while scanning a block scalar",
			.told = "behind '|' or '>' the line must end; the text goes into the "
				"next" },
	{ NULL, "while scanning an anchor", .told = anchor_told, .at_context = true },
	{ NULL, "while scanning an alias", .told = anchor_told, .at_context = true },
	{ NULL, "while scanning a tag", .told = tag_told, .at_context = true },
	{ NULL, "while parsing a tag", .told = tag_told, .at_context = true },
	{ "found undefined tag handle", NULL, .told = tag_told },
	{ "found incompatible YAML document", NULL,
			.told = "this version of YAML is unknown; write 1.2 or remove the line" },
	{ "found duplicate %YAML directive", NULL, .told = "%YAML is given twice; remove one" },
	{ NULL, "while scanning a directive",
			.told = "this directive (%) is unknown; remove the line",
			.at_context = true },
	{ NULL, "while scanning a %YAML directive", .told = "%YAML needs a version, as %YAML 1.2",
			.at_context = true },
	{ "did not find expected <document start>", NULL,
			.told = "nothing can be here, for the value before it has ended (or "
				"'---' is missing behind lines that begin with '%')" },
};

/* The text from the `index`th character on. */
static slv_str text_from(slv_str text, size_t index)
{
	size_t from = 0;
	for (; from < text.len && index; index--)
		do
			from++;
		while (from < text.len && (text.at[from] & 0xc0) == 0x80);
	return slv_str_from_index(text, from);
}

static slv_str first_char(slv_str text)
{
	size_t len = 1;
	while (len < text.len && (text.at[len] & 0xc0) == 0x80)
		len++;
	return slv_str_head(text, len < text.len ? len : text.len);
}

static bool stands(const char *what, slv_str rest)
{
	if (!what[0])
		return rest.len == 0;
	if (strcmp(what, ":") == 0 && (rest.len < 2 || strchr(" \t\r\n", rest.at[1])))
		return false;
	return slv_str_starts(rest, slv_str_from(what));
}

static bool row_fits(const struct row *row, const yaml_parser_t *parser, slv_str rest)
{
	return (!row->problem || (parser->problem && !strcmp(row->problem, parser->problem))) &&
	       (!row->context || (parser->context && !strcmp(row->context, parser->context))) &&
	       (!row->stands || stands(row->stands, rest)) &&
	       parser->problem_mark.column >= row->column_min;
}

static const struct row *row_of(const yaml_parser_t *parser, slv_str rest)
{
	for (size_t i = 0; i < SLV_COUNT(rows); i++)
		if (row_fits(&rows[i], parser, rest))
			return &rows[i];
	return NULL;
}

static uint32_t directive_line(slv_str text)
{
	uint32_t line = 0, found = 1;
	while (text.at) {
		line++;
		if (slv_str_starts(slv_str_cut(&text, '\n'), SLV_STR("%")))
			found = line;
	}
	return found;
}

static bool fail_at_tab(struct slv_conf_read *read, slv_str before, uint32_t line, uint32_t column)
{
	size_t i = before.len;
	while (i && before.at[i - 1] == ' ')
		i--;
	bool begins = i == 0 || strchr("\r\n", before.at[i - 1]);
	return slv_conf_fail_at(read, line, column, "not YAML: no tab can be %s; use spaces",
			begins ? "where a line begins" : "before a key or value");
}

bool slv_conf_not_yaml(struct slv_conf_read *read, slv_str text, const struct yaml_parser_s *parser)
{
	slv_assert(parser->error != YAML_NO_ERROR && parser->error != YAML_MEMORY_ERROR);
	slv_str rest = text_from(text, parser->problem_mark.index);
	slv_str before = slv_str_head(text, text.len - rest.len);
	const struct row *row = row_of(parser, rest);
	const yaml_mark_t *start = &parser->context_mark;
	const yaml_mark_t *at = row && row->at_context ? start : &parser->problem_mark;
	uint32_t line = (uint32_t)at->line + 1, column = (uint32_t)at->column + 1;
	if (!row)
		return slv_conf_fail_at(read, line, column, SLV_CONF_UNTOLD "%s, %s",
				parser->problem ? parser->problem : "",
				parser->context ? parser->context : "");
	switch (row->with) {
	case WITH_START:
		return slv_conf_fail_at(read, line, column,
				"not YAML: %s that begins at line %zu, column %zu", row->told,
				start->line + 1, start->column + 1);
	case WITH_DIRECTIVE:
		return slv_conf_fail_at(read, directive_line(text), 1, "not YAML: %s", row->told);
	case WITH_NOTHING:
		return slv_conf_fail_at(read, line, column, "not YAML: %s", row->told);
	case WITH_TAB:
		return fail_at_tab(read, before, line, column);
	case WITH_CHAR:
		break;
	}
	slv_str found = first_char(rest);
	if (found.len == 0 || strchr("\r\n", found.at[0]))
		return slv_conf_fail_at(read, line, column, "not YAML: a value is missing here");
	if (found.at[0] == '\t')
		return fail_at_tab(read, before, line, column);
	return slv_conf_fail_at(
			read, line, column, "not YAML: '%.*s' %s", SLV_FMT(found), row->told);
}
