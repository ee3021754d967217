#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void slv_assert_fail(const char *cond, const char *file, int line, const char *func)
{
	/* The process ends whether or not this can be printed. */
	(void)fprintf(stderr, "%s:%d: %s: assertion failed: %s\n", file, line, func, cond);
	abort();
}
