#include "service/image/sign.h"

#include "base/attr.h"
#include "base/testing.h"

#include <string.h>

#define NOW UINT64_C(1700000000)
#define LATER UINT64_C(1800000000)

static struct slv_image_sign_key keys[] = {
	{ SLV_STR_INIT("new"), SLV_STR_INIT("a new secret") },
	{ SLV_STR_INIT("old"), SLV_STR_INIT("secret") },
	{ SLV_STR_INIT("timed"), SLV_STR_INIT("mysecrettoken") },
};

static struct slv_image_signing signing_of(void)
{
	return (struct slv_image_signing){
		.required = true,
		.keys = { keys, SLV_COUNT(keys) },
		.timed = true,
		.timed_ttl_s = 60,
	};
}

/* A link as a request target; its options are the segment behind "/cdn-cgi/image/". */
static struct slv_image_target target_of(slv_str link)
{
	const slv_str route = SLV_STR("/cdn-cgi/image/");
	struct slv_image_target target = { .query = link };
	target.path = slv_str_cut(&target.query, '?');
	if (slv_str_starts(target.path, route)) {
		slv_str rest = slv_str_from_index(target.path, route.len);
		target.options = slv_str_head(rest, slv_str_find(rest, '/'));
	}
	return target;
}

static slv_err verify_at(slv_str link, uint64_t now_s, struct slv_image_grant *ret_grant)
{
	struct slv_image_signing signing = signing_of();
	struct slv_image_target target = target_of(link);
	return slv_image_sign_verify(&signing, &target, now_s, ret_grant);
}

static struct slv_image_grant granted(slv_str link, uint64_t now_s)
{
	struct slv_image_grant grant;
	slv_err err = verify_at(link, now_s, &grant);
	if (slv_failed(err))
		fail_msg("'%.*s': %s", SLV_FMT(link), err.what);
	return grant;
}

static void refused(slv_str link, uint64_t now_s, enum slv_code code)
{
	struct slv_image_grant grant;
	slv_err err = verify_at(link, now_s, &grant);
	if (err.code != (int32_t)code)
		fail_msg("'%.*s' gives %s", SLV_FMT(link), slv_code_name(err.code));
}

static void bad(const char *link)
{
	refused(slv_str_from(link), NOW, SLV_E_SIGNATURE);
}

static slv_str text_of(const struct slv_buf *buf)
{
	assert_false(buf->overflow);
	return slv_buf_str(buf);
}

/* --- vectors --- */

static void cloudflares_exp_vector_verifies(void **state)
{
	(void)state;
	slv_str link = SLV_STR("/cheeW4oKsx5ljh8e8BoL2A/bc27a117-9509-446b-8c69-c81bfeac0a01/mobile"
			       "?exp=1631289275&sig="
			       "ff145cc3bbb936d94c826262904b0eefe9d3ecfe851848b7de0afa583ec6eca0");
	struct slv_image_grant grant = granted(link, 1631289274);
	assert_int_equal(grant.scheme, SLV_IMAGE_SCHEME_EXP);
	assert_ptr_equal(grant.key, &keys[1]);
	assert_int_equal(grant.expires_s, 1631289275);
	assert_null(grant.query.at);
	refused(link, 1631289275, SLV_E_EXPIRED);

	SLV_CLEANUP(slv_buf_done) struct slv_buf made;
	slv_buf_init(&made, 4096);
	struct slv_image_target target = target_of(slv_str_head(link, slv_str_find(link, '?')));
	assert_false(slv_failed(slv_image_sign_exp(&keys[1], &target, 1631289275, &made)));
	assert_true(slv_str_eq(text_of(&made), link));
}

