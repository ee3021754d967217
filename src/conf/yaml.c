/* From text to nodes, over libyaml's events rather than its tree: so every limit holds before
 * memory is spent, and nothing of the library outlives this file.
 *
 * What is read is YAML 1.2 but for what is listed here. Refused, though 1.2 has it:
 *  - anchors, aliases, tags, a second document, "..." without a document before it, keys that are
 *    no text; directives but one %YAML 1.1 or 1.2; a line that begins with %TAG, wherever it is
 *  - the characters U+0085, U+2028 and U+2029 (the library is of 1.1, where they end a line),
 *    U+007F, and U+FEFF but at the start
 *  - in [ ] and { }: a text that begins with ':' or '?'; a ':' directly before one of ,[]{}, but
 *    behind quotes; a line that begins with the ':' of the key above
 *  - a tab where a line begins though nothing or a comment follows, or behind the '-' of a list,
 *    '?', or the ':' that belongs to one
 * Taken, though 1.2 has it not:
 *  - lines in [ ] and { } that are no deeper than what is around them
 *  - a tab in place of a blank before the second and further lines of a text in quotes
 *  - a '-' that is all of a text in [ ] or { }
 * What 1.1 guesses of types does not matter: every value is a text until a row says more. */
#include "base/assert.h"
#include "base/mem.h"
#include "conf/read.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* A collection whose end has not come. Children are linked until they are counted. */
struct link {
	struct slv_conf_node node;
	struct link *next;
};

struct level {
	struct slv_conf_node node;
	bool in_brackets;
	struct link *first, *last;
	size_t count;
};

struct build {
	struct slv_conf_read *read;
	struct slv_conf_strict strict;
	struct level levels[SLV_CONF_DEPTH_MAX];
	size_t depth, nodes, documents;
	bool over; /* "..." was read, which ends a document */
	struct slv_conf_node *root;
	uint32_t line, column; /* of the last event that had a place */
};

