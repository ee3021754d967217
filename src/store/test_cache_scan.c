/* The scan of the disk tier beside purges, step by step and without a cache around it. */
#include "base/mem.h"
#include "store/cache_disk.h"
#include "store/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int set_up(void **state)
{
	struct kit *kit = SLV_ALLOC(struct kit);
	kit_init(kit);
	*state = kit;
	return 0;
}

static int tear_down(void **state)
{
	kit_done(*state);
	slv_free(*state);
	return 0;
}

static struct slv_cache_disk *disk_new(struct kit *kit)
{
	struct slv_cache_disk_conf conf = { .bytes_max = SLV_MIB(64),
		.entry_bytes_max = SLV_MIB(1),
		.folder = slv_str_from(kit->folder),
		.disk = &kit->disk.disk };
	return slv_cache_disk_new(&conf, slv_loop_hash_key(kit->loop));
}

static void make_file(struct kit *kit, struct slv_cache_key key)
{
	char path[300];
	kit_path(kit, key, path, sizeof(path));
	for (char *at = path + strlen(kit->folder) + 1; (at = strchr(at, '/')); at++) {
		*at = 0;
		assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
		*at = '/';
	}
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "bytes", 5), 5);
	close(fd);
}

#define SCANNED 1100 /* files of one source: more than two steps look at */

/* Each step has a purge before it, which takes away one of the files and, by `scope`, others. */
static void a_scan_ends_though_all_the_time_something_is_purged(void **state)
{
	struct kit *kit = *state;
	for (uint32_t i = 0; i < SCANNED; i++)
		make_file(kit, kit_key(1, i));
	uint32_t purged = 0;
	for (uint32_t i = 0; i < 2; i++) {
		struct slv_cache_disk *disk = disk_new(kit);
		for (uint32_t steps = 0; slv_cache_disk_is_untidy(disk, kit->mono_ms); steps++) {
			struct slv_cache_key mine = kit_key(1, purged), other = kit_key(2, 0);
			assert_true(steps < 50);
			purged++;
			assert_true(slv_cache_disk_purge(
					disk, SLV_CACHE_VARIANT, &mine, kit->mono_ms));
			make_file(kit, other);
			if (i == 1)
				assert_true(slv_cache_disk_purge(
						disk, SLV_CACHE_SOURCE, &other, kit->mono_ms));
			(void)slv_cache_disk_sweep(disk, kit->wall_ms, kit->mono_ms);
			assert_false(kit_has_file(kit, mine));
		}
		uint32_t others = i == 0 ? 1 : 0;
		assert_int_equal(slv_cache_disk_stats(disk).entries, SCANNED + others - purged);
		assert_int_equal(slv_cache_disk_stats(disk).bytes,
				4096 * (SCANNED + others - purged));
		assert_int_equal(slv_cache_disk_stats(disk).errors, 0);
		slv_cache_disk_free(disk);
	}
}

/* What it has open was renamed away; what is there now was written by others, who count it. */
static void a_scan_whose_folders_were_purged_goes_on_behind_them(void **state)
{
	struct kit *kit = *state;
	const struct slv_cache_key key = kit_key(1, 0), late = kit_key(3, 0);
	for (unsigned i = 0; i < 2; i++) {
		for (uint32_t k = 0; k < SCANNED; k++)
			make_file(kit, kit_key(1, k));
		make_file(kit, late);
		struct slv_cache_disk *disk = disk_new(kit);
		do { /* into the folder */
			assert_true(slv_cache_disk_sweep(disk, kit->wall_ms, kit->mono_ms));
		} while (slv_cache_disk_stats(disk).entries < 2);
		assert_true(slv_cache_disk_stats(disk).entries < SCANNED);
		assert_true(slv_cache_disk_purge(
				disk, i ? SLV_CACHE_ALL : SLV_CACHE_SOURCE, &key, kit->mono_ms));
		while (slv_cache_disk_is_untidy(disk, kit->mono_ms))
			(void)slv_cache_disk_sweep(disk, kit->wall_ms, kit->mono_ms);
		assert_int_equal(slv_cache_disk_stats(disk).entries, i ? 0 : 1);
		assert_int_equal(slv_cache_disk_stats(disk).errors, 0);
		assert_int_equal(kit_has_file(kit, late), i == 0);
		slv_cache_disk_free(disk);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_scan_ends_though_all_the_time_something_is_purged),
		TEST(a_scan_whose_folders_were_purged_goes_on_behind_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