static void the_timed_vector_verifies(void **state)
{
	(void)state;
	slv_str link = SLV_STR("/images/cat.jpg?verify=1484063787-"
			       "XsZ5NmtNBxOd4f4fBOtqVmpWRnDRNkHKVZieqDPKu3U%3D");
	struct slv_image_grant grant = granted(link, 1484063787);
	assert_int_equal(grant.scheme, SLV_IMAGE_SCHEME_TIMED);
	assert_ptr_equal(grant.key, &keys[2]);
	granted(link, 1484063787 + 59);
	refused(link, 1484063787 + 60, SLV_E_EXPIRED);

	SLV_CLEANUP(slv_buf_done) struct slv_buf made;
	slv_buf_init(&made, 4096);
	struct slv_image_target target = target_of(SLV_STR("/images/cat.jpg"));
	assert_false(slv_failed(slv_image_sign_timed(
			&keys[2], &target, 1484063787, SLV_IMAGE_MAC_BASE64, &made)));
	assert_true(slv_str_eq(text_of(&made), link));
}

/* base64url of HMAC-SHA-256 over salt and path. */
static void imgproxys_vector_is_reached_with_our_parts(void **state)
{
	(void)state;
	slv_str parts[] = { SLV_STR("hello"),
		SLV_STR("/rs:fill:300:400:0/g:sm/aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/"
			"cy9jdXJpb3NpdHku/anBn.png") };
	struct slv_digest mac = slv_hmac_sha256(SLV_STR("secret"), parts, SLV_COUNT(parts));
	SLV_CLEANUP(slv_buf_done) struct slv_buf text;
	slv_buf_init(&text, 100);
	slv_image_add_base64(&text, (slv_str){ (const char *)mac.bytes, sizeof(mac.bytes) },
			SLV_IMAGE_MAC_BASE64URL);
	assert_true(slv_str_eq(
			text_of(&text), SLV_STR("oKfUtW34Dvo2BGQehJFR4Nr0_rIjOtdtzJ3QFsUcXH8")));
}

/* Padded base64url of HMAC-SHA-1 over options and URI. */
static void thumbors_vector_is_reached_with_our_parts(void **state)
{
	(void)state;
	uint8_t mac[SLV_SHA1_BYTES];
	slv_str part = SLV_STR("300x200/smart/path/to/image.jpg");
	slv_hmac_sha1(SLV_STR("MY_SECURE_KEY"), &part, 1, mac);
	SLV_CLEANUP(slv_buf_done) struct slv_buf text;
	slv_buf_init(&text, 100);
	slv_image_add_base64(&text, (slv_str){ (const char *)mac, sizeof(mac) },
			SLV_IMAGE_MAC_BASE64URL_PADDED);
	assert_true(slv_str_eq(text_of(&text), SLV_STR("3ZAFIB9OK_j_R10MafCdhFO99mE=")));
}

/* RFC 4648 section 10. */
static void base64_is_that_of_the_rfc(void **state)
{
	(void)state;
	static const char *const rows[][3] = { { "", "", "" }, { "f", "Zg==", "Zg" },
		{ "fo", "Zm8=", "Zm8" }, { "foo", "Zm9v", "Zm9v" },
		{ "foob", "Zm9vYg==", "Zm9vYg" }, { "\xfb\xff", "+/8=", "-_8" } };
	for (size_t i = 0; i < SLV_COUNT(rows); i++)
		for (int form = 0; form < 2; form++) {
			SLV_CLEANUP(slv_buf_done) struct slv_buf text;
			slv_buf_init(&text, 100);
			slv_image_add_base64(&text, slv_str_from(rows[i][0]),
					(enum slv_image_mac_form)form);
			assert_true(slv_str_eq(
					slv_buf_str(&text), slv_str_from(rows[i][1 + form])));
		}
}

/* --- one link of each kind --- */

#define SOURCE "https://o.example/a//b%3Ac.jpg"

static void make(int kind, struct slv_buf *buf)
{
	struct slv_image_target target = target_of(SLV_STR(
			"/cdn-cgi/image/fit=cover,width=320,format=auto,q=80/" SOURCE "?v=2"));
	slv_err err = SLV_OK;
	slv_buf_init(buf, 4096);
	switch (kind) {
	case 0:
		err = slv_image_sign_exp(&keys[0], &target, LATER, buf);
		break;
	case 1:
		err = slv_image_sign_timed(&keys[0], &target, NOW, SLV_IMAGE_MAC_BASE64, buf);
		break;
	case 2:
		err = slv_image_sign_set(&keys[0], &target, SLV_STR("320,640,960"),
				SLV_STR("auto,avif"), LATER, buf);
		break;
	case 3:
		err = slv_image_sign_set(
				&keys[0], &target, SLV_STR("320"), SLV_STR(""), LATER, buf);
		break;
	default:
		err = slv_image_sign_set(
				&keys[0], &target, SLV_STR(""), SLV_STR("auto"), LATER, buf);
		break;
	}
	if (slv_failed(err))
		fail_msg("%s", err.what);
}

