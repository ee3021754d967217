/* fixture.h - certificates made on the spot; for tests and fuzzing only */
#ifndef SLV_TLS_FIXTURE_H
#define SLV_TLS_FIXTURE_H

#include "tls/tls.h"

#include <openssl/types.h>

#include <stdbool.h>

struct fixture_pair {
	char folder[64];
	char certificate[96], key[96];
};

/* A new folder below the one for temporary files, and a pair of paths in it; no files yet. */
void fixture_new(struct fixture_pair *pair);
void fixture_done(struct fixture_pair *pair); /* removes files and folder */

struct slv_tls_certificate fixture_paths(const struct fixture_pair *pair);

/* Write a certificate signed by itself. `names` as "DNS:a.example,DNS:*.b.example", or NULL;
 * `common` or NULL. Another call makes another key. */
void fixture_write(const struct fixture_pair *pair, const char *names, const char *common);
void fixture_write_key(const struct fixture_pair *pair, const char *names, EVP_PKEY *key);

/* Replace the content of a file. */
void fixture_write_text(const char *path, slv_str text);

#endif
