#include "edge/edge.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/testing.h"
#include "loop/log.h"

#include <stdio.h>
#include <string.h>

/* A service that answers with the path of its route. */

static const struct slv_conf_key no_keys[] = { { 0 } };

static slv_err named_start(
		struct slv_service_env *env, const struct slv_service_place *place, void **ret_self)
{
	(void)env;
	*ret_self = (void *)(uintptr_t)place->route_path.at;
	return SLV_OK;
}

static slv_err named_serve(void *self, struct slv_req *req)
{
	struct slv_reply reply;
	if (slv_str_starts(req->path, SLV_STR("/secret/")))
		req->logged_path = SLV_STR("/secret/:");
	if (slv_str_ends(req->path, SLV_STR("/wrong")))
		return SLV_ERR(SLV_E_OPTION, "as told");
	slv_reply_init(&reply, req, 200);
	reply.body = slv_body_bytes(slv_str_from(self), NULL);
	slv_req_reply(req, &reply);
	return SLV_OK;
}

static size_t named_purge(void *self, const struct slv_purge *purge)
{
	(void)self, (void)purge;
	return 1;
}

static void named_stop(void *self)
{
	(void)self;
}

static const struct slv_service named = { .name = "named",
	.keys = no_keys,
	.start = named_start,
	.serve = named_serve,
	.purge = named_purge,
	.path_only = true,
	.stop = named_stop };

/* A service that hands each request back to the program. */

static struct slv_service_env *round_env; /* of the edge that was started last */

static slv_err round_start(
		struct slv_service_env *env, const struct slv_service_place *place, void **ret_self)
{
	round_env = env;
	*ret_self = (void *)(uintptr_t)place;
	return SLV_OK;
}

static slv_err round_serve(void *self, struct slv_req *req)
{
	(void)self;
	req->depth++;
	round_env->ops->dispatch(round_env, req);
	return SLV_OK;
}

static const struct slv_service round_trip = { .name = "round",
	.keys = no_keys,
	.start = round_start,
	.serve = round_serve,
	.stop = named_stop };

static const struct slv_service *const services[] = { &named, &round_trip, NULL };

/* Who awaits a reply. */
struct waiter {
	struct slv_sink sink;
	int status;
	char body[256];
	const char *code;
};

static void waiter_reply(struct slv_sink *sink, struct slv_req *req, struct slv_reply *reply)
{
	struct waiter *waiter = SLV_CONTAINER(sink, struct waiter, sink);
	waiter->status = req->sent_status = reply->status;
	waiter->code = req->error_code = reply->code;
	snprintf(waiter->body, sizeof(waiter->body), "%.*s", SLV_FMT(reply->body.bytes));
	slv_body_done(&reply->body);
}

static const struct slv_sink_ops waiter_ops = { .reply = waiter_reply };

struct fixture {
	struct slv_arena arena;
	struct slv_loop *loop;
	struct slv_metrics *metrics;
	struct slv_edge *edge;
	struct slv_log *access; /* NULL unless the test looks at it */
	FILE *log;
	struct slv_edge_conf conf;
	struct slv_edge_site sites[3];
	struct slv_edge_route routes[3][3];
	slv_str hosts[3][2];
	int settings;
};

static void site_set(struct fixture *fixture, size_t index, size_t host_count, size_t route_count)
{
	fixture->sites[index] = (struct slv_edge_site){
		.hosts = { fixture->hosts[index], host_count },
		.routes = { fixture->routes[index], route_count },
	};
}

static void route_set(
		struct fixture *fixture, size_t site, size_t index, slv_str path, size_t service)
{
	struct slv_edge_route *route = &fixture->routes[site][index];
	*route = (struct slv_edge_route){ .path = path };
	route->settings[service] = &fixture->settings;
}

