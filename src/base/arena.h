/* arena.h - memory that ends together, with a cap
 *
 * A loop, a connection and a request each have one. Nothing in it is freed
 * singly: reset and done free it all, after running what slv_arena_defer()
 * tied to it, last first. Past the cap an allocation yields NULL, so that the
 * peer who asked for it fails and the loop lives; if the kernel has no memory
 * the process aborts. Under the address sanitizer freed parts are poisoned.
 *
 * Thread: that of its owner.
 */
#ifndef SLV_BASE_ARENA_H
#define SLV_BASE_ARENA_H

#include "base/attr.h"
#include "base/str.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct slv_arena_block;
struct slv_arena_defer;

struct slv_arena {
	char *at, *end;                /* the free part of the newest block */
	struct slv_arena_block *block; /* newest first */
	struct slv_arena_defer *defer; /* newest first */
	size_t used, max;              /* bytes taken from the heap, and their cap */
	size_t block_bytes;            /* size of an ordinary block */
};

/* `block_bytes` is taken at a time, `max` bytes in all. Allocates nothing yet. */
void slv_arena_init(struct slv_arena *arena, size_t block_bytes, size_t max);

/* Run the deferred, then free all but one ordinary block, kept for the next use. */
void slv_arena_reset(struct slv_arena *arena);

/* As reset, and free that block too. Accepts zeroes. */
void slv_arena_done(struct slv_arena *arena);

/* Zeroed memory, or NULL past the cap. `align` is a power of two. */
void *slv_arena_take(struct slv_arena *arena, size_t count, size_t size, size_t align);

/* As slv_arena_take() for one byte each, but not zeroed. */
char *slv_arena_bytes(struct slv_arena *arena, size_t len);

#define SLV_NEW(arena, type) ((type *)slv_arena_take((arena), 1, sizeof(type), alignof(type)))
#define SLV_NEW_ARRAY(arena, type, count)                                                          \
	((type *)slv_arena_take((arena), (count), sizeof(type), alignof(type)))

/* Call `undo(arg)` when the arena is reset. False past the cap: then it is not tied. */
bool slv_arena_defer(struct slv_arena *arena, void (*undo)(void *arg), void *arg) SLV_NODISCARD_FN;

/* A terminated copy for libc; NULL past the cap or if `s` holds a NUL. */
char *slv_cstr(struct slv_arena *arena, slv_str s);

/* A copy that lives in the arena; on failure at is NULL and len 0, and a copy of
 * an empty view has at != NULL. */
slv_str slv_str_copy(struct slv_arena *arena, slv_str s);

/* As that, with letters of ASCII in lower case. */
slv_str slv_str_copy_lower(struct slv_arena *arena, slv_str s);

/* Formatted text in the arena; at is NULL past the cap. */
slv_str slv_str_printf(struct slv_arena *arena, const char *fmt, ...) SLV_PRINTF(2, 3);
slv_str slv_str_vprintf(struct slv_arena *arena, const char *fmt, va_list args) SLV_PRINTF(2, 0);

#endif
