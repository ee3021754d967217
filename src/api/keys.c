#include "api/keys.h"

#include "api/api.h"
#include "base/assert.h"
#include "base/map.h"
#include "base/mem.h"
#include "http/date.h"
#include "http/sigv4.h"

#include <string.h>

#define KEPT_MAX 4096 /* tokens in memory */
#define TOKEN_BLOCK_BYTES SLV_KIB(4)
#define TOKEN_BYTES_MAX SLV_KIB(256)
#define USED_EVERY_S 300
#define SIGN_SCOPE_BYTES_MAX 64
#define ACCOUNT_KEY SLV_STR(SLV_API_ACCOUNT_KEY)

/* A token in memory; counted, because it may be replaced while a request uses it. */
struct slv_api_kept {
	struct slv_list link; /* longest unused first */
	uint32_t refs;        /* the table's is one of them */
	uint64_t stamp;
	int64_t used_s; /* last written down by this loop */
	struct slv_arena arena;
	struct slv_api_token token;
	char scope[SIGN_SCOPE_BYTES_MAX]; /* that `sign_key` is for */
	size_t scope_len;                 /* 0: there is none yet */
	struct slv_digest sign_key;
};

struct slv_api_keys {
	struct slv_loop *loop;
	struct slv_omap *map;
	struct slv_map by_id;
	struct slv_list kept;
	char account[SLV_API_ID_BYTES];
	size_t account_len;
};

struct slv_api_keys *slv_api_keys_new(struct slv_loop *loop, struct slv_omaps *maps)
{
	struct slv_api_keys *keys = SLV_ALLOC(struct slv_api_keys);
	keys->loop = loop;
	keys->map = slv_omap_named(maps, SLV_STR(SLV_API_ACCOUNT_MAP));
	slv_map_init(&keys->by_id, slv_loop_hash_key(loop));
	slv_list_init(&keys->kept);
	return keys;
}

static void kept_unref(struct slv_api_kept *kept)
{
	if (--kept->refs)
		return;
	slv_arena_done(&kept->arena);
	slv_wipe(&kept->sign_key, sizeof(kept->sign_key));
	slv_free(kept);
}

static void forget(struct slv_api_keys *keys, struct slv_api_kept *kept)
{
	slv_map_remove(&keys->by_id, kept->token.id);
	slv_list_remove(&kept->link);
	kept_unref(kept);
}

void slv_api_keys_free(struct slv_api_keys *keys)
{
	if (!keys)
		return;
	SLV_LIST_EACH(link, &keys->kept)
	{
		forget(keys, SLV_CONTAINER(link, struct slv_api_kept, link));
	}
	slv_map_done(&keys->by_id);
	slv_free(keys);
}

slv_str slv_api_account(const struct slv_api_keys *keys)
{
	return (slv_str){ keys->account, keys->account_len };
}

struct slv_omap *slv_api_account_map(const struct slv_api_keys *keys)
{
	return keys->map;
}

/* --- finding --- */

static void hand_out(struct slv_api_find *find, struct slv_api_kept *kept)
{
	kept->refs++;
	find->kept = kept;
	find->token = &kept->token;
	find->account = slv_api_account(find->keys);
}

void slv_api_found_drop(struct slv_api_find *find)
{
	if (find->kept)
		kept_unref(find->kept);
	find->kept = NULL;
	find->token = NULL;
}

slv_err slv_api_account_read(slv_str row, char ret_account[static SLV_API_ID_BYTES])
{
	json_t *root = json_loadb(row.at ? row.at : "", row.len, 0, NULL);
	const char *id = json_string_value(json_object_get(root, "id"));
	bool ok = id && strlen(id) == SLV_API_ID_BYTES;
	if (ok)
		memcpy(ret_account, id, SLV_API_ID_BYTES);
	json_decref(root);
	return ok ? SLV_OK : SLV_ERR(SLV_E_CORRUPT, "the record of the account is damaged");
}

