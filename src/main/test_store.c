#include "base/fd.h"
#include "base/mem.h"
#include "base/testing.h"
#include "main/store.h"
#include "main/store_folder.h"
#include "service/kv/row.h"
#include "service/object/meta.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define BLOB_BYTES 100
#define MAP "kv-0123456789abcdef0123456789abcdef"

/* Two stores in folders of their own, and a clock that is two days ahead of the disk's. */
struct kit {
	struct slv_loop_world world;
	struct store_tool tool;
	struct store stores[2];
	char folder[40];
};

static int64_t two_days_ahead(void *arg)
{
	(void)arg;
	struct timespec now;
	assert_int_equal(clock_gettime(CLOCK_REALTIME, &now), 0);
	return (int64_t)now.tv_sec * 1000 + 2 * DAY_MS;
}

static void open_one(struct kit *kit, int number)
{
	char maps[80], blobs[80];
	struct store *store = &kit->stores[number];
	snprintf(maps, sizeof(maps), "sqlite:%s/maps%d", kit->folder, number);
	snprintf(blobs, sizeof(blobs), "file:%s/blobs%d", kit->folder, number);
	assert_false(slv_failed(slv_omaps_open(slv_str_from(maps),
			slv_loop_hash_key(kit->tool.loop), NULL, &store->maps)));
	assert_false(slv_failed(
			slv_blobs_open(slv_str_from(blobs), SLV_STR(""), NULL, &store->blobs)));
}

static int set_up(void **state)
{
	struct kit *kit = SLV_ALLOC(struct kit);
	snprintf(kit->folder, sizeof(kit->folder), "/tmp/selvedge-store-XXXXXX");
	assert_non_null(mkdtemp(kit->folder));
	kit->world.wall_ms = two_days_ahead;
	kit->tool.name = "test";
	kit->tool.loop = slv_loop_new(0, NULL, &kit->world);
	slv_arena_init(&kit->tool.arena, SLV_KIB(4), SLV_MIB(1));
	open_one(kit, 0);
	open_one(kit, 1);
	*state = kit;
	return 0;
}

static int tear_down(void **state)
{
	struct kit *kit = *state;
	char command[80];
	slv_loop_free(kit->tool.loop);
	for (int i = 0; i < 2; i++) {
		slv_omaps_close(kit->stores[i].maps);
		slv_blobs_close(kit->stores[i].blobs);
	}
	slv_arena_done(&kit->tool.arena);
	snprintf(command, sizeof(command), "rm -r %s", kit->folder);
	assert_int_equal(system(command), 0);
	slv_free(kit);
	return 0;
}

static void good(slv_err err)
{
	if (slv_failed(err))
		fail_msg("%s", err.what);
}

/* Its first byte tells the shard. */
static struct slv_blob_id id_of(unsigned number)
{
	struct slv_blob_id id = { { 0 } };
	id.bytes[0] = (uint8_t)(number * 37);
	id.bytes[1] = (uint8_t)number;
	return id;
}

static void put_blob(struct kit *kit, unsigned number)
{
	static const char bytes[BLOB_BYTES] = "bytes";
	struct slv_blob_id id = id_of(number);
	struct slv_blob_writer *writer;
	good(slv_blob_writer_new_as(kit->tool.loop, kit->stores[0].blobs, &id, &writer));
	good(store_blob_write(&kit->tool, writer, (slv_str){ bytes, sizeof(bytes) }));
	good(store_blob_finish(&kit->tool, writer));
	slv_blob_writer_free(writer);
}

/* A key whose value is that blob. */
static void put_row(struct kit *kit, unsigned number)
{
	char key[20], value[KV_ROW_BYTES_MAX];
	struct kv_meta meta = { .len = BLOB_BYTES, .has_blob = true, .blob = id_of(number) };
	snprintf(key, sizeof(key), "k%u", number);
	struct slv_omap_change change = { .what = SLV_OMAP_PUT,
		.key = slv_str_from(key),
		.value = { value, kv_meta_write(&meta, value) } };
	struct slv_omap_batch batch = { .map = slv_omap_named(kit->stores[0].maps, SLV_STR(MAP)),
		.changes = &change,
		.count = 1 };
	good(store_write(&kit->tool, &batch));
}

