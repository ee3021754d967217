#include "service/object/document.h"

#include "base/attr.h"
#include "base/testing.h"

#include <string.h>

/* An arena that holds the longest lists. */
static int setup(void **state)
{
	static struct slv_arena arena;
	slv_arena_init(&arena, SLV_KIB(64), SLV_MIB(8));
	*state = &arena;
	return 0;
}

static int teardown(void **state)
{
	slv_arena_done(*state);
	return 0;
}

static void is(slv_str text, const char *expected)
{
	assert_int_equal(text.len, strlen(expected));
	assert_memory_equal(text.at, expected, text.len);
}

#define NS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

/* --- DeleteObjects --- */

static void what_is_to_be_deleted_is_read(void **state)
{
	struct slv_object_delete out;
	slv_object_err err = slv_object_document_delete(*state,
			SLV_STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Delete" NS ">\n"
				" <Object><Key> a&amp;b/\xc3\xbc </Key></Object>\n"
				" <Object><ETag>&quot;e&quot;</ETag><Key>c</Key>"
				"<VersionId>null</VersionId></Object>\n"
				" <Quiet> true </Quiet>\n</Delete>"),
			&out);
	assert_int_equal(err.code, SLV_OBJECT_E_NONE);
	assert_int_equal(out.count, 2);
	assert_true(out.quiet);
	is(out.keys[0].key, " a&b/\xc3\xbc ");
	assert_null(out.keys[0].version_id.at);
	assert_null(out.keys[0].etag.at);
	is(out.keys[1].key, "c");
	is(out.keys[1].version_id, "null");
	is(out.keys[1].etag, "e");

	err = slv_object_document_delete(
			*state, SLV_STR("<Delete><Object><Key>a</Key></Object></Delete>"), &out);
	assert_int_equal(err.code, SLV_OBJECT_E_NONE);
	assert_false(out.quiet);
}

#define O "<Object><Key>a</Key></Object>"

static void what_cannot_be_deleted_so_is_refused(void **state)
{
	static const struct {
		const char *xml;
		enum slv_object_code code;
	} table[] = {
		{ "<Delete/>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<Delete><Object/></Delete>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<Delete><Object><Key/></Object></Delete>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<Delete><Object><VersionId>a</VersionId></Object></Delete>",
				SLV_OBJECT_E_MALFORMED_XML },
		{ "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
				SLV_OBJECT_E_MALFORMED_XML },
		{ "<Delete>" O "<Quiet>yes</Quiet></Delete>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<Delete>" O "<Quiet>true</Quiet><Quiet>true</Quiet></Delete>",
				SLV_OBJECT_E_MALFORMED_XML },
		{ "<Delete><Object><Key>a</Key><ETag/></Object></Delete>",
				SLV_OBJECT_E_MALFORMED_XML },
		{ "<Delete>" O "<Key>a</Key></Delete>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<Delete><Object><Key>a</Key><Size>1</Size></Object></Delete>",
				SLV_OBJECT_E_NOT_IMPLEMENTED },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct slv_object_delete out = { .count = 7 };
		slv_object_err err = slv_object_document_delete(
				*state, slv_str_from(table[i].xml), &out);
		assert_int_equal(err.code, table[i].code);
		assert_int_equal(out.count, 7);
	}
}

/* `count` times `part`, where %d is its number, between `head` and `tail`. */
static slv_str repeat(struct slv_buf *buf, const char *head, const char *part, const char *tail,
		unsigned count)
{
	slv_buf_clear(buf);
	slv_buf_add(buf, slv_str_from(head));
	slv_str text = slv_str_from(part);
	size_t at = slv_str_find(text, '%');
	for (unsigned i = 1; i <= count; i++) {
		slv_buf_add(buf, slv_str_head(text, at));
		if (at < text.len)
			slv_buf_add_u64(buf, i);
		slv_buf_add(buf, slv_str_from_index(text, at + 1));
	}
	slv_buf_add(buf, slv_str_from(tail));
	assert_false(buf->overflow);
	return slv_buf_str(buf);
}

