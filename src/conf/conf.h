/* conf.h - configuration text to one immutable tree of structs
 *
 * A YAML file (1.2 but for what the head of conf/yaml.c lists) is read by the rows of
 * conf/schema.h into structs that live as long as the struct slv_conf. A mistake is told as
 *
 *	file:line:column: what is wrong and what would be right
 *
 * All mistakes of a file are collected (up to 20) before it is refused, with SLV_E_SYNTAX.
 * Limits, SLV_E_LIMIT past them: 1 MiB of text, depth 32, 100,000 nodes, 64 MiB for what
 * comes of it. Refused too: anchors, aliases (so nothing expands), tags, a second document, keys
 * given twice, bytes that are not UTF-8, control characters. Unknown keys are mistakes and the
 * nearest known name is suggested.
 *
 * A key without a value (`images:`) is an empty section, list or mapping.
 *
 * Thread: reading any one; the result is read-only and may be shared.
 */
#ifndef SLV_CONF_CONF_H
#define SLV_CONF_CONF_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "conf/schema.h"

struct slv_conf;

/* Read `path` by `keys` into a zeroed struct of `size` bytes. On failure the text of the error
 * has one mistake a line and lives in `arena`. */
slv_err slv_conf_load(struct slv_arena *arena, const char *path, const struct slv_conf_key *keys,
		size_t size, struct slv_conf **ret_conf);

/* As that, from memory; `name` stands for the file in messages, `folder` is what relative paths
 * start from. */
slv_err slv_conf_parse(struct slv_arena *arena, slv_str text, const char *name, const char *folder,
		const struct slv_conf_key *keys, size_t size, struct slv_conf **ret_conf);

/* The struct that was filled. */
const void *slv_conf_root(const struct slv_conf *conf);
void slv_conf_free(struct slv_conf *conf); /* NULL is fine */

/* What `env:NAME` or `file:PATH` stand for (relative to `folder`); other text is itself. Of a file
 * one line end at its end, LF or CR LF, is left out. SLV_E_SYNTAX or the system's error if there is
 * none: no such variable or file, an empty one, a file past 64 KiB, a name that is none;
 * SLV_E_LIMIT past the cap of `arena`. Texts of errors are in `scratch`. */
slv_err slv_conf_secret(struct slv_arena *arena, struct slv_arena *scratch, slv_str text,
		const char *folder, slv_str *ret_secret);

/* For `selvedge help config`: every row below `keys`, indented, with type, bounds, default, help.
 */
void slv_conf_help(const struct slv_conf_key *keys, struct slv_buf *buf);

/* For `docs/configuration.md`: the same as Markdown, a table a section. */
void slv_conf_help_markdown(const struct slv_conf_key *keys, struct slv_buf *buf);

/* --- for SLV_CONF_CUSTOM readers --- */

/* Note a mistake at `node`. Always returns false. */
bool slv_conf_fail(struct slv_conf_read *read, struct slv_conf_node *node, const char *fmt, ...)
		SLV_PRINTF(3, 4);
/* Memory of the configuration's life; NULL past its cap (and the mistake is noted). */
void *slv_conf_take(struct slv_conf_read *read, size_t size);
struct slv_arena *slv_conf_arena(struct slv_conf_read *read);

bool slv_conf_is_map(const struct slv_conf_node *node);
/* The scalar's text; false (and noted) if it is none. Lives as long as the configuration. */
bool slv_conf_text(struct slv_conf_read *read, struct slv_conf_node *node, slv_str *ret_text);
/* The `index`th pair of a mapping; false behind the last. */
bool slv_conf_pair(struct slv_conf_read *read, struct slv_conf_node *map, size_t index,
		slv_str *ret_key, struct slv_conf_node **ret_key_node,
		struct slv_conf_node **ret_value);
/* Read a mapping by `keys` into a struct; false if there were mistakes (noted). */
bool slv_conf_section(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *keys, void *ret_struct);

#endif