static int setup(void **state)
{
	struct fixture *fixture = SLV_ALLOC(struct fixture);
	slv_arena_init(&fixture->arena, SLV_KIB(4), SLV_KIB(64));
	fixture->loop = slv_loop_new(0, NULL, NULL);
	fixture->metrics = slv_metrics_new();
	fixture->hosts[0][0] = SLV_STR("a.example");
	fixture->hosts[1][0] = SLV_STR("*.example");
	fixture->hosts[1][1] = SLV_STR("*.deep.example");
	fixture->hosts[2][0] = SLV_STR("*");
	route_set(fixture, 0, 0, SLV_STR("/"), 0);
	route_set(fixture, 0, 1, SLV_STR("/long/er/"), 0);
	route_set(fixture, 0, 2, SLV_STR("/long/"), 0);
	route_set(fixture, 1, 0, SLV_STR("/wild/"), 0);
	route_set(fixture, 2, 0, SLV_STR("/any/"), 0);
	route_set(fixture, 2, 1, SLV_STR("/round/"), 1);
	site_set(fixture, 0, 1, 3);
	site_set(fixture, 1, 2, 1);
	site_set(fixture, 2, 1, 2);
	fixture->conf = (struct slv_edge_conf){ .services = services,
		.sites = { fixture->sites, 3 } };
	*state = fixture;
	return 0;
}

static void start(struct fixture *fixture)
{
	struct slv_service_env env = { .loop = fixture->loop, .metrics = fixture->metrics };
	slv_err err = slv_edge_new(
			&fixture->arena, &env, &fixture->conf, fixture->access, &fixture->edge);
	assert_false(slv_failed(err));
}

static void start_with_log(struct fixture *fixture)
{
	fixture->log = tmpfile();
	assert_non_null(fixture->log);
	fixture->access = slv_log_new(fileno(fixture->log), SLV_INFO);
	start(fixture);
}

/* End the access log; what its last line says. */
static const char *last_line(struct fixture *fixture)
{
	static char line[2048];
	char next[sizeof(line)];
	slv_log_free(fixture->access);
	fixture->access = NULL;
	line[0] = '\0';
	rewind(fixture->log);
	while (fgets(next, sizeof(next), fixture->log))
		memcpy(line, next, sizeof(line));
	return line;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	slv_edge_free(fixture->edge);
	slv_log_free(fixture->access);
	if (fixture->log)
		assert_int_equal(fclose(fixture->log), 0);
	slv_metrics_free(fixture->metrics);
	slv_loop_free(fixture->loop);
	slv_arena_done(&fixture->arena);
	slv_free(fixture);
	return 0;
}

/* A request as proto has it before it knows what it is. */
static struct slv_req *req_new(struct fixture *fixture, struct waiter *waiter)
{
	struct slv_req *req = SLV_NEW(&fixture->arena, struct slv_req);
	assert_non_null(req);
	*waiter = (struct waiter){ .sink = { .ops = &waiter_ops } };
	*req = (struct slv_req){ .arena = &fixture->arena,
		.sink = &waiter->sink,
		.version = 11,
		.scheme = SLV_STR("http") };
	assert_true(slv_addr_parse(SLV_STR("10.0.0.9"), &req->peer));
	slv_fields_init(&req->fields, &fixture->arena);
	return req;
}

/* Send a GET; fields beside Host may be in `extra`. */
static struct waiter ask_with(struct fixture *fixture, const char *host, const char *target,
		slv_str extra_name, slv_str extra_value, struct slv_req *ret_req)
{
	struct waiter waiter;
	struct slv_req *req = req_new(fixture, &waiter);
	req->method = SLV_METHOD_GET;
	req->method_name = SLV_STR("GET");
	req->target = slv_str_from(target);
	slv_err err = slv_uri_parse(req->target, &req->uri);
	assert_false(slv_failed(err));
	err = slv_fields_add_id(&req->fields, SLV_FIELD_HOST, slv_str_from(host));
	assert_false(slv_failed(err));
	if (extra_name.len) {
		err = slv_fields_add(&req->fields, extra_name, extra_value);
		assert_false(slv_failed(err));
	}
	slv_edge_request(fixture->edge, req);
	if (ret_req)
		*ret_req = *req;
	slv_edge_finish(fixture->edge, req);
	return waiter;
}

