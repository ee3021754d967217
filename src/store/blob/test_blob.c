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

static void flip(struct blobs_kit *kit, const struct slv_blob_id *id, long at)
{
	struct slv_buf bytes;
	slv_buf_init(&bytes, SLV_MIB(32));
	blobs_kit_fetch(kit, id, &bytes);
	assert_true((size_t)at < bytes.len);
	bytes.at[at] = (char)(bytes.at[at] ^ 1 << at % 8);
	blobs_kit_store(kit, id, slv_buf_str(&bytes));
	slv_buf_done(&bytes);
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
	blobs_kit_put(kit, 5, len, SPAN);
	struct slv_blob_ref ref = kit->ref;
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		flip(kit, &ref.id, table[i].at);
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
		flip(kit, &ref.id, table[i].at);
	}
	blobs_kit_read(kit, &ref, 5, 0, (size_t)len);
	assert_int_equal(kit->err.code, SLV_E_NONE);
}

static void what_is_of_another_length_or_of_another_blob_is_refused(void **state)
{
	struct blobs_kit *kit = *state;
	struct slv_buf bytes, other;
	slv_buf_init(&bytes, SLV_KIB(4));
	slv_buf_init(&other, SLV_KIB(4));
	blobs_kit_put(kit, 1, 1000, 1000);
	struct slv_blob_ref ref = kit->ref;
	blobs_kit_fetch(kit, &ref.id, &bytes);
	assert_int_equal(bytes.len, 1000 + 40);
	const size_t lens[] = { 1000 + 40 - 1, 1000, 1 };
	for (size_t i = 0; i < SLV_COUNT(lens); i++) {
		blobs_kit_store(kit, &ref.id, (slv_str){ bytes.at, lens[i] });
		blobs_kit_read(kit, &ref, 1, 0, 1);
		assert_int_equal(kit->err.code, SLV_E_CORRUPT);
	}
	slv_buf_add_char(&bytes, 0);
	blobs_kit_store(kit, &ref.id, slv_buf_str(&bytes));
	blobs_kit_read(kit, &ref, 1, 0, 1);
	assert_int_equal(kit->err.code, SLV_E_CORRUPT);

	blobs_kit_put(kit, 1, 1000, 1000); /* the same bytes */
	blobs_kit_fetch(kit, &kit->ref.id, &other);
	blobs_kit_store(kit, &ref.id, slv_buf_str(&other));
	blobs_kit_read(kit, &ref, 1, 0, 1);
	assert_int_equal(kit->err.code, SLV_E_CORRUPT);

	ref = kit->ref;
	blobs_kit_remove(kit, &ref.id);
	blobs_kit_read(kit, &ref, 1, 0, 1);
	assert_int_equal(kit->err.code, SLV_E_MISSING);
	slv_buf_done(&bytes);
	slv_buf_done(&other);
}