static void lists_are_bounded(void **state)
{
	struct slv_buf buf;
	slv_buf_init(&buf, SLV_MIB(4));
	for (unsigned over = 0; over < 2; over++) {
		enum slv_object_code code = over ? SLV_OBJECT_E_MALFORMED_XML : SLV_OBJECT_E_NONE;
		struct slv_object_delete delete;
		slv_str xml = repeat(&buf, "<Delete>", "<Object><Key>k%</Key></Object>",
				"</Delete>", SLV_OBJECT_DELETE_KEYS_MAX + over);
		assert_int_equal(slv_object_document_delete(*state, xml, &delete).code, code);
		if (!over) {
			assert_int_equal(delete.count, SLV_OBJECT_DELETE_KEYS_MAX);
			is(delete.keys[0].key, "k1");
			is(delete.keys[999].key, "k1000");
		}

		struct slv_object_cors cors;
		xml = repeat(&buf, "<CORSConfiguration>",
				"<CORSRule><ID>%</ID><AllowedOrigin>*</AllowedOrigin>"
				"<AllowedMethod>GET</AllowedMethod></CORSRule>",
				"</CORSConfiguration>", SLV_OBJECT_CORS_RULES_MAX + over);
		assert_int_equal(slv_object_document_cors(*state, xml, &cors).code, code);
		if (!over)
			is(cors.rules[99].id, "100");

		struct slv_object_lifecycle lifecycle;
		xml = repeat(&buf, "<LifecycleConfiguration>",
				"<Rule><ID>%</ID><Status>Enabled</Status><Prefix/>"
				"<Expiration><Days>1</Days></Expiration></Rule>",
				"</LifecycleConfiguration>", SLV_OBJECT_LIFECYCLE_RULES_MAX + over);
		assert_int_equal(slv_object_document_lifecycle(*state, xml, &lifecycle).code, code);
		if (!over)
			is(lifecycle.rules[999].id, "1000");

		struct slv_object_complete complete;
		xml = repeat(&buf, "<CompleteMultipartUpload>",
				"<Part><ETag>e</ETag><PartNumber>%</PartNumber></Part>",
				over ? "<Part/></CompleteMultipartUpload>"
				     : "</CompleteMultipartUpload>",
				SLV_OBJECT_PARTS_MAX);
		assert_int_equal(slv_object_document_complete(*state, xml, &complete).code, code);
		if (!over)
			assert_int_equal(complete.parts[9999].number, 10000);
		slv_arena_reset(*state);
	}
	slv_buf_done(&buf);
}

static void documents_are_bounded(void **state)
{
	static const struct {
		const char *name;
		size_t max;
	} table[] = {
		{ "Delete", SLV_OBJECT_DELETE_BYTES_MAX },
		{ "CompleteMultipartUpload", SLV_OBJECT_COMPLETE_BYTES_MAX },
		{ "CORSConfiguration", SLV_OBJECT_CONFIG_BYTES_MAX },
		{ "LifecycleConfiguration", SLV_OBJECT_LIFECYCLE_BYTES_MAX },
		{ "CreateBucketConfiguration", SLV_OBJECT_CONFIG_BYTES_MAX },
	};
	for (size_t i = 0; i < SLV_COUNT(table) * 2; i++) {
		struct slv_buf buf;
		slv_buf_init(&buf, SLV_MIB(5));
		slv_buf_printf(&buf, "<%s/>", table[i / 2].name);
		while (buf.len < table[i / 2].max + i % 2)
			slv_buf_add_char(&buf, ' ');
		slv_str xml = slv_buf_str(&buf), location;
		struct slv_object_delete delete;
		struct slv_object_complete complete;
		struct slv_object_cors cors;
		struct slv_object_lifecycle lifecycle;
		slv_object_err err[] = {
			slv_object_document_delete(*state, xml, &delete),
			slv_object_document_complete(*state, xml, &complete),
			slv_object_document_cors(*state, xml, &cors),
			slv_object_document_lifecycle(*state, xml, &lifecycle),
			slv_object_document_location(*state, xml, &location),
		};
		/* Empty is malformed, but for a location. */
		enum slv_object_code code =
				i / 2 == 4 ? SLV_OBJECT_E_NONE : SLV_OBJECT_E_MALFORMED_XML;
		assert_int_equal(err[i / 2].code, i % 2 ? SLV_OBJECT_E_MAX_MESSAGE_LENGTH : code);
		slv_buf_done(&buf);
	}
}

/* --- CompleteMultipartUpload --- */