static void keep(struct slv_api_keys *keys, struct slv_api_kept *kept)
{
	struct slv_api_kept *before = slv_map_get(&keys->by_id, kept->token.id);
	if (before) {
		kept->used_s = before->used_s;
		forget(keys, before);
	}
	if (keys->by_id.count >= KEPT_MAX)
		forget(keys, SLV_CONTAINER(keys->kept.next, struct slv_api_kept, link));
	kept->refs++;
	slv_map_put(&keys->by_id, kept->token.id, kept);
	slv_list_push(&keys->kept, &kept->link);
}

static slv_err found(struct slv_api_find *find, const struct slv_omap_rows *rows)
{
	struct slv_api_keys *keys = find->keys;
	slv_err err = SLV_ERR(SLV_E_MISSING, "no such token");
	if (!rows->at[0].version || !rows->at[1].version)
		return err;
	err = slv_api_account_read(rows->at[1].value, keys->account);
	if (slv_failed(err))
		return err;
	keys->account_len = SLV_API_ID_BYTES;
	struct slv_api_kept *kept = SLV_ALLOC(struct slv_api_kept);
	slv_arena_init(&kept->arena, TOKEN_BLOCK_BYTES, TOKEN_BYTES_MAX);
	kept->refs = 1;
	kept->stamp = find->stamp;
	err = slv_api_token_read(
			&kept->arena, slv_api_account(keys), rows->at[0].value, &kept->token);
	if (!slv_failed(err)) {
		hand_out(find, kept);
		if (kept->stamp)
			keep(keys, kept);
	}
	kept_unref(kept);
	return err;
}

static void read_done(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct slv_api_find *find = SLV_CONTAINER(read, struct slv_api_find, read);
	if (!slv_failed(err))
		err = found(find, rows);
	if (rows)
		rows->hold.drop(&rows->hold);
	find->done(find, err);
}

/* A row's key; ids that are none give one that no row has. */
static slv_str token_key(slv_str id, char room[static SLV_API_ID_BYTES + 2])
{
	size_t len = id.len == SLV_API_ID_BYTES ? id.len : 0;
	memcpy(room, "t/", 2);
	if (len)
		memcpy(room + 2, id.at, len);
	return (slv_str){ room, len + 2 };
}

bool slv_api_find(struct slv_api_find *find)
{
	struct slv_api_keys *keys = find->keys;
	slv_loop_assert(keys->loop);
	find->kept = NULL;
	find->token = NULL;
	find->rows[0] = token_key(find->id, find->key);
	find->rows[1] = ACCOUNT_KEY;
	find->stamp = slv_omap_stamp(keys->map, find->rows[0]);
	struct slv_api_kept *kept = slv_map_get(&keys->by_id, find->id);
	if (kept && kept->stamp == find->stamp) {
		slv_list_remove(&kept->link);
		slv_list_push(&keys->kept, &kept->link);
		hand_out(find, kept);
		return true;
	}
	find->read = (struct slv_omap_read){
		.map = keys->map,
		.what = SLV_OMAP_GET,
		.keys = find->rows,
		.count = SLV_COUNT(find->rows),
		.rows_max = SLV_COUNT(find->rows),
		.done = read_done,
	};
	slv_omap_read(keys->loop, &find->read);
	return false;
}

/* All in one, which have no '/'; 0 if that is too long. */
static size_t scope_of(slv_str date, slv_str region, slv_str service,
		char ret_scope[static SIGN_SCOPE_BYTES_MAX])
{
	const slv_str parts[] = { date, region, service };
	size_t len = 0;
	for (size_t i = 0; i < SLV_COUNT(parts); i++) {
		if (parts[i].len >= SIGN_SCOPE_BYTES_MAX - len)
			return 0;
		memcpy(ret_scope + len, parts[i].at, parts[i].len);
		len += parts[i].len;
		ret_scope[len++] = '/';
	}
	return len;
}