static struct waiter ask(struct fixture *fixture, const char *host, const char *target)
{
	return ask_with(fixture, host, target, (slv_str){ 0 }, (slv_str){ 0 }, NULL);
}

static void the_longest_prefix_serves(void **state)
{
	start(*state);
	assert_string_equal(ask(*state, "a.example", "/long/er/x").body, "/long/er/");
	assert_string_equal(ask(*state, "a.example", "/long/x").body, "/long/");
	assert_string_equal(ask(*state, "a.example", "/longer").body, "/");
	assert_string_equal(ask(*state, "A.Example.:8080", "/%6cong/x").body, "/long/");
}

static void a_host_finds_its_own_site_then_a_star_then_any(void **state)
{
	start(*state);
	assert_string_equal(ask(*state, "b.example", "/wild/x").body, "/wild/");
	assert_string_equal(ask(*state, "x.y.deep.example", "/wild/x").body, "/wild/");
	assert_int_equal(ask(*state, "example", "/wild/x").status, 404);
	assert_string_equal(ask(*state, "other.test", "/any/x").body, "/any/");
	assert_string_equal(ask(*state, "http-target-wins.test", "http://a.example/long/x").body,
			"/long/");
}

static void without_a_site_the_request_is_misdirected(void **state)
{
	struct fixture *fixture = *state;
	fixture->conf.sites.count = 2;
	start(fixture);
	assert_int_equal(ask(fixture, "other.test", "/any/x").status, 421);
}

static void an_error_of_a_service_is_its_reply(void **state)
{
	start(*state);
	struct waiter waiter = ask(*state, "a.example", "/wrong");
	assert_int_equal(waiter.status, 400);
	assert_string_equal(waiter.code, "option");
	assert_string_equal(waiter.body, "as told\n");
}

static void a_path_that_escapes_is_refused_before_it_is_routed(void **state)
{
	static const char *const paths[] = { "/long/../x", "/long/%2e%2e/x", "/a%2fb", "/a%5cb",
		"/%00" };
	start(*state);
	for (size_t i = 0; i < SLV_COUNT(paths); i++)
		assert_int_equal(ask(*state, "a.example", paths[i]).status, 400);
}

static void slashes_in_a_row_are_one_for_routes_and_services(void **state)
{
	start(*state);
	assert_string_equal(ask(*state, "a.example", "//long/x").body, "/long/");
	assert_string_equal(ask(*state, "a.example", "/long//er///x").body, "/long/er/");
	assert_string_equal(ask(*state, "a.example", "///long//x").body, "/long/");
	assert_string_equal(ask(*state, "a.example", "http://a.example//long/x").body, "/long/");

	struct slv_req req;
	ask_with(*state, "a.example", "/long//a//https://b", (slv_str){ 0 }, (slv_str){ 0 }, &req);
	assert_true(slv_str_eq(req.path, SLV_STR("/long/a/https:/b")));
	assert_true(slv_str_eq(req.uri.path, SLV_STR("/long//a//https://b")));
}

static void a_request_that_leads_to_itself_ends(void **state)
{
	start(*state);
	struct waiter waiter = ask(*state, "other.test", "/round/x");
	assert_int_equal(waiter.status, 508);
	assert_string_equal(waiter.code, "cycle");
}

