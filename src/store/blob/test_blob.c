#include "store/blob/testing.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPAN SLV_BLOB_SPAN_BYTES

static void what_was_written_is_read(void **state)
{
	struct blobs_kit *kit = *state;
	static const struct {
		uint64_t len;
		size_t part;
	} table[] = {
		{ 1, 1 },
		{ SPAN - 1, SPAN },
		{ SPAN, SPAN },
		{ SPAN, SPAN - 1 },
		{ SPAN + 1, 1000 },
		{ 3 * SPAN, 2 * SPAN + 7 },
		{ 5 * SPAN + 123, 10000 },
		{ 300000, 300000 },
	};
	for (unsigned n = 0; n < SLV_COUNT(table); n++) {
		uint64_t len = table[n].len;
		blobs_kit_put(kit, n, len, table[n].part);
		assert_int_equal(kit->err.code, SLV_E_NONE);
		assert_int_equal(kit->ref.len, len);
		struct slv_blob_ref ref = kit->ref;
		blobs_kit_close(kit);
		blobs_kit_open(kit);
		blobs_kit_read(kit, &ref, n, 0, (size_t)len);
		assert_int_equal(kit->err.code, SLV_E_NONE);
		for (uint64_t at = 0; at < len; at += 40000) {
			size_t count = len - at < 50000 ? (size_t)(len - at) : 50000;
			blobs_kit_read(kit, &ref, n, at, count);
			assert_int_equal(kit->err.code, SLV_E_NONE);
		}
		blobs_kit_read(kit, &ref, n, len - 1, 1);
		assert_int_equal(kit->err.code, SLV_E_NONE);
	}
}

static void it_is_one_file_for_us_alone(void **state)
{
	struct blobs_kit *kit = *state;
	struct stat st;
	char path[120], command[200];
	blobs_kit_put(kit, 1, 100, 100);
	blobs_kit_path(kit, &kit->ref.id, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 100 + 8 + 32);
	snprintf(command, sizeof(command), "test -z \"$(find %s -perm /077)\"", kit->folder);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "test $(find %s -type f | wc -l) = 1", kit->folder);
	assert_int_equal(system(command), 0);
}

/* The administrator may use symbolic links; nobody else puts one into the store. */
static void a_folder_may_be_a_link_and_what_is_in_it_may_not(void **state)
{
	struct blobs_kit *kit = *state;
	char path[120], to[120];
	blobs_kit_put(kit, 1, 100, 100);
	blobs_kit_close(kit);
	snprintf(to, sizeof(to), "%s/../disk", kit->folder);
	assert_int_equal(rename(kit->folder, to), 0);
	assert_int_equal(symlink("disk", kit->folder), 0);
	blobs_kit_open(kit);
	blobs_kit_read(kit, &kit->ref, 1, 0, 100);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	blobs_kit_put(kit, 2, 100, 100);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	blobs_kit_read(kit, &kit->ref, 2, 0, 100);
	assert_int_equal(kit->err.code, SLV_E_NONE);

	blobs_kit_path(kit, &kit->ref.id, path);
	strcat(to, "/moved");
	assert_int_equal(rename(path, to), 0);
	assert_int_equal(symlink(to, path), 0);
	blobs_kit_read(kit, &kit->ref, 2, 0, 100);
	assert_int_equal(kit->err.code, SLV_E_SYS);
}

/* --- damage --- */

static void flip(const char *path, long at)
{
	FILE *file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	int byte = fgetc(file);
	assert_true(byte != EOF);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	assert_int_equal(fputc(byte ^ 1 << at % 8, file), byte ^ 1 << at % 8);
	assert_int_equal(fclose(file), 0);
}

