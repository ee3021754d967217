/* The clock is the test's; the store is real, in a folder of its own. A pass is over when it has
 * taken away the remains of a removed bucket that comes last. */
#include "base/mem.h"
#include "base/testing.h"
#include "service/object/private.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY_MS INT64_C(86400000)
#define HOUR_MS 3600000
#define NOON_MS (INT64_C(20000) * DAY_MS + DAY_MS / 2) /* of some day */
#define MINUTE_MS 60000

#define LAST "ffffffffffffffffffffffffffffffff"
#define NO_MAP "00000000000000000000000000000000"
#define ONE "11111111111111111111111111111111"
#define TWO "22222222222222222222222222222222"
#define UP "abcdefabcdefabcdefabcdefabcdefab"

struct kit {
	struct object self;
	struct slv_object_settings settings;
	struct slv_loop *loop;
	struct slv_omaps *maps;
	struct slv_blobs *blobs;
	struct object_sweep *sweep;
	char folder[40];
	uint64_t now_ms;
	int64_t wall_ms;
	unsigned pending;
	slv_err err;
	struct slv_omap_rows *rows;
	struct slv_blob_ref ref;
	size_t listed;
};

static uint64_t fake_now_ms(void *arg)
{
	return ((struct kit *)arg)->now_ms;
}

static int64_t fake_wall_ms(void *arg)
{
	return ((struct kit *)arg)->wall_ms;
}

static int set_up(void **state)
{
	struct kit *kit = SLV_ALLOC(struct kit);
	char url[80];
	strcpy(kit->folder, "/tmp/selvedge-sweep-XXXXXX");
	assert_non_null(mkdtemp(kit->folder));
	kit->now_ms = 1000;
	kit->wall_ms = NOON_MS;
	struct slv_loop_world world = {
		.now_ms = fake_now_ms, .wall_ms = fake_wall_ms, .arg = kit
	};
	kit->loop = slv_loop_new(0, NULL, &world);
	(void)snprintf(url, sizeof(url), "sqlite:%s/maps", kit->folder); /* it fits */
	assert_false(slv_failed(slv_omaps_open(
			slv_str_from(url), slv_loop_hash_key(kit->loop), NULL, &kit->maps)));
	(void)snprintf(url, sizeof(url), "file:%s/blobs", kit->folder); /* it fits */
	assert_false(slv_failed(slv_blobs_open(slv_str_from(url), SLV_STR(""), NULL, &kit->blobs)));
	kit->self = (struct object){ .loop = kit->loop,
		.settings = &kit->settings,
		.maps = kit->maps,
		.blobs = kit->blobs,
		.buckets = slv_omap_named(kit->maps, SLV_STR(OBJECT_BUCKETS_MAP)) };
	*state = kit;
	return 0;
}

static int tear_down(void **state)
{
	struct kit *kit = *state;
	char command[80];
	object_sweep_free(kit->sweep);
	if (kit->rows)
		kit->rows->hold.drop(&kit->rows->hold);
	slv_loop_free(kit->loop);
	slv_omaps_close(kit->maps);
	slv_blobs_close(kit->blobs);
	(void)snprintf(command, sizeof(command), "rm -r %s", kit->folder); /* it fits */
	assert_int_equal(system(command), 0);
	slv_free(kit);
	return 0;
}

static void wait(struct kit *kit)
{
	while (kit->pending > 0)
		slv_loop_turn(kit->loop, true);
}

/* --- rows --- */

static struct slv_omap *map_of(struct kit *kit, const char *id)
{
	char name[40];
	(void)snprintf(name, sizeof(name), "s3-%s", id); /* it fits */
	return slv_omap_named(kit->maps, slv_str_from(name));
}

struct writing {
	struct slv_omap_batch batch;
	struct kit *kit;
};

static void on_written(struct slv_omap_batch *batch, slv_err err)
{
	struct kit *kit = SLV_CONTAINER(batch, struct writing, batch)->kit;
	kit->err = err;
	kit->pending--;
}

