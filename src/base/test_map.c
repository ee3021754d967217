#include "base/map.h"

#include "base/testing.h"

#include <stdio.h>

struct entry {
	char name[12];
	int value;
};

static slv_str name_of(const struct entry *entry)
{
	return slv_str_from(entry->name);
}

static void entries_survive_growth_and_the_removal_of_others(void **state)
{
	(void)state;
	enum { ENTRIES = 1000 };
	static struct entry entries[ENTRIES];
	struct slv_map map;
	slv_map_init(&map, (struct slv_hash_key){ 1, 2 });
	assert_null(slv_map_get(&map, SLV_STR("none")));
	assert_null(slv_map_remove(&map, SLV_STR("none")));

	for (int i = 0; i < ENTRIES; i++) {
		snprintf(entries[i].name, sizeof(entries[i].name), "k%d", i);
		entries[i].value = i;
		assert_null(slv_map_put(&map, name_of(&entries[i]), &entries[i]));
	}
	for (int i = 0; i < ENTRIES; i += 2)
		assert_ptr_equal(slv_map_remove(&map, name_of(&entries[i])), &entries[i]);
	for (int i = 0; i < ENTRIES; i++)
		assert_ptr_equal(slv_map_get(&map, name_of(&entries[i])),
				i % 2 ? &entries[i] : NULL);
	assert_int_equal(map.count, ENTRIES / 2);

	assert_ptr_equal(slv_map_put(&map, name_of(&entries[1]), &entries[3]), &entries[1]);
	slv_map_done(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_survive_growth_and_the_removal_of_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
