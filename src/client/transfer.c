/* transfer.c - one fetch, hop by hop
 *
 *	start ──▶ hop ──▶ hop done ──▶ reported
 *	           ▲          │
 *	           └──────────┘ a redirect
 *
 * Redirects are followed here and not by curl, so that every hop is asked about. The address is
 * looked at where the socket is made, which sees the very one that is connected to, and once
 * more before a request goes out, which sees kept connections, too. Nothing calls curl from
 * within curl's callbacks: they note an error and stop the hop.
 */
#include "base/assert.h"
#include "base/attr.h"
#include "base/fd.h"
#include "base/mem.h"
#include "client/private.h"
#include "http/status.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES 65536L
#define REDIRECT_BODY_BYTES SLV_KIB(64) /* read, so that the connection can be kept */

struct transfer {
	struct slv_client *client;
	struct slv_fetch *fetch;
	struct slv_list link; /* on client->transfers */
	struct slv_timer deadline;
	struct slv_task report;
	bool counted, ended;
	slv_err err;       /* how the fetch has ended */
	int64_t redirects; /* followed so far */
	uint64_t body_bytes;
	int body_fd;
	struct slv_fields fields;

	/* Of this hop. */
	struct target *target;
	CURL *easy;
	struct curl_slist *lines;
	bool in_multi;
	struct slv_timer pace;
	uint64_t came, pace_came; /* bytes in all; at the last look */
	const char *refused;      /* the kind of an address that was not connected to */
	slv_err fault;            /* what our callbacks stopped it for */
	struct slv_buf head;      /* lines of the reply, the status line first */
	int status;               /* 0: not known yet */
	bool redirected, cut;     /* it leads on; its body was not read to the end */
	size_t skipped;           /* bytes of the body of a redirect */
	uint64_t sent;            /* of fetch->send_bytes */
};

/* --- end --- */

static void transfer_leave(struct transfer *transfer)
{
	if (transfer->in_multi)
		curl_multi_remove_handle(transfer->client->multi, transfer->easy);
	transfer->in_multi = false;
	slv_timer_stop(transfer->client->loop, &transfer->pace);
}

static void transfer_count(const struct transfer *transfer)
{
	const struct slv_client *client = transfer->client;
	if (!client->under_way)
		return;
	if (transfer->counted)
		slv_metric_sub(client->under_way, 1);
	slv_metric_add(client->bytes, transfer->body_bytes);
	slv_assert(client->results[transfer->err.code]);
	slv_metric_add(client->results[transfer->err.code], 1);
}

/* Report `err` later in this turn. */
static void transfer_end(struct transfer *transfer, slv_err err)
{
	struct slv_client *client = transfer->client;
	if (transfer->ended)
		return;
	transfer_leave(transfer);
	slv_timer_stop(client->loop, &transfer->deadline);
	transfer->ended = true;
	transfer->err = err;
	if (transfer->counted)
		client->count--;
	transfer_count(transfer);
	slv_task_start(client->loop, &transfer->report);
}

static void transfer_report(struct slv_task *task)
{
	struct transfer *transfer = SLV_CONTAINER(task, struct transfer, report);
	struct slv_fetch *fetch = transfer->fetch;
	slv_err err = transfer->err;
	struct slv_fetched fetched = { .status = transfer->status,
		.fields = transfer->fields,
		.body_fd = slv_fd_take(&transfer->body_fd),
		.body_bytes = transfer->body_bytes };
	slv_assert(transfer->client->bytes_held >= transfer->body_bytes);
	transfer->client->bytes_held -= transfer->body_bytes;
	slv_list_remove(&transfer->link);
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->lines);
	slv_buf_done(&transfer->head);
	slv_free(transfer->target);
	slv_free(transfer);
	fetch->private_transfer = NULL;
	if (slv_failed(err))
		slv_fd_done(&fetched.body_fd);
	fetch->done(fetch, err, slv_failed(err) ? NULL : &fetched);
}

void transfers_end(struct slv_client *client)
{
	while (!slv_list_empty(&client->transfers)) {
		struct transfer *transfer =
				SLV_CONTAINER(client->transfers.next, struct transfer, link);
		transfer_end(transfer, SLV_ERR(SLV_E_CANCELLED, "the client ends"));
		slv_task_stop(&transfer->report);
		transfer_report(&transfer->report);
	}
}

