/* The rows walk the nodes: sections, lists and maps, and the defaults of what is not there. */
#include "base/assert.h"
#include "conf/read.h"

#include <string.h>

bool slv_conf_is_map(const struct slv_conf_node *node)
{
	return node->kind == SLV_CONF_IS_MAP;
}

/* "sites is a text" and what is needed instead. */
static bool wrong_kind(struct slv_conf_read *read, struct slv_conf_node *node, const char *needed)
{
	static const char *const kinds[] = { "has no value", "is a text", "is a list",
		"is a mapping" };
	struct slv_buf label;
	slv_buf_init(&label, SLV_CONF_MISTAKE_BYTES_MAX);
	slv_conf_label(read, node, &label);
	bool colon = node->kind == SLV_CONF_IS_TEXT &&
	             slv_str_find(node->text, ':') < node->text.len;
	slv_conf_fail(read, node, "%.*s %s, %s is needed%s", SLV_FMT(slv_buf_str(&label)),
			kinds[node->kind], needed, colon ? "; write a blank behind the ':'" : "");
	slv_buf_done(&label);
	return false;
}

bool slv_conf_text(struct slv_conf_read *read, struct slv_conf_node *node, slv_str *ret_text)
{
	if (node->kind != SLV_CONF_IS_TEXT)
		return wrong_kind(read, node, "a text");
	*ret_text = node->text;
	return true;
}

bool slv_conf_pair(struct slv_conf_read *read, struct slv_conf_node *map, size_t index,
		slv_str *ret_key, struct slv_conf_node **ret_key_node,
		struct slv_conf_node **ret_value)
{
	(void)read;
	if (map->kind != SLV_CONF_IS_MAP || index >= map->count / 2)
		return false;
	*ret_key_node = &map->items[2 * index];
	*ret_value = &map->items[2 * index + 1];
	*ret_key = (*ret_key_node)->text;
	return true;
}

bool slv_conf_count(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, size_t count, const char *unit)
{
	const char *plural = count == 1 ? "" : "s";
	const char *name = *key->name ? key->name : "this key";
	if (slv_conf_has_min(key) && (double)count < key->min)
		return slv_conf_fail(read, node, "%s has %zu %s%s, at least %.0f %s needed", name,
				count, unit, plural, key->min, key->min > 1 ? "are" : "is");
	if (slv_conf_has_max(key) && (double)count > key->max)
		return slv_conf_fail(read, node, "%s has %zu %s%s, at most %.0f %s allowed", name,
				count, unit, plural, key->max, key->max > 1 ? "are" : "is");
	return true;
}

static bool list_read(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, struct slv_conf_list *ret_list)
{
	if (node->kind != SLV_CONF_IS_LIST && node->kind != SLV_CONF_IS_NULL)
		return slv_conf_wrong(read, node, key);
	if (!slv_conf_count(read, node, key, node->count, "item"))
		return false;
	bool texts = key->type == SLV_CONF_TEXTS;
	size_t size = texts ? sizeof(slv_str) : key->size;
	slv_assert(size > 0);
	struct slv_conf_list list = { .count = node->count };
	list.at = slv_arena_take(read->arena, node->count, size, alignof(max_align_t));
	if (!list.at)
		return slv_conf_spent(read);

	bool good = true;
	for (size_t i = 0; i < list.count && !slv_conf_is_over(read); i++) {
		void *at = (char *)list.at + i * size;
		if (texts)
			good &= slv_conf_text(read, &node->items[i], at);
		else
			good &= slv_conf_section(read, &node->items[i], key->keys, at);
	}
	if (good)
		*ret_list = list;
	return good;
}

static bool map_read(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, struct slv_conf_list *ret_list)
{
	if (node->kind != SLV_CONF_IS_MAP && node->kind != SLV_CONF_IS_NULL)
		return slv_conf_wrong(read, node, key);
	struct slv_conf_list list = { .count = node->count / 2 };
	if (!slv_conf_count(read, node, key, list.count, "item"))
		return false;
	slv_assert(key->size > 0 && key->keys && *key->keys[0].name == '\0');
	list.at = slv_arena_take(read->arena, list.count, key->size, alignof(max_align_t));
	if (!list.at)
		return slv_conf_spent(read);

	bool good = true;
	for (size_t i = 0; i < list.count && !slv_conf_is_over(read); i++) {
		void *at = (char *)list.at + i * key->size;
		good &= slv_conf_value(read, &node->items[2 * i], &key->keys[0], at);
		good &= slv_conf_section(read, &node->items[2 * i + 1], key->keys + 1, at);
	}
	if (good)
		*ret_list = list;
	return good;
}

static bool option_read(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, void **ret_option)
{
	slv_assert(key->size > 0);
	void *option = slv_conf_take(read, key->size);
	if (!option || !slv_conf_section(read, node, key->keys, option))
		return false;
	*ret_option = option;
	return true;
}

bool slv_conf_value(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, void *base)
{
	void *at = (char *)base + key->offset;
	if (!read->at) {
		read->line = node->line;
		read->column = node->column;
	}
	switch (key->type) {
	case SLV_CONF_SECTION:
		return slv_conf_section(read, node, key->keys, at);
	case SLV_CONF_OPTION:
		return option_read(read, node, key, at);
	case SLV_CONF_LIST:
	case SLV_CONF_TEXTS:
		return list_read(read, node, key, at);
	case SLV_CONF_MAP:
		return map_read(read, node, key, at);
	case SLV_CONF_CUSTOM:
		return key->read(read, node, at);
	default:
		return slv_conf_scalar(read, node, key, at);
	}
}

