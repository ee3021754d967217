/* api.h - the API, version 4: its calls, and what they are handed
 *
 * Speaks the contract of Cloudflare's API v4 (paths, envelope, error codes), so that its SDKs are
 * clients. Services add groups of calls; the table of all calls is one, so that who may do what can
 * be read off it, and tested for all.
 *
 *	listener → edge → api: which call?   api.c
 *	           its token, and may it?    keys.c, token.c
 *	           its body, if it is JSON   body.c
 *	           the call                  tokens.c, service/…
 *
 * The admin listener gives it everything below /client/v4.
 */
#ifndef SLV_API_API_H
#define SLV_API_API_H

#include "api/token.h"
#include "service/service.h"

#include <jansson.h>

#define SLV_API_PREFIX "/client/v4"
#define SLV_API_PARAMS_MAX 4
#define SLV_API_JSON_BYTES_MAX SLV_MIB(1)

struct slv_api_group;
struct slv_api_keys;

/* A request that has come to its call. In the arena of `req`. */
struct slv_api_ask {
	struct slv_req *req;
	struct slv_loop *loop;
	const struct slv_api_call *call;
	const struct slv_api_group *group;
	void *self;                         /* the group's */
	slv_str params[SLV_API_PARAMS_MAX]; /* what stands for each ':' and '*', decoded */
	const struct slv_api_token *token;  /* as long as `req`; NULL where none is needed */
	json_t *json;                       /* the body, if the call wants one; likewise */
};

struct slv_api_call {
	enum slv_method method;
	/* Behind the prefix: "/accounts/:/storage/kv/namespaces/:". A segment ":" is anything but
	 * nothing; a last segment "*" is that and what follows it. The first ':' behind
	 * "/accounts/" is the account's id: a request with another is refused before it gets
	 * here. */
	const char *path;
	enum slv_api_right right; /* that its token needs */
	enum {
		SLV_API_NO_BODY, /* what there is, is not read */
		SLV_API_JSON,    /* an object or an array, of SLV_API_JSON_BYTES_MAX at most */
		SLV_API_STREAM,  /* the call reads req->body itself */
	} body;
	/* Owes one reply, now or later; an error returned is that reply. */
	slv_err (*serve)(struct slv_api_ask *ask);
};

/* Calls that belong together, as slv_service. */
struct slv_api_group {
	const char *name;
	const struct slv_api_call *calls; /* ends with {0} */
	int limit_code;                   /* of what is past a bound; 0: SLV_API_E_LIMIT */
	/* Once per process and loop. `settings` are main's business. */
	slv_err (*start)(struct slv_service_env *env, struct slv_api_keys *keys,
			const void *settings, void **ret_self);
	void (*stop)(void *self); /* after its last reply */
};

#define SLV_API_GROUPS_MAX 8

/* The settings of its route, made by main; outlives the service. */
struct slv_api_settings {
	const struct slv_api_group *const *groups; /* ends with NULL */
	const void *settings[SLV_API_GROUPS_MAX];  /* of each */
};

extern const struct slv_service slv_api_service;

/* --- replies --- */

/* {"success": true, "errors": [], "messages": [], "result": …}. `result` and `info` (result_info;
 * may be NULL) are taken; a `result` of NULL is null. */
void slv_api_reply(struct slv_req *req, json_t *result, json_t *info);

/* {"success": false, "errors": [{"code", "message"}], "messages": [], "result": null} */
void slv_api_fail(struct slv_req *req, int status, int code, const char *message);

/* As that for a method that a path does not have; `allowed` are those that it has. */
void slv_api_fail_method(struct slv_req *req, slv_str allowed);

/* As that for an error of ours: its status, and a code that goes with it. */
void slv_api_fail_err(struct slv_api_ask *ask, slv_err err);

/* Codes of errors that several groups use. */
#define SLV_API_E_ROUTE 7003
#define SLV_API_E_METHOD 7001
#define SLV_API_E_TOKEN 10000 /* there is none, or none that holds */
#define SLV_API_E_RIGHT 9109  /* it holds, and does not allow this */
#define SLV_API_E_STORE 10001 /* the store or the program is in trouble */
#define SLV_API_E_INPUT 10004 /* what was asked is no such thing */
#define SLV_API_E_LIMIT 10006 /* past a bound */

/* --- whose it is --- */

/* Is it below an account? Then that is params[0], and it is that of the token. */
bool slv_api_is_of_account(const struct slv_api_call *call);

/* What stands behind "Authorization: Bearer ". False: it was answered. 401, there is none, and
 * `what` is the name of it; 403, it is something else, or there are two of them: what is between us
 * and the client may have looked at the other. */
bool slv_api_bearer(struct slv_req *req, const char *what, slv_str *ret_token);

/* 403: it is none that holds. */
void slv_api_refuse_token(struct slv_req *req);

/* --- JSON --- */

/* Append the text of `value`. */
void slv_api_dump(const json_t *value, struct slv_buf *buf);

/* JSON of any kind, a NUL in its strings too; NULL: it is none. */
json_t *slv_api_json(slv_str text);

/* A new JSON string; NULL if the text is not UTF-8. */
json_t *slv_api_text(slv_str text);

/* The text of a member; at == NULL if there is none or it is none. */
slv_str slv_api_member(const json_t *object, const char *name);

/* --- lists by page: ?page=1&per_page=20 --- */

struct slv_api_page {
	uint64_t page, per_page;
};

/* SLV_E_SYNTAX: one of them is no number, or not within its bounds. */
slv_err slv_api_page_read(struct slv_req *req, uint64_t per_page, uint64_t per_page_min,
		uint64_t per_page_max, struct slv_api_page *ret_page);

/* The part of `all` (an array, taken) that was asked for. */
void slv_api_reply_page(struct slv_req *req, json_t *all, const struct slv_api_page *page);

#endif
