#include "client/call.h"

#include "base/assert.h"
#include "base/mem.h"

#include <curl/curl.h>
#include <string.h>

#define LINE_BYTES_MAX SLV_KIB(8) /* of a field that we send */
#define ALIVE_S 15                /* between looks whether a silent peer is there */

struct slv_caller {
	struct slv_caller_conf conf;
	CURL *easy;
};

struct slv_caller *slv_caller_new(const struct slv_caller_conf *conf)
{
	slv_assert(conf->connect_ms && conf->silence_s && conf->total_ms);
	CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT); /* counts; safe on any thread */
	slv_assert(code == CURLE_OK);
	struct slv_caller *caller = SLV_ALLOC(struct slv_caller);
	caller->conf = *conf;
	caller->easy = curl_easy_init();
	slv_assert(caller->easy);
	return caller;
}

void slv_caller_free(struct slv_caller *caller)
{
	if (!caller)
		return;
	curl_easy_cleanup(caller->easy);
	slv_free(caller);
	curl_global_cleanup();
}

static size_t body_came(char *at, size_t size, size_t count, void *arg)
{
	struct slv_call *call = arg;
	slv_buf_add(call->reply, (slv_str){ at, size * count });
	return call->reply->overflow ? 0 : size * count;
}

static int on_send(void *arg, char *to, char *from, int to_port, int from_port)
{
	struct slv_call *call = arg;
	(void)to;
	(void)from;
	(void)to_port;
	(void)from_port;
	call->sent++;
	return CURL_PREREQFUNC_OK;
}

static void add_line(struct curl_slist **lines, const char *line)
{
	*lines = curl_slist_append(*lines, line);
	slv_assert(*lines);
}

static slv_err lines_make(const struct slv_fields *fields, struct curl_slist **lines)
{
	struct slv_buf line;
	bool has_type = false;
	slv_buf_init(&line, LINE_BYTES_MAX);
	for (uint32_t i = 0; i < fields->count && !line.overflow; i++) {
		const struct slv_field *field = &fields->at[i];
		has_type = has_type || field->id == SLV_FIELD_CONTENT_TYPE;
		slv_buf_clear(&line);
		slv_buf_printf(&line, "%.*s: %.*s", SLV_FMT(field->name), SLV_FMT(field->value));
		slv_buf_add_char(&line, 0);
		if (!line.overflow)
			add_line(lines, line.at);
	}
	bool overflow = line.overflow;
	slv_buf_done(&line);
	add_line(lines, "Expect:"); /* what curl would add */
	if (!has_type)
		add_line(lines, "Content-Type:");
	return overflow ? SLV_ERR(SLV_E_LIMIT, "a field of a request is over 8 KiB") : SLV_OK;
}

static void set_options(const struct slv_caller *caller, struct slv_call *call)
{
	const struct slv_caller_conf *conf = &caller->conf;
	CURL *easy = caller->easy;
	curl_easy_setopt(easy, CURLOPT_URL, call->url);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* nor one of the environment */
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_ALTSVC_CTRL, 0L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "selvedge");
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)conf->connect_ms);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
			call->wait_s ? (long)call->wait_s * 1000 : (long)conf->total_ms);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)SLV_CALL_FLOOR_BYTES_S);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
			call->wait_s ? (long)call->wait_s : (long)conf->silence_s);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)ALIVE_S);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)ALIVE_S);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (conf->ca_path) { /* and not the system's beside it */
		curl_easy_setopt(easy, CURLOPT_CAINFO, conf->ca_path);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_came);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);

	if (strcmp(call->method, "HEAD") == 0)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
	if (call->body.at) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.at);
	}
}

static slv_err fields_keep(CURL *easy, struct slv_call *call)
{
	slv_fields_init(&call->reply_fields, call->arena);
	struct curl_header *header = NULL;
	while ((header = curl_easy_nextheader(easy, CURLH_HEADER, -1, header))) {
		slv_str name = slv_str_copy(call->arena, slv_str_from(header->name));
		slv_str value = slv_str_copy(call->arena, slv_str_from(header->value));
		if (!name.at || !value.at)
			return SLV_ERR(SLV_E_LIMIT, "no memory for the reply's header");
		slv_err err = slv_fields_add(&call->reply_fields, name, value);
		if (slv_failed(err))
			return err;
	}
	return SLV_OK;
}

static slv_err failed(CURL *easy, struct slv_call *call, CURLcode result)
{
	if (call->reply->overflow)
		return SLV_ERR(SLV_E_LIMIT, "the reply is longer than what was asked for");
	curl_off_t asked_us = 0;
	curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &asked_us);
	call->unreached = asked_us == 0;
	return slv_err_printf(call->arena,
			result == CURLE_OPERATION_TIMEDOUT ? SLV_E_TIMEOUT : SLV_E_UPSTREAM, "%s",
			curl_easy_strerror(result));
}

slv_err slv_call(struct slv_caller *caller, struct slv_call *call)
{
	CURL *easy = caller->easy;
	struct curl_slist *lines = NULL;
	long status = 0;
	call->unreached = false;
	call->sent = 0;
	slv_err err = lines_make(call->fields, &lines);
	if (!slv_failed(err)) {
		curl_easy_reset(easy); /* its connection stays */
		set_options(caller, call);
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
		CURLcode result = curl_easy_perform(easy);
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		call->status = (int)status;
		err = result == CURLE_OK ? fields_keep(easy, call) : failed(easy, call, result);
	}
	curl_slist_free_all(lines);
	return err;
}
