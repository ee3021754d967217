#include "base/arena.h"

#include "base/testing.h"

static void past_the_cap_there_is_null(void **state)
{
	(void)state;
	struct slv_arena arena;
	slv_arena_init(&arena, 64, 128);
	assert_non_null(slv_arena_bytes(&arena, 64));
	assert_non_null(slv_arena_bytes(&arena, 64));
	assert_null(slv_arena_bytes(&arena, 1));
	assert_null(slv_arena_bytes(&arena, SIZE_MAX));
	assert_null(slv_arena_take(&arena, SIZE_MAX, 2, 1));
	slv_arena_reset(&arena);
	assert_non_null(slv_arena_bytes(&arena, 128 - 64));
	assert_null(slv_arena_bytes(&arena, 128));
	slv_arena_done(&arena);
}

static void memory_is_zeroed_and_aligned_after_a_reset_too(void **state)
{
	(void)state;
	struct slv_arena arena;
	slv_arena_init(&arena, 256, 1024);
	for (int round = 0; round < 2; round++) {
		char *odd = slv_arena_bytes(&arena, 3);
		odd[0] = odd[1] = odd[2] = 'x';
		uint64_t *words = SLV_NEW_ARRAY(&arena, uint64_t, 4);
		assert_int_equal((uintptr_t)words % 8, 0);
		for (int i = 0; i < 4; i++)
			assert_int_equal(words[i], 0);
		words[0] = 1;
		slv_arena_reset(&arena);
	}
	slv_arena_done(&arena);
	slv_arena_done(&(struct slv_arena){ 0 });
}

struct trace {
	int calls[2], count;
};

static struct trace *trace_of;

static void note_one(void *arg)
{
	trace_of->calls[trace_of->count++] = *(int *)arg;
}

static void the_deferred_run_last_first(void **state)
{
	(void)state;
	struct trace trace = { 0 };
	trace_of = &trace;
	struct slv_arena arena;
	slv_arena_init(&arena, 64, 128);
	int one = 1, two = 2;
	assert_true(slv_arena_defer(&arena, note_one, &one));
	assert_true(slv_arena_defer(&arena, note_one, &two));
	slv_arena_reset(&arena);
	assert_int_equal(trace.count, 2);
	assert_int_equal(trace.calls[0], 2);
	assert_int_equal(trace.calls[1], 1);
	while (slv_arena_bytes(&arena, 8))
		;
	assert_false(slv_arena_defer(&arena, note_one, &one));
	slv_arena_done(&arena);
	assert_int_equal(trace.count, 2);
}

static void copies_and_texts(void **state)
{
	(void)state;
	struct slv_arena arena;
	slv_arena_init(&arena, 64, 128);
	assert_string_equal(slv_cstr(&arena, SLV_STR("abc")), "abc");
	assert_null(slv_cstr(&arena, (slv_str){ "a\0b", 3 }));
	assert_non_null(slv_str_copy(&arena, (slv_str){ 0 }).at);
	slv_str text = slv_str_printf(&arena, "%s-%d", "x", 12);
	assert_true(slv_str_eq(text, SLV_STR("x-12")));
	assert_null(slv_str_printf(&arena, "%200d", 1).at);
	slv_arena_done(&arena);
}

static void a_copy_may_be_in_lower_case(void **state)
{
	(void)state;
	struct slv_arena arena;
	slv_arena_init(&arena, 64, 64);
	slv_str copy = slv_str_copy_lower(&arena, SLV_STR("aZ-@[\xc3\x84"));
	assert_true(slv_str_eq(copy, SLV_STR("az-@[\xc3\x84")));
	assert_non_null(slv_str_copy_lower(&arena, (slv_str){ 0 }).at);
	char many[65] = { 0 };
	assert_null(slv_str_copy_lower(&arena, (slv_str){ many, sizeof(many) }).at);
	slv_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(past_the_cap_there_is_null),
		cmocka_unit_test(a_copy_may_be_in_lower_case),
		cmocka_unit_test(memory_is_zeroed_and_aligned_after_a_reset_too),
		cmocka_unit_test(the_deferred_run_last_first),
		cmocka_unit_test(copies_and_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