static void a_flipped_bit_is_told_and_not_handed_out(void **state)
{
	struct blobs_kit *kit = *state;
	const uint64_t len = 3 * SPAN + 10;
	const long sums = (long)len, tail = sums + 4 * 8;
	const struct {
		long at;
		bool first, second, last; /* span can be read */
	} table[] = {
		{ 0, false, true, true },
		{ SPAN - 1, false, true, true },
		{ SPAN, true, false, true },
		{ sums - 1, true, true, false },
		{ sums, false, true, true },
		{ sums + 8 + 3, true, false, true },
		{ tail - 1, true, true, false },
		{ tail, false, false, false },
		{ tail + 8, false, false, false },
		{ tail + 31, false, false, false },
	};
	char path[120];
	blobs_kit_put(kit, 5, len, SPAN);
	struct slv_blob_ref ref = kit->ref;
	blobs_kit_path(kit, &ref.id, path);
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		flip(path, table[i].at);
		const struct {
			uint64_t at;
			bool good;
		} spans[] = { { 5, table[i].first }, { SPAN + 5, table[i].second },
			{ 3 * SPAN, table[i].last } };
		for (size_t k = 0; k < SLV_COUNT(spans); k++) {
			blobs_kit_read(kit, &ref, 5, spans[k].at, 10);
			assert_int_equal(kit->err.code, spans[k].good ? SLV_E_NONE : SLV_E_CORRUPT);
		}
		blobs_kit_read(kit, &ref, 5, 0, (size_t)len);
		assert_int_equal(kit->err.code, SLV_E_CORRUPT);
		flip(path, table[i].at);
	}
	blobs_kit_read(kit, &ref, 5, 0, (size_t)len);
	assert_int_equal(kit->err.code, SLV_E_NONE);
}

static void a_file_of_another_length_or_of_another_blob_is_refused(void **state)
{
	struct blobs_kit *kit = *state;
	char path[120], other_path[120];
	blobs_kit_put(kit, 1, 1000, 1000);
	struct slv_blob_ref ref = kit->ref;
	blobs_kit_path(kit, &ref.id, path);
	assert_int_equal(truncate(path, 1000 + 40 - 1), 0);
	blobs_kit_read(kit, &ref, 1, 0, 1);
	assert_int_equal(kit->err.code, SLV_E_CORRUPT);
	assert_int_equal(truncate(path, 0), 0);
	blobs_kit_read(kit, &ref, 1, 0, 1);
	assert_int_equal(kit->err.code, SLV_E_CORRUPT);

	blobs_kit_put(kit, 1, 1000, 1000); /* the same bytes */
	blobs_kit_path(kit, &kit->ref.id, other_path);
	assert_int_equal(rename(other_path, path), 0);
	blobs_kit_read(kit, &ref, 1, 0, 1);
	assert_int_equal(kit->err.code, SLV_E_CORRUPT);

	ref = kit->ref; /* whose file is away now */
	blobs_kit_read(kit, &ref, 1, 0, 1);
	assert_int_equal(kit->err.code, SLV_E_MISSING);
}

static void a_ref_of_another_length_is_refused(void **state)
{
	struct blobs_kit *kit = *state;
	blobs_kit_put(kit, 1, 1000, 1000);
	struct slv_blob_ref ref = kit->ref;
	ref.len = 999;
	blobs_kit_read(kit, &ref, 1, 0, 1);
	assert_int_equal(kit->err.code, SLV_E_CORRUPT);
}

/* --- what is not finished --- */

struct given_up {
	char *bytes;
	unsigned told;
};

/* From here on the bytes are not needed: the sanitizers see it if they are. */
static void on_given_up(void *arg, slv_err err)
{
	struct given_up *given_up = arg;
	assert_int_equal(err.code, SLV_E_CANCELLED);
	slv_free(given_up->bytes);
	given_up->told++;
}

static void on_finish_given_up(void *arg, slv_err err, const struct slv_blob_ref *ref)
{
	(void)ref;
	on_given_up(arg, err);
}

static void on_read_given_up(void *arg, slv_err err, slv_str bytes)
{
	assert_int_equal(bytes.len, 0);
	on_given_up(arg, err);
}

static void what_is_not_finished_leaves_nothing(void **state)
{
	struct blobs_kit *kit = *state;
	enum { UNUSED, WRITES, FINISHES, HOWS };
	for (int how = 0; how < HOWS; how++) {
		struct slv_blob_writer *writer;
		struct given_up given_up = { .bytes = slv_alloc(100000) };
		slv_str text = { given_up.bytes, 100000 };
		blobs_kit_put(kit, 1, 10, 10); /* there is a folder */
		assert_false(slv_failed(slv_blob_writer_new(kit->loop, kit->blobs, &writer)));
		if (how == WRITES)
			slv_blob_write(writer, text, on_given_up, &given_up);
		else if (how == FINISHES)
			slv_blob_finish(writer, on_finish_given_up, &given_up);
		slv_blob_writer_free(writer);
		assert_int_equal(given_up.told, 0);
		blobs_kit_close(kit); /* waits for what is under way */
		assert_int_equal(given_up.told, how != UNUSED);
		if (how == UNUSED)
			slv_free(given_up.bytes);
		blobs_kit_open(kit);
		blobs_kit_has_files(kit, (unsigned)how + 1); /* those that were put */
	}
	slv_blob_writer_free(NULL);
}

