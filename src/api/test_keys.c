/* The store is real, in a folder of its own; the clock is the test's. */
#include "api/keys.h"

#include "base/mem.h"
#include "base/testing.h"
#include "http/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_MS INT64_C(1700000000000)

struct kit {
	struct slv_loop *loop;
	struct slv_omaps *maps;
	struct slv_api_keys *keys;
	char folder[40];
	int64_t wall_ms;
	unsigned pending;
	slv_err err;
	struct slv_omap_rows *rows;
	struct slv_api_first first;
	slv_str id; /* of the first token; in `value` */
	char value[SLV_API_VALUE_BYTES];
};

static int64_t fake_wall_ms(void *arg)
{
	return ((struct kit *)arg)->wall_ms;
}

static void wait(struct kit *kit)
{
	while (kit->pending > 0)
		slv_loop_turn(kit->loop, true);
}

static void on_first(struct slv_api_first *first, slv_err err, slv_str account, slv_str value)
{
	struct kit *kit = SLV_CONTAINER(first, struct kit, first);
	assert_int_equal(err.code, SLV_E_NONE);
	assert_int_equal(account.len, SLV_API_ID_BYTES);
	assert_int_equal(value.len, sizeof(kit->value));
	memcpy(kit->value, value.at, value.len);
	kit->pending--;
}

static int set_up(void **state)
{
	struct kit *kit = SLV_ALLOC(struct kit);
	char url[80];
	strcpy(kit->folder, "/tmp/selvedge-keys-XXXXXX");
	assert_non_null(mkdtemp(kit->folder));
	kit->wall_ms = NOW_MS;
	struct slv_loop_world world = { .wall_ms = fake_wall_ms, .arg = kit };
	kit->loop = slv_loop_new(0, NULL, &world);
	(void)snprintf(url, sizeof(url), "sqlite:%s/maps", kit->folder); /* it fits */
	assert_false(slv_failed(slv_omaps_open(
			slv_str_from(url), slv_loop_hash_key(kit->loop), NULL, &kit->maps)));
	kit->keys = slv_api_keys_new(kit->loop, kit->maps);
	kit->first = (struct slv_api_first){ .maps = kit->maps, .done = on_first };
	kit->pending++;
	slv_api_first(kit->loop, &kit->first);
	wait(kit);
	assert_true(slv_api_value_parse((slv_str){ kit->value, sizeof(kit->value) }, &kit->id));
	*state = kit;
	return 0;
}

static int tear_down(void **state)
{
	struct kit *kit = *state;
	char command[80];
	if (kit->rows)
		kit->rows->hold.drop(&kit->rows->hold);
	slv_api_keys_free(kit->keys);
	slv_loop_free(kit->loop);
	slv_omaps_close(kit->maps);
	(void)snprintf(command, sizeof(command), "rm -r %s", kit->folder); /* it fits */
	assert_int_equal(system(command), 0);
	slv_free(kit);
	return 0;
}

/* --- rows --- */

struct writing {
	struct slv_omap_batch batch;
	struct kit *kit;
};

static void on_written(struct slv_omap_batch *batch, slv_err err)
{
	struct kit *kit = SLV_CONTAINER(batch, struct writing, batch)->kit;
	assert_int_equal(err.code, SLV_E_NONE);
	kit->pending--;
}

/* "t/<id>" or "u/<id>". */
static slv_str row_key(const struct kit *kit, char kind, char room[2 + SLV_API_ID_BYTES])
{
	room[0] = kind;
	room[1] = '/';
	memcpy(room + 2, kit->id.at, SLV_API_ID_BYTES);
	return (slv_str){ room, 2 + SLV_API_ID_BYTES };
}

