/* store.c - `selvedge store`: looks after what lasts, beside a server or without one */
#include "main/store.h"
#include "base/fd.h"
#include "main/commands.h"
#include "main/settings.h"
#include "main/store_folder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define ARENA_BLOCK_BYTES SLV_KIB(16)
#define ARENA_BYTES_MAX SLV_MIB(16)
#define ORPHAN_AGE_S (24 * 60 * 60)
#define AGE_S_MAX (UINT64_C(100) * 365 * 24 * 60 * 60)
#define RATE_MB_MAX 1000000

struct words {
	slv_str config, data, folder;
	struct store_check check;
	uint64_t rate_mb;
};

/* The store that is configured, or another one that is open as long. */
struct opened {
	struct slv_arena arena;
	struct slv_conf *conf;
	struct store store;
};

/* --- opening --- */

static slv_err urls_open(struct store_tool *tool, struct opened *opened, slv_str maps,
		slv_str blobs, slv_str blobs_secret)
{
	if (!maps.at || !blobs.at)
		return SLV_ERR(SLV_E_LIMIT, "no memory for the names of folders");
	slv_err err = slv_omaps_open(
			maps, slv_loop_hash_key(tool->loop), tool->log, &opened->store.maps);
	if (slv_failed(err))
		return slv_err_wrap(&opened->arena, err, "store.maps");
	err = slv_blobs_open(blobs, blobs_secret, tool->log, &opened->store.blobs);
	return slv_failed(err) ? slv_err_wrap(&opened->arena, err, "store.blobs") : SLV_OK;
}

static slv_err folder_open(struct store_tool *tool, struct opened *opened, slv_str folder)
{
	slv_str maps = slv_str_printf(&opened->arena, "sqlite:%.*s/maps", SLV_FMT(folder));
	slv_str blobs = slv_str_printf(&opened->arena, "file:%.*s/blobs", SLV_FMT(folder));
	return urls_open(tool, opened, maps, blobs, (slv_str){ 0 });
}

/* `makes`: the data folder, which may not be there yet. */
static slv_err configured_open(struct store_tool *tool, struct opened *opened,
		const struct words *words, bool makes)
{
	struct slv_arena *arena = &opened->arena;
	slv_str data = words->data;
	const struct settings *settings = NULL;
	slv_err err = SLV_OK;
	if (!data.len) {
		err = settings_load(
				arena, words->config.len ? words->config.at : NULL, &opened->conf);
		if (slv_failed(err))
			return err;
		settings = slv_conf_root(opened->conf);
		data = settings->data;
	}
	const char *path = slv_cstr(arena, data);
	if (!path)
		return SLV_ERR(SLV_E_LIMIT, "no memory for the name of the data folder");
	if (makes && mkdir(path, 0700) != 0 && errno != EEXIST)
		return slv_err_sys(arena, errno, "make the data folder '%s'", path);
	return settings ? urls_open(tool, opened, settings_maps(arena, settings),
					  settings_blobs(arena, settings),
					  settings->store.blobs_secret)
	                : folder_open(tool, opened, data);
}