static void parts_are_read(void **state)
{
	struct slv_object_complete out;
	slv_object_err err = slv_object_document_complete(*state,
			SLV_STR("<CompleteMultipartUpload" NS ">"
				"<Part><PartNumber>1</PartNumber><ETag>\"e1\"</ETag></Part>"
				"<Part><ETag> e-2 </ETag><ChecksumCRC64NVME>rosUhgp5mIg="
				"</ChecksumCRC64NVME><PartNumber> 10000 </PartNumber></Part>"
				"</CompleteMultipartUpload>"),
			&out);
	assert_int_equal(err.code, SLV_OBJECT_E_NONE);
	assert_int_equal(out.count, 2);
	assert_int_equal(out.parts[0].number, 1);
	is(out.parts[0].etag, "e1");
	assert_false(out.parts[0].has_checksum);
	assert_int_equal(out.parts[1].number, 10000);
	is(out.parts[1].etag, "e-2");
	assert_true(out.parts[1].has_checksum);
	assert_int_equal(out.parts[1].checksum.kind, SLV_OBJECT_CRC64NVME);
	assert_int_equal(out.parts[1].checksum.bytes[0], 0xae);
}

static void each_checksum_of_a_part_is_read(void **state)
{
	static const struct {
		const char *xml;
		enum slv_object_checksum_kind kind;
	} table[] = {
		{ "<ChecksumCRC32>y/Q5Jg==</ChecksumCRC32>", SLV_OBJECT_CRC32 },
		{ "<ChecksumCRC32C>4waSgw==</ChecksumCRC32C>", SLV_OBJECT_CRC32C },
		{ "<ChecksumSHA1>98O8HYCOBHMq32eZZczDTKeuNEE=</ChecksumSHA1>", SLV_OBJECT_SHA1 },
		{ "<ChecksumSHA256>FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=</ChecksumSHA256>",
				SLV_OBJECT_SHA256 },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct slv_object_complete out;
		slv_str xml = slv_str_printf(*state,
				"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
				"<ETag>e</ETag>%s</Part></CompleteMultipartUpload>",
				table[i].xml);
		assert_int_equal(slv_object_document_complete(*state, xml, &out).code, 0);
		assert_int_equal(out.parts[0].checksum.kind, table[i].kind);
		assert_true(out.parts[0].has_checksum);
	}
}

static void parts_that_cannot_be_are_refused(void **state)
{
	static const struct {
		const char *parts;
		enum slv_object_code code;
	} table[] = {
		{ "", SLV_OBJECT_E_MALFORMED_XML },
		{ "<Part/>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<Part><ETag>e</ETag></Part>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<Part><PartNumber>1</PartNumber></Part>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<Part><PartNumber>1</PartNumber><ETag>\"\"</ETag></Part>",
				SLV_OBJECT_E_MALFORMED_XML },
		{ "<Part><PartNumber>0</PartNumber>", SLV_OBJECT_E_INVALID_ARGUMENT },
		{ "<Part><PartNumber>10001</PartNumber>", SLV_OBJECT_E_INVALID_ARGUMENT },
		{ "<Part><PartNumber>x</PartNumber>", SLV_OBJECT_E_INVALID_ARGUMENT },
		{ "<Part><PartNumber>1</PartNumber><PartNumber>1</PartNumber>",
				SLV_OBJECT_E_MALFORMED_XML },
		{ "<Part><ETag>e</ETag><ETag>e</ETag>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<Part><ChecksumCRC32>y/Q5</ChecksumCRC32>", SLV_OBJECT_E_INVALID_REQUEST },
		{ "<Part><ChecksumCRC32>y/Q5Jg==-1</ChecksumCRC32>", SLV_OBJECT_E_INVALID_REQUEST },
		{ "<Part><ChecksumCRC32>y/Q5Jg==</ChecksumCRC32>"
		  "<ChecksumCRC32C>4waSgw==</ChecksumCRC32C>",
				SLV_OBJECT_E_MALFORMED_XML },
		{ "<Part><PartNumber>2</PartNumber><ETag>e</ETag></Part>"
		  "<Part><PartNumber>2</PartNumber><ETag>e</ETag></Part>",
				SLV_OBJECT_E_INVALID_PART_ORDER },
		{ "<Part><PartNumber>2</PartNumber><ETag>e</ETag></Part>"
		  "<Part><PartNumber>1</PartNumber><ETag>e</ETag></Part>",
				SLV_OBJECT_E_INVALID_PART_ORDER },
		{ "<Part><Size>1</Size></Part>", SLV_OBJECT_E_MALFORMED_XML },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct slv_object_complete out;
		slv_str xml = slv_str_printf(*state,
				"<CompleteMultipartUpload>%s</CompleteMultipartUpload>",
				table[i].parts);
		assert_int_equal(slv_object_document_complete(*state, xml, &out).code,
				table[i].code);
	}
}