#define KINDS 5

static void the_sources_query_is_left(void **state)
{
	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		SLV_CLEANUP(slv_buf_done) struct slv_buf link;
		make(kind, &link);
		assert_true(slv_str_eq(granted(text_of(&link), NOW).query, SLV_STR("v=2")));
	}
}

static void every_changed_bit_is_refused(void **state)
{
	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		SLV_CLEANUP(slv_buf_done) struct slv_buf link;
		make(kind, &link);
		slv_str text = text_of(&link);
		granted(text, NOW);
		for (size_t bit = 0; bit < text.len * 8; bit++) {
			link.at[bit / 8] ^= (char)SLV_BIT(bit % 8);
			refused(text, NOW, SLV_E_SIGNATURE);
			link.at[bit / 8] ^= (char)SLV_BIT(bit % 8);
		}
		granted(text, NOW);
	}
}

static void every_byte_more_or_less_is_refused(void **state)
{
	(void)state;
	static const char more[] = "/%&=?,.a0*";
	for (int kind = 0; kind < KINDS; kind++) {
		SLV_CLEANUP(slv_buf_done) struct slv_buf link;
		make(kind, &link);
		slv_str text = text_of(&link);
		for (size_t at = 0; at <= text.len; at++) {
			char changed[1024];
			memcpy(changed, text.at, at);
			for (size_t i = 0; i < sizeof(more) - 1; i++) {
				changed[at] = more[i];
				memcpy(changed + at + 1, text.at + at, text.len - at);
				refused((slv_str){ changed, text.len + 1 }, NOW, SLV_E_SIGNATURE);
			}
			if (at == text.len)
				break;
			memcpy(changed + at, text.at + at + 1, text.len - at - 1);
			refused((slv_str){ changed, text.len - 1 }, NOW, SLV_E_SIGNATURE);
		}
	}
}

/* --- sets --- */

/* `link` with its first `from` replaced by `to`. */
static slv_str replaced(slv_str link, const char *from, const char *to, char *room, size_t size)
{
	slv_str old = slv_str_from(from), new = slv_str_from(to);
	size_t at = slv_str_find_str(link, old);
	assert_true(at < link.len && link.len + new.len < size);
	slv_str tail = slv_str_from_index(link, at + old.len);
	memcpy(room, link.at, at);
	memcpy(room + at, new.at, new.len);
	memcpy(room + at + new.len, tail.at, tail.len);
	return (slv_str){ room, at + new.len + tail.len };
}

