/* token.c - `selvedge token`: tokens of the API, made and changed in the store itself
 *
 * Whoever can read the data folder is let in without a token, so that none can be lost for good. A
 * server that runs on the same store sees each change at once (with PostgreSQL within a second).
 */
#include "api/api.h"
#include "api/keys.h"
#include "base/buf.h"
#include "base/mem.h"
#include "http/date.h"
#include "loop/log.h"
#include "main/commands.h"
#include "main/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_BLOCK_BYTES SLV_KIB(16)
#define ARENA_BYTES_MAX SLV_MIB(16)

struct words {
	const char *deed, *config;
	slv_str name, id, for_s;
	slv_str allow[SLV_API_POLICIES_MAX];
	size_t allow_count;
};

/* The store, and what was read of it. */
struct desk {
	struct slv_arena arena;
	struct words words;
	struct slv_conf *conf;
	struct slv_log *log;
	struct slv_loop *loop;
	struct slv_omaps *maps;
	struct slv_omap *map;
	struct slv_omap_rows *rows; /* the account, its tokens, their uses */
	slv_str account;            /* its id */

	bool pending;
	slv_err err; /* of what has ended last */
};

/* --- the store --- */

static void wait(struct desk *desk)
{
	while (desk->pending)
		slv_loop_turn(desk->loop, true);
}

struct ask {
	struct slv_omap_read read;
	struct slv_omap_batch batch;
	struct slv_api_first first;
	struct desk *desk;
};

static void on_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct desk *desk = SLV_CONTAINER(read, struct ask, read)->desk;
	desk->rows = rows;
	desk->err = err;
	desk->pending = false;
}

static void on_write(struct slv_omap_batch *batch, slv_err err)
{
	struct desk *desk = SLV_CONTAINER(batch, struct ask, batch)->desk;
	desk->err = err;
	desk->pending = false;
}

static void on_first(struct slv_api_first *first, slv_err err, slv_str account, slv_str value)
{
	struct desk *desk = SLV_CONTAINER(first, struct ask, first)->desk;
	if (value.len)
		fprintf(stderr,
				"selvedge: account %.*s; its first API token, shown only now: "
				"%.*s\n",
				SLV_FMT(account), SLV_FMT(value));
	desk->err = err;
	desk->pending = false;
}

static slv_err make_account(struct desk *desk)
{
	struct ask ask = { .desk = desk };
	ask.first = (struct slv_api_first){ .maps = desk->maps, .done = on_first };
	desk->pending = true;
	slv_api_first(desk->loop, &ask.first);
	wait(desk);
	return desk->err;
}

static slv_err read_all(struct desk *desk)
{
	struct ask ask = { .desk = desk };
	ask.read = (struct slv_omap_read){
		.map = desk->map,
		.what = SLV_OMAP_SCAN,
		.from = SLV_STR("account"),
		.until = SLV_STR("u0"),
		.rows_max = 2 * SLV_API_TOKENS_MAX + 1,
		.done = on_read,
	};
	desk->pending = true;
	slv_omap_read(desk->loop, &ask.read);
	wait(desk);
	return desk->err;
}

static slv_err write_all(struct desk *desk, const struct slv_omap_change *changes, size_t count)
{
	struct ask ask = { .desk = desk };
	ask.batch = (struct slv_omap_batch){
		.map = desk->map, .changes = changes, .count = count, .done = on_write
	};
	desk->pending = true;
	slv_omap_write(desk->loop, &ask.batch);
	wait(desk);
	if (desk->err.code == SLV_E_PRECONDITION)
		return SLV_ERR(SLV_E_CONFLICT, "the token was changed meanwhile; try again");
	return desk->err;
}

static slv_err open_store(struct desk *desk)
{
	slv_err err = settings_load(&desk->arena, desk->words.config, &desk->conf);
	if (slv_failed(err))
		return err;
	const struct settings *settings = slv_conf_root(desk->conf);
	const char *data = slv_cstr(&desk->arena, settings->data);
	slv_str maps = settings_maps(&desk->arena, settings);
	if (!data || !maps.at)
		return SLV_ERR(SLV_E_LIMIT, "no memory for the name of the data folder");
	if (mkdir(data, 0700) != 0 && errno != EEXIST)
		return slv_err_sys(&desk->arena, errno, "make the data folder '%s'", data);
	desk->log = slv_log_new(STDERR_FILENO, SLV_WARN);
	desk->loop = slv_loop_new(0, desk->log, NULL);
	err = slv_omaps_open(maps, slv_loop_hash_key(desk->loop), desk->log, &desk->maps);
	if (slv_failed(err))
		return slv_err_wrap(&desk->arena, err, "store.maps");
	desk->map = slv_omap_named(desk->maps, SLV_STR(SLV_API_ACCOUNT_MAP));
	return SLV_OK;
}

