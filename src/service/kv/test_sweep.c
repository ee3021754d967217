/* What is taken away in time, with the clock of the test and stores in a folder of its own. */
#include "base/testing.h"

#include "base/mem.h"
#include "service/kv/private.h"
#include "store/blob/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BEGUN_S INT64_C(1700000000)
#define PATIENCE_NS UINT64_C(60000000000)
#define TICK_MS 10

struct kit {
	struct kv kv;
	char folder[40];
	struct slv_loop *watch; /* has the real clock, for deadlines */
	uint64_t now_ms;        /* since the beginning */
	bool pending;
	slv_err err;
	struct slv_omap_rows *rows;
	struct slv_blob_ref ref;
};

static uint64_t fake_now_ms(void *arg)
{
	const struct kit *kit = arg;
	return 1000 + kit->now_ms;
}

static int64_t fake_wall_ms(void *arg)
{
	const struct kit *kit = arg;
	return BEGUN_S * 1000 + (int64_t)kit->now_ms;
}

static int set_up(void **state)
{
	struct kit *kit = SLV_ALLOC(struct kit);
	struct slv_loop_world world = {
		.now_ms = fake_now_ms, .wall_ms = fake_wall_ms, .arg = kit
	};
	char url[60];
	strcpy(kit->folder, "/tmp/selvedge-kv-XXXXXX");
	assert_non_null(mkdtemp(kit->folder));
	struct kv *kv = &kit->kv;
	kv->loop = slv_loop_new(0, NULL, &world);
	kit->watch = slv_loop_new(1, NULL, NULL);
	snprintf(url, sizeof(url), "sqlite:%s/maps", kit->folder);
	slv_err err = slv_omaps_open(
			slv_str_from(url), slv_loop_hash_key(kv->loop), NULL, &kv->maps);
	assert_int_equal(err.code, SLV_E_NONE);
	snprintf(url, sizeof(url), "file:%s/blobs", kit->folder);
	err = slv_blobs_open(slv_str_from(url), SLV_STR(""), NULL, &kv->blobs);
	assert_int_equal(err.code, SLV_E_NONE);
	kv->spaces = slv_omap_named(kv->maps, SLV_STR(KV_SPACES_MAP));
	*state = kit;
	return 0;
}

static int tear_down(void **state)
{
	struct kit *kit = *state;
	char command[60];
	kv_sweep_free(kit->kv.sweep);
	slv_loop_free(kit->kv.loop);
	slv_loop_free(kit->watch);
	slv_omaps_close(kit->kv.maps);
	slv_blobs_close(kit->kv.blobs);
	snprintf(command, sizeof(command), "rm -r %s", kit->folder);
	assert_int_equal(system(command), 0);
	slv_free(kit);
	return 0;
}

/* --- the stores --- */

struct ask {
	struct slv_omap_read read;
	struct slv_omap_batch batch;
	struct kit *kit;
};

static void wait_for_it(struct kit *kit)
{
	while (kit->pending)
		slv_loop_turn(kit->kv.loop, true);
	assert_int_equal(kit->err.code, SLV_E_NONE);
}

static void on_write(struct slv_omap_batch *batch, slv_err err)
{
	struct kit *kit = SLV_CONTAINER(batch, struct ask, batch)->kit;
	kit->err = err;
	kit->rows = batch->old;
	kit->pending = false;
}

static void on_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct kit *kit = SLV_CONTAINER(read, struct ask, read)->kit;
	kit->err = err;
	kit->rows = rows;
	kit->pending = false;
}

static void write_all(struct kit *kit, struct ask *ask, struct slv_omap *map,
		const struct slv_omap_change *changes, size_t count)
{
	*ask = (struct ask){ .kit = kit };
	ask->batch = (struct slv_omap_batch){
		.map = map,
		.changes = changes,
		.count = count,
		.wants_old = true,
		.done = on_write,
	};
	kit->pending = true;
	slv_omap_write(kit->kv.loop, &ask->batch);
	wait_for_it(kit);
}

static size_t count_rows(struct kit *kit, struct slv_omap *map, const char *from, const char *until)
{
	struct ask ask = { .kit = kit };
	ask.read = (struct slv_omap_read){
		.map = map,
		.what = SLV_OMAP_SCAN,
		.from = slv_str_from(from),
		.until = slv_str_from(until),
		.rows_max = SLV_OMAP_ROWS_MAX,
		.done = on_read,
	};
	kit->pending = true;
	slv_omap_read(kit->kv.loop, &ask.read);
	wait_for_it(kit);
	size_t count = kit->rows->count;
	kit->rows->hold.drop(&kit->rows->hold);
	return count;
}

