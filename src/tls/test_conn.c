#include "base/mem.h"
#include "tls/testing.h"

#include <openssl/err.h>

#include <string.h>

/* --- handshakes --- */

static void speaks_1_3(void **state)
{
	struct talk talk;
	bench_serve(*state);
	talk_init(&talk, *state);
	talk_open(&talk);
	assert_int_equal(SSL_version(talk.ssl), TLS1_3_VERSION);
	assert_string_equal(SSL_get_cipher_name(talk.ssl), "TLS_AES_128_GCM_SHA256");
	talk_echo(&talk);
	talk_done(&talk);
}

static void speaks_1_2(void **state)
{
	struct bench *bench = *state;
	struct talk talk;
	bench_serve(bench);
	SSL_CTX_set_max_proto_version(bench->client, TLS1_2_VERSION);
	talk_init(&talk, bench);
	talk_open(&talk);
	assert_int_equal(SSL_version(talk.ssl), TLS1_2_VERSION);
	assert_string_equal(SSL_get_cipher_name(talk.ssl), "ECDHE-ECDSA-AES128-GCM-SHA256");
	talk_echo(&talk);
	talk_done(&talk);
}

static void an_rsa_key_serves_too(void **state)
{
	struct bench *bench = *state;
	struct talk talk;
	EVP_PKEY *key = EVP_RSA_gen(2048);
	fixture_write_key(&bench->pairs[0], "DNS:first.example", key);
	EVP_PKEY_free(key);
	bench_serve(bench);
	talk_init(&talk, bench);
	talk_open(&talk);
	talk_echo(&talk);
	talk_done(&talk);
}

static void bytes_may_come_one_by_one(void **state)
{
	struct bench *bench = *state;
	bench_serve(bench);
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct talk talk;
		SSL_CTX_set_max_proto_version(bench->client, version);
		talk_init(&talk, bench);
		talk.step = 1;
		talk_open(&talk);
		talk_echo(&talk);
		talk_done(&talk);
	}
}