static void put(struct kit *kit, struct slv_omap *map, slv_str key, slv_str value, slv_str body)
{
	struct slv_omap_change change = { .key = key, .value = value, .body = body };
	struct writing writing = {
		{ .map = map, .changes = &change, .count = 1, .done = on_written }, kit
	};
	kit->pending++;
	slv_omap_write(kit->loop, &writing.batch);
	wait(kit);
	assert_int_equal(kit->err.code, SLV_E_NONE);
}

/* So many rows at once, with the keys that key_of() makes of their numbers. */
static void put_many(struct kit *kit, struct slv_omap *map, size_t count,
		void (*key_of)(size_t number, char key[static 8]), slv_str value)
{
	struct slv_omap_change *changes = slv_alloc(count * sizeof(*changes));
	char(*keys)[8] = slv_alloc(count * sizeof(*keys));
	for (size_t i = 0; i < count; i++) {
		key_of(i, keys[i]);
		changes[i] = (struct slv_omap_change){ .key = slv_str_from(keys[i]),
			.value = value };
	}
	struct writing writing = {
		{ .map = map, .changes = changes, .count = count, .done = on_written }, kit
	};
	kit->pending++;
	slv_omap_write(kit->loop, &writing.batch);
	wait(kit);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	slv_free(changes);
	slv_free(keys);
}

struct reading {
	struct slv_omap_read read;
	struct kit *kit;
};

static void on_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct kit *kit = SLV_CONTAINER(read, struct reading, read)->kit;
	assert_int_equal(err.code, SLV_E_NONE);
	if (kit->rows)
		kit->rows->hold.drop(&kit->rows->hold);
	kit->rows = rows;
	kit->pending--;
}

/* The row; version 0: there is none. Until the next call. */
static const struct slv_omap_row *row(struct kit *kit, struct slv_omap *map, slv_str key)
{
	struct reading reading = { { .map = map,
						   .what = SLV_OMAP_GET,
						   .keys = &key,
						   .count = 1,
						   .rows_max = 1,
						   .bodies = true,
						   .done = on_read },
		kit };
	kit->pending++;
	slv_omap_read(kit->loop, &reading.read);
	wait(kit);
	return &kit->rows->at[0];
}

static bool has(struct kit *kit, struct slv_omap *map, const char *key)
{
	return row(kit, map, slv_str_from(key))->version > 0;
}

/* --- things in a bucket --- */

static void put_bucket_row(struct kit *kit, const char *name, const char *id, const char *rules)
{
	struct object_bucket bucket = { .created_ms = kit->wall_ms };
	struct slv_buf value;
	char key[70], body[2000];
	(void)snprintf(key, sizeof(key), "b/%s", name); /* these fit */
	memcpy(bucket.id, id, OBJECT_ID_BYTES);
	slv_buf_init(&value, 100);
	object_bucket_write(&bucket, &value);
	int len = snprintf(body, sizeof(body),
			"%c<LifecycleConfiguration>%s</LifecycleConfiguration>%c", 0, rules, 0);
	put(kit, kit->self.buckets, slv_str_from(key), slv_buf_str(&value),
			(slv_str){ body, rules[0] ? (size_t)len : 0 });
	slv_buf_done(&value);
}

static void put_bucket(struct kit *kit, const char *name, const char *id, const char *rules)
{
	put_bucket_row(kit, name, id, rules);
	put(kit, map_of(kit, id), SLV_STR("a"), (slv_str){ 0 }, (slv_str){ 0 });
}

static void put_thing(struct kit *kit, struct slv_omap *map, slv_str key, struct object_meta meta)
{
	struct slv_buf buf;
	slv_buf_init(&buf, OBJECT_ROW_BYTES_MAX);
	assert_false(slv_failed(object_meta_write(&meta, &buf)));
	put(kit, map, key, slv_buf_str(&buf), (slv_str){ 0 });
	slv_buf_done(&buf);
}

