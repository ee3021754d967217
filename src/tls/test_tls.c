#include "base/mem.h"
#include "tls/testing.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- names --- */

/* The first name in the certificate that the client was shown. */
static slv_str shown(struct talk *talk)
{
	static char name[64];
	X509 *certificate = SSL_get1_peer_certificate(talk->ssl);
	assert_non_null(certificate);
	int len = X509_NAME_get_text_by_NID(
			X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
	X509_free(certificate);
	return (slv_str){ name, len > 0 ? (size_t)len : 0 };
}

static void shows(struct bench *bench, const char *asked, const char *common)
{
	struct talk talk;
	talk_init(&talk, bench);
	if (asked)
		assert_int_equal(SSL_set_tlsext_host_name(talk.ssl, (char *)(uintptr_t)asked), 1);
	talk_open(&talk);
	slv_str name = shown(&talk);
	if (!slv_str_eq(name, slv_str_from(common)))
		fail_msg("'%s' was shown %.*s", asked ? asked : "", SLV_FMT(name));
	talk_done(&talk);
}

static void serve_three(struct bench *bench)
{
	fixture_write(&bench->pairs[0], "DNS:first.example", "first");
	fixture_write(&bench->pairs[1], "DNS:Second.example,DNS:*.second.example,IP:127.0.0.1",
			"second");
	fixture_write(&bench->pairs[2], "DNS:b.second.example,DNS:third.example,DNS:first.example",
			"third");
	bench->conf.count = 3;
	bench_serve(bench);
}

static void names_choose_the_certificate(void **state)
{
	struct bench *bench = *state;
	serve_three(bench);
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		SSL_CTX_set_max_proto_version(bench->client, version);
		shows(bench, NULL, "first");
		shows(bench, "first.example", "first"); /* the third has it, too, and comes later */
		shows(bench, "second.example", "second");
		shows(bench, "SECOND.example", "second");
		shows(bench, "a.second.example", "second");
		shows(bench, "b.second.example", "third"); /* exact before wildcard */
		shows(bench, "third.example", "third");
	}
}

static void a_name_unknown_shows_the_first(void **state)
{
	struct bench *bench = *state;
	char longest[254];
	serve_three(bench);
	shows(bench, "nobody.example", "first");
	shows(bench, "a.b.second.example", "first"); /* a star is one label */
	shows(bench, "*.second.example", "first");   /* and nobody's name */
	shows(bench, ".second.example", "first");
	shows(bench, "second", "first");
	memset(longest, 'a', sizeof(longest));
	longest[253] = 0;
	shows(bench, longest, "first");
}

static void without_alternative_names_the_common_name_counts(void **state)
{
	struct bench *bench = *state;
	fixture_write(&bench->pairs[0], NULL, "first.example");
	fixture_write(&bench->pairs[1], "IP:127.0.0.1", "second.example");
	bench->conf.count = 2;
	bench_serve(bench);
	shows(bench, "second.example", "second.example");
}

/* --- ALPN --- */

static void alpn(struct talk *talk, struct bench *bench, const char *offer)
{
	talk_init(talk, bench);
	assert_int_equal(SSL_set_alpn_protos(talk->ssl, (const unsigned char *)offer,
					 (unsigned)strlen(offer)),
			0);
	talk_handshake(talk);
}

static void alpn_gives_h2_first(void **state)
{
	struct talk talk;
	bench_serve(*state);
	alpn(&talk, *state, "\x08http/1.1\x02h2");
	assert_true(talk.open);
	assert_true(slv_tls_is_h2(talk.conn));
	talk_done(&talk);
	alpn(&talk, *state, "\x08http/1.0\x08http/1.1");
	assert_true(talk.open);
	assert_false(slv_tls_is_h2(talk.conn));
	talk_done(&talk);
}

static void alpn_without_h2_gives_http_1_1(void **state)
{
	struct bench *bench = *state;
	struct talk talk;
	bench->conf.h2 = false;
	bench_serve(bench);
	alpn(&talk, bench, "\x02h2\x08http/1.1");
	assert_true(talk.open);
	assert_false(slv_tls_is_h2(talk.conn));
	talk_done(&talk);
	alpn(&talk, bench, "\x02h2");
	assert_int_equal(talk.err.code, SLV_E_SYNTAX);
	talk_done(&talk);
}