static void a_set_allows_its_widths_and_formats_and_nothing_else(void **state)
{
	(void)state;
	char room[1024], room2[1024];
	SLV_CLEANUP(slv_buf_done) struct slv_buf made;
	make(2, &made);
	slv_str link = text_of(&made);
	granted(replaced(link, "width=320", "width=640", room, sizeof(room)), NOW);
	granted(replaced(link, "width=320", "width=960", room, sizeof(room)), NOW);
	granted(replaced(link, "format=auto", "format=avif", room, sizeof(room)), NOW);
	slv_str both = replaced(link, "width=320", "width=640", room, sizeof(room));
	granted(replaced(both, "format=auto", "format=avif", room2, sizeof(room2)), NOW);

	static const char *const changes[][2] = {
		{ "width=320", "width=321" },
		{ "width=320", "width=*" },
		{ "width=320", "width=" },
		{ "width=320", "width" },
		{ "width=320", "width=0320" },
		{ "width=320", "width=320,width=640" },
		{ "width=320", "width=320,w=640" },
		{ "width=320", "w=320" },
		{ "width=320", "width=320%2Cw=9" },
		{ "width=320", "width=%3320" },
		{ "width=320", "Width=320" },
		{ "width=320,format=auto", "format=auto,width=320" },
		{ "fit=cover,width=320", "width=320,fit=cover" },
		{ "format=auto", "format=webp" },
		{ "format=auto", "format=*" },
		{ "format=auto", "f=auto" },
		{ "q=80", "q=90" },
		{ "fit=cover,", "" },
		{ "widths=320,640,960", "widths=320,640,961" },
		{ "widths=320,640,960", "widths=320,640,960,1200" },
		{ "widths=320,640,960", "widths=320,640" },
		{ "widths=320,640,960", "widths=640,320,960" },
		{ "widths=320,640,960&", "" },
		{ "formats=auto,avif&", "" },
		{ "formats=auto,avif", "formats=auto,avif,webp" },
		{ "widths=320,640,960&formats=auto,avif", "formats=auto,avif&widths=320,640,960" },
		{ "exp=1800000000", "exp=1800000001" },
		{ "exp=1800000000", "exp=01800000000" },
		{ "key=new", "key=old" },
		{ "key=new", "key=none" },
		{ "key=new", "key=" },
		{ "key=new&", "" },
		{ "v=2", "v=3" },
		{ "v=2&", "" },
		{ "/a//b", "/a/b" },
		{ "/a//b", "/a/../a//b" },
		{ "%3A", ":" },
		{ "%3A", "%3a" },
		{ "https:", "http:" },
		{ "o.example", "p.example" },
		{ "/cdn-cgi/", "/cdn-cgi//" },
	};
	for (size_t i = 0; i < SLV_COUNT(changes); i++)
		refused(replaced(link, changes[i][0], changes[i][1], room, sizeof(room)), NOW,
				SLV_E_SIGNATURE);
}

static slv_err make_set(const char *link, const char *widths, const char *formats, uint64_t exp_s)
{
	SLV_CLEANUP(slv_buf_done) struct slv_buf buf;
	slv_buf_init(&buf, 8192);
	struct slv_image_target target = target_of(slv_str_from(link));
	return slv_image_sign_set(&keys[0], &target, slv_str_from(widths), slv_str_from(formats),
			exp_s, &buf);
}

static void sets_are_bounded(void **state)
{
	(void)state;
	const char *link = "/cdn-cgi/image/width=1,format=auto/a.jpg";
	static const char *const wrong[][2] = { { "", "" }, { "0", "" }, { "01", "" }, { "2", "" },
		{ "1,1", "" }, { "1,", "" }, { ",1", "" }, { "2,1", "" }, { "1,16385", "" },
		{ "1,x", "" }, { "1 ", "" }, { "-1", "" }, { "", "avif" }, { "", "auto,auto" },
		{ "", "auto," }, { "", "avif,auto" }, { "", "AUTO" }, { "", "au to" } };
	assert_false(slv_failed(make_set(link, "1", "auto", LATER)));
	assert_false(slv_failed(make_set(link, "1,16384", "", LATER)));
	for (size_t i = 0; i < SLV_COUNT(wrong); i++)
		assert_int_equal(
				make_set(link, wrong[i][0], wrong[i][1], LATER).code, SLV_E_OPTION);

	char many[256] = "1";
	size_t len = 1;
	for (int width = 10; width < 10 + SLV_IMAGE_SET_MAX - 1; width++) {
		many[len++] = ',';
		many[len++] = (char)('0' + width / 10);
		many[len++] = (char)('0' + width % 10);
	}
	assert_false(slv_failed(make_set(link, many, "", LATER)));
	memcpy(many + len, ",99", 4);
	assert_int_equal(make_set(link, many, "", LATER).code, SLV_E_OPTION);

	assert_int_equal(make_set("/cdn-cgi/image/w=1/a.jpg", "1", "", LATER).code, SLV_E_OPTION);
	assert_int_equal(make_set("/cdn-cgi/image/width=1,width=1/a.jpg", "1", "", LATER).code,
			SLV_E_OPTION);
	assert_int_equal(make_set("/elsewhere/width=1/a.jpg", "1", "", LATER).code, SLV_E_OPTION);
	assert_int_equal(make_set("/cdn-cgi/image/f=auto/a.jpg", "", "auto", LATER).code,
			SLV_E_OPTION);
}