static void put_object(struct kit *kit, const char *id, const char *row_key, int64_t modified_ms)
{
	put_thing(kit, map_of(kit, id), slv_str_from(row_key),
			(struct object_meta){ .modified_ms = modified_ms });
}

static void on_blob(void *arg, slv_err err)
{
	struct kit *kit = arg;
	assert_int_equal(err.code, SLV_E_NONE);
	kit->pending--;
}

static void on_finished(void *arg, slv_err err, const struct slv_blob_ref *ref)
{
	struct kit *kit = arg;
	assert_int_equal(err.code, SLV_E_NONE);
	kit->ref = *ref;
	kit->pending--;
}

static struct slv_blob_id make_blob(struct kit *kit)
{
	struct slv_blob_writer *writer;
	assert_false(slv_failed(slv_blob_writer_new(kit->loop, kit->blobs, &writer)));
	kit->pending++;
	slv_blob_write(writer, SLV_STR("bytes"), on_blob, kit);
	wait(kit);
	kit->pending++;
	slv_blob_finish(writer, on_finished, kit);
	wait(kit);
	slv_blob_writer_free(writer);
	return kit->ref.id;
}

struct listing {
	struct slv_blob_list list;
	struct kit *kit;
};

static void on_listed(struct slv_blob_list *list, slv_err err, const struct slv_blob_listed *listed,
		size_t count)
{
	struct kit *kit = SLV_CONTAINER(list, struct listing, list)->kit;
	(void)listed;
	assert_int_equal(err.code, SLV_E_NONE);
	kit->listed += count;
	kit->pending--;
}

/* Blobs that are there; those that are being removed may be among them. */
static size_t count_blobs(struct kit *kit)
{
	kit->listed = 0;
	for (unsigned i = 0; i < SLV_BLOB_SHARDS; i++) {
		struct listing listing = { { .blobs = kit->blobs, .shard = i, .done = on_listed },
			kit };
		kit->pending++;
		slv_blob_list(kit->loop, &listing.list);
		wait(kit);
	}
	return kit->listed;
}

static void has_blobs(struct kit *kit, size_t count)
{
	unsigned tries = 0;
	while (count_blobs(kit) != count && tries++ < 2000)
		usleep(1000);
	assert_int_equal(kit->listed, count);
}

/* --- the sweep --- */

static void turn(struct kit *kit)
{
	kit->now_ms += 5;
	slv_loop_turn(kit->loop, false);
	usleep(50);
}

static void mark_end(struct kit *kit)
{
	put(kit, kit->self.buckets, SLV_STR("r/" LAST), (slv_str){ 0 }, (slv_str){ 0 });
}

/* Go on until the remains of the last bucket are away: within `ms` of the loop's clock, which goes
 * on when what the stores have been asked for is done, however long that takes. */
static bool ends(struct kit *kit, uint64_t ms)
{
	uint64_t until_ms = kit->now_ms + ms;
	while (kit->now_ms < until_ms) {
		for (int i = 0; i < 20; i++)
			turn(kit);
		slv_loop_stop(kit->loop);
		slv_loop_run(kit->loop);
		if (!has(kit, kit->self.buckets, "r/" LAST))
			return true;
	}
	return false;
}

/* A pass from its beginning to its end. The first one comes by itself. */
static void pass(struct kit *kit)
{
	mark_end(kit);
	if (kit->sweep)
		kit->now_ms += HOUR_MS;
	else
		kit->sweep = object_sweep_new(&kit->self);
	assert_true(ends(kit, 600000));
	for (int i = 0; i < 20; i++) /* it has still to fall asleep */
		turn(kit);
}

#define RULE(prefix, what)                                                                         \
	"<Rule><Prefix>" prefix "</Prefix><Status>Enabled</Status>" what "</Rule>"
#define DAYS(n) "<Expiration><Days>" #n "</Days></Expiration>"
#define DATE(text) "<Expiration><Date>" text "</Date></Expiration>"
#define ABORT(n)                                                                                   \
	"<AbortIncompleteMultipartUpload><DaysAfterInitiation>" #n                                 \
	"</DaysAfterInitiation></AbortIncompleteMultipartUpload>"

