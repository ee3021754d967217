#include "base/arena.h"

#include "base/assert.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define ARENA_POISON(at, len) __asan_poison_memory_region((at), (len))
#define ARENA_UNPOISON(at, len) __asan_unpoison_memory_region((at), (len))
#else
#define ARENA_POISON(at, len) ((void)(at), (void)(len))
#define ARENA_UNPOISON(at, len) ((void)(at), (void)(len))
#endif

struct slv_arena_block {
	struct slv_arena_block *older;
	size_t size; /* of the bytes that follow */
	alignas(max_align_t) char bytes[];
};

struct slv_arena_defer {
	struct slv_arena_defer *older;
	void (*undo)(void *arg);
	void *arg;
};

void slv_arena_init(struct slv_arena *arena, size_t block_bytes, size_t max)
{
	slv_assert(block_bytes > 0 && block_bytes <= max);
	*arena = (struct slv_arena){ .block_bytes = block_bytes, .max = max };
}

static void arena_undo(struct slv_arena *arena)
{
	while (arena->defer) {
		struct slv_arena_defer *defer = arena->defer;
		arena->defer = defer->older;
		defer->undo(defer->arg);
	}
}

static void block_free(struct slv_arena_block *block)
{
	ARENA_UNPOISON(block->bytes, block->size);
	slv_free(block);
}

void slv_arena_reset(struct slv_arena *arena)
{
	arena_undo(arena);

	struct slv_arena_block *kept = NULL;
	while (arena->block) {
		struct slv_arena_block *block = arena->block;
		arena->block = block->older;
		if (!kept && block->size == arena->block_bytes)
			kept = block;
		else
			block_free(block);
	}
	arena->at = arena->end = NULL;
	arena->used = 0;
	if (!kept)
		return;
	kept->older = NULL;
	arena->block = kept;
	arena->used = kept->size;
	arena->at = kept->bytes;
	arena->end = kept->bytes + kept->size;
	ARENA_POISON(kept->bytes, kept->size);
}

void slv_arena_done(struct slv_arena *arena)
{
	arena_undo(arena);
	while (arena->block) {
		struct slv_arena_block *block = arena->block;
		arena->block = block->older;
		block_free(block);
	}
	arena->at = arena->end = NULL;
	arena->used = 0;
}

/* What does not fit an ordinary block gets one of its own, put behind the
 * newest, so that the rest of that one is still used. */
static bool arena_grow(struct slv_arena *arena, size_t need)
{
	size_t size = need > arena->block_bytes ? need : arena->block_bytes;
	if (size > arena->max - arena->used)
		size = need;
	if (size > arena->max - arena->used)
		return false;

	struct slv_arena_block *block = slv_alloc(sizeof(*block) + size);
	block->size = size;
	block->older = arena->block;
	arena->block = block;
	arena->used += size;
	arena->at = block->bytes;
	arena->end = block->bytes + size;
	ARENA_POISON(block->bytes, size);
	return true;
}

static char *arena_carve(struct slv_arena *arena, size_t bytes, size_t align)
{
	slv_assert(align && (align & (align - 1)) == 0 && align <= alignof(max_align_t));
	size_t pad = -(uintptr_t)arena->at & (align - 1);
	if (bytes + pad > (size_t)(arena->end - arena->at) || !arena->at) {
		if (!arena_grow(arena, bytes))
			return NULL;
		pad = 0;
	}
	char *taken = arena->at + pad;
	ARENA_UNPOISON(taken, bytes);
	arena->at = taken + bytes;
	return taken;
}

void *slv_arena_take(struct slv_arena *arena, size_t count, size_t size, size_t align)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes) || bytes > arena->max)
		return NULL;
	char *taken = arena_carve(arena, bytes, align);
	return taken ? memset(taken, 0, bytes) : NULL;
}

char *slv_arena_bytes(struct slv_arena *arena, size_t len)
{
	return len > arena->max ? NULL : arena_carve(arena, len, 1);
}

bool slv_arena_defer(struct slv_arena *arena, void (*undo)(void *arg), void *arg)
{
	struct slv_arena_defer *defer = SLV_NEW(arena, struct slv_arena_defer);
	if (!defer)
		return false;
	*defer = (struct slv_arena_defer){ .older = arena->defer, .undo = undo, .arg = arg };
	arena->defer = defer;
	return true;
}

char *slv_cstr(struct slv_arena *arena, slv_str s)
{
	if (s.len && memchr(s.at, '\0', s.len))
		return NULL;
	char *text = slv_arena_bytes(arena, s.len + 1);
	if (!text)
		return NULL;
	if (s.len)
		memcpy(text, s.at, s.len);
	text[s.len] = '\0';
	return text;
}

slv_str slv_str_copy(struct slv_arena *arena, slv_str s)
{
	char *bytes = slv_arena_bytes(arena, s.len ? s.len : 1);
	if (!bytes)
		return (slv_str){ 0 };
	if (s.len)
		memcpy(bytes, s.at, s.len);
	return (slv_str){ bytes, s.len };
}

slv_str slv_str_copy_lower(struct slv_arena *arena, slv_str s)
{
	char *bytes = slv_arena_bytes(arena, s.len ? s.len : 1);
	if (!bytes)
		return (slv_str){ 0 };
	for (size_t i = 0; i < s.len; i++)
		bytes[i] = slv_lower(s.at[i]);
	return (slv_str){ bytes, s.len };
}

slv_str slv_str_vprintf(struct slv_arena *arena, const char *fmt, va_list args)
{
	va_list again;
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	slv_assert(len >= 0);

	char *text = slv_arena_bytes(arena, (size_t)len + 1);
	if (!text)
		return (slv_str){ 0 };
	int written = vsnprintf(text, (size_t)len + 1, fmt, args);
	slv_assert(written == len);
	return (slv_str){ text, (size_t)len };
}

slv_str slv_str_printf(struct slv_arena *arena, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	slv_str text = slv_str_vprintf(arena, fmt, args);
	va_end(args);
	return text;
}