static void deadline_fire(struct slv_timer *timer)
{
	transfer_end(SLV_CONTAINER(timer, struct transfer, deadline),
			SLV_ERR(SLV_E_TIMEOUT, "the fetch took longer than its deadline"));
}

static void pace_fire(struct slv_timer *timer)
{
	struct transfer *transfer = SLV_CONTAINER(timer, struct transfer, pace);
	struct slv_client *client = transfer->client;
	uint64_t least = (uint64_t)client->conf.floor_bytes_s * (CLIENT_PACE_MS / 1000);
	if (transfer->came - transfer->pace_came < least) {
		transfer_end(transfer,
				SLV_ERR(SLV_E_TIMEOUT, "the origin sends less than floor_bytes_s"));
		return;
	}
	transfer->pace_came = transfer->came;
	slv_timer_start(client->loop, timer, CLIENT_PACE_MS);
}

/* --- addresses --- */

/* Note why `ip` must not be connected to, if so. */
static bool address_refused(struct transfer *transfer, const uint8_t ip[16])
{
	const struct slv_client *client = transfer->client;
	const char *why;
	if (client->conf.private_networks || client->address_ok(ip, &why))
		return false;
	transfer->refused = why;
	return true;
}

static bool address_of(const struct curl_sockaddr *from, struct slv_addr *ret_addr)
{
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} addr = { 0 };
	if (from->addrlen > sizeof(addr))
		return false;
	memcpy(&addr, &from->addr, from->addrlen);
	if (from->family == AF_INET)
		*ret_addr = slv_addr_v4(&addr.v4.sin_addr);
	else if (from->family == AF_INET6)
		*ret_addr = slv_addr_v6(&addr.v6.sin6_addr);
	return from->family == AF_INET || from->family == AF_INET6;
}

static curl_socket_t socket_open(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct slv_addr addr;
	if (purpose != CURLSOCKTYPE_IPCXN || !address_of(to, &addr) ||
			address_refused(arg, addr.ip))
		return CURL_SOCKET_BAD;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* A request is about to go out, on a connection new or kept. */
static int before_request(void *arg, char *peer_ip, char *local_ip, int peer_port, int local_port)
{
	struct transfer *transfer = arg;
	struct slv_client *client = transfer->client;
	struct slv_addr addr;
	(void)local_ip;
	(void)peer_port;
	(void)local_port;
	if (!slv_addr_parse(slv_str_from(peer_ip), &addr)) {
		transfer->refused = "of no known form";
		return CURL_PREREQFUNC_ABORT;
	}
	if (address_refused(transfer, addr.ip))
		return CURL_PREREQFUNC_ABORT;
	transfer->pace_came = transfer->came;
	if (client->conf.floor_bytes_s)
		slv_timer_start(client->loop, &transfer->pace, CLIENT_PACE_MS);
	return CURL_PREREQFUNC_OK;
}

/* --- what comes --- */

/* For a callback of curl's: the hop stops. */
static size_t stop(struct transfer *transfer, slv_err fault)
{
	transfer->fault = fault;
	return 0;
}

/* The next well-formed field of the lines in `*rest`. */
static bool next_field(slv_str *rest, slv_str *ret_name, slv_str *ret_value)
{
	while (rest->at) {
		slv_str value = slv_str_cut(rest, '\n');
		if (slv_str_ends(value, SLV_STR("\r")))
			value.len--;
		slv_str name = slv_str_cut(&value, ':');
		value = slv_str_trim(value);
		if (value.at && slv_field_name_ok(name) && slv_field_value_ok(value)) {
			*ret_name = name;
			*ret_value = value;
			return true;
		}
	}
	return false;
}

static bool sends(const struct slv_fetch *fetch)
{
	return fetch->method.len || fetch->fields || fetch->send;
}

static bool leads_on(const struct transfer *transfer)
{
	slv_str rest = slv_buf_str(&transfer->head), name, value;
	int status = transfer->status;
	if (sends(transfer->fetch))
		return false;
	if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308)
		return false;
	while (next_field(&rest, &name, &value))
		if (slv_field_id(name) == SLV_FIELD_LOCATION)
			return true;
	return false;
}

/* The length that is told is past the bound. */
static bool tells_too_much(const struct transfer *transfer)
{
	slv_str rest = slv_buf_str(&transfer->head), name, value;
	uint64_t len;
	if (slv_status_is_bare(transfer->status))
		return false;
	while (next_field(&rest, &name, &value))
		if (slv_field_id(name) == SLV_FIELD_CONTENT_LENGTH &&
				slv_str_u64(value, UINT64_MAX, &len) &&
				len > transfer->fetch->body_bytes_max)
			return true;
	return false;
}