struct slv_digest slv_api_sign_key(
		struct slv_api_find *find, slv_str date, slv_str region, slv_str service)
{
	struct slv_api_kept *kept = find->kept;
	char scope[SIGN_SCOPE_BYTES_MAX];
	size_t len = scope_of(date, region, service, scope);
	if (len && kept->scope_len == len && memcmp(kept->scope, scope, len) == 0)
		return kept->sign_key;
	struct slv_digest key = slv_sigv4_key(kept->token.secret, date, region, service);
	if (len) {
		memcpy(kept->scope, scope, len);
		kept->scope_len = len;
		kept->sign_key = key;
	}
	return key;
}

/* --- last use --- */

struct used {
	struct slv_omap_batch batch;
	struct slv_omap_change changes[2]; /* the row, and that the token is still there */
	char token_key[SLV_API_ID_BYTES + 2], key[SLV_API_ID_BYTES + 2], value[SLV_U64_DIGITS];
};

static void used_done(struct slv_omap_batch *batch, slv_err err)
{
	(void)err; /* the next use writes it down */
	slv_free(SLV_CONTAINER(batch, struct used, batch));
}

void slv_api_used(struct slv_api_keys *keys, const struct slv_api_token *token)
{
	int64_t now_s = slv_loop_wall_s(keys->loop);
	struct slv_api_kept *kept = slv_map_get(&keys->by_id, token->id);
	if (!kept || &kept->token != token || now_s - kept->used_s < USED_EVERY_S)
		return;
	kept->used_s = now_s;
	struct used *used = SLV_ALLOC(struct used);
	slv_str key = token_key(token->id, used->key);
	used->key[0] = 'u';
	used->changes[0] = (struct slv_omap_change){
		.what = SLV_OMAP_PUT,
		.key = key,
		.value = slv_str_of_u64((uint64_t)now_s, used->value),
	};
	used->changes[1] = (struct slv_omap_change){
		.what = SLV_OMAP_CHECK,
		.when = SLV_OMAP_IF_PRESENT,
		.key = token_key(token->id, used->token_key),
	};
	used->batch = (struct slv_omap_batch){ .map = keys->map,
		.changes = used->changes,
		.count = SLV_COUNT(used->changes),
		.done = used_done };
	slv_omap_write(keys->loop, &used->batch);
}

/* --- records --- */

static json_t *now_text(struct slv_loop *loop)
{
	char text[SLV_DATE_ISO_BYTES];
	slv_date_print_iso(slv_loop_wall_s(loop), text);
	return json_stringn(text, sizeof(text));
}

void slv_api_token_modified(struct slv_loop *loop, json_t *record)
{
	json_object_set_new(record, "modified_on", now_text(loop));
}

void slv_api_token_roll(
		struct slv_loop *loop, json_t *record, char ret_value[static SLV_API_VALUE_BYTES])
{
	uint8_t random[40];
	char secret[SLV_API_SECRET_BYTES];
	slv_loop_random(loop, random, sizeof(random));
	slv_api_value_print(slv_str_from(json_string_value(json_object_get(record, "id"))), random,
			ret_value);
	slv_wipe(random, sizeof(random));
	slv_api_value_secret((slv_str){ ret_value, SLV_API_VALUE_BYTES }, secret);
	json_object_set_new(record, "secret", json_stringn(secret, sizeof(secret)));
	slv_api_token_modified(loop, record);
}

void slv_api_token_new(struct slv_loop *loop, json_t *record, char ret_id[static SLV_API_ID_BYTES],
		char ret_value[static SLV_API_VALUE_BYTES])
{
	slv_loop_random_hex(loop, ret_id, SLV_API_ID_BYTES);
	json_object_set_new(record, "id", json_stringn(ret_id, SLV_API_ID_BYTES));
	json_object_set_new(record, "issued_on", now_text(loop));
	slv_api_token_roll(loop, record, ret_value);
}

/* --- the first start --- */

