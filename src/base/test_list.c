#include "base/list.h"

#include "base/testing.h"

struct item {
	int value;
	struct slv_list link;
};

static void links_come_off_in_order(void **state)
{
	(void)state;
	struct slv_list list;
	struct item items[3] = { { .value = 0 }, { .value = 1 }, { .value = 2 } };
	slv_list_init(&list);
	assert_true(slv_list_empty(&list));
	slv_list_push(&list, &items[1].link);
	slv_list_push(&list, &items[2].link);
	slv_list_push_front(&list, &items[0].link);

	int expected = 0;
	SLV_LIST_EACH(link, &list)
	{
		struct item *item = SLV_CONTAINER(link, struct item, link);
		assert_int_equal(item->value, expected++);
		if (item->value == 1)
			slv_list_remove(link);
	}
	assert_false(slv_list_linked(&items[1].link));
	slv_list_remove(&items[1].link);
	assert_ptr_equal(slv_list_pop(&list), &items[0].link);
	assert_ptr_equal(slv_list_pop(&list), &items[2].link);
	assert_null(slv_list_pop(&list));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(links_come_off_in_order) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