static void only_trusted_proxies_are_believed(void **state)
{
	struct fixture *fixture = *state;
	struct slv_net net;
	struct slv_req req;
	assert_true(slv_net_parse(SLV_STR("10.0.0.0/8"), &net));
	fixture->conf.forwarded = SLV_FORWARDED_X;
	start(fixture);

	char text[64];
	for (int trusted = 0; trusted < 2; trusted++) {
		struct slv_buf shown;
		fixture->conf.trusted = (struct slv_conf_list){ &net, (size_t)trusted };
		ask_with(fixture, "a.example", "/", SLV_STR("X-Forwarded-For"),
				SLV_STR("192.0.2.7"), &req);
		slv_buf_init(&shown, sizeof(text));
		slv_addr_print(&req.client, &shown);
		snprintf(text, sizeof(text), "%.*s", SLV_FMT(slv_buf_str(&shown)));
		assert_string_equal(text, trusted ? "192.0.2.7" : "10.0.0.9");
		slv_buf_done(&shown);
	}
}

static void a_purge_reaches_the_routes_of_its_site(void **state)
{
	struct fixture *fixture = *state;
	start(fixture);
	struct slv_purge purge = { .what = SLV_PURGE_SOURCE, .host = SLV_STR("a.example") };
	assert_int_equal(slv_edge_purge(fixture->edge, &fixture->arena, &purge), 3);
	purge.host = SLV_STR("A.EXAMPLE.:8080");
	assert_int_equal(slv_edge_purge(fixture->edge, &fixture->arena, &purge), 3);
	purge.host = SLV_STR("no host");
	assert_int_equal(slv_edge_purge(fixture->edge, &fixture->arena, &purge), 0);
	purge.host = SLV_STR("none.test");
	assert_int_equal(slv_edge_purge(fixture->edge, &fixture->arena, &purge), 1);
	purge.host = (slv_str){ 0 }; /* every site */
	assert_int_equal(slv_edge_purge(fixture->edge, &fixture->arena, &purge), 5);
	purge.what = SLV_PURGE_ALL;
	assert_int_equal(slv_edge_purge(fixture->edge, &fixture->arena, &purge), 5);
}

static void two_sites_may_not_have_one_host(void **state)
{
	struct fixture *fixture = *state;
	struct slv_service_env env = { .loop = fixture->loop, .metrics = fixture->metrics };
	static const char *const hosts[] = { "a.example", "*.example", "*" };
	for (size_t i = 0; i < SLV_COUNT(hosts); i++) {
		slv_str own = fixture->hosts[2][0];
		fixture->hosts[2][0] = slv_str_from(hosts[i]);
		fixture->hosts[2][1] = slv_str_from(hosts[i]);
		fixture->sites[2].hosts.count = 2;
		slv_err err = slv_edge_new(
				&fixture->arena, &env, &fixture->conf, NULL, &fixture->edge);
		assert_int_equal(err.code, SLV_E_SYNTAX);
		assert_non_null(strstr(err.what, hosts[i]));
		fixture->hosts[2][0] = own;
		fixture->edge = NULL;
	}
}

static void settings_that_make_no_sense_are_named(void **state)
{
	struct fixture *fixture = *state;
	struct slv_edge_conf *conf = &fixture->conf;
	assert_false(slv_failed(slv_edge_conf_check(&fixture->arena, conf)));

	fixture->routes[0][0].path = SLV_STR("x");
	slv_err err = slv_edge_conf_check(&fixture->arena, conf);
	assert_string_equal(err.what, "route path 'x' must begin with '/'");
	fixture->routes[0][0].path = SLV_STR("/a//");
	err = slv_edge_conf_check(&fixture->arena, conf);
	assert_non_null(strstr(err.what, "route path '/a//' has two slashes in a row"));
	fixture->routes[0][0].path = SLV_STR("/");

	fixture->routes[0][0].settings[1] = &fixture->settings;
	err = slv_edge_conf_check(&fixture->arena, conf);
	assert_string_equal(err.what, "route '/' has 2 services; exactly one is needed");
	fixture->routes[0][0].settings[0] = fixture->routes[0][0].settings[1] = NULL;
	err = slv_edge_conf_check(&fixture->arena, conf);
	assert_string_equal(err.what, "route '/' has 0 services; exactly one is needed");
	fixture->routes[0][0].settings[0] = &fixture->settings;

	fixture->routes[0][1].path = SLV_STR("/long/");
	err = slv_edge_conf_check(&fixture->arena, conf);
	assert_string_equal(err.what, "two routes have the path '/long/'");
	fixture->routes[0][1].path = SLV_STR("/long/er/");
	fixture->hosts[1][0] = SLV_STR("a.example");
	err = slv_edge_conf_check(&fixture->arena, conf);
	assert_string_equal(err.what, "two sites have the host 'a.example'");
	fixture->hosts[1][0] = SLV_STR("*.example");

	static const char *const hosts[] = { "a.example:80", "A.example", "*example", "a.*.example",
		"" };
	for (size_t i = 0; i < SLV_COUNT(hosts); i++) {
		fixture->hosts[0][0] = slv_str_from(hosts[i]);
		err = slv_edge_conf_check(&fixture->arena, conf);
		assert_int_equal(err.code, SLV_E_SYNTAX);
	}
}

