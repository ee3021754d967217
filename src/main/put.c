/* put.c - `selvedge put` and `selvedge import`: pictures into the image store */
#include "base/mem.h"
#include "conf/conf.h"
#include "main/commands.h"
#include "main/upload.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WORDS_BYTES_MAX SLV_MIB(1)
#define DEPTH_MAX 64 /* of folders in folders */
#define JOBS_DEFAULT 4

struct words {
	slv_str api, token, account, prefix, jobs, endpoint, region;
	bool is_private;
	char **names;
	int count;
	const char *wrong;
};

static slv_str or_env(slv_str text, const char *name)
{
	return text.len ? text : slv_str_from(getenv(name));
}

static slv_str or_text(slv_str text, slv_str other)
{
	return text.len ? text : other;
}

static void read_words(struct words *words, int argc, char **argv)
{
	for (int i = 0; i < argc && !words->wrong;) {
		if (command_option(argc, argv, &i, "--api", &words->api) ||
				command_option(argc, argv, &i, "--token", &words->token) ||
				command_option(argc, argv, &i, "--account", &words->account) ||
				command_option(argc, argv, &i, "--prefix", &words->prefix) ||
				command_option(argc, argv, &i, "--jobs", &words->jobs) ||
				command_option(argc, argv, &i, "--endpoint", &words->endpoint) ||
				command_option(argc, argv, &i, "--region", &words->region))
			continue;
		char *word = argv[i++];
		if (strcmp(word, "--private") == 0)
			words->is_private = true;
		else if (strncmp(word, "--", 2) == 0)
			words->wrong = "an option that is not known";
		else
			words->names[words->count++] = word; /* in argv, which is long enough */
	}
}

static void check_url(struct words *words, slv_str *url, const char *wrong)
{
	while (slv_str_ends(*url, SLV_STR("/")))
		url->len--;
	if (url->len && !slv_str_starts(*url, SLV_STR("http://")) &&
			!slv_str_starts(*url, SLV_STR("https://")))
		words->wrong = wrong;
}

/* What both commands need. */
static void take_words(struct words *words, struct uploads *uploads)
{
	struct slv_arena scratch;
	slv_str token = or_env(words->token, "SELVEDGE_TOKEN");
	words->api = or_text(or_env(words->api, "SELVEDGE_API"), SLV_STR("http://127.0.0.1:8081"));
	check_url(words, &words->api, "--api is http://HOST or https://HOST");
	uploads->at_once = JOBS_DEFAULT;
	if (words->jobs.at && (!slv_str_u64(words->jobs, UPLOAD_AT_ONCE_MAX, &uploads->at_once) ||
					      !uploads->at_once))
		words->wrong = "--jobs is 1 to 32";
	if (!token.len && !words->wrong)
		words->wrong = "say --token, or set SELVEDGE_TOKEN";
	slv_arena_init(&scratch, SLV_KIB(4), WORDS_BYTES_MAX);
	slv_err err = slv_conf_secret(&uploads->arena, &scratch, token, ".", &uploads->token);
	slv_str why = slv_failed(err) ? slv_str_printf(&uploads->arena, "%s", err.what)
	                              : (slv_str){ 0 };
	if (slv_failed(err) && !words->wrong)
		words->wrong = why.at ? why.at : "the token cannot be read";
	slv_arena_done(&scratch);
	uploads->api = words->api;
	uploads->account = words->account;
	uploads->id_prefix = words->prefix;
	uploads->is_private = words->is_private;
}

static int run(struct uploads *uploads, slv_err err)
{
	if (!slv_failed(err))
		err = uploads_run(uploads);
	uploads_unshow(uploads);
	int status = slv_failed(err) ? command_fail(err.what) : uploads_sum_up(uploads);
	uploads_done(uploads);
	return status;
}

/* --- put --- */

static slv_err add_files(struct uploads *uploads, const struct words *words)
{
	for (int i = 0; i < words->count; i++) {
		slv_str path = slv_str_from(words->names[i]);
		size_t slash = slv_str_find_last(path, '/');
		slv_str name = slash < path.len ? slv_str_from_index(path, slash + 1) : path;
		slv_err err = upload_add(uploads, path, name);
		if (slv_failed(err))
			return err;
	}
	return SLV_OK;
}

int command_put(int argc, char **argv)
{
	struct words words = { .names = argv };
	struct uploads uploads;
	read_words(&words, argc, argv);
	if (!words.wrong && (words.endpoint.at || words.region.at))
		words.wrong = "--endpoint and --region are for import";
	if (!words.wrong && !words.count)
		words.wrong = "say which files";
	if (words.wrong)
		return command_usage("put", words.wrong);
	uploads_init(&uploads, "put");
	take_words(&words, &uploads);
	uploads.tells_each = true;
	if (words.wrong) {
		int status = command_usage("put", words.wrong);
		uploads_done(&uploads);
		return status;
	}
	return run(&uploads, add_files(&uploads, &words));
}

/* --- a folder --- */

struct walk {
	struct uploads *uploads;
	size_t root_len; /* of paths, with the slash behind it */
};

static slv_err walk_folder(const struct walk *walk, const char *path, unsigned depth);