/* --- what rows name --- */

static void rows_of_values_name_their_blobs(void **state)
{
	(void)state;
	char row[KV_ROW_BYTES_MAX];
	struct kv_meta meta = { .len = 7, .has_blob = true, .blob = id_of(3) };
	slv_str value = { row, kv_meta_write(&meta, row) };
	struct slv_blob_ref ref;
	bool has;
	good(store_ref_read(SLV_STR(MAP), SLV_STR("kkey"), value, &has, &ref));
	assert_true(has);
	assert_int_equal(ref.len, 7);
	assert_memory_equal(&ref.id, &meta.blob, sizeof(ref.id));
	good(store_ref_read(SLV_STR(MAP), SLV_STR("xkey"), (slv_str){ 0 }, &has, &ref));
	assert_false(has);
	meta.has_blob = false;
	value.len = kv_meta_write(&meta, row);
	good(store_ref_read(SLV_STR(MAP), SLV_STR("kkey"), value, &has, &ref));
	assert_false(has);
	row[0]++; /* of another format */
	slv_err err = store_ref_read(SLV_STR(MAP), SLV_STR("kkey"), value, &has, &ref);
	assert_int_equal(err.code, SLV_E_CORRUPT);
}

static void rows_of_objects_and_parts_name_their_blobs(void **state)
{
	(void)state;
	static const struct {
		const char *key;
		int where;
		bool names;
	} table[] = {
		{ "okey", OBJECT_BLOB, true },
		{ "okey", OBJECT_INLINE, false },
		{ "okey", OBJECT_PARTS, false },
		{ "p0123456789abcdef0123456789abcdef__", OBJECT_BLOB, true },
		{ "ukey", OBJECT_BLOB, false },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct object_meta meta = { .len = 9, .blob = id_of(5) };
		struct slv_blob_ref ref;
		struct slv_buf row;
		bool has;
		meta.where = table[i].where;
		slv_buf_init(&row, SLV_KIB(1));
		good(object_meta_write(&meta, &row));
		good(store_ref_read(SLV_STR("s3-1"), slv_str_from(table[i].key), slv_buf_str(&row),
				&has, &ref));
		assert_int_equal(has, table[i].names);
		if (has)
			assert_memory_equal(&ref.id, &meta.blob, sizeof(ref.id));
		slv_buf_done(&row);
	}
}

static void maps_of_services_are_known_and_no_others(void **state)
{
	(void)state;
	static const char *const known[] = { "account", "kv", MAP, "s3", "s3-1" };
	static const char *const unknown[] = { "", "accounts", "k", "kvx", "s", "s4-1", "queue" };
	for (size_t i = 0; i < SLV_COUNT(known); i++)
		assert_true(store_knows(slv_str_from(known[i])));
	for (size_t i = 0; i < SLV_COUNT(unknown); i++)
		assert_false(store_knows(slv_str_from(unknown[i])));
}

/* --- words --- */

static void keys_can_be_printed_whatever_is_in_them(void **state)
{
	struct kit *kit = *state;
	static const struct {
		slv_str key;
		const char *want;
	} table[] = {
		{ SLV_STR_INIT("a key/~"), "\"a key/~\"" },
		{ SLV_STR_INIT("\"\\"), "\"\\x22\\x5c\"" },
		{ SLV_STR_INIT("\0\x1b\x7f\xc3\xa4"), "\"\\x00\\x1b\\x7f\\xc3\\xa4\"" },
		{ SLV_STR_INIT(""), "\"\"" },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++)
		assert_string_equal(store_printable(&kit->tool, table[i].key), table[i].want);
}

