/* testing_h1.h - what the tests of HTTP/1.1 share: a client in plain text */
#ifndef SLV_PROTO_TESTING_H1_H
#define SLV_PROTO_TESTING_H1_H

#include "base/testing.h"
#include "proto/testing.h"

#include <string.h>

static inline int begin(void **state)
{
	*state = bench_new();
	return 0;
}

static inline int end(void **state)
{
	bench_free(*state);
	return 0;
}

static inline void say(struct bench *bench, const char *text)
{
	bench_input(bench, slv_str_from(text));
}

/* What the session has written since, as a C string. */
static inline const char *heard(struct bench *bench)
{
	static char text[1 << 19];
	slv_str out = slv_buf_str(&bench->out);
	assert_true(out.len < sizeof(text));
	if (out.len)
		memcpy(text, out.at, out.len);
	text[out.len] = '\0';
	slv_buf_clear(&bench->out);
	return text;
}

static inline bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
