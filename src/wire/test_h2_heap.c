#include "wire/h2_heap.h"

#include "base/testing.h"

#include <string.h>

static void what_was_given_back_is_given_out_again(void **state)
{
	(void)state;
	struct h2_heap heap = { 0 };
	nghttp2_mem mem = h2_heap_mem(&heap);
	for (size_t size = 1; size <= 1024; size *= 2) {
		void *first = mem.malloc(size, mem.mem_user_data);
		mem.free(first, mem.mem_user_data);
		void *second = mem.malloc(size, mem.mem_user_data);
		assert_ptr_equal(first, second);
		void *third = mem.malloc(size, mem.mem_user_data);
		assert_ptr_not_equal(second, third);
		memset(third, 1, size);
		mem.free(second, mem.mem_user_data);
		mem.free(third, mem.mem_user_data);
	}
	h2_heap_rest(&heap);
	for (size_t i = 0; i < H2_HEAP_CLASSES; i++)
		assert_null(heap.free[i]);
}

static void cleared_memory_is_clear(void **state)
{
	(void)state;
	struct h2_heap heap = { 0 };
	nghttp2_mem mem = h2_heap_mem(&heap);
	char *dirty = mem.malloc(100, mem.mem_user_data);
	memset(dirty, 'x', 100);
	mem.free(dirty, mem.mem_user_data);
	char *clean = mem.calloc(10, 10, mem.mem_user_data);
	assert_ptr_equal(clean, dirty);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(clean[i], 0);
	mem.free(clean, mem.mem_user_data);
	h2_heap_rest(&heap);
}

static void growing_keeps_the_bytes(void **state)
{
	(void)state;
	struct h2_heap heap = { 0 };
	nghttp2_mem mem = h2_heap_mem(&heap);
	char *at = mem.realloc(NULL, 3, mem.mem_user_data);
	memcpy(at, "abc", 3);
	const size_t sizes[] = { 64, 65, 1000, 1024, 1025, 100000 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		at = mem.realloc(at, sizes[i], mem.mem_user_data);
		assert_memory_equal(at, "abc", 3);
		at[sizes[i] - 1] = 'z';
	}
	mem.free(at, mem.mem_user_data);
	mem.free(NULL, mem.mem_user_data);
	h2_heap_rest(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_given_back_is_given_out_again),
		cmocka_unit_test(cleared_memory_is_clear),
		cmocka_unit_test(growing_keeps_the_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