static void sizes_are_told_in_units_of_1024(void **state)
{
	(void)state;
	static const struct {
		uint64_t bytes;
		const char *want;
	} table[] = {
		{ 0, "0 bytes" },
		{ 1023, "1023 bytes" },
		{ 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ UINT64_C(5) << 30, "5.0 GiB" },
		{ UINT64_C(3000) << 40, "3000.0 TiB" },
	};
	char text[STORE_SIZE_BYTES];
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		store_size(table[i].bytes, text);
		assert_string_equal(text, table[i].want);
	}
}

/* --- checking --- */

static void a_store_of_more_blobs_than_are_held_at_once_is_walked_in_parts(void **state)
{
	struct kit *kit = *state;
	enum { ALL = 40, MISSING = 7, ORPHAN = 11 };
	static const size_t maxima[] = { 1, 10, 39, 40, 1000 };
	for (unsigned i = 0; i < ALL; i++) {
		if (i != MISSING)
			put_blob(kit, i);
		if (i != ORPHAN)
			put_row(kit, i);
	}
	for (size_t i = 0; i < SLV_COUNT(maxima); i++) {
		struct store_check how = { .orphan_age_s = DAY_MS / 1000, .blobs_max = maxima[i] };
		memset(&kit->tool.count, 0, sizeof(kit->tool.count));
		good(store_check(&kit->tool, &kit->stores[0], &how));
		assert_int_equal(kit->tool.count.maps, 1);
		assert_int_equal(kit->tool.count.rows, ALL - 1);
		assert_int_equal(kit->tool.count.blobs, ALL - 2);
		assert_int_equal(kit->tool.count.missing, 1);
		assert_int_equal(kit->tool.count.orphans, 1);
		assert_int_equal(kit->tool.count.damaged, 0);
	}
	struct store_check how = { .repairs = true, .orphan_age_s = 3 * DAY_MS / 1000 };
	memset(&kit->tool.count, 0, sizeof(kit->tool.count));
	good(store_check(&kit->tool, &kit->stores[0], &how)); /* nothing is that old */
	assert_int_equal(kit->tool.count.orphans, 0);
	how.orphan_age_s = DAY_MS / 1000;
	good(store_check(&kit->tool, &kit->stores[0], &how));
	assert_int_equal(kit->tool.count.removed, 1);
	struct slv_blob_ref ref = { id_of(ORPHAN), BLOB_BYTES };
	slv_err err = store_blob_look(&kit->tool, kit->stores[0].blobs, &ref);
	assert_int_equal(err.code, SLV_E_MISSING);
	ref.id = id_of(ORPHAN + 1);
	good(store_blob_look(&kit->tool, kit->stores[0].blobs, &ref));
}

/* --- parts --- */

#define BUCKET "s3-00112233445566778899aabbccddeeff"

static slv_str upload_of(unsigned number, char room[static OBJECT_ID_BYTES + 1])
{
	snprintf(room, OBJECT_ID_BYTES + 1, "%032x", number);
	return (slv_str){ room, OBJECT_ID_BYTES };
}

static void put_in_bucket(struct kit *kit, slv_str key, const struct object_meta *meta)
{
	struct slv_buf value;
	slv_buf_init(&value, OBJECT_ROW_BYTES_MAX);
	if (meta)
		good(object_meta_write(meta, &value));
	struct slv_omap_change change = {
		.what = SLV_OMAP_PUT, .key = key, .value = slv_buf_str(&value)
	};
	struct slv_omap_batch batch = { .map = slv_omap_named(kit->stores[0].maps, SLV_STR(BUCKET)),
		.changes = &change,
		.count = 1 };
	good(store_write(&kit->tool, &batch));
	slv_buf_done(&value);
}

enum part_of { OF_OBJECT, OF_UPLOAD, OF_REMAINS, OF_NOTHING, PARTS_OF };