/* Rows of keys; and of expiries. */
static size_t keys(struct kit *kit, struct slv_omap *map)
{
	return count_rows(kit, map, "k", "l");
}

static size_t expiries(struct kit *kit, struct slv_omap *map)
{
	return count_rows(kit, map, "x", "y");
}

static struct slv_omap *space_new(struct kit *kit, unsigned number)
{
	struct ask ask;
	char key[3 + KV_ID_BYTES];
	snprintf(key, sizeof(key), "n/%032x", number);
	struct slv_omap_change change = { .what = SLV_OMAP_PUT, .key = slv_str_from(key) };
	write_all(kit, &ask, kit->kv.spaces, &change, 1);
	kit->rows->hold.drop(&kit->rows->hold);
	return kv_map(kit->kv.maps, slv_str_from(key + 2));
}

/* It was removed `before_s` ago. */
static void space_remove(struct kit *kit, unsigned number, int64_t before_s)
{
	struct ask ask;
	char name[3 + KV_ID_BYTES], tomb[3 + KV_ID_BYTES], when[SLV_U64_DIGITS];
	snprintf(name, sizeof(name), "n/%032x", number);
	snprintf(tomb, sizeof(tomb), "r/%032x", number);
	struct slv_omap_change changes[] = {
		{ .what = SLV_OMAP_REMOVE, .key = slv_str_from(name) },
		{ .what = SLV_OMAP_PUT,
				.key = slv_str_from(tomb),
				.value = slv_str_of_u64((uint64_t)(BEGUN_S - before_s), when) },
	};
	write_all(kit, &ask, kit->kv.spaces, changes, 2);
	kit->rows->hold.drop(&kit->rows->hold);
}

struct put {
	struct slv_omap_change changes[2];
	char key[KV_ROW_KEY_BYTES_MAX], expiry[KV_ROW_KEY_BYTES_MAX], row[KV_ROW_BYTES_MAX];
};

/* As a call of the API writes it; returns how many changes that are. */
static size_t put_make(
		struct put *put, const char *key, int64_t expires_s, const struct slv_blob_ref *ref)
{
	struct kv_meta meta = { .expires_s = expires_s, .len = ref ? ref->len : 0 };
	meta.has_blob = ref != NULL;
	if (ref)
		meta.blob = ref->id;
	put->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = kv_row_key(slv_str_from(key), put->key),
		.value = { put->row, kv_meta_write(&meta, put->row) } };
	put->changes[1] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = kv_expiry_key(expires_s, slv_str_from(key), put->expiry) };
	return expires_s ? 2 : 1;
}

static void put(struct kit *kit, struct slv_omap *map, const char *key, int64_t expires_s,
		const struct slv_blob_ref *ref)
{
	struct ask ask;
	struct put one;
	write_all(kit, &ask, map, one.changes, put_make(&one, key, expires_s, ref));
	kit->rows->hold.drop(&kit->rows->hold);
}

static void on_finished(void *arg, slv_err err, const struct slv_blob_ref *ref)
{
	struct kit *kit = arg;
	kit->err = err;
	kit->ref = *ref;
	kit->pending = false;
}

static void on_written(void *arg, slv_err err)
{
	struct kit *kit = arg;
	kit->err = err;
	kit->pending = false;
}

static struct slv_blob_ref blob_new(struct kit *kit)
{
	struct slv_blob_writer *writer;
	assert_false(slv_failed(slv_blob_writer_new(kit->kv.loop, kit->kv.blobs, &writer)));
	kit->pending = true;
	slv_blob_write(writer, SLV_STR("some bytes"), on_written, kit);
	wait_for_it(kit);
	kit->pending = true;
	slv_blob_finish(writer, on_finished, kit);
	wait_for_it(kit);
	slv_blob_writer_free(writer);
	return kit->ref;
}

static bool blob_is_there(struct kit *kit, const struct slv_blob_ref *ref)
{
	char path[120];
	int at = snprintf(path, sizeof(path), "%s/blobs/%02x/", kit->folder, ref->id.bytes[0]);
	for (size_t i = 0; i < SLV_BLOB_ID_BYTES; i++)
		at += snprintf(path + at, sizeof(path) - (size_t)at, "%02x", ref->id.bytes[i]);
	return access(path, F_OK) == 0;
}

/* --- time --- */

static void pass(struct kit *kit, uint64_t seconds)
{
	kit->now_ms += seconds * 1000;
}

/* A little of it, in which the loop does what is due. It stands still while the stores are at work,
 * however long they take. */