static void close_store(struct desk *desk)
{
	if (desk->rows)
		desk->rows->hold.drop(&desk->rows->hold);
	slv_loop_free(desk->loop);
	slv_omaps_close(desk->maps);
	slv_log_free(desk->log);
	slv_conf_free(desk->conf);
}

/* --- records --- */

static json_t *json_of(slv_str text)
{
	return json_loadb(text.at ? text.at : "", text.len, 0, NULL);
}

static slv_str text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	return (slv_str){ json_string_value(value), json_string_length(value) };
}

static slv_err find_account(struct desk *desk)
{
	const struct slv_omap_rows *rows = desk->rows;
	bool there = rows->count && slv_str_eq(rows->at[0].key, SLV_STR("account"));
	if (!there)
		return SLV_ERR(SLV_E_MISSING,
				"there is no account yet; `selvedge serve` or `selvedge token "
				"create` makes one");
	json_t *account = json_of(rows->at[0].value);
	desk->account = slv_str_copy(&desk->arena, text_of(account, "id"));
	json_decref(account);
	if (desk->account.len != SLV_API_ID_BYTES)
		return SLV_ERR(SLV_E_CORRUPT, "the record of the account is damaged");
	return SLV_OK;
}

/* The row with that letter of the token with that id; NULL: there is none. */
static const struct slv_omap_row *row_of(const struct desk *desk, char letter, slv_str id)
{
	for (size_t i = 0; i < desk->rows->count; i++) {
		const struct slv_omap_row *row = &desk->rows->at[i];
		if (row->key.len == 2 + id.len && row->key.at[0] == letter &&
				slv_str_ends(row->key, id))
			return row;
	}
	return NULL;
}

static slv_err put_record(struct desk *desk, const json_t *record, const struct slv_omap_row *row)
{
	struct slv_buf text;
	slv_str key = slv_str_printf(&desk->arena, "t/%.*s", SLV_FMT(text_of(record, "id")));
	slv_buf_init(&text, SLV_OMAP_VALUE_BYTES_MAX);
	slv_api_dump(record, &text);
	struct slv_omap_change change = {
		.what = SLV_OMAP_PUT,
		.when = row ? SLV_OMAP_IF_VERSION : SLV_OMAP_IF_ABSENT,
		.version = row ? row->version : 0,
		.key = key,
		.value = slv_buf_str(&text),
	};
	slv_err err = SLV_OK;
	if (!key.at || text.overflow)
		err = SLV_ERR(SLV_E_LIMIT, "a token of more than 16 KiB");
	if (!slv_failed(err))
		err = write_all(desk, &change, 1);
	slv_buf_done(&text);
	return err;
}

/* --- showing --- */

static void show_value(const json_t *record, slv_str value)
{
	char secret[SLV_API_SECRET_BYTES];
	slv_api_value_secret(value, secret);
	printf("token      %.*s\n"
	       "value      %.*s\n"
	       "S3 key id  %.*s\n"
	       "S3 secret  %.*s\n"
	       "The value and the secret are not shown again.\n",
			SLV_FMT(text_of(record, "id")), SLV_FMT(value),
			SLV_FMT(text_of(record, "id")), SLV_API_SECRET_BYTES, secret);
	slv_wipe(secret, sizeof(secret));
}

static slv_err show_row(struct desk *desk, const struct slv_omap_row *row)
{
	struct slv_api_token token;
	slv_err err = slv_api_token_read(&desk->arena, desk->account, row->value, &token);
	if (slv_failed(err))
		return err;
	char used[SLV_DATE_ISO_BYTES] = "never               ";
	char expires[SLV_DATE_ISO_BYTES] = "never               ";
	uint64_t used_s;
	const struct slv_omap_row *use = row_of(desk, 'u', token.id);
	if (use && slv_str_u64(use->value, INT64_MAX, &used_s))
		slv_date_print_iso((int64_t)used_s, used);
	if (token.expires_s)
		slv_date_print_iso(token.expires_s, expires);
	printf("%.*s  %-8s  %.*s  %.*s  %.*s\n", SLV_FMT(token.id),
			slv_api_status_name(
					slv_api_token_status(&token, slv_loop_wall_s(desk->loop))),
			SLV_DATE_ISO_BYTES, expires, SLV_DATE_ISO_BYTES, used, SLV_FMT(token.name));
	return SLV_OK;
}

