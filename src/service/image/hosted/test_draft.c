/* Drafts and their links in time, with the clock of the test and stores in a folder of its own. */
#include "service/image/hosted/testing.h"

#include "http/date.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE_NS UINT64_C(60000000000)
#define TICK_MS 10

#define V1 "/accounts/:/images/v1"

static int get(struct kit *kit, const char *id)
{
	int status = kit_ask(kit, SLV_METHOD_GET, V1 "/*", id, "", (slv_str){ 0 });
	kit_done(kit);
	return status;
}

/* A draft with that id for so long; its link's secret. */
static void draft(struct kit *kit, const char *id, int64_t seconds, char secret[static 64])
{
	char form[512], expiry[SLV_DATE_ISO_BYTES];
	slv_date_print_iso(slv_loop_wall_s(kit->loop) + seconds, expiry);
	int len = snprintf(form, sizeof(form),
			"--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n%s\r\n"
			"--b\r\nContent-Disposition: form-data; name=\"expiry\"\r\n\r\n%.*s\r\n"
			"--b--\r\n",
			id, SLV_DATE_ISO_BYTES, expiry);
	assert_int_equal(kit_ask(kit, SLV_METHOD_POST, "/accounts/:/images/v2/direct_upload", "",
					 "multipart/form-data; boundary=b",
					 (slv_str){ form, (size_t)len }),
			200);
	slv_str url = slv_api_member(json_object_get(kit->body, "result"), "uploadURL");
	slv_str text = slv_str_from_index(url, slv_str_find_last(url, '/') + 1);
	snprintf(secret, 64, "%.*s", SLV_FMT(text));
	kit_done(kit);
}

static int upload(struct kit *kit, const char *secret)
{
	int status = kit_ask(kit, SLV_METHOD_POST, "/upload/:", secret, "image/png",
			SLV_STR(BENCH_PICTURE));
	kit_done(kit);
	return status;
}

/* --- rows --- */

static void on_row(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct kit *kit = SLV_CONTAINER(read, struct kit, read);
	assert_int_equal(err.code, SLV_E_NONE);
	assert_int_equal(hosted_image_read(rows->at[0].value, &kit->image).code, SLV_E_NONE);
	kit->pending = false;
	rows->hold.drop(&rows->hold);
}

/* What is kept of it; its texts are not valid. */
static struct hosted_image picture(struct kit *kit, const char *id)
{
	char room[HOSTED_KEY_BYTES_MAX];
	slv_str key = hosted_row_key('i', slv_str_from(id), room);
	kit->read = (struct slv_omap_read){ .map = kit->map,
		.what = SLV_OMAP_GET,
		.keys = &key,
		.count = 1,
		.rows_max = 1,
		.done = on_row };
	kit->pending = true;
	slv_omap_read(kit->loop, &kit->read);
	while (kit->pending)
		slv_loop_turn(kit->loop, true);
	return kit->image;
}

/* A little time passes, in which the loop does what is due, until there are so many such rows. */
static void until_rows(struct kit *kit, char kind, size_t count)
{
	uint64_t begun_ns = slv_loop_fresh_ns(kit->watch);
	while (kit_rows_of(kit, kind) != count) {
		bench_pass(kit->bench, TICK_MS);
		sched_yield();
		if (slv_loop_fresh_ns(kit->watch) - begun_ns > PATIENCE_NS)
			fail_msg("nothing comes of it");
	}
}

#define IN_10_MINUTES 600
#define IN_1_HOUR 3600

/* --- what holds, and until when --- */

static void a_link_holds_until_its_time_is_over(void **state)
{
	struct kit *kit = *state;
	char one[64], other[64];
	draft(kit, "one", IN_10_MINUTES, one);
	draft(kit, "other", IN_10_MINUTES, other);
	bench_pass(kit->bench, 599999);
	assert_int_equal(get(kit, "other"), 200);
	assert_int_equal(upload(kit, one), 200);
	bench_pass(kit->bench, 1);
	assert_int_equal(upload(kit, other), 403);
	assert_int_equal(get(kit, "other"), 404);
	assert_int_equal(get(kit, "one"), 200);
}

