/* batch.c - a token that opens the pictures for an hour, and nothing else
 *
 *	slvb_<until when, seconds since 1970>_<HMAC-SHA-256 of that, 64 hexadecimal digits>
 *
 * Nothing is kept of it: it holds if its signature does and its time is not over. What it is signed
 * with is random, and made when somebody first asks.
 */
#include "base/digest.h"
#include "http/date.h"
#include "service/image/hosted/private.h"

#include <stdio.h>
#include <string.h>

#define HOLDS_S 3600
#define SECRET_BYTES 32
#define MAC_BYTES (2 * SLV_SHA256_BYTES)
#define TOKEN_BYTES_MAX (5 + SLV_U64_DIGITS + 1 + MAC_BYTES)

/* In the arena of the request. */
struct work {
	struct hosted_call call;
	slv_str key;
	char secret[SECRET_BYTES];
	struct slv_omap_change change;
};

static void sign(slv_str secret, slv_str until, char ret_mac[static MAC_BYTES])
{
	const slv_str parts[] = { SLV_STR("images batch "), until };
	struct slv_digest mac = slv_hmac_sha256(secret, parts, SLV_COUNT(parts));
	slv_str_hex(mac.bytes, SLV_SHA256_BYTES, ret_mac);
}

/* --- looked at --- */

bool hosted_batch_holds(slv_str secret, slv_str token, int64_t now_s)
{
	uint64_t until_s;
	char mac[MAC_BYTES];
	slv_str rest = slv_str_from_index(token, 5), until = slv_str_cut(&rest, '_');
	if (!secret.len || !slv_str_starts(token, SLV_STR("slvb_")) ||
			!slv_str_u64(until, INT64_MAX, &until_s) || (int64_t)until_s <= now_s)
		return false;
	sign(secret, until, mac);
	return slv_str_eq_secret(rest, (slv_str){ mac, sizeof(mac) });
}

/* --- handed out --- */

static slv_err secret_read(struct hosted_call *call, const struct slv_omap_rows *rows);

static void secret_written(struct hosted_call *call, slv_err err)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	/* Or somebody else has. */
	if (slv_failed(err) && err.code != SLV_E_PRECONDITION)
		hosted_fail(call, err);
	else
		hosted_get(call, &work->key, 1, secret_read);
}

static slv_err make_secret(struct work *work)
{
	if (++work->call.retries == HOSTED_RETRIES_MAX)
		return SLV_ERR(SLV_E_CONFLICT, "others do the same; try again");
	slv_loop_random(work->call.hosted->loop, work->secret, sizeof(work->secret));
	work->change = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.when = SLV_OMAP_IF_ABSENT,
		.key = work->key,
		.value = { work->secret, sizeof(work->secret) } };
	hosted_write(&work->call, &work->change, 1, secret_written);
	return SLV_OK;
}

static slv_err secret_read(struct hosted_call *call, const struct slv_omap_rows *rows)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	if (!rows->at[0].version)
		return make_secret(work);
	char room[SLV_U64_DIGITS], mac[MAC_BYTES], token[TOKEN_BYTES_MAX + 1];
	char when[SLV_DATE_ISO_BYTES];
	int64_t until_s = slv_loop_wall_s(call->hosted->loop) + HOLDS_S;
	slv_str until = slv_str_of_u64((uint64_t)until_s, room);
	sign(rows->at[0].value, until, mac);
	int len = snprintf(token, sizeof(token), "slvb_%.*s_%.*s", SLV_FMT(until), MAC_BYTES, mac);
	slv_date_print_iso(until_s, when);
	slv_api_reply(call->ask->req,
			json_pack("{s:s%, s:s%}", "token", token, (size_t)len, "expiresAt", when,
					sizeof(when)),
			NULL);
	return SLV_OK;
}

static slv_err begin(struct hosted_call *call)
{
	struct work *work = SLV_CONTAINER(call, struct work, call);
	work->key = SLV_STR(HOSTED_BATCH_KEY);
	hosted_get(call, &work->key, 1, secret_read);
	return SLV_OK;
}

slv_err hosted_serve_batch_token(struct slv_api_ask *ask)
{
	struct work *work = SLV_NEW(ask->req->arena, struct work);
	if (!work)
		return SLV_ERR(SLV_E_LIMIT, "request_memory_bytes is used up");
	return hosted_begin(&work->call, ask, begin);
}