static void past_a_mark_requests_are_shed(void **state)
{
	struct fixture *fixture = *state;
	fixture->conf.rss_kib_max = 1; /* every process has more */
	start(fixture);
	assert_int_equal(ask(fixture, "a.example", "/").status, 200);
	while (!slv_edge_pressure(fixture->edge))
		slv_loop_turn(fixture->loop, true);
	assert_true(slv_edge_pressure(fixture->edge) >= 100);
	struct waiter waiter = ask(fixture, "a.example", "/");
	assert_int_equal(waiter.status, 503);
	assert_string_equal(waiter.code, "busy");
}

static void assert_says(const char *line, const char *part)
{
	slv_assert(line && part);
	if (!strstr(line, part))
		fail_msg("no %s in %s", part, line);
}

static void an_overload_is_logged_with_its_client(void **state)
{
	struct fixture *fixture = *state;
	fixture->conf.rss_kib_max = 1;
	start_with_log(fixture);
	while (!slv_edge_pressure(fixture->edge))
		slv_loop_turn(fixture->loop, true);
	assert_int_equal(ask(fixture, "A.example:80", "/").status, 503);
	const char *line = last_line(fixture);
	assert_says(line, "\"client\":\"10.0.0.9\"");
	assert_says(line, "\"host\":\"a.example\"");
	assert_says(line, "\"error\":\"busy\"");
}

static void what_is_asked_of_the_server_as_a_whole_is_logged_with_its_client(void **state)
{
	struct fixture *fixture = *state;
	start_with_log(fixture);
	assert_int_equal(ask(fixture, "a.example", "*").status, 204);
	const char *line = last_line(fixture);
	assert_says(line, "\"client\":\"10.0.0.9\"");
	assert_says(line, "\"path\":\"*\"");
}

static void a_path_is_logged_as_its_service_says(void **state)
{
	struct fixture *fixture = *state;
	start_with_log(fixture);
	assert_int_equal(ask(fixture, "a.example", "/secret/open-sesame").status, 200);
	const char *line = last_line(fixture);
	assert_says(line, "\"path\":\"/secret/:\"");
	assert_null(strstr(line, "open-sesame"));
}