static void what_was_a_draft_leaves_no_rows_of_one(void **state)
{
	struct kit *kit = *state;
	char secret[64];
	draft(kit, "one", IN_10_MINUTES, secret);
	assert_int_equal(kit_rows_of(kit, 'u'), 1);
	assert_int_equal(kit_rows_of(kit, 'x'), 1);
	assert_int_equal(kit_rows_of(kit, 'n'), 0);
	assert_int_equal(upload(kit, secret), 200);
	assert_int_equal(kit_rows_of(kit, 'u'), 0);
	assert_int_equal(kit_rows_of(kit, 'x'), 0);
	assert_int_equal(kit_rows_of(kit, 'n'), 1);
	assert_int_equal(kit_rows_of(kit, 'o'), 1);
	assert_int_equal(upload(kit, secret), 403);
}

static void drafts_that_have_expired_are_taken_away_and_nothing_else_is(void **state)
{
	struct kit *kit = *state;
	char secret[64], later[64];
	draft(kit, "used", IN_10_MINUTES, secret);
	assert_int_equal(upload(kit, secret), 200);
	draft(kit, "gone", IN_10_MINUTES, secret);
	draft(kit, "later", IN_1_HOUR, later);
	kit->hosted->sweep = hosted_sweep_new(kit->hosted);
	bench_pass(kit->bench, 600000);
	until_rows(kit, 'i', 2);
	assert_int_equal(kit_rows_of(kit, 'u'), 1);
	assert_int_equal(kit_rows_of(kit, 'x'), 1);
	assert_int_equal(upload(kit, secret), 403);
	draft(kit, "gone", IN_1_HOUR, secret); /* the id is free again */
	assert_int_equal(upload(kit, secret), 200);
	assert_int_equal(upload(kit, later), 200);
	assert_int_equal(kit_rows_of(kit, 'o'), 3);
}

static void a_sweep_goes_on_until_all_of_them_are_gone(void **state)
{
	struct kit *kit = *state;
	char secret[64], id[20];
	for (int i = 0; i < 250; i++) { /* more than it takes at once */
		snprintf(id, sizeof(id), "draft %d", i);
		draft(kit, id, IN_10_MINUTES, secret);
	}
	kit->hosted->sweep = hosted_sweep_new(kit->hosted);
	bench_pass(kit->bench, 600000);
	until_rows(kit, 'x', 0);
	assert_int_equal(kit_rows_of(kit, 'i'), 0);
	assert_int_equal(kit_rows_of(kit, 'u'), 0);
}

static void pictures_are_counted(void **state)
{
	struct kit *kit = *state;
	uint64_t begun_ns = slv_loop_fresh_ns(kit->watch);
	char secret[64];
	draft(kit, "one", IN_10_MINUTES, secret);
	assert_int_equal(upload(kit, secret), 200);
	assert_int_equal(kit->hosted->count, 1);
	kit->hosted->count = 7; /* what others do is not known here */
	kit->hosted->sweep = hosted_sweep_new(kit->hosted);
	while (kit->hosted->count != 1) {
		bench_pass(kit->bench, TICK_MS);
		sched_yield();
		assert_true(slv_loop_fresh_ns(kit->watch) - begun_ns < PATIENCE_NS);
	}
}

static void drafts_are_counted(void **state)
{
	struct kit *kit = *state;
	uint64_t begun_ns = slv_loop_fresh_ns(kit->watch);
	char secret[64];
	draft(kit, "one", IN_10_MINUTES, secret);
	draft(kit, "two", IN_10_MINUTES, secret);
	assert_int_equal(kit->hosted->drafts, 2);
	assert_int_equal(upload(kit, secret), 200);
	assert_int_equal(kit->hosted->drafts, 1);
	kit->hosted->drafts = 7; /* what others do is not known here */
	kit->hosted->sweep = hosted_sweep_new(kit->hosted);
	while (kit->hosted->drafts != 1) {
		bench_pass(kit->bench, TICK_MS);
		sched_yield();
		assert_true(slv_loop_fresh_ns(kit->watch) - begun_ns < PATIENCE_NS);
	}
}

static void an_account_has_so_many_drafts_at_once(void **state)
{
	struct kit *kit = *state;
	char secret[64];
	kit->settings.drafts_max = 2;
	draft(kit, "one", IN_10_MINUTES, secret);
	draft(kit, "two", IN_1_HOUR, secret);
	kit_ask(kit, SLV_METHOD_POST, "/accounts/:/images/v2/direct_upload", "", "",
			(slv_str){ 0 });
	assert_int_equal(kit->status, 413);
	const json_t *error = json_array_get(json_object_get(kit->body, "errors"), 0);
	assert_non_null(strstr(json_string_value(json_object_get(error, "message")),
			"images_store.drafts_max"));
	kit_done(kit);
	kit->hosted->sweep = hosted_sweep_new(kit->hosted);
	bench_pass(kit->bench, 600000); /* the time of one is over */
	until_rows(kit, 'u', 1);
	draft(kit, "three", IN_1_HOUR, secret);
	assert_int_equal(upload(kit, secret), 200); /* it is a picture now */
	draft(kit, "four", IN_1_HOUR, secret);
}

