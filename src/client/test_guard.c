#include "client/testing.h"

#include "base/mem.h"
#include "tls/fixture.h"

#include <string.h>

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define FOUND(to) "HTTP/1.1 302 Found\r\nLocation: " to "\r\nContent-Length: 0\r\n\r\n"

/* --- redirects --- */

static void redirects_are_followed(void **state)
{
	static const char *const statuses[] = { "301", "302", "303", "307", "308" };
	struct stage *stage = *state;
	stage_says(stage, "/end", OK_HELLO, AFTER_KEEP);
	for (size_t i = 0; i < SLV_COUNT(statuses); i++) {
		const char *path = stage_text(stage, "/%s", statuses[i]);
		const char *reply = stage_text(stage,
				"HTTP/1.1 %s X\r\nLocation: end\r\nSet-Cookie: a=b\r\n"
				"Content-Length: 5\r\n\r\nmoved",
				statuses[i]);
		stage_says(stage, path, reply, AFTER_KEEP);
		fetch_gives(stage, path, 200, "hello");
		assert_null(strstr(stage->request, "ookie"));
		assert_null(strstr(stage->request, "eferer"));
	}
	assert_int_equal(stage->accepted, 1); /* their bodies were read */
}

static void other_statuses_do_not_redirect(void **state)
{
	struct stage *stage = *state;
	stage_says(stage, "/300", "HTTP/1.1 300 X\r\nLocation: end\r\nContent-Length: 1\r\n\r\na",
			AFTER_KEEP);
	stage_says(stage, "/305", "HTTP/1.1 305 X\r\nLocation: end\r\nContent-Length: 1\r\n\r\nb",
			AFTER_KEEP);
	stage_says(stage, "/201", "HTTP/1.1 201 X\r\nLocation: end\r\nContent-Length: 1\r\n\r\nc",
			AFTER_KEEP);
	stage_says(stage, "/302", "HTTP/1.1 302 X\r\nContent-Length: 1\r\n\r\nd", AFTER_KEEP);
	fetch_gives(stage, "/300", 300, "a");
	fetch_gives(stage, "/305", 305, "b");
	fetch_gives(stage, "/201", 201, "c");
	fetch_gives(stage, "/302", 302, "d"); /* leads nowhere */
}

static void redirects_have_a_bound(void **state)
{
	struct stage *stage = *state;
	stage_says(stage, "/3", FOUND("/2"), AFTER_KEEP);
	stage_says(stage, "/2", FOUND("/1"), AFTER_KEEP);
	stage_says(stage, "/1", FOUND("/0"), AFTER_KEEP);
	stage_says(stage, "/0", OK_HELLO, AFTER_KEEP);
	stage_says(stage, "/4", FOUND("/3"), AFTER_KEEP);
	stage_says(stage, "/loop", FOUND("/loop"), AFTER_KEEP);
	fetch_gives(stage, "/3", 200, "hello");
	fetch_fails(stage, "/4", SLV_E_UPSTREAM, "redirects_max");
	fetch_fails(stage, "/loop", SLV_E_UPSTREAM, "redirects_max");
	stage->conf.redirects_max = 0;
	stage_client(stage);
	fetch_fails(stage, "/1", SLV_E_UPSTREAM, "redirects_max");
	fetch_gives(stage, "/0", 200, "hello");
}

static void redirects_that_cannot_be_followed_are_errors(void **state)
{
	struct stage *stage = *state;
	stage_says(stage, "/ftp", FOUND("ftp://a/"), AFTER_KEEP);
	stage_says(stage, "/user", FOUND("http://ok@bad/"), AFTER_KEEP);
	stage_says(stage, "/two", FOUND("/a\r\nLocation: /b"), AFTER_KEEP);
	stage_says(stage, "/same", FOUND("/end\r\nLocation: /end"), AFTER_KEEP);
	stage_says(stage, "/end", OK_HELLO, AFTER_KEEP);
	fetch_fails(stage, "/ftp", SLV_E_DENIED, "neither http nor https");
	fetch_fails(stage, "/user", SLV_E_UPSTREAM, "user information");
	fetch_fails(stage, "/two", SLV_E_UPSTREAM, "several places");
	fetch_gives(stage, "/same", 200, "hello");
}

static void the_body_of_a_redirect_is_not_waited_for(void **state)
{
	struct stage *stage = *state;
	struct got *got = SLV_ALLOC(struct got);
	stage_repeats(stage, "/endless", "HTTP/1.1 302 Found\r\nLocation: /end\r\n\r\n",
			SLV_STR("for ever and "));
	stage_says(stage, "/end", OK_HELLO, AFTER_KEEP);
	got_init(got, stage, "/endless");
	got->fetch.body_bytes_max = 5; /* holds for the last hop only */
	got_run(got);
	assert_false(slv_failed(got->err));
	assert_string_equal(got->body, "hello");
	slv_free(got);
}

