/* schema.h - settings as a table
 *
 * Each setting is one row: where its value goes, its type, bounds, default and one
 * line of help. The reader, `selvedge help config` and the reference page use the
 * same rows. A setting with a unit ends with it: `_ms`, `_s`, `_bytes`, `_kib`.
 */
#ifndef SLV_CONF_SCHEMA_H
#define SLV_CONF_SCHEMA_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

enum slv_conf_type {
	SLV_CONF_END,     /* the row behind the last */
	SLV_CONF_BOOL,    /* bool: true or false */
	SLV_CONF_INT,     /* int64_t in [min, max]; in text, the suffixes k, M, G (1024) are allowed
	                     where the name ends with _bytes or _bytes_max */
	SLV_CONF_DECIMAL, /* double in [min, max] */
	SLV_CONF_TEXT,    /* slv_str of min to max bytes */
	SLV_CONF_CHOICE,  /* int64_t: the index in `choices`, which are separated by '|' */
	SLV_CONF_SECRET,  /* slv_str as TEXT; `env:NAME` and `file:PATH` are read at load, and empty
	                     there is a mistake; never shown */
	SLV_CONF_PATH,    /* slv_str as TEXT; relative to the folder of the configuration file */
	SLV_CONF_SECTION, /* the struct itself, with `keys` */
	SLV_CONF_OPTION, /* a pointer to a struct of `size`, with `keys`; NULL if it is not given */
	SLV_CONF_LIST,   /* struct slv_conf_list of structs of `size`, with `keys`; min to max items
	                  */
	SLV_CONF_TEXTS,  /* struct slv_conf_list of slv_str; min to max items */
	SLV_CONF_MAP,    /* as LIST, from a YAML mapping: the key goes into the slv_str that the
	                    first row of `keys` describes, its name being "" */
	SLV_CONF_CUSTOM, /* `size` bytes filled by `read` */
};

struct slv_conf_list {
	void *at; /* of the configuration's life */
	size_t count;
};

struct slv_conf_node; /* a place in the document; conf/conf.h */
struct slv_conf_read; /* a load that is going on; conf/conf.h */

struct slv_conf_key {
	const char *name;
	enum slv_conf_type type;
	size_t offset;        /* in the struct */
	const char *fallback; /* the default as YAML text, "" for an empty text; NULL: it must be
	                         given (a SECTION, LIST, TEXTS or MAP without one is empty) */
	double min, max;      /* both 0: no bounds; `max` below `min`: no upper one */
	const char *help;     /* one line, no full stop */
	const char *choices;  /* of a CHOICE; of a CUSTOM how its type is called in mistakes
	                         and help, or NULL */
	const struct slv_conf_key *keys; /* of a SECTION, OPTION, LIST or MAP */
	size_t size;                     /* of an item, an OPTION's struct, or of a CUSTOM value */
	/* Of a CUSTOM: false after slv_conf_fail(). */
	bool (*read)(struct slv_conf_read *read, struct slv_conf_node *node, void *ret_value);
};

#endif
