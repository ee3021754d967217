/* error.h - what S3 calls its errors, and how it tells them
 *
 * One table: clients decide by the name, and retry by the status. Functions that can say in S3's
 * words what is wrong return a slv_object_err, as others return a slv_err. Thread: any.
 *
 * Source: "Error responses" of the S3 API reference; the texts are ours.
 */
#ifndef SLV_SERVICE_OBJECT_ERROR_H
#define SLV_SERVICE_OBJECT_ERROR_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

/* id, name, status, text */
#define SLV_OBJECT_ERROR_TABLE(X)                                                                  \
	X(ACCESS_DENIED, "AccessDenied", 403, "Access is denied.")                                 \
	X(ACCESS_FORBIDDEN, "AccessForbidden", 403, "The page's site may not ask for this.")       \
	X(AUTHORIZATION_HEADER_MALFORMED, "AuthorizationHeaderMalformed", 400,                     \
			"The Authorization header cannot be read.")                                \
	X(AUTHORIZATION_QUERY_PARAMETERS, "AuthorizationQueryParametersError", 400,                \
			"The parameters of the signature cannot be read.")                         \
	X(BAD_DIGEST, "BadDigest", 400, "The checksum told is not that of the bytes received.")    \
	X(BAD_REQUEST, "BadRequest", 400, "The request cannot be served.")                         \
	X(BUCKET_ALREADY_EXISTS, "BucketAlreadyExists", 409,                                       \
			"The name of the bucket is taken by another owner.")                       \
	X(BUCKET_ALREADY_OWNED_BY_YOU, "BucketAlreadyOwnedByYou", 409,                             \
			"The bucket is there already, and it is yours.")                           \
	X(BUCKET_NOT_EMPTY, "BucketNotEmpty", 409, "The bucket is not empty.")                     \
	X(CONDITIONAL_REQUEST_CONFLICT, "ConditionalRequestConflict", 409,                         \
			"Another request changed the object meanwhile; try again.")                \
	X(CREDENTIALS_NOT_SUPPORTED, "CredentialsNotSupported", 400,                               \
			"The request takes no credentials.")                                       \
	X(ENTITY_TOO_LARGE, "EntityTooLarge", 400, "The object is larger than an upload may be.")  \
	X(ENTITY_TOO_SMALL, "EntityTooSmall", 400,                                                 \
			"A part but the last is smaller than parts must be.")                      \
	X(EXPIRED_TOKEN, "ExpiredToken", 400, "The token has expired.")                            \
	X(INCOMPLETE_BODY, "IncompleteBody", 400,                                                  \
			"The body has another length than the request told.")                      \
	X(INTERNAL, "InternalError", 500, "Something went wrong inside; try again.")               \
	X(INVALID_ACCESS_KEY_ID, "InvalidAccessKeyId", 403, "The access key id is not known.")     \
	X(INVALID_ARGUMENT, "InvalidArgument", 400, "An argument is not valid.")                   \
	X(INVALID_BUCKET_NAME, "InvalidBucketName", 400, "That is no name for a bucket.")          \
	X(INVALID_BUCKET_STATE, "InvalidBucketState", 409,                                         \
			"The bucket is not in a state for this request.")                          \
	X(INVALID_CHUNK_SIZE, "InvalidChunkSizeError", 403,                                        \
			"A signed chunk but the last has fewer than 8192 bytes.")                  \
	X(INVALID_DIGEST, "InvalidDigest", 400, "The Content-MD5 told is none.")                   \
	X(INVALID_LOCATION_CONSTRAINT, "InvalidLocationConstraint", 400,                           \
			"There is no such location.")                                              \
	X(INVALID_OBJECT_STATE, "InvalidObjectState", 403,                                         \
			"The object is not in a state for this request.")                          \
	X(INVALID_PART, "InvalidPart", 400,                                                        \
			"A part is not there, or its ETag or checksum is another one.")            \
	X(INVALID_PART_NUMBER, "InvalidPartNumber", 416, "The object has no part of that number.") \
	X(INVALID_PART_ORDER, "InvalidPartOrder", 400,                                             \
			"The parts are not in ascending order of their numbers.")                  \
	X(INVALID_POLICY_DOCUMENT, "InvalidPolicyDocument", 400,                                   \
			"The policy of the form is not valid.")                                    \
	X(INVALID_RANGE, "InvalidRange", 416, "The range lies outside of the object.")             \
	X(INVALID_REQUEST, "InvalidRequest", 400, "The request is not valid.")                     \
	X(INVALID_STORAGE_CLASS, "InvalidStorageClass", 400, "There is no such storage class.")    \
	X(INVALID_TAG, "InvalidTag", 400, "A tag is not valid.")                                   \
	X(INVALID_TOKEN, "InvalidToken", 400, "The token is not valid.")                           \
	X(INVALID_URI, "InvalidURI", 400, "The URI cannot be read.")                               \
	X(KEY_TOO_LONG, "KeyTooLongError", 400, "The key is longer than 1024 bytes.")              \
	X(MALFORMED_POST_REQUEST, "MalformedPOSTRequest", 400,                                     \
			"The body is not multipart/form-data that can be read.")                   \
	X(MALFORMED_TRAILER, "MalformedTrailerError", 400, "The trailer cannot be read.")          \
	X(MALFORMED_XML, "MalformedXML", 400,                                                      \
			"The XML is not well-formed or not what this request takes.")              \
	X(MAX_MESSAGE_LENGTH, "MaxMessageLengthExceeded", 400, "The request is too long.")         \
	X(MAX_POST_PRE_DATA, "MaxPostPreDataLengthExceeded", 400,                                  \
			"The fields of the form before its file are longer than 20 KiB.")          \
	X(METADATA_TOO_LARGE, "MetadataTooLarge", 400, "The metadata are longer than allowed.")    \
	X(METHOD_NOT_ALLOWED, "MethodNotAllowed", 405, "Not with this method.")                    \
	X(MISSING_CONTENT_LENGTH, "MissingContentLength", 411, "Content-Length is missing.")       \
	X(MISSING_REQUEST_BODY, "MissingRequestBodyError", 400, "The body is empty.")              \
	X(MISSING_SECURITY_HEADER, "MissingSecurityHeader", 400,                                   \
			"A header that a signed request must have is missing.")                    \
	X(NO_SUCH_BUCKET, "NoSuchBucket", 404, "There is no such bucket.")                         \
	X(NO_SUCH_BUCKET_POLICY, "NoSuchBucketPolicy", 404, "The bucket has no policy.")           \
	X(NO_SUCH_CORS, "NoSuchCORSConfiguration", 404, "The bucket has no CORS configuration.")   \
	X(NO_SUCH_KEY, "NoSuchKey", 404, "There is no such key.")                                  \
	X(NO_SUCH_LIFECYCLE, "NoSuchLifecycleConfiguration", 404,                                  \
			"The bucket has no lifecycle configuration.")                              \
	X(NO_SUCH_TAG_SET, "NoSuchTagSet", 404, "There are no tags.")                              \
	X(NO_SUCH_UPLOAD, "NoSuchUpload", 404,                                                     \
			"There is no such upload; it may be completed or aborted.")                \
	X(NO_SUCH_VERSION, "NoSuchVersion", 404, "There is no such version.")                      \
	X(NO_SUCH_WEBSITE, "NoSuchWebsiteConfiguration", 404,                                      \
			"The bucket has no website configuration.")                                \
	X(NOT_IMPLEMENTED, "NotImplemented", 501,                                                  \
			"A header or parameter asks for what is not done.")                        \
	X(NOT_MODIFIED, "NotModified", 304, "Not modified.")                                       \
	X(NO_OBJECT_LOCK, "ObjectLockConfigurationNotFoundError", 404,                             \
			"The bucket has no object lock configuration.")                            \
	X(NO_OWNERSHIP_CONTROLS, "OwnershipControlsNotFoundError", 404,                            \
			"The bucket has no ownership controls.")                                   \
	X(OPERATION_ABORTED, "OperationAborted", 409,                                              \
			"Another request changes the bucket at this moment; try again.")           \
	X(PERMANENT_REDIRECT, "PermanentRedirect", 301, "The bucket is to be asked elsewhere.")    \
	X(PRECONDITION_FAILED, "PreconditionFailed", 412,                                          \
			"A condition of the request is not met.")                                  \
	X(NO_REPLICATION, "ReplicationConfigurationNotFoundError", 404,                            \
			"The bucket has no replication configuration.")                            \
	X(REQUEST_TIMEOUT, "RequestTimeout", 400, "Nothing came on the connection for too long.")  \
	X(REQUEST_TIME_TOO_SKEWED, "RequestTimeTooSkewed", 403,                                    \
			"The date of the request is more than 15 minutes off.")                    \
	X(NO_ENCRYPTION, "ServerSideEncryptionConfigurationNotFoundError", 404,                    \
			"The bucket has no encryption configuration.")                             \
	X(SERVICE_UNAVAILABLE, "ServiceUnavailable", 503, "Not now; try again.")                   \
	X(SIGNATURE_DOES_NOT_MATCH, "SignatureDoesNotMatch", 403,                                  \
			"The signature is not that of the request with the secret key.")           \
	X(SLOW_DOWN, "SlowDown", 503, "Too many requests; slow down.")                             \
	X(TOO_MANY_BUCKETS, "TooManyBuckets", 400, "There are as many buckets as may be.")         \
	X(UNEXPECTED_CONTENT, "UnexpectedContent", 400, "The request takes no body.")              \
	X(X_AMZ_CONTENT_SHA256_MISMATCH, "XAmzContentSHA256Mismatch", 400,                         \
			"x-amz-content-sha256 is not that of the bytes received.")