static void opened_init(struct opened *opened)
{
	*opened = (struct opened){ .conf = NULL };
	slv_arena_init(&opened->arena, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
}

static void opened_done(struct opened *opened)
{
	slv_omaps_close(opened->store.maps);
	slv_blobs_close(opened->store.blobs);
	slv_conf_free(opened->conf);
	slv_arena_done(&opened->arena);
}

/* --- what can be done --- */

static slv_err check(struct store_tool *tool, const struct words *words, struct opened *own,
		struct opened *other)
{
	(void)other;
	slv_err err = configured_open(tool, own, words, false);
	return slv_failed(err) ? err : store_check(tool, &own->store, &words->check);
}

static slv_err backup(struct store_tool *tool, const struct words *words, struct opened *own,
		struct opened *other)
{
	SLV_CLEANUP(slv_fd_done) int fd = -1;
	bool has = false;
	slv_err err = configured_open(tool, own, words, false);
	if (!slv_failed(err))
		err = store_has_maps(tool, own->store.maps, &has);
	/* A copy of nothing would take away all that the last one brought. */
	if (!slv_failed(err) && !has)
		err = SLV_ERR(SLV_E_MISSING, "there is nothing to back up: is it the right store?");
	if (!slv_failed(err))
		err = store_folder_begin(&other->arena, words->folder.at, &fd);
	if (!slv_failed(err))
		err = folder_open(tool, other, words->folder);
	if (!slv_failed(err))
		err = store_copy(tool, &own->store, &other->store);
	return slv_failed(err) ? err : store_folder_end(&other->arena, fd);
}

static slv_err restore(struct store_tool *tool, const struct words *words, struct opened *own,
		struct opened *other)
{
	SLV_CLEANUP(slv_fd_done) int fd = -1;
	bool has = false;
	slv_err err = store_folder_open(&other->arena, words->folder.at, &fd);
	if (!slv_failed(err))
		err = folder_open(tool, other, words->folder);
	if (!slv_failed(err))
		err = configured_open(tool, own, words, true);
	if (!slv_failed(err))
		err = store_has_maps(tool, own->store.maps, &has);
	if (!slv_failed(err) && !has)
		err = store_has_blobs(tool, own->store.blobs, &has);
	if (!slv_failed(err) && has)
		err = SLV_ERR(SLV_E_CONFLICT,
				"the store is not empty: restore into another folder or database, "
				"or move what is there away first");
	return slv_failed(err) ? err : store_copy(tool, &other->store, &own->store);
}

static const struct task {
	const char *name;
	slv_err (*run)(struct store_tool *tool, const struct words *words, struct opened *own,
			struct opened *other);
	bool takes_folder, checks, scrubs;
} tasks[] = {
	{ "check", check, .checks = true },
	{ "scrub", check, .checks = true, .scrubs = true },
	{ "backup", backup, .takes_folder = true },
	{ "restore", restore, .takes_folder = true },
};

/* --- words --- */

static bool read_number(slv_str text, uint64_t max, uint64_t *ret_value, const char **ret_wrong,
		const char *what)
{
	if (!slv_str_u64(text, max, ret_value))
		*ret_wrong = what;
	return true;
}

/* True if the word was an option. */
static bool read_option(struct words *words, const struct task *task, int argc, char **argv,
		int *index, const char **ret_wrong)
{
	slv_str text;
	if (command_option(argc, argv, index, "--config", &words->config) ||
			command_option(argc, argv, index, "--data", &words->data))
		return true;
	if (task->checks && command_option(argc, argv, index, "--orphan-age", &text))
		return read_number(text, AGE_S_MAX, &words->check.orphan_age_s, ret_wrong,
				"--orphan-age is a number of seconds");
	if (task->scrubs && command_option(argc, argv, index, "--rate-mb", &text))
		return read_number(text, RATE_MB_MAX, &words->rate_mb, ret_wrong,
				"--rate-mb is a number of MiB a second");
	if (!task->checks || strcmp(argv[*index], "--repair") != 0)
		return false;
	words->check.repairs = true;
	*index += 1;
	return true;
}

static void read_words(struct words *words, const struct task *task, int argc, char **argv,
		const char **ret_wrong)
{
	words->check = (struct store_check){
		.scrubs = task->scrubs, .orphan_age_s = ORPHAN_AGE_S, .blobs_max = STORE_BLOBS_MAX
	};
	for (int i = 0; i < argc && !*ret_wrong;) {
		if (read_option(words, task, argc, argv, &i, ret_wrong))
			continue;
		slv_str word = slv_str_from(argv[i++]);
		if (!task->takes_folder || words->folder.len || !word.len ||
				slv_str_starts(word, SLV_STR("-")))
			*ret_wrong = "a word that is not understood";
		words->folder = word;
	}
	if (!*ret_wrong && words->config.len && words->data.len)
		*ret_wrong = "say one of --config and --data";
	if (!*ret_wrong && task->takes_folder && !words->folder.len)
		*ret_wrong = "name the folder of the backup";
}

static int sum_up(struct store_tool *tool, const struct words *words)
{
	char more[160] = "";
	size_t len = 0;
	if (tool->count.orphans && words->check.repairs)
		len = (size_t)snprintf(more, sizeof(more),
				"; %" PRIu64 " orphans, %" PRIu64 " removed", tool->count.orphans,
				tool->count.removed);
	else if (tool->count.orphans)
		len = (size_t)snprintf(
				more, sizeof(more), "; %" PRIu64 " orphans", tool->count.orphans);
	if (tool->count.left && words->check.repairs)
		snprintf(more + len, sizeof(more) - len,
				"; parts of %" PRIu64 " uploads left, %" PRIu64 " noted",
				tool->count.left, tool->count.noted);
	else if (tool->count.left)
		snprintf(more + len, sizeof(more) - len, "; parts of %" PRIu64 " uploads left",
				tool->count.left);
	return store_sum_up(tool, more);
}

static int run(const struct task *task, const struct words *words)
{
	struct store_tool tool = { .rate_bytes = words->rate_mb << 20 };
	struct opened own, other;
	int status;
	opened_init(&own);
	opened_init(&other);
	store_tool_init(&tool, task->name);
	slv_err err = task->run(&tool, words, &own, &other);
	if (slv_failed(err)) {
		store_unshow(&tool);
		status = command_fail(err.what);
	} else {
		status = sum_up(&tool, words);
	}
	slv_loop_free(tool.loop);
	opened_done(&own);
	opened_done(&other);
	store_tool_done(&tool);
	return status;
}

int command_store(int argc, char **argv)
{
	const struct task *task = NULL;
	const char *wrong = NULL;
	struct words words = { .rate_mb = 0 };
	for (size_t i = 0; argc > 0 && i < SLV_COUNT(tasks); i++)
		if (strcmp(argv[0], tasks[i].name) == 0)
			task = &tasks[i];
	if (!task)
		return command_usage("store", "say one of check, scrub, backup, restore");
	read_words(&words, task, argc - 1, argv + 1, &wrong);
	return wrong ? command_usage("store", wrong) : run(task, &words);
}
