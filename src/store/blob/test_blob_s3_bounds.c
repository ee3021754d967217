/* test_blob_s3_bounds.c - what waits at an endpoint of S3, how much of it and for how long */
#include "base/mem.h"
#include "store/blob/s3_testing.h"

#include <string.h>

/* --- what takes long --- */

/* An endpoint that joins parts says nothing meanwhile, or spaces now and then. */
static void who_joins_parts_is_waited_for(void **state)
{
	struct s3_kit *kit = *state;
	const char *const begins[] = { "", "HTTP/1.1 200 OK\r\nContent-Length: 79\r\n\r\n    " };
	const char *const rests[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 75\r\n\r\n" S3_KIT_COMPLETED, S3_KIT_COMPLETED
	};
	s3_kit_driver(kit)->conf.silence_s = 1;
	for (size_t i = 0; i < SLV_COUNT(begins); i++) {
		size_t asked = kit->endpoint->asked;
		s3_kit_says_parts(kit);
		endpoint_says_late(kit->endpoint, begins[i], 3500, rests[i]);
		s3_kit_put(kit, SLV_MIB(9), SLV_E_NONE);
		s3_kit_asked_all(kit, asked + 4);
	}
}

static void but_not_for_ever(void **state)
{
	struct s3_kit *kit = *state;
	s3_kit_driver(kit)->join_s = 1;
	s3_kit_says_parts(kit);
	s3_kit_says(kit, ""); /* nothing, ever */
	s3_kit_says(kit, S3_KIT_GONE);
	s3_kit_put(kit, SLV_MIB(9), SLV_E_UPSTREAM);
	s3_kit_asked_all(kit, 5); /* it is not away for others */
	s3_kit_was_asked(kit, 4, "DELETE /bucket/pre/");
}

static void on_written(void *arg, slv_err err)
{
	struct s3_kit *kit = arg;
	kit->blobs.err = err;
	kit->blobs.pending--;
}

static void on_finished(void *arg, slv_err err, const struct slv_blob_ref *ref)
{
	struct s3_kit *kit = arg;
	(void)ref;
	kit->blobs.err = err;
	kit->blobs.pending--;
}

/* It says nothing of whether the endpoint is there: what others found out holds. */
static void nor_does_the_wait_say_who_is_there(void **state)
{
	struct s3_kit *kit = *state;
	struct s3 *s3 = s3_kit_driver(kit);
	struct slv_blob_writer *writer;
	char *bytes = slv_alloc(SLV_MIB(9));
	s3->join_s = 1;
	s3_kit_says_parts(kit);
	s3_kit_says(kit, ""); /* nothing, ever */
	assert_false(slv_failed(slv_blob_writer_new(kit->blobs.loop, kit->blobs.blobs, &writer)));
	kit->blobs.pending++;
	slv_blob_write(writer, (slv_str){ bytes, SLV_MIB(9) }, on_written, kit);
	blobs_kit_wait(&kit->blobs);
	kit->blobs.pending++;
	slv_blob_finish(writer, on_finished, kit);
	while (kit->endpoint->asked < 4)
		slv_loop_turn(kit->blobs.loop, true);
	uint64_t until_ms = slv_crew_now_ms() + 60000;
	atomic_store(&s3->away_until_ms, until_ms);
	blobs_kit_wait(&kit->blobs);
	assert_int_equal(kit->blobs.err.code, SLV_E_UPSTREAM);
	slv_blob_writer_free(writer);
	s3_kit_asked_all(kit, 4); /* nobody knocks meanwhile */
	assert_int_equal(atomic_load(&s3->away_until_ms), until_ms);
	slv_free(bytes);
}

/* One bound for all of it. */
static void who_fails_late_is_not_asked_again(void **state)
{
	struct s3_kit *kit = *state;
	s3_kit_driver(kit)->conf.silence_s = 1;
	s3_kit_says_parts(kit);
	endpoint_says_late(kit->endpoint, "HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n    ", 2000,
			"<Error><Code>InternalError</Code></Error>");
	s3_kit_says(kit, S3_KIT_GONE);
	s3_kit_put(kit, SLV_MIB(9), SLV_E_UPSTREAM);
	s3_kit_asked_all(kit, 5);
	s3_kit_was_asked(kit, 4, "DELETE /bucket/pre/");
}

/* --- removals --- */

static void discard(struct s3_kit *kit, uint8_t number)
{
	struct slv_blob_id id = { { [15] = number } };
	slv_blob_discard(kit->blobs.loop, kit->blobs.blobs, &id);
}

static void discards_end(struct s3_kit *kit)
{
	while (atomic_load(&kit->blobs.blobs->discards) > 0)
		slv_loop_turn(kit->blobs.loop, true);
}