static void an_empty_file_is_refused(void **state)
{
	struct blobs_kit *kit = *state;
	blobs_kit_put(kit, 1, 1000, 1000);
	blobs_kit_store(kit, &kit->ref.id, SLV_STR(""));
	blobs_kit_read(kit, &kit->ref, 1, 0, 1);
	assert_int_equal(kit->err.code, SLV_E_CORRUPT);
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
		blobs_kit_has(kit, (unsigned)how + 1); /* those that were put */
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

static void all_are_listed_and_can_be_removed(void **state)
{
	struct blobs_kit *kit = *state;
	struct slv_blob_listed found[4];
	assert_int_equal(blobs_kit_list(kit, 0, found, 4), 0); /* there is nothing at all */
	assert_int_equal(kit->err.code, SLV_E_NONE);
	blobs_kit_put(kit, 1, 10, 10);
	struct slv_blob_id id = kit->ref.id, other = id;
	other.bytes[15] ^= 1;
	assert_int_equal(blobs_kit_list(kit, id.bytes[0], found, 4), 1);
	assert_memory_equal(&found[0].id, &id, sizeof(id));
	assert_true(found[0].finished);
	assert_true(llabs(found[0].written_ms - slv_loop_wall_ms(kit->loop)) < 60000);
	assert_int_equal(blobs_kit_list(kit, id.bytes[0] ^ 1u, found, 4), 0);
	blobs_kit_remove(kit, &other);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	assert_int_equal(blobs_kit_list(kit, id.bytes[0], found, 4), 1);

	for (int i = 0; i < 2; i++) { /* also if there is none */
		blobs_kit_remove(kit, &id);
		assert_int_equal(kit->err.code, SLV_E_NONE);
		blobs_kit_has(kit, 0);
	}
	blobs_kit_put(kit, 2, 10, 10);
	slv_blob_discard(kit->loop, kit->blobs, &kit->ref.id);
	blobs_kit_close(kit);
	blobs_kit_open(kit);
	blobs_kit_has(kit, 0);
}

static void what_was_begun_is_listed_and_can_be_removed(void **state)
{
	struct blobs_kit *kit = *state;
	struct slv_blob_listed found[4];
	blobs_kit_put(kit, 1, 10, 10);
	struct slv_blob_id other = kit->ref.id;
	other.bytes[15] ^= 1;
	if (!blobs_kit_begin(kit, &other))
		skip(); /* an endpoint that does not tell of uploads */
	assert_int_equal(blobs_kit_list(kit, other.bytes[0], found, 4), 2);
	bool second = found[0].finished;
	assert_true(found[!second].finished && !found[second].finished);
	assert_memory_equal(&found[second].id, &other, sizeof(other));
	assert_true(llabs(found[second].written_ms - slv_loop_wall_ms(kit->loop)) < 60000);
	blobs_kit_remove(kit, &other);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	assert_int_equal(blobs_kit_list(kit, other.bytes[0], found, 4), 1);
	blobs_kit_has(kit, 1);
}

/* Who saw it unfinished does not know that it was finished since. */
static void what_is_removed_as_begun_stays_if_it_is_finished(void **state)
{
	struct blobs_kit *kit = *state;
	blobs_kit_put(kit, 1, 10, 10);
	struct slv_blob_ref ref = kit->ref;
	for (int i = 0; i < 2; i++) {
		bool seen = i == 0 || blobs_kit_begin(kit, &ref.id);
		if (seen && i == 1)
			blobs_kit_has(kit, 2);
		blobs_kit_remove_begun(kit, &ref.id);
		assert_int_equal(kit->err.code, SLV_E_NONE);
		if (seen)
			blobs_kit_has(kit, 1);
		blobs_kit_read(kit, &ref, 1, 0, 10);
		assert_int_equal(kit->err.code, SLV_E_NONE);
	}
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
	blobs_kit_has(kit, 1);
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
	blobs_kit_remove(kit, &id);
	blobs_kit_put(kit, 2, 10, 10);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	blobs_kit_read(kit, &kit->ref, 2, 0, 10);
	assert_int_equal(kit->err.code, SLV_E_NONE);
	blobs_kit_has(kit, 1);
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

/* Longer than what is sent at once, if it is sent. */
static void a_long_one_is_written_as_it_comes(void **state)
{
	struct blobs_kit *kit = *state;
	const uint64_t most = SLV_MIB(8); /* with its checksums and tail: sent whole */
	const uint64_t sums = most / SPAN * 8 + 32;
	const uint64_t lens[] = { most - sums, most - sums + 1, most, 2 * most + 12345 };
	for (unsigned n = 0; n < SLV_COUNT(lens); n++) {
		blobs_kit_put(kit, n, lens[n], 1000003);
		assert_int_equal(kit->err.code, SLV_E_NONE);
		struct slv_blob_ref ref = kit->ref;
		const uint64_t at[] = { 0, 777, lens[n] / 2, lens[n] - 300000, lens[n] - 100 };
		for (size_t i = 0; i < SLV_COUNT(at); i++) {
			size_t len = lens[n] - at[i] < 400000 ? (size_t)(lens[n] - at[i]) : 400000;
			blobs_kit_read(kit, &ref, n, at[i], len);
			assert_int_equal(kit->err.code, SLV_E_NONE);
		}
		blobs_kit_has(kit, n + 1);
	}
}

static void a_long_one_that_is_not_finished_leaves_nothing(void **state)
{
	struct blobs_kit *kit = *state;
	struct slv_blob_writer *writer;
	const size_t len = SLV_MIB(9);
	struct given_up given_up = { .bytes = slv_alloc(len) };
	slv_str text = { given_up.bytes, len };
	blobs_kit_put(kit, 1, 10, 10);
	assert_false(slv_failed(slv_blob_writer_new(kit->loop, kit->blobs, &writer)));
	slv_blob_write(writer, text, on_given_up, &given_up);
	slv_blob_writer_free(writer);
	blobs_kit_close(kit);
	assert_int_equal(given_up.told, 1);
	blobs_kit_open(kit);
	blobs_kit_has(kit, 1);
}

static void urls_are_checked(void **state)
{
	(void)state;
	struct slv_blobs *blobs;
	static const char *const bad[] = { "", "file:", "file", "sqlite:x", "http://x/",
		"s3:", "s3://k@h" };
	const slv_str secret = SLV_STR("secret");
	for (size_t i = 0; i < SLV_COUNT(bad); i++)
		assert_int_equal(slv_blobs_open(slv_str_from(bad[i]), secret, NULL, &blobs).code,
				SLV_E_SYNTAX);
	assert_false(slv_failed(slv_blobs_open(
			SLV_STR("file:/nowhere/at/all"), (slv_str){ 0 }, NULL, &blobs)));
	slv_blobs_close(blobs);
	assert_false(slv_failed(slv_blobs_check(SLV_STR("s3://k@h/bucket"), secret)));
	assert_int_equal(slv_blobs_check(SLV_STR("s3://k@h/bucket"), (slv_str){ 0 }).code,
			SLV_E_SYNTAX);
}

int main(int argc, char **argv)
{
	char *url = argc > 1 ? argv[1] : NULL; /* of S3 */
#define TEST(name)                                                                                 \
	cmocka_unit_test_prestate_setup_teardown(name, blobs_kit_set_up, blobs_kit_tear_down, url)
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_is_read),
		TEST(a_long_one_is_written_as_it_comes),
		TEST(a_flipped_bit_is_told_and_not_handed_out),
		TEST(what_is_of_another_length_or_of_another_blob_is_refused),
		TEST(a_ref_of_another_length_is_refused),
		TEST(what_is_not_finished_leaves_nothing),
		TEST(a_long_one_that_is_not_finished_leaves_nothing),
		TEST(a_read_that_nobody_waits_for_is_cancelled),
		TEST(all_are_listed_and_can_be_removed),
		TEST(what_was_begun_is_listed_and_can_be_removed),
		TEST(what_is_removed_as_begun_stays_if_it_is_finished),
		TEST(a_copy_has_the_id_of_what_it_is_of),
		TEST(what_is_under_way_is_bounded),
		cmocka_unit_test(urls_are_checked),
	};
	const struct CMUnitTest of_files[] = {
		TEST(it_is_one_file_for_us_alone),
		TEST(a_folder_may_be_a_link_and_what_is_in_it_may_not),
		TEST(a_folder_that_is_away_is_no_empty_store),
		TEST(an_empty_file_is_refused),
		TEST(a_copy_that_was_begun_is_in_the_way_until_it_is_removed),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return url ? failed : failed + cmocka_run_group_tests(of_files, NULL, NULL);
}