/* --- CORSConfiguration --- */

static void cors_rules_are_read(void **state)
{
	struct slv_object_cors out;
	slv_object_err err = slv_object_document_cors(*state,
			SLV_STR("<CORSConfiguration" NS "><CORSRule>"
				"<AllowedOrigin>https://*.a.example</AllowedOrigin>"
				"<AllowedOrigin>*</AllowedOrigin>"
				"<AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</"
				"AllowedMethod>"
				"<AllowedMethod>HEAD</AllowedMethod>"
				"<AllowedHeader>x-amz-*</AllowedHeader>"
				"<ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>0</MaxAgeSeconds>"
				"</CORSRule><CORSRule><ID>two</ID><AllowedMethod>POST</"
				"AllowedMethod>"
				"<AllowedOrigin>b</AllowedOrigin></CORSRule></CORSConfiguration>"),
			&out);
	assert_int_equal(err.code, SLV_OBJECT_E_NONE);
	assert_int_equal(out.count, 2);
	const struct slv_object_cors_rule *one = &out.rules[0], *two = &out.rules[1];
	assert_null(one->id.at);
	assert_int_equal(one->origins.count, 2);
	is(one->origins.at[0], "https://*.a.example");
	is(one->origins.at[1], "*");
	assert_int_equal(one->methods.count, 3);
	is(one->methods.at[2], "HEAD");
	is(one->headers.at[0], "x-amz-*");
	is(one->exposed.at[0], "ETag");
	assert_true(one->has_max_age);
	assert_int_equal(one->max_age_s, 0);
	is(two->id, "two");
	assert_false(two->has_max_age);
	assert_int_equal(two->headers.count + two->exposed.count, 0);
}

static void cors_rules_that_cannot_be_are_refused(void **state)
{
#define GOOD "<AllowedOrigin>a</AllowedOrigin><AllowedMethod>GET</AllowedMethod>"
	static const struct {
		const char *rule;
		enum slv_object_code code;
	} table[] = {
		{ GOOD, SLV_OBJECT_E_NONE },
		{ "", SLV_OBJECT_E_MALFORMED_XML },
		{ "<AllowedOrigin>a</AllowedOrigin>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<AllowedMethod>GET</AllowedMethod>", SLV_OBJECT_E_MALFORMED_XML },
		{ GOOD "<AllowedMethod>PATCH</AllowedMethod>", SLV_OBJECT_E_INVALID_REQUEST },
		{ GOOD "<AllowedMethod>get</AllowedMethod>", SLV_OBJECT_E_INVALID_REQUEST },
		{ GOOD "<AllowedOrigin>*.*</AllowedOrigin>", SLV_OBJECT_E_INVALID_REQUEST },
		{ GOOD "<AllowedOrigin>a*b*</AllowedOrigin>", SLV_OBJECT_E_INVALID_REQUEST },
		{ GOOD "<AllowedHeader>**</AllowedHeader>", SLV_OBJECT_E_INVALID_REQUEST },
		{ GOOD "<AllowedHeader>a*</AllowedHeader>", SLV_OBJECT_E_NONE },
		{ GOOD "<AllowedHeader/>", SLV_OBJECT_E_MALFORMED_XML },
		{ GOOD "<ExposeHeader> </ExposeHeader>", SLV_OBJECT_E_MALFORMED_XML },
		{ GOOD "<MaxAgeSeconds>-1</MaxAgeSeconds>", SLV_OBJECT_E_MALFORMED_XML },
		{ GOOD "<MaxAgeSeconds>2147483647</MaxAgeSeconds>", SLV_OBJECT_E_NONE },
		{ GOOD "<MaxAgeSeconds>2147483648</MaxAgeSeconds>", SLV_OBJECT_E_MALFORMED_XML },
		{ GOOD "<MaxAgeSeconds>1</MaxAgeSeconds><MaxAgeSeconds>1</MaxAgeSeconds>",
				SLV_OBJECT_E_MALFORMED_XML },
		{ GOOD "<ID>a</ID><ID>a</ID>", SLV_OBJECT_E_MALFORMED_XML },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct slv_object_cors out;
		slv_str xml = slv_str_printf(*state,
				"<CORSConfiguration><CORSRule>%s</CORSRule></CORSConfiguration>",
				table[i].rule);
		assert_int_equal(slv_object_document_cors(*state, xml, &out).code, table[i].code);
	}
}

