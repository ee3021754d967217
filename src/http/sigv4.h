/* sigv4.h - AWS Signature Version 4, as S3 uses it
 *
 * Both ways: what a client sent is found and worked out again, what we send is signed. The path is
 * decoded and encoded once more, so that it does not matter which bytes the client escaped; it is
 * not normalised otherwise. A space in a query is %20, and a plus sign is itself.
 *
 * Source: "Signature Version 4 signing process" and "Authenticating requests: using the
 * Authorization header", "… using query parameters", "… transferring payload in multiple chunks" of
 * the S3 API reference. Thread: any.
 */
#ifndef SLV_HTTP_SIGV4_H
#define SLV_HTTP_SIGV4_H

#include "base/digest.h"
#include "http/field.h"

#define SLV_SIGV4_PARAMS_MAX 100     /* of a query */
#define SLV_SIGV4_SIGNED_MAX 64      /* header fields that are signed */
#define SLV_SIGV4_EXPIRES_MAX 604800 /* seconds: seven days */
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
	slv_str path, query; /* as sent; no '?' */
	const struct slv_fields *fields;
	slv_str payload; /* its digest in hexadecimal, "UNSIGNED-PAYLOAD" or "STREAMING-…" */
};

/* Find the signature: in Authorization or, with X-Amz-Signature, in the query. SLV_E_UNAUTHORIZED:
 * there is none. SLV_E_SYNTAX: it cannot be one, or there are two. SLV_E_LIMIT: past a bound. */
slv_err slv_sigv4_find(struct slv_arena *arena, const struct slv_sigv4_request *request,
		struct slv_sigv4 *ret_signature);

/* The key of a scope; depends on no request, so that it can be kept. */
struct slv_digest slv_sigv4_key(slv_str secret, slv_str date, slv_str region, slv_str service);

/* The signature that `request` has if it is signed as `signature` says, in hexadecimal.
 * SLV_E_SYNTAX: a field is signed that is not there; Host or an x-amz- field is not signed.
 * SLV_E_LIMIT. */
slv_err slv_sigv4_sign(struct slv_arena *arena, const struct slv_sigv4_request *request,
		const struct slv_sigv4 *signature, const struct slv_digest *key,
		char ret_hex[SLV_SIGV4_HEX_BYTES]);

/* The signature of a chunk of a streamed body: of its digest and of the signature before, which is
 * the request's for the first; likewise of the trailer, whose digest is of its lines. */
void slv_sigv4_sign_chunk(const struct slv_sigv4 *signature, const struct slv_digest *key,
		slv_str before, const struct slv_digest *digest, char ret_hex[SLV_SIGV4_HEX_BYTES]);
void slv_sigv4_sign_trailer(const struct slv_sigv4 *signature, const struct slv_digest *key,
		slv_str before, const struct slv_digest *digest, char ret_hex[SLV_SIGV4_HEX_BYTES]);

#endif