static void an_older_version_is_refused(void **state)
{
	struct bench *bench = *state;
	struct talk talk;
	bench_serve(bench);
	SSL_CTX_set_security_level(bench->client, 0);
	SSL_CTX_set_min_proto_version(bench->client, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(bench->client, TLS1_1_VERSION);
	talk_init(&talk, bench);
	talk_handshake(&talk);
	assert_int_equal(talk.err.code, SLV_E_SYNTAX);
	assert_string_equal(talk.err.what, "unsupported protocol");
	assert_int_equal(ERR_GET_REASON(talk.reason), SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
	talk_done(&talk);
}

static void the_least_version_can_be_1_3(void **state)
{
	struct bench *bench = *state;
	struct talk talk;
	bench->conf.least = SLV_TLS_1_3;
	bench_serve(bench);
	talk_init(&talk, bench);
	talk_open(&talk);
	talk_done(&talk);

	SSL_CTX_set_max_proto_version(bench->client, TLS1_2_VERSION);
	talk_init(&talk, bench);
	talk_handshake(&talk);
	assert_int_equal(talk.err.code, SLV_E_SYNTAX);
	assert_true(talk.client_failed);
	talk_done(&talk);
}

static void ciphers_without_aead_are_refused(void **state)
{
	struct bench *bench = *state;
	struct talk talk;
	bench_serve(bench);
	SSL_CTX_set_max_proto_version(bench->client, TLS1_2_VERSION);
	assert_int_equal(SSL_CTX_set_cipher_list(bench->client, "ECDHE-ECDSA-AES128-SHA256"), 1);
	talk_init(&talk, bench);
	talk_handshake(&talk);
	assert_int_equal(talk.err.code, SLV_E_SYNTAX);
	assert_string_equal(talk.err.what, "no shared cipher");
	talk_done(&talk);
}

static void a_client_without_our_groups_is_refused(void **state)
{
	struct bench *bench = *state;
	struct talk talk;
	bench_serve(bench);
	char groups[] = "P-521"; /* OpenSSL's macro takes the const away */
	assert_int_equal(SSL_CTX_set1_groups_list(bench->client, groups), 1);
	talk_init(&talk, bench);
	talk_handshake(&talk);
	assert_int_equal(talk.err.code, SLV_E_SYNTAX);
	talk_done(&talk);
}

static void renegotiation_is_refused(void **state)
{
	struct bench *bench = *state;
	struct talk talk;
	char at[16];
	bench_serve(bench);
	SSL_CTX_set_max_proto_version(bench->client, TLS1_2_VERSION);
	talk_init(&talk, bench);
	talk_open(&talk);
	assert_int_equal(SSL_renegotiate(talk.ssl), 1);
	talk.client_open = false;
	assert_int_equal(SSL_do_handshake(talk.ssl), -1);
	assert_int_equal(talk_server_reads(&talk, at, sizeof(at)).len, 0);
	talk_to_client(&talk);
	assert_int_equal(SSL_do_handshake(talk.ssl), -1);
	assert_int_equal(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_NO_RENEGOTIATION);
	talk_done(&talk);
}

/* --- what is no TLS --- */

static slv_err feed(struct slv_tls_conn *conn, slv_str bytes)
{
	bool open = false;
	slv_err err = SLV_OK;
	while (bytes.len && !slv_failed(err)) {
		char *at;
		size_t room = slv_tls_room(conn, &at);
		assert_true(room > 0);
		slv_str head = slv_str_head(bytes, room);
		memcpy(at, head.at, head.len);
		slv_tls_grown(conn, head.len);
		bytes = slv_str_from_index(bytes, head.len);
		err = slv_tls_handshake(conn, &open);
	}
	assert_false(open);
	return err;
}

static void plain_http_is_an_error(void **state)
{
	struct bench *bench = *state;
	bench_serve(bench);
	struct slv_tls_conn *conn = slv_tls_conn_new(bench->tls);
	slv_err err = feed(conn, SLV_STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_int_equal(err.code, SLV_E_SYNTAX);
	assert_string_equal(err.what, "http request");

	/* It stays one. */
	bool open = false, eof = false;
	char at[8];
	size_t len = 0;
	struct iovec part = { .iov_base = at, .iov_len = sizeof(at) };
	assert_int_equal(slv_tls_handshake(conn, &open).code, SLV_E_SYNTAX);
	assert_int_equal(slv_tls_read(conn, at, sizeof(at), &len, &eof).code, SLV_E_SYNTAX);
	assert_int_equal(slv_tls_write(conn, &part, 1), sizeof(at));
	slv_tls_shutdown(conn);
	slv_tls_conn_free(conn);
}

static void garbage_is_an_error(void **state)
{
	struct bench *bench = *state;
	char *bytes = slv_alloc(SLV_KIB(100));
	bench_serve(bench);
	for (unsigned seed = 0; seed < 256; seed++) {
		struct slv_tls_conn *conn = slv_tls_conn_new(bench->tls);
		for (size_t i = 0; i < SLV_KIB(100); i++)
			bytes[i] = (char)(seed + i * (2 * seed + 1) + (i * i >> 7));
		assert_int_equal(feed(conn, (slv_str){ bytes, SLV_KIB(100) }).code, SLV_E_SYNTAX);
		slv_tls_conn_free(conn);
	}
	slv_free(bytes);
}

static void a_damaged_record_is_an_error(void **state)
{
	struct talk talk;
	char *at, into[64];
	size_t len = 0;
	bool eof = false;
	bench_serve(*state);
	talk_init(&talk, *state);
	talk_open(&talk);
	talk_client_says(&talk, SLV_STR("whole"));
	slv_tls_room(talk.conn, &at);
	int got = BIO_read(SSL_get_wbio(talk.ssl), at, 4096);
	at[got - 1] ^= 1;
	slv_tls_grown(talk.conn, (size_t)got);
	slv_err err = slv_tls_read(talk.conn, into, sizeof(into), &len, &eof);
	assert_int_equal(err.code, SLV_E_SYNTAX);
	assert_int_equal(len, 0);
	talk_done(&talk);
}

/* --- the end --- */

static void close_notify_is_the_end(void **state)
{
	struct talk talk;
	char at[16];
	size_t len = 1;
	bool eof = false;
	bench_serve(*state);
	talk_init(&talk, *state);
	talk_open(&talk);
	talk_client_says(&talk, SLV_STR("last"));
	assert_int_equal(SSL_shutdown(talk.ssl), 0);
	assert_true(slv_str_eq(talk_server_reads(&talk, at, sizeof(at)), SLV_STR("last")));
	assert_false(slv_failed(slv_tls_read(talk.conn, at, sizeof(at), &len, &eof)));
	assert_true(eof);
	assert_int_equal(len, 0);

	/* The other direction is still open (RFC 8446 section 6.1). */
	struct iovec part = { .iov_base = at, .iov_len = 4 };
	assert_int_equal(slv_tls_write(talk.conn, &part, 1), 4);
	slv_tls_shutdown(talk.conn);
	talk_to_client(&talk);
	assert_int_equal(SSL_read(talk.ssl, at, sizeof(at)), 4);
	assert_int_equal(SSL_read(talk.ssl, at, sizeof(at)), 0);
	assert_true(SSL_get_shutdown(talk.ssl) & SSL_RECEIVED_SHUTDOWN);
	talk_done(&talk);
}

static void truncation_is_not_the_end(void **state)
{
	struct talk talk;
	char at[16];
	size_t len = 1;
	bool eof = true;
	bench_serve(*state);
	talk_init(&talk, *state);
	talk_open(&talk);
	talk_client_says(&talk, SLV_STR("cut off here"));
	talk.step = (size_t)BIO_pending(SSL_get_wbio(talk.ssl)) - 1;
	assert_true(talk_to_server(&talk));
	assert_false(slv_failed(slv_tls_read(talk.conn, at, sizeof(at), &len, &eof)));
	assert_false(eof);
	assert_int_equal(len, 0);
	talk_done(&talk);
}

static void a_shutdown_within_the_handshake_says_nothing(void **state)
{
	struct bench *bench = *state;
	bench_serve(bench);
	struct slv_tls_conn *conn = slv_tls_conn_new(bench->tls);
	slv_tls_shutdown(conn);
	assert_int_equal(slv_tls_output(conn).len, 0);
	slv_tls_conn_free(conn);
}

static void a_shutdown_swallows_what_is_written_later(void **state)
{
	struct talk talk;
	char at[16] = "late";
	bench_serve(*state);
	talk_init(&talk, *state);
	talk_open(&talk);
	slv_tls_shutdown(talk.conn);
	size_t len = slv_tls_output(talk.conn).len;
	struct iovec part = { .iov_base = at, .iov_len = 4 };
	assert_int_equal(slv_tls_write(talk.conn, &part, 1), 4);
	assert_int_equal(slv_tls_output(talk.conn).len, len);
	talk_done(&talk);
}

/* --- much --- */

static void a_mebibyte_comes_through_back_pressure(void **state)
{
	struct talk talk;
	size_t total = SLV_MIB(1), said = 0, heard = 0;
	char *text = slv_alloc(total), *copy = slv_alloc(total);
	for (size_t i = 0; i < total; i++)
		text[i] = (char)(i * 7 + (i >> 11));
	bench_serve(*state);
	talk_init(&talk, *state);
	talk_open(&talk);
	talk.step = 50000;
	while (heard < total) {
		if (said < total) {
			int len = (int)(total - said < 30000 ? total - said : 30000);
			assert_int_equal(SSL_write(talk.ssl, text + said, len), len);
			said += (size_t)len;
		}
		/* More comes than is read: the room shrinks to nothing, and grows again. */
		while (talk_to_server(&talk))
			;
		char *at;
		if (said == 30000)
			assert_int_equal(
					slv_tls_room(talk.conn, &at), SLV_KIB(32) - 30000 - 2 * 22);
		size_t len = 0, part = total - heard < 9000 ? total - heard : 9000;
		bool eof = false;
		assert_false(slv_failed(slv_tls_read(talk.conn, copy + heard, part, &len, &eof)));
		assert_true(len > 0);
		heard += len;
	}
	assert_memory_equal(text, copy, total);
	talk_done(&talk);
	slv_free(text);
	slv_free(copy);
}

static void a_mebibyte_goes_through_back_pressure(void **state)
{
	struct talk talk;
	size_t total = SLV_MIB(1), said = 0, heard = 0;
	char *text = slv_alloc(total), *copy = slv_alloc(total);
	for (size_t i = 0; i < total; i++)
		text[i] = (char)(i * 5 + (i >> 9));
	bench_serve(*state);
	talk_init(&talk, *state);
	talk_open(&talk);
	talk.step = 7777;
	while (heard < total) {
		struct iovec parts[3] = { { .iov_base = text + said, .iov_len = 0 } };
		size_t first = total - said < 100 ? total - said : 100;
		parts[1] = (struct iovec){ .iov_base = text + said, .iov_len = first };
		parts[2] = (struct iovec){ .iov_base = text + said + first,
			.iov_len = total - said - first };
		said += slv_tls_write(talk.conn, parts, 3);
		size_t waits = slv_tls_output(talk.conn).len;
		if (said < total)
			assert_in_range(waits, SLV_KIB(64), SLV_KIB(81));
		assert_true(talk_to_client(&talk));
		int len;
		while ((len = SSL_read(talk.ssl, copy + heard, (int)(total - heard))) > 0)
			heard += (size_t)len;
		ERR_clear_error();
	}
	assert_int_equal(said, total);
	assert_memory_equal(text, copy, total);
	assert_int_equal(slv_tls_output(talk.conn).len, 0);
	talk_done(&talk);
	slv_free(text);
	slv_free(copy);
}

static void a_full_output_takes_nothing(void **state)
{
	struct talk talk;
	char *text = slv_alloc(SLV_KIB(200));
	bench_serve(*state);
	talk_init(&talk, *state);
	talk_open(&talk);
	talk_collect(&talk);
	struct iovec part = { .iov_base = text, .iov_len = SLV_KIB(200) };
	size_t took = slv_tls_write(talk.conn, &part, 1);
	assert_in_range(took, SLV_KIB(63), SLV_KIB(80));
	assert_int_equal(slv_tls_write(talk.conn, &part, 1), 0);
	slv_tls_sent(talk.conn, slv_tls_output(talk.conn).len - SLV_KIB(64));
	assert_int_equal(slv_tls_write(talk.conn, &part, 1), 0);
	slv_tls_sent(talk.conn, 1);
	assert_int_equal(slv_tls_write(talk.conn, &part, 1), SLV_KIB(16));
	talk_done(&talk);
	slv_free(text);
}

/* --- records --- */

/* The plaintext of each record of application data in the output (23 is the type, 17 what TLS 1.3
 * adds); it counts as sent. */
static size_t records(struct slv_tls_conn *conn, size_t *ret_bytes, size_t cap)
{
	slv_str output = slv_tls_output(conn);
	size_t count = 0, total = output.len;
	while (output.len) {
		assert_int_equal(output.at[0], 23);
		assert_true(count < cap);
		size_t len = (size_t)(uint8_t)output.at[3] << 8 | (uint8_t)output.at[4];
		ret_bytes[count++] = len - 17;
		output = slv_str_from_index(output, 5 + len);
	}
	slv_tls_sent(conn, total);
	return count;
}

static void the_first_records_are_small(void **state)
{
	struct bench *bench = *state;
	struct talk talk;
	char *text = slv_alloc(SLV_KIB(64));
	size_t bytes[32];
	struct iovec part = { .iov_base = text, .iov_len = SLV_KIB(64) };
	bench_serve(bench);
	talk_init(&talk, bench);
	talk_open(&talk);
	talk_collect(&talk);
	assert_int_equal(slv_tls_write(talk.conn, &part, 1), SLV_KIB(64));
	assert_int_equal(records(talk.conn, bytes, 32), 12);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(bytes[i], SLV_KIB(4));
	assert_int_equal(bytes[10], SLV_KIB(16));
	assert_int_equal(bytes[11], SLV_KIB(8));

	/* A second is no silence yet. */
	bench->now_ms += 1000;
	part.iov_len = SLV_KIB(32);
	slv_tls_write(talk.conn, &part, 1);
	assert_int_equal(records(talk.conn, bytes, 32), 2);
	bench->now_ms += 1001;
	slv_tls_write(talk.conn, &part, 1);
	assert_int_equal(records(talk.conn, bytes, 32), 8);
	talk_done(&talk);
	slv_free(text);
}

static void small_parts_share_a_record(void **state)
{
	struct talk talk;
	size_t bytes[32];
	char *body = slv_alloc(SLV_KIB(16)), read[SLV_KIB(6)];
	memset(body, 'b', SLV_KIB(16));
	bench_serve(*state);
	talk_init(&talk, *state);
	talk_open(&talk);
	talk_collect(&talk);
	struct iovec parts[] = { { .iov_base = (char[]){ "HEAD" }, .iov_len = 4 },
		{ .iov_base = body, .iov_len = 0 }, { .iov_base = (char[]){ "er" }, .iov_len = 2 },
		{ .iov_base = body, .iov_len = SLV_KIB(4) }, { .iov_base = body, .iov_len = 0 } };
	assert_int_equal(slv_tls_write(talk.conn, parts, 5), 6 + SLV_KIB(4));
	slv_str output = slv_tls_output(talk.conn);
	assert_int_equal(BIO_write(SSL_get_rbio(talk.ssl), output.at, (int)output.len),
			(int)output.len);
	assert_int_equal(SSL_read(talk.ssl, read, sizeof(read)), SLV_KIB(4));
	assert_memory_equal(read, "HEADerbb", 8);
	assert_int_equal(SSL_read(talk.ssl, read, sizeof(read)), 6);
	assert_memory_equal(read, "bbbbbb", 6);
	assert_int_equal(records(talk.conn, bytes, 32), 2);
	assert_int_equal(slv_tls_write(talk.conn, parts, 0), 0);
	assert_int_equal(slv_tls_write(talk.conn, parts + 4, 1), 0);
	assert_int_equal(records(talk.conn, bytes, 32), 0);
	talk_done(&talk);
	slv_free(body);
}

/* --- buffers --- */

static void a_connection_at_rest_holds_no_buffers(void **state)
{
	struct bench *bench = *state;
	struct talk talks[3];
	char *first, *second;
	bench_serve(bench);
	for (size_t i = 0; i < 3; i++) {
		talk_init(&talks[i], bench);
		talk_open(&talks[i]);
		talk_echo(&talks[i]);
	}
	assert_int_equal(slv_tls_output(talks[0].conn).len, 0);
	/* The room that one did not use is the next one's. */
	size_t room = slv_tls_room(talks[0].conn, &first);
	assert_int_equal(slv_tls_room(talks[1].conn, &second), room);
	assert_ptr_equal(first, second);
	assert_int_equal(bench->tls->inputs.count, 0);
	assert_int_equal(bench->tls->outputs.count, 1);
	for (size_t i = 0; i < 3; i++)
		talk_echo(&talks[i]);
	for (size_t i = 0; i < 3; i++)
		talk_done(&talks[i]);
}

static void bytes_that_wait_are_not_lent(void **state)
{
	struct bench *bench = *state;
	struct talk a, b;
	char at[16];
	size_t len = 0;
	bool eof = false;
	bench_serve(bench);
	talk_init(&a, bench);
	talk_init(&b, bench);
	talk_open(&a);
	talk_open(&b);
	talk_client_says(&a, SLV_STR("for a"));
	talk_client_says(&b, SLV_STR("for b"));
	assert_true(talk_to_server(&a));
	assert_true(talk_to_server(&b));
	assert_false(slv_failed(slv_tls_read(a.conn, at, sizeof(at), &len, &eof)));
	assert_true(slv_str_eq((slv_str){ at, len }, SLV_STR("for a")));
	assert_false(slv_failed(slv_tls_read(b.conn, at, sizeof(at), &len, &eof)));
	assert_true(slv_str_eq((slv_str){ at, len }, SLV_STR("for b")));
	talk_done(&b);
	talk_done(&a);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BENCH(speaks_1_3),
		WITH_BENCH(speaks_1_2),
		WITH_BENCH(an_rsa_key_serves_too),
		WITH_BENCH(bytes_may_come_one_by_one),
		WITH_BENCH(an_older_version_is_refused),
		WITH_BENCH(the_least_version_can_be_1_3),
		WITH_BENCH(ciphers_without_aead_are_refused),
		WITH_BENCH(a_client_without_our_groups_is_refused),
		WITH_BENCH(renegotiation_is_refused),
		WITH_BENCH(plain_http_is_an_error),
		WITH_BENCH(garbage_is_an_error),
		WITH_BENCH(a_damaged_record_is_an_error),
		WITH_BENCH(close_notify_is_the_end),
		WITH_BENCH(truncation_is_not_the_end),
		WITH_BENCH(a_shutdown_within_the_handshake_says_nothing),
		WITH_BENCH(a_shutdown_swallows_what_is_written_later),
		WITH_BENCH(a_mebibyte_comes_through_back_pressure),
		WITH_BENCH(a_mebibyte_goes_through_back_pressure),
		WITH_BENCH(a_full_output_takes_nothing),
		WITH_BENCH(the_first_records_are_small),
		WITH_BENCH(small_parts_share_a_record),
		WITH_BENCH(a_connection_at_rest_holds_no_buffers),
		WITH_BENCH(bytes_that_wait_are_not_lent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