static slv_err do_list(struct desk *desk)
{
	slv_err err = SLV_OK;
	printf("%-32s  %-8s  %-20s  %-20s  %s\n", "ID", "STATUS", "EXPIRES", "LAST USED", "NAME");
	for (size_t i = 0; i < desk->rows->count && !slv_failed(err); i++)
		if (slv_str_starts(desk->rows->at[i].key, SLV_STR("t/")))
			err = show_row(desk, &desk->rows->at[i]);
	return err;
}

/* --- making one --- */

/* GROUP[:BUCKET[/PREFIX]] as a policy. */
static json_t *policy_of(struct desk *desk, slv_str allow)
{
	json_t *resources = json_object();
	slv_str prefix = allow, group = slv_str_cut(&prefix, ':');
	bool has_bucket = prefix.at != NULL; /* though it is empty: then there is no such one */
	slv_str bucket = slv_str_cut(&prefix, '/');
	const char *member = group.len == SLV_API_ID_BYTES ? "id" : "name";
	slv_str resource =
			has_bucket ? slv_str_printf(&desk->arena,
						     "com.cloudflare.edge.r2.bucket.%.*s_"
						     "default_%.*s",
						     SLV_FMT(desk->account), SLV_FMT(bucket))
				   : slv_str_printf(&desk->arena, "com.cloudflare.api.account.%.*s",
						     SLV_FMT(desk->account));
	slv_str keys = slv_str_printf(&desk->arena, "%.*s*", SLV_FMT(prefix));
	json_object_setn_new(resources, resource.at, resource.len,
			prefix.len ? json_pack("{s%:s}", keys.at, keys.len, "*")
				   : json_string("*"));
	return json_pack("{s:s, s:[{s:s%}], s:o}", "effect", "allow", "permission_groups", member,
			group.at, group.len, "resources", resources);
}

static json_t *all_of(const struct desk *desk)
{
	char resource[64];
	(void)snprintf(resource, sizeof(resource), "com.cloudflare.api.account.%.*s",
			SLV_FMT(desk->account)); /* fits */
	return json_pack("{s:s, s:o, s:{s:s}}", "effect", "allow", "permission_groups",
			slv_api_all_groups(), "resources", resource, "*");
}

static slv_err say_expiry(struct desk *desk, json_t *said)
{
	uint64_t for_s;
	char text[SLV_DATE_ISO_BYTES];
	if (!desk->words.for_s.at)
		return SLV_OK;
	if (!slv_str_u64(desk->words.for_s, INT32_MAX, &for_s) || !for_s)
		return SLV_ERR(SLV_E_SYNTAX, "--for is a number of seconds, 1 at least");
	slv_date_print_iso(slv_loop_wall_s(desk->loop) + (int64_t)for_s, text);
	json_object_set_new(said, "expires_on", json_stringn(text, sizeof(text)));
	return SLV_OK;
}

static slv_err check_count(const struct desk *desk)
{
	size_t count = 0;
	for (size_t i = 0; i < desk->rows->count; i++)
		count += slv_str_starts(desk->rows->at[i].key, SLV_STR("t/"));
	return count < SLV_API_TOKENS_MAX
	                       ? SLV_OK
	                       : SLV_ERR(SLV_E_LIMIT, "an account has at most 1000 tokens");
}

static slv_err create(struct desk *desk, json_t *said, json_t *record)
{
	char id[SLV_API_ID_BYTES], value[SLV_API_VALUE_BYTES];
	json_t *policies = json_array();
	const struct words *words = &desk->words;
	for (size_t i = 0; i < words->allow_count; i++)
		json_array_append_new(policies, policy_of(desk, words->allow[i]));
	if (!words->allow_count)
		json_array_append_new(policies, all_of(desk));
	json_object_set_new(said, "policies", policies);
	json_object_set_new(said, "name", json_stringn(words->name.at, words->name.len));
	slv_err err = say_expiry(desk, said);
	if (!slv_failed(err))
		err = check_count(desk);
	if (!slv_failed(err))
		err = slv_api_record_update(&desk->arena, desk->account, said, true, record);
	if (slv_failed(err))
		return err;
	slv_api_token_new(desk->loop, record, id, value);
	err = put_record(desk, record, NULL);
	if (!slv_failed(err))
		show_value(record, (slv_str){ value, sizeof(value) });
	slv_wipe(value, sizeof(value));
	return err;
}

static slv_err do_create(struct desk *desk)
{
	json_t *said = json_object(), *record = json_object();
	slv_err err = create(desk, said, record);
	json_decref(said);
	json_decref(record);
	return err;
}

/* --- changing one --- */

