#include "base/assert.h"
#include "base/digest.h"
#include "base/mem.h"
#include "http/sigv4.h"
#include "loop/log.h"
#include "store/blob/s3.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>

#define ARENA_BLOCK_BYTES SLV_KIB(8)
#define ARENA_BYTES_MAX SLV_KIB(256)
#define ERROR_BYTES_MAX SLV_KIB(64)
#define TOLD_BYTES_MAX 300 /* of what the endpoint says, for the log */

/* --- connections --- */

static struct slv_caller *caller_take(struct s3 *s3)
{
	struct slv_caller *caller = NULL;
	pthread_mutex_lock(&s3->lock);
	if (s3->idle_count > 0)
		caller = s3->idle[--s3->idle_count];
	pthread_mutex_unlock(&s3->lock);
	return caller ? caller : slv_caller_new(&s3->conf);
}

static void caller_give(struct s3 *s3, struct slv_caller *caller)
{
	pthread_mutex_lock(&s3->lock);
	slv_assert(s3->idle_count < S3_CALLERS_MAX); /* one for each thread */
	s3->idle[s3->idle_count++] = caller;
	pthread_mutex_unlock(&s3->lock);
}

/* --- errors --- */

static void tell(struct s3 *s3, const struct s3_ask *ask, const char *fmt, ...) SLV_PRINTF(3, 4);

static void tell(struct s3 *s3, const struct s3_ask *ask, const char *fmt, ...)
{
	char words[TOLD_BYTES_MAX];
	va_list args;
	if (!s3->blobs.log)
		return;
	va_start(args, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, args); /* cut where it is too long */
	va_end(args);
	slv_log(s3->blobs.log, SLV_WARN, "store.trouble", SLV_KV("operation", ask->what),
			SLV_KV("why", (const char *)words));
}

slv_err s3_strange(struct s3 *s3, const struct s3_ask *ask, const char *why)
{
	tell(s3, ask, "%s", why);
	return SLV_ERR(SLV_E_SYS, "the endpoint of the blobs answers what makes no sense");
}

static slv_err away(void)
{
	return SLV_ERR(SLV_E_UPSTREAM, "the endpoint of the blobs is away; try again");
}

struct told {
	struct slv_arena *arena;
	slv_str code, message;
	bool is_error; /* the root is */
};

static void error_element(void *arg, slv_str parent, slv_str name, slv_str text)
{
	struct told *told = arg;
	if (parent.len == 0)
		told->is_error = slv_str_eq(name, SLV_STR("Error"));
	if (!slv_str_eq(parent, SLV_STR("Error")))
		return;
	if (slv_str_eq(name, SLV_STR("Code")))
		told->code = slv_str_copy(told->arena, text);
	else if (slv_str_eq(name, SLV_STR("Message")))
		told->message = slv_str_copy(told->arena, text);
}

/* What the endpoint says that is wrong; nothing, if it says so in no form that we know. */
static struct told told_read(struct s3_ask *ask)
{
	struct told told = { .arena = &ask->arena };
	slv_err err = s3_document_read(slv_buf_str(&ask->reply), error_element, &told);
	return slv_failed(err) ? (struct told){ .arena = &ask->arena } : told;
}

static slv_err trouble(void)
{
	return SLV_ERR(SLV_E_UPSTREAM, "the endpoint of the blobs has trouble; try again");
}

/* A 404 is about what was asked for if it says so, or nothing at all, as to HEAD: one with another
 * text is of something that stands in front of the endpoint. */
static bool is_miss(const struct s3_ask *ask, const struct told *told)
{
	return ask->reply.len == 0 || slv_str_eq(told->code, SLV_STR("NoSuchKey")) ||
	       slv_str_eq(told->code, SLV_STR("NoSuchUpload"));
}

/* The last answer, which is no success. */
static slv_err refused(struct s3 *s3, struct s3_ask *ask, const struct told *told)
{
	bool no_bucket = slv_str_eq(told->code, SLV_STR("NoSuchBucket"));
	bool is_404 = ask->status == 404 && ask->may_miss;
	if (is_404 && is_miss(ask, told))
		return SLV_ERR(SLV_E_MISSING, "there is no such blob");
	if (ask->status == 501 && ask->may_lack)
		return SLV_ERR(SLV_E_UNSUPPORTED, "the endpoint of the blobs does not do that");
	if (ask->status == 416)
		return SLV_ERR(SLV_E_CORRUPT, "a blob of the store is damaged");
	tell(s3, ask, "%d %.*s %.*s", ask->status, SLV_FMT(told->code), SLV_FMT(told->message));
	if (no_bucket)
		return SLV_ERR(SLV_E_SYS, "the bucket of the blobs is not there");
	if (is_404)
		return trouble();
	return SLV_ERR(SLV_E_SYS, "the endpoint of the blobs refuses");
}

/* --- one request --- */

/* "/bucket/prefix/key", and as `url` all of it. */
static slv_err target_make(
		struct s3 *s3, struct s3_ask *ask, slv_str *ret_path, const char **ret_url)
{
	const struct s3_url *url = &s3->url;
	slv_str path = slv_str_printf(&ask->arena, "/%.*s%s%.*s%s%.*s", SLV_FMT(url->bucket),
			ask->key.at && url->prefix.len ? "/" : "",
			ask->key.at ? (int)url->prefix.len : 0, ask->key.at ? url->prefix.at : "",
			ask->key.at ? "/" : "", SLV_FMT(ask->key));
	slv_str whole = slv_str_printf(&ask->arena, "%s://%.*s%.*s%s%.*s",
			url->plain ? "http" : "https", SLV_FMT(url->host), SLV_FMT(path),
			ask->query.len ? "?" : "", SLV_FMT(ask->query));
	*ret_path = path;
	*ret_url = slv_cstr(&ask->arena, whole);
	return path.at && whole.at && *ret_url ? SLV_OK
	                                       : SLV_ERR(SLV_E_LIMIT, "no memory for a request");
}