static void alpn_without_a_match_is_refused(void **state)
{
	struct talk talk;
	bench_serve(*state);
	alpn(&talk, *state, "\x04spdy\x02h3");
	assert_int_equal(talk.err.code, SLV_E_SYNTAX);
	assert_int_equal(ERR_GET_REASON(talk.reason), SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
	talk_done(&talk);
}

/* --- tickets --- */

/* Shake hands, with `session` if there is one, and return the newest session. */
static SSL_SESSION *visit(struct bench *bench, SSL_SESSION *session, bool resumes)
{
	struct talk talk;
	talk_init(&talk, bench);
	if (session)
		assert_int_equal(SSL_set_session(talk.ssl, session), 1);
	talk_open(&talk);
	assert_int_equal(SSL_session_reused(talk.ssl), resumes);
	talk_echo(&talk);
	talk_collect(&talk);
	SSL_SESSION *next = SSL_get1_session(talk.ssl);
	SSL_set_shutdown(talk.ssl, SSL_SENT_SHUTDOWN); /* else the session is spoiled */
	talk_done(&talk);
	SSL_SESSION_free(session);
	return next;
}

static void serve_again(struct bench *bench)
{
	slv_tls_free(bench->tls);
	bench_serve(bench);
}

static void rotate(struct bench *bench, char newest)
{
	bench->tickets.count = 2;
	memcpy(bench->tickets.key[1], bench->tickets.key[0], SLV_TICKET_KEY_BYTES);
	memset(bench->tickets.key[0], newest, SLV_TICKET_KEY_BYTES);
}

/* The name of the key that a session's ticket is sealed with. */
static char sealed_with(const SSL_SESSION *session)
{
	const unsigned char *ticket = NULL;
	size_t len = 0;
	SSL_SESSION_get0_ticket(session, &ticket, &len);
	assert_true(len > 16);
	assert_int_equal(ticket[0], ticket[15]);
	return (char)ticket[0];
}

static void tickets_outlive(struct bench *bench)
{
	bench_serve(bench);
	SSL_SESSION *session = visit(bench, NULL, false);
	assert_int_equal(sealed_with(session), 'k');
	session = visit(bench, session, true);
	serve_again(bench); /* another loop, or after a restart */
	session = visit(bench, session, true);
	assert_int_equal(sealed_with(session), 'k');
	rotate(bench, 'l');
	slv_tls_tickets(bench->tls, &bench->tickets);
	session = visit(bench, session, true);
	assert_int_equal(sealed_with(session), 'l');
	SSL_SESSION *old = visit(bench, NULL, false);
	rotate(bench, 'm');
	rotate(bench, 'n');
	slv_tls_tickets(bench->tls, &bench->tickets);
	SSL_SESSION_free(visit(bench, session, false));
	SSL_SESSION_free(visit(bench, old, false));
}

static void tickets_outlive_their_maker_1_3(void **state)
{
	tickets_outlive(*state);
}

static void tickets_outlive_their_maker_1_2(void **state)
{
	struct bench *bench = *state;
	SSL_CTX_set_max_proto_version(bench->client, TLS1_2_VERSION);
	tickets_outlive(bench);
}

static void a_ticket_of_a_wrong_key_is_no_resumption(void **state)
{
	struct bench *bench = *state;
	bench_serve(bench);
	SSL_SESSION *session = visit(bench, NULL, false);
	/* The name is the same; MAC and cipher are not. */
	memset(bench->tickets.key[0] + 16, 'x', SLV_TICKET_KEY_BYTES - 16);
	slv_tls_tickets(bench->tls, &bench->tickets);
	SSL_SESSION_free(visit(bench, session, false));
}

/* --- what cannot be used --- */

static void refuses(struct bench *bench, enum slv_code code, const char *part)
{
	struct slv_tls *tls = NULL;
	slv_err err = slv_tls_new(&bench->arena, bench->loop, &bench->conf, &bench->tickets, &tls);
	assert_int_equal(err.code, code);
	assert_null(tls);
	if (!strstr(err.what, part) || !strstr(err.what, bench->pairs[0].folder))
		fail_msg("'%s' does not say '%s'", err.what, part);
}

static void files_that_are_not_there_are_named(void **state)
{
	struct bench *bench = *state;
	assert_int_equal(unlink(bench->pairs[0].key), 0);
	refuses(bench, SLV_E_MISSING, "key.pem': No such file");
	assert_int_equal(unlink(bench->pairs[0].certificate), 0);
	refuses(bench, SLV_E_MISSING, "chain.pem': No such file");
	assert_int_equal(mkfifo(bench->pairs[0].certificate, 0600), 0);
	refuses(bench, SLV_E_SYNTAX, "has no certificate in PEM");
	bench->certificates[0].certificate_path = slv_str_from(bench->pairs[0].folder);
	refuses(bench, SLV_E_SYS, "Is a directory");
}

static void files_that_are_not_pem_are_named(void **state)
{
	struct bench *bench = *state;
	fixture_write_text(bench->pairs[0].key, SLV_STR("no key\n"));
	refuses(bench, SLV_E_SYNTAX, "key.pem' has no private key in PEM");
	fixture_write_text(bench->pairs[0].certificate, SLV_STR(""));
	refuses(bench, SLV_E_SYNTAX, "chain.pem' has no certificate in PEM");
	fixture_write_text(bench->pairs[0].certificate,
			SLV_STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
	refuses(bench, SLV_E_SYNTAX, "chain.pem' has no certificate in PEM");
}

/* Append to a file. */
static void append(const char *path, slv_str text)
{
	FILE *file = fopen(path, "a");
	assert_non_null(file);
	assert_int_equal(fwrite(text.at, 1, text.len, file), text.len);
	assert_int_equal(fclose(file), 0);
}

static void a_chain_is_read_to_its_end(void **state)
{
	struct bench *bench = *state;
	struct talk talk;
	char text[4096];
	fixture_write(&bench->pairs[1], NULL, "issuer");
	FILE *file = fopen(bench->pairs[1].certificate, "r");
	assert_non_null(file);
	size_t len = fread(text, 1, sizeof(text), file);
	assert_int_equal(fclose(file), 0);
	append(bench->pairs[0].certificate, SLV_STR("a comment\n"));
	append(bench->pairs[0].certificate, (slv_str){ text, len });
	bench_serve(bench);
	talk_init(&talk, bench);
	talk_open(&talk);
	assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(talk.ssl)), 2);
	talk_done(&talk);

	append(bench->pairs[0].certificate, slv_str_head((slv_str){ text, len }, len / 2));
	refuses(bench, SLV_E_SYNTAX, "has a damaged chain");
}