static slv_err walk_entry(const struct walk *walk, const char *path, unsigned depth)
{
	struct stat info;
	/* A link to a file is one; a link to a folder might lead round in a circle. */
	if (lstat(path, &info) != 0)
		return SLV_OK; /* it has just gone */
	if (S_ISDIR(info.st_mode))
		return walk_folder(walk, path, depth + 1);
	if (S_ISLNK(info.st_mode) && stat(path, &info) != 0)
		return SLV_OK; /* it leads nowhere */
	if (!S_ISREG(info.st_mode))
		return SLV_OK;
	slv_str name = slv_str_from(path);
	return upload_add(walk->uploads, name, slv_str_from_index(name, walk->root_len));
}

struct names {
	char **at;
	size_t count, room;
};

static slv_err add_name(struct names *names, char *name)
{
	if (!name)
		return SLV_ERR(SLV_E_LIMIT, "names of more than 4 GiB");
	if (names->count == names->room) {
		names->room = names->room ? 2 * names->room : 64;
		names->at = slv_realloc(names->at, names->room * sizeof(*names->at));
	}
	names->at[names->count++] = name;
	return SLV_OK;
}

/* The paths of what is in it, but for hidden files. */
static slv_err read_folder(struct slv_arena *arena, const char *path, struct names *names)
{
	DIR *folder = opendir(path);
	slv_err err = SLV_OK;
	errno = folder ? 0 : errno;
	for (struct dirent *entry; folder && !slv_failed(err) && (entry = readdir(folder));) {
		if (entry->d_name[0] == '.')
			continue;
		slv_str below = slv_str_printf(arena, "%s/%s", path, entry->d_name);
		err = add_name(names, below.at ? slv_cstr(arena, below) : NULL);
		errno = 0;
	}
	if (!slv_failed(err) && errno)
		err = slv_err_sys(arena, errno, "cannot read the folder '%s'", path);
	if (folder)
		closedir(folder);
	return err;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static slv_err walk_folder(const struct walk *walk, const char *path, unsigned depth)
{
	struct slv_arena *arena = &walk->uploads->arena;
	struct names names = { 0 };
	if (depth > DEPTH_MAX)
		return slv_err_printf(arena, SLV_E_LIMIT,
				"'%s': more than 64 folders in each other", path);
	slv_err err = read_folder(arena, path, &names);
	if (!slv_failed(err) && names.count)
		qsort(names.at, names.count, sizeof(*names.at), by_name);
	for (size_t i = 0; i < names.count && !slv_failed(err); i++)
		err = walk_entry(walk, names.at[i], depth);
	slv_free(names.at);
	return err;
}

static slv_err add_folder(struct uploads *uploads, slv_str folder)
{
	while (folder.len > 1 && slv_str_ends(folder, SLV_STR("/")))
		folder.len--;
	const char *path = slv_cstr(&uploads->arena, folder);
	const struct walk walk = { uploads, folder.len + 1 };
	return path ? walk_folder(&walk, path, 0) : SLV_ERR(SLV_E_LIMIT, "the name is too long");
}

/* --- a bucket --- */

/* "s3://bucket/prefix" */
static void take_bucket(struct words *words, slv_str from, struct bucket *bucket)
{
	slv_str rest = slv_str_from_index(from, strlen("s3://"));
	bucket->name = slv_str_cut(&rest, '/');
	bucket->prefix = rest;
	bucket->endpoint =
			or_env(or_env(words->endpoint, "AWS_ENDPOINT_URL_S3"), "AWS_ENDPOINT_URL");
	bucket->key_id = slv_str_from(getenv("AWS_ACCESS_KEY_ID"));
	bucket->secret = slv_str_from(getenv("AWS_SECRET_ACCESS_KEY"));
	bucket->region = or_text(or_env(words->region, "AWS_REGION"), SLV_STR("auto"));
	check_url(words, &bucket->endpoint, "--endpoint is http://HOST or https://HOST");
	if (!bucket->name.len)
		words->wrong = "s3://BUCKET has a name";
	else if (!bucket->endpoint.len)
		words->wrong = "say --endpoint, or set AWS_ENDPOINT_URL";
	else if (!bucket->key_id.len || !bucket->secret.len)
		words->wrong = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
}

int command_import(int argc, char **argv)
{
	struct words words = { .names = argv };
	struct bucket bucket = { 0 };
	struct uploads uploads;
	read_words(&words, argc, argv);
	if (!words.wrong && words.count != 1)
		words.wrong = "say one folder, or s3://BUCKET/PREFIX";
	if (words.wrong)
		return command_usage("import", words.wrong);
	slv_str from = slv_str_from(words.names[0]);
	bool is_bucket = slv_str_starts(from, SLV_STR("s3://"));
	uploads_init(&uploads, "import");
	take_words(&words, &uploads);
	if (is_bucket)
		take_bucket(&words, from, &bucket);
	else if (words.endpoint.at || words.region.at)
		words.wrong = "--endpoint and --region are for s3://BUCKET";
	if (words.wrong) {
		int status = command_usage("import", words.wrong);
		uploads_done(&uploads);
		return status;
	}
	if (is_bucket)
		uploads.bucket = &bucket;
	return run(&uploads,
			is_bucket ? bucket_list(&uploads, &bucket) : add_folder(&uploads, from));
}
