/* testing.h - a server of ours and a client of OpenSSL's, joined in memory; for tests only */
#ifndef SLV_TLS_TESTING_H
#define SLV_TLS_TESTING_H

#include "base/testing.h"
#include "loop/log.h"
#include "tls/fixture.h"
#include "tls/private.h"

#define TEST_PAIRS 3u

/* Made anew for every test. */
struct bench {
	struct slv_loop *loop;
	struct slv_log *log;
	int log_fd;
	uint64_t now_ms; /* the loop's clock */
	struct slv_arena arena;
	struct fixture_pair pairs[TEST_PAIRS];
	struct slv_tls_certificate certificates[TEST_PAIRS];
	struct slv_tls_conf conf; /* of the first pair; a test may change it before it serves */
	struct slv_ticket_keys tickets;
	struct slv_tls *tls;
	SSL_CTX *client;
};

int bench_setup(void **state);
int bench_teardown(void **state);
void bench_serve(struct bench *bench); /* makes bench->tls; it must succeed */

/* What was logged; ends the log. */
slv_str bench_log(struct bench *bench);

/* Two ends. Wires move what fits, at most `step` bytes at a time (0: all). */
struct talk {
	struct bench *bench;
	struct slv_tls_conn *conn;
	SSL *ssl;
	size_t step;
	bool open;            /* the server's handshake is over */
	bool client_open;     /* the client's */
	bool client_failed;   /* the client's handshake ended in an error */
	slv_err err;          /* the server's */
	unsigned long reason; /* the client's */
};

void talk_init(struct talk *talk, struct bench *bench);
void talk_done(struct talk *talk);
bool talk_to_server(struct talk *talk); /* true if something moved */
bool talk_to_client(struct talk *talk);
void talk_handshake(struct talk *talk); /* until both are through or one fails */
void talk_open(struct talk *talk);      /* the same, and both must be through */
void talk_collect(struct talk *talk);   /* the client reads its tickets */
void talk_echo(struct talk *talk);      /* a few bytes both ways */
slv_str talk_server_reads(struct talk *talk, char *at, size_t cap);
void talk_client_says(struct talk *talk, slv_str text);

#endif
