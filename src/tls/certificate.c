/* certificate.c - from two PEM files to a context that handshakes are made with */
#include "base/fd.h"
#include "base/mem.h"
#include "tls/private.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ARENA_BLOCK_BYTES SLV_KIB(1)
#define ARENA_BYTES_MAX SLV_MIB(1)
#define TICKET_S 86400L /* no session is resumed after a day; keys are dropped sooner or later */

/* AEAD with forward secrecy, cheapest first. Who begins its own list with ChaCha20 has no AES in
 * hardware and gets that (SSL_OP_PRIORITIZE_CHACHA). */
#define SUITES_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define SUITES_1_2                                                                                 \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                               \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                               \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

/* --- files --- */

static void file_id(slv_str path, struct file_id *ret_id)
{
	char name[4097];
	struct stat st;
	*ret_id = (struct file_id){ 0 };
	if (path.len >= sizeof(name))
		return;
	memcpy(name, path.at, path.len);
	name[path.len] = 0;
	if (stat(name, &st) != 0)
		return;
	*ret_id = (struct file_id){ .dev = st.st_dev,
		.inode = st.st_ino,
		.size = (uint64_t)st.st_size,
		.modified_s = st.st_mtim.tv_sec,
		.modified_ns = st.st_mtim.tv_nsec };
}

void certificate_id(const struct slv_tls_certificate *paths, struct certificate_id *ret_id)
{
	file_id(paths->certificate_path, &ret_id->certificate);
	file_id(paths->key_path, &ret_id->key);
}

static bool file_id_eq(const struct file_id *a, const struct file_id *b)
{
	return a->dev == b->dev && a->inode == b->inode && a->size == b->size &&
	       a->modified_s == b->modified_s && a->modified_ns == b->modified_ns;
}

bool certificate_id_eq(const struct certificate_id *a, const struct certificate_id *b)
{
	return file_id_eq(&a->certificate, &b->certificate) && file_id_eq(&a->key, &b->key);
}

static void wipe_text(slv_str *text)
{
	if (text->at)
		slv_wipe((void *)(uintptr_t)text->at, text->len);
	slv_free((void *)(uintptr_t)text->at);
}

/* All of the file, in memory of the heap that wipe_text() wipes and frees. */
static slv_err read_file(struct slv_arena *arena, slv_str path, slv_str *ret_text)
{
	const char *name = slv_cstr(arena, path);
	if (!name)
		return SLV_ERR(SLV_E_LIMIT, "path too long");
	/* O_NONBLOCK: a FIFO must not hold up the start. */
	SLV_CLEANUP(slv_fd_done) int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return slv_err_sys(arena, errno, "open '%s'", name);

	char *text = slv_alloc(TLS_FILE_BYTES_MAX + 1);
	size_t len = 0;
	ssize_t got;
	while ((got = read(fd, text + len, TLS_FILE_BYTES_MAX + 1 - len)) > 0)
		len += (size_t)got;
	int sys = errno;
	*ret_text = (slv_str){ text, len };
	if (got == 0 && len <= TLS_FILE_BYTES_MAX)
		return SLV_OK;
	wipe_text(ret_text);
	if (got < 0)
		return slv_err_sys(arena, sys, "read '%s'", name);
	return slv_err_printf(arena, SLV_E_LIMIT, "'%s' is larger than %zu KiB", name,
			TLS_FILE_BYTES_MAX / 1024);
}

/* --- what is in them --- */

static const char *reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());
	ERR_clear_error();
	return text ? text : "no reason known";
}

static slv_err use_chain(struct slv_arena *arena, SSL_CTX *ctx, slv_str path, BIO *pem)
{
	X509 *leaf = PEM_read_bio_X509_AUX(pem, NULL, NULL, NULL);
	if (!leaf)
		return slv_err_printf(arena, SLV_E_SYNTAX, "'%.*s' has no certificate in PEM: %s",
				SLV_FMT(path), reason());
	bool good = SSL_CTX_use_certificate(ctx, leaf) == 1;
	X509_free(leaf);
	for (X509 *next; good && (next = PEM_read_bio_X509(pem, NULL, NULL, NULL));) {
		good = SSL_CTX_add0_chain_cert(ctx, next) == 1;
		if (!good)
			X509_free(next);
	}
	if (!good)
		return slv_err_printf(arena, SLV_E_SYNTAX, "'%.*s' cannot be used: %s",
				SLV_FMT(path), reason());
	unsigned long last = ERR_peek_last_error();
	if (ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
		return slv_err_printf(arena, SLV_E_SYNTAX, "'%.*s' has a damaged chain: %s",
				SLV_FMT(path), reason());
	ERR_clear_error(); /* that was only the end of the file */
	return SLV_OK;
}

/* Else OpenSSL would ask on the terminal. */
static int no_passphrase(char *at, int size, int writing, void *arg)
{
	(void)at;
	(void)size;
	(void)writing;
	*(bool *)arg = true;
	return -1;
}

static slv_err use_key(struct slv_arena *arena, SSL_CTX *ctx, slv_str path, BIO *pem)
{
	bool encrypted = false;
	EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, &encrypted);
	if (!key && encrypted)
		return slv_err_printf(arena, SLV_E_SYNTAX,
				"'%.*s' needs a passphrase; only plain keys are read",
				SLV_FMT(path));
	if (!key)
		return slv_err_printf(arena, SLV_E_SYNTAX, "'%.*s' has no private key in PEM: %s",
				SLV_FMT(path), reason());
	bool matches = X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) == 1;
	bool good = matches && SSL_CTX_use_PrivateKey(ctx, key) == 1;
	EVP_PKEY_free(key);
	if (!matches) {
		ERR_clear_error();
		return slv_err_printf(arena, SLV_E_SYNTAX, "key does not match certificate: '%.*s'",
				SLV_FMT(path));
	}
	return good ? SLV_OK
	            : slv_err_printf(arena, SLV_E_SYNTAX, "'%.*s' cannot be used: %s",
				      SLV_FMT(path), reason());
}

