/* record.h - how pictures, variants and signing keys are kept in rows
 *
 * Of an account, in the map "images-<its id>" (hosted_map()):
 *
 *	i<id>                     a picture, or the draft of one; its bytes are a blob
 *	n<uploaded, 8 bytes><id>  by the time of upload, downward (all bits turned): newest first
 *	o<uploaded, 8 bytes><id>  upward: oldest first. A draft has neither: lists do not show it
 *	u<digest>                 the one-time upload with that secret: the id of its draft
 *	x<expiry, 8 bytes><key>   a row, by its key, that may have expired by then
 *	v<id>                     a variant: its options as in a link
 *	s                         all signing keys
 *	c                         settings that the API changes
 *	m                         what batch tokens are signed with: random bytes
 *
 * Times are milliseconds since 1970, integers big-endian, a digest is SHA-256 of the secret's text.
 *
 * A picture's id is any UTF-8 of 1 to 1024 bytes, slashes included, that can stand in a path; the
 * same bytes as there once that is percent-decoded. One that we make is a UUID, version 4.
 *
 * The blob of a picture never changes and is never used again: so its id is the picture's version,
 * hosted_version(), and what is remembered under it is true for ever.
 *
 * Thread: any; no I/O.
 */
#ifndef SLV_SERVICE_IMAGE_HOSTED_RECORD_H
#define SLV_SERVICE_IMAGE_HOSTED_RECORD_H

#include "base/err.h"
#include "base/str.h"
#include "store/blob/blob.h"
#include "store/omap/omap.h"

#define HOSTED_MAP "images"     /* what the maps' names begin with, then '-' */
#define HOSTED_ACCOUNT_BYTES 32 /* SLV_API_ID_BYTES of api/token.h */
#define HOSTED_MAP_BYTES (sizeof(HOSTED_MAP) + HOSTED_ACCOUNT_BYTES)
#define HOSTED_HASH_BYTES 22

#define HOSTED_ID_BYTES_MAX 1024
#define HOSTED_UUID_BYTES 36
#define HOSTED_FILENAME_BYTES_MAX 255
#define HOSTED_CREATOR_BYTES_MAX 1024
#define HOSTED_METADATA_BYTES_MAX 1024
#define HOSTED_VARIANT_ID_BYTES_MAX 99
#define HOSTED_OPTIONS_BYTES_MAX 1024
#define HOSTED_KEY_NAME_BYTES_MAX 32 /* as SLV_IMAGE_KEY_NAME_MAX (service/image/sign.h) */
#define HOSTED_KEY_VALUE_BYTES_MAX 128
#define HOSTED_VERSION_BYTES (2 * SLV_BLOB_ID_BYTES)
#define HOSTED_SECRET_BYTES 32 /* of a digest */

#define HOSTED_VARIANTS_MAX 100 /* of an account */
#define HOSTED_KEYS_MAX 10

/* --- names --- */

/* The map of an account, by its id; NULL: it is none. */
struct slv_omap *hosted_map(struct slv_omaps *maps, slv_str account);

/* The name of an account in public URLs: 22 characters of A-Z, a-z, 0-9, '-' and '_', always the
 * same, which do not tell the id. */
void hosted_account_hash(slv_str account, char ret_hash[static HOSTED_HASH_BYTES]);

/* SLV_E_SYNTAX, SLV_E_LIMIT: that cannot be the id of a picture; the text says why. */
slv_err hosted_id_check(slv_str id);

/* Is it a UUID, in any case? Nobody but us gives a picture such an id. */
bool hosted_id_is_uuid(slv_str id);

/* A UUID, version 4, of random bytes. */
void hosted_uuid_print(const uint8_t random[static 16], char ret_id[static HOSTED_UUID_BYTES]);

/* --- a picture --- */

struct hosted_image {
	int64_t uploaded_ms;
	bool is_draft; /* it has no bytes yet: `blob`, `format` and what they say are nothing */
	int64_t expires_ms;                  /* of a draft */
	uint8_t upload[HOSTED_SECRET_BYTES]; /* of a draft: the digest in its row `u` */
	bool is_signed;                      /* requireSignedURLs */
	struct slv_blob_ref blob;
	uint8_t format;         /* enum slv_format (proc/pixel.h): as its first bytes say */
	uint32_t width, height; /* as stored; 0: not known */
	slv_str filename;       /* empty: it has none; so with these */
	slv_str creator;
	slv_str metadata; /* JSON, an object */
};

#define HOSTED_IMAGE_BYTES_MAX                                                                     \
	(64 + HOSTED_SECRET_BYTES + HOSTED_FILENAME_BYTES_MAX + HOSTED_CREATOR_BYTES_MAX +         \
			HOSTED_METADATA_BYTES_MAX)

/* The row's value; returns its length. Texts are within their bounds. */
size_t hosted_image_write(
		const struct hosted_image *image, char row[static HOSTED_IMAGE_BYTES_MAX]);

