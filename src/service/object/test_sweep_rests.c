/* The sweep beside blobs that are removed too slowly. The clock is the test's; that a bucket which
 * was removed is forgotten shows that the sweep is at work. */
#include "base/mem.h"
#include "base/testing.h"
#include "service/object/private.h"
#include "store/blob/private.h"

#include <stdio.h>
#include <stdlib.h>

#define REMOVED "r/ffffffffffffffffffffffffffffffff"
#define TURNS_MAX 100000

struct kit {
	struct object self;
	struct slv_object_settings settings;
	char folder[40];
	uint64_t now_ms;
	bool pending, is_there;
	size_t count;
};

static uint64_t fake_now_ms(void *arg)
{
	return ((struct kit *)arg)->now_ms;
}

static int set_up(void **state)
{
	struct kit *kit = SLV_ALLOC(struct kit);
	struct object *self = &kit->self;
	char url[80];
	struct slv_loop_world world = { .now_ms = fake_now_ms, .arg = kit };
	(void)snprintf(kit->folder, sizeof(kit->folder),
			"/tmp/selvedge-sweep-XXXXXX"); /* it fits */
	assert_non_null(mkdtemp(kit->folder));
	kit->now_ms = 1000;
	self->settings = &kit->settings;
	self->loop = slv_loop_new(0, NULL, &world);
	(void)snprintf(url, sizeof(url), "sqlite:%s/maps", kit->folder); /* it fits */
	assert_false(slv_failed(slv_omaps_open(
			slv_str_from(url), slv_loop_hash_key(self->loop), NULL, &self->maps)));
	(void)snprintf(url, sizeof(url), "file:%s/blobs", kit->folder); /* it fits */
	assert_false(slv_failed(
			slv_blobs_open(slv_str_from(url), SLV_STR(""), NULL, &self->blobs)));
	self->buckets = slv_omap_named(self->maps, SLV_STR(OBJECT_BUCKETS_MAP));
	*state = kit;
	return 0;
}

static int tear_down(void **state)
{
	struct kit *kit = *state;
	char command[80];
	slv_loop_free(kit->self.loop);
	slv_omaps_close(kit->self.maps);
	slv_blobs_close(kit->self.blobs);
	(void)snprintf(command, sizeof(command), "rm -r %s", kit->folder); /* it fits */
	assert_int_equal(system(command), 0);
	slv_free(kit);
	return 0;
}

struct ask {
	struct slv_omap_read read;
	struct slv_omap_batch batch;
	struct kit *kit;
};

static void on_written(struct slv_omap_batch *batch, slv_err err)
{
	assert_int_equal(err.code, SLV_E_NONE);
	SLV_CONTAINER(batch, struct ask, batch)->kit->pending = false;
}

static void on_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct kit *kit = SLV_CONTAINER(read, struct ask, read)->kit;
	assert_int_equal(err.code, SLV_E_NONE);
	kit->is_there = rows->at[0].version > 0;
	kit->pending = false;
	rows->hold.drop(&rows->hold);
}

static void remove_bucket(struct kit *kit)
{
	struct slv_omap_change change = { .what = SLV_OMAP_PUT, .key = SLV_STR(REMOVED) };
	struct ask ask = { .kit = kit };
	ask.batch = (struct slv_omap_batch){
		.map = kit->self.buckets, .changes = &change, .count = 1, .done = on_written
	};
	kit->pending = true;
	slv_omap_write(kit->self.loop, &ask.batch);
	while (kit->pending)
		slv_loop_turn(kit->self.loop, true);
}

static bool is_known(struct kit *kit)
{
	slv_str key = SLV_STR(REMOVED);
	struct ask ask = { .kit = kit };
	ask.read = (struct slv_omap_read){ .map = kit->self.buckets,
		.what = SLV_OMAP_GET,
		.keys = &key,
		.count = 1,
		.rows_max = 1,
		.done = on_read };
	kit->pending = true;
	slv_omap_read(kit->self.loop, &ask.read);
	while (kit->pending)
		slv_loop_turn(kit->self.loop, true);
	return kit->is_there;
}