static void tick(struct kit *kit, uint64_t begun_ns)
{
	kit->now_ms += TICK_MS;
	slv_loop_turn(kit->kv.loop, false);
	slv_loop_stop(kit->kv.loop);
	slv_loop_run(kit->kv.loop); /* until nothing is under way */
	if (slv_loop_fresh_ns(kit->watch) - begun_ns > PATIENCE_NS)
		fail_msg("nothing comes of it");
}

/* Until that map has so many keys. */
static void until_keys(struct kit *kit, struct slv_omap *map, size_t count)
{
	uint64_t begun_ns = slv_loop_fresh_ns(kit->watch);
	while (keys(kit, map) != count)
		tick(kit, begun_ns);
}

/* Until so many namespaces that were removed are still known. */
static void until_removed(struct kit *kit, size_t count)
{
	uint64_t begun_ns = slv_loop_fresh_ns(kit->watch);
	while (count_rows(kit, kit->kv.spaces, "r", "s") != count)
		tick(kit, begun_ns);
}

/* --- what is taken away, and what not --- */

static void a_key_that_has_expired_is_taken_away_and_no_other(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = space_new(kit, 1);
	put(kit, map, "soon", BEGUN_S + 600, NULL);
	put(kit, map, "later", BEGUN_S + 100000, NULL);
	put(kit, map, "never", 0, NULL);
	kit->kv.sweep = kv_sweep_new(&kit->kv);
	/* It is still there after a turn: one that has expired goes in it. */
	put(kit, map, "now", BEGUN_S, NULL);
	until_keys(kit, map, 3);
	assert_true(kit->now_ms < 600000);
	assert_int_equal(expiries(kit, map), 2);
	pass(kit, 600);
	until_keys(kit, map, 2);
	assert_int_equal(expiries(kit, map), 1);
}

static void its_blob_is_taken_away_with_it(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = space_new(kit, 1);
	struct slv_blob_ref gone = blob_new(kit), stays = blob_new(kit);
	put(kit, map, "gone", BEGUN_S, &gone);
	put(kit, map, "stays", 0, &stays);
	kit->kv.sweep = kv_sweep_new(&kit->kv);
	until_keys(kit, map, 1);
	for (uint64_t begun_ns = slv_loop_fresh_ns(kit->watch); blob_is_there(kit, &gone);)
		tick(kit, begun_ns);
	assert_true(blob_is_there(kit, &stays));
}

static void while_blobs_go_too_slowly_no_keys_go(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = space_new(kit, 1);
	uint64_t begun_ns = slv_loop_fresh_ns(kit->watch);
	put(kit, map, "now", BEGUN_S, NULL);
	atomic_store(&kit->kv.blobs->discards, SLV_BLOB_DISCARDS_MANY + 1);
	kit->kv.sweep = kv_sweep_new(&kit->kv);
	while (kit->now_ms < 100000)
		tick(kit, begun_ns);
	assert_int_equal(keys(kit, map), 1);
	atomic_store(&kit->kv.blobs->discards, 0);
	until_keys(kit, map, 0);
}

static void a_key_that_was_written_again_lives_on(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = space_new(kit, 1);
	put(kit, map, "again", BEGUN_S, NULL); /* its expiry stays behind */
	put(kit, map, "again", 0, NULL);
	put(kit, map, "now", BEGUN_S, NULL);
	assert_int_equal(expiries(kit, map), 2);
	kit->kv.sweep = kv_sweep_new(&kit->kv);
	until_keys(kit, map, 1);
	assert_int_equal(expiries(kit, map), 0);
}

static void all_of_many_namespaces_have_their_turn(void **state)
{
	enum { SPACES = 130 };
	struct kit *kit = *state;
	struct slv_omap *maps[SPACES];
	for (unsigned i = 0; i < SPACES; i++) {
		maps[i] = space_new(kit, i);
		put(kit, maps[i], "now", BEGUN_S, NULL);
	}
	kit->kv.sweep = kv_sweep_new(&kit->kv);
	for (unsigned i = SPACES; i-- > 0;)
		until_keys(kit, maps[i], 0);
}

static void more_keys_than_a_turn_takes_are_taken_away(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = space_new(kit, 1);
	for (unsigned i = 0; i < 450; i++) {
		char key[8];
		snprintf(key, sizeof(key), "%u", i);
		put(kit, map, key, BEGUN_S, NULL);
	}
	kit->kv.sweep = kv_sweep_new(&kit->kv);
	until_keys(kit, map, 0);
	assert_int_equal(expiries(kit, map), 0);
}