static void objects_expire_at_midnight(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = map_of(kit, ONE);
	put_bucket(kit, "one", ONE, RULE("logs/", DAYS(2)));
	put_bucket(kit, "two", TWO, "");
	put_object(kit, ONE, "ologs/old", NOON_MS);
	put_object(kit, ONE, "ologs/new", NOON_MS + DAY_MS);
	put_object(kit, ONE, "olog", NOON_MS);
	put_object(kit, ONE, "ologs0", NOON_MS);
	put_object(kit, TWO, "ologs/old", NOON_MS);
	put_thing(kit, map, SLV_STR("ologs/blob"),
			(struct object_meta){ .modified_ms = NOON_MS,
					.where = OBJECT_BLOB,
					.blob = make_blob(kit) });
	kit->wall_ms = NOON_MS + 5 * DAY_MS / 2 - 1; /* just not midnight */
	pass(kit);
	assert_true(has(kit, map, "ologs/old"));
	has_blobs(kit, 1);

	kit->wall_ms++;
	pass(kit);
	assert_false(has(kit, map, "ologs/old"));
	assert_false(has(kit, map, "ologs/blob"));
	has_blobs(kit, 0);
	assert_true(has(kit, map, "ologs/new"));
	assert_true(has(kit, map, "olog"));
	assert_true(has(kit, map, "ologs0"));
	assert_true(has(kit, map_of(kit, TWO), "ologs/old"));
}

/* Every third one is another kind. */
static void mixed_key(size_t number, char key[static 8])
{
	(void)snprintf(key, 8, "o%c%zu",
			number % 3   ? 'x'
			: number % 2 ? 'w'
				     : 'y',
			number); /* it fits */
}

static void more_than_a_page_expires_in_one_pass(void **state)
{
	struct kit *kit = *state;
	struct slv_buf value;
	struct object_meta meta = { .modified_ms = NOON_MS };
	char key[8];
	slv_buf_init(&value, SLV_KIB(1));
	assert_false(slv_failed(object_meta_write(&meta, &value)));
	put_bucket(kit, "one", ONE, RULE("x", DATE("2020-01-01")));
	put_many(kit, map_of(kit, ONE), 900, mixed_key, slv_buf_str(&value));
	pass(kit);
	for (size_t i = 0; i < 900; i++) {
		mixed_key(i, key);
		assert_true(has(kit, map_of(kit, ONE), key) == (key[1] != 'x'));
	}
	slv_buf_done(&value);
}

static void plain_key(size_t number, char key[static 8])
{
	(void)snprintf(key, 8, "x%zu", number); /* it fits */
}

/* Both writes wait behind a large one for the map, while the sweep reads what was there before. */
static void what_is_written_meanwhile_lives(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = map_of(kit, ONE);
	struct slv_omap_change *many = slv_alloc(8000 * sizeof(*many));
	char(*keys)[8] = slv_alloc(8000 * sizeof(*keys));
	struct slv_buf row_of_new;
	struct object_meta meta = { .modified_ms = NOON_MS + 100 * DAY_MS };
	put_bucket(kit, "one", ONE, RULE("", DAYS(1)));
	put_object(kit, ONE, "obefore", NOON_MS);
	put_object(kit, ONE, "olives", NOON_MS);
	put_object(kit, ONE, "oz", NOON_MS);
	kit->wall_ms = NOON_MS + 50 * DAY_MS;
	mark_end(kit);
	kit->sweep = object_sweep_new(&kit->self);
	slv_buf_init(&row_of_new, SLV_KIB(1));
	assert_false(slv_failed(object_meta_write(&meta, &row_of_new)));
	for (int i = 0; i < 8000; i++) {
		plain_key((size_t)i, keys[i]);
		many[i] = (struct slv_omap_change){ .key = slv_str_from(keys[i]) };
	}
	struct slv_omap_change change = { .key = SLV_STR("olives"),
		.value = slv_buf_str(&row_of_new) };
	struct writing first = { { .map = map, .changes = many, .count = 8000, .done = on_written },
		kit };
	struct writing second = {
		{ .map = map, .changes = &change, .count = 1, .done = on_written }, kit
	};
	kit->pending += 2;
	slv_omap_write(kit->loop, &first.batch);
	slv_omap_write(kit->loop, &second.batch);
	kit->now_ms += 1000; /* the sweep begins */
	while (kit->pending)
		turn(kit);
	assert_true(ends(kit, 600000));
	assert_false(has(kit, map, "obefore"));
	assert_false(has(kit, map, "oz"));
	assert_true(has(kit, map, "olives"));
	slv_buf_done(&row_of_new);
	slv_free(many);
	slv_free(keys);
}