static void pass(struct kit *kit, uint64_t ms)
{
	for (uint64_t until_ms = kit->now_ms + ms; kit->now_ms < until_ms;) {
		kit->now_ms += 50;
		slv_loop_turn(kit->self.loop, false);
	}
}

static void while_blobs_go_too_slowly_it_rests(void **state)
{
	struct kit *kit = *state;
	unsigned turns = 0;
	remove_bucket(kit);
	atomic_store(&kit->self.blobs->discards, SLV_BLOB_DISCARDS_MANY + 1);
	struct object_sweep *sweep = object_sweep_new(&kit->self);
	for (int i = 0; i < 20; i++) {
		pass(kit, 5000);
		assert_true(is_known(kit));
	}
	atomic_store(&kit->self.blobs->discards, 0);
	for (; is_known(kit) && turns < TURNS_MAX; turns++)
		pass(kit, 50);
	assert_true(turns < TURNS_MAX);
	object_sweep_free(sweep);
}

/* --- parts --- */

#define UPLOAD "0123456789abcdef0123456789abcdef"
#define BUCKET "s3-00112233445566778899aabbccddeeff"
#define PARTS 501u /* one more than are taken away at once */

/* With the note of what is left of them. */
static void put_parts(struct kit *kit, struct slv_omap *map)
{
	static char keys[PARTS][OBJECT_PART_KEY_BYTES];
	static struct slv_omap_change changes[PARTS + 1];
	for (uint32_t i = 0; i < PARTS; i++)
		changes[i] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
			.key = object_part_key(SLV_STR(UPLOAD), i + 1, keys[i]) };
	changes[PARTS] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = SLV_STR("r" UPLOAD) };
	struct ask ask = { .kit = kit };
	ask.batch = (struct slv_omap_batch){
		.map = map, .changes = changes, .count = PARTS + 1, .done = on_written
	};
	kit->pending = true;
	slv_omap_write(kit->self.loop, &ask.batch);
	while (kit->pending)
		slv_loop_turn(kit->self.loop, true);
}

static void on_counted(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct kit *kit = SLV_CONTAINER(read, struct ask, read)->kit;
	assert_int_equal(err.code, SLV_E_NONE);
	kit->count = rows->count;
	kit->pending = false;
	rows->hold.drop(&rows->hold);
}

static size_t rows_of(struct kit *kit, struct slv_omap *map)
{
	struct ask ask = { .kit = kit };
	ask.read = (struct slv_omap_read){
		.map = map, .what = SLV_OMAP_SCAN, .rows_max = PARTS + 1, .done = on_counted
	};
	kit->pending = true;
	slv_omap_read(kit->self.loop, &ask.read);
	while (kit->pending)
		slv_loop_turn(kit->self.loop, true);
	return kit->count;
}

static void until_rows(struct kit *kit, struct slv_omap *map, size_t count)
{
	unsigned turns = 0;
	for (; rows_of(kit, map) != count && turns < TURNS_MAX; turns++)
		pass(kit, 50);
	assert_true(turns < TURNS_MAX);
}

static void while_blobs_go_too_slowly_parts_are_left_to_it(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = slv_omap_named(kit->self.maps, SLV_STR(BUCKET));
	put_parts(kit, map);
	atomic_store(&kit->self.blobs->discards, SLV_BLOB_DISCARDS_MANY + 1);
	object_clean_parts(&kit->self, map, SLV_STR(UPLOAD));
	until_rows(kit, map, 2);
	for (int i = 0; i < 20; i++) {
		pass(kit, 5000);
		assert_int_equal(rows_of(kit, map), 2); /* a part, and the note */
	}
	atomic_store(&kit->self.blobs->discards, 0);
	object_clean_parts(&kit->self, map, SLV_STR(UPLOAD));
	until_rows(kit, map, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
				while_blobs_go_too_slowly_it_rests, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
				while_blobs_go_too_slowly_parts_are_left_to_it, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