static void a_read_that_nobody_waits_for_is_cancelled(void **state)
{
	struct blobs_kit *kit = *state;
	struct slv_blob_reader *reader;
	struct given_up given_up = { 0 };
	blobs_kit_put(kit, 1, 100000, 100000);
	assert_false(slv_failed(slv_blob_reader_new(kit->loop, kit->blobs, &kit->ref, &reader)));
	slv_blob_read(reader, 0, 100000, on_read_given_up, &given_up);
	slv_blob_reader_free(reader);
	blobs_kit_close(kit);
	assert_int_equal(given_up.told, 1);
	blobs_kit_open(kit);
	slv_blob_reader_free(NULL);
}

static void a_folder_that_is_away_is_no_empty_store(void **state)
{
	struct blobs_kit *kit = *state;
	char away[60];
	blobs_kit_put(kit, 1, 10, 10);
	struct slv_blob_ref ref = kit->ref;
	blobs_kit_close(kit);
	snprintf(away, sizeof(away), "%s.away", kit->folder);
	assert_int_equal(rename(kit->folder, away), 0);
	blobs_kit_open(kit);
	blobs_kit_read(kit, &ref, 1, 0, 1);
	assert_int_equal(kit->err.code, SLV_E_SYS);
	assert_int_equal(access(kit->folder, F_OK), -1); /* who reads makes none */
	assert_int_equal(rename(away, kit->folder), 0);
	blobs_kit_read(kit, &ref, 1, 0, 1);
	assert_int_equal(kit->err.code, SLV_E_NONE);
}

struct shard {
	struct slv_blob_list list;
	struct blobs_kit *kit;
	struct slv_blob_listed found[4];
	size_t count;
};

static void on_listed(struct slv_blob_list *list, slv_err err, const struct slv_blob_listed *listed,
		size_t count)
{
	struct shard *shard = SLV_CONTAINER(list, struct shard, list);
	assert_int_equal(err.code, SLV_E_NONE);
	assert_true(count <= SLV_COUNT(shard->found));
	if (count > 0)
		memcpy(shard->found, listed, count * sizeof(*listed));
	shard->count = count;
	shard->kit->pending--;
}

static void on_removed(struct slv_blob_remove *remove, slv_err err)
{
	(void)remove;
	assert_int_equal(err.code, SLV_E_NONE);
}

static struct shard list_shard(struct blobs_kit *kit, unsigned number)
{
	struct shard shard = { .list = { .blobs = kit->blobs, .shard = number, .done = on_listed },
		.kit = kit };
	kit->pending++;
	slv_blob_list(kit->loop, &shard.list);
	blobs_kit_wait(kit);
	return shard;
}

static void all_are_listed_and_can_be_removed(void **state)
{
	struct blobs_kit *kit = *state;
	char path[120], unfinished[130];
	assert_int_equal(list_shard(kit, 0).count, 0); /* there is not even a folder */
	blobs_kit_put(kit, 1, 10, 10);
	struct slv_blob_ref ref = kit->ref, other = ref;
	struct shard shard = list_shard(kit, ref.id.bytes[0]);
	assert_int_equal(shard.count, 1);
	assert_memory_equal(&shard.found[0].id, &ref.id, sizeof(ref.id));
	assert_true(shard.found[0].finished);
	assert_true(llabs(shard.found[0].written_ms - slv_loop_wall_ms(kit->loop)) < 60000);

	/* As a process leaves it that dies while it writes. */
	other.id.bytes[15] ^= 1;
	blobs_kit_path(kit, &ref.id, path);
	blobs_kit_path(kit, &other.id, unfinished);
	strcat(unfinished, ".new");
	assert_int_equal(rename(path, unfinished), 0);
	shard = list_shard(kit, ref.id.bytes[0]);
	assert_int_equal(shard.count, 1);
	assert_false(shard.found[0].finished);
	struct slv_blob_remove remove = { .blobs = kit->blobs, .id = other.id, .done = on_removed };
	for (int i = 0; i < 2; i++) { /* also if there is none */
		slv_blob_remove(kit->loop, &remove);
		blobs_kit_close(kit);
		blobs_kit_open(kit);
		remove.blobs = kit->blobs;
		blobs_kit_has_files(kit, 0);
	}
	blobs_kit_put(kit, 2, 10, 10);
	slv_blob_discard(kit->loop, kit->blobs, &kit->ref.id);
	blobs_kit_close(kit);
	blobs_kit_open(kit);
	blobs_kit_has_files(kit, 0);
}

