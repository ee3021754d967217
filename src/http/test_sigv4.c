/* The examples of the S3 API reference ("Signature Calculations for the Authorization Header",
 * "… using query parameters", "… in multiple chunks"), whose key is public. */
#include "http/sigv4.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/testing.h"

#include <stdio.h>
#include <string.h>

#define SECRET SLV_STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define NOW_S 1369353600 /* 20130524T000000Z */
#define CREDENTIAL "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"

struct kit {
	struct slv_arena arena;
	struct slv_fields fields;
	struct slv_sigv4_request request;
	struct slv_sigv4 signature;
	struct slv_digest key;
};

static void kit_init(struct kit *kit, const char *method, const char *path, const char *query)
{
	*kit = (struct kit){ 0 };
	slv_arena_init(&kit->arena, 4096, SLV_MIB(4));
	slv_fields_init(&kit->fields, &kit->arena);
	kit->request = (struct slv_sigv4_request){ slv_str_from(method), slv_str_from(path),
		query ? slv_str_from(query) : (slv_str){ 0 }, &kit->fields, SLV_STR(EMPTY) };
	kit->key = slv_sigv4_key(SECRET, SLV_STR("20130524"), SLV_STR("us-east-1"), SLV_STR("s3"));
}

static void kit_field(struct kit *kit, const char *name, const char *value)
{
	slv_err err = slv_fields_add(&kit->fields, slv_str_from(name), slv_str_from(value));
	assert_int_equal(err.code, SLV_E_NONE);
}

static void kit_signed(struct kit *kit, const char *fields, const char *signature)
{
	slv_str text = slv_str_printf(&kit->arena,
			"AWS4-HMAC-SHA256 Credential=" CREDENTIAL ",SignedHeaders=%s,Signature=%s",
			fields, signature);
	slv_err err = slv_fields_add(&kit->fields, SLV_STR("Authorization"), text);
	assert_int_equal(err.code, SLV_E_NONE);
}

static int find(struct kit *kit)
{
	return slv_sigv4_find(&kit->arena, &kit->request, NOW_S, &kit->signature).code;
}

static bool verifies(struct kit *kit)
{
	assert_int_equal(find(kit), SLV_E_NONE);
	slv_err err = slv_sigv4_verify(&kit->arena, &kit->request, &kit->signature, &kit->key);
	assert_true(err.code == SLV_E_NONE || err.code == SLV_E_SIGNATURE);
	return err.code == SLV_E_NONE;
}

static void get_object(struct kit *kit, const char *signature)
{
	kit_init(kit, "GET", "/test.txt", NULL);
	kit_field(kit, "Host", "examplebucket.s3.amazonaws.com");
	kit_field(kit, "Range", "bytes=0-9");
	kit_field(kit, "x-amz-content-sha256", EMPTY);
	kit_field(kit, "x-amz-date", "20130524T000000Z");
	kit_signed(kit, "host;range;x-amz-content-sha256;x-amz-date", signature);
}

#define GET_SIGNATURE "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"