/* Two that are under way at once, and only one of which may be: what the other gets. */
static int one_of_two_fits(struct kit *kit, const char *path, const char *type, slv_str body)
{
	struct kit_call calls[2];
	for (size_t i = 0; i < 2; i++)
		kit_begin(kit, &calls[i], SLV_METHOD_POST, path, "", type);
	for (size_t i = 0; i < 2; i++) {
		if (body.len)
			kit_give(&calls[i], body);
		kit_give(&calls[i], (slv_str){ 0 });
	}
	for (size_t i = 0; i < 2; i++)
		kit_wait(kit, &calls[i]);
	bool first = calls[0].status == 200;
	assert_int_equal(calls[!first].status, 200);
	for (size_t i = 0; i < 2; i++)
		kit_end(&calls[i]);
	return calls[first].status;
}

static void drafts_whose_forms_end_at_once_are_bounded(void **state)
{
	struct kit *kit = *state;
	kit->settings.drafts_max = 1;
	assert_int_equal(one_of_two_fits(kit, "/accounts/:/images/v2/direct_upload", "",
					 (slv_str){ 0 }),
			413);
	assert_int_equal(kit->hosted->drafts, 1);
	assert_int_equal(kit_rows_of(kit, 'u'), 1);
}

static void pictures_that_end_at_once_are_bounded(void **state)
{
	struct kit *kit = *state;
	kit->settings.images_max = 1;
	assert_int_equal(one_of_two_fits(kit, V1, "image/png", SLV_STR(BENCH_PICTURE)), 413);
	assert_int_equal(kit->hosted->count, 1);
	assert_int_equal(kit_rows_of(kit, 'o'), 1);
}

static void what_was_not_written_does_not_count(void **state)
{
	struct kit *kit = *state;
	char secret[64];
	draft(kit, "one", IN_10_MINUTES, secret);
	slv_str form = SLV_STR("--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n"
			       "one\r\n--b--\r\n");
	kit_ask(kit, SLV_METHOD_POST, "/accounts/:/images/v2/direct_upload", "",
			"multipart/form-data; boundary=b", form);
	assert_int_equal(kit->status, 409);
	kit_done(kit);
	assert_int_equal(kit->hosted->drafts, 1);
	kit->query = "id=other"; /* which is free when they begin */
	assert_int_equal(one_of_two_fits(kit, V1, "image/png", SLV_STR(BENCH_PICTURE)), 409);
	assert_int_equal(kit->hosted->count, 1);
}

static void what_a_jail_says_is_kept(void **state)
{
	struct kit *kit = *state;
	char secret[64];
	draft(kit, "one", IN_10_MINUTES, secret);
	assert_int_equal(upload(kit, secret), 200);
	struct hosted_image image = picture(kit, "one");
	assert_int_equal(image.width, 50);
	assert_int_equal(image.height, 40);
	assert_int_equal(image.format, SLV_FORMAT_PNG);
	assert_int_equal(image.blob.len, sizeof(BENCH_PICTURE) - 1);
}

static void it_ends_while_it_sweeps(void **state)
{
	struct kit *kit = *state;
	char secret[64];
	draft(kit, "gone", IN_10_MINUTES, secret);
	kit->hosted->sweep = hosted_sweep_new(kit->hosted);
	bench_pass(kit->bench, 600000);
	slv_loop_turn(kit->loop, false);
	slv_loop_turn(kit->loop,
			false); /* its first read may be under way: kit_tear_down ends it */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_link_holds_until_its_time_is_over),
		TEST(what_was_a_draft_leaves_no_rows_of_one),
		TEST(drafts_that_have_expired_are_taken_away_and_nothing_else_is),
		TEST(a_sweep_goes_on_until_all_of_them_are_gone),
		TEST(pictures_are_counted),
		TEST(drafts_are_counted),
		TEST(an_account_has_so_many_drafts_at_once),
		TEST(drafts_whose_forms_end_at_once_are_bounded),
		TEST(pictures_that_end_at_once_are_bounded),
		TEST(what_was_not_written_does_not_count),
		TEST(what_a_jail_says_is_kept),
		TEST(it_ends_while_it_sweeps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