static void a_file_has_a_bound(void **state)
{
	struct bench *bench = *state;
	struct stat st;
	char spaces[1024];
	memset(spaces, '\n', sizeof(spaces));
	assert_int_equal(stat(bench->pairs[0].certificate, &st), 0);
	for (size_t size = (size_t)st.st_size; size < TLS_FILE_BYTES_MAX;) {
		slv_str part = { spaces, TLS_FILE_BYTES_MAX - size };
		part = slv_str_head(part, sizeof(spaces));
		append(bench->pairs[0].certificate, part);
		size += part.len;
	}
	bench_serve(bench);
	append(bench->pairs[0].certificate, SLV_STR("\n"));
	refuses(bench, SLV_E_LIMIT, "chain.pem' is larger than 64 KiB");
}

static void a_key_must_match(void **state)
{
	struct bench *bench = *state;
	fixture_write(&bench->pairs[1], "DNS:second.example", NULL);
	bench->certificates[0].key_path = slv_str_from(bench->pairs[1].key);
	refuses(bench, SLV_E_SYNTAX, "key does not match certificate");
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	fixture_write_key(&bench->pairs[1], "DNS:second.example", rsa);
	EVP_PKEY_free(rsa);
	refuses(bench, SLV_E_SYNTAX, "key does not match certificate");
}

static void a_key_with_a_passphrase_is_refused(void **state)
{
	struct bench *bench = *state;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *file = fopen(bench->pairs[0].key, "w");
	assert_non_null(file);
	assert_int_equal(PEM_write_PKCS8PrivateKey(
					 file, key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL),
			1);
	assert_int_equal(fclose(file), 0);
	EVP_PKEY_free(key);
	refuses(bench, SLV_E_SYNTAX, "key.pem' needs a passphrase");
}

static void a_key_too_weak_is_refused(void **state)
{
	struct bench *bench = *state;
	EVP_PKEY *key = EVP_RSA_gen(1024);
	fixture_write_key(&bench->pairs[0], "DNS:first.example", key);
	EVP_PKEY_free(key);
	refuses(bench, SLV_E_SYNTAX, "ee key too small");
}

