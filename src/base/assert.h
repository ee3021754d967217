/* assert.h - our own mistakes, caught in releases too
 *
 * For arguments and invariants. What a peer sends is checked, never asserted.
 */
#ifndef SLV_BASE_ASSERT_H
#define SLV_BASE_ASSERT_H

#include "base/attr.h"

#define slv_assert(cond)                                                                           \
	(SLV_LIKELY(cond) ? (void)0 : slv_assert_fail(#cond, __FILE__, __LINE__, __func__))

/* Print what failed to stderr and abort. */
_Noreturn void slv_assert_fail(const char *cond, const char *file, int line, const char *func);

#endif