/* Uploads by number, of each kind in turn, with two parts each. */
static void put_uploads(struct kit *kit, unsigned count)
{
	struct object_meta part = { .len = 5 };
	for (unsigned i = 0; i < count; i++) {
		char id[OBJECT_ID_BYTES + 1], key[OBJECT_ROW_KEY_BYTES_MAX], name[20];
		slv_str upload = upload_of(i, id);
		struct object_meta object = { .len = 10, .where = OBJECT_PARTS };
		memcpy(object.upload, id, OBJECT_ID_BYTES);
		snprintf(name, sizeof(name), "key%u", i);
		put_in_bucket(kit, object_part_key(upload, 1, key), &part);
		put_in_bucket(kit, object_part_key(upload, 2, key), &part);
		if (i % PARTS_OF == OF_OBJECT)
			put_in_bucket(kit, object_row_key(slv_str_from(name), key), &object);
		else if (i % PARTS_OF == OF_UPLOAD)
			put_in_bucket(kit, object_upload_key(slv_str_from(name), upload, key),
					&part);
		else if (i % PARTS_OF == OF_REMAINS)
			put_in_bucket(kit, object_remains_key(upload, key), NULL);
	}
}

static void check_parts(struct kit *kit, struct store_check how, uint64_t left, uint64_t noted)
{
	memset(&kit->tool.count, 0, sizeof(kit->tool.count));
	good(store_check(&kit->tool, &kit->stores[0], &how));
	assert_int_equal(kit->tool.count.left, left);
	assert_int_equal(kit->tool.count.noted, noted);
	assert_int_equal(kit->tool.count.damaged, 0);
}

static void parts_that_nothing_names_are_found_and_noted(void **state)
{
	struct kit *kit = *state;
	enum { ALL = 40, LEFT = ALL / PARTS_OF };
	static const size_t maxima[] = { 1, 3, ALL - 1, ALL, 1000 };
	put_uploads(kit, ALL);
	check_parts(kit, (struct store_check){ .blobs_max = 1000, .repairs = true }, 0, 0);
	put_in_bucket(kit, SLV_STR(OBJECT_OPEN_KEY), NULL); /* now it is a bucket */
	for (size_t i = 0; i < SLV_COUNT(maxima); i++)
		check_parts(kit, (struct store_check){ .blobs_max = maxima[i] }, LEFT, 0);
	check_parts(kit, (struct store_check){ .blobs_max = 7, .repairs = true }, LEFT, LEFT);
	check_parts(kit, (struct store_check){ .blobs_max = 7, .repairs = true }, 0, 0);

	char id[OBJECT_ID_BYTES + 1], key[OBJECT_PART_KEY_BYTES];
	for (unsigned i = 0; i < ALL; i++) {
		slv_str wanted = object_remains_key(upload_of(i, id), key);
		struct slv_omap_rows *rows;
		struct slv_omap_read read = { .map = slv_omap_named(
							      kit->stores[0].maps, SLV_STR(BUCKET)),
			.what = SLV_OMAP_GET,
			.keys = &wanted,
			.count = 1,
			.rows_max = 1 };
		uint64_t since_ms;
		good(store_read(&kit->tool, &read, &rows));
		bool noted = i % PARTS_OF == OF_REMAINS || i % PARTS_OF == OF_NOTHING;
		assert_int_equal(rows->at[0].version > 0, noted);
		if (i % PARTS_OF == OF_NOTHING) /* who reads them still has his time */
			assert_true(slv_str_u64(rows->at[0].value, INT64_MAX, &since_ms) &&
					since_ms > 1);
		store_rows_drop(&rows);
	}
}

/* The damaged row might be the one that names them. */
static void beside_what_cannot_be_read_no_parts_are_left(void **state)
{
	struct kit *kit = *state;
	static const char *const keys[] = { "okey9", "ukey9", "rest" };
	struct slv_omap *map = slv_omap_named(kit->stores[0].maps, SLV_STR(BUCKET));
	const struct store_check how = { .blobs_max = 1000, .repairs = true };
	put_uploads(kit, PARTS_OF);
	put_in_bucket(kit, SLV_STR(OBJECT_OPEN_KEY), NULL);
	for (size_t i = 0; i < SLV_COUNT(keys); i++) {
		struct slv_omap_change change = { .what = SLV_OMAP_PUT,
			.key = slv_str_from(keys[i]),
			.value = SLV_STR("of no known form") };
		struct slv_omap_batch batch = { .map = map, .changes = &change, .count = 1 };
		good(store_write(&kit->tool, &batch));
		slv_err err = store_check_parts(&kit->tool, &kit->stores[0], &how, SLV_STR(BUCKET));
		assert_int_equal(err.code, SLV_E_CORRUPT);
		memset(&kit->tool.count, 0, sizeof(kit->tool.count));
		good(store_check(&kit->tool, &kit->stores[0], &how));
		assert_int_equal(kit->tool.count.damaged, 1);
		assert_int_equal(kit->tool.count.left, 0);
		assert_int_equal(kit->tool.count.noted, 0);
		change.what = SLV_OMAP_REMOVE;
		change.value = (slv_str){ 0 };
		good(store_write(&kit->tool, &batch));
	}
	check_parts(kit, how, 1, 1);
}

