#include "base/mem.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

void *slv_alloc(size_t size)
{
	void *ptr = calloc(1, size ? size : 1);
	slv_assert(ptr);
	return ptr;
}

void *slv_realloc(void *ptr, size_t size)
{
	void *moved = realloc(ptr, size ? size : 1);
	slv_assert(moved);
	return moved;
}

void slv_free(void *ptr)
{
	free(ptr);
}

void slv_wipe(void *ptr, size_t size)
{
	explicit_bzero(ptr, size);
}