/* The token and when it was used, as the API removes them. */
static void remove_token(struct kit *kit)
{
	char token[2 + SLV_API_ID_BYTES], used[2 + SLV_API_ID_BYTES];
	struct slv_omap_change changes[] = {
		{ .what = SLV_OMAP_REMOVE, .key = row_key(kit, 't', token) },
		{ .what = SLV_OMAP_REMOVE, .key = row_key(kit, 'u', used) },
	};
	struct writing writing = { { .map = slv_api_account_map(kit->keys),
						   .changes = changes,
						   .count = SLV_COUNT(changes),
						   .done = on_written },
		kit };
	kit->pending++;
	slv_omap_write(kit->loop, &writing.batch);
	wait(kit);
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

/* When it was used, in seconds; empty: that is not written down. Until the next call. */
static slv_str used_of(struct kit *kit)
{
	char room[2 + SLV_API_ID_BYTES];
	slv_str key = row_key(kit, 'u', room);
	struct reading reading = { { .map = slv_api_account_map(kit->keys),
						   .what = SLV_OMAP_GET,
						   .keys = &key,
						   .count = 1,
						   .rows_max = 1,
						   .done = on_read },
		kit };
	kit->pending++;
	slv_omap_read(kit->loop, &reading.read);
	wait(kit);
	return kit->rows->at[0].value;
}

/* --- finding --- */

struct finding {
	struct slv_api_find find;
	struct kit *kit;
};

static void on_found(struct slv_api_find *find, slv_err err)
{
	struct kit *kit = SLV_CONTAINER(find, struct finding, find)->kit;
	kit->err = err;
	kit->pending--;
}

/* Was it in memory? */
static bool find(struct kit *kit, slv_str id, struct finding *ret_finding)
{
	*ret_finding = (struct finding){ { .keys = kit->keys, .id = id, .done = on_found }, kit };
	kit->err = SLV_OK;
	kit->pending++;
	bool kept = slv_api_find(&ret_finding->find);
	if (kept)
		kit->pending--;
	wait(kit);
	return kept;
}

/* It is told; the writing of it ends. */
static void use(struct kit *kit, const struct slv_api_token *token)
{
	slv_api_used(kit->keys, token);
	slv_loop_stop(kit->loop);
	slv_loop_run(kit->loop); /* until nothing is under way */
}

static void a_token_is_kept_while_its_row_is_as_it_was(void **state)
{
	struct kit *kit = *state;
	struct finding one, two;
	assert_false(find(kit, kit->id, &one));
	assert_int_equal(kit->err.code, SLV_E_NONE);
	assert_true(slv_str_eq(one.find.token->id, kit->id));
	assert_true(slv_str_eq(one.find.account, slv_api_account(kit->keys)));
	assert_true(find(kit, kit->id, &two));
	assert_ptr_equal(one.find.token, two.find.token);
	slv_api_found_drop(&two.find);
	remove_token(kit);
	assert_false(find(kit, kit->id, &two));
	assert_int_equal(kit->err.code, SLV_E_MISSING);
	assert_null(two.find.token);
	assert_true(slv_str_eq(one.find.token->id, kit->id)); /* who has it has it */
	slv_api_found_drop(&one.find);
}

static void keys_that_sign_are_those_of_their_scope(void **state)
{
	static const char *const scopes[][3] = { { "20240101", "auto", "s3" },
		{ "20240101", "auto", "s3" }, { "20240102", "auto", "s3" },
		{ "20240102", "auto2", "s3" }, { "20240102", "auto", "2s3" },
		{ "2024010", "2/auto", "s3" }, { "20240102", "auto", "s3" },
		/* As long as what is remembered, and one past it. */
		{ "20240102", "a-region-of-51-letters-with-its-slashes-and-the-day", "s3" },
		{ "20240102", "a-region-of-51-letters-with-its-slashes-and-the-dax", "s3" },
		{ "20240102", "a-region-of-52-letters-with-its-slashes-and-the-day2", "s3" },
		{ "20240102", "a-region-of-52-letters-with-its-slashes-and-the-day3", "s3" } };
	struct kit *kit = *state;
	struct finding one;
	(void)find(kit, kit->id, &one); /* in memory or not */
	for (size_t i = 0; i < SLV_COUNT(scopes); i++) {
		slv_str date = slv_str_from(scopes[i][0]), region = slv_str_from(scopes[i][1]),
			service = slv_str_from(scopes[i][2]);
		struct slv_digest key = slv_api_sign_key(&one.find, date, region, service);
		struct slv_digest right =
				slv_sigv4_key(one.find.token->secret, date, region, service);
		assert_memory_equal(key.bytes, right.bytes, sizeof(key.bytes));
	}
	slv_api_found_drop(&one.find);
}

static void what_is_no_id_is_not_found(void **state)
{
	static const char *const ids[] = { "", "x", "0123456789abcdef0123456789abcdef",
		"0123456789abcdef0123456789abcdef0" };
	for (size_t i = 0; i < SLV_COUNT(ids); i++) {
		struct finding one;
		assert_false(find(*state, slv_str_from(ids[i]), &one));
		assert_int_equal(one.kit->err.code, SLV_E_MISSING);
		slv_api_found_drop(&one.find);
	}
}

static void the_last_use_is_written_down_now_and_then(void **state)
{
	struct kit *kit = *state;
	struct finding one;
	(void)find(kit, kit->id, &one); /* in memory or not */
	assert_int_equal(used_of(kit).len, 0);
	use(kit, one.find.token);
	assert_true(slv_str_eq(used_of(kit), SLV_STR("1700000000")));
	kit->wall_ms += 299 * 1000;
	use(kit, one.find.token);
	assert_true(slv_str_eq(used_of(kit), SLV_STR("1700000000")));
	kit->wall_ms += 1000;
	use(kit, one.find.token);
	assert_true(slv_str_eq(used_of(kit), SLV_STR("1700000300")));
	slv_api_found_drop(&one.find);
}

static void of_a_token_that_is_removed_while_it_is_used_nothing_stays(void **state)
{
	struct kit *kit = *state;
	struct finding one;
	(void)find(kit, kit->id, &one); /* in memory or not */
	remove_token(kit);
	use(kit, one.find.token);
	assert_int_equal(used_of(kit).len, 0);
	slv_api_found_drop(&one.find);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_token_is_kept_while_its_row_is_as_it_was),
		TEST(keys_that_sign_are_those_of_their_scope),
		TEST(what_is_no_id_is_not_found),
		TEST(the_last_use_is_written_down_now_and_then),
		TEST(of_a_token_that_is_removed_while_it_is_used_nothing_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
