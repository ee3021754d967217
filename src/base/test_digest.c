#include "base/digest.h"

#include "base/testing.h"

#include <string.h>

static void is_hex(struct slv_digest digest, const char *hex)
{
	uint8_t expected[SLV_SHA256_BYTES];
	assert_true(slv_str_unhex(slv_str_from(hex), expected, sizeof(expected)));
	assert_memory_equal(digest.bytes, expected, sizeof(expected));
}

/* FIPS 180-4 example "abc", in one part and in three. */
static void sha256_of_parts_is_that_of_the_whole(void **state)
{
	(void)state;
	const char *abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	slv_str whole[] = { SLV_STR("abc") }, parts[] = { SLV_STR("a"), { 0 }, SLV_STR("bc") };
	is_hex(slv_sha256(whole, 1), abc);
	is_hex(slv_sha256(parts, 3), abc);
}

/* RFC 4231 cases 2 and 6: a key below and one above the block. */
static void hmac_equals_the_rfc(void **state)
{
	(void)state;
	slv_str text[] = { SLV_STR("what do ya want "), SLV_STR("for nothing?") };
	is_hex(slv_hmac_sha256(SLV_STR("Jefe"), text, 2),
			"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");

	char key[131];
	memset(key, 0xaa, sizeof(key));
	slv_str large[] = { SLV_STR("Test Using Larger Than Block-Size Key - Hash Key First") };
	is_hex(slv_hmac_sha256((slv_str){ key, sizeof(key) }, large, 1),
			"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* RFC 2202 section 3, cases 2 and 6. */
static void hmac_sha1_equals_the_rfc(void **state)
{
	(void)state;
	uint8_t mac[SLV_SHA1_BYTES], expected[SLV_SHA1_BYTES];
	slv_str text[] = { SLV_STR("what do ya want "), SLV_STR("for nothing?") };
	slv_hmac_sha1(SLV_STR("Jefe"), text, 2, mac);
	assert_true(slv_str_unhex(SLV_STR("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"), expected,
			sizeof(expected)));
	assert_memory_equal(mac, expected, sizeof(expected));

	char key[80];
	memset(key, 0xaa, sizeof(key));
	slv_str large[] = { SLV_STR("Test Using Larger Than Block-Size Key - Hash Key First") };
	slv_hmac_sha1((slv_str){ key, sizeof(key) }, large, 1, mac);
	assert_true(slv_str_unhex(SLV_STR("aa4ae5e15272d00e95705637ce8a3b55ed402112"), expected,
			sizeof(expected)));
	assert_memory_equal(mac, expected, sizeof(expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_of_parts_is_that_of_the_whole),
		cmocka_unit_test(hmac_equals_the_rfc),
		cmocka_unit_test(hmac_sha1_equals_the_rfc),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
