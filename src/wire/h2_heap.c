#include "wire/h2_heap.h"

#include "base/assert.h"
#include "base/mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#define CLASS_BYTES(class) ((size_t)64 << (class))

/* Before each piece of memory. */
struct h2_heap_block {
	alignas(16) struct h2_heap_block *next; /* while it is free */
	uint32_t class;                         /* H2_HEAP_CLASSES: it is of the heap */
};

static uint32_t class_of(size_t size)
{
	uint32_t class = 0;
	while (class < H2_HEAP_CLASSES && CLASS_BYTES(class) < size)
		class ++;
	return class;
}

static void *heap_malloc(size_t size, void *arg)
{
	struct h2_heap *heap = arg;
	uint32_t class = class_of(size);
	struct h2_heap_block *block = class < H2_HEAP_CLASSES ? heap->free[class] : NULL;
	if (block) {
		heap->free[class] = block->next;
		return block + 1;
	}
	size_t room = class < H2_HEAP_CLASSES ? CLASS_BYTES(class) : size;
	slv_assert(room <= SIZE_MAX - sizeof(*block));
	block = slv_realloc(NULL, sizeof(*block) + room);
	block->class = class;
	return block + 1;
}

static void heap_free(void *ptr, void *arg)
{
	struct h2_heap *heap = arg;
	if (!ptr)
		return;
	struct h2_heap_block *block = (struct h2_heap_block *)ptr - 1;
	if (block->class == H2_HEAP_CLASSES) {
		slv_free(block);
		return;
	}
	block->next = heap->free[block->class];
	heap->free[block->class] = block;
}

static void *heap_calloc(size_t count, size_t size, void *arg)
{
	size_t bytes = 0;
	slv_assert(!__builtin_mul_overflow(count, size, &bytes));
	void *ptr = heap_malloc(bytes, arg);
	memset(ptr, 0, bytes);
	return ptr;
}

static void *heap_realloc(void *ptr, size_t size, void *arg)
{
	if (!ptr)
		return heap_malloc(size, arg);
	struct h2_heap_block *block = (struct h2_heap_block *)ptr - 1;
	if (block->class < H2_HEAP_CLASSES) {
		size_t room = CLASS_BYTES(block->class);
		if (size <= room)
			return ptr;
		void *more = heap_malloc(size, arg);
		memcpy(more, ptr, room);
		heap_free(ptr, arg);
		return more;
	}
	slv_assert(size <= SIZE_MAX - sizeof(*block));
	block = slv_realloc(block, sizeof(*block) + size);
	return block + 1;
}

nghttp2_mem h2_heap_mem(struct h2_heap *heap)
{
	return (nghttp2_mem){ heap, heap_malloc, heap_free, heap_calloc, heap_realloc };
}

void h2_heap_rest(struct h2_heap *heap)
{
	for (uint32_t class = 0; class < H2_HEAP_CLASSES; class ++) {
		while (heap->free[class]) {
			struct h2_heap_block *block = heap->free[class];
			heap->free[class] = block->next;
			slv_free(block);
		}
	}
}