/* The length of the UTF-8 sequence at `at`, 0 if there is none (RFC 3629). */
static size_t char_len(const uint8_t *at, size_t left)
{
	static const struct {
		uint8_t first, last, second_min, second_max, len;
	} forms[] = {
		{ 0x00, 0x7f, 0x00, 0xff, 1 },
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t form = 0;
	while (form < SLV_COUNT(forms) && (at[0] < forms[form].first || at[0] > forms[form].last))
		form++;
	if (form == SLV_COUNT(forms) || forms[form].len > left)
		return 0;
	size_t len = forms[form].len;
	if (len > 1 && (at[1] < forms[form].second_min || at[1] > forms[form].second_max))
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

static uint32_t char_value(const uint8_t *at, size_t len)
{
	static const uint8_t first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t value = at[0] & first_bits[len];
	for (size_t i = 1; i < len; i++)
		value = value << 6 | (at[i] & 0x3f);
	return value;
}

/* What YAML takes for no text, and what 1.1 but not 1.2 takes for the end of a line: nobody sees
 * these characters, and the line numbers of a text that has them are not those of an editor. */
static bool char_is_clean(uint32_t value)
{
	return (value >= 0x20 && value < 0x7f) || value == '\t' || value == '\r' || value == '\n' ||
	       (value >= 0xa0 && value != 0x2028 && value != 0x2029 && value != 0xfeff &&
			       value != 0xfffe && value != 0xffff);
}

/* Tags are refused, so what declares them has no use; and the library's time for declarations
 * grows with the square of their number. */
static bool declares_tag(slv_str line)
{
	return slv_str_starts(line, SLV_STR("%TAG"));
}

static bool text_is_clean(struct slv_conf_read *read, slv_str text)
{
	uint32_t line = 1, column = 1;
	const uint8_t *at = (const uint8_t *)text.at, *end = at + text.len;
	for (size_t len; at < end; at += len) {
		len = char_len(at, (size_t)(end - at));
		if (len == 0)
			return slv_conf_fail_at(read, line, column,
					"the byte 0x%02x is not UTF-8, which the file must be",
					*at);
		if (column == 1 && declares_tag((slv_str){ (const char *)at, (size_t)(end - at) }))
			return slv_conf_fail_at(read, line, column,
					"tags (%%TAG) are not allowed; remove the line");
		uint32_t value = char_value(at, len);
		if (value == 0 || value == 0xfeff)
			return slv_conf_fail_at(read, line, column,
					"the character U+%04X is not allowed; remove it", value);
		if (!char_is_clean(value) && value <= 0xff)
			return slv_conf_fail_at(read, line, column,
					"the control character 0x%02x is not allowed; "
					"write \"\\x%02x\" in double quotes",
					value, value);
		if (!char_is_clean(value))
			return slv_conf_fail_at(read, line, column,
					"the character U+%04X is not allowed; "
					"write \"\\u%04x\" in double quotes",
					value, value);
		column++;
		if (value == '\n' || (value == '\r' && (at + 1 == end || at[1] != '\n'))) {
			line++;
			column = 1;
		}
	}
	return true;
}

static bool limit_at_event(struct build *build, const char *what, unsigned max)
{
	build->read->limited = true;
	return slv_conf_fail_at(build->read, build->line, build->column,
			"%s, at most %u are allowed", what, max);
}

static int pair_cmp(const void *a, const void *b)
{
	const struct slv_conf_node *left = *(const struct slv_conf_node *const *)a;
	const struct slv_conf_node *right = *(const struct slv_conf_node *const *)b;
	int order = slv_str_cmp(left->text, right->text);
	return order ? order : (left > right) - (left < right);
}

/* Sorted, equal keys are neighbours, the earlier one first. */
static void note_doubles(struct slv_conf_read *read, const struct slv_conf_node *map)
{
	size_t count = map->count / 2;
	const struct slv_conf_node **keys = slv_alloc((count + 1) * sizeof(*keys));
	for (size_t i = 0; i < count; i++)
		keys[i] = &map->items[2 * i];
	if (count > 1)
		qsort(keys, count, sizeof(*keys), pair_cmp);
	for (size_t i = 1; i < count && !slv_conf_is_over(read); i++) {
		char name[SLV_CONF_SHORT_BYTES];
		if (slv_str_eq(keys[i - 1]->text, keys[i]->text))
			slv_conf_fail_at(read, keys[i]->line, keys[i]->column,
					"'%s' is given twice, first at line %u; remove one",
					slv_conf_short(keys[i]->text, name), keys[i - 1]->line);
	}
	slv_free(keys);
}

/* Put a finished node where it belongs. */
static bool add_node(struct build *build, const struct slv_conf_node *node)
{
	bool is_root = build->depth == 0;
	void *taken = slv_conf_take(build->read, is_root ? sizeof(*node) : sizeof(struct link));
	if (!taken)
		return false;
	if (is_root) {
		build->root = taken;
		*build->root = *node;
		for (size_t i = 0; i < node->count; i++)
			build->root->items[i].parent = build->root;
		return true;
	}

	struct level *level = &build->levels[build->depth - 1];
	if (level->node.kind == SLV_CONF_IS_MAP && level->count % 2 == 0 &&
			node->kind != SLV_CONF_IS_TEXT)
		return slv_conf_fail_at(
				build->read, node->line, node->column, "a key must be a text");
	struct link *link = taken;
	link->node = *node;
	if (level->last)
		level->last->next = link;
	else
		level->first = link;
	level->last = link;
	level->count++;
	return true;
}

static bool open_level(struct build *build, enum slv_conf_kind kind, bool in_brackets)
{
	if (build->depth == SLV_CONF_DEPTH_MAX)
		return limit_at_event(build, "too many levels in one another", SLV_CONF_DEPTH_MAX);
	build->levels[build->depth++] = (struct level){
		.node = { .kind = kind, .line = build->line, .column = build->column },
		.in_brackets = in_brackets,
	};
	return true;
}

/* The children move from their links into one array, for access by index; and theirs learn
 * the new address of their parent. */
static bool close_level(struct build *build)
{
	slv_assert(build->depth > 0);
	struct level *level = &build->levels[build->depth - 1];
	struct slv_conf_node *node = &level->node;
	node->items = slv_conf_take(build->read, level->count * sizeof(*node));
	if (!node->items)
		return false;
	for (struct link *link = level->first; link; link = link->next) {
		struct slv_conf_node *item = &node->items[node->count++];
		*item = link->node;
		for (size_t i = 0; i < item->count; i++)
			item->items[i].parent = item;
	}
	if (node->kind == SLV_CONF_IS_MAP)
		note_doubles(build->read, node);
	build->depth--;
	return add_node(build, node);
}

static bool is_null(slv_str text, yaml_scalar_style_t style)
{
	return style == YAML_PLAIN_SCALAR_STYLE &&
	       (text.len == 0 || slv_str_eq(text, SLV_STR("~")) ||
			       slv_str_eq(text, SLV_STR("null")));
}

static bool add_scalar(struct build *build, const yaml_event_t *event, bool is_written)
{
	struct slv_conf_node node = { .line = build->line, .column = build->column };
	struct level *level = build->depth ? &build->levels[build->depth - 1] : NULL;
	bool is_key = level && level->node.kind == SLV_CONF_IS_MAP && level->count % 2 == 0;
	slv_str text = { (const char *)event->data.scalar.value, event->data.scalar.length };
	if (!is_written || (is_null(text, event->data.scalar.style) && !is_key))
		return add_node(build, &node);

	node.kind = SLV_CONF_IS_TEXT;
	node.text = slv_str_copy(build->read->arena, text);
	if (!node.text.at)
		return slv_conf_spent(build->read);
	return add_node(build, &node);
}

/* The column of the innermost level that is not in brackets, 0 if there is none. */
static uint32_t column_around(const struct build *build)
{
	size_t depth = build->depth;
	while (depth && build->levels[depth - 1].in_brackets)
		depth--;
	return depth ? build->levels[depth - 1].node.column : 0;
}

/* What would make one value stand for many, or be of a type that the settings do not have. The
 * event begins where the first of these stands. */
static bool is_plain(struct build *build, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor && tag)
		return slv_conf_fail_at(build->read, build->line, build->column,
				"anchors (&name) and tags (!name) are not allowed; remove both");
	if (anchor)
		return slv_conf_fail_at(build->read, build->line, build->column,
				"anchors (&name) are not allowed; remove it");
	if (tag)
		return slv_conf_fail_at(build->read, build->line, build->column,
				"tags (!name) are not allowed; remove it");
	return true;
}

static bool begin_node(struct build *build)
{
	if (++build->nodes > SLV_CONF_NODES_MAX)
		return limit_at_event(build, "too many values and keys", SLV_CONF_NODES_MAX);
	return true;
}

static bool second_document(struct build *build, const yaml_mark_t *mark)
{
	return slv_conf_fail_at(build->read, (uint32_t)mark->line + 1, (uint32_t)mark->column + 1,
			"a second document begins; one file holds one");
}

static bool take_event(struct build *build, const yaml_event_t *event)
{
	/* A value that is not there has the place of its key, which one can see; an item has its
	 * own, behind the '-'. */
	bool is_written = event->type != YAML_SCALAR_EVENT ||
	                  event->start_mark.index < event->end_mark.index;
	bool is_item = build->depth &&
	               build->levels[build->depth - 1].node.kind == SLV_CONF_IS_LIST;
	if (is_written || is_item) {
		build->line = (uint32_t)event->start_mark.line + 1;
		build->column = (uint32_t)event->start_mark.column + 1;
	}
	switch (event->type) {
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
		return true;
	case YAML_DOCUMENT_END_EVENT:
		build->over = !event->data.document_end.implicit;
		return true;
	case YAML_DOCUMENT_START_EVENT:
		return ++build->documents == 1 || second_document(build, &event->start_mark);
	case YAML_ALIAS_EVENT:
		return slv_conf_fail_at(build->read, build->line, build->column,
				"aliases (*name) are not allowed; write the value itself");
	case YAML_SCALAR_EVENT:
		return is_plain(build, event->data.scalar.anchor, event->data.scalar.tag) &&
		       begin_node(build) && add_scalar(build, event, is_written);
	case YAML_SEQUENCE_START_EVENT:
		return is_plain(build, event->data.sequence_start.anchor,
				       event->data.sequence_start.tag) &&
		       begin_node(build) &&
		       open_level(build, SLV_CONF_IS_LIST,
				       event->data.sequence_start.style ==
						       YAML_FLOW_SEQUENCE_STYLE);
	case YAML_MAPPING_START_EVENT:
		return is_plain(build, event->data.mapping_start.anchor,
				       event->data.mapping_start.tag) &&
		       begin_node(build) &&
		       open_level(build, SLV_CONF_IS_MAP,
				       event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_level(build);
	}
	return true;
}

static bool run_parser(struct build *build, slv_str text)
{
	yaml_parser_t parser;
	slv_assert(yaml_parser_initialize(&parser)); /* else the kernel has no memory */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.at, text.len);

	bool good = true, ended = false;
	while (good && !ended) {
		yaml_event_t event;
		if (!yaml_parser_parse(&parser, &event)) {
			good = build->over ? second_document(build, &parser.problem_mark)
			                   : slv_conf_not_yaml(build->read, text, &parser);
			break;
		}
		good = take_event(build, &event) && slv_conf_is_strict(build->read, &build->strict,
								    &event, column_around(build));
		ended = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return good;
}

struct slv_conf_node *slv_conf_nodes(struct slv_conf_read *read, slv_str text)
{
	if (text.len > SLV_CONF_TEXT_BYTES_MAX) {
		read->limited = true;
		slv_conf_fail_at(read, 1, 1, "the file is larger than 1 MiB; make it smaller");
		return NULL;
	}
	if (slv_str_starts(text, SLV_STR("\xef\xbb\xbf")))
		text = slv_str_from_index(text, 3); /* a byte order mark, which has no column */
	if (!text_is_clean(read, text))
		return NULL;

	struct build build = { .read = read, .line = 1, .column = 1 };
	build.strict = (struct slv_conf_strict){ .text = text, .line = 1, .column = 1 };
	bool good = text.len == 0 || run_parser(&build, text);
	if (good && !build.root) {
		struct slv_conf_node nothing = { .line = 1, .column = 1 };
		good = add_node(&build, &nothing);
	}
	return good ? build.root : NULL;
}