static void examples_in_a_field_verify(void **state)
{
	(void)state;
	struct kit kit;
	get_object(&kit, GET_SIGNATURE);
	assert_true(verifies(&kit));
	assert_true(slv_str_eq(kit.signature.key_id, SLV_STR("AKIAIOSFODNN7EXAMPLE")));
	assert_true(slv_str_eq(kit.signature.region, SLV_STR("us-east-1")));
	assert_int_equal(kit.signature.time_s, 1369353600);
	assert_false(kit.signature.presigned);
	slv_arena_done(&kit.arena);

	kit_init(&kit, "PUT", "/test%24file.text", NULL);
	kit_field(&kit, "Date", "Fri, 24 May 2013 00:00:00 GMT");
	kit_field(&kit, "Host", "examplebucket.s3.amazonaws.com");
	kit_field(&kit, "x-amz-date", "20130524T000000Z");
	kit_field(&kit, "x-amz-storage-class", "REDUCED_REDUNDANCY");
	kit.request.payload =
			SLV_STR("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
	kit_field(&kit, "x-amz-content-sha256", kit.request.payload.at);
	kit_signed(&kit, "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
			"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
	assert_true(verifies(&kit));
	/* The dollar may come as itself. */
	kit.request.path = SLV_STR("/test$file.text");
	assert_true(verifies(&kit));
	slv_arena_done(&kit.arena);

	static const struct {
		const char *query, *signature;
	} lists[] = {
		{ "lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
		{ "max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef"
					 "69dc6f7" },
		{ "prefix=J&max-keys=2", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef"
					 "69dc6f7" },
	};
	for (size_t i = 0; i < SLV_COUNT(lists); i++) {
		kit_init(&kit, "GET", "/", lists[i].query);
		kit_field(&kit, "Host", "examplebucket.s3.amazonaws.com");
		kit_field(&kit, "x-amz-content-sha256", EMPTY);
		kit_field(&kit, "x-amz-date", "20130524T000000Z");
		kit_signed(&kit, "host;x-amz-content-sha256;x-amz-date", lists[i].signature);
		assert_true(verifies(&kit));
		slv_arena_done(&kit.arena);
	}
}

#define PRESIGNED_HEAD                                                                             \
	"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"        \
	"%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires="
#define PRESIGNED_TAIL                                                                             \
	"&X-Amz-SignedHeaders=host&X-Amz-Signature="                                               \
	"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

static void the_presigned_example_verifies(void **state)
{
	(void)state;
	struct kit kit;
	kit_init(&kit, "GET", "/test.txt", PRESIGNED_HEAD "86400" PRESIGNED_TAIL);
	kit.request.payload = SLV_STR("UNSIGNED-PAYLOAD");
	kit_field(&kit, "Host", "examplebucket.s3.amazonaws.com");
	assert_true(verifies(&kit));
	assert_true(kit.signature.presigned);
	assert_int_equal(kit.signature.expires_s, 86400);
	slv_arena_done(&kit.arena);
}

static void expiry_is_from_a_second_to_seven_days(void **state)
{
	(void)state;
	static const struct {
		const char *query;
		int code;
	} table[] = {
		{ PRESIGNED_HEAD "0" PRESIGNED_TAIL, SLV_E_SYNTAX },
		{ PRESIGNED_HEAD "1" PRESIGNED_TAIL, SLV_E_NONE },
		{ PRESIGNED_HEAD "604800" PRESIGNED_TAIL, SLV_E_NONE },
		{ PRESIGNED_HEAD "604801" PRESIGNED_TAIL, SLV_E_SYNTAX },
		{ PRESIGNED_HEAD "-1" PRESIGNED_TAIL, SLV_E_SYNTAX },
		{ PRESIGNED_HEAD PRESIGNED_TAIL, SLV_E_SYNTAX },
		{ PRESIGNED_HEAD "60&X-Amz-Expires=60" PRESIGNED_TAIL, SLV_E_SYNTAX },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct kit kit;
		kit_init(&kit, "GET", "/test.txt", table[i].query);
		assert_int_equal(find(&kit), table[i].code);
		slv_arena_done(&kit.arena);
	}
}

static void chunks_of_the_example_verify(void **state)
{
	(void)state;
	struct kit kit;
	kit_init(&kit, "PUT", "/examplebucket/chunkObject.txt", NULL);
	kit_field(&kit, "Host", "s3.amazonaws.com");
	kit_field(&kit, "x-amz-date", "20130524T000000Z");
	kit_field(&kit, "x-amz-storage-class", "REDUCED_REDUNDANCY");
	kit_field(&kit, "x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
	kit_field(&kit, "Content-Encoding", "aws-chunked");
	kit_field(&kit, "x-amz-decoded-content-length", "66560");
	kit_field(&kit, "Content-Length", "66824");
	kit.request.payload = SLV_STR("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
	kit_signed(&kit,
			"content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
			"x-amz-decoded-content-length;x-amz-storage-class",
			"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
	assert_true(verifies(&kit));
	static const struct {
		size_t len;
		const char *signature;
	} chunks[] = {
		{ 65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648" },
		{ 1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497" },
		{ 0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9" },
	};
	static char bytes[65536];
	memset(bytes, 'a', sizeof(bytes));
	slv_str before = kit.signature.signature;
	for (size_t i = 0; i < SLV_COUNT(chunks); i++) {
		char hex[SLV_SIGV4_HEX_BYTES];
		slv_str part = { bytes, chunks[i].len };
		struct slv_digest digest = slv_sha256(&part, 1);
		slv_sigv4_sign_chunk(&kit.signature, &kit.key, before, &digest, hex);
		assert_memory_equal(hex, chunks[i].signature, sizeof(hex));
		before = slv_str_from(chunks[i].signature);
	}
	slv_arena_done(&kit.arena);
}

/* The signature was worked out by Python's hmac. */
static void a_policy_verifies_as_it_was_sent(void **state)
{
	struct slv_sigv4 signature;
	(void)state;
	const slv_str algorithm = SLV_STR("AWS4-HMAC-SHA256"), date = SLV_STR("20130806T000000Z");
	const slv_str credential = SLV_STR("AKID/20130806/us-east-1/s3/aws4_request");
	const slv_str hex =
			SLV_STR("abea5471ec432f5eefaa5e40c522eed093d694a71c52795a1be6d5b28d6613d4");
	assert_false(slv_failed(slv_sigv4_find_form(algorithm, credential, date, hex, &signature)));
	assert_true(slv_str_eq(signature.key_id, SLV_STR("AKID")));
	assert_true(slv_str_eq(signature.region, SLV_STR("us-east-1")));
	struct slv_digest key = slv_sigv4_key(SLV_STR("wJalrXUtnFEMI"), signature.date,
			signature.region, signature.service);
	assert_false(slv_failed(slv_sigv4_verify_policy(SLV_STR("e30="), &signature, &key)));
	assert_int_equal(slv_sigv4_verify_policy(SLV_STR("e30"), &signature, &key).code,
			SLV_E_SIGNATURE);
	key.bytes[0] ^= 1;
	assert_int_equal(slv_sigv4_verify_policy(SLV_STR("e30="), &signature, &key).code,
			SLV_E_SIGNATURE);
	assert_int_equal(slv_sigv4_when(&signature, signature.time_s + SLV_SIGV4_EXPIRES_MAX),
			SLV_SIGV4_IN_TIME);
	assert_int_equal(slv_sigv4_when(&signature, signature.time_s + SLV_SIGV4_EXPIRES_MAX + 1),
			SLV_SIGV4_EXPIRED);

	const slv_str bad[][4] = {
		{ SLV_STR("AWS4-HMAC-SHA512"), credential, date, hex },
		{ algorithm, SLV_STR("AKID/20130806/us-east-1/s3"), date, hex },
		{ algorithm, SLV_STR("/20130806/us-east-1/s3/aws4_request"), date, hex },
		{ algorithm, credential, SLV_STR("20130807T000000Z"), hex },
		{ algorithm, credential, SLV_STR("yesterday"), hex },
		{ algorithm, credential, date, slv_str_head(hex, 63) },
		{ { 0 }, { 0 }, { 0 }, { 0 } },
	};
	for (size_t i = 0; i < SLV_COUNT(bad); i++)
		assert_int_equal(slv_sigv4_find_form(bad[i][0], bad[i][1], bad[i][2], bad[i][3],
						 &signature)
						 .code,
				SLV_E_SYNTAX);
}

static void another_request_does_not_verify(void **state)
{
	(void)state;
	for (int what = 0; what < 7; what++) {
		struct kit kit;
		get_object(&kit, GET_SIGNATURE);
		if (what == 1)
			kit.request.method = SLV_STR("HEAD");
		if (what == 2)
			kit.request.path = SLV_STR("/test.tx");
		if (what == 3)
			kit.request.query = SLV_STR("a");
		if (what == 4)
			kit.fields.at[1].value = SLV_STR("bytes=0-8");
		if (what == 5)
			kit.request.payload = SLV_STR("UNSIGNED-PAYLOAD");
		if (what == 6)
			kit.key.bytes[31] ^= 1;
		assert_true(verifies(&kit) == (what == 0));
		slv_arena_done(&kit.arena);
	}
}

static void a_bad_escape_verifies_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *path, *query;
	} table[] = { { "/%", "" }, { "/%00", "" }, { "/", "%zz" }, { "/", "a=%0" } };
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct kit kit;
		get_object(&kit, GET_SIGNATURE);
		kit.request.path = slv_str_from(table[i].path);
		kit.request.query = slv_str_from(table[i].query);
		assert_int_equal(find(&kit), SLV_E_NONE);
		slv_err err = slv_sigv4_verify(&kit.arena, &kit.request, &kit.signature, &kit.key);
		assert_int_equal(err.code, SLV_E_SYNTAX);
		slv_arena_done(&kit.arena);
	}
}

static void what_decides_must_be_signed(void **state)
{
	(void)state;
	static const struct {
		const char *fields;
		bool acl, type;
		int found, verified;
	} table[] = {
		{ "host;x-amz-date", false, false, SLV_E_NONE, SLV_E_SIGNATURE },
		{ "x-amz-date", false, false, SLV_E_NONE, SLV_E_DENIED },
		{ "host", false, false, SLV_E_NONE, SLV_E_DENIED },
		{ "host;range;x-amz-date", false, false, SLV_E_NONE, SLV_E_SIGNATURE },
		{ "host;x-amz-date", true, false, SLV_E_NONE, SLV_E_DENIED },
		{ "host;x-amz-acl;x-amz-date", true, false, SLV_E_NONE, SLV_E_SIGNATURE },
		{ "host;x-amz-date", false, true, SLV_E_NONE, SLV_E_SIGNATURE },
		{ "", false, false, SLV_E_SYNTAX, 0 },
		{ ";host;x-amz-date", false, false, SLV_E_SYNTAX, 0 },
		{ "host;x-amz-date;", false, false, SLV_E_SYNTAX, 0 },
		{ "Host;x-amz-date", false, false, SLV_E_SYNTAX, 0 },
		{ "host;X-Amz-Date", false, false, SLV_E_SYNTAX, 0 },
		{ "x-amz-date;host", false, false, SLV_E_SYNTAX, 0 },
		{ "host;host;x-amz-date", false, false, SLV_E_SYNTAX, 0 },
		{ "host; x-amz-date", false, false, SLV_E_SYNTAX, 0 },
		{ "host;x-amz:date", false, false, SLV_E_SYNTAX, 0 },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct kit kit;
		kit_init(&kit, "GET", "/", NULL);
		kit_field(&kit, "Host", "a");
		kit_field(&kit, "X-Amz-Date", "20130524T000000Z");
		if (table[i].acl)
			kit_field(&kit, "X-Amz-Acl", "private");
		if (table[i].type)
			kit_field(&kit, "Content-Type", "text/plain");
		kit_signed(&kit, table[i].fields, GET_SIGNATURE);
		assert_int_equal(find(&kit), table[i].found);
		if (!table[i].found) {
			slv_err err = slv_sigv4_verify(
					&kit.arena, &kit.request, &kit.signature, &kit.key);
			assert_int_equal(err.code, table[i].verified);
		}
		slv_arena_done(&kit.arena);
	}
}

#define GOOD_TAIL ",SignedHeaders=host,Signature=" GET_SIGNATURE
#define GOOD "AWS4-HMAC-SHA256 Credential=" CREDENTIAL GOOD_TAIL

static void what_cannot_be_a_signature_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *time;
		int code;
	} table[] = {
		{ GOOD, "20130524T000000Z", 0 },
		{ "AWS4-HMAC-SHA256  Credential=" CREDENTIAL
		  " , SignedHeaders=host,  Signature=" GET_SIGNATURE,
				"20130524T000000Z", 0 },
		{ "AWS4-HMAC-SHA256 Signature=" GET_SIGNATURE ",Credential=" CREDENTIAL
		  ",SignedHeaders=host",
				"20130524T000000Z", 0 },
		{ "AWS AKIAIOSFODNN7EXAMPLE:abc", "20130524T000000Z", SLV_E_UNSUPPORTED },
		{ "AWS4-ECDSA-P256-SHA256 Credential=" CREDENTIAL GOOD_TAIL, "20130524T000000Z",
				SLV_E_UNSUPPORTED },
		{ "Bearer x", "20130524T000000Z", SLV_E_UNSUPPORTED },
		{ "", "20130524T000000Z", SLV_E_UNSUPPORTED },
		{ "AWS4-HMAC-SHA256", "20130524T000000Z", SLV_E_SYNTAX },
		{ "AWS4-HMAC-SHA256 ", "20130524T000000Z", SLV_E_SYNTAX },
		{ GOOD ",", "20130524T000000Z", SLV_E_SYNTAX },
		{ GOOD ",More=1", "20130524T000000Z", SLV_E_SYNTAX },
		{ GOOD ",Credential=" CREDENTIAL, "20130524T000000Z", SLV_E_SYNTAX },
		{ GOOD ",Signature=" GET_SIGNATURE, "20130524T000000Z", SLV_E_SYNTAX },
		{ GOOD ",SignedHeaders=host", "20130524T000000Z", SLV_E_SYNTAX },
		{ "AWS4-HMAC-SHA256 Credential=,Credential=" CREDENTIAL GOOD_TAIL,
				"20130524T000000Z", SLV_E_SYNTAX },
		{ "AWS4-HMAC-SHA256 credential=" CREDENTIAL GOOD_TAIL, "20130524T000000Z",
				SLV_E_SYNTAX },
		{ "AWS4-HMAC-SHA256 Credential" GOOD_TAIL, "20130524T000000Z", SLV_E_SYNTAX },
		{ "AWS4-HMAC-SHA256 Credential=" CREDENTIAL ",Signature=" GET_SIGNATURE,
				"20130524T000000Z", SLV_E_SYNTAX },
		{ "AWS4-HMAC-SHA256 Credential=" CREDENTIAL ",SignedHeaders=host",
				"20130524T000000Z", SLV_E_SYNTAX },
		{ "AWS4-HMAC-SHA256 Credential=a/20130524/b/s3/aws3_request" GOOD_TAIL,
				"20130524T000000Z", SLV_E_SYNTAX },
		{ "AWS4-HMAC-SHA256 Credential=a/20130524/b/s3/aws4_request/" GOOD_TAIL,
				"20130524T000000Z", SLV_E_SYNTAX },
		{ "AWS4-HMAC-SHA256 Credential=/20130524/b/s3/aws4_request" GOOD_TAIL,
				"20130524T000000Z", SLV_E_SYNTAX },
		{ "AWS4-HMAC-SHA256 Credential=a/20130525/b/s3/aws4_request" GOOD_TAIL,
				"20130524T000000Z", SLV_E_SYNTAX },
		{ "AWS4-HMAC-SHA256 Credential=" CREDENTIAL ",SignedHeaders=host,Signature=abc",
				"20130524T000000Z", SLV_E_SYNTAX },
		{ "AWS4-HMAC-SHA256 Credential=" CREDENTIAL
		  ",SignedHeaders=host,Signature=F0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd"
		  "91039c6036bdb41",
				"20130524T000000Z", SLV_E_SYNTAX },
		{ GOOD, "", SLV_E_SYNTAX },
		{ GOOD, "20130524T000000", SLV_E_SYNTAX },
		{ GOOD, "20130524T240000Z", SLV_E_SYNTAX },
		{ GOOD, "20130024T000000Z", SLV_E_SYNTAX },
		{ GOOD, "Fri, 24 May 2013 00:00:00 GMT", SLV_E_SYNTAX },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct kit kit;
		kit_init(&kit, "GET", "/", NULL);
		kit_field(&kit, "x-amz-date", table[i].time);
		kit_field(&kit, "authorization", table[i].text);
		kit.signature.expires_s = 7;
		assert_int_equal(find(&kit), table[i].code);
		assert_int_equal(kit.signature.expires_s, table[i].code ? 7 : 0);
		slv_arena_done(&kit.arena);
	}
}

static void there_is_one_signature_in_one_place(void **state)
{
	(void)state;
	static const struct {
		const char *query;
		int authorizations, place, code;
	} table[] = {
		{ NULL, 0, SLV_SIGV4_NOWHERE, SLV_E_UNAUTHORIZED },
		{ "", 0, SLV_SIGV4_NOWHERE, SLV_E_UNAUTHORIZED },
		{ "prefix=X-Amz-Signature=", 0, SLV_SIGV4_NOWHERE, SLV_E_UNAUTHORIZED },
		{ "NoX-Amz-Signature=1", 0, SLV_SIGV4_NOWHERE, SLV_E_UNAUTHORIZED },
		{ "X-Amz-Signature1=1", 0, SLV_SIGV4_NOWHERE, SLV_E_UNAUTHORIZED },
		{ "X-Amz-Date=20130524T000000Z", 0, SLV_SIGV4_NOWHERE, SLV_E_UNAUTHORIZED },
		{ NULL, 1, SLV_SIGV4_IN_FIELD, SLV_E_NONE },
		{ NULL, 2, SLV_SIGV4_IN_FIELD, SLV_E_SYNTAX },
		{ "prefix=X-Amz-Signature=", 1, SLV_SIGV4_IN_FIELD, SLV_E_NONE },
		{ PRESIGNED_HEAD "60" PRESIGNED_TAIL, 0, SLV_SIGV4_IN_QUERY, SLV_E_NONE },
		{ PRESIGNED_HEAD "60" PRESIGNED_TAIL, 1, SLV_SIGV4_IN_BOTH, SLV_E_SYNTAX },
		{ "X-Amz-Signature", 0, SLV_SIGV4_IN_QUERY, SLV_E_SYNTAX },
		{ "a=b&X-Amz-Credential=x", 0, SLV_SIGV4_IN_QUERY, SLV_E_SYNTAX },
		{ "X-Amz-Algorithm=x", 1, SLV_SIGV4_IN_BOTH, SLV_E_SYNTAX },
		{ "X%2DAmz%2dSignatur%65=x", 1, SLV_SIGV4_IN_BOTH, SLV_E_SYNTAX },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct kit kit;
		kit_init(&kit, "GET", "/", table[i].query);
		kit_field(&kit, "x-amz-date", "20130524T000000Z");
		for (int k = 0; k < table[i].authorizations; k++)
			kit_field(&kit, "authorization", GOOD);
		assert_int_equal(slv_sigv4_place(&kit.request), table[i].place);
		assert_int_equal(find(&kit), table[i].code);
		slv_arena_done(&kit.arena);
	}
}

static void a_parameter_of_the_signature_stands_once(void **state)
{
	(void)state;
	static const char *const more[] = { "&X-Amz-Algorithm=AWS4-HMAC-SHA256",
		"&X-Amz-Credential=a", "&X-Amz-Date=20130524T000000Z", "&X-Amz-Expires=60",
		"&X-Amz-SignedHeaders=host", "&X-Amz-Signature=0", "&X-Amz-Signature",
		"&X-Amz%2DDate=20130524T000000Z", "&%58-Amz-Expires=60" };
	for (size_t i = 0; i < SLV_COUNT(more); i++) {
		struct kit kit;
		kit_init(&kit, "GET", "/test.txt", NULL);
		kit.request.query = slv_str_printf(
				&kit.arena, "%s%s", PRESIGNED_HEAD "60" PRESIGNED_TAIL, more[i]);
		assert_int_equal(find(&kit), SLV_E_SYNTAX);
		kit.request.query.len -= strlen(more[i]);
		assert_int_equal(find(&kit), SLV_E_NONE);
		slv_arena_done(&kit.arena);
	}
}

static void names_of_parameters_may_be_escaped(void **state)
{
	(void)state;
	struct kit kit;
	kit_init(&kit, "GET", "/test.txt",
			"X-Amz-Algorithm=AWS4-HMAC-SHA256&X%2DAmz-Credential=AKIAIOSFODNN7EXAMPLE%"
			"2f"
			"20130524/us-east-1/s3/"
			"aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires"
			"=86400&X-Amz-SignedHeaders=h%6fst&%58-Amz-Signature="
			"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
	kit.request.payload = SLV_STR("UNSIGNED-PAYLOAD");
	kit_field(&kit, "Host", "examplebucket.s3.amazonaws.com");
	assert_true(verifies(&kit));
	slv_arena_done(&kit.arena);
}

static void the_date_may_stand_in_date(void **state)
{
	(void)state;
	static const struct {
		const char *amz, *date;
		int code;
	} table[] = {
		{ NULL, "Fri, 24 May 2013 00:00:00 GMT", SLV_E_NONE },
		{ NULL, "Friday, 24-May-13 00:00:00 GMT", SLV_E_NONE },
		{ NULL, "20130524T000000Z", SLV_E_NONE },
		{ "20130524T000000Z", "Sat, 25 May 2013 00:00:00 GMT", SLV_E_NONE },
		{ NULL, "Sat, 25 May 2013 00:00:00 GMT", SLV_E_SYNTAX },
		{ NULL, "yesterday", SLV_E_SYNTAX },
		{ NULL, NULL, SLV_E_SYNTAX },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct kit kit;
		kit_init(&kit, "GET", "/", NULL);
		if (table[i].amz)
			kit_field(&kit, "X-Amz-Date", table[i].amz);
		if (table[i].date)
			kit_field(&kit, "Date", table[i].date);
		kit_field(&kit, "authorization", GOOD);
		assert_int_equal(find(&kit), table[i].code);
		if (!table[i].code)
			assert_true(slv_str_eq(kit.signature.time, SLV_STR("20130524T000000Z")));
		if (table[i].date)
			kit_field(&kit, "Date", table[i].date);
		assert_int_equal(find(&kit), SLV_E_SYNTAX); /* or none at all */
		slv_arena_done(&kit.arena);
	}
}

static void a_quarter_of_an_hour_is_no_skew(void **state)
{
	(void)state;
	static const struct {
		bool presigned;
		int64_t later_s; /* than it was signed */
		enum slv_sigv4_when when;
	} table[] = {
		{ false, 0, SLV_SIGV4_IN_TIME },
		{ false, 900, SLV_SIGV4_IN_TIME },
		{ false, 901, SLV_SIGV4_SKEWED },
		{ false, -900, SLV_SIGV4_IN_TIME },
		{ false, -901, SLV_SIGV4_SKEWED },
		{ true, 0, SLV_SIGV4_IN_TIME },
		{ true, 3600, SLV_SIGV4_IN_TIME },
		{ true, 3601, SLV_SIGV4_EXPIRED },
		{ true, -900, SLV_SIGV4_IN_TIME },
		{ true, -901, SLV_SIGV4_SKEWED },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct slv_sigv4 signature = { .time_s = NOW_S,
			.presigned = table[i].presigned,
			.expires_s = table[i].presigned ? 3600 : 0 };
		assert_int_equal(slv_sigv4_when(&signature, NOW_S + table[i].later_s),
				table[i].when);
	}
}

static const struct slv_sigv4_client client = { SLV_STR_INIT("AKIAIOSFODNN7EXAMPLE"),
	SLV_STR_INIT("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), SLV_STR_INIT("us-east-1"),
	SLV_STR_INIT("s3") };

static void we_presign_as_the_example_does(void **state)
{
	(void)state;
	struct kit kit;
	struct slv_buf target;
	slv_buf_init(&target, 1024);
	kit_init(&kit, "GET", "/test.txt", NULL);
	kit_field(&kit, "Host", "examplebucket.s3.amazonaws.com");
	slv_err err = slv_sigv4_presign(&kit.arena, &client, &kit.request, NOW_S, 86400, &target);
	assert_int_equal(err.code, SLV_E_NONE);
	assert_true(slv_str_eq(slv_buf_str(&target),
			SLV_STR("/test.txt?" PRESIGNED_HEAD "86400" PRESIGNED_TAIL)));
	slv_arena_done(&kit.arena);
	slv_buf_done(&target);
}

static void what_we_presign_verifies_with_its_fields(void **state)
{
	(void)state;
	struct kit kit;
	struct slv_buf target;
	slv_buf_init(&target, 4096);
	kit_init(&kit, "PUT", "/b/a+b//..%2F~*'\xc3\xbc", "partNumber=1&uploadId=a%2Bb==&empty");
	kit_field(&kit, "X-Amz-Meta-B", "2");
	kit_field(&kit, "Host", "s3.example");
	kit_field(&kit, "content-type", "a/b");
	kit_field(&kit, "X-AMZ-META-A", "1");
	kit_field(&kit, "x-amz-meta-b", "3");
	kit_field(&kit, "Accept", "text/plain");
	slv_err err = slv_sigv4_presign(&kit.arena, &client, &kit.request, NOW_S, 1, &target);
	assert_int_equal(err.code, SLV_E_NONE);

	slv_str rest = slv_buf_str(&target);
	kit.request.path = slv_str_cut(&rest, '?');
	kit.request.query = rest;
	kit.request.payload = SLV_STR("UNSIGNED-PAYLOAD");
	assert_true(slv_str_eq(kit.request.path, SLV_STR("/b/a%2Bb//../~%2A%27%C3%BC")));
	assert_true(verifies(&kit));
	assert_true(kit.signature.presigned);
	assert_int_equal(kit.signature.expires_s, 1);
	assert_true(slv_str_eq(kit.signature.signed_fields,
			SLV_STR("content-type;host;x-amz-meta-a;x-amz-meta-b")));
	kit.fields.at[4].value = SLV_STR("4");
	assert_false(verifies(&kit));
	slv_arena_done(&kit.arena);
	slv_buf_done(&target);
}

static void what_cannot_be_presigned_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *path, *query;
		uint32_t expires_s;
		size_t room;
		int code;
	} table[] = {
		{ "/", "a", 1, 1024, SLV_E_NONE },
		{ "/", "a", 604800, 1024, SLV_E_NONE },
		{ "/", "a", 0, 1024, SLV_E_OPTION },
		{ "/", "a", 604801, 1024, SLV_E_OPTION },
		{ "/", "X-Amz-Signature=a", 60, 1024, SLV_E_OPTION },
		{ "/", "a&X-Amz-Date=a", 60, 1024, SLV_E_OPTION },
		{ "/", "X-Amz-%45xpires", 60, 1024, SLV_E_OPTION },
		{ "/", "X-Amz-SignedHeaders=", 60, 1024, SLV_E_OPTION },
		{ "/%", "a", 60, 1024, SLV_E_SYNTAX },
		{ "/", "a%0", 60, 1024, SLV_E_SYNTAX },
		{ "/", "a", 60, 100, SLV_E_LIMIT },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct kit kit;
		struct slv_buf target;
		slv_buf_init(&target, table[i].room);
		kit_init(&kit, "GET", table[i].path, table[i].query);
		kit_field(&kit, "host", "a");
		slv_err err = slv_sigv4_presign(&kit.arena, &client, &kit.request, NOW_S,
				table[i].expires_s, &target);
		assert_int_equal(err.code, table[i].code);
		slv_buf_done(&target);
		slv_arena_done(&kit.arena);
	}
}

static void bounds_hold(void **state)
{
	(void)state;
	for (int over = 0; over < 2; over++) {
		struct kit kit;
		struct slv_buf query, names;
		kit_init(&kit, "GET", "/", NULL);
		slv_buf_init(&query, 4096);
		slv_buf_init(&names, 4096);
		for (int i = 0; i < SLV_SIGV4_PARAMS_MAX + over; i++)
			slv_buf_printf(&query, "a%d&&", i);
		kit_field(&kit, "host", "a");
		kit.request.query = slv_buf_str(&query);
		slv_err err = slv_sigv4_authorize(&kit.arena, &client, &kit.request, NOW_S);
		assert_int_equal(err.code, over ? SLV_E_LIMIT : SLV_E_NONE);
		if (!over)
			assert_true(verifies(&kit));
		slv_arena_done(&kit.arena);

		kit_init(&kit, "GET", "/", NULL);
		for (int i = 0; i < SLV_SIGV4_SIGNED_MAX + over; i++)
			slv_buf_printf(&names, "%sa%c%c", i ? ";" : "", 'a' + i / 26, 'a' + i % 26);
		slv_buf_add_char(&names, '\0');
		kit_field(&kit, "x-amz-date", "20130524T000000Z");
		kit_signed(&kit, names.at, GET_SIGNATURE);
		assert_int_equal(find(&kit), over ? SLV_E_LIMIT : SLV_E_NONE);
		slv_arena_done(&kit.arena);

		kit_init(&kit, "GET", "/", NULL);
		kit_field(&kit, "host", "a");
		for (int i = 0; i < SLV_SIGV4_SIGNED_MAX - 3 + over; i++)
			kit_field(&kit, "x-amz-meta-a", "a");
		err = slv_sigv4_authorize(&kit.arena, &client, &kit.request, NOW_S);
		assert_int_equal(err.code, over ? SLV_E_LIMIT : SLV_E_NONE);
		slv_arena_done(&kit.arena);
		slv_buf_done(&query);
		slv_buf_done(&names);
	}
}

/* However little there is, it fails with SLV_E_LIMIT or works. */
static void an_arena_may_end_anywhere(void **state)
{
	(void)state;
	size_t failed = 0;
	for (size_t max = 64; max < 4096; max += 16) {
		struct kit kit;
		struct slv_arena little;
		struct slv_buf target;
		slv_buf_init(&target, 4096);
		kit_init(&kit, "GET", "/test.txt", PRESIGNED_HEAD "86400" PRESIGNED_TAIL);
		kit.request.payload = SLV_STR("UNSIGNED-PAYLOAD");
		kit_field(&kit, "Host", "examplebucket.s3.amazonaws.com");
		slv_arena_init(&little, 64, max);
		slv_err err = slv_sigv4_find(&little, &kit.request, NOW_S, &kit.signature);
		if (!slv_failed(err))
			err = slv_sigv4_verify(&little, &kit.request, &kit.signature, &kit.key);
		kit.request.query = SLV_STR("a=b");
		if (!slv_failed(err))
			err = slv_sigv4_presign(&little, &client, &kit.request, NOW_S, 1, &target);
		slv_fields_init(&kit.fields, &little);
		kit.fields = (struct slv_fields){ .arena = &little };
		if (!slv_failed(err))
			err = slv_fields_add(&kit.fields, SLV_STR("host"), SLV_STR("a"));
		if (!slv_failed(err))
			err = slv_sigv4_authorize(&little, &client, &kit.request, NOW_S);
		assert_true(err.code == SLV_E_NONE || err.code == SLV_E_LIMIT);
		failed += slv_failed(err);
		slv_buf_done(&target);
		slv_arena_done(&little);
		slv_arena_done(&kit.arena);
	}
	assert_in_range(failed, 20, 4096 / 16 - 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_in_a_field_verify),
		cmocka_unit_test(the_presigned_example_verifies),
		cmocka_unit_test(expiry_is_from_a_second_to_seven_days),
		cmocka_unit_test(chunks_of_the_example_verify),
		cmocka_unit_test(a_policy_verifies_as_it_was_sent),
		cmocka_unit_test(another_request_does_not_verify),
		cmocka_unit_test(a_bad_escape_verifies_nothing),
		cmocka_unit_test(what_decides_must_be_signed),
		cmocka_unit_test(what_cannot_be_a_signature_is_refused),
		cmocka_unit_test(there_is_one_signature_in_one_place),
		cmocka_unit_test(a_parameter_of_the_signature_stands_once),
		cmocka_unit_test(names_of_parameters_may_be_escaped),
		cmocka_unit_test(the_date_may_stand_in_date),
		cmocka_unit_test(a_quarter_of_an_hour_is_no_skew),
		cmocka_unit_test(we_presign_as_the_example_does),
		cmocka_unit_test(what_we_presign_verifies_with_its_fields),
		cmocka_unit_test(what_cannot_be_presigned_is_refused),
		cmocka_unit_test(bounds_hold),
		cmocka_unit_test(an_arena_may_end_anywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
