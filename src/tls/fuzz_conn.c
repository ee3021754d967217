/* fuzz_conn.c - what a peer may send, in pieces
 *
 * The first byte says how long the pieces are and whether a true handshake comes first; then
 * the input is what follows on it. Randomness is OpenSSL's, so runs differ in the bytes of keys
 * only.
 */
#include "base/assert.h"
#include "base/mem.h"
#include "tls/fixture.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string.h>

struct world {
	struct slv_arena arena;
	struct slv_loop *loop;
	struct slv_tls *tls;
	SSL_CTX *client;
};

static struct world *world_new(void)
{
	struct world *world = SLV_ALLOC(struct world);
	struct fixture_pair pair;
	struct slv_ticket_keys tickets = { .count = 1 };
	fixture_new(&pair);
	fixture_write(&pair, "DNS:a.example,DNS:*.b.example", NULL);
	struct slv_tls_certificate paths = fixture_paths(&pair);
	struct slv_tls_conf conf = { .certificates = &paths, .count = 1, .h2 = true };
	slv_arena_init(&world->arena, 4096, SLV_MIB(1));
	world->loop = slv_loop_new(0, NULL, NULL);
	slv_err err = slv_tls_new(&world->arena, world->loop, &conf, &tickets, &world->tls);
	slv_assert(!slv_failed(err));
	fixture_done(&pair);
	world->client = SSL_CTX_new(TLS_client_method());
	slv_assert(world->client);
	return world;
}

static void give(struct slv_tls_conn *conn, const char *at, size_t len)
{
	char *room_at;
	size_t room = slv_tls_room(conn, &room_at);
	slv_assert(len <= room);
	memcpy(room_at, at, len);
	slv_tls_grown(conn, len);
}

/* A client of OpenSSL's up to the end of the handshake. */
static void greet(struct world *world, struct slv_tls_conn *conn, bool version_1_2)
{
	SSL *ssl = SSL_new(world->client);
	char bytes[16384];
	bool open = false;
	slv_assert(ssl);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_max_proto_version(ssl, version_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION);
	SSL_set_connect_state(ssl);
	while (!open) {
		(void)SSL_do_handshake(ssl); /* wants more, until the server is open */
		int len = BIO_read(SSL_get_wbio(ssl), bytes, sizeof(bytes));
		slv_assert(len > 0);
		give(conn, bytes, (size_t)len);
		slv_err err = slv_tls_handshake(conn, &open);
		slv_assert(!slv_failed(err));
		slv_str output = slv_tls_output(conn);
		BIO_write(SSL_get_rbio(ssl), output.at, (int)output.len);
		slv_tls_sent(conn, output.len);
	}
	SSL_free(ssl);
	ERR_clear_error();
}

/* One piece has come: what its owner does then. */
static slv_err step(struct slv_tls_conn *conn, bool *open)
{
	char at[1000];
	size_t len = 1;
	bool eof = false;
	slv_err err = *open ? SLV_OK : slv_tls_handshake(conn, open);
	while (!slv_failed(err) && *open && len && !eof) {
		len = 0;
		err = slv_tls_read(conn, at, sizeof(at), &len, &eof);
		slv_assert(len <= sizeof(at));
		struct iovec part = { .iov_base = at, .iov_len = len };
		if (!slv_failed(err) && len)
			slv_assert(slv_tls_write(conn, &part, 1) <= len);
	}
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world *world;
	if (!world)
		world = world_new();
	if (!size)
		return 0;
	unsigned how = data[0];
	size_t piece = how & 63 ? how & 63u : 16384;
	bool open = how & 64;
	slv_str rest = { (const char *)data + 1, size - 1 };
	struct slv_tls_conn *conn = slv_tls_conn_new(world->tls);
	if (open)
		greet(world, conn, how & 128);
	slv_err err = SLV_OK;
	while (rest.len && !slv_failed(err)) {
		slv_str head = slv_str_head(rest, piece);
		rest = slv_str_from_index(rest, head.len);
		give(conn, head.at, head.len);
		err = step(conn, &open);
		if (!(how & 128)) /* a peer that reads */
			slv_tls_sent(conn, slv_tls_output(conn).len);
	}
	slv_assert(!slv_failed(err) || err.what);
	slv_tls_shutdown(conn);
	slv_tls_conn_free(conn);
	return 0;
}