static void several_certificates_need_names(void **state)
{
	struct bench *bench = *state;
	fixture_write(&bench->pairs[0], NULL, NULL);
	fixture_write(&bench->pairs[1], "DNS:second.example", NULL);
	bench_serve(bench); /* one does not */
	bench->conf.count = 2;
	refuses(bench, SLV_E_SYNTAX, "no name in it");
}

/* --- renewal --- */

static void refresh(struct bench *bench)
{
	slv_tls_refresh(bench->tls);
	slv_tls_refresh(bench->tls); /* nothing: one is under way */
	while (bench->tls->refresh)
		slv_loop_turn(bench->loop, true);
}

static size_t count_of(slv_str text, slv_str part)
{
	size_t count = 0;
	for (size_t at; (at = slv_str_find_str(text, part)) < text.len; count++)
		text = slv_str_from_index(text, at + part.len);
	return count;
}

static void changed_files_are_used(void **state)
{
	struct bench *bench = *state;
	struct talk old;
	serve_three(bench);
	talk_init(&old, bench);
	talk_open(&old);
	refresh(bench);
	shows(bench, "first.example", "first");
	fixture_write(&bench->pairs[1], "DNS:new.example", "renewed");
	shows(bench, "new.example", "first");
	refresh(bench);
	shows(bench, "new.example", "renewed");
	shows(bench, "second.example", "first");
	fixture_write(&bench->pairs[0], "DNS:first.example", "first, renewed");
	refresh(bench);
	shows(bench, "first.example", "first, renewed");
	talk_echo(&old); /* what was open goes on */
	talk_done(&old);
	slv_str log = bench_log(bench);
	assert_int_equal(count_of(log, SLV_STR("\"tls.refresh\"")), 2);
	assert_int_equal(count_of(log, SLV_STR("\"warn\"")), 0);
}

static void broken_files_change_nothing(void **state)
{
	struct bench *bench = *state;
	serve_three(bench);
	fixture_write_text(bench->pairs[1].certificate, SLV_STR("half"));
	refresh(bench);
	refresh(bench); /* told once */
	shows(bench, "second.example", "second");
	assert_int_equal(unlink(bench->pairs[1].certificate), 0);
	refresh(bench);
	shows(bench, "second.example", "second");
	fixture_write(&bench->pairs[1], "DNS:second.example", "repaired");
	refresh(bench);
	shows(bench, "second.example", "repaired");
	slv_str log = bench_log(bench);
	assert_int_equal(count_of(log, SLV_STR("\"warn\"")), 2);
	assert_int_equal(count_of(log, SLV_STR("has no certificate in PEM")), 1);
	assert_int_equal(count_of(log, SLV_STR("No such file")), 1);
}

static void a_refresh_may_outlive_its_owner(void **state)
{
	struct bench *bench = *state;
	serve_three(bench);
	fixture_write(&bench->pairs[1], "DNS:new.example", "renewed");
	slv_tls_refresh(bench->tls);
	slv_tls_free(bench->tls);
	bench->tls = NULL; /* the loop's end waits for the job, the sanitizer looks for leaks */
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BENCH(names_choose_the_certificate),
		WITH_BENCH(a_name_unknown_shows_the_first),
		WITH_BENCH(without_alternative_names_the_common_name_counts),
		WITH_BENCH(alpn_gives_h2_first),
		WITH_BENCH(alpn_without_h2_gives_http_1_1),
		WITH_BENCH(alpn_without_a_match_is_refused),
		WITH_BENCH(tickets_outlive_their_maker_1_3),
		WITH_BENCH(tickets_outlive_their_maker_1_2),
		WITH_BENCH(a_ticket_of_a_wrong_key_is_no_resumption),
		WITH_BENCH(files_that_are_not_there_are_named),
		WITH_BENCH(files_that_are_not_pem_are_named),
		WITH_BENCH(a_chain_is_read_to_its_end),
		WITH_BENCH(a_file_has_a_bound),
		WITH_BENCH(a_key_must_match),
		WITH_BENCH(a_key_with_a_passphrase_is_refused),
		WITH_BENCH(a_key_too_weak_is_refused),
		WITH_BENCH(several_certificates_need_names),
		WITH_BENCH(changed_files_are_used),
		WITH_BENCH(broken_files_change_nothing),
		WITH_BENCH(a_refresh_may_outlive_its_owner),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