static void put_part(struct kit *kit, struct slv_omap *map, uint32_t number)
{
	char room[OBJECT_PART_KEY_BYTES];
	put_thing(kit, map, object_part_key(SLV_STR(UP), number, room),
			(struct object_meta){ .where = OBJECT_BLOB, .blob = make_blob(kit) });
}

static bool has_part(struct kit *kit, struct slv_omap *map, uint32_t number)
{
	char room[OBJECT_PART_KEY_BYTES];
	return row(kit, map, object_part_key(SLV_STR(UP), number, room))->version > 0;
}

static void an_object_in_parts_expires_with_them(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = map_of(kit, ONE);
	kit->settings.keep_replaced_s = 3600;
	struct object_meta meta = { .modified_ms = NOON_MS, .where = OBJECT_PARTS, .parts = 2 };
	memcpy(meta.upload, UP, OBJECT_ID_BYTES);
	put_bucket(kit, "one", ONE, RULE("", DAYS(1)));
	put_thing(kit, map, SLV_STR("ok"), meta);
	put_part(kit, map, 1);
	put_part(kit, map, 10000);
	pass(kit);
	assert_true(has_part(kit, map, 1));
	kit->wall_ms += 3 * DAY_MS;
	pass(kit);
	assert_false(has(kit, map, "ok"));
	assert_true(has_part(kit, map, 1)); /* who reads it goes on */
	kit->wall_ms += HOUR_MS;
	pass(kit);
	assert_false(has_part(kit, map, 1));
	assert_false(has_part(kit, map, 10000));
	assert_false(has(kit, map, "r" UP));
	has_blobs(kit, 0);
}

/* `since_ms` 0: nobody reads them. */
static void note_remains(struct kit *kit, const char *upload, int64_t since_ms)
{
	char key[OBJECT_PART_KEY_BYTES], room[SLV_U64_DIGITS];
	slv_str since = slv_str_of_u64((uint64_t)since_ms, room);
	put(kit, map_of(kit, ONE), object_remains_key(slv_str_from(upload), key),
			since_ms ? since : (slv_str){ 0 }, (slv_str){ 0 });
}

#define FIRST "00000000000000000000000000000000"

static void parts_stay_for_who_reads_them(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = map_of(kit, ONE);
	char upload[OBJECT_ID_BYTES + 1];
	kit->settings.keep_replaced_s = 3600;
	put_bucket(kit, "one", ONE, "");
	put_part(kit, map, 1);
	for (int i = 0; i < 600; i++) { /* more than a page before it */
		(void)snprintf(upload, sizeof(upload), "0%031d", i); /* it fits */
		note_remains(kit, upload, NOON_MS + 1);
	}
	note_remains(kit, UP, NOON_MS);
	note_remains(kit, TWO, 0); /* an upload that was given up */
	kit->wall_ms = NOON_MS + HOUR_MS - 1;
	pass(kit);
	assert_true(has_part(kit, map, 1));
	assert_false(has(kit, map, "r" TWO));
	kit->wall_ms++;
	pass(kit);
	assert_false(has_part(kit, map, 1));
	assert_false(has(kit, map, "r" UP));
	assert_true(has(kit, map, "r" FIRST));
	has_blobs(kit, 0);
	kit->wall_ms++;
	pass(kit);
	assert_false(has(kit, map, "r" FIRST));
}