/* --- who is asked --- */

static void every_hop_is_asked_about(void **state)
{
	struct stage *stage = *state;
	struct got *got = SLV_ALLOC(struct got);
	stage_says(stage, "/a",
			stage_text(stage, FOUND("http://LOCALHOST:%u/x/../b?q=1"), stage->port),
			AFTER_KEEP);
	stage_says(stage, "/b?q=1", FOUND("c"), AFTER_KEEP);
	stage_says(stage, "/c", OK_HELLO, AFTER_KEEP);
	got_init(got, stage, "/a");
	got_run(got);
	assert_false(slv_failed(got->err));
	assert_int_equal(got->asked, 3);
	assert_string_equal(got->hops[0], stage_text(stage, "http 127.0.0.1 %u /a", stage->port));
	assert_string_equal(got->hops[1], stage_text(stage, "http localhost %u /b", stage->port));
	assert_string_equal(got->hops[2], stage_text(stage, "http localhost %u /c", stage->port));

	size_t seen = stage->requests;
	got_init(got, stage, "/a");
	got->allowed_most = 1;
	got_run(got);
	assert_int_equal(got->err.code, SLV_E_DENIED);
	assert_string_equal(got->err.what, "not allowed: http://localhost/b");
	assert_int_equal(stage->requests, seen + 1);
	got_init(got, stage, "/a");
	got->allowed_most = 0;
	got_run(got);
	assert_int_equal(got->err.code, SLV_E_DENIED);
	assert_int_equal(stage->requests, seen + 1);

	got_init(got, stage, "/a");
	got->cancels_at_hop = 2;
	got_run(got);
	assert_int_equal(got->err.code, SLV_E_CANCELLED);
	slv_free(got);
}

static void urls_that_are_none_are_refused(void **state)
{
	struct stage *stage = *state;
	fetch_fails(stage, "http://ok@bad/", SLV_E_SOURCE, "user information");
	fetch_fails(stage, "ftp://127.0.0.1/", SLV_E_SOURCE, "no http or https URL");
	fetch_fails(stage, "file:///etc/passwd", SLV_E_SOURCE, "no http or https URL");
	fetch_fails(stage, "", SLV_E_SOURCE, "no http or https URL");
	assert_int_equal(stage->accepted, 0);
}

/* --- addresses --- */

static void inner_addresses_are_not_connected_to(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "127.0.0.2", "localhost", "0.0.0.0",
		"127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::]",
		"[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[fe80::1]", "169.254.169.254",
		"10.0.0.1", "[fd00::1]" };
	struct stage *stage = *state;
	stage->conf.private_networks = false;
	stage_client(stage);
	for (size_t i = 0; i < SLV_COUNT(hosts); i++)
		fetch_fails(stage, stage_text(stage, "http://%s:%u/", hosts[i], stage->port),
				SLV_E_DENIED, "is not public");
	stage_settle(stage);
	assert_int_equal(stage->accepted, 0);
}

/* 127.0.0.2 stands for a public server, the rest of loopback for what is inside. */
static bool only_two_ok(const uint8_t ip[16], const char **ret_why)
{
	*ret_why = "inside";
	return ip[12] == 127 && ip[15] == 2;
}

static void stage_guards(struct stage *stage, bool (*ok)(const uint8_t ip[16], const char **))
{
	static const char *const names[] = { "out.example:%u:127.0.0.2", "in.example:%u:127.0.0.1",
		"both.example:%u:127.0.0.1,127.0.0.2" };
	stage->conf.private_networks = false;
	stage_client(stage);
	stage->client->address_ok = ok;
	for (size_t i = 0; i < SLV_COUNT(names); i++) {
		struct slv_buf buf;
		slv_buf_init(&buf, 128);
		slv_buf_add(&buf, slv_str_head(slv_str_from(names[i]),
						  slv_str_find(slv_str_from(names[i]), '%')));
		slv_buf_add_u64(&buf, stage->port);
		slv_buf_add(&buf, slv_str_from(strchr(names[i], '%') + 2));
		slv_buf_add_char(&buf, 0);
		stage->client->resolve = curl_slist_append(stage->client->resolve, buf.at);
		slv_buf_done(&buf);
	}
}

