/* tls.c - certificates by name, tickets, and their renewal */
#include "base/assert.h"
#include "base/mem.h"
#include "loop/log.h"
#include "tls/private.h"

#include <openssl/core_names.h>
#include <openssl/err.h>

#include <string.h>

#define ARENA_BLOCK_BYTES SLV_KIB(4)
#define ARENA_BYTES_MAX SLV_MIB(16)
#define INPUT_BYTES SLV_KIB(32)
#define OUTPUT_CAP                                                                                 \
	(TLS_OUTPUT_BYTES + TLS_RECORD_BYTES + 1024u) /* a record, begun at the bound              \
	                                               */

/* A ticket key as the parent hands it out. */
#define KEY_NAME_BYTES 16u
#define KEY_CIPHER_BYTES 32u
#define KEY_MAC_BYTES 32u
#define IV_BYTES 16u

/* --- choosing --- */

/* The certificate for a name in lower case; NULL if there is none. */
static struct certificate *find_name(const struct slv_tls *tls, char *name, size_t len)
{
	struct certificate *certificate = slv_map_get(&tls->names, (slv_str){ name, len });
	const char *dot = memchr(name, '.', len);
	if (certificate || !dot || dot == name)
		return certificate;
	size_t skip = (size_t)(dot - name) - 1; /* a star takes the place of the first label */
	name[skip] = '*';
	return slv_map_get(&tls->names, (slv_str){ name + skip, len - skip });
}

static int choose_certificate(SSL *ssl, int *alert, void *arg)
{
	(void)alert;
	(void)arg;
	const struct slv_tls *tls = tls_of(ssl);
	slv_str asked = slv_str_from(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	char name[TLS_NAME_BYTES_MAX];
	if (!asked.len || asked.len > sizeof(name) || slv_str_find(asked, '*') < asked.len)
		return SSL_TLSEXT_ERR_OK;
	for (size_t i = 0; i < asked.len; i++)
		name[i] = slv_lower(asked.at[i]);
	const struct certificate *certificate = find_name(tls, name, asked.len);
	if (certificate && certificate->ctx != SSL_get_SSL_CTX(ssl))
		SSL_set_SSL_CTX(ssl, certificate->ctx);
	return SSL_TLSEXT_ERR_OK;
}

static int choose_protocol(SSL *ssl, const unsigned char **ret_at, unsigned char *ret_len,
		const unsigned char *offer, unsigned offer_len, void *arg)
{
	static const unsigned char ours[] = "\x02h2\x08http/1.1";
	(void)arg;
	unsigned skip = tls_of(ssl)->h2 ? 0 : 3;
	unsigned char *at = NULL;
	int found = SSL_select_next_proto(
			&at, ret_len, ours + skip, sizeof(ours) - 1 - skip, offer, offer_len);
	if (found != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL; /* no_application_protocol, RFC 7301 3.2 */
	*ret_at = at;
	return SSL_TLSEXT_ERR_OK;
}

/* --- tickets --- */

/* Seal (`sealing`) or open one; the results are those of SSL_CTX_set_tlsext_ticket_key_evp_cb(3).
 */
static int ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
		EVP_MAC_CTX *mac, int sealing)
{
	struct slv_tls *tls = tls_of(ssl);
	const struct slv_ticket_keys *keys = &tls->tickets;
	uint32_t index = 0;
	if (sealing) {
		memcpy(name, keys->key[0], KEY_NAME_BYTES);
		slv_loop_random(tls->loop, iv, IV_BYTES);
	} else {
		while (index < keys->count && memcmp(name, keys->key[index], KEY_NAME_BYTES) != 0)
			index++;
		if (index == keys->count)
			return 0;
	}
	uint8_t secret[KEY_MAC_BYTES];
	char digest[] = "SHA256";
	memcpy(secret, keys->key[index] + KEY_NAME_BYTES + KEY_CIPHER_BYTES, sizeof(secret));
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret, sizeof(secret)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	bool good = EVP_CipherInit_ex2(cipher, tls->ticket_cipher,
				    keys->key[index] + KEY_NAME_BYTES, iv, sealing, NULL) == 1 &&
	            EVP_MAC_CTX_set_params(mac, params) == 1;
	slv_wipe(secret, sizeof(secret));
	if (!good)
		return -1;
	return index ? 2 : 1; /* 2: opened, and to be sealed anew with the newest key */
}

void slv_tls_tickets(struct slv_tls *tls, const struct slv_ticket_keys *tickets)
{
	slv_loop_assert(tls->loop);
	slv_assert(tickets->count >= 1 && tickets->count <= SLV_TICKET_KEYS);
	tls->tickets = *tickets;
}

/* --- life --- */

static void adopt(SSL_CTX *ctx)
{
	SSL_CTX_set_tlsext_servername_callback(ctx, choose_certificate);
	SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_key);
}