static void a_namespace_that_was_removed_is_emptied_and_then_forgotten(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = space_new(kit, 1), *old = space_new(kit, 2);
	struct slv_blob_ref ref = blob_new(kit);
	put(kit, map, "large", 0, &ref);
	put(kit, map, "expires", BEGUN_S + 1000000, NULL);
	put(kit, old, "a", 0, NULL);
	space_remove(kit, 1, 0);
	space_remove(kit, 2, 100000);
	kit->kv.sweep = kv_sweep_new(&kit->kv);
	until_keys(kit, map, 0);
	until_keys(kit, old, 0);
	assert_int_equal(expiries(kit, map), 0);
	/* Of two that are empty the one that was removed long ago is forgotten, and what comes late
	 * into the other one is taken away, too. */
	until_removed(kit, 1);
	assert_true(kit->now_ms < 600000);
	put(kit, map, "late", 0, NULL);
	until_keys(kit, map, 0);
	pass(kit, 600);
	until_removed(kit, 0);
}

static void a_sweep_that_is_asked_for_comes_soon(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = space_new(kit, 1);
	put(kit, map, "now", BEGUN_S, NULL);
	kit->kv.sweep = kv_sweep_new(&kit->kv);
	until_keys(kit, map, 0);
	put(kit, map, "now", BEGUN_S, NULL);
	uint64_t asked_ms = kit->now_ms;
	kv_sweep_soon(kit->kv.sweep);
	until_keys(kit, map, 0);
	assert_true(kit->now_ms - asked_ms < 10000);
	kv_sweep_soon(NULL);
}

/* --- what rows leave behind that were replaced --- */

/* Clean up after a batch that was `one`, and wait until that is done. */
static void clean(struct kit *kit, struct slv_omap *map, const struct slv_omap_batch *batch,
		size_t expiries_left)
{
	uint64_t begun_ns = slv_loop_fresh_ns(kit->watch);
	kv_clean(&kit->kv, batch);
	batch->old->hold.drop(&batch->old->hold);
	while (expiries(kit, map) != expiries_left)
		tick(kit, begun_ns);
}

static void an_expiry_that_means_nothing_is_removed(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = space_new(kit, 1);
	struct ask ask;
	struct put one;
	put(kit, map, "a", BEGUN_S + 100, NULL);
	write_all(kit, &ask, map, one.changes, put_make(&one, "a", BEGUN_S + 200, NULL));
	assert_int_equal(expiries(kit, map), 2);
	clean(kit, map, &ask.batch, 1);
}

/* "a" expires when it did before; that of "b" goes, so that it is known when all is done. */
static void an_expiry_that_is_the_same_again_stays(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = space_new(kit, 1);
	struct ask ask;
	struct put a, b;
	put(kit, map, "a", BEGUN_S + 100, NULL);
	put(kit, map, "b", BEGUN_S + 100, NULL);
	(void)put_make(&a, "a", BEGUN_S + 100, NULL);
	(void)put_make(&b, "b", 0, NULL);
	struct slv_omap_change changes[] = { a.changes[0], a.changes[1], b.changes[0] };
	write_all(kit, &ask, map, changes, 3);
	clean(kit, map, &ask.batch, 1);
	kit->kv.sweep = kv_sweep_new(&kit->kv);
	pass(kit, 100);
	until_keys(kit, map, 1);
}

static void an_expiry_that_somebody_wrote_again_meanwhile_stays(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = space_new(kit, 1);
	struct ask ask;
	struct put a, b;
	put(kit, map, "a", BEGUN_S + 100, NULL);
	put(kit, map, "b", BEGUN_S + 100, NULL);
	(void)put_make(&a, "a", 0, NULL);
	(void)put_make(&b, "b", 0, NULL);
	struct slv_omap_change changes[] = { a.changes[0], b.changes[0] };
	write_all(kit, &ask, map, changes, 2);
	struct slv_omap_rows *old = kit->rows;
	put(kit, map, "a", BEGUN_S + 100, NULL);
	ask.batch.old = old;
	clean(kit, map, &ask.batch, 1);
	kit->kv.sweep = kv_sweep_new(&kit->kv);
	pass(kit, 100);
	until_keys(kit, map, 1);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_key_that_has_expired_is_taken_away_and_no_other),
		TEST(its_blob_is_taken_away_with_it),
		TEST(while_blobs_go_too_slowly_no_keys_go),
		TEST(a_key_that_was_written_again_lives_on),
		TEST(all_of_many_namespaces_have_their_turn),
		TEST(more_keys_than_a_turn_takes_are_taken_away),
		TEST(a_namespace_that_was_removed_is_emptied_and_then_forgotten),
		TEST(a_sweep_that_is_asked_for_comes_soon),
		TEST(an_expiry_that_means_nothing_is_removed),
		TEST(an_expiry_that_is_the_same_again_stays),
		TEST(an_expiry_that_somebody_wrote_again_meanwhile_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
