/* sigv4.h - AWS Signature Version 4, as S3 uses it
 *
 * Both ways: what a client sent is found and worked out again, what we send is signed. The path is
 * decoded and encoded once more, so that it does not matter which bytes the client escaped; it is
 * not normalised otherwise. A space in a query is %20, and a plus sign is itself.
 *
 * Whoever serves calls place, find, when, verify; whoever asks calls authorize or presign.
 *
 * Source: "Signature Version 4 signing process" and "Authenticating requests: using the
 * Authorization header", "… using query parameters", "… transferring payload in multiple chunks" of
 * the S3 API reference. Thread: any.
 */
#ifndef SLV_HTTP_SIGV4_H
#define SLV_HTTP_SIGV4_H

#include "base/buf.h"
#include "base/digest.h"
#include "http/date.h"
#include "http/field.h"

#define SLV_SIGV4_PARAMS_MAX 100     /* of a query */
#define SLV_SIGV4_SIGNED_MAX 64      /* header fields that are signed */
#define SLV_SIGV4_EXPIRES_MAX 604800 /* seconds: seven days */
#define SLV_SIGV4_SKEW_S_MAX 900
#define SLV_SIGV4_HEX_BYTES (2 * SLV_SHA256_BYTES)

/* What a request says of its signature; views into it, or into the arena. */
struct slv_sigv4 {
	slv_str key_id;
	slv_str date, region, service; /* the scope: "20130524", "us-east-1", "s3" */
	slv_str signed_fields;         /* "host;x-amz-date" */
	slv_str signature;             /* SLV_SIGV4_HEX_BYTES digits */
	slv_str time;                  /* "20130524T000000Z" */
	int64_t time_s;                /* the same, since 1970 */
	uint32_t expires_s;            /* only of presigned URLs */
	bool presigned;                /* it stands in the query */
};

struct slv_sigv4_request {
	slv_str method;
	slv_str path, query;       /* as sent; no '?' */
	struct slv_fields *fields; /* Host among them; only slv_sigv4_authorize() adds some */
	slv_str payload; /* its digest in hexadecimal, "UNSIGNED-PAYLOAD" or "STREAMING-…" */
};

/* --- what we are asked --- */

enum slv_sigv4_place {
	SLV_SIGV4_NOWHERE,
	SLV_SIGV4_IN_FIELD, /* there is an Authorization, of whatever kind */
	SLV_SIGV4_IN_QUERY, /* a parameter is called X-Amz-Algorithm, -Credential or -Signature */
	SLV_SIGV4_IN_BOTH   /* which nobody means */
};

/* Where a request says how it is signed. Names of parameters are compared decoded. */
enum slv_sigv4_place slv_sigv4_place(const struct slv_sigv4_request *request);

/* Read that. What is signed must be named in lower case, ascending, without doubles. A date may
 * stand in Date, if there is no x-amz-date; its century is that of `now_s`.
 *
 * SLV_E_UNAUTHORIZED  it is nowhere
 * SLV_E_UNSUPPORTED   another kind of Authorization
 * SLV_E_SYNTAX        it is in both places, doubled, or cannot be one
 * SLV_E_LIMIT         more signed fields than SLV_SIGV4_SIGNED_MAX; the arena's cap */
slv_err slv_sigv4_find(struct slv_arena *arena, const struct slv_sigv4_request *request,
		int64_t now_s, struct slv_sigv4 *ret_signature);

enum slv_sigv4_when {
	SLV_SIGV4_IN_TIME,
	SLV_SIGV4_SKEWED, /* more than SLV_SIGV4_SKEW_S_MAX off; a presigned URL: ahead */
	SLV_SIGV4_EXPIRED /* a presigned URL that is over */
};

enum slv_sigv4_when slv_sigv4_when(const struct slv_sigv4 *signature, int64_t now_s);

/* The key of a scope; depends on no request, so that it can be kept. */
struct slv_digest slv_sigv4_key(slv_str secret, slv_str date, slv_str region, slv_str service);

/* `request` is signed as `signature` says, with `key`. Compares in constant time.
 *
 * Host and each field x-amz-… must be signed. Content-Type need not be, though the reference says
 * so: S3 does not insist, and clients such as aws4fetch leave it out.
 *
 * SLV_E_SIGNATURE  it is another's, or a field is signed that is not there
 * SLV_E_DENIED     a field is not signed that must be
 * SLV_E_SYNTAX     a path or query with '%' without two digits or with %00
 * SLV_E_LIMIT      more parameters than SLV_SIGV4_PARAMS_MAX; the arena's cap */
slv_err slv_sigv4_verify(struct slv_arena *arena, const struct slv_sigv4_request *request,
		const struct slv_sigv4 *signature, const struct slv_digest *key);

/* Those of a form whose policy is signed (POST of S3): a signature that is in time until the policy
 * says otherwise, for SLV_SIGV4_EXPIRES_MAX. Views of what is given. SLV_E_SYNTAX. */
slv_err slv_sigv4_find_form(slv_str algorithm, slv_str credential, slv_str date, slv_str hex,
		struct slv_sigv4 *ret_signature);

/* `policy`, as it was sent, is signed so. SLV_E_SIGNATURE. Compares in constant time. */
slv_err slv_sigv4_verify_policy(
		slv_str policy, const struct slv_sigv4 *signature, const struct slv_digest *key);

/* The signature of a chunk of a streamed body: of its digest and of the signature before, which is
 * the request's for the first; likewise of the trailer, whose digest is of its lines. */
void slv_sigv4_sign_chunk(const struct slv_sigv4 *signature, const struct slv_digest *key,
		slv_str before, const struct slv_digest *digest, char ret_hex[SLV_SIGV4_HEX_BYTES]);
void slv_sigv4_sign_trailer(const struct slv_sigv4 *signature, const struct slv_digest *key,
		slv_str before, const struct slv_digest *digest, char ret_hex[SLV_SIGV4_HEX_BYTES]);

/* --- what we ask --- */

struct slv_sigv4_client {
	slv_str key_id, secret;  /* a key id without '/' */
	slv_str region, service; /* "auto", "s3" */
};

/* Sign `request` at `now_s`: add x-amz-date, x-amz-content-sha256 (its payload) and Authorization.
 * Signed are Host, Content-Type and what begins with x-amz-.
 * SLV_E_SYNTAX, SLV_E_LIMIT as slv_sigv4_verify(); then some may have been added. */
slv_err slv_sigv4_authorize(struct slv_arena *arena, const struct slv_sigv4_client *client,
		struct slv_sigv4_request *request, int64_t now_s);

/* Append the target "/path?query" that may be asked with `request->method`, whoever has it, until
 * `expires_s` after `now_s`; its payload is not looked at. Who asks must send the same Host,
 * Content-Type and x-amz- fields as `request` has.
 * SLV_E_OPTION: an expiry out of bounds, or a query with parameters of a signature. Else as
 * slv_sigv4_authorize(); an overflow of `buf` is SLV_E_LIMIT. */
slv_err slv_sigv4_presign(struct slv_arena *arena, const struct slv_sigv4_client *client,
		const struct slv_sigv4_request *request, int64_t now_s, uint32_t expires_s,
		struct slv_buf *buf);

#endif
