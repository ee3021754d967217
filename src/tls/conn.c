/* conn.c - one connection between two buffers
 *
 * OpenSSL reads and writes through a BIO of ours whose ends are the input and the output buffer
 * of the connection. Both come from a stock when bytes come and go back when the last is taken,
 * so that a connection at rest holds neither.
 */
#include "base/assert.h"
#include "base/mem.h"
#include "tls/private.h"

#include <openssl/err.h>

#include <string.h>

#define SMALL_RECORD_BYTES SLV_KIB(4)
#define SMALL_RECORDS 10u /* about what two round trips of a young connection carry */
#define SILENCE_MS 1000u

/* Bytes between `from` and `to`; `at` is NULL when there are none. */
struct window {
	char *at;
	size_t from, to;
};

struct slv_tls_conn {
	struct slv_tls *tls;
	SSL *ssl;
	struct window in, out;
	uint64_t wrote_ms;
	uint32_t small_left; /* records that are to be small */
	bool failed;         /* what comes is dropped */
};

/* --- buffers --- */

static char *stock_take(struct stock *stock)
{
	return stock->count ? stock->spare[--stock->count] : slv_realloc(NULL, stock->bytes);
}

static void window_release(struct stock *stock, struct window *window)
{
	if (window->at && stock->count < TLS_STOCK_MAX)
		stock->spare[stock->count++] = window->at;
	else
		slv_free(window->at);
	*window = (struct window){ 0 };
}

void tls_stock_done(struct stock *stock)
{
	while (stock->count)
		slv_free(stock->spare[--stock->count]);
}

static void window_drop(struct stock *stock, struct window *window, size_t len)
{
	slv_assert(len <= window->to - window->from);
	window->from += len;
	if (window->from == window->to)
		window_release(stock, window);
}

static void window_pack(struct window *window)
{
	memmove(window->at, window->at + window->from, window->to - window->from);
	window->to -= window->from;
	window->from = 0;
}

/* --- the BIO --- */

static int bio_read(BIO *bio, char *at, size_t cap, size_t *ret_len)
{
	struct slv_tls_conn *conn = BIO_get_data(bio);
	struct window *in = &conn->in;
	size_t len = in->to - in->from;
	BIO_clear_retry_flags(bio);
	if (!len) {
		BIO_set_retry_read(bio);
		return 0;
	}
	if (len > cap)
		len = cap;
	memcpy(at, in->at + in->from, len);
	window_drop(&conn->tls->inputs, in, len);
	*ret_len = len;
	return 1;
}

static int bio_write(BIO *bio, const char *at, size_t len, size_t *ret_len)
{
	struct slv_tls_conn *conn = BIO_get_data(bio);
	struct stock *stock = &conn->tls->outputs;
	struct window *out = &conn->out;
	BIO_clear_retry_flags(bio);
	if (!out->at)
		out->at = stock_take(stock);
	if (len > stock->bytes - out->to && out->from)
		window_pack(out);
	/* Only a peer that makes us answer without reading the answers comes this far. */
	if (len > stock->bytes - out->to)
		return 0;
	memcpy(out->at + out->to, at, len);
	out->to += len;
	*ret_len = len;
	return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *arg)
{
	(void)bio;
	(void)number;
	(void)arg;
	return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

BIO_METHOD *tls_bio_new(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "selvedge");
	slv_assert(method);
	BIO_meth_set_create(method, bio_create);
	BIO_meth_set_read_ex(method, bio_read);
	BIO_meth_set_write_ex(method, bio_write);
	BIO_meth_set_ctrl(method, bio_ctrl);
	return method;
}

/* --- life --- */

struct slv_tls *tls_of(const SSL *ssl)
{
	const struct slv_tls_conn *conn = SSL_get_app_data(ssl);
	return conn->tls;
}

