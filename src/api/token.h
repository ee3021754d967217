/* token.h - API tokens: what they look like, and what they allow
 *
 * Account-owned tokens as Cloudflare's API has them: policies that allow or deny permission groups
 * on resources, a time from which and until which, networks from which. A token's value is
 *
 *	slv_<id, 32 hexadecimal digits>_<40 letters and digits><checksum, 6 of them>
 *
 * so that a leaked one can be found by its shape (the checksum is CRC-32 of what is before it, in
 * base 62) and told whose it is. The value is shown once. What is kept of it is its SHA-256, which
 * is, as with R2, the secret of the S3 key that has the token's id for its name: who reads the
 * store can sign S3 requests with it, but cannot use the token itself.
 *
 * A record is the JSON of the API with that digest beside. Thread: any; no I/O.
 */
#ifndef SLV_API_TOKEN_H
#define SLV_API_TOKEN_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/addr.h"

#include <jansson.h>

#define SLV_API_ID_BYTES 32 /* hexadecimal digits */
#define SLV_API_VALUE_BYTES (4 + SLV_API_ID_BYTES + 1 + 40 + 6)
#define SLV_API_SECRET_BYTES 64 /* hexadecimal digits */
#define SLV_API_NAME_BYTES_MAX 120
#define SLV_API_POLICIES_MAX 20
#define SLV_API_RESOURCES_MAX 50 /* of a policy */
#define SLV_API_NETS_MAX 50      /* of each list */

/* What a permission group covers. */
enum slv_api_scope { SLV_API_OF_ACCOUNT, SLV_API_OF_BUCKET };

/* name, id, name in the API, scope, rights that it brings along. The ids and names of R2, KV and
 * the account are Cloudflare's, so that scripts which have them written down go on working; the
 * others are ours. */
#define SLV_API_RIGHTS(X)                                                                          \
	X(ACCOUNT_READ, "c1fde68c7bcc44588cbb6ddbc16d6480", "Account Settings Read", ACCOUNT, 0)   \
	X(TOKENS_READ, "0fdbf2b4a0b747bcbea7a1ee2ae7e8c1", "Account API Tokens Read", ACCOUNT, 0)  \
	X(TOKENS_WRITE, "0fc3f8b21c554832afc660159ab75fa2", "Account API Tokens Write", ACCOUNT,   \
			SLV_API_BIT(TOKENS_READ))                                                  \
	X(KV_READ, "8b47d2786a534c08a1f94ee8f9f599ef", "Workers KV Storage Read", ACCOUNT, 0)      \
	X(KV_WRITE, "f7f0eda5697f475c90846e879bab8666", "Workers KV Storage Write", ACCOUNT,       \
			SLV_API_BIT(KV_READ))                                                      \
	X(R2_READ, "b4992e1108244f5d8bfbd5744320c2e1", "Workers R2 Storage Read", ACCOUNT,         \
			SLV_API_BIT(ITEM_READ))                                                    \
	X(R2_WRITE, "bf7481a1826f439697cb59a20b22293e", "Workers R2 Storage Write", ACCOUNT,       \
			SLV_API_BIT(R2_READ) | SLV_API_BIT(ITEM_READ) | SLV_API_BIT(ITEM_WRITE))   \
	X(ITEM_READ, "6a018a9f2fc74eb6b293b0c548f38b39", "Workers R2 Storage Bucket Item Read",    \
			BUCKET, 0)                                                                 \
	X(ITEM_WRITE, "2efd5506f9c8494dacb1fa10a3e7d5b6", "Workers R2 Storage Bucket Item Write",  \
			BUCKET, SLV_API_BIT(ITEM_READ))                                            \
	X(IMAGES_READ, "0f1a2bd7f5a0437d8b9a5b84a31bc1a3", "Images Read", ACCOUNT, 0)              \
	X(IMAGES_WRITE, "0f8ec6c64a3a42f8b08bdcb147ded4e4", "Images Write", ACCOUNT,               \
			SLV_API_BIT(IMAGES_READ))
#define SLV_API_BIT(right) (1u << SLV_API_##right)

