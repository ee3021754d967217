#include "store/blob/testing.h"

#include "store/cache.h"

#include <stdio.h>
#include <unistd.h>

#define SPAN SLV_BLOB_SPAN_BYTES

static struct slv_cache *remember(struct blobs_kit *kit)
{
	struct slv_cache_conf conf = { .memory_bytes_max = SLV_MIB(64),
		.entry_bytes_max = SLV_MIB(8) };
	struct slv_cache *cache = slv_cache_new(&conf, slv_loop_hash_key(kit->loop));
	slv_blobs_remember(kit->blobs, cache);
	return cache;
}

static void forget(struct blobs_kit *kit, struct slv_cache *cache)
{
	slv_blobs_remember(kit->blobs, NULL);
	slv_cache_free(cache);
}

static void read_all(struct blobs_kit *kit, unsigned number, uint64_t len)
{
	blobs_kit_read(kit, &kit->ref, number, 0, len < SLV_MIB(1) ? (size_t)len : SLV_MIB(1));
}

static void what_is_read_twice_is_not_read_from_the_disk_again(void **state)
{
	struct blobs_kit *kit = *state;
	struct slv_cache *cache = remember(kit);
	char path[120];
	blobs_kit_put(kit, 1, 3 * SPAN + 5, SPAN);
	read_all(kit, 1, 3 * SPAN + 5);
	assert_int_equal(slv_cache_stats(cache).memory_entries, 0);
	read_all(kit, 1, 3 * SPAN + 5);
	assert_int_equal(slv_cache_stats(cache).memory_entries, 1);
	blobs_kit_path(kit, &kit->ref.id, path);
	assert_int_equal(unlink(path), 0);
	for (unsigned i = 0; i < 3; i++) {
		read_all(kit, 1, 3 * SPAN + 5);
		assert_int_equal(kit->err.code, SLV_E_NONE);
	}
	/* Another piece of it was never read. */
	blobs_kit_read(kit, &kit->ref, 1, SPAN, SPAN);
	assert_int_equal(kit->err.code, SLV_E_MISSING);
	forget(kit, cache);
}

static void on_piece(void *arg, slv_err err, slv_str bytes)
{
	struct blobs_kit *kit = arg;
	kit->err = err;
	kit->pending--;
	assert_int_equal(bytes.len, slv_failed(err) ? 0 : SPAN);
}

static void read_piece(struct blobs_kit *kit, struct slv_blob_reader *reader, uint64_t offset)
{
	kit->pending++;
	slv_blob_read(reader, offset, SPAN, on_piece, kit);
	blobs_kit_wait(kit);
}

static void who_begins_with_what_is_remembered_reads_the_rest_of_what_is_removed(void **state)
{
	struct blobs_kit *kit = *state;
	struct slv_cache *cache = remember(kit);
	struct slv_blob_reader *reader;
	char path[120];
	blobs_kit_put(kit, 1, 2 * SPAN, SPAN);
	for (unsigned i = 0; i < 2; i++)
		blobs_kit_read(kit, &kit->ref, 1, 0, SPAN);
	assert_int_equal(slv_cache_stats(cache).memory_entries, 1);
	assert_false(slv_failed(slv_blob_reader_new(kit->loop, kit->blobs, &kit->ref, &reader)));
	read_piece(kit, reader, 0);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	blobs_kit_path(kit, &kit->ref.id, path);
	assert_int_equal(unlink(path), 0);
	read_piece(kit, reader, SPAN);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	slv_blob_reader_free(reader);
	/* Who comes now cannot have the rest, so he does not get the beginning. */
	assert_false(slv_failed(slv_blob_reader_new(kit->loop, kit->blobs, &kit->ref, &reader)));
	read_piece(kit, reader, 0);
	assert_int_equal(kit->err.code, SLV_E_MISSING);
	slv_blob_reader_free(reader);
	forget(kit, cache);
}