struct slv_tls_conn *slv_tls_conn_new(struct slv_tls *tls)
{
	slv_loop_assert(tls->loop);
	struct slv_tls_conn *conn = SLV_ALLOC(struct slv_tls_conn);
	BIO *bio = BIO_new(tls->bio);
	conn->tls = tls;
	conn->ssl = SSL_new(tls->slots[0].certificate->ctx);
	conn->small_left = SMALL_RECORDS;
	slv_assert(bio && conn->ssl);
	BIO_set_data(bio, conn);
	SSL_set_bio(conn->ssl, bio, bio); /* takes the one reference for both ways */
	SSL_set_app_data(conn->ssl, conn);
	SSL_set_accept_state(conn->ssl);
	tls->connections++;
	return conn;
}

void slv_tls_conn_free(struct slv_tls_conn *conn)
{
	if (!conn)
		return;
	struct slv_tls *tls = conn->tls;
	slv_loop_assert(tls->loop);
	SSL_free(conn->ssl);
	if (tls->roomy == conn)
		tls->roomy = NULL;
	window_release(&tls->inputs, &conn->in);
	window_release(&tls->outputs, &conn->out);
	tls->connections--;
	slv_free(conn);
}

/* --- records --- */

size_t slv_tls_room(struct slv_tls_conn *conn, char **ret_at)
{
	struct slv_tls *tls = conn->tls;
	struct window *in = &conn->in;
	slv_loop_assert(tls->loop);
	if (!in->at && tls->roomy) {
		/* Nothing came for the one that asked last. */
		*in = tls->roomy->in;
		tls->roomy->in = (struct window){ 0 };
		tls->roomy = conn;
	} else if (!in->at) {
		in->at = stock_take(&tls->inputs);
		tls->roomy = conn;
	} else if (in->to == tls->inputs.bytes && in->from) {
		window_pack(in);
	}
	*ret_at = in->at + in->to;
	return tls->inputs.bytes - in->to;
}

void slv_tls_grown(struct slv_tls_conn *conn, size_t len)
{
	slv_loop_assert(conn->tls->loop);
	slv_assert(conn->in.at && len <= conn->tls->inputs.bytes - conn->in.to);
	if (!len)
		return;
	conn->in.to += len;
	if (conn->tls->roomy == conn)
		conn->tls->roomy = NULL;
}

slv_str slv_tls_output(const struct slv_tls_conn *conn)
{
	const struct window *out = &conn->out;
	return out->at ? (slv_str){ out->at + out->from, out->to - out->from } : (slv_str){ 0 };
}

void slv_tls_sent(struct slv_tls_conn *conn, size_t len)
{
	slv_loop_assert(conn->tls->loop);
	if (len)
		window_drop(&conn->tls->outputs, &conn->out, len);
}

/* --- plaintext --- */

/* After a call that did not succeed: SLV_OK if it only wants more input. */
static slv_err why(struct slv_tls_conn *conn, int result)
{
	if (SSL_get_error(conn->ssl, result) == SSL_ERROR_WANT_READ)
		return SLV_OK;
	const char *text = ERR_reason_error_string(ERR_peek_error());
	ERR_clear_error();
	conn->failed = true;
	/* Text of OpenSSL is static; without any it was our BIO that refused. */
	return SLV_ERR(SLV_E_SYNTAX, text ? text : "the peer does not read what it asks for");
}

static slv_err failed_before(void)
{
	return SLV_ERR(SLV_E_SYNTAX, "the connection has failed before");
}

slv_err slv_tls_handshake(struct slv_tls_conn *conn, bool *ret_open)
{
	slv_loop_assert(conn->tls->loop);
	if (conn->failed)
		return failed_before();
	ERR_clear_error();
	int result = SSL_do_handshake(conn->ssl);
	slv_err err = result == 1 ? SLV_OK : why(conn, result);
	if (!slv_failed(err))
		*ret_open = result == 1;
	return err;
}