static void put_upload(struct kit *kit, const char *id, const char *key, int64_t began_ms)
{
	char room[OBJECT_ROW_KEY_BYTES_MAX];
	put_thing(kit, map_of(kit, id), object_upload_key(slv_str_from(key), SLV_STR(UP), room),
			(struct object_meta){ .modified_ms = began_ms });
}

static bool has_upload(struct kit *kit, const char *id, const char *key)
{
	char room[OBJECT_ROW_KEY_BYTES_MAX];
	slv_str row_key = object_upload_key(slv_str_from(key), SLV_STR(UP), room);
	return row(kit, map_of(kit, id), row_key)->version > 0;
}

static void uploads_are_given_up(void **state)
{
	struct kit *kit = *state;
	put_bucket(kit, "one", ONE, "");
	put_bucket(kit, "two", TWO, RULE("x", ABORT(1)));
	put_upload(kit, ONE, "x", NOON_MS);
	put_upload(kit, TWO, "x", NOON_MS);
	put_upload(kit, TWO, "y", NOON_MS);
	put_part(kit, map_of(kit, ONE), 3);
	kit->wall_ms = NOON_MS + 3 * DAY_MS / 2;
	pass(kit);
	assert_true(has_upload(kit, ONE, "x"));
	assert_false(has_upload(kit, TWO, "x"));
	assert_true(has_upload(kit, TWO, "y"));
	kit->wall_ms = NOON_MS + 15 * DAY_MS / 2 - 1;
	pass(kit);
	assert_true(has_upload(kit, ONE, "x"));
	assert_true(has_part(kit, map_of(kit, ONE), 3));
	kit->wall_ms++;
	pass(kit);
	assert_false(has_upload(kit, ONE, "x"));
	assert_false(has_part(kit, map_of(kit, ONE), 3));
	assert_false(has(kit, map_of(kit, ONE), "r" UP));
	assert_true(has_upload(kit, TWO, "y")); /* the bucket's rules say so */
	has_blobs(kit, 0);
}

static void damaged_rules_remove_nothing(void **state)
{
	struct kit *kit = *state;
	put_bucket(kit, "one", ONE, RULE("", DAYS(1)) "<Nonsense/>");
	put_object(kit, ONE, "ok", NOON_MS);
	put_upload(kit, ONE, "x", NOON_MS);
	kit->wall_ms += 100 * DAY_MS;
	pass(kit);
	assert_true(has(kit, map_of(kit, ONE), "ok"));
	assert_true(has_upload(kit, ONE, "x"));
}

struct naming {
	struct slv_omap_list list;
	struct kit *kit;
};

static void on_named(struct slv_omap_list *list, slv_err err, struct slv_omap_rows *rows)
{
	struct kit *kit = SLV_CONTAINER(list, struct naming, list)->kit;
	assert_int_equal(err.code, SLV_E_NONE);
	kit->listed = rows->count;
	rows->hold.drop(&rows->hold);
	kit->pending--;
}

static size_t count_maps(struct kit *kit)
{
	struct naming naming = { { .omaps = kit->maps, .rows_max = 100, .done = on_named }, kit };
	kit->pending++;
	slv_omap_list(kit->loop, &naming.list);
	wait(kit);
	return kit->listed;
}

static void of_a_removed_bucket_nothing_is_left(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = map_of(kit, ONE);
	put_bucket(kit, "two", TWO, "");
	put_object(kit, TWO, "ok", NOON_MS);
	put(kit, kit->self.buckets, SLV_STR("r/" ONE), (slv_str){ 0 }, (slv_str){ 0 });
	put(kit, map, SLV_STR("c"), SLV_STR("1"), (slv_str){ 0 });
	put_many(kit, map, 700, plain_key, (slv_str){ 0 }); /* more than a page */
	put_part(kit, map, 1);
	put_part(kit, map, 2);
	put_upload(kit, ONE, "x", NOON_MS);
	has_blobs(kit, 2);
	assert_int_equal(count_maps(kit), 3);
	pass(kit);
	assert_false(has(kit, kit->self.buckets, "r/" ONE));
	assert_int_equal(count_maps(kit), 2);
	has_blobs(kit, 0);
	assert_true(has(kit, map_of(kit, TWO), "ok"));
}

