/* sign.h - links that only their maker could have made
 *
 * Three schemes, told apart by how the query ends. All are HMAC-SHA-256 over bytes as they
 * stand in the request target (nothing is decoded, repaired or sorted first), compared in
 * constant time. What a signature needs stands at the end of the query in one fixed form;
 * what comes before is the source's own query. So one signed text has one link, and any
 * other byte is a refusal.
 *
 * 1. EXP, Cloudflare Images:     <path>?[<query>&]exp=<unix seconds>&sig=<64 hex, lower case>
 *    signed: <path>?[<query>&]exp=<unix seconds>
 *    Any key may have made it. Over when now ≥ exp.
 *
 * 2. TIMED, Cloudflare's token:  <path>?[<query>&]verify=<10 digits>-<mac>
 *    signed: <path>[?<query>] followed by the 10 digits, unix seconds of issue
 *    <mac> is base64, percent-encoded as encodeURIComponent does (%2B %2F %3D), or base64url
 *    without padding if the settings say so. Any key may have made it. Over when
 *    now ≥ issue + ttl_s.
 *
 * 3. SET, ours: one signature for a set of widths and a set of formats, so that a `srcset`
 *    needs one:
 *	<path>?[<query>&]widths=320,640&formats=auto,avif&exp=<unix s>&key=<name>&sig=<hex>
 *    signed: "selvedge-set-1" LF <path'> "?" <query up to, without, "&sig=">
 *    - widths: 1…32 numbers 1…16384, strictly rising, no leading zeros. formats: words of the
 *      option format, strictly rising by bytes. Either may be left out, not both.
 *    - <path'> is <path>, where, if there are widths, the value of the one option that is
 *      spelled `width=` is replaced by `*`, and, if there are formats, that of the one
 *      spelled `format=`. Options are what commas separate in the options segment, as sent.
 *      Each must be there exactly once and have a value of the set. No comma or slash can be
 *      in such a value, so <path'> and the values give back <path>: nothing else can be
 *      changed. `*` is in no set.
 *    - the text begins with a word that no path begins with, so it is no text of 1 or 2.
 *    Only the key that is named counts. Over when now ≥ exp.
 *
 * The query that comes before has none of the parameters sig, exp, key, widths, formats and
 * verify; so no text of 2, which ends in digits too, is one of 1.
 *
 * exp has no leading zero and is at most 253402300799 (the end of the year 9999).
 *
 * Keys have names; several live at once, so that a new one can be rolled out before an old
 * one goes. Thread: any.
 */
#ifndef SLV_SERVICE_IMAGE_SIGN_H
#define SLV_SERVICE_IMAGE_SIGN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "conf/schema.h"

#define SLV_IMAGE_KEYS_MAX 16
#define SLV_IMAGE_KEY_NAME_MAX 32 /* letters, digits, '-' and '_' */
#define SLV_IMAGE_SET_MAX 32      /* widths, or formats */
#define SLV_IMAGE_EXP_MAX UINT64_C(253402300799)

struct slv_image_sign_key {
	slv_str name, secret; /* the secret is used as it is, as UTF-8 text */
};

enum slv_image_mac_form {
	SLV_IMAGE_MAC_BASE64,    /* RFC 4648 section 4, padded */
	SLV_IMAGE_MAC_BASE64URL, /* section 5, unpadded */
	SLV_IMAGE_MAC_BASE64URL_PADDED
};

/* Settings: the section `signing`. */
struct slv_image_signing {
	bool required;             /* an unsigned link is refused */
	struct slv_conf_list keys; /* struct slv_image_sign_key */
	bool timed;                /* accept scheme 2 */
	int64_t timed_ttl_s;
	int64_t timed_form; /* one of the first two forms */
};

extern const struct slv_conf_key slv_image_signing_keys[];

/* Names are well-formed and no two the same, secrets not empty, and `required` has a key.
 * SLV_E_OPTION tells what is wrong; static text. */
slv_err slv_image_signing_check(const struct slv_image_signing *signing);

/* A request target in parts, as sent. */
struct slv_image_target {
	slv_str path;
	slv_str options; /* the segment: a view into `path`; empty: none, and scheme 3 is refused */
	slv_str query;   /* without '?'; at == NULL: no '?' */
};

enum slv_image_scheme {
	SLV_IMAGE_SCHEME_NONE, /* no signature, and none is required */
	SLV_IMAGE_SCHEME_EXP,
	SLV_IMAGE_SCHEME_TIMED,
	SLV_IMAGE_SCHEME_SET
};

struct slv_image_grant {
	enum slv_image_scheme scheme;
	const struct slv_image_sign_key *key; /* that made it; NULL if unsigned */
	uint64_t expires_s;                   /* unix; 0 if unsigned */
	slv_str query; /* what is left of the query: the source's; at == NULL: none */
};

/* Verify. With no keys configured every link is unsigned and its query the source's.
 * SLV_E_SIGNATURE: missing though required, malformed, doubled, of an unknown key, wrong, or
 * a width or format outside its set. SLV_E_EXPIRED: rightly signed, and over. Static texts. */
slv_err slv_image_sign_verify(const struct slv_image_signing *signing,
		const struct slv_image_target *target, uint64_t now_s,
		struct slv_image_grant *ret_grant);

/* A query without the parameters of a signature at its end, whoever made them and whether they
 * hold: the source's query. at == NULL if nothing is left. */
slv_str slv_image_sign_strip(slv_str query);

/* Make a link: append the whole target to `buf`. `target` has no signature yet. They refuse
 * what would not verify: SLV_E_OPTION (an exp, set or key that is out of bounds; a query that
 * has a parameter of the scheme; options without the one width= or format= needed, or with a
 * value that is not in the set). */
slv_err slv_image_sign_exp(const struct slv_image_sign_key *key,
		const struct slv_image_target *target, uint64_t exp_s, struct slv_buf *buf);
slv_err slv_image_sign_timed(const struct slv_image_sign_key *key,
		const struct slv_image_target *target, uint64_t now_s, enum slv_image_mac_form form,
		struct slv_buf *buf);

/* `widths` and `formats` are the lists as in the query ("320,640"); empty: left out. */
slv_err slv_image_sign_set(const struct slv_image_sign_key *key,
		const struct slv_image_target *target, slv_str widths, slv_str formats,
		uint64_t exp_s, struct slv_buf *buf);

/* Append bytes in one of the forms. */
void slv_image_add_base64(struct slv_buf *buf, slv_str bytes, enum slv_image_mac_form form);

#endif