/* Views into `row`. SLV_E_CORRUPT: it is none. */
slv_err hosted_image_read(slv_str row, struct hosted_image *ret_image);

/* What tells these bytes from any others that the id had or will have: in hexadecimal. */
void hosted_version(
		const struct hosted_image *image, char ret_version[static HOSTED_VERSION_BYTES]);

/* What its bytes are called as a source of pictures, and whose they are: for keys of the cache
 * (service/image/key.h), whichever route was asked. No link can name one: a source in it is a path
 * or a URL. */
#define HOSTED_SITE "hosted"
#define HOSTED_SOURCE_BYTES_MAX (sizeof("hosted:.") + HOSTED_VERSION_BYTES + 20)
slv_str hosted_source_name(
		const struct slv_blob_ref *ref, char room[static HOSTED_SOURCE_BYTES_MAX]);

/* False: it is no such name. */
bool hosted_source_read(slv_str name, struct slv_blob_ref *ret_ref);

/* --- a variant --- */

struct hosted_variant {
	bool never_signed; /* neverRequireSignedURLs: of private pictures, too */
	slv_str options;   /* "fit=cover,width=400,…", as slv_image_options_parse() takes it */
};

#define HOSTED_VARIANT_BYTES_MAX (2 + HOSTED_OPTIONS_BYTES_MAX)

/* The row's value; returns its length. */
size_t hosted_variant_write(
		const struct hosted_variant *variant, char row[static HOSTED_VARIANT_BYTES_MAX]);

/* Views into `row`. SLV_E_CORRUPT: it is none. */
slv_err hosted_variant_read(slv_str row, struct hosted_variant *ret_variant);

/* SLV_E_SYNTAX, SLV_E_LIMIT: letters, digits, '-' and '_'; so it is no list of options. */
slv_err hosted_variant_id_check(slv_str id);

/* The variant that is there without a row, and with one that is as its row says. */
#define HOSTED_PUBLIC_VARIANT "public"
#define HOSTED_PUBLIC_OPTIONS "fit=scale-down,width=1366,height=768,metadata=none"

/* --- a signing key --- */

#define HOSTED_DEFAULT_KEY "default"

struct hosted_key {
	slv_str name, value;
};

/* All of an account, in one row: so whoever changes them knows what the others are, and whoever
 * verifies reads no more for a wrong signature than for a right one. */
struct hosted_keys {
	size_t count;
	struct hosted_key at[HOSTED_KEYS_MAX];
};

#define HOSTED_KEYS_BYTES_MAX                                                                      \
	(1 + HOSTED_KEYS_MAX * (4 + HOSTED_KEY_NAME_BYTES_MAX + HOSTED_KEY_VALUE_BYTES_MAX))

/* SLV_E_SYNTAX, SLV_E_LIMIT: letters, digits, '-' and '_'. */
slv_err hosted_key_name_check(slv_str name);

/* The row's value; returns its length. Texts are within their bounds. */
size_t hosted_keys_write(const struct hosted_keys *keys, char row[static HOSTED_KEYS_BYTES_MAX]);

/* Views into `row`; an empty one is that of an account which has none yet. SLV_E_CORRUPT. */
slv_err hosted_keys_read(slv_str row, struct hosted_keys *ret_keys);

/* --- what the API changes --- */

struct hosted_config {
	bool flexible_variants; /* options in place of a variant; a row that is not there: no */
};

#define HOSTED_CONFIG_BYTES 2
#define HOSTED_CONFIG_KEY "c"
#define HOSTED_BATCH_KEY "m"
#define HOSTED_KEYS_KEY "s"

size_t hosted_config_write(
		const struct hosted_config *config, char row[static HOSTED_CONFIG_BYTES]);

/* An empty `row` is that of an account which has changed nothing. SLV_E_CORRUPT. */
slv_err hosted_config_read(slv_str row, struct hosted_config *ret_config);

/* --- keys of rows, put into `room` --- */

#define HOSTED_KEY_BYTES_MAX (1 + 8 + 1 + HOSTED_ID_BYTES_MAX)

/* 'i', 'v': a picture, a variant by its id. */
slv_str hosted_row_key(char kind, slv_str id, char room[static HOSTED_KEY_BYTES_MAX]);

/* 'n', 'o', 'x': an id, or the key of a row, by a time. */
slv_str hosted_time_key(
		char kind, int64_t time_ms, slv_str id, char room[static HOSTED_KEY_BYTES_MAX]);

/* 'u': by the digest of a secret. */
slv_str hosted_secret_key(char kind, const uint8_t digest[static HOSTED_SECRET_BYTES],
		char room[static HOSTED_KEY_BYTES_MAX]);

/* What the row of a time is about; false: it is none. */
bool hosted_time_read(slv_str row_key, int64_t *ret_time_ms, slv_str *ret_id);

#endif