/* --- copying --- */

static void a_copy_of_an_emptied_store_is_empty(void **state)
{
	struct kit *kit = *state;
	struct slv_omap *map = slv_omap_named(kit->stores[0].maps, SLV_STR(MAP));
	bool has;
	put_blob(kit, 1);
	put_row(kit, 1);
	good(store_copy(&kit->tool, &kit->stores[0], &kit->stores[1]));
	assert_int_equal(kit->tool.count.maps, 1);
	struct slv_blob_ref ref = { id_of(1), BLOB_BYTES };
	good(store_blob_look(&kit->tool, kit->stores[1].blobs, &ref));
	good(store_drop(&kit->tool, map));
	good(store_copy(&kit->tool, &kit->stores[0], &kit->stores[1]));
	good(store_has_maps(&kit->tool, kit->stores[1].maps, &has));
	assert_false(has);
	good(store_has_blobs(&kit->tool, kit->stores[1].blobs, &has));
	assert_false(has);
}

/* --- folders --- */

static void a_backup_is_not_whole_before_its_end_and_has_one_user(void **state)
{
	struct kit *kit = *state;
	struct slv_arena *arena = &kit->tool.arena;
	char path[60];
	snprintf(path, sizeof(path), "%s/backup", kit->folder);
	for (int round = 0; round < 2; round++) { /* also one that was whole before */
		int fd = -1, other = -1;
		good(store_folder_begin(arena, path, &fd));
		assert_int_equal(store_folder_begin(arena, path, &other).code, SLV_E_BUSY);
		assert_int_equal(store_folder_open(arena, path, &other).code, SLV_E_BUSY);
		slv_fd_done(&fd);
		assert_int_equal(store_folder_open(arena, path, &other).code, SLV_E_CONFLICT);
		good(store_folder_begin(arena, path, &fd));
		good(store_folder_end(arena, fd));
		slv_fd_done(&fd);
		good(store_folder_open(arena, path, &fd));
		good(store_folder_open(arena, path, &other)); /* who read share it */
		slv_fd_done(&other);
		assert_int_equal(store_folder_begin(arena, path, &other).code, SLV_E_BUSY);
		slv_fd_done(&fd);
	}
	int fd = -1;
	assert_int_equal(store_folder_begin(arena, kit->folder, &fd).code, SLV_E_CONFLICT);
	assert_int_equal(store_folder_open(arena, kit->folder, &fd).code, SLV_E_CONFLICT);
	assert_int_equal(store_folder_open(arena, "/tmp/none/at/all", &fd).code, SLV_E_MISSING);
	assert_int_equal(fd, -1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_values_name_their_blobs),
		cmocka_unit_test(rows_of_objects_and_parts_name_their_blobs),
		cmocka_unit_test(maps_of_services_are_known_and_no_others),
		TEST(keys_can_be_printed_whatever_is_in_them),
		cmocka_unit_test(sizes_are_told_in_units_of_1024),
		TEST(a_store_of_more_blobs_than_are_held_at_once_is_walked_in_parts),
		TEST(parts_that_nothing_names_are_found_and_noted),
		TEST(beside_what_cannot_be_read_no_parts_are_left),
		TEST(a_copy_of_an_emptied_store_is_empty),
		TEST(a_backup_is_not_whole_before_its_end_and_has_one_user),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