static void first_end(struct slv_api_first *first, slv_err err, bool made)
{
	slv_str account = { first->account, SLV_API_ID_BYTES };
	slv_str value = { first->value, made ? SLV_API_VALUE_BYTES : 0 };
	for (size_t i = 0; i < SLV_COUNT(first->texts); i++)
		slv_buf_done(&first->texts[i]);
	first->done(first, err, account, value);
	slv_wipe(first->value, sizeof(first->value));
}

static void first_written(struct slv_omap_batch *batch, slv_err err)
{
	struct slv_api_first *first = SLV_CONTAINER(batch, struct slv_api_first, batch);
	/* Another process was faster: then it has shown a token. */
	bool lost = err.code == SLV_E_PRECONDITION;
	first_end(first, lost ? SLV_OK : err, !slv_failed(err));
}

json_t *slv_api_all_groups(void)
{
	json_t *groups = json_array();
	for (size_t i = 0; i < SLV_API_RIGHT_COUNT; i++)
		json_array_append_new(groups, json_pack("{s:s}", "id", slv_api_rights[i].id));
	return groups;
}

static slv_err first_records(struct slv_api_first *first)
{
	struct slv_arena scratch;
	char resource[64], id[SLV_API_ID_BYTES];
	slv_arena_init(&scratch, TOKEN_BLOCK_BYTES, TOKEN_BYTES_MAX);
	slv_loop_random_hex(first->loop, first->account, sizeof(first->account));
	slv_str account = { first->account, sizeof(first->account) };
	(void)snprintf(resource, sizeof(resource), "com.cloudflare.api.account.%.*s",
			SLV_FMT(account)); /* fits */
	json_t *said = json_pack("{s:s, s:[{s:s, s:{s:s}, s:o}]}", "name", "first", "policies",
			"effect", "allow", "resources", resource, "*", "permission_groups",
			slv_api_all_groups());
	json_t *record = json_object();
	slv_err err = slv_api_record_update(&scratch, account, said, true, record);
	slv_api_token_new(first->loop, record, id, first->value);
	json_t *own = json_pack("{s:s%, s:s, s:o}", "id", account.at, account.len, "name",
			"Selvedge", "created_on", now_text(first->loop));
	slv_api_dump(own, &first->texts[0]);
	slv_api_dump(record, &first->texts[1]);
	first->changes[0] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.when = SLV_OMAP_IF_ABSENT,
		.key = ACCOUNT_KEY,
		.value = slv_buf_str(&first->texts[0]) };
	first->changes[1] = (struct slv_omap_change){ .what = SLV_OMAP_PUT,
		.key = token_key((slv_str){ id, sizeof(id) }, first->token_key),
		.value = slv_buf_str(&first->texts[1]) };
	json_decref(own);
	json_decref(record);
	json_decref(said);
	slv_arena_done(&scratch);
	return err;
}

static void first_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct slv_api_first *first = SLV_CONTAINER(read, struct slv_api_first, read);
	bool there = rows && rows->at[0].version;
	if (rows)
		rows->hold.drop(&rows->hold);
	if (!slv_failed(err) && !there)
		err = first_records(first);
	if (slv_failed(err) || there) {
		first_end(first, err, false);
		return;
	}
	first->batch = (struct slv_omap_batch){ .map = read->map,
		.changes = first->changes,
		.count = SLV_COUNT(first->changes),
		.done = first_written };
	slv_omap_write(first->loop, &first->batch);
}

void slv_api_first(struct slv_loop *loop, struct slv_api_first *first)
{
	first->loop = loop;
	first->key = ACCOUNT_KEY;
	for (size_t i = 0; i < SLV_COUNT(first->texts); i++)
		slv_buf_init(&first->texts[i], SLV_OMAP_VALUE_BYTES_MAX);
	first->read = (struct slv_omap_read){
		.map = slv_omap_named(first->maps, SLV_STR(SLV_API_ACCOUNT_MAP)),
		.what = SLV_OMAP_GET,
		.keys = &first->key,
		.count = 1,
		.rows_max = 1,
		.done = first_read,
	};
	slv_omap_read(loop, &first->read);
}
