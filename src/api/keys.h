/* keys.h - whose token is it? found by id, kept in memory as long as it holds
 *
 * The account and its tokens are rows of the ordered map "account":
 *
 *	account   {"id", "name", "created_on"}
 *	t/<id>    a token's record, with its secret (api/token.h)
 *	u/<id>    when it was last used, as seconds
 *
 * One for each loop. A token that another loop or process, or with PostgreSQL another machine a
 * second ago, changed or removed is not used any more, because its row's stamp is another.
 */
#ifndef SLV_API_KEYS_H
#define SLV_API_KEYS_H

#include "api/token.h"
#include "base/digest.h"
#include "loop/loop.h"
#include "store/omap/omap.h"

#define SLV_API_ACCOUNT_MAP "account"
#define SLV_API_ACCOUNT_KEY "account"
#define SLV_API_TOKENS_MAX 1000 /* of an account */

struct slv_api_keys;

/* Waits for nothing. `maps` outlives it. */
struct slv_api_keys *slv_api_keys_new(struct slv_loop *loop, struct slv_omaps *maps);

/* After the last find has called back. NULL is fine. */
void slv_api_keys_free(struct slv_api_keys *keys);

struct slv_api_find {
	struct slv_api_keys *keys;
	slv_str id; /* of a token; any text */
	/* SLV_E_MISSING: there is none; other errors are the store's. `token` lives until
	 * slv_api_found_drop(find), which is owed. */
	void (*done)(struct slv_api_find *find, slv_err err);
	const struct slv_api_token *token;
	slv_str account; /* the account's id; lives as long as `keys` */

	/* Private. */
	struct slv_api_kept *kept;
	struct slv_omap_read read;
	slv_str rows[2];
	char key[SLV_API_ID_BYTES + 2];
	uint64_t stamp;
};

/* True: it is known, and `find` has been filled; nothing calls back. Else done() comes. */
bool slv_api_find(struct slv_api_find *find);

void slv_api_found_drop(struct slv_api_find *find);

/* The key with which what was found signs on that day (http/sigv4.h). That of the scope asked for
 * last is remembered: to work it out costs more than a signature. */
struct slv_digest slv_api_sign_key(
		struct slv_api_find *find, slv_str date, slv_str region, slv_str service);

/* Note that `token` was used now; written down at most once in five minutes, and not waited for. */
void slv_api_used(struct slv_api_keys *keys, const struct slv_api_token *token);

/* The account's id, or an empty text as long as nothing was found. */
slv_str slv_api_account(const struct slv_api_keys *keys);

struct slv_omap *slv_api_account_map(const struct slv_api_keys *keys);

/* The account's id, of its row. SLV_E_CORRUPT: it is none. */
slv_err slv_api_account_read(slv_str row, char ret_account[static SLV_API_ID_BYTES]);

/* --- the first start --- */

/* Make the account and a token that may do everything, if there is no account. done() gets the
 * token's value if it was made now, to be shown once; else an empty text. Both are valid until it
 * returns. */
struct slv_api_first {
	struct slv_omaps *maps;
	void (*done)(struct slv_api_first *first, slv_err err, slv_str account, slv_str value);
	void *arg;

	/* Private. */
	struct slv_loop *loop;
	struct slv_omap_read read;
	struct slv_omap_batch batch;
	struct slv_omap_change changes[2];
	slv_str key;
	char account[SLV_API_ID_BYTES], value[SLV_API_VALUE_BYTES];
	char token_key[SLV_API_ID_BYTES + 2];
	struct slv_buf texts[2];
};
void slv_api_first(struct slv_loop *loop, struct slv_api_first *first);

/* The permission groups that there are, as a policy names them. */
json_t *slv_api_all_groups(void);

/* A new token's id, value and times, put into `record`; the value is shown once. */
void slv_api_token_new(struct slv_loop *loop, json_t *record, char ret_id[static SLV_API_ID_BYTES],
		char ret_value[static SLV_API_VALUE_BYTES]);

/* Another value for the token of that record. */
void slv_api_token_roll(
		struct slv_loop *loop, json_t *record, char ret_value[static SLV_API_VALUE_BYTES]);

/* That it was changed now. */
void slv_api_token_modified(struct slv_loop *loop, json_t *record);

#endif