static slv_err fields_make(struct s3 *s3, struct s3_ask *ask, slv_str path, slv_str payload,
		struct slv_fields *fields)
{
	slv_fields_init(fields, &ask->arena);
	slv_err err = slv_fields_add_id(fields, SLV_FIELD_HOST, s3->url.host);
	if (!slv_failed(err) && ask->range.at)
		err = slv_fields_add_id(fields, SLV_FIELD_RANGE, ask->range);
	if (!slv_failed(err) && ask->body.len)
		err = slv_fields_add_id(fields, SLV_FIELD_CONTENT_TYPE,
				ask->document ? SLV_STR("application/xml")
					      : SLV_STR("application/octet-stream"));
	struct slv_sigv4_client client = { .key_id = s3->url.key_id,
		.secret = s3->secret,
		.region = s3->url.region,
		.service = SLV_STR("s3") };
	struct slv_sigv4_request request = { .method = slv_str_from(ask->method),
		.path = path,
		.query = ask->query,
		.fields = fields,
		.payload = payload };
	return slv_failed(err) ? err
	                       : slv_sigv4_authorize(
						 &ask->arena, &client, &request, slv_crew_wall_s());
}

static slv_err try(struct s3 *s3, struct s3_ask *ask, slv_str payload, bool *ret_unreached)
{
	struct slv_fields fields;
	const char *url;
	slv_str path;
	slv_arena_reset(&ask->arena);
	slv_buf_clear(&ask->reply);
	slv_err err = target_make(s3, ask, &path, &url);
	if (!slv_failed(err))
		err = fields_make(s3, ask, path, payload, &fields);
	if (slv_failed(err))
		return err;
	struct slv_call call = { .method = ask->method,
		.url = url,
		.fields = &fields,
		.body = ask->body,
		.wait_s = ask->wait_s,
		.arena = &ask->arena,
		.reply = &ask->reply };
	struct slv_caller *caller = caller_take(s3);
	err = slv_call(caller, &call);
	caller_give(s3, caller);
	ask->status = call.status;
	ask->fields = call.reply_fields;
	ask->sent += call.sent;
	*ret_unreached = call.unreached;
	return err;
}

static bool is_passing(int status)
{
	return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}

/* How one try ended; `*ret_again` if another one may end better. What took all the time that there
 * is would take it again. */
static slv_err once(struct s3 *s3, struct s3_ask *ask, slv_str payload, bool *ret_again)
{
	bool unreached = false;
	struct told told = { 0 };
	slv_err err = try(s3, ask, payload, &unreached);
	bool silent = err.code == SLV_E_TIMEOUT;
	*ret_again = err.code == SLV_E_UPSTREAM;
	/* Who takes long over one thing may be there for others: that says nothing. */
	bool is_away = unreached || (silent && !ask->wait_s);
	if (is_away || !silent)
		atomic_store(&s3->away_until_ms, is_away ? slv_crew_now_ms() + S3_AWAY_MS : 0);
	if (*ret_again || silent) {
		tell(s3, ask, "%s", err.what);
		return away();
	}
	if (slv_failed(err))
		return s3_strange(s3, ask, err.what);
	if (ask->status >= 300 || ask->document)
		told = told_read(ask);
	if (ask->status >= 200 && ask->status < 300 && !told.is_error)
		return SLV_OK;
	/* Whoever completes an upload has answered 200 before it fails. */
	*ret_again = is_passing(ask->status) || ask->status < 300;
	if (!*ret_again)
		return refused(s3, ask, &told);
	tell(s3, ask, "%d %.*s %.*s", ask->status, SLV_FMT(told.code), SLV_FMT(told.message));
	return trouble();
}

/* As only what is waited for may. There is no other try then, so that wait_s bounds them all. */
static bool took_long(const struct s3 *s3, const struct s3_ask *ask, uint64_t begun_ms)
{
	return ask->wait_s && slv_crew_now_ms() - begun_ms > (uint64_t)s3->conf.silence_s * 1000;
}

slv_err s3_ask(struct s3 *s3, struct s3_ask *ask)
{
	char hex[SLV_SIGV4_HEX_BYTES];
	slv_str_hex(slv_sha256(&ask->body, 1).bytes, SLV_SHA256_BYTES, hex);
	slv_arena_init(&ask->arena, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
	slv_buf_init(&ask->reply, ask->reply_bytes_max + ERROR_BYTES_MAX);
	if (slv_crew_now_ms() < atomic_load(&s3->away_until_ms))
		return away();
	for (int pause_ms = S3_PAUSE_MS;; pause_ms *= 4) {
		bool again;
		uint64_t begun_ms = slv_crew_now_ms();
		slv_err err = once(s3, ask, (slv_str){ hex, sizeof(hex) }, &again);
		if (took_long(s3, ask, begun_ms))
			again = false;
		if (!again || ++ask->tries == S3_TRIES_MAX)
			return err;
		(void)poll(NULL, 0, pause_ms); /* to sleep; a signal may wake us, which is fine */
	}
}

void s3_ask_done(struct s3_ask *ask)
{
	slv_arena_done(&ask->arena);
	slv_buf_done(&ask->reply);
}