static slv_err too_large(struct transfer *transfer)
{
	transfer->fetch->body_is_too_large = true;
	return SLV_ERR(SLV_E_LIMIT, "the body is larger than what is fetched at most");
}

static size_t head_came(char *at, size_t size, size_t count, void *arg)
{
	struct transfer *transfer = arg;
	slv_str line = { at, size * count };
	transfer->came += line.len;
	if (transfer->status)
		return line.len; /* a trailer */
	if (slv_str_starts(line, SLV_STR("HTTP/")))
		slv_buf_clear(&transfer->head); /* what was there was a 1xx */
	slv_buf_add(&transfer->head, line);
	if (transfer->head.overflow)
		return stop(transfer, SLV_ERR(SLV_E_LIMIT, "the reply's header is over 64 KiB"));
	if (line.len && line.at[0] != '\r' && line.at[0] != '\n')
		return line.len;

	long status = 0;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200)
		return line.len;
	transfer->status = (int)status;
	transfer->redirected = leads_on(transfer);
	if (!transfer->redirected && tells_too_much(transfer))
		return stop(transfer, too_large(transfer));
	return line.len;
}

static slv_err not_kept(void)
{
	return (slv_err){ .code = SLV_E_SYS, .sys = errno, .what = "cannot keep the body" };
}