static void expiry_is_bounded_and_kept(void **state)
{
	(void)state;
	const char *link = "/cdn-cgi/image/width=1/a.jpg";
	assert_int_equal(make_set(link, "1", "", 0).code, SLV_E_OPTION);
	assert_int_equal(make_set(link, "1", "", SLV_IMAGE_EXP_MAX + 1).code, SLV_E_OPTION);
	assert_false(slv_failed(make_set(link, "1", "", SLV_IMAGE_EXP_MAX)));
	for (int kind = 0; kind < KINDS; kind++) {
		SLV_CLEANUP(slv_buf_done) struct slv_buf made;
		make(kind, &made);
		uint64_t end = kind == 1 ? NOW + 60 : LATER;
		assert_int_equal(granted(text_of(&made), end - 1).expires_s, end);
		refused(text_of(&made), end, SLV_E_EXPIRED);
		refused(text_of(&made), UINT64_MAX, SLV_E_EXPIRED);
	}
}

/* --- what else a query can be --- */

#define HEX "ff145cc3bbb936d94c826262904b0eefe9d3ecfe851848b7de0afa583ec6eca0"

static void malformed_signatures_are_refused(void **state)
{
	(void)state;
	static const char *const links[] = { "/a", "/a?", "/a?v=1", "/a?sig=", "/a?sig=" HEX,
		"/a?exp=1800000000", "/a?exp=&sig=" HEX, "/a?exp=0&sig=" HEX,
		"/a?exp=18446744073709551616&sig=" HEX, "/a?exp=99999999999999999999999&sig=" HEX,
		"/a?exp=253402300800&sig=" HEX, "/a?exp=-1&sig=" HEX, "/a?exp=+1&sig=" HEX,
		"/a?exp=1e9&sig=" HEX, "/a?exp=1800000000&sig=" HEX "&sig=" HEX,
		"/a?sig=" HEX "&exp=1800000000", "/a?exp=1800000000&sig=" HEX "&v=1",
		"/a?exp=1800000000&exp=1800000000&sig=" HEX,
		"/a?exp=1800000000&sig=", "/a?exp=1800000000&sig=zz", "/a?exp=1800000000&SIG=" HEX,
		"/a?exp=1800000000&key=new&sig=" HEX, "/a?key=new&sig=" HEX,
		"/a?verify=", "/a?verify=1700000000", "/a?verify=1700000000-",
		"/a?verify=170000000-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%3D",
		"/a?verify=17000000000-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%3D",
		"/a?verify=x700000000-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%3D" };
	for (size_t i = 0; i < SLV_COUNT(links); i++)
		bad(links[i]);
}

static void encodings_of_the_mac_are_one(void **state)
{
	(void)state;
	bad("/images/cat.jpg?verify=1484063787-XsZ5NmtNBxOd4f4fBOtqVmpWRnDRNkHKVZieqDPKu3U=");
	bad("/images/cat.jpg?verify=1484063787-XsZ5NmtNBxOd4f4fBOtqVmpWRnDRNkHKVZieqDPKu3U%3d");
	bad("/images/cat.jpg?verify=1484063787-XsZ5NmtNBxOd4f4fBOtqVmpWRnDRNkHKVZieqDPKu3U");
	bad("/images/cat.jpg?verify=1484063787-XsZ5NmtNBxOd4f4fBOtqVmpWRnDRNkHKVZieqDPKu3V%3D");
	bad("/cheeW4oKsx5ljh8e8BoL2A/bc27a117-9509-446b-8c69-c81bfeac0a01/"
	    "mobile?exp=1631289275&sig="
	    "FF145CC3BBB936D94C826262904B0EEFE9D3ECFE851848B7DE0AFA583EC6ECA0");

	struct slv_image_signing signing = signing_of();
	signing.timed_form = SLV_IMAGE_MAC_BASE64URL;
	struct slv_image_target target =
			target_of(SLV_STR("/images/cat.jpg?verify=1484063787-"
					  "XsZ5NmtNBxOd4f4fBOtqVmpWRnDRNkHKVZieqDPKu3U"));
	struct slv_image_grant grant;
	assert_false(slv_failed(slv_image_sign_verify(&signing, &target, 1484063787, &grant)));
	signing.timed = false;
	assert_int_equal(slv_image_sign_verify(&signing, &target, 1484063787, &grant).code,
			SLV_E_SIGNATURE);
}