/* Who comes first has a name. */
static void index_names(struct slv_tls *tls)
{
	slv_map_done(&tls->names);
	slv_map_init(&tls->names, slv_loop_hash_key(tls->loop));
	for (size_t i = 0; i < tls->count; i++) {
		struct certificate *certificate = tls->slots[i].certificate;
		for (size_t j = 0; j < certificate->count; j++)
			if (!slv_map_get(&tls->names, certificate->names[j]))
				slv_map_put(&tls->names, certificate->names[j], certificate);
	}
}

static slv_err load_slots(struct slv_tls *tls, struct slv_arena *arena,
		const struct slv_tls_certificate *certificates)
{
	tls->slots = SLV_NEW_ARRAY(&tls->arena, struct slot, tls->count);
	if (!tls->slots)
		return SLV_ERR(SLV_E_LIMIT, "too many certificates");
	for (size_t i = 0; i < tls->count; i++) {
		struct slot *slot = &tls->slots[i];
		slot->paths.certificate_path =
				slv_str_copy(&tls->arena, certificates[i].certificate_path);
		slot->paths.key_path = slv_str_copy(&tls->arena, certificates[i].key_path);
		if (!slot->paths.certificate_path.at || !slot->paths.key_path.at)
			return SLV_ERR(SLV_E_LIMIT, "too many certificates");
		certificate_id(&slot->paths, &slot->seen);
		slv_err err = certificate_load(arena, &slot->paths, tls->least, tls->count > 1,
				&slot->certificate);
		if (slv_failed(err))
			return err;
		adopt(slot->certificate->ctx);
	}
	return SLV_OK;
}

