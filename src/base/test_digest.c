#include "base/digest.h"

#include "base/attr.h"
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

/* FIPS 180-4 and RFC 1321 section A.5; the long ones are what md5sum, sha1sum and sha256sum say of
 * 1000 bytes 'a'. */
static void a_stream_gives_the_digest_however_it_is_cut(void **state)
{
	(void)state;
	static const struct {
		enum slv_digest_kind kind;
		const char *empty, *abc, *long_a;
	} table[] = {
		{ SLV_DIGEST_MD5, "d41d8cd98f00b204e9800998ecf8427e",
				"900150983cd24fb0d6963f7d28e17f72",
				"cabe45dcc9ae5b66ba86600cca6b8ba8" },
		{ SLV_DIGEST_SHA1, "da39a3ee5e6b4b0d3255bfef95601890afd80709",
				"a9993e364706816aba3e25717850c26c9cd0d89d",
				"291e9a6c66994949b57ba5e650361e98fc36b1ba" },
		{ SLV_DIGEST_SHA256,
				"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
				"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
				"41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea"
				"3" },
	};
	char bytes[1000];
	memset(bytes, 'a', sizeof(bytes));
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		const char *hexes[] = { table[i].empty, table[i].abc, table[i].long_a };
		slv_str texts[] = { { 0 }, SLV_STR("abc"), { bytes, sizeof(bytes) } };
		size_t steps[] = { 1, 2, 63, 1000 };
		for (size_t k = 0; k < SLV_COUNT(texts) * SLV_COUNT(steps); k++) {
			slv_str text = texts[k % SLV_COUNT(texts)];
			size_t step = steps[k / SLV_COUNT(texts)];
			uint8_t digest[SLV_DIGEST_BYTES_MAX];
			char hex[2 * SLV_DIGEST_BYTES_MAX + 1] = { 0 };
			struct slv_digest_stream stream;
			slv_digest_init(&stream, table[i].kind);
			for (size_t at = 0; at < text.len; at += step)
				slv_digest_add(&stream,
						slv_str_head(slv_str_from_index(text, at), step));
			slv_digest_finish(&stream, digest);
			slv_str_hex(digest, slv_digest_bytes(table[i].kind), hex);
			assert_string_equal(hex, hexes[k % SLV_COUNT(texts)]);
		}
	}
}

static void a_copy_of_a_stream_goes_on_by_itself(void **state)
{
	(void)state;
	for (int kind = SLV_DIGEST_MD5; kind <= SLV_DIGEST_SHA256; kind++) {
		struct slv_digest_stream one, two;
		uint8_t a[SLV_DIGEST_BYTES_MAX] = { 0 }, b[SLV_DIGEST_BYTES_MAX] = { 0 };
		slv_digest_init(&one, (enum slv_digest_kind)kind);
		slv_digest_add(&one, SLV_STR("ab"));
		two = one;
		slv_digest_add(&two, SLV_STR("d"));
		slv_digest_add(&one, SLV_STR("c"));
		slv_digest_finish(&two, b);
		slv_digest_finish(&one, a);
		assert_memory_not_equal(a, b, sizeof(a));
		slv_digest_init(&two, (enum slv_digest_kind)kind);
		slv_digest_add(&two, SLV_STR("abc"));
		slv_digest_finish(&two, b);
		assert_memory_equal(a, b, sizeof(a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_of_parts_is_that_of_the_whole),
		cmocka_unit_test(hmac_equals_the_rfc),
		cmocka_unit_test(hmac_sha1_equals_the_rfc),
		cmocka_unit_test(a_stream_gives_the_digest_however_it_is_cut),
		cmocka_unit_test(a_copy_of_a_stream_goes_on_by_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
