/* testing.h - reading the fixture from a text, and what it says; for tests only */
#ifndef SLV_CONF_TESTING_H
#define SLV_CONF_TESTING_H

#include "base/testing.h"
#include "conf/fixture.h"
#include "conf/read.h"

#include <stdlib.h>
#include <string.h>

struct reading {
	struct slv_arena arena;
	struct slv_conf *conf;
	const struct fixture *root; /* NULL if it was refused */
	slv_err err;
};

static inline void reading_done(struct reading *reading)
{
	slv_conf_free(reading->conf);
	slv_arena_done(&reading->arena);
}

static inline void read_text(struct reading *reading, slv_str text, const char *folder,
		const struct slv_conf_key *keys, size_t size)
{
	*reading = (struct reading){ 0 };
	slv_arena_init(&reading->arena, SLV_KIB(4), SLV_MIB(1));
	reading->err = slv_conf_parse(
			&reading->arena, text, "c.yaml", folder, keys, size, &reading->conf);
	if (!slv_failed(reading->err))
		reading->root = slv_conf_root(reading->conf);
}

/* The text is refused with exactly these lines. */
static inline void refused_bytes(slv_str text, enum slv_code code, const char *what)
{
	struct reading reading;
	read_text(&reading, text, "/etc/x", fixture_keys, sizeof(struct fixture));
	assert_null(reading.conf);
	assert_string_equal(reading.err.what, what);
	assert_int_equal(reading.err.code, code);
	reading_done(&reading);
}

static inline void refused(const char *text, const char *what)
{
	refused_bytes(slv_str_from(text), SLV_E_SYNTAX, what);
}

/* The text is accepted; end with reading_done(). */
static inline const struct fixture *accepted(struct reading *reading, const char *text)
{
	read_text(reading, slv_str_from(text), "/etc/x", fixture_keys, sizeof(struct fixture));
	if (slv_failed(reading->err))
		fail_msg("%s", reading->err.what);
	return reading->root;
}

#endif
