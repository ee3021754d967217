#include "tls/fixture.h"

#include "base/assert.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void fixture_new(struct fixture_pair *pair)
{
	const char *top = getenv("TMPDIR");
	if (!top || strlen(top) > 30)
		top = "/tmp";
	snprintf(pair->folder, sizeof(pair->folder), "%s/test_tls_XXXXXX", top);
	slv_assert(mkdtemp(pair->folder));
	snprintf(pair->certificate, sizeof(pair->certificate), "%s/chain.pem", pair->folder);
	snprintf(pair->key, sizeof(pair->key), "%s/key.pem", pair->folder);
}

void fixture_done(struct fixture_pair *pair)
{
	(void)unlink(pair->certificate); /* a test may have removed them */
	(void)unlink(pair->key);
	slv_assert(rmdir(pair->folder) == 0);
}

struct slv_tls_certificate fixture_paths(const struct fixture_pair *pair)
{
	return (struct slv_tls_certificate){ .certificate_path = slv_str_from(pair->certificate),
		.key_path = slv_str_from(pair->key) };
}

static void add_names(X509 *certificate, const char *names)
{
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, certificate, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, names);
	slv_assert(extension && X509_add_ext(certificate, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

static void write_pair(const struct fixture_pair *pair, const char *names, const char *common,
		EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	slv_assert(certificate && X509_set_version(certificate, 2) == 1);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_NAME *subject = X509_get_subject_name(certificate);
	if (common)
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
				(const unsigned char *)common, -1, -1, 0);
	else
		X509_NAME_add_entry_by_txt(
				subject, "O", MBSTRING_ASC, (const unsigned char *)"x", -1, -1, 0);
	X509_set_issuer_name(certificate, subject);
	if (names)
		add_names(certificate, names);
	slv_assert(X509_set_pubkey(certificate, key) == 1);
	slv_assert(X509_sign(certificate, key, EVP_sha256()) > 0);

	FILE *file = fopen(pair->certificate, "w");
	slv_assert(file && PEM_write_X509(file, certificate) == 1);
	slv_assert(fclose(file) == 0);
	file = fopen(pair->key, "w");
	slv_assert(file && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
	slv_assert(fclose(file) == 0);
	X509_free(certificate);
}

void fixture_write_key(const struct fixture_pair *pair, const char *names, EVP_PKEY *key)
{
	write_pair(pair, names, NULL, key);
}

void fixture_write(const struct fixture_pair *pair, const char *names, const char *common)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	slv_assert(key);
	write_pair(pair, names, common, key);
	EVP_PKEY_free(key);
}

void fixture_write_text(const char *path, slv_str text)
{
	FILE *file = fopen(path, "w");
	slv_assert(file && fwrite(text.at, 1, text.len, file) == text.len);
	slv_assert(fclose(file) == 0);
}