slv_err slv_tls_read(
		struct slv_tls_conn *conn, char *at, size_t cap, size_t *ret_len, bool *ret_eof)
{
	slv_loop_assert(conn->tls->loop);
	if (conn->failed)
		return failed_before();
	ERR_clear_error();
	size_t len = 0;
	bool eof = false;
	slv_err err = SLV_OK;
	int result = SSL_read_ex(conn->ssl, at, cap, &len);
	if (result != 1) {
		len = 0;
		eof = SSL_get_shutdown(conn->ssl) & SSL_RECEIVED_SHUTDOWN &&
		      SSL_get_error(conn->ssl, result) == SSL_ERROR_ZERO_RETURN;
		err = eof ? SLV_OK : why(conn, result);
	}
	if (slv_failed(err))
		return err;
	*ret_len = len;
	*ret_eof = eof;
	return SLV_OK;
}

/* What is left of the parts given. */
struct cursor {
	const struct iovec *part, *end;
	size_t skip; /* bytes of `part` that are done */
};

static void cursor_settle(struct cursor *cursor)
{
	while (cursor->part < cursor->end && cursor->skip == cursor->part->iov_len) {
		cursor->part++;
		cursor->skip = 0;
	}
}

/* The next `max` bytes or all that are left, joined in `record` unless one part has them. */
static slv_str cursor_next(struct cursor *cursor, char *record, size_t max)
{
	size_t len = 0;
	cursor_settle(cursor);
	while (cursor->part < cursor->end && len < max) {
		const char *at = (const char *)cursor->part->iov_base + cursor->skip;
		size_t part = cursor->part->iov_len - cursor->skip;
		bool last = cursor->part + 1 == cursor->end;
		if (part > max - len)
			part = max - len;
		cursor->skip += part;
		cursor_settle(cursor);
		if (!len && (part == max || last))
			return (slv_str){ at, part };
		memcpy(record + len, at, part);
		len += part;
	}
	return (slv_str){ record, len };
}

static size_t record_bytes(struct slv_tls_conn *conn)
{
	uint64_t now_ms = slv_loop_now_ms(conn->tls->loop);
	if (now_ms - conn->wrote_ms > SILENCE_MS)
		conn->small_left = SMALL_RECORDS;
	conn->wrote_ms = now_ms;
	if (!conn->small_left)
		return TLS_RECORD_BYTES;
	conn->small_left--;
	return SMALL_RECORD_BYTES;
}

size_t slv_tls_write(struct slv_tls_conn *conn, const struct iovec *parts, int count)
{
	struct cursor cursor = { .part = parts, .end = parts + count };
	size_t taken = 0;
	slv_loop_assert(conn->tls->loop);
	while (!conn->failed && conn->out.to - conn->out.from < TLS_OUTPUT_BYTES) {
		cursor_settle(&cursor);
		if (cursor.part == cursor.end)
			return taken;
		slv_str record = cursor_next(&cursor, conn->tls->record, record_bytes(conn));
		size_t len = 0;
		if (SSL_write_ex(conn->ssl, record.at, record.len, &len) != 1) {
			ERR_clear_error();
			conn->failed = true;
			break;
		}
		slv_assert(len == record.len);
		taken += len;
	}
	if (!conn->failed)
		return taken;
	/* Nobody will see it; the next read tells. */
	taken = 0;
	for (int i = 0; i < count; i++)
		taken += parts[i].iov_len;
	return taken;
}

void slv_tls_shutdown(struct slv_tls_conn *conn)
{
	slv_loop_assert(conn->tls->loop);
	if (conn->failed || !SSL_is_init_finished(conn->ssl))
		return;
	(void)SSL_shutdown(conn->ssl); /* the peer's close_notify is not waited for */
	ERR_clear_error();
}

bool slv_tls_is_h2(const struct slv_tls_conn *conn)
{
	const unsigned char *at = NULL;
	unsigned len = 0;
	SSL_get0_alpn_selected(conn->ssl, &at, &len);
	return slv_str_eq((slv_str){ (const char *)at, len }, SLV_STR("h2"));
}
