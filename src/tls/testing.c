#include "tls/testing.h"

#include "base/mem.h"

#include <openssl/err.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t bench_now(void *arg)
{
	return ((struct bench *)arg)->now_ms;
}

int bench_setup(void **state)
{
	struct bench *bench = SLV_ALLOC(struct bench);
	struct slv_loop_world world = { .now_ms = bench_now, .arg = bench };
	bench->now_ms = 5000;
	bench->log_fd = memfd_create("log", MFD_CLOEXEC);
	assert_true(bench->log_fd >= 0);
	bench->log = slv_log_new(bench->log_fd, SLV_DEBUG);
	bench->loop = slv_loop_new(0, bench->log, &world);
	slv_arena_init(&bench->arena, 4096, SLV_MIB(1));
	for (unsigned i = 0; i < TEST_PAIRS; i++) {
		fixture_new(&bench->pairs[i]);
		bench->certificates[i] = fixture_paths(&bench->pairs[i]);
	}
	fixture_write(&bench->pairs[0], "DNS:first.example", NULL);
	bench->conf = (struct slv_tls_conf){
		.certificates = bench->certificates, .count = 1, .h2 = true
	};
	bench->tickets.count = 1;
	memset(bench->tickets.key[0], 'k', SLV_TICKET_KEY_BYTES);
	bench->client = SSL_CTX_new(TLS_client_method());
	assert_non_null(bench->client);
	*state = bench;
	return 0;
}

int bench_teardown(void **state)
{
	struct bench *bench = *state;
	SSL_CTX_free(bench->client);
	slv_tls_free(bench->tls);
	slv_loop_free(bench->loop);
	slv_log_free(bench->log);
	close(bench->log_fd);
	for (unsigned i = 0; i < TEST_PAIRS; i++)
		fixture_done(&bench->pairs[i]);
	slv_arena_done(&bench->arena);
	slv_free(bench);
	return 0;
}

void bench_serve(struct bench *bench)
{
	slv_err err = slv_tls_new(
			&bench->arena, bench->loop, &bench->conf, &bench->tickets, &bench->tls);
	if (slv_failed(err))
		fail_msg("%s", err.what);
}

slv_str bench_log(struct bench *bench)
{
	slv_tls_free(bench->tls);
	slv_loop_free(bench->loop);
	slv_log_free(bench->log);
	bench->tls = NULL;
	bench->loop = NULL;
	bench->log = NULL;
	off_t len = lseek(bench->log_fd, 0, SEEK_END);
	char *at = slv_arena_bytes(&bench->arena, (size_t)len + 1);
	assert_int_equal(pread(bench->log_fd, at, (size_t)len, 0), len);
	return (slv_str){ at, (size_t)len };
}

void talk_init(struct talk *talk, struct bench *bench)
{
	*talk = (struct talk){ .bench = bench };
	talk->conn = slv_tls_conn_new(bench->tls);
	talk->ssl = SSL_new(bench->client);
	assert_non_null(talk->ssl);
	SSL_set_bio(talk->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(talk->ssl);
}

void talk_done(struct talk *talk)
{
	slv_tls_conn_free(talk->conn);
	SSL_free(talk->ssl);
	ERR_clear_error();
}

bool talk_to_server(struct talk *talk)
{
	char *at;
	size_t room = slv_tls_room(talk->conn, &at);
	size_t len = talk->step && talk->step < room ? talk->step : room;
	int got = BIO_read(SSL_get_wbio(talk->ssl), at, (int)len);
	slv_tls_grown(talk->conn, got > 0 ? (size_t)got : 0);
	return got > 0;
}

bool talk_to_client(struct talk *talk)
{
	slv_str output = slv_tls_output(talk->conn);
	size_t len = talk->step && talk->step < output.len ? talk->step : output.len;
	if (!len)
		return false;
	assert_int_equal(BIO_write(SSL_get_rbio(talk->ssl), output.at, (int)len), (int)len);
	slv_tls_sent(talk->conn, len);
	return true;
}

static void client_step(struct talk *talk)
{
	if (talk->client_open || talk->client_failed)
		return;
	ERR_clear_error();
	int result = SSL_do_handshake(talk->ssl);
	talk->client_open = result == 1;
	talk->client_failed =
			result != 1 && SSL_get_error(talk->ssl, result) != SSL_ERROR_WANT_READ;
	if (talk->client_failed)
		talk->reason = ERR_peek_error();
	ERR_clear_error();
}

void talk_handshake(struct talk *talk)
{
	bool moved = true;
	while (moved) {
		client_step(talk);
		moved = talk_to_server(talk);
		if (moved && !talk->open && !slv_failed(talk->err))
			talk->err = slv_tls_handshake(talk->conn, &talk->open);
		if (talk->client_open && talk->open)
			break;
		moved |= talk_to_client(talk);
	}
	client_step(talk);
}

void talk_open(struct talk *talk)
{
	talk_handshake(talk);
	if (slv_failed(talk->err))
		fail_msg("%s", talk->err.what);
	assert_true(talk->open);
	assert_true(talk->client_open);
}

void talk_collect(struct talk *talk)
{
	char none;
	while (talk_to_client(talk))
		;
	assert_int_equal(SSL_read(talk->ssl, &none, 1), -1);
	ERR_clear_error();
}

void talk_client_says(struct talk *talk, slv_str text)
{
	assert_int_equal(SSL_write(talk->ssl, text.at, (int)text.len), (int)text.len);
}

slv_str talk_server_reads(struct talk *talk, char *at, size_t cap)
{
	size_t len = 0, got = 1;
	bool eof = false;
	while (talk_to_server(talk)) {
		for (got = 1; got && len < cap && !slv_failed(talk->err);) {
			got = 0;
			talk->err = slv_tls_read(talk->conn, at + len, cap - len, &got, &eof);
			len += got;
		}
	}
	return (slv_str){ at, len };
}

void talk_echo(struct talk *talk)
{
	char at[64];
	talk_client_says(talk, SLV_STR("to the server"));
	slv_str came = talk_server_reads(talk, at, sizeof(at));
	assert_true(slv_str_eq(came, SLV_STR("to the server")));
	struct iovec part = { .iov_base = at, .iov_len = came.len };
	assert_int_equal(slv_tls_write(talk->conn, &part, 1), came.len);
	char back[64];
	int len = -1;
	while (len <= 0 && talk_to_client(talk))
		len = SSL_read(talk->ssl, back, sizeof(back));
	assert_int_equal(len, 13);
	assert_memory_equal(back, "to the server", 13);
	ERR_clear_error();
}