slv_err slv_tls_new(struct slv_arena *arena, struct slv_loop *loop, const struct slv_tls_conf *conf,
		const struct slv_ticket_keys *tickets, struct slv_tls **ret_tls)
{
	slv_loop_assert(loop);
	slv_assert(conf->count >= 1);
	struct slv_tls *tls = SLV_ALLOC(struct slv_tls);
	tls->loop = loop;
	tls->least = conf->least;
	tls->h2 = conf->h2;
	tls->count = conf->count;
	tls->inputs.bytes = INPUT_BYTES;
	tls->outputs.bytes = OUTPUT_CAP;
	slv_arena_init(&tls->arena, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
	slv_tls_tickets(tls, tickets);
	slv_err err = load_slots(tls, arena, conf->certificates);
	if (slv_failed(err)) {
		slv_tls_free(tls);
		return err;
	}
	index_names(tls);
	tls->ticket_cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	tls->bio = tls_bio_new();
	tls->record = slv_realloc(NULL, TLS_RECORD_BYTES);
	slv_assert(tls->ticket_cipher && tls->bio);
	*ret_tls = tls;
	return SLV_OK;
}

/* --- renewal --- */

struct fresh {
	struct slv_tls_certificate paths; /* in the job's arena */
	struct certificate_id seen;
	bool changed;
	slv_err err;
	struct certificate *certificate; /* NULL: not changed, or bad */
};

struct refresh {
	struct slv_job job;
	struct slv_tls *tls; /* NULL: gone meanwhile */
	struct slv_arena arena;
	enum slv_tls_version least;
	size_t count;
	struct fresh *all;
};

void slv_tls_free(struct slv_tls *tls)
{
	if (!tls)
		return;
	slv_loop_assert(tls->loop);
	slv_assert(tls->connections == 0);
	if (tls->refresh)
		tls->refresh->tls = NULL;
	for (size_t i = 0; tls->slots && i < tls->count; i++)
		certificate_free(tls->slots[i].certificate);
	slv_map_done(&tls->names);
	tls_stock_done(&tls->inputs);
	tls_stock_done(&tls->outputs);
	EVP_CIPHER_free(tls->ticket_cipher);
	BIO_meth_free(tls->bio);
	slv_free(tls->record);
	slv_arena_done(&tls->arena);
	slv_wipe(&tls->tickets, sizeof(tls->tickets));
	slv_free(tls);
}

static void refresh_work(struct slv_job *job)
{
	struct refresh *refresh = SLV_CONTAINER(job, struct refresh, job);
	for (size_t i = 0; i < refresh->count; i++) {
		struct fresh *fresh = &refresh->all[i];
		struct certificate_id now;
		certificate_id(&fresh->paths, &now);
		fresh->changed = !certificate_id_eq(&now, &fresh->seen);
		fresh->seen = now;
		if (fresh->changed)
			fresh->err = certificate_load(&refresh->arena, &fresh->paths,
					refresh->least, refresh->count > 1, &fresh->certificate);
	}
}

static void take_over(struct slv_tls *tls, struct slot *slot, struct fresh *fresh)
{
	struct slv_log *log = slv_loop_log(tls->loop);
	slot->seen = fresh->seen; /* also if they are bad: that is told once */
	if (!fresh->certificate) {
		slv_log(log, SLV_WARN, "tls.refresh",
				SLV_KV("certificate", slot->paths.certificate_path),
				SLV_KV("error", fresh->err.what));
		return;
	}
	certificate_free(slot->certificate);
	slot->certificate = fresh->certificate;
	fresh->certificate = NULL;
	adopt(slot->certificate->ctx);
	slv_log(log, SLV_INFO, "tls.refresh", SLV_KV("certificate", slot->paths.certificate_path));
}

static void refresh_done(struct slv_job *job)
{
	struct refresh *refresh = SLV_CONTAINER(job, struct refresh, job);
	struct slv_tls *tls = refresh->tls;
	if (tls) {
		tls->refresh = NULL;
		for (size_t i = 0; i < refresh->count; i++)
			if (refresh->all[i].changed)
				take_over(tls, &tls->slots[i], &refresh->all[i]);
		index_names(tls);
	}
	for (size_t i = 0; i < refresh->count; i++)
		certificate_free(refresh->all[i].certificate);
	slv_arena_done(&refresh->arena);
	slv_free(refresh);
}

void slv_tls_refresh(struct slv_tls *tls)
{
	slv_loop_assert(tls->loop);
	if (tls->refresh)
		return;
	struct refresh *refresh = SLV_ALLOC(struct refresh);
	refresh->tls = tls;
	refresh->least = tls->least;
	refresh->count = tls->count;
	refresh->job.work = refresh_work;
	refresh->job.done = refresh_done;
	/* Twice what the slots fit in, for errors. */
	slv_arena_init(&refresh->arena, ARENA_BLOCK_BYTES, 2 * ARENA_BYTES_MAX);
	refresh->all = SLV_NEW_ARRAY(&refresh->arena, struct fresh, tls->count);
	slv_assert(refresh->all);
	for (size_t i = 0; i < tls->count; i++) {
		const struct slot *slot = &tls->slots[i];
		struct fresh *fresh = &refresh->all[i];
		fresh->paths.certificate_path =
				slv_str_copy(&refresh->arena, slot->paths.certificate_path);
		fresh->paths.key_path = slv_str_copy(&refresh->arena, slot->paths.key_path);
		slv_assert(fresh->paths.certificate_path.at && fresh->paths.key_path.at);
		fresh->seen = slot->seen;
	}
	tls->refresh = refresh;
	slv_job_start(tls->loop, &refresh->job);
}
