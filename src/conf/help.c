/* The rows as a reference, for terminals and as Markdown. */
#include "base/assert.h"
#include "conf/read.h"

#include <string.h>

#define TYPE_WIDTH_MAX 44
#define DEFAULT_WIDTH_MAX 28
#define CELL_BYTES_MAX SLV_KIB(4)
#define HELP_DEPTH_MAX 16u

static bool has_rows(const struct slv_conf_key *key)
{
	return key->keys &&
	       (key->type == SLV_CONF_SECTION || key->type == SLV_CONF_OPTION ||
			       key->type == SLV_CONF_LIST || key->type == SLV_CONF_MAP);
}

/* A MAP's first row is its key, which the type tells. */
static const struct slv_conf_key *rows_of(const struct slv_conf_key *key)
{
	return key->type == SLV_CONF_MAP ? key->keys + 1 : key->keys;
}

/* A default that is a secret itself is not told; one that says where it stands is. */
static slv_str default_words(const struct slv_conf_key *key)
{
	slv_str text = slv_str_from(key->fallback);
	bool listed = key->type == SLV_CONF_LIST || key->type == SLV_CONF_TEXTS ||
	              key->type == SLV_CONF_MAP;
	if (!key->fallback && key->type == SLV_CONF_SECTION)
		return SLV_STR("");
	if (!key->fallback && key->type == SLV_CONF_OPTION)
		return SLV_STR("none");
	if (!key->fallback && listed && key->min < 1)
		return SLV_STR("empty");
	if (!key->fallback)
		return SLV_STR("required");
	if (text.len == 0)
		return listed || key->type == SLV_CONF_SECTION ? SLV_STR("empty") : SLV_STR("\"\"");
	if (key->type == SLV_CONF_SECRET && !slv_str_eq(text, SLV_STR("\"\"")) &&
			!slv_str_eq(text, SLV_STR("''")) &&
			!slv_str_starts(text, SLV_STR("env:")) &&
			!slv_str_starts(text, SLV_STR("file:")))
		return SLV_STR("(secret)");
	return text;
}

static size_t type_width(const struct slv_conf_key *key, struct slv_buf *words)
{
	slv_buf_clear(words);
	slv_conf_type_words(key, words);
	return words->len;
}

static void widen(size_t *width, size_t len, size_t max)
{
	if (len > *width && len <= max)
		*width = len;
}

static void help_rows(const struct slv_conf_key *keys, struct slv_buf *buf, struct slv_buf *words,
		unsigned depth)
{
	slv_assert(depth < HELP_DEPTH_MAX);
	size_t names = 0, types = 0, defaults = 0;
	for (const struct slv_conf_key *key = keys; key->type != SLV_CONF_END; key++) {
		widen(&names, strlen(key->name), SIZE_MAX);
		widen(&types, type_width(key, words), TYPE_WIDTH_MAX);
		widen(&defaults, default_words(key).len, DEFAULT_WIDTH_MAX);
	}
	for (; keys->type != SLV_CONF_END; keys++) {
		slv_str value = default_words(keys);
		int type = (int)type_width(keys, words);
		int gap_type = (int)types > type ? (int)types - type : 0;
		int gap_value = defaults > value.len ? (int)(defaults - value.len) : 0;
		slv_buf_printf(buf, "%*s%-*s  %.*s%*s  %.*s%*s  %s\n", (int)depth * 2, "",
				(int)names, keys->name, SLV_FMT(slv_buf_str(words)), gap_type, "",
				SLV_FMT(value), gap_value, "", keys->help ? keys->help : "");
		if (has_rows(keys))
			help_rows(rows_of(keys), buf, words, depth + 1);
	}
}

void slv_conf_help(const struct slv_conf_key *keys, struct slv_buf *buf)
{
	struct slv_buf words;
	slv_buf_init(&words, CELL_BYTES_MAX);
	help_rows(keys, buf, &words, 0);
	slv_buf_done(&words);
}

/* A bar would end the cell, a '<' begin a tag unless the text is quoted as code. */
static void cell_add(struct slv_buf *buf, slv_str text, const char *around)
{
	if (text.len == 0)
		return;
	slv_buf_add(buf, slv_str_from(around));
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (c == '|')
			slv_buf_add(buf, SLV_STR("\\|"));
		else if (c == '<' && *around == '\0')
			slv_buf_add(buf, SLV_STR("&lt;"));
		else
			slv_buf_add_char(buf, c == '\n' ? ' ' : c);
	}
	slv_buf_add(buf, slv_str_from(around));
}

static void markdown_row(const struct slv_conf_key *key, struct slv_buf *buf, struct slv_buf *words)
{
	slv_str value = default_words(key);
	bool is_value = key->fallback && !slv_str_eq(value, SLV_STR("(secret)")) &&
	                !slv_str_eq(value, SLV_STR("empty"));
	type_width(key, words);
	slv_buf_add(buf, SLV_STR("| "));
	cell_add(buf, slv_str_from(key->name), "`");
	slv_buf_add(buf, SLV_STR(" | "));
	cell_add(buf, slv_buf_str(words), "");
	slv_buf_add(buf, SLV_STR(" | "));
	cell_add(buf, value, is_value ? "`" : "");
	slv_buf_add(buf, SLV_STR(" | "));
	cell_add(buf, slv_str_from(key->help), "");
	slv_buf_add(buf, SLV_STR(" |\n"));
}

/* A table, then those of the sections in it, each below its path. */
static void markdown_rows(
		const struct slv_conf_key *keys, slv_str path, struct slv_buf *buf, unsigned depth)
{
	slv_assert(depth < HELP_DEPTH_MAX);
	struct slv_buf words;
	slv_buf_init(&words, CELL_BYTES_MAX);
	if (path.len)
		slv_buf_printf(buf, "\n## `%.*s`\n\n", SLV_FMT(path));
	slv_buf_add(buf, SLV_STR("| setting | type | default | meaning |\n"
				 "| --- | --- | --- | --- |\n"));
	for (const struct slv_conf_key *key = keys; key->type != SLV_CONF_END; key++)
		markdown_row(key, buf, &words);
	for (const struct slv_conf_key *key = keys; key->type != SLV_CONF_END; key++) {
		if (!has_rows(key))
			continue;
		const char *kind = key->type == SLV_CONF_LIST  ? "[]"
		                   : key->type == SLV_CONF_MAP ? ".<name>"
		                                               : "";
		slv_buf_clear(&words);
		slv_buf_printf(&words, "%.*s%s%s%s", SLV_FMT(path), path.len ? "." : "", key->name,
				kind);
		markdown_rows(rows_of(key), slv_buf_str(&words), buf, depth + 1);
	}
	slv_buf_done(&words);
}

void slv_conf_help_markdown(const struct slv_conf_key *keys, struct slv_buf *buf)
{
	markdown_rows(keys, SLV_STR(""), buf, 0);
}