static size_t body_came(char *at, size_t size, size_t count, void *arg)
{
	struct transfer *transfer = arg;
	struct slv_client *client = transfer->client;
	slv_str rest = { at, size * count };
	transfer->came += rest.len;
	if (transfer->redirected) {
		transfer->skipped += rest.len;
		transfer->cut = transfer->skipped > REDIRECT_BODY_BYTES;
		return transfer->cut ? 0 : rest.len;
	}
	if (rest.len > transfer->fetch->body_bytes_max - transfer->body_bytes)
		return stop(transfer, too_large(transfer));
	if (rest.len > client->bytes_held_max - client->bytes_held)
		return stop(transfer, SLV_ERR(SLV_E_BUSY, "bodies of more than 1 GiB are being "
							  "fetched"));
	if (transfer->body_fd < 0)
		transfer->body_fd = memfd_create("fetched", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (transfer->body_fd < 0)
		return stop(transfer, not_kept());
	while (rest.len) {
		ssize_t len = write(transfer->body_fd, rest.at, rest.len);
		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			return stop(transfer, not_kept());
		transfer->body_bytes += (uint64_t)len;
		client->bytes_held += (uint64_t)len;
		rest = slv_str_from_index(rest, (size_t)len);
	}
	return size * count;
}

/* --- what goes --- */

static size_t body_goes(char *room, size_t size, size_t count, void *arg)
{
	struct transfer *transfer = arg;
	struct slv_fetch *fetch = transfer->fetch;
	uint64_t left = fetch->send_bytes - transfer->sent;
	size_t len = size * count < left ? size * count : (size_t)left;
	if (!len)
		return 0;
	len = fetch->send(fetch, transfer->sent, room, len);
	transfer->sent += len;
	transfer->came += len; /* its pace counts, too */
	if (len)
		return len;
	(void)stop(transfer, SLV_ERR(SLV_E_SYS, "what is sent cannot be read"));
	return CURL_READFUNC_ABORT;
}

/* A kept connection was closed just then: once more, on another. */
static int body_again(void *arg, curl_off_t offset, int origin)
{
	struct transfer *transfer = arg;
	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > transfer->fetch->send_bytes)
		return CURL_SEEKFUNC_FAIL;
	transfer->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* --- hops --- */

static slv_err hop_error(const struct transfer *transfer, CURLcode result)
{
	struct slv_arena *arena = transfer->fetch->arena;
	slv_str host = transfer->target->host;
	if (slv_failed(transfer->fault))
		return transfer->fault;
	if (transfer->refused &&
			(result == CURLE_COULDNT_CONNECT || result == CURLE_ABORTED_BY_CALLBACK))
		return slv_err_printf(arena, SLV_E_DENIED,
				"the address of '%.*s' is not public: %s", SLV_FMT(host),
				transfer->refused);
	switch (result) {
	case CURLE_OK:
		if (transfer->status)
			return SLV_OK;
		return slv_err_printf(arena, SLV_E_UPSTREAM, "'%.*s' hung up within its header",
				SLV_FMT(host));
	case CURLE_OPERATION_TIMEDOUT:
		return slv_err_printf(arena, SLV_E_TIMEOUT,
				"'%.*s' was not connected within connect_ms", SLV_FMT(host));
	case CURLE_COULDNT_RESOLVE_HOST:
		return slv_err_printf(
				arena, SLV_E_UPSTREAM, "'%.*s' does not resolve", SLV_FMT(host));
	default:
		return slv_err_printf(arena, SLV_E_UPSTREAM, "'%.*s': %s", SLV_FMT(host),
				curl_easy_strerror(result));
	}
}

static slv_err hop_start(struct transfer *transfer)
{
	struct slv_fetch *fetch = transfer->fetch;
	const struct target *target = transfer->target;
	slv_buf_clear(&transfer->head);
	transfer->status = 0;
	transfer->redirected = transfer->cut = false;
	transfer->skipped = 0;
	transfer->sent = 0;
	transfer->refused = NULL;
	if (fetch->allow && !fetch->allow(fetch, target->scheme, target->host, target->port,
					    target->path))
		return slv_err_printf(fetch->arena, SLV_E_DENIED, "not allowed: %.*s://%.*s%.*s",
				SLV_FMT(target->scheme), SLV_FMT(target->host),
				SLV_FMT(target->path));
	if (transfer->ended)
		return SLV_OK; /* who was asked has cancelled it */
	curl_easy_setopt(transfer->easy, CURLOPT_URL, target->url);
	CURLMcode code = curl_multi_add_handle(transfer->client->multi, transfer->easy);
	slv_assert(code == CURLM_OK);
	transfer->in_multi = true;
	return SLV_OK;
}

static slv_err hop_follow(struct transfer *transfer)
{
	slv_str rest = slv_buf_str(&transfer->head), name, value, location = { 0 };
	if (transfer->redirects++ == transfer->client->conf.redirects_max)
		return SLV_ERR(SLV_E_UPSTREAM, "more redirects than redirects_max");
	while (next_field(&rest, &name, &value)) {
		if (slv_field_id(name) != SLV_FIELD_LOCATION)
			continue;
		if (location.at && !slv_str_eq(location, value))
			return SLV_ERR(SLV_E_UPSTREAM, "redirected to several places");
		location = value;
	}
	struct target *next = SLV_ALLOC(struct target);
	slv_err err = target_follow(transfer->target, location, next);
	slv_free(transfer->target);
	transfer->target = next;
	return slv_failed(err) ? err : hop_start(transfer);
}

static slv_err hop_keep(struct transfer *transfer)
{
	slv_str rest = slv_str_copy(transfer->fetch->arena, slv_buf_str(&transfer->head));
	slv_str name, value;
	slv_err err = rest.at ? SLV_OK : SLV_ERR(SLV_E_LIMIT, "no memory for the reply's header");
	slv_fields_init(&transfer->fields, transfer->fetch->arena);
	while (!slv_failed(err) && next_field(&rest, &name, &value))
		err = slv_fields_add(&transfer->fields, name, value);
	return err;
}

void transfer_hop_done(CURL *easy, CURLcode result)
{
	char *private_data = NULL;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private_data);
	struct transfer *transfer = (struct transfer *)(void *)private_data;
	transfer_leave(transfer);
	slv_err err = transfer->cut ? SLV_OK : hop_error(transfer, result);
	if (!slv_failed(err) && transfer->redirected) {
		err = hop_follow(transfer);
		if (!slv_failed(err))
			return;
	} else if (!slv_failed(err)) {
		err = hop_keep(transfer);
	}
	transfer_end(transfer, err);
}

/* --- start --- */

static void add_line(struct transfer *transfer, const char *line)
{
	transfer->lines = curl_slist_append(transfer->lines, line);
	slv_assert(transfer->lines);
}

/* Those that are well-formed. */
static void add_fields(struct transfer *transfer)
{
	const struct slv_fields *fields = transfer->fetch->fields;
	struct slv_buf line;
	slv_buf_init(&line, CLIENT_HEAD_BYTES_MAX);
	for (uint32_t i = 0; fields && i < fields->count; i++) {
		const struct slv_field *field = &fields->at[i];
		if (!slv_field_name_ok(field->name) || !slv_field_value_ok(field->value))
			continue;
		slv_buf_clear(&line);
		slv_buf_printf(&line, "%.*s: %.*s", SLV_FMT(field->name), SLV_FMT(field->value));
		slv_buf_add_char(&line, 0);
		if (!line.overflow)
			add_line(transfer, line.at);
	}
	slv_buf_done(&line);
}