static slv_err change(struct desk *desk, const struct slv_omap_row *row, json_t *record)
{
	char value[SLV_API_VALUE_BYTES];
	bool rolls = strcmp(desk->words.deed, "roll") == 0;
	bool enables = strcmp(desk->words.deed, "enable") == 0;
	if (!json_is_object(record))
		return SLV_ERR(SLV_E_CORRUPT, "the record of the token is damaged");
	if (rolls) {
		slv_api_token_roll(desk->loop, record, value);
	} else {
		json_object_set_new(record, "status", json_string(enables ? "active" : "disabled"));
		slv_api_token_modified(desk->loop, record);
	}
	slv_err err = put_record(desk, record, row);
	if (!slv_failed(err) && rolls)
		show_value(record, (slv_str){ value, sizeof(value) });
	slv_wipe(value, sizeof(value));
	return err;
}

static slv_err do_change(struct desk *desk)
{
	const struct slv_omap_row *row = row_of(desk, 't', desk->words.id);
	if (!row)
		return SLV_ERR(SLV_E_MISSING, "there is no such token; see `selvedge token list`");
	json_t *record = json_of(row->value);
	slv_err err = change(desk, row, record);
	json_decref(record);
	return err;
}

static slv_err do_delete(struct desk *desk)
{
	const struct slv_omap_row *row = row_of(desk, 't', desk->words.id);
	slv_str used_key = slv_str_printf(&desk->arena, "u/%.*s", SLV_FMT(desk->words.id));
	if (!row)
		return SLV_ERR(SLV_E_MISSING, "there is no such token; see `selvedge token list`");
	struct slv_omap_change changes[] = {
		{ .what = SLV_OMAP_REMOVE, .when = SLV_OMAP_IF_PRESENT, .key = row->key },
		{ .what = SLV_OMAP_REMOVE, .key = used_key }, /* if it was ever used */
	};
	return write_all(desk, changes, SLV_COUNT(changes));
}

/* --- words --- */

static const struct deed {
	const char *name;
	bool has_id;
	slv_err (*run)(struct desk *desk);
} deeds[] = {
	{ "create", false, do_create },
	{ "list", false, do_list },
	{ "roll", true, do_change },
	{ "disable", true, do_change },
	{ "enable", true, do_change },
	{ "delete", true, do_delete },
};

static const struct deed *deed_of(const char *name)
{
	for (size_t i = 0; name && i < SLV_COUNT(deeds); i++)
		if (strcmp(deeds[i].name, name) == 0)
			return &deeds[i];
	return NULL;
}

static void read_word(struct words *words, int argc, char **argv, int *i, const char **ret_wrong)
{
	slv_str allow, config;
	bool creates = deed_of(words->deed)->run == do_create;
	if (command_option(argc, argv, i, "--config", &config)) {
		words->config = config.at;
	} else if (creates && command_option(argc, argv, i, "--allow", &allow)) {
		if (words->allow_count == SLV_API_POLICIES_MAX)
			*ret_wrong = "--allow stands there more than 20 times";
		else
			words->allow[words->allow_count++] = allow;
	} else if (!(creates && (command_option(argc, argv, i, "--name", &words->name) ||
						command_option(argc, argv, i, "--for",
								&words->for_s)))) {
		if (words->id.len || !deed_of(words->deed)->has_id || argv[*i][0] == '-')
			*ret_wrong = "a word that is not understood";
		words->id = slv_str_from(argv[(*i)++]);
	}
}

static const char *read_words(struct words *words, int argc, char **argv)
{
	const char *wrong = NULL;
	words->deed = argc ? argv[0] : NULL;
	const struct deed *deed = deed_of(words->deed);
	if (!deed)
		return "say create, list, roll, disable, enable or delete";
	for (int i = 1; i < argc && !wrong;)
		read_word(words, argc, argv, &i, &wrong);
	if (!wrong && deed->has_id && words->id.len != SLV_API_ID_BYTES)
		wrong = "which token? its id is in `selvedge token list`";
	if (!wrong && deed->run == do_create && !words->name.len)
		wrong = "--name is missing";
	return wrong;
}

int command_token(int argc, char **argv)
{
	struct desk desk = { 0 };
	const char *wrong = read_words(&desk.words, argc, argv);
	if (wrong)
		return command_usage("token", wrong);
	slv_arena_init(&desk.arena, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
	const struct deed *deed = deed_of(desk.words.deed);
	slv_err err = open_store(&desk);
	if (!slv_failed(err) && deed->run == do_create)
		err = make_account(&desk);
	if (!slv_failed(err))
		err = read_all(&desk);
	if (!slv_failed(err))
		err = find_account(&desk);
	if (!slv_failed(err))
		err = deed->run(&desk);
	int status = slv_failed(err) ? command_fail(err.what) : 0;
	close_store(&desk);
	slv_arena_done(&desk.arena);
	return status;
}