static bool is_text_type(enum slv_conf_type type)
{
	return type == SLV_CONF_TEXT || type == SLV_CONF_PATH || type == SLV_CONF_SECRET;
}

/* The node of a default, made once for all rows that have the same text. */
static struct slv_conf_node *fallback_node(
		struct slv_conf_read *read, const struct slv_conf_key *key)
{
	slv_str text = slv_str_from(key->fallback);
	if (text.len == 0 && is_text_type(key->type))
		text = SLV_STR("\"\"");
	struct slv_conf_node *node = slv_map_get(&read->fallbacks, text);
	if (!node) {
		node = slv_conf_nodes(read, text);
		if (node && text.len)
			slv_map_put(&read->fallbacks, text, node);
	}
	return node;
}

static bool fallback_read(struct slv_conf_read *read, struct slv_conf_node *section,
		const struct slv_conf_key *key, void *base)
{
	const struct slv_conf_key *outer_key = read->fallback;
	const struct slv_conf_node *outer_at = read->at;
	read->fallback = key;
	if (!read->at)
		read->at = section;
	struct slv_conf_node *node = fallback_node(read, key);
	bool good = node && slv_conf_value(read, node, key, base);
	read->fallback = outer_key;
	read->at = outer_at;
	return good;
}

/* "tls.client." for a section in one that is not there either. */
static void absent_path(const struct slv_conf_node *node, struct slv_buf *buf)
{
	if (!node || !node->absent)
		return;
	absent_path(node->parent, buf);
	slv_buf_printf(buf, "%s.", node->absent);
}

static bool absent_read(struct slv_conf_read *read, struct slv_conf_node *section,
		const struct slv_conf_key *key, void *base)
{
	if (key->fallback)
		return fallback_read(read, section, key, base);
	if (key->type == SLV_CONF_OPTION)
		return true; /* zeroes are its absence */
	struct slv_conf_node nothing = {
		.line = section->line,
		.column = section->column,
		.parent = section,
		.absent = key->name,
	};
	if (key->type == SLV_CONF_SECTION || key->type == SLV_CONF_LIST ||
			key->type == SLV_CONF_TEXTS || key->type == SLV_CONF_MAP)
		return slv_conf_value(read, &nothing, key, base);

	struct slv_buf buf;
	slv_buf_init(&buf, SLV_CONF_MISTAKE_BYTES_MAX);
	slv_buf_add_char(&buf, '\'');
	absent_path(section, &buf);
	slv_buf_printf(&buf, "%s' is missing, ", key->name);
	slv_conf_needed_words(key, &buf);
	slv_conf_fail(read, section, "%.*s is needed", SLV_FMT(slv_buf_str(&buf)));
	slv_buf_done(&buf);
	return false;
}

static bool unknown(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *keys)
{
	char name[SLV_CONF_SHORT_BYTES];
	slv_conf_short(node->text, name);
	const struct slv_conf_key *near = slv_conf_nearest(keys, node->text);
	if (near)
		return slv_conf_fail(read, node, "unknown setting '%s'; did you mean '%s'?", name,
				near->name);
	struct slv_buf known;
	slv_buf_init(&known, SLV_CONF_MISTAKE_BYTES_MAX);
	for (const struct slv_conf_key *key = keys; key->type != SLV_CONF_END; key++)
		slv_buf_printf(&known, "%s%s", key == keys ? "; known are " : ", ", key->name);
	slv_conf_fail(read, node, "unknown setting '%s'%.*s", name, SLV_FMT(slv_buf_str(&known)));
	slv_buf_done(&known);
	return false;
}

static const struct slv_conf_key *find_key(const struct slv_conf_key *keys, slv_str name)
{
	for (; keys->type != SLV_CONF_END; keys++)
		if (slv_str_eq(slv_str_from(keys->name), name))
			return keys;
	return NULL;
}

static struct slv_conf_node *find_value(struct slv_conf_node *map, const char *name)
{
	for (size_t i = 0; i + 1 < map->count; i += 2)
		if (slv_str_eq(map->items[i].text, slv_str_from(name)))
			return &map->items[i + 1];
	return NULL;
}

bool slv_conf_section(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *keys, void *ret_struct)
{
	if (node->kind != SLV_CONF_IS_MAP && node->kind != SLV_CONF_IS_NULL)
		return wrong_kind(read, node, "a mapping");
	bool good = true;
	for (size_t i = 0; i < node->count && !slv_conf_is_over(read); i += 2)
		if (!find_key(keys, node->items[i].text))
			good = unknown(read, &node->items[i], keys);
	for (const struct slv_conf_key *key = keys;
			key->type != SLV_CONF_END && !slv_conf_is_over(read); key++) {
		struct slv_conf_node *value = find_value(node, key->name);
		good &= value ? slv_conf_value(read, value, key, ret_struct)
		              : absent_read(read, node, key, ret_struct);
	}
	return good && !slv_conf_is_over(read);
}
