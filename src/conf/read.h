/* read.h - what the files of conf/ share while a configuration is read
 *
 * yaml.c makes nodes of the text, strict.c and syntax.c say why it is none, section.c walks them by
 * the rows, value.c reads one setting, conf.c keeps the mistakes. Nobody outside conf/ includes
 * this.
 */
#ifndef SLV_CONF_READ_H
#define SLV_CONF_READ_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "conf/conf.h"

#include <stdarg.h>

#define SLV_CONF_TEXT_BYTES_MAX SLV_MIB(1)
#define SLV_CONF_DEPTH_MAX 32u
#define SLV_CONF_NODES_MAX 100000u
#define SLV_CONF_MISTAKES_MAX 20u
#define SLV_CONF_MISTAKE_BYTES_MAX 512u
#define SLV_CONF_SECRET_FILE_BYTES_MAX SLV_KIB(64)
#define SLV_CONF_ARENA_BYTES_MAX SLV_MIB(64)
#define SLV_CONF_SHORT_BYTES 72u

enum slv_conf_kind { SLV_CONF_IS_NULL, SLV_CONF_IS_TEXT, SLV_CONF_IS_LIST, SLV_CONF_IS_MAP };

struct slv_conf_node {
	enum slv_conf_kind kind;
	uint32_t line, column;              /* from 1 */
	slv_str text;                       /* of a TEXT */
	struct slv_conf_node *items;        /* of a LIST; of a MAP key and value in turn */
	size_t count;                       /* of items */
	const struct slv_conf_node *parent; /* NULL: the root of its text */
	const char *absent; /* the name of a section that is not in the text, else NULL */
};

struct slv_conf_mistake {
	uint32_t line, column;
	char text[SLV_CONF_MISTAKE_BYTES_MAX];
};

struct slv_conf_read {
	struct slv_arena *arena;   /* of the configuration's life */
	const char *name, *folder; /* of the file */
	struct slv_map fallbacks;  /* default text to its node, for each is read many times */
	const struct slv_conf_key *fallback; /* whose default is being read, or NULL */
	const struct slv_conf_node *at;      /* where mistakes in a default are told, or NULL */
	uint32_t line, column;               /* the last value that was read */
	bool limited;                        /* a limit was passed */
	bool more;                           /* there were mistakes past the last */
	size_t count;                        /* of mistakes */
	struct slv_conf_mistake mistakes[SLV_CONF_MISTAKES_MAX];
};

/* As slv_conf_parse() with another cap for what the configuration takes. */
slv_err slv_conf_parse_capped(struct slv_arena *arena, slv_str text, const char *name,
		const char *folder, const struct slv_conf_key *keys, size_t size, size_t bytes_max,
		struct slv_conf **ret_conf);

/* Note a mistake at a position. Always returns false. */
bool slv_conf_fail_at(struct slv_conf_read *read, uint32_t line, uint32_t column, const char *fmt,
		...) SLV_PRINTF(4, 5);

/* Note that the configuration's memory has reached its cap. Always returns false. */
bool slv_conf_spent(struct slv_conf_read *read);

/* Nobody looks at further mistakes: reading may end. */
static inline bool slv_conf_is_over(const struct slv_conf_read *read)
{
	return read->more || read->limited;
}

/* The root of the document in `text`; NULL if there were mistakes that leave none (noted). */
struct slv_conf_node *slv_conf_nodes(struct slv_conf_read *read, slv_str text);

/* What the library's own words begin with, should it ever say what syntax.c has no row for. */
#define SLV_CONF_UNTOLD "not YAML: libyaml says: "

/* Note why libyaml stopped within `text`, in our words (syntax.c). Always returns false. */
struct yaml_parser_s;
bool slv_conf_not_yaml(
		struct slv_conf_read *read, slv_str text, const struct yaml_parser_s *parser);

/* How far the events have come in `text` (strict.c). */
struct slv_conf_strict {
	slv_str text;
	size_t at, index;      /* in bytes, in characters */
	uint32_t line, column; /* from 1 */
};

/* Look at what lies before `event` and in it; the next call has the next one. `around` is the
 * column of the innermost keys or items that stand in lines of their own, 0 if there are none.
 * False and noted if YAML 1.2 has it otherwise than libyaml. */
struct yaml_event_s;
bool slv_conf_is_strict(struct slv_conf_read *read, struct slv_conf_strict *strict,
		const struct yaml_event_s *event, uint32_t around);

/* Read `node` as the row `key` says, to where it goes in `base`. */
bool slv_conf_value(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, void *base);

/* The scalar types, to `at`. */
bool slv_conf_scalar(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, void *at);

/* As slv_conf_secret(), for a setting. */
bool slv_conf_secret_read(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, slv_str *ret_secret);

/* `path` seen from `folder`, which may be empty; at is NULL past the arena's cap. */
slv_str slv_conf_join(struct slv_arena *arena, slv_str folder, slv_str path);

/* "port is 'abc', a whole number from 1 to 65535 is needed"; false. Never with a SECRET's text. */
bool slv_conf_wrong(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key);

/* False and noted unless `count` is within the row's bounds; `unit` is "byte" or "item". */
bool slv_conf_count(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, size_t count, const char *unit);

/* --- words (words.c) --- */

bool slv_conf_has_min(const struct slv_conf_key *key);
bool slv_conf_has_max(const struct slv_conf_key *key);
/* The setting counts bytes, by its name. */
bool slv_conf_is_size(const struct slv_conf_key *key);
/* A bound as one would write it. */
void slv_conf_bound(const struct slv_conf_key *key, double bound, char ret_text[32]);
/* As "whole number from 1 to 65535". */
void slv_conf_type_words(const struct slv_conf_key *key, struct slv_buf *buf);
/* The same with its article, as "a whole number from 1 to 65535". */
void slv_conf_needed_words(const struct slv_conf_key *key, struct slv_buf *buf);
/* At most 64 bytes of `text`, terminated; "..." stands for the rest. Returns `ret_text`. */
const char *slv_conf_short(slv_str text, char ret_text[SLV_CONF_SHORT_BYTES]);
/* What `node` is called: "port", "item 2 of hosts". */
void slv_conf_label(const struct slv_conf_read *read, const struct slv_conf_node *node,
		struct slv_buf *buf);
/* The row whose name one may have meant with `name`; NULL if none is near. */
const struct slv_conf_key *slv_conf_nearest(const struct slv_conf_key *keys, slv_str name);

#endif