/* The text that scheme 1 signs ends in digits, as that of scheme 2 does: the mac of an EXP link
 * must not pass for a fresh token. */
static void a_signature_of_one_scheme_is_none_of_another(void **state)
{
	(void)state;
	slv_str parts[] = { SLV_STR("/a.jpg?exp="), SLV_STR("1700000000") };
	struct slv_digest mac = slv_hmac_sha256(keys[0].secret, parts, SLV_COUNT(parts));
	SLV_CLEANUP(slv_buf_done) struct slv_buf link;
	slv_buf_init(&link, 1000);
	slv_buf_add(&link, SLV_STR("/a.jpg?exp=&verify=1700000000-"));
	slv_image_add_base64(&link, (slv_str){ (const char *)mac.bytes, sizeof(mac.bytes) },
			SLV_IMAGE_MAC_BASE64URL);
	struct slv_image_signing signing = signing_of();
	signing.timed_form = SLV_IMAGE_MAC_BASE64URL;
	struct slv_image_target target = target_of(text_of(&link));
	struct slv_image_grant grant;
	assert_int_equal(slv_image_sign_verify(&signing, &target, NOW, &grant).code,
			SLV_E_SIGNATURE);
}

static void unsigned_links_pass_where_none_is_required(void **state)
{
	(void)state;
	struct slv_image_signing signing = signing_of();
	struct slv_image_target target = target_of(SLV_STR("/a.jpg?v=1&exp=5"));
	struct slv_image_grant grant;
	signing.required = false;
	assert_false(slv_failed(slv_image_sign_verify(&signing, &target, NOW, &grant)));
	assert_int_equal(grant.scheme, SLV_IMAGE_SCHEME_NONE);
	assert_true(slv_str_eq(grant.query, SLV_STR("v=1&exp=5")));
	assert_null(grant.key);
	target = target_of(SLV_STR("/a.jpg?exp=1800000000&sig=" HEX)); /* a wrong one is wrong */
	assert_int_equal(slv_image_sign_verify(&signing, &target, NOW, &grant).code,
			SLV_E_SIGNATURE);
	signing.keys.count = 0; /* without keys, sig is the source's */
	assert_false(slv_failed(slv_image_sign_verify(&signing, &target, NOW, &grant)));
	assert_true(slv_str_eq(grant.query, target.query));
}

static void several_keys_live_at_once(void **state)
{
	(void)state;
	struct slv_image_signing signing = signing_of();
	struct slv_image_target plain = target_of(SLV_STR("/a.jpg"));
	for (size_t i = 0; i < SLV_COUNT(keys); i++) {
		SLV_CLEANUP(slv_buf_done) struct slv_buf link;
		slv_buf_init(&link, 1000);
		assert_false(slv_failed(slv_image_sign_exp(&keys[i], &plain, LATER, &link)));
		assert_ptr_equal(granted(text_of(&link), NOW).key, &keys[i]);
		struct slv_image_target target = target_of(text_of(&link));
		struct slv_image_grant grant;
		signing.keys = (struct slv_conf_list){ &keys[(i + 1) % 3], 1 }; /* rolled out */
		assert_int_equal(slv_image_sign_verify(&signing, &target, NOW, &grant).code,
				SLV_E_SIGNATURE);
	}
}

static slv_err make_exp(const struct slv_image_sign_key *key, const char *link, size_t room)
{
	SLV_CLEANUP(slv_buf_done) struct slv_buf buf;
	slv_buf_init(&buf, room);
	struct slv_image_target target = target_of(slv_str_from(link));
	return slv_image_sign_exp(key, &target, LATER, &buf);
}