/* --- what replaced rows leave behind --- */

static void clean_object_in_parts(struct kit *kit, const char *id)
{
	struct object_meta meta = { .where = OBJECT_PARTS, .parts = 1 };
	struct slv_buf value;
	memcpy(meta.upload, UP, OBJECT_ID_BYTES);
	slv_buf_init(&value, SLV_KIB(1));
	assert_false(slv_failed(object_meta_write(&meta, &value)));
	struct slv_omap_row gone = {
		.key = SLV_STR("ok"), .value = slv_buf_str(&value), .version = 1
	};
	struct slv_omap_rows rows = { .count = 1, .at = &gone };
	object_clean(&kit->self, map_of(kit, id), &rows);
	slv_buf_done(&value);
	slv_loop_stop(kit->loop);
	slv_loop_run(kit->loop); /* until nothing is under way */
}

static void what_is_replaced_is_noted_in_a_bucket_that_is_there(void **state)
{
	struct kit *kit = *state;
	kit->settings.keep_replaced_s = 1;
	clean_object_in_parts(kit, ONE); /* the bucket is gone */
	assert_false(has(kit, map_of(kit, ONE), "r" UP));
	put(kit, map_of(kit, ONE), SLV_STR("c"), SLV_STR("1"), (slv_str){ 0 });
	clean_object_in_parts(kit, ONE); /* it is being removed, but may stay */
	assert_true(has(kit, map_of(kit, ONE), "r" UP));
	put(kit, map_of(kit, TWO), SLV_STR("a"), (slv_str){ 0 }, (slv_str){ 0 });
	clean_object_in_parts(kit, TWO);
	char since[SLV_U64_DIGITS];
	slv_str now = slv_str_of_u64(NOON_MS, since);
	assert_true(slv_str_eq(row(kit, map_of(kit, TWO), SLV_STR("r" UP))->value, now));
}

/* --- buckets that were left closed --- */

/* As DeleteBucket does, at that time; empty: CreateBucket died before it was open. */
static void close_bucket(struct kit *kit, const char *id, const char *since)
{
	struct slv_omap_change changes[2] = { { .what = SLV_OMAP_REMOVE, .key = SLV_STR("a") },
		{ .key = SLV_STR("c"), .value = slv_str_from(since) } };
	struct writing writing = { { .map = map_of(kit, id),
						   .changes = changes,
						   .count = since[0] ? 2 : 1,
						   .done = on_written },
		kit };
	kit->pending++;
	slv_omap_write(kit->loop, &writing.batch);
	wait(kit);
	assert_int_equal(kit->err.code, SLV_E_NONE);
}

static void opens_a_minute_later(struct kit *kit, const char *since)
{
	struct slv_omap *map = map_of(kit, ONE);
	put_bucket(kit, "one", ONE, RULE("x", DAYS(1)));
	uint64_t version = row(kit, kit->self.buckets, SLV_STR("b/one"))->version;
	close_bucket(kit, ONE, since);
	kit->wall_ms += MINUTE_MS - 1;
	pass(kit);
	assert_false(has(kit, map, "a"));
	assert_int_equal(row(kit, kit->self.buckets, SLV_STR("b/one"))->version, version);

	/* It does not wait for the next hour. */
	kit->wall_ms++;
	mark_end(kit);
	assert_true(ends(kit, 2 * MINUTE_MS));
	assert_true(has(kit, map, "a"));
	assert_false(has(kit, map, "c"));
	/* Who removes it at this moment finds another row, of the same bucket. */
	const struct slv_omap_row *bucket = row(kit, kit->self.buckets, SLV_STR("b/one"));
	assert_true(bucket->version > version);
	assert_ptr_equal(object_map(&kit->self, bucket->value), map);
	assert_true(object_config(bucket->body, OBJECT_LIFECYCLE).len > 0);
}

