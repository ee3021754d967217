/* field.h - header and trailer fields (RFC 9110 section 5)
 *
 * An ordered list of name and value views. Names that the program looks at are
 * one table; each has an id, found once when the field is added, so that a
 * look-up compares numbers. Names compare without case; they are kept as they
 * came in a request (HTTP/2's are lower-case) and are written as given in a reply.
 *
 * The list grows in the arena it was made with; the views are the caller's and
 * must live as long as the list.
 */
#ifndef SLV_HTTP_FIELD_H
#define SLV_HTTP_FIELD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* id, name in lower case */
#define SLV_FIELD_TABLE(X)                                                                         \
	X(ACCEPT, "accept")                                                                        \
	X(ACCEPT_ENCODING, "accept-encoding")                                                      \
	X(ACCEPT_RANGES, "accept-ranges")                                                          \
	X(AGE, "age")                                                                              \
	X(ALLOW, "allow")                                                                          \
	X(AUTHORIZATION, "authorization")                                                          \
	X(CACHE_CONTROL, "cache-control")                                                          \
	X(CACHE_STATUS, "cache-status")                                                            \
	X(CONNECTION, "connection")                                                                \
	X(CONTENT_DISPOSITION, "content-disposition")                                              \
	X(CONTENT_ENCODING, "content-encoding")                                                    \
	X(CONTENT_LENGTH, "content-length")                                                        \
	X(CONTENT_RANGE, "content-range")                                                          \
	X(CONTENT_SECURITY_POLICY, "content-security-policy")                                      \
	X(CONTENT_TYPE, "content-type")                                                            \
	X(COOKIE, "cookie")                                                                        \
	X(DATE, "date")                                                                            \
	X(DOWNLINK, "downlink")                                                                    \
	X(DPR, "dpr")                                                                              \
	X(ECT, "ect")                                                                              \
	X(ETAG, "etag")                                                                            \
	X(EXPECT, "expect")                                                                        \
	X(EXPIRES, "expires")                                                                      \
	X(FORWARDED, "forwarded")                                                                  \
	X(HOST, "host")                                                                            \
	X(IF_MATCH, "if-match")                                                                    \
	X(IF_MODIFIED_SINCE, "if-modified-since")                                                  \
	X(IF_NONE_MATCH, "if-none-match")                                                          \
	X(IF_RANGE, "if-range")                                                                    \
	X(IF_UNMODIFIED_SINCE, "if-unmodified-since")                                              \
	X(KEEP_ALIVE, "keep-alive")                                                                \
	X(LAST_MODIFIED, "last-modified")                                                          \
	X(LOCATION, "location")                                                                    \
	X(ORIGIN, "origin")                                                                        \
	X(PRAGMA, "pragma")                                                                        \
	X(PROXY_CONNECTION, "proxy-connection")                                                    \
	X(RANGE, "range")                                                                          \
	X(REFERER, "referer")                                                                      \
	X(RETRY_AFTER, "retry-after")                                                              \
	X(RTT, "rtt")                                                                              \
	X(SAVE_DATA, "save-data")                                                                  \
	X(SEC_CH_DPR, "sec-ch-dpr")                                                                \
	X(SEC_CH_VIEWPORT_WIDTH, "sec-ch-viewport-width")                                          \
	X(SEC_CH_WIDTH, "sec-ch-width")                                                            \
	X(SERVER, "server")                                                                        \
	X(SET_COOKIE, "set-cookie")                                                                \
	X(TE, "te")                                                                                \
	X(TRAILER, "trailer")                                                                      \
	X(TRANSFER_ENCODING, "transfer-encoding")                                                  \
	X(UPGRADE, "upgrade")                                                                      \
	X(USER_AGENT, "user-agent")                                                                \
	X(VARY, "vary")                                                                            \
	X(VIEWPORT_WIDTH, "viewport-width")                                                        \
	X(WIDTH, "width")                                                                          \
	X(X_CONTENT_TYPE_OPTIONS, "x-content-type-options")                                        \
	X(X_FORWARDED_FOR, "x-forwarded-for")                                                      \
	X(X_FORWARDED_HOST, "x-forwarded-host")                                                    \
	X(X_FORWARDED_PROTO, "x-forwarded-proto")

enum slv_field_id {
	SLV_FIELD_OTHER,
#define X(id, name) SLV_FIELD_##id,
	SLV_FIELD_TABLE(X)
#undef X
			SLV_FIELD_COUNT
};

struct slv_field {
	slv_str name, value;
	enum slv_field_id id;
};

struct slv_fields {
	struct slv_field *at;
	uint32_t count, cap;
	struct slv_arena *arena;
};

/* The id of a name in any case; SLV_FIELD_OTHER if it is in no table. */
enum slv_field_id slv_field_id(slv_str name);

/* The name of an id in lower case; not of SLV_FIELD_OTHER. */
slv_str slv_field_name(enum slv_field_id id);

/* RFC 9110 section 5.6.2 token; section 5.5 value without CR, LF, NUL or other
 * control bytes but tab, and without white space at its ends. */
bool slv_field_name_ok(slv_str name);
bool slv_field_value_ok(slv_str value);

/* Empty; allocates nothing yet. */
void slv_fields_init(struct slv_fields *fields, struct slv_arena *arena);

/* Add at the end, unchecked. SLV_E_LIMIT past the arena's cap. */
slv_err slv_fields_add(struct slv_fields *fields, slv_str name, slv_str value);
slv_err slv_fields_add_id(struct slv_fields *fields, enum slv_field_id id, slv_str value);

/* As add_id, after removing those that were there. */
slv_err slv_fields_set(struct slv_fields *fields, enum slv_field_id id, slv_str value);

/* The first with that id or name; NULL if there is none. Further ones are those
 * behind it: pass the one found as `after`, or NULL for the first. */
const struct slv_field *slv_fields_find(const struct slv_fields *fields, enum slv_field_id id,
		const struct slv_field *after);
const struct slv_field *slv_fields_find_name(const struct slv_fields *fields, slv_str name);

/* The value of the first with that id; the empty view (at == NULL) if there is none. */
slv_str slv_fields_get(const struct slv_fields *fields, enum slv_field_id id);

void slv_fields_remove(struct slv_fields *fields, enum slv_field_id id);

#endif