static void a_redirect_does_not_lead_inside(void **state)
{
	struct stage *stage = *state;
	stage_guards(stage, only_two_ok);
	stage_says(stage, "/name",
			stage_text(stage, FOUND("http://in.example:%u/secret"), stage->port),
			AFTER_KEEP);
	stage_says(stage, "/number", stage_text(stage, FOUND("//127.0.0.1:%u/secret"), stage->port),
			AFTER_KEEP);
	stage_says(stage, "/other", stage_text(stage, FOUND("//out.example:%u/end"), stage->port),
			AFTER_KEEP);
	stage_says(stage, "/end", OK_HELLO, AFTER_KEEP);
	fetch_fails(stage, stage_text(stage, "http://out.example:%u/name", stage->port),
			SLV_E_DENIED, "'in.example' is not public: inside");
	fetch_fails(stage, stage_text(stage, "http://out.example:%u/number", stage->port),
			SLV_E_DENIED, "'127.0.0.1' is not public: inside");
	fetch_gives(stage, stage_text(stage, "http://out.example:%u/other", stage->port), 200,
			"hello");
	assert_int_equal(stage->accepted, 1);
	assert_int_equal(stage->requests, 4);
}

static void of_several_addresses_only_public_ones_are_used(void **state)
{
	struct stage *stage = *state;
	stage_guards(stage, only_two_ok);
	stage_says(stage, "/end", OK_HELLO, AFTER_KEEP);
	fetch_gives(stage, stage_text(stage, "http://both.example:%u/end", stage->port), 200,
			"hello");
	fetch_fails(stage, stage_text(stage, "http://in.example:%u/end", stage->port), SLV_E_DENIED,
			"not public");
	assert_int_equal(stage->accepted, 1);
}

static bool none_ok(const uint8_t ip[16], const char **ret_why)
{
	(void)ip;
	*ret_why = "inside";
	return false;
}

static void a_kept_connection_is_looked_at_again(void **state)
{
	struct stage *stage = *state;
	stage_guards(stage, only_two_ok);
	stage_says(stage, "/end", OK_HELLO, AFTER_KEEP);
	const char *url = stage_text(stage, "http://out.example:%u/end", stage->port);
	fetch_gives(stage, url, 200, "hello");
	stage->client->address_ok = none_ok;
	fetch_fails(stage, url, SLV_E_DENIED, "not public");
	assert_int_equal(stage->requests, 1);
}

/* --- TLS --- */

static void stage_tls(struct stage *stage, struct fixture_pair *pair, const char *names)
{
	struct slv_ticket_keys tickets = { .count = 1 };
	fixture_new(pair);
	fixture_write(pair, names, NULL);
	struct slv_tls_certificate paths = fixture_paths(pair);
	struct slv_tls_conf conf = { .certificates = &paths, .count = 1 };
	assert_false(slv_failed(
			slv_tls_new(&stage->arena, stage->loop, &conf, &tickets, &stage->tls)));
	stage_says(stage, "/a", OK_HELLO, AFTER_KEEP);
}

static void certificates_are_verified(void **state)
{
	struct stage *stage = *state;
	struct fixture_pair pair;
	stage_tls(stage, &pair, "DNS:localhost");
	const char *url = stage_text(stage, "https://localhost:%u/a", stage->port);
	const char *other = stage_text(stage, "https://127.0.0.1:%u/a", stage->port);
	fetch_fails(stage, url, SLV_E_UPSTREAM, "certificate");

	stage->conf.ca_path = slv_str_from(pair.certificate);
	stage_client(stage);
	fetch_gives(stage, url, 200, "hello");
	fetch_fails(stage, other, SLV_E_UPSTREAM, "certificate"); /* not its name */

	stage->conf.ca_path = (slv_str){ 0 };
	stage->conf.verify_tls = false;
	stage_client(stage);
	fetch_gives(stage, other, 200, "hello");
	fixture_done(&pair);
}

static void plain_http_where_tls_is_due_is_an_error(void **state)
{
	struct stage *stage = *state;
	fetch_fails(stage, stage_text(stage, "https://127.0.0.1:%u/a", stage->port), SLV_E_UPSTREAM,
			"127.0.0.1");
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STAGE(redirects_are_followed),
		ON_STAGE(other_statuses_do_not_redirect),
		ON_STAGE(redirects_have_a_bound),
		ON_STAGE(redirects_that_cannot_be_followed_are_errors),
		ON_STAGE(the_body_of_a_redirect_is_not_waited_for),
		ON_STAGE(every_hop_is_asked_about),
		ON_STAGE(urls_that_are_none_are_refused),
		ON_STAGE(inner_addresses_are_not_connected_to),
		ON_STAGE(a_redirect_does_not_lead_inside),
		ON_STAGE(of_several_addresses_only_public_ones_are_used),
		ON_STAGE(a_kept_connection_is_looked_at_again),
		ON_STAGE(certificates_are_verified),
		ON_STAGE(plain_http_where_tls_is_due_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