static void what_would_not_verify_is_not_made(void **state)
{
	(void)state;
	static const char *const links[] = { "", "a.jpg", "/a?sig=1", "/a?exp=1", "/a?v=1&key=1",
		"/a?widths=1", "/a?formats=1", "/a?verify", "/a?v=1&sig" };
	for (size_t i = 0; i < SLV_COUNT(links); i++)
		assert_int_equal(make_exp(&keys[0], links[i], 1000).code, SLV_E_OPTION);
	struct slv_image_sign_key unnamed = { SLV_STR("a b"), SLV_STR("s") };
	struct slv_image_sign_key open = { SLV_STR("a"), SLV_STR("") };
	assert_int_equal(make_exp(&unnamed, "/a", 1000).code, SLV_E_OPTION);
	assert_int_equal(make_exp(&open, "/a", 1000).code, SLV_E_OPTION);
	assert_int_equal(make_exp(&keys[0], "/a", 20).code, SLV_E_LIMIT);

	SLV_CLEANUP(slv_buf_done) struct slv_buf buf;
	slv_buf_init(&buf, 1000);
	struct slv_image_target target = target_of(SLV_STR("/a"));
	assert_int_equal(slv_image_sign_timed(
					 &keys[0], &target, 999999999, SLV_IMAGE_MAC_BASE64, &buf)
					 .code,
			SLV_E_OPTION);
	assert_int_equal(slv_image_sign_timed(&keys[0], &target, UINT64_C(10000000000),
					 SLV_IMAGE_MAC_BASE64, &buf)
					 .code,
			SLV_E_OPTION);
}

static void settings_are_checked(void **state)
{
	(void)state;
	struct slv_image_signing signing = signing_of();
	assert_false(slv_failed(slv_image_signing_check(&signing)));
	struct slv_image_sign_key twice[] = { keys[0], keys[0] };
	signing.keys = (struct slv_conf_list){ twice, 2 };
	assert_int_equal(slv_image_signing_check(&signing).code, SLV_E_OPTION);
	twice[1].name = SLV_STR("b&c");
	assert_int_equal(slv_image_signing_check(&signing).code, SLV_E_OPTION);
	twice[1].name = SLV_STR("a23456789012345678901234567890123");
	assert_int_equal(slv_image_signing_check(&signing).code, SLV_E_OPTION);
	twice[1].name.len = SLV_IMAGE_KEY_NAME_MAX;
	assert_false(slv_failed(slv_image_signing_check(&signing)));
	twice[1].secret.len = 0;
	assert_int_equal(slv_image_signing_check(&signing).code, SLV_E_OPTION);
	signing.keys.count = 0;
	assert_int_equal(slv_image_signing_check(&signing).code, SLV_E_OPTION);
	signing.required = false;
	assert_false(slv_failed(slv_image_signing_check(&signing)));
	signing.keys.count = SLV_IMAGE_KEYS_MAX + 1;
	assert_int_equal(slv_image_signing_check(&signing).code, SLV_E_OPTION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cloudflares_exp_vector_verifies),
		cmocka_unit_test(the_timed_vector_verifies),
		cmocka_unit_test(imgproxys_vector_is_reached_with_our_parts),
		cmocka_unit_test(thumbors_vector_is_reached_with_our_parts),
		cmocka_unit_test(base64_is_that_of_the_rfc),
		cmocka_unit_test(the_sources_query_is_left),
		cmocka_unit_test(every_changed_bit_is_refused),
		cmocka_unit_test(every_byte_more_or_less_is_refused),
		cmocka_unit_test(a_set_allows_its_widths_and_formats_and_nothing_else),
		cmocka_unit_test(sets_are_bounded),
		cmocka_unit_test(expiry_is_bounded_and_kept),
		cmocka_unit_test(malformed_signatures_are_refused),
		cmocka_unit_test(encodings_of_the_mac_are_one),
		cmocka_unit_test(a_signature_of_one_scheme_is_none_of_another),
		cmocka_unit_test(unsigned_links_pass_where_none_is_required),
		cmocka_unit_test(several_keys_live_at_once),
		cmocka_unit_test(what_would_not_verify_is_not_made),
		cmocka_unit_test(settings_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