static void set_lines(struct transfer *transfer)
{
	slv_str etag = transfer->fetch->if_none_match;
	add_line(transfer, "Accept-Encoding: identity");
	add_line(transfer, "CDN-Loop: " SLV_CLIENT_LOOP_ID); /* RFC 8586 */
	if (etag.len && etag.len <= 1024 && slv_field_value_ok(etag)) {
		struct slv_buf line;
		slv_buf_init(&line, 2048);
		slv_buf_printf(&line, "If-None-Match: %.*s", SLV_FMT(etag));
		slv_buf_add_char(&line, 0);
		add_line(transfer, line.at);
		slv_buf_done(&line);
	}
	if (transfer->fetch->send)
		add_line(transfer, "Expect:"); /* nothing of it is asked for beforehand */
	add_fields(transfer);
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->lines);
}

static void set_sending(struct transfer *transfer)
{
	const struct slv_fetch *fetch = transfer->fetch;
	CURL *easy = transfer->easy;
	char method[32];
	if (fetch->send) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)fetch->send_bytes);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, body_goes);
		curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
		curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, body_again);
		curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
	}
	if (!fetch->method.len)
		return;
	slv_assert(fetch->method.len < sizeof(method));
	memcpy(method, fetch->method.at, fetch->method.len);
	method[fetch->method.len] = 0;
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method); /* copied */
}

static void set_options(struct transfer *transfer)
{
	const struct slv_client *client = transfer->client;
	const struct slv_client_conf *conf = &client->conf;
	CURL *easy = transfer->easy;
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* never wait for a resolver's thread */
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* nor one of the environment */
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_ALTSVC_CTRL, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "selvedge");
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_BYTES);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)conf->connect_ms);
	curl_easy_setopt(easy, CURLOPT_RESOLVE, client->resolve);

	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, conf->verify_tls ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, conf->verify_tls ? 2L : 0L);
	if (client->ca_path) { /* and not the system's beside it */
		curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_path);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}

	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, socket_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, head_came);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_came);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
}

static slv_err transfer_begin(struct transfer *transfer)
{
	struct slv_client *client = transfer->client;
	const struct slv_fetch *fetch = transfer->fetch;
	if (client->closing)
		return SLV_ERR(SLV_E_CANCELLED, "the client ends");
	if (client->count >= client->conf.fetches_max)
		return SLV_ERR(SLV_E_BUSY, "as many fetches as fetches_max are under way");
	transfer->counted = true;
	client->count++;
	if (client->under_way)
		slv_metric_add(client->under_way, 1);

	transfer->target = SLV_ALLOC(struct target);
	slv_err err = target_parse(fetch->url, transfer->target);
	if (slv_failed(err))
		return err;
	transfer->easy = curl_easy_init();
	slv_assert(transfer->easy);
	set_options(transfer);
	set_lines(transfer);
	set_sending(transfer);
	transfer->deadline.fire = deadline_fire;
	transfer->pace.fire = pace_fire;
	slv_timer_start(client->loop, &transfer->deadline,
			fetch->deadline_ms ? fetch->deadline_ms : (uint64_t)client->conf.total_ms);
	return hop_start(transfer);
}

void slv_fetch_start(struct slv_client *client, struct slv_fetch *fetch)
{
	slv_loop_assert(client->loop);
	struct transfer *transfer = SLV_ALLOC(struct transfer);
	transfer->client = client;
	transfer->fetch = fetch;
	transfer->report.run = transfer_report;
	transfer->body_fd = -1;
	slv_buf_init(&transfer->head, CLIENT_HEAD_BYTES_MAX);
	slv_list_push(&client->transfers, &transfer->link);
	fetch->private_transfer = transfer;
	fetch->body_is_too_large = false;
	slv_err err = transfer_begin(transfer);
	if (slv_failed(err))
		transfer_end(transfer, err);
}

void slv_fetch_cancel(struct slv_client *client, struct slv_fetch *fetch)
{
	slv_loop_assert(client->loop);
	struct transfer *transfer = fetch->private_transfer;
	slv_assert(transfer && transfer->client == client);
	slv_err err = SLV_ERR(SLV_E_CANCELLED, "the fetch was cancelled");
	transfer_end(transfer, err);
	transfer->err = err; /* also if it had ended and not told yet */
}