static void a_copy_has_the_id_of_what_it_is_of(void **state)
{
	struct blobs_kit *kit = *state;
	blobs_kit_put(kit, 1, SPAN + 10, SPAN);
	struct slv_blob_ref ref = kit->ref;
	kit->as = &ref.id;
	blobs_kit_put(kit, 2, SPAN + 10, SPAN);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	assert_memory_equal(&kit->ref.id, &ref.id, sizeof(ref.id));
	blobs_kit_has_files(kit, 1);
	blobs_kit_read(kit, &ref, 2, 0, SPAN + 10); /* what was there is replaced */
	assert_int_equal(kit->err.code, SLV_E_NONE);
}

static void a_copy_that_was_begun_is_in_the_way_until_it_is_removed(void **state)
{
	struct blobs_kit *kit = *state;
	char path[120], unfinished[130];
	blobs_kit_put(kit, 1, 10, 10);
	struct slv_blob_id id = kit->ref.id;
	blobs_kit_path(kit, &id, path);
	snprintf(unfinished, sizeof(unfinished), "%s.new", path);
	assert_int_equal(rename(path, unfinished), 0);
	kit->as = &id;
	blobs_kit_put(kit, 2, 10, 10);
	assert_int_equal(kit->err.code, SLV_E_SYS);
	assert_int_equal(kit->err.sys, EEXIST);
	struct slv_blob_remove remove = { .blobs = kit->blobs, .id = id, .done = on_removed };
	slv_blob_remove(kit->loop, &remove);
	blobs_kit_close(kit);
	blobs_kit_open(kit);
	blobs_kit_put(kit, 2, 10, 10);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	blobs_kit_read(kit, &kit->ref, 2, 0, 10);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	blobs_kit_has_files(kit, 1);
}

static void what_is_under_way_is_bounded(void **state)
{
	struct blobs_kit *kit = *state;
	static struct slv_blob_writer *writers[SLV_BLOB_UNDER_WAY_MAX];
	struct slv_blob_writer *writer;
	struct slv_blob_reader *reader;
	struct slv_blob_ref ref = { .len = 1 };
	for (size_t i = 0; i < SLV_COUNT(writers); i++)
		assert_false(slv_failed(slv_blob_writer_new(kit->loop, kit->blobs, &writers[i])));
	slv_err err = slv_blob_writer_new(kit->loop, kit->blobs, &writer);
	assert_int_equal(err.code, SLV_E_BUSY);
	assert_non_null(strstr(err.what, "1024"));
	err = slv_blob_reader_new(kit->loop, kit->blobs, &ref, &reader);
	assert_int_equal(err.code, SLV_E_BUSY);
	slv_blob_writer_free(writers[0]);
	while (slv_failed(slv_blob_reader_new(kit->loop, kit->blobs, &ref, &reader)))
		continue; /* until it is gone */
	slv_blob_reader_free(reader);
	for (size_t i = 1; i < SLV_COUNT(writers); i++)
		slv_blob_writer_free(writers[i]);
}

static void urls_are_checked(void **state)
{
	(void)state;
	struct slv_blobs *blobs;
	static const char *const bad[] = { "", "file:", "file", "sqlite:x", "http://x/" };
	for (size_t i = 0; i < SLV_COUNT(bad); i++)
		assert_int_equal(slv_blobs_open(slv_str_from(bad[i]), NULL, &blobs).code,
				SLV_E_SYNTAX);
	assert_false(slv_failed(slv_blobs_open(SLV_STR("file:/nowhere/at/all"), NULL, &blobs)));
	slv_blobs_close(blobs);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, blobs_kit_set_up, blobs_kit_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_is_read),
		TEST(it_is_one_file_for_us_alone),
		TEST(a_folder_may_be_a_link_and_what_is_in_it_may_not),
		TEST(a_flipped_bit_is_told_and_not_handed_out),
		TEST(a_file_of_another_length_or_of_another_blob_is_refused),
		TEST(a_ref_of_another_length_is_refused),
		TEST(what_is_not_finished_leaves_nothing),
		TEST(a_read_that_nobody_waits_for_is_cancelled),
		TEST(a_folder_that_is_away_is_no_empty_store),
		TEST(all_are_listed_and_can_be_removed),
		TEST(a_copy_has_the_id_of_what_it_is_of),
		TEST(a_copy_that_was_begun_is_in_the_way_until_it_is_removed),
		TEST(what_is_under_way_is_bounded),
		cmocka_unit_test(urls_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
