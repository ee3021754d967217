/* fuzz_sign.c - links from anybody
 *
 * The first byte chooses what is done with the rest:
 *
 *  - it is a link as it came: with keys that nobody knows it must be refused
 *  - it is a target to sign, by each scheme in turn: what can be signed must verify, and
 *    must not after one byte of it was changed
 */
#include "base/assert.h"
#include "base/attr.h"
#include "service/image/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW UINT64_C(1700000000)
#define LATER UINT64_C(1800000000)

static struct slv_image_target target_of(slv_str link)
{
	const slv_str route = SLV_STR("/i/");
	struct slv_image_target target = { .query = link };
	target.path = slv_str_cut(&target.query, '?');
	if (slv_str_starts(target.path, route)) {
		slv_str rest = slv_str_from_index(target.path, route.len);
		target.options = slv_str_head(rest, slv_str_find(rest, '/'));
	}
	return target;
}

static slv_err verify(slv_str link, struct slv_image_grant *ret_grant)
{
	static const struct slv_image_sign_key key = { SLV_STR_INIT("k"),
		SLV_STR_INIT("fd0c7e2b9d1a4b1d8a0f3f3c0a9d6c55") };
	struct slv_image_signing signing = {
		.required = true,
		.keys = { (void *)(uintptr_t)&key, 1 },
		.timed = true,
		.timed_ttl_s = 3600,
	};
	struct slv_image_target target = target_of(link);
	return slv_image_sign_verify(&signing, &target, NOW, ret_grant);
}

static slv_err sign(uint8_t how, slv_str link, struct slv_buf *buf)
{
	static const struct slv_image_sign_key key = { SLV_STR_INIT("k"),
		SLV_STR_INIT("fd0c7e2b9d1a4b1d8a0f3f3c0a9d6c55") };
	struct slv_image_target target = target_of(link);
	switch (how) {
	case 1:
		return slv_image_sign_exp(&key, &target, LATER, buf);
	case 2:
		return slv_image_sign_timed(&key, &target, NOW, SLV_IMAGE_MAC_BASE64, buf);
	default:
		return slv_image_sign_set(&key, &target, SLV_STR("1,22,333"),
				how == 3 ? SLV_STR("auto,avif") : SLV_STR(""), LATER, buf);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slv_image_grant grant;
	if (size < 2)
		return 0;
	slv_str text = { (const char *)data + 2, size - 2 };
	uint8_t how = data[0] % 5;
	if (how == 0) {
		slv_assert(slv_failed(verify(text, &grant)));
		return 0;
	}

	SLV_CLEANUP(slv_buf_done) struct slv_buf buf;
	slv_buf_init(&buf, SLV_KIB(64));
	if (slv_failed(sign(how, text, &buf)))
		return 0;
	slv_str link = slv_buf_str(&buf);
	slv_err err = verify(link, &grant);
	slv_assert(!slv_failed(err));
	struct slv_image_target plain = target_of(text);
	slv_assert(slv_str_eq(grant.query, plain.query));

	size_t at = (size_t)data[1] * link.len / 256;
	buf.at[at] ^= (char)SLV_BIT(data[0] / 5 % 8);
	err = verify(link, &grant);
	/* A set may lead from one of its widths to another: from 1 to no other by one bit. */
	slv_assert(slv_failed(err));
	return 0;
}