enum slv_api_right {
#define X(name, ...) SLV_API_##name,
	SLV_API_RIGHTS(X)
#undef X
			SLV_API_RIGHT_COUNT,
	SLV_API_ANY_TOKEN, /* no right, but a token that holds */
	SLV_API_OWN_TOKEN, /* no token of ours: what opens the call is its group's business */
	SLV_API_BY_PATH,   /* nor that: a secret in its path, which logs do not show */
	SLV_API_OPEN,      /* not even that */
};

struct slv_api_right_info {
	const char *id, *name;
	enum slv_api_scope scope;
	uint32_t brings; /* a bit each */
};
extern const struct slv_api_right_info slv_api_rights[SLV_API_RIGHT_COUNT];

struct slv_api_resource {
	enum { SLV_API_RESOURCE_ACCOUNT, SLV_API_RESOURCE_BUCKET, SLV_API_RESOURCE_OTHER } what;
	slv_str bucket; /* "*": every one */
	slv_str prefix; /* of keys in it */
};

struct slv_api_policy {
	bool denies;
	uint32_t rights; /* a bit each, with what they bring along */
	const struct slv_api_resource *resources;
	size_t count;
};

struct slv_api_nets {
	const struct slv_net *at;
	size_t count;
};

struct slv_api_token {
	slv_str id, name;
	slv_str secret; /* SLV_API_SECRET_BYTES */
	bool disabled;
	int64_t not_before_s, expires_s; /* since 1970; 0: none */
	struct slv_api_nets in, not_in;
	const struct slv_api_policy *policies;
	size_t policy_count;
};

/* --- values --- */

/* Make one of an id and random bytes. */
void slv_api_value_print(slv_str id, const uint8_t random[static 40],
		char ret_value[static SLV_API_VALUE_BYTES]);

/* Is it shaped as one, with the right checksum? Then `*ret_id` is a view of its id. */
bool slv_api_value_parse(slv_str value, slv_str *ret_id);

/* What is kept of it. */
void slv_api_value_secret(slv_str value, char ret_secret[static SLV_API_SECRET_BYTES]);

/* --- records --- */

/* Check what a client says of a token (name, policies, condition, not_before, expires_on, status)
 * and make its record but for id and secret, which `record` has already, as it may have the rest of
 * before. Members that are not said stay, unless `fresh`. `account` is the account's id. The
 * error's text names the member. */
slv_err slv_api_record_update(
		struct slv_arena *arena, slv_str account, json_t *said, bool fresh, json_t *record);

/* Read a record; views into `arena`. SLV_E_CORRUPT: it is none of ours. */
slv_err slv_api_token_read(struct slv_arena *arena, slv_str account, slv_str record,
		struct slv_api_token *ret_token);

/* --- questions --- */

/* One that is not yet valid is disabled, too. */
enum slv_api_status { SLV_API_ACTIVE, SLV_API_DISABLED, SLV_API_EXPIRED };
enum slv_api_status slv_api_token_status(const struct slv_api_token *token, int64_t now_s);
const char *slv_api_status_name(enum slv_api_status status); /* as the API says it */

/* May it be used from there? */
bool slv_api_token_from(const struct slv_api_token *token, const struct slv_addr *client);

/* May it do that: to the account (`bucket` is empty), or to that key of the bucket? A right of the
 * account covers all buckets. `key` empty: to the bucket as a whole, for which a policy of a prefix
 * is not enough. Denials win. */
bool slv_api_token_may(const struct slv_api_token *token, enum slv_api_right right, slv_str bucket,
		slv_str key);

/* May it do that to all keys of the bucket that begin so? As for lists. */
bool slv_api_token_may_all(const struct slv_api_token *token, enum slv_api_right right,
		slv_str bucket, slv_str prefix);

/* May it do that to all or some of the bucket? */
bool slv_api_token_touches(
		const struct slv_api_token *token, enum slv_api_right right, slv_str bucket);

/* May it do all that `other` may, for as long and from as many places? Who makes tokens must not
 * make any that may do more. */
bool slv_api_token_covers(const struct slv_api_token *token, const struct slv_api_token *other);

#endif