static void removals_do_not_hold_up_uploads(void **state)
{
	struct s3_kit *kit = *state;
	for (uint8_t i = 0; i < S3_REMOVERS; i++)
		s3_kit_says(kit, ""); /* nothing, ever */
	for (uint8_t i = 0; i < S3_REMOVERS + S3_WRITERS; i++)
		discard(kit, i);
	while (kit->endpoint->asked < S3_REMOVERS)
		slv_loop_turn(kit->blobs.loop, true);
	s3_kit_says(kit, S3_KIT_OK);
	s3_kit_put(kit, 10, SLV_E_NONE);
	s3_kit_was_asked(kit, S3_REMOVERS, "PUT /bucket/pre/");
	s3_kit_asked_all(kit, S3_REMOVERS + 1);
	endpoint_free(kit->endpoint); /* so that they end */
	kit->endpoint = NULL;
	discards_end(kit);
}

/* --- bounds --- */

static void what_is_discarded_past_a_bound_stays_and_is_told(void **state)
{
	struct s3_kit *kit = *state;
	struct slv_blobs *blobs = kit->blobs.blobs;
	char log[4096];
	atomic_store(&blobs->discards, SLV_BLOB_DISCARDS_MANY);
	assert_false(slv_blobs_behind(blobs));
	atomic_store(&blobs->discards, SLV_BLOB_DISCARDS_MANY + 1);
	assert_true(slv_blobs_behind(blobs));

	atomic_store(&blobs->discards, SLV_BLOB_DISCARDS_MAX - 1);
	s3_kit_says(kit, S3_KIT_GONE);
	discard(kit, 1); /* the last that has room */
	discard(kit, 2);
	discard(kit, 3);
	assert_int_equal(atomic_load(&blobs->left), 2);
	atomic_store(&blobs->discards, 1); /* the others went */
	discards_end(kit);
	s3_kit_was_asked(kit, 0, "DELETE /bucket/pre/00/00000000000000000000000000000001 HTTP/1.1");
	s3_kit_asked_all(kit, 1);
	assert_int_equal(atomic_load(&blobs->left), 0);

	s3_kit_log(kit, log, sizeof(log));
	const char *begins = strstr(log, "\"store.left\"");
	assert_non_null(begins);
	const char *ends = strstr(begins + 1, "\"store.left\"");
	assert_non_null(ends);
	assert_non_null(strstr(ends, "\"blobs\":2"));
	assert_null(strstr(ends + 1, "\"store.left\""));
}

/* A part that was sent keeps no room. */
static void what_was_sent_is_not_on_its_way(void **state)
{
	struct s3_kit *kit = *state;
	struct slv_blob_writer *writer;
	size_t len = S3_PART_BYTES / 8;
	char *bytes = slv_alloc(len);
	_Atomic size_t *held = &s3_kit_driver(kit)->held;
	s3_kit_says_parts(kit);
	kit->endpoint->answers_count--;
	s3_kit_says(kit, S3_KIT_GONE);
	assert_false(slv_failed(slv_blob_writer_new(kit->blobs.loop, kit->blobs.blobs, &writer)));
	for (unsigned i = 1; i <= 9; i++) {
		kit->blobs.pending++;
		slv_blob_write(writer, (slv_str){ bytes, len }, on_written, kit);
		blobs_kit_wait(&kit->blobs);
		assert_int_equal(kit->blobs.err.code, SLV_E_NONE);
		assert_int_equal(atomic_load(held), i < 9 ? i * len : len);
	}
	slv_blob_writer_free(writer);
	s3_kit_asked_all(kit, 3);
	assert_int_equal(atomic_load(held), 0);
	slv_free(bytes);
}

static void what_is_on_its_way_is_bounded(void **state)
{
	struct s3_kit *kit = *state;
	struct slv_blob_writer *writer;
	char bytes[1001] = { 0 };
	_Atomic size_t *held = &s3_kit_driver(kit)->held;
	for (size_t more = 0; more < 2; more++) {
		atomic_store(held, S3_HELD_BYTES_MAX - 1000);
		assert_false(slv_failed(
				slv_blob_writer_new(kit->blobs.loop, kit->blobs.blobs, &writer)));
		kit->blobs.pending++;
		slv_blob_write(writer, (slv_str){ bytes, 1000 + more }, on_written, kit);
		blobs_kit_wait(&kit->blobs);
		assert_int_equal(kit->blobs.err.code, more ? SLV_E_BUSY : SLV_E_NONE);
		slv_blob_writer_free(writer);
		s3_kit_settle(kit);
		assert_int_equal(atomic_load(held), S3_HELD_BYTES_MAX - 1000);
	}
	atomic_store(held, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, s3_kit_set_up, s3_kit_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_is_on_its_way_is_bounded),
		TEST(what_was_sent_is_not_on_its_way),
		TEST(removals_do_not_hold_up_uploads),
		TEST(what_is_discarded_past_a_bound_stays_and_is_told),
		TEST(who_joins_parts_is_waited_for),
		TEST(but_not_for_ever),
		TEST(nor_does_the_wait_say_who_is_there),
		TEST(who_fails_late_is_not_asked_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
