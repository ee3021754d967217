/* From text to nodes, over libfyaml's events rather than its tree: so every limit holds
 * before memory is spent, and nothing of the library outlives this file.
 *
 * What the library lets pass is refused before it sees the text: bytes that are no UTF-8 (it
 * takes them for the end of a value) and long runs of blank lines (in a scalar its time grows
 * with their square). */
#include "base/assert.h"
#include "base/mem.h"
#include "conf/read.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

/* A collection whose end has not come. Children are linked until they are counted. */
struct link {
	struct slv_conf_node node;
	struct link *next;
};

struct level {
	struct slv_conf_node node;
	struct link *first, *last;
	size_t count;
};

struct build {
	struct slv_conf_read *read;
	struct level levels[SLV_CONF_DEPTH_MAX];
	size_t depth, nodes, documents;
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

static bool text_is_clean(struct slv_conf_read *read, slv_str text)
{
	uint32_t line = 1, column = 1;
	size_t blank = 1;
	const uint8_t *at = (const uint8_t *)text.at, *end = at + text.len;
	for (size_t len; at < end; at += len) {
		len = char_len(at, (size_t)(end - at));
		if (len == 0)
			return slv_conf_fail_at(read, line, column,
					"the byte 0x%02x is not UTF-8, which the file must be",
					*at);
		bool end_of_line = *at == '\n' || (*at == '\r' && (at + 1 == end || at[1] != '\n'));
		if ((*at < 0x20 && !strchr("\t\r\n", *at)) || *at == '\0' || *at == 0x7f)
			return slv_conf_fail_at(read, line, column,
					"the control character 0x%02x is not allowed; "
					"write \"\\x%02x\" in double quotes",
					*at, *at);
		if (*at != ' ' && *at != '\t' && *at != '\r' && *at != '\n')
			blank = 0;
		column++;
		if (!end_of_line)
			continue;
		line++;
		column = 1;
		/* The first end of line ends a line that has something on it. */
		if (++blank > SLV_CONF_BLANK_LINES_MAX + 1) {
			read->limited = true;
			return slv_conf_fail_at(read, line - 1, 1,
					"more than %u blank lines in a row; remove some",
					SLV_CONF_BLANK_LINES_MAX);
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

static bool open_level(struct build *build, enum slv_conf_kind kind)
{
	if (build->depth == SLV_CONF_DEPTH_MAX)
		return limit_at_event(build, "too many levels in one another", SLV_CONF_DEPTH_MAX);
	build->levels[build->depth++] = (struct level){
		.node = { .kind = kind, .line = build->line, .column = build->column },
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

static bool is_null(slv_str text, enum fy_node_style style)
{
	return style != FYNS_SINGLE_QUOTED && style != FYNS_DOUBLE_QUOTED &&
	       style != FYNS_LITERAL && style != FYNS_FOLDED &&
	       (text.len == 0 || slv_str_eq(text, SLV_STR("~")) ||
			       slv_str_eq(text, SLV_STR("null")));
}

static bool add_scalar(struct build *build, struct fy_event *event)
{
	struct slv_conf_node node = { .line = build->line, .column = build->column };
	struct level *level = build->depth ? &build->levels[build->depth - 1] : NULL;
	bool is_key = level && level->node.kind == SLV_CONF_IS_MAP && level->count % 2 == 0;
	slv_str text = { 0 };
	if (event->scalar.value)
		text.at = fy_token_get_text(event->scalar.value, &text.len);
	if (!event->scalar.value || (is_null(text, fy_event_get_node_style(event)) && !is_key))
		return add_node(build, &node);

	node.kind = SLV_CONF_IS_TEXT;
	node.text = slv_str_copy(build->read->arena, text);
	if (!node.text.at)
		return slv_conf_spent(build->read);
	return add_node(build, &node);
}

/* `ahead` is 1 where the library marks what is behind an indicator: a quote, '*' or '&'. */
static void move_to(struct build *build, const struct fy_mark *mark, uint32_t ahead)
{
	if (!mark)
		return;
	build->line = (uint32_t)mark->line + 1;
	build->column = (uint32_t)mark->column + 1;
	if (build->column > ahead)
		build->column -= ahead;
}

static uint32_t indicator_len(struct fy_event *event)
{
	enum fy_node_style style = fy_event_get_node_style(event);
	return event->type == FYET_ALIAS ||
	       (event->type == FYET_SCALAR &&
			       (style == FYNS_SINGLE_QUOTED || style == FYNS_DOUBLE_QUOTED));
}

/* What would make one value stand for many, or be of a type that the settings do not have. */
static bool event_is_plain(struct build *build, struct fy_event *event)
{
	struct fy_token *anchor = fy_event_get_anchor_token(event);
	struct fy_token *tag = fy_event_get_tag_token(event);
	if (event->type == FYET_ALIAS)
		return slv_conf_fail_at(build->read, build->line, build->column,
				"aliases (*name) are not allowed; write the value itself");
	if (anchor) {
		move_to(build, fy_token_start_mark(anchor), 1);
		return slv_conf_fail_at(build->read, build->line, build->column,
				"anchors (&name) are not allowed; remove it");
	}
	if (tag) {
		move_to(build, fy_token_start_mark(tag), 0);
		return slv_conf_fail_at(build->read, build->line, build->column,
				"tags (!name) are not allowed; remove it");
	}
	return true;
}

static bool take_event(struct build *build, struct fy_event *event)
{
	move_to(build, fy_event_start_mark(event), indicator_len(event));
	switch (event->type) {
	case FYET_NONE:
	case FYET_STREAM_START:
	case FYET_STREAM_END:
	case FYET_DOCUMENT_END:
		return true;
	case FYET_DOCUMENT_START:
		if (event->document_start.document_start)
			move_to(build, fy_token_start_mark(event->document_start.document_start),
					0);
		build->documents++;
		return true;
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		return close_level(build);
	case FYET_ALIAS:
	case FYET_SCALAR:
	case FYET_MAPPING_START:
	case FYET_SEQUENCE_START:
		break;
	}
	if (build->documents > 1)
		return slv_conf_fail_at(build->read, build->line, build->column,
				"a second document begins; one file holds one");
	if (!event_is_plain(build, event))
		return false;
	if (++build->nodes > SLV_CONF_NODES_MAX)
		return limit_at_event(build, "too many values and keys", SLV_CONF_NODES_MAX);
	if (event->type == FYET_SCALAR)
		return add_scalar(build, event);
	return open_level(build,
			event->type == FYET_MAPPING_START ? SLV_CONF_IS_MAP : SLV_CONF_IS_LIST);
}

/* What the library prints when it has no place for it to collect; the first is kept. */
static void keep_print(struct fy_diag *diag, void *user, const char *text, size_t len)
{
	(void)diag;
	struct slv_buf *buf = user;
	slv_str line = { text, len };
	if (slv_str_starts(line, SLV_STR("[ERR]: ")))
		line = slv_str_from_index(line, 7);
	if (buf->len == 0)
		slv_buf_add(buf, slv_str_head(line, slv_str_find(line, '\n')));
}

static void note_syntax(struct build *build, struct fy_diag *diag, slv_str print)
{
	void *next = NULL;
	struct fy_diag_error *error = fy_diag_errors_iterate(diag, &next);
	if (error && error->msg && error->line > 0 && error->column > 0)
		slv_conf_fail_at(build->read, (uint32_t)error->line, (uint32_t)error->column,
				"not YAML: %s", error->msg);
	else
		slv_conf_fail_at(build->read, build->line, build->column, "not YAML: %.*s",
				SLV_FMT(print));
}

static bool run_parser(struct build *build, slv_str text)
{
	struct slv_buf print;
	slv_buf_init(&print, SLV_CONF_MISTAKE_BYTES_MAX);
	struct fy_diag_cfg diag_cfg;
	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = NULL;
	diag_cfg.output_fn = keep_print;
	diag_cfg.user = &print;
	diag_cfg.colorize = false;
	struct fy_diag *diag = fy_diag_create(&diag_cfg);
	slv_assert(diag);
	fy_diag_set_collect_errors(diag, true);
	struct fy_parse_cfg cfg = {
		.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE,
		.diag = diag,
	};
	struct fy_parser *parser = fy_parser_create(&cfg);
	slv_assert(parser);

	bool good = fy_parser_set_string(parser, text.at, text.len) == 0;
	struct fy_event *event;
	while (good && (event = fy_parser_parse(parser))) {
		good = take_event(build, event);
		fy_parser_event_free(parser, event);
	}
	if (good && fy_parser_get_stream_error(parser)) {
		note_syntax(build, diag, slv_buf_str(&print));
		good = false;
	}
	fy_parser_destroy(parser);
	fy_diag_destroy(diag);
	slv_buf_done(&print);
	return good;
}

struct slv_conf_node *slv_conf_nodes(struct slv_conf_read *read, slv_str text)
{
	if (text.len > SLV_CONF_TEXT_BYTES_MAX) {
		read->limited = true;
		slv_conf_fail_at(read, 1, 1, "the file is larger than 1 MiB; make it smaller");
		return NULL;
	}
	if (!text_is_clean(read, text))
		return NULL;

	struct build build = { .read = read, .line = 1, .column = 1 };
	bool good = text.len == 0 || run_parser(&build, text);
	if (good && !build.root) {
		struct slv_conf_node nothing = { .line = 1, .column = 1 };
		good = add_node(&build, &nothing);
	}
	return good ? build.root : NULL;
}
