#include "base/testing.h"

#include "service/image/link.h"

#include <string.h>

static slv_err read(struct slv_arena *arena, const char *route, const char *path, bool of_picture,
		struct image_link *ret_link)
{
	return image_link_read(
			arena, slv_str_from(route), slv_str_from(path), of_picture, ret_link);
}

static void a_link_is_an_account_an_id_and_what_is_asked_for(void **state)
{
	static const struct {
		const char *route, *path;
		bool of_picture;
		const char *hash, *id, *choice;
	} table[] = {
		{ "/p/", "/p/hash/id/public", false, "hash", "id", "public" },
		{ "/p", "/p/hash/id/public", false, "hash", "id", "public" },
		{ "/", "/hash/id/w=1,h=2", false, "hash", "id", "w=1,h=2" },
		{ "/p/", "/p/hash/a/b/c/public", false, "hash", "a/b/c", "public" },
		{ "/p/", "/p/hash/a%2fb%20c/%70ublic", false, "hash", "a/b c", "%70ublic" },
		{ "/p/", "/p/hash//public", false, NULL, NULL, NULL },
		{ "/p/", "/p//id/public", false, "", "id", "public" },
		{ "/p/", "/p/hash/id/", false, NULL, NULL, NULL },
		{ "/p/", "/p/hash/public", false, NULL, NULL, NULL },
		{ "/p/", "/p/hash", false, NULL, NULL, NULL },
		{ "/p/", "/p/", false, NULL, NULL, NULL },
		{ "/p", "/p", false, NULL, NULL, NULL },
		{ "/p", "/pi/hash/id/public", false, NULL, NULL, NULL },
		{ "/p/", "/p/hash/id", true, "hash", "id", "" },
		{ "/p/", "/p/hash/a/b", true, "hash", "a/b", "" },
		{ "/p/", "/p/hash/", true, NULL, NULL, NULL },
		{ "/p/", "/p/hash/%ff/public", false, NULL, NULL, NULL },
	};
	struct slv_arena arena;
	(void)state;
	slv_arena_init(&arena, 4096, SLV_KIB(64));
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct image_link link;
		slv_err err = read(
				&arena, table[i].route, table[i].path, table[i].of_picture, &link);
		assert_int_equal(err.code, table[i].id ? SLV_E_NONE : SLV_E_MISSING);
		if (!table[i].id)
			continue;
		assert_true(slv_str_eq(link.hash, slv_str_from(table[i].hash)));
		assert_true(slv_str_eq(link.id, slv_str_from(table[i].id)));
		assert_true(slv_str_eq(link.choice, slv_str_from(table[i].choice)));
	}
	slv_arena_done(&arena);
}

static void what_is_encoded_wrongly_is_told(void **state)
{
	struct slv_arena arena;
	struct image_link link;
	(void)state;
	slv_arena_init(&arena, 4096, SLV_KIB(64));
	assert_int_equal(read(&arena, "/p/", "/%70/hash/id/public", false, &link).code,
			SLV_E_SOURCE);
	assert_int_equal(read(&arena, "/p/", "/p/hash/%2/public", false, &link).code, SLV_E_SYNTAX);
	assert_int_equal(
			read(&arena, "/p/", "/p/hash/%00/public", false, &link).code, SLV_E_SYNTAX);
	slv_arena_done(&arena);
}

static void an_id_has_a_bound(void **state)
{
	struct slv_arena arena;
	struct image_link link;
	char path[1200] = "/p/hash/";
	(void)state;
	slv_arena_init(&arena, 4096, SLV_KIB(64));
	memset(path + 8, 'i', 1025);
	assert_int_equal(read(&arena, "/p/", path, true, &link).code, SLV_E_MISSING);
	path[8 + 1024] = 0;
	assert_int_equal(read(&arena, "/p/", path, true, &link).code, SLV_E_NONE);
	assert_int_equal(link.id.len, 1024);
	slv_arena_done(&arena);
}

static void an_arena_that_is_full_is_told(void **state)
{
	struct slv_arena arena;
	struct image_link link;
	(void)state;
	slv_arena_init(&arena, 64, 64);
	while (slv_arena_bytes(&arena, 1))
		;
	assert_int_equal(read(&arena, "/p/", "/p/hash/id/public", false, &link).code, SLV_E_LIMIT);
	slv_arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_is_an_account_an_id_and_what_is_asked_for),
		cmocka_unit_test(what_is_encoded_wrongly_is_told),
		cmocka_unit_test(an_id_has_a_bound),
		cmocka_unit_test(an_arena_that_is_full_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