/* --- LifecycleConfiguration --- */

#define STATUS "<Status>Enabled</Status>"
#define DAYS "<Expiration><Days>1</Days></Expiration>"

static void lifecycle_rules_are_read(void **state)
{
	struct slv_object_lifecycle out;
	slv_object_err err = slv_object_document_lifecycle(*state,
			SLV_STR("<LifecycleConfiguration" NS ">"
				"<Rule><ID>one</ID>" STATUS
				"<Filter><Prefix>logs/</Prefix></Filter>"
				"<Expiration><Days>30</Days></Expiration>"
				"<AbortIncompleteMultipartUpload><DaysAfterInitiation>7"
				"</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>"
				"<Rule><Status>Disabled</Status><Prefix>old</Prefix><Expiration>"
				"<Date>2030-01-01T00:00:00.000Z</Date></Expiration></Rule>"
				"<Rule>" STATUS
				"<Filter><And><Prefix>a</Prefix></And></Filter>" DAYS "</Rule>"
				"<Rule>" STATUS "<Filter/>" DAYS
				"</Rule></LifecycleConfiguration>"),
			&out);
	assert_int_equal(err.code, SLV_OBJECT_E_NONE);
	assert_int_equal(out.count, 4);
	const struct slv_object_lifecycle_rule *rule = out.rules;
	is(rule->id, "one");
	assert_true(rule->enabled);
	is(rule->prefix, "logs/");
	assert_int_equal(rule->expire_days, 30);
	assert_int_equal(rule->expire_at_s, -1);
	assert_int_equal(rule->abort_days, 7);
	rule++;
	assert_null(rule->id.at);
	assert_false(rule->enabled);
	is(rule->prefix, "old");
	assert_int_equal(rule->expire_days, 0);
	assert_int_equal(rule->expire_at_s, 1893456000);
	assert_int_equal(rule->abort_days, 0);
	is(rule[1].prefix, "a");
	assert_int_equal(rule[2].prefix.len, 0);
}

