#include "loop/log.h"
#include "base/assert.h"
#include "edge/edge.h"
#include "edge/private.h"

#include <stdio.h>

#define TEXT_BYTES_MAX 1024u

static const char *const class_names[EDGE_CLASSES] = { "none", "1xx", "2xx", "3xx", "4xx", "5xx" };

static void tally_start(struct slv_edge *edge, struct edge_tally *tally, const char *name)
{
	char labels[96];
	struct slv_metrics *metrics = edge->env->metrics;
	tally->name = slv_str_from(name);
	for (size_t i = 0; i < EDGE_CLASSES; i++) {
		snprintf(labels, sizeof(labels), "service=\"%s\",status=\"%s\"", name,
				class_names[i]);
		tally->requests[i] = slv_metric_get(metrics, SLV_COUNTER, "selvedge_requests_total",
				labels, "Requests answered, by service and class of status");
	}
	snprintf(labels, sizeof(labels), "service=\"%s\"", name);
	tally->sent_bytes = slv_metric_get(metrics, SLV_COUNTER, "selvedge_sent_bytes_total",
			labels, "Bytes of reply bodies");
	tally->took_ms = slv_metric_get(metrics, SLV_HISTOGRAM, "selvedge_request_ms", labels,
			"Milliseconds from the first byte of a request to the last of its reply");
}

slv_err edge_tallies_start(struct slv_edge *edge)
{
	struct slv_metrics *metrics = edge->env->metrics;
	while (edge->conf->services[edge->services_count])
		edge->services_count++;
	slv_assert(edge->services_count <= SLV_SERVICES_MAX);

	edge->tallies = SLV_NEW_ARRAY(&edge->arena, struct edge_tally, edge->services_count + 1);
	if (!edge->tallies)
		return SLV_ERR(SLV_E_LIMIT, "no memory for counters");
	for (size_t i = 0; i < edge->services_count; i++)
		tally_start(edge, &edge->tallies[i], edge->conf->services[i]->name);
	tally_start(edge, &edge->tallies[edge->services_count], "none");

	edge->in_flight = slv_metric_get(metrics, SLV_GAUGE, "selvedge_requests_in_flight", NULL,
			"Requests begun and not yet answered");
	edge->refused = slv_metric_get(metrics, SLV_COUNTER, "selvedge_refused_total", NULL,
			"Connections and requests refused before they were routed");
	edge->cancelled = slv_metric_get(metrics, SLV_COUNTER, "selvedge_cancelled_total", NULL,
			"Requests whose client went away before the reply");
	return SLV_OK;
}

void edge_tally(struct slv_edge *edge, const struct slv_req *req)
{
	struct edge_tally *tally = req->edge ? req->edge : &edge->tallies[edge->services_count];
	unsigned class = (unsigned)req->sent_status / 100;
	slv_assert(class < EDGE_CLASSES);
	slv_metric_add(tally->requests[class], 1);
	slv_metric_add(tally->sent_bytes, req->sent_bytes);
	slv_metric_observe(tally->took_ms, (double)(req->times.sent_ms - req->times.begun_ms));
}

/* A text of a client may be as long as its header; three bytes of JSON may stand for each of it. */
static void add_text(struct slv_buf *line, const char *key, slv_str value)
{
	value = slv_str_head(value, TEXT_BYTES_MAX);
	slv_buf_add_char(line, ',');
	slv_buf_add_json(line, slv_str_from(key));
	slv_buf_add_char(line, ':');
	slv_buf_add_json(line, value);
}

static void add_number(struct slv_buf *line, const char *key, uint64_t value)
{
	slv_buf_add_char(line, ',');
	slv_buf_add_json(line, slv_str_from(key));
	slv_buf_add_char(line, ':');
	slv_buf_add_u64(line, value);
}

/* The time between two marks; 0 if one of them was never reached. */
static uint64_t between(uint64_t from_ms, uint64_t to_ms)
{
	return from_ms && to_ms > from_ms ? to_ms - from_ms : 0;
}

static void add_address(struct slv_buf *line, const struct slv_addr *addr)
{
	slv_buf_add(line, SLV_STR(",\"client\":\""));
	slv_addr_print(addr, line);
	slv_buf_add_char(line, '"');
}

/* The query is left out: it holds signatures. */
static void describe(struct slv_buf *line, const struct slv_req *req)
{
	static const struct {
		uint8_t version;
		slv_str name;
	} versions[] = { { 10, SLV_STR_INIT("1.0") }, { 11, SLV_STR_INIT("1.1") },
		{ 20, SLV_STR_INIT("2") } };

	add_address(line, &req->client);
	add_text(line, "method", req->method_name);
	add_text(line, "host", req->host);
	add_text(line, "path", slv_req_logged_path(req));
	for (size_t i = 0; i < SLV_COUNT(versions); i++)
		if (versions[i].version == req->version)
			add_text(line, "http", versions[i].name);
	add_text(line, "agent", slv_fields_get(&req->fields, SLV_FIELD_USER_AGENT));
	if (req->service.len)
		add_text(line, "service", req->service);
	if (req->cache_status.len)
		add_text(line, "cache", req->cache_status);
	if (req->error_code)
		add_text(line, "error", slv_str_from(req->error_code));
	if (req->error_why.len)
		add_text(line, "why", req->error_why);
}

void edge_failure(struct slv_edge *edge, const struct slv_req *req)
{
	if (req->sent_status != 500)
		return;
	slv_log(slv_loop_log(edge->loop), SLV_ERROR, "request.failed",
			SLV_KV("path", slv_req_logged_path(req)), SLV_KV("service", req->service),
			SLV_KV("why", req->error_why));
}

void edge_access(struct slv_edge *edge, const struct slv_req *req)
{
	if (!edge->access)
		return;
	struct slv_buf *line = &edge->line;
	const struct slv_req_times *times = &req->times;
	slv_buf_clear(line);
	slv_buf_add(line, SLV_STR("{\"time_ms\":"));
	slv_buf_add_u64(line, (uint64_t)slv_loop_wall_ms(edge->loop));
	slv_buf_add(line, SLV_STR(",\"event\":\"access\""));
	describe(line, req);
	add_number(line, "status", (uint64_t)req->sent_status);
	add_number(line, "bytes", req->sent_bytes);
	add_number(line, "read_ms", between(times->begun_ms, times->read_ms));
	add_number(line, "serve_ms", between(times->read_ms, times->reply_ms));
	add_number(line, "send_ms", between(times->reply_ms, times->sent_ms));
	add_number(line, "total_ms", between(times->begun_ms, times->sent_ms));
	slv_buf_add_char(line, '}');
	slv_assert(!line->overflow); /* each of its texts is bounded */
	slv_log_line(edge->access, slv_buf_str(line));
}