static void what_is_refused_is_answered_counted_and_logged(void **state)
{
	struct fixture *fixture = *state;
	struct slv_net net;
	struct waiter waiter;
	assert_true(slv_net_parse(SLV_STR("10.0.0.0/8"), &net));
	fixture->conf.forwarded = SLV_FORWARDED_X;
	fixture->conf.trusted = (struct slv_conf_list){ &net, 1 };
	start_with_log(fixture);

	struct slv_req *req = req_new(fixture, &waiter);
	req->method_name = SLV_STR("PUT");
	req->target = SLV_STR("/a b?sig=SECRET");
	slv_err err = slv_fields_add_id(&req->fields, SLV_FIELD_HOST, SLV_STR("A.example"));
	assert_false(slv_failed(err));
	err = slv_fields_add(&req->fields, SLV_STR("X-Forwarded-For"), SLV_STR("192.0.2.7"));
	assert_false(slv_failed(err));
	slv_edge_refuse(fixture->edge, req, SLV_ERR(SLV_E_HEADERS, "too many of them"));
	assert_int_equal(waiter.status, 431);
	assert_string_equal(waiter.body, "too many of them\n");
	slv_edge_finish(fixture->edge, req);

	struct slv_buf text;
	slv_buf_init(&text, SLV_KIB(64));
	slv_metrics_print(&fixture->metrics, 1, &text);
	slv_buf_add_char(&text, '\0');
	assert_says(text.at, "\nselvedge_refused_total 1\n");
	assert_says(text.at, "\nselvedge_requests_in_flight 0\n");
	assert_says(text.at, "selvedge_requests_total{service=\"none\",status=\"4xx\"} 1\n");
	slv_buf_done(&text);

	const char *line = last_line(fixture);
	assert_says(line, "\"client\":\"192.0.2.7\",\"method\":\"PUT\",\"host\":\"a.example\","
			  "\"path\":\"/a b\"");
	assert_says(line, "\"error\":\"headers-too-large\",\"why\":\"too many of them\"");
	assert_says(line, "\"status\":431");
	assert_null(strstr(line, "SECRET"));
}

static void of_what_was_not_understood_the_peer_is_logged(void **state)
{
	struct fixture *fixture = *state;
	struct waiter waiter;
	start_with_log(fixture);
	struct slv_req *req = req_new(fixture, &waiter);
	slv_edge_refuse(fixture->edge, req, SLV_ERR(SLV_E_SYNTAX, "no request line"));
	assert_int_equal(waiter.status, 400);
	slv_edge_finish(fixture->edge, req);
	assert_says(last_line(fixture), "\"client\":\"10.0.0.9\",\"method\":\"\",\"host\":\"\","
					"\"path\":\"\"");
}

static void a_service_is_told_where_only_the_path_matters(void **state)
{
	start(*state);
	assert_true(round_env->ops->path_only(round_env, 1, SLV_STR("/long/x")));
	assert_true(round_env->ops->path_only(round_env, 2, SLV_STR("/wild/x")));
	assert_true(round_env->ops->path_only(round_env, 3, SLV_STR("/any/round/")));
	assert_false(round_env->ops->path_only(round_env, 3, SLV_STR("/round/x")));
	assert_false(round_env->ops->path_only(round_env, 3, SLV_STR("/no/route")));
}

#define EDGE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EDGE_TEST(the_longest_prefix_serves),
		EDGE_TEST(a_host_finds_its_own_site_then_a_star_then_any),
		EDGE_TEST(without_a_site_the_request_is_misdirected),
		EDGE_TEST(an_error_of_a_service_is_its_reply),
		EDGE_TEST(a_path_that_escapes_is_refused_before_it_is_routed),
		EDGE_TEST(slashes_in_a_row_are_one_for_routes_and_services),
		EDGE_TEST(a_request_that_leads_to_itself_ends),
		EDGE_TEST(a_service_is_told_where_only_the_path_matters),
		EDGE_TEST(only_trusted_proxies_are_believed),
		EDGE_TEST(a_purge_reaches_the_routes_of_its_site),
		EDGE_TEST(two_sites_may_not_have_one_host),
		EDGE_TEST(settings_that_make_no_sense_are_named),
		EDGE_TEST(past_a_mark_requests_are_shed),
		EDGE_TEST(an_overload_is_logged_with_its_client),
		EDGE_TEST(what_is_asked_of_the_server_as_a_whole_is_logged_with_its_client),
		EDGE_TEST(a_path_is_logged_as_its_service_says),
		EDGE_TEST(what_is_refused_is_answered_counted_and_logged),
		EDGE_TEST(of_what_was_not_understood_the_peer_is_logged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