enum slv_object_code {
	SLV_OBJECT_E_NONE,
#define X(id, name, status, text) SLV_OBJECT_E_##id,
	SLV_OBJECT_ERROR_TABLE(X)
#undef X
			SLV_OBJECT_E_COUNT
};

typedef struct SLV_NODISCARD slv_object_err {
	enum slv_object_code code; /* 0 is success */
	const char *what;          /* static, or in the call's arena; NULL: the table's text */
} slv_object_err;

#define SLV_OBJECT_OK ((slv_object_err){ 0 })
#define SLV_OBJECT_ERR(code_, what_) ((slv_object_err){ .code = (code_), .what = (what_) })

static inline bool slv_object_failed(slv_object_err err)
{
	return err.code != SLV_OBJECT_E_NONE;
}

/* Not of SLV_OBJECT_E_NONE. */
const char *slv_object_code_name(enum slv_object_code code);
int slv_object_code_status(enum slv_object_code code);
const char *slv_object_code_text(enum slv_object_code code);

/* One more element of the document, as <BucketName> or <ArgumentName>. */
struct slv_object_error_detail {
	const char *name;
	slv_str value;
};

struct slv_object_error {
	slv_object_err err;
	slv_str resource;   /* the path that was asked for, decoded; empty: left out */
	slv_str request_id; /* as x-amz-request-id */
	slv_str host_id;    /* as x-amz-id-2; empty: left out */
	const struct slv_object_error_detail *details;
	size_t detail_count;
};

/* Append the document. */
void slv_object_error_print(const struct slv_object_error *error, struct slv_buf *buf);

#endif
