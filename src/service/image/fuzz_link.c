/* fuzz_link.c - links to pictures from anybody: "<path>?<query>". What is read, made again of its
 * parts, is read as the same; with a key that nobody knows no signature holds. */
#include "service/image/link.h"

#include "base/assert.h"
#include "base/attr.h"
#include "http/uri.h"
#include "service/image/hosted/record.h"
#include "service/image/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_read_again(struct slv_arena *arena, slv_str route, bool of_picture,
		const struct image_link *link)
{
	struct image_link again;
	SLV_CLEANUP(slv_buf_done) struct slv_buf buf;
	slv_buf_init(&buf, SLV_MIB(4));
	slv_buf_add(&buf, route);
	if (!slv_str_ends(route, SLV_STR("/")))
		slv_buf_add_char(&buf, '/');
	slv_buf_add(&buf, link->hash);
	slv_buf_add_char(&buf, '/');
	slv_uri_encode(&buf, link->id, SLV_STR(""));
	if (!of_picture)
		slv_buf_add_char(&buf, '/');
	slv_buf_add(&buf, link->choice);
	slv_assert(!buf.overflow);
	slv_err err = image_link_read(arena, route, slv_buf_str(&buf), of_picture, &again);
	slv_assert(!slv_failed(err));
	slv_assert(slv_str_eq(again.hash, link->hash) && slv_str_eq(again.id, link->id));
	slv_assert(slv_str_eq(again.choice, link->choice));
}

static void is_not_signed(slv_str path, slv_str query, slv_str choice)
{
	static const struct slv_image_sign_key key = { SLV_STR_INIT("k"),
		SLV_STR_INIT("5d8f0a7c2e9b4f1d8a0f3f3c0a9d6c55") };
	struct slv_image_signing signing = { .required = true,
		.keys = { (void *)(uintptr_t)&key, 1 } };
	struct slv_image_target target = { .path = path, .query = query, .options = choice };
	struct slv_image_grant grant;
	slv_err err = slv_image_sign_verify(&signing, &target, UINT64_C(1700000000), &grant);
	slv_assert(slv_failed(err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const routes[] = { "/", "/i/", "/i" };
	slv_str query = { (const char *)data, size }, path = slv_str_cut(&query, '?');
	struct slv_arena arena;
	struct image_link link;
	slv_arena_init(&arena, SLV_KIB(4), SLV_MIB(16));
	for (unsigned i = 0; i < 2 * SLV_COUNT(routes); i++) {
		slv_str route = slv_str_from(routes[i / 2]);
		bool of_picture = i % 2;
		if (slv_failed(image_link_read(&arena, route, path, of_picture, &link)))
			continue;
		slv_assert(slv_str_find(link.hash, '/') == link.hash.len);
		slv_assert(slv_str_find(link.choice, '/') == link.choice.len);
		slv_assert(of_picture == (link.choice.len == 0));
		slv_assert(!slv_failed(hosted_id_check(link.id)));
		is_read_again(&arena, route, of_picture, &link);
		is_not_signed(path, query, link.choice);
	}
	slv_arena_done(&arena);
	return 0;
}
