/* mem.h - the heap, for what outlives a request
 *
 * Most memory comes from an arena (base/arena.h). These are for the objects
 * that own arenas and for buffers that are shared or handed on. They abort when
 * the kernel has no memory: a failure of the host is not worth code.
 */
#ifndef SLV_BASE_MEM_H
#define SLV_BASE_MEM_H

#include <stddef.h>

/* `size` bytes of zeroes; never NULL. */
void *slv_alloc(size_t size);

/* As realloc(3): new bytes are not cleared; `ptr` may be NULL. Never NULL. */
void *slv_realloc(void *ptr, size_t size);

/* `ptr` may be NULL. */
void slv_free(void *ptr);

/* Overwrite a secret in a way that the compiler does not drop. */
void slv_wipe(void *ptr, size_t size);

#define SLV_ALLOC(type) ((type *)slv_alloc(sizeof(type)))

#endif