static void lifecycle_rules_that_cannot_be_are_refused(void **state)
{
#define RULE_OF(expiration) STATUS "<Prefix/><Expiration>" expiration "</Expiration>"
#define ABORT(inner) "<AbortIncompleteMultipartUpload>" inner "</AbortIncompleteMultipartUpload>"
#define AFTER(days) "<DaysAfterInitiation>" days "</DaysAfterInitiation>"
	static const struct {
		const char *rule;
		enum slv_object_code code;
	} table[] = {
		{ STATUS "<Prefix/>" DAYS, SLV_OBJECT_E_NONE },
		{ STATUS "<Prefix/>" ABORT(AFTER("1")), SLV_OBJECT_E_NONE },
		{ RULE_OF("<Days>2147483647</Days>"), SLV_OBJECT_E_NONE },
		{ RULE_OF("<Date>2030-01-01T00:00:00Z</Date>"), SLV_OBJECT_E_NONE },
		{ RULE_OF("<Date>2030-01-01T00:00:00+00:00</Date>"), SLV_OBJECT_E_NONE },
		{ RULE_OF("<Date>2030-01-01</Date>"), SLV_OBJECT_E_NONE },
		{ "<Prefix/>" DAYS, SLV_OBJECT_E_MALFORMED_XML },
		{ STATUS DAYS, SLV_OBJECT_E_MALFORMED_XML },
		{ "<Status>enabled</Status><Prefix/>" DAYS, SLV_OBJECT_E_MALFORMED_XML },
		{ STATUS STATUS "<Prefix/>" DAYS, SLV_OBJECT_E_MALFORMED_XML },
		{ STATUS "<Prefix/><Filter/>" DAYS, SLV_OBJECT_E_MALFORMED_XML },
		{ STATUS "<Filter/><Prefix/>" DAYS, SLV_OBJECT_E_MALFORMED_XML },
		{ STATUS "<Filter/><Filter/>" DAYS, SLV_OBJECT_E_MALFORMED_XML },
		{ STATUS "<Filter><Prefix/><Prefix/></Filter>" DAYS, SLV_OBJECT_E_MALFORMED_XML },
		{ STATUS "<Filter><Prefix/><And/></Filter>" DAYS, SLV_OBJECT_E_MALFORMED_XML },
		{ STATUS "<Filter><And><Prefix/><Prefix/></And></Filter>" DAYS,
				SLV_OBJECT_E_MALFORMED_XML },
		{ STATUS "<Filter><Tag/></Filter>" DAYS, SLV_OBJECT_E_NOT_IMPLEMENTED },
		{ STATUS "<Filter><And><Tag/></And></Filter>" DAYS, SLV_OBJECT_E_NOT_IMPLEMENTED },
		{ STATUS "<Prefix/><Transition/>", SLV_OBJECT_E_NOT_IMPLEMENTED },
		{ STATUS "<Prefix/>", SLV_OBJECT_E_INVALID_REQUEST },
		{ STATUS "<Prefix/>" DAYS DAYS, SLV_OBJECT_E_MALFORMED_XML },
		{ STATUS "<Prefix/>" ABORT(""), SLV_OBJECT_E_MALFORMED_XML },
		{ STATUS "<Prefix/>" ABORT(AFTER("0")), SLV_OBJECT_E_INVALID_ARGUMENT },
		{ STATUS "<Prefix/>" ABORT(AFTER("1") AFTER("1")), SLV_OBJECT_E_MALFORMED_XML },
		{ STATUS "<Prefix/>" ABORT(AFTER("1")) ABORT(AFTER("1")),
				SLV_OBJECT_E_MALFORMED_XML },
		{ RULE_OF(""), SLV_OBJECT_E_MALFORMED_XML },
		{ RULE_OF("<Days>1</Days><Date>2030-01-01</Date>"), SLV_OBJECT_E_MALFORMED_XML },
		{ RULE_OF("<Days>1</Days><Days>1</Days>"), SLV_OBJECT_E_MALFORMED_XML },
		{ RULE_OF("<Days>0</Days>"), SLV_OBJECT_E_INVALID_ARGUMENT },
		{ RULE_OF("<Days>2147483648</Days>"), SLV_OBJECT_E_INVALID_ARGUMENT },
		{ RULE_OF("<Days>-1</Days>"), SLV_OBJECT_E_INVALID_ARGUMENT },
		{ RULE_OF("<Date>2030-01-01T00:00:01Z</Date>"), SLV_OBJECT_E_INVALID_ARGUMENT },
		{ RULE_OF("<Date>2030-02-30</Date>"), SLV_OBJECT_E_INVALID_ARGUMENT },
		{ RULE_OF("<Date>2030/01/01</Date>"), SLV_OBJECT_E_INVALID_ARGUMENT },
		{ RULE_OF("<Date>2030</Date>"), SLV_OBJECT_E_INVALID_ARGUMENT },
		{ RULE_OF("<Date>1960-01-01</Date>"), SLV_OBJECT_E_INVALID_ARGUMENT },
		{ RULE_OF("<ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>"),
				SLV_OBJECT_E_NOT_IMPLEMENTED },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct slv_object_lifecycle out;
		slv_str xml = slv_str_printf(*state,
				"<LifecycleConfiguration><Rule>%s</Rule></LifecycleConfiguration>",
				table[i].rule);
		slv_object_err err = slv_object_document_lifecycle(*state, xml, &out);
		if (err.code != table[i].code)
			fail_msg("%s: %s", table[i].rule, err.what);
	}
}

