/* private.h - what contexts, certificates and connections share */
#ifndef SLV_TLS_PRIVATE_H
#define SLV_TLS_PRIVATE_H

#include "base/map.h"
#include "tls/tls.h"

#include <openssl/ssl.h>
#include <sys/stat.h>

#define TLS_FILE_BYTES_MAX SLV_KIB(64) /* so that a handshake always fits the output */
#define TLS_RECORD_BYTES SLV_KIB(16)
#define TLS_OUTPUT_BYTES SLV_KIB(64)
#define TLS_NAME_BYTES_MAX 253u
#define TLS_STOCK_MAX 4u

/* Which bytes a path led to; zeroes: to none. */
struct file_id {
	uint64_t dev, inode, size;
	int64_t modified_s, modified_ns;
};

/* The files of a certificate as they were seen last. */
struct certificate_id {
	struct file_id certificate, key;
};

/* A context for one certificate. Its texts lie in its arena. */
struct certificate {
	SSL_CTX *ctx;
	slv_str *names; /* lower case; of a wildcard "*.name" */
	size_t count;
	struct slv_arena arena;
};

/* certificate.c; thread: any. */

void certificate_id(const struct slv_tls_certificate *paths, struct certificate_id *ret_id);
bool certificate_id_eq(const struct certificate_id *a, const struct certificate_id *b);

/* `named`: one without a name is refused. */
slv_err certificate_load(struct slv_arena *arena, const struct slv_tls_certificate *paths,
		enum slv_tls_version least, bool named, struct certificate **ret_certificate);
void certificate_free(struct certificate *certificate); /* connections keep what they need */

/* Buffers of one size. Most connections hold none; they take the one that was used last, which
 * the processor's caches still have. */
struct stock {
	size_t bytes; /* of each */
	unsigned count;
	char *spare[TLS_STOCK_MAX];
};

struct slot {
	struct slv_tls_certificate paths;
	struct certificate_id seen; /* good or bad */
	struct certificate *certificate;
};

struct refresh;

struct slv_tls {
	struct slv_loop *loop;
	struct slv_arena arena; /* the slots and their paths */
	enum slv_tls_version least;
	bool h2;
	size_t count;
	struct slot *slots;
	struct slv_map names; /* to struct certificate */
	struct slv_ticket_keys tickets;
	EVP_CIPHER *ticket_cipher;
	BIO_METHOD *bio;
	struct refresh *refresh; /* under way, or NULL */

	struct stock inputs, outputs;
	struct slv_tls_conn *roomy; /* has an input buffer without bytes; it is lent to the next */
	char *record;               /* TLS_RECORD_BYTES; small parts are joined here */
	uint64_t connections;
};

/* conn.c */
BIO_METHOD *tls_bio_new(void);
void tls_stock_done(struct stock *stock);

/* The one that `ssl` belongs to. */
struct slv_tls *tls_of(const SSL *ssl);

#endif