static slv_err use_file(struct slv_arena *arena, SSL_CTX *ctx, slv_str path,
		slv_err (*use)(struct slv_arena *arena, SSL_CTX *ctx, slv_str path, BIO *pem))
{
	SLV_CLEANUP(wipe_text) slv_str text = { 0 };
	slv_err err = read_file(arena, path, &text);
	if (slv_failed(err)) {
		text = (slv_str){ 0 };
		return err;
	}
	BIO *pem = BIO_new_mem_buf(text.at, (int)text.len);
	slv_assert(pem);
	err = use(arena, ctx, path, pem);
	BIO_free(pem);
	return err;
}

/* --- names --- */

static bool name_add(struct certificate *certificate, const ASN1_STRING *from)
{
	int len = ASN1_STRING_length(from);
	const char *at = (const char *)ASN1_STRING_get0_data(from);
	if (len <= 0 || (unsigned)len > TLS_NAME_BYTES_MAX || memchr(at, 0, (size_t)len))
		return true; /* nobody can ask for it */
	char *name = slv_arena_bytes(&certificate->arena, (size_t)len);
	if (!name)
		return false;
	for (int i = 0; i < len; i++)
		name[i] = slv_lower(at[i]);
	certificate->names[certificate->count++] = (slv_str){ name, (size_t)len };
	return true;
}

/* The alternative names that are DNS names; without any, the common name (RFC 6125 6.4.4). */
static slv_err read_names(struct certificate *certificate)
{
	X509 *leaf = SSL_CTX_get0_certificate(certificate->ctx);
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	int count = names ? sk_GENERAL_NAME_num(names) : 0;
	certificate->names = SLV_NEW_ARRAY(&certificate->arena, slv_str, (size_t)count + 1);
	bool fits = certificate->names != NULL;
	for (int i = 0; i < count && fits; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_DNS)
			fits = name_add(certificate, name->d.dNSName);
	}
	GENERAL_NAMES_free(names);

	const X509_NAME *subject = X509_get_subject_name(leaf);
	int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (fits && !certificate->count && place >= 0)
		fits = name_add(certificate,
				X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
	ERR_clear_error();
	return fits ? SLV_OK : SLV_ERR(SLV_E_LIMIT, "certificate has too many names");
}

/* --- the context --- */

static SSL_CTX *context_new(enum slv_tls_version least)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	slv_assert(ctx);
	char groups[] = "X25519:P-256";
	int version = least == SLV_TLS_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
	bool good = SSL_CTX_set_min_proto_version(ctx, version) == 1 &&
	            SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	            SSL_CTX_set_ciphersuites(ctx, SUITES_1_3) == 1 &&
	            SSL_CTX_set_cipher_list(ctx, SUITES_1_2) == 1 &&
	            SSL_CTX_set1_groups_list(ctx, groups) == 1 &&
	            SSL_CTX_set_session_id_context(ctx, (const uint8_t *)"selvedge", 8) == 1;
	slv_assert(good);
	SSL_CTX_clear_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
						 SSL_OP_CIPHER_SERVER_PREFERENCE |
						 SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ctx, TICKET_S);
	SSL_CTX_set_max_early_data(ctx, 0);
	SSL_CTX_set_recv_max_early_data(ctx, 0);
	/* Reading ahead saves system calls, and ours cost none. */
	SSL_CTX_set_read_ahead(ctx, 0);
	return ctx;
}

slv_err certificate_load(struct slv_arena *arena, const struct slv_tls_certificate *paths,
		enum slv_tls_version least, bool named, struct certificate **ret_certificate)
{
	ERR_clear_error();
	struct certificate *certificate = SLV_ALLOC(struct certificate);
	slv_arena_init(&certificate->arena, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
	certificate->ctx = context_new(least);
	slv_err err = use_file(arena, certificate->ctx, paths->certificate_path, use_chain);
	if (!slv_failed(err))
		err = use_file(arena, certificate->ctx, paths->key_path, use_key);
	if (!slv_failed(err))
		err = read_names(certificate);
	if (!slv_failed(err) && named && !certificate->count)
		err = SLV_ERR(SLV_E_SYNTAX, "no name in it, and there are several certificates");
	if (slv_failed(err)) {
		certificate_free(certificate);
		return slv_err_wrap(
				arena, err, "certificate '%.*s'", SLV_FMT(paths->certificate_path));
	}
	*ret_certificate = certificate;
	return SLV_OK;
}

void certificate_free(struct certificate *certificate)
{
	if (!certificate)
		return;
	SSL_CTX_free(certificate->ctx);
	slv_arena_done(&certificate->arena);
	slv_free(certificate);
}