static void a_bucket_that_was_left_closed_is_opened(void **state)
{
	struct kit *kit = *state;
	char since[30];
	(void)snprintf(since, sizeof(since), "%lld", (long long)kit->wall_ms); /* it fits */
	opens_a_minute_later(kit, since);
}

static void a_bucket_that_was_never_opened_is_opened(void **state)
{
	opens_a_minute_later(*state, "");
}

static void a_clock_that_was_put_back_leaves_no_bucket_closed(void **state)
{
	struct kit *kit = *state;
	char since[30];
	(void)snprintf(since, sizeof(since), "%lld",
			(long long)kit->wall_ms + 3 * MINUTE_MS); /* it fits */
	put_bucket(kit, "one", ONE, "");
	close_bucket(kit, ONE, since);
	pass(kit);
	assert_true(has(kit, map_of(kit, ONE), "a"));
}

/* --- trouble --- */

static void a_bucket_that_cannot_be_read_does_not_stop_the_others(void **state)
{
	struct kit *kit = *state;
	char path[120];
	put_bucket(kit, "one", ONE, RULE("", DAYS(1)));
	put_bucket(kit, "two", TWO, RULE("", DAYS(1)));
	put_object(kit, TWO, "ok", NOON_MS);
	put(kit, kit->self.buckets, SLV_STR("b/bad"), SLV_STR("\1bad"), (slv_str){ 0 });
	put(kit, kit->self.buckets, SLV_STR("b/nonsense"), SLV_STR("nonsense"), (slv_str){ 0 });
	(void)snprintf(path, sizeof(path), "%s/maps/s3-%s.db", kit->folder, NO_MAP); /* it fits */
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(write(fd, "no database ", 12), 12);
	close(fd);
	put_bucket_row(kit, "broken", NO_MAP, "");
	kit->wall_ms += 3 * DAY_MS;
	pass(kit);
	assert_false(has(kit, map_of(kit, TWO), "ok"));
	/* It comes back for the broken one. */
	mark_end(kit);
	assert_true(ends(kit, 2 * MINUTE_MS));
}

/* Wherever it is, it ends; the sanitizer sees whether anything is left. */
static void it_stops_at_any_moment(void **state)
{
	struct kit *kit = *state;
	for (int turns = 0; turns < 120; turns += 3) {
		char key[OBJECT_PART_KEY_BYTES];
		put_bucket(kit, "one", ONE, RULE("", DAYS(1)));
		put_object(kit, ONE, "ok", NOON_MS);
		put_upload(kit, ONE, "x", NOON_MS);
		put(kit, map_of(kit, ONE), object_part_key(SLV_STR(UP), 1, key), (slv_str){ 0 },
				(slv_str){ 0 });
		mark_end(kit);
		kit->wall_ms = NOON_MS + 30 * DAY_MS;
		struct object_sweep *sweep = object_sweep_new(&kit->self);
		kit->now_ms += 1000;
		for (int i = 0; i < turns; i++)
			turn(kit);
		object_sweep_free(sweep);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(objects_expire_at_midnight),
		TEST(more_than_a_page_expires_in_one_pass),
		TEST(what_is_written_meanwhile_lives),
		TEST(an_object_in_parts_expires_with_them),
		TEST(parts_stay_for_who_reads_them),
		TEST(what_is_replaced_is_noted_in_a_bucket_that_is_there),
		TEST(uploads_are_given_up),
		TEST(damaged_rules_remove_nothing),
		TEST(of_a_removed_bucket_nothing_is_left),
		TEST(a_bucket_that_was_left_closed_is_opened),
		TEST(a_bucket_that_was_never_opened_is_opened),
		TEST(a_clock_that_was_put_back_leaves_no_bucket_closed),
		TEST(a_bucket_that_cannot_be_read_does_not_stop_the_others),
		TEST(it_stops_at_any_moment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