static void what_is_remembered_lies_in_a_file_for_sendfile(void **state)
{
	struct blobs_kit *kit = *state;
	struct slv_cache *cache = remember(kit);
	struct slv_blob_reader *reader;
	uint64_t offset = 0;
	char bytes[SPAN];
	blobs_kit_put(kit, 1, SPAN, SPAN);
	assert_false(slv_failed(slv_blob_reader_new(kit->loop, kit->blobs, &kit->ref, &reader)));
	for (unsigned i = 0; i < 2; i++) {
		read_piece(kit, reader, 0);
		assert_int_equal(slv_blob_read_fd(reader, &offset), -1);
	}
	read_piece(kit, reader, 0);
	int fd = slv_blob_read_fd(reader, &offset);
	assert_int_equal(pread(fd, bytes, SPAN, (off_t)offset), SPAN);
	for (size_t i = 0; i < SPAN; i++)
		assert_int_equal(bytes[i], blobs_kit_byte(1, i));
	slv_blob_reader_free(reader);
	forget(kit, cache);
}

static void what_is_damaged_is_not_remembered(void **state)
{
	struct blobs_kit *kit = *state;
	struct slv_cache *cache = remember(kit);
	char path[120];
	blobs_kit_put(kit, 1, 100, 100);
	blobs_kit_path(kit, &kit->ref.id, path);
	FILE *file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fputc(blobs_kit_byte(1, 0) ^ 1, file), (blobs_kit_byte(1, 0) ^ 1) & 0xff);
	assert_int_equal(fclose(file), 0);
	for (unsigned i = 0; i < 3; i++) {
		read_all(kit, 1, 100);
		assert_int_equal(kit->err.code, SLV_E_CORRUPT);
	}
	assert_int_equal(slv_cache_stats(cache).memory_entries, 0);
	forget(kit, cache);
}

static void large_blobs_are_not_remembered(void **state)
{
	struct blobs_kit *kit = *state;
	struct slv_cache *cache = remember(kit);
	for (unsigned past = 0; past < 2; past++) {
		uint64_t len = SLV_BLOB_REMEMBERED_BYTES_MAX + past;
		blobs_kit_put(kit, past, len, SLV_MIB(1));
		read_all(kit, past, len);
		read_all(kit, past, len);
		assert_int_equal(slv_cache_stats(cache).memory_entries, 1);
	}
	forget(kit, cache);
}

static void on_cancelled(void *arg, slv_err err, slv_str bytes)
{
	struct blobs_kit *kit = arg;
	kit->err = err;
	kit->pending--;
	assert_int_equal(bytes.len, 0);
}

static void a_reader_of_memory_may_be_freed_within_its_call(void **state)
{
	struct blobs_kit *kit = *state;
	struct slv_cache *cache = remember(kit);
	struct slv_blob_reader *reader;
	blobs_kit_put(kit, 1, 100, 100);
	read_all(kit, 1, 100);
	read_all(kit, 1, 100);
	assert_false(slv_failed(slv_blob_reader_new(kit->loop, kit->blobs, &kit->ref, &reader)));
	kit->pending++;
	slv_blob_read(reader, 0, 100, on_cancelled, kit);
	slv_blob_reader_free(reader);
	assert_int_equal(kit->pending, 1);
	blobs_kit_wait(kit);
	assert_int_equal(kit->err.code, SLV_E_CANCELLED);
	forget(kit, cache);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, blobs_kit_set_up, blobs_kit_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_is_read_twice_is_not_read_from_the_disk_again),
		TEST(who_begins_with_what_is_remembered_reads_the_rest_of_what_is_removed),
		TEST(what_is_remembered_lies_in_a_file_for_sendfile),
		TEST(what_is_damaged_is_not_remembered),
		TEST(large_blobs_are_not_remembered),
		TEST(a_reader_of_memory_may_be_freed_within_its_call),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