static void ids_of_rules_are_short_and_differ(void **state)
{
	static const struct {
		unsigned len;
		const char *other;
		enum slv_object_code code;
	} table[] = {
		{ 255, "b", SLV_OBJECT_E_NONE },
		{ 256, "b", SLV_OBJECT_E_INVALID_ARGUMENT },
		{ 1, "aa", SLV_OBJECT_E_NONE },
		{ 1, "a", SLV_OBJECT_E_INVALID_ARGUMENT },
		{ 0, "", SLV_OBJECT_E_NONE },
	};
	char id[256];
	memset(id, 'a', sizeof(id));
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		struct slv_object_lifecycle out;
		slv_str xml = slv_str_printf(*state,
				"<LifecycleConfiguration>"
				"<Rule><ID>%.*s</ID>" STATUS "<Prefix/>" DAYS "</Rule>"
				"<Rule><ID>%s</ID>" STATUS "<Prefix/>" DAYS "</Rule>"
				"</LifecycleConfiguration>",
				(int)table[i].len, id, table[i].other);
		assert_int_equal(slv_object_document_lifecycle(*state, xml, &out).code,
				table[i].code);
	}
}

/* --- CreateBucketConfiguration --- */

static void a_location_is_read(void **state)
{
	static const struct {
		const char *xml, *location; /* NULL: refused */
	} table[] = {
		{ "<CreateBucketConfiguration" NS "><LocationConstraint>auto</LocationConstraint>"
		  "</CreateBucketConfiguration>",
				"auto" },
		{ "<CreateBucketConfiguration><LocationConstraint/></CreateBucketConfiguration>",
				"" },
		{ "<CreateBucketConfiguration/>", "" },
		{ "<CreateBucketConfiguration><LocationConstraint>a</LocationConstraint>"
		  "<LocationConstraint>a</LocationConstraint></CreateBucketConfiguration>",
				NULL },
		{ "<CreateBucketConfiguration><Bucket/></CreateBucketConfiguration>", NULL },
		{ "<Delete/>", NULL },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		slv_str location;
		slv_object_err err = slv_object_document_location(
				*state, slv_str_from(table[i].xml), &location);
		assert_true(slv_object_failed(err) == !table[i].location);
		if (table[i].location)
			is(location, table[i].location);
	}
}

/* However little there is, it is told so or works. */
static void an_arena_may_end_anywhere(void **state)
{
	(void)state;
	size_t failed = 0, good = 0;
	for (size_t max = 64; max < 4096; max += 32) {
		struct slv_arena little;
		struct slv_object_delete delete;
		struct slv_object_complete complete;
		struct slv_object_cors cors;
		struct slv_object_lifecycle lifecycle;
		slv_arena_init(&little, 64, max);
		slv_object_err errs[] = {
			slv_object_document_delete(
					&little, SLV_STR("<Delete>" O O O "</Delete>"), &delete),
			slv_object_document_complete(&little,
					SLV_STR("<CompleteMultipartUpload><Part><ETag>e</ETag>"
						"<PartNumber>1</PartNumber></Part>"
						"</CompleteMultipartUpload>"),
					&complete),
			slv_object_document_cors(&little,
					SLV_STR("<CORSConfiguration><CORSRule>" GOOD GOOD
						"</CORSRule></CORSConfiguration>"),
					&cors),
			slv_object_document_lifecycle(&little,
					SLV_STR("<LifecycleConfiguration><Rule><ID>a</ID>" STATUS
						"<Prefix>p</Prefix>" DAYS
						"</Rule></LifecycleConfiguration>"),
					&lifecycle),
		};
		for (size_t i = 0; i < SLV_COUNT(errs); i++) {
			if (slv_object_failed(errs[i]))
				assert_int_equal(errs[i].code, SLV_OBJECT_E_MAX_MESSAGE_LENGTH);
			failed += slv_object_failed(errs[i]);
			good += !slv_object_failed(errs[i]);
		}
		slv_arena_done(&little);
	}
	assert_true(failed > 20 && good > 20);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_to_be_deleted_is_read),
		TEST(what_cannot_be_deleted_so_is_refused),
		TEST(lists_are_bounded),
		TEST(documents_are_bounded),
		TEST(parts_are_read),
		TEST(each_checksum_of_a_part_is_read),
		TEST(parts_that_cannot_be_are_refused),
		TEST(cors_rules_are_read),
		TEST(cors_rules_that_cannot_be_are_refused),
		TEST(lifecycle_rules_are_read),
		TEST(lifecycle_rules_that_cannot_be_are_refused),
		TEST(ids_of_rules_are_short_and_differ),
		TEST(a_location_is_read),
		TEST(an_arena_may_end_anywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
