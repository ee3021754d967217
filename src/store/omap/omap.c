#include "store/omap/omap.h"

#include "base/assert.h"
#include "base/mem.h"
#include "loop/log.h"
#include "store/omap/private.h"

#include <string.h>

#define READERS 4 /* threads */
#define WRITERS 4
#define GROUP_BATCHES_MAX 512
#define GROUP_BYTES_MAX SLV_OMAP_BATCH_BYTES_MAX

static bool key_is_ok(slv_str key)
{
	return key.len > 0 && key.len <= SLV_OMAP_KEY_BYTES_MAX;
}

/* --- reading --- */

static slv_err check_read(const struct slv_omap_read *read)
{
	if (read->rows_max < 1 || read->rows_max > SLV_OMAP_ROWS_MAX)
		return SLV_ERR(SLV_E_LIMIT, "rows of a read: from 1 to 10000 are allowed");
	if (read->bytes_max > SLV_OMAP_READ_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "bytes of a read: at most 16 MiB are allowed");
	if (read->what == SLV_OMAP_GET && (read->count < 1 || read->count > read->rows_max))
		return SLV_ERR(SLV_E_LIMIT, "keys of a read: from 1 to its rows are allowed");
	for (size_t i = 0; read->what == SLV_OMAP_GET && i < read->count; i++)
		if (!key_is_ok(read->keys[i]))
			return SLV_ERR(SLV_E_LIMIT, "a key: from 1 to 2048 bytes are allowed");
	if (read->from.len > SLV_OMAP_KEY_BYTES_MAX + 1 ||
			read->until.len > SLV_OMAP_KEY_BYTES_MAX + 1)
		return SLV_ERR(SLV_E_LIMIT, "where a scan begins or ends: at most 2049 bytes");
	if (read->fold_skip > SLV_OMAP_KEY_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "what a scan folds behind: at most 2048 bytes");
	if (read->fold.len > SLV_OMAP_FOLD_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "what a scan folds at: at most 1024 bytes are allowed");
	slv_assert(!read->fold.len || (read->what == SLV_OMAP_SCAN && !read->bodies));
	return SLV_OK;
}

static void read_answer(struct slv_omap_read *read)
{
	atomic_fetch_sub(&read->map->reading, 1);
	read->done(read, read->err, read->rows);
}

static void read_came(struct slv_post *post)
{
	struct slv_omap_read *read = SLV_CONTAINER(post, struct slv_omap_read, post);
	slv_loop_came(read->loop);
	read_answer(read);
}

static void read_work(struct slv_chore *chore)
{
	struct slv_omap_read *read = SLV_CONTAINER(chore, struct slv_omap_read, chore);
	struct slv_omap_found found;
	slv_omap_found_init(&found, read->rows_max,
			read->bytes_max ? read->bytes_max : SLV_OMAP_READ_BYTES_MAX);
	read->err = read->map->omaps->driver->read(read->map, read, &found);
	if (slv_failed(read->err))
		slv_omap_found_done(&found);
	else
		read->rows = slv_omap_found_keep(&found);
	read->post = (struct slv_post){ .run = read_came };
	slv_loop_post(read->loop, &read->post);
}

static void read_refuse(struct slv_task *task)
{
	read_answer(SLV_CONTAINER(task, struct slv_omap_read, task));
}

void slv_omap_read(struct slv_loop *loop, struct slv_omap_read *read)
{
	slv_assert(read->map && read->done);
	read->loop = loop;
	read->rows = NULL;
	read->err = check_read(read);
	if (atomic_fetch_add(&read->map->reading, 1) >= SLV_OMAP_WAITING_MAX &&
			!slv_failed(read->err))
		read->err = SLV_ERR(SLV_E_BUSY, "more than 4096 reads wait for one map");
	if (slv_failed(read->err)) {
		read->task = (struct slv_task){ .run = read_refuse };
		slv_task_start(loop, &read->task);
		return;
	}
	slv_loop_await(loop);
	read->chore = (struct slv_chore){ .work = read_work };
	slv_crew_add(read->map->omaps->readers, &read->chore);
}

/* --- writing --- */

static bool has_twice(const struct slv_omap_batch *batch)
{
	bool twice = false;
	if (batch->count < 2)
		return false;
	struct slv_map keys;
	slv_map_init(&keys, batch->map->omaps->hash_key);
	for (size_t i = 0; i < batch->count && !twice; i++)
		twice = slv_map_put(&keys, batch->changes[i].key, (void *)(uintptr_t)batch) != NULL;
	slv_map_done(&keys);
	return twice;
}

static size_t bytes_of(const struct slv_omap_batch *batch)
{
	size_t bytes = 0;
	for (size_t i = 0; i < batch->count; i++) {
		const struct slv_omap_change *change = &batch->changes[i];
		bytes += change->key.len + change->value.len + change->body.len;
	}
	return bytes;
}

static slv_err check_batch(const struct slv_omap_batch *batch)
{
	if (batch->count < 1 || batch->count > SLV_OMAP_CHANGES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "changes of a batch: from 1 to 10000 are allowed");
	for (size_t i = 0; i < batch->count; i++) {
		const struct slv_omap_change *change = &batch->changes[i];
		if (!key_is_ok(change->key))
			return SLV_ERR(SLV_E_LIMIT, "a key: from 1 to 2048 bytes are allowed");
		if (change->value.len > SLV_OMAP_VALUE_BYTES_MAX)
			return SLV_ERR(SLV_E_LIMIT, "a value: at most 16 KiB are allowed");
		if (change->body.len > SLV_OMAP_BODY_BYTES_MAX)
			return SLV_ERR(SLV_E_LIMIT, "a body: at most 256 KiB are allowed");
	}
	if (batch->wants_old && batch->count > SLV_OMAP_OLD_MAX)
		return SLV_ERR(SLV_E_LIMIT, "changes of a batch that wants the old rows: at most "
					    "500 are allowed");
	if (batch->bytes > SLV_OMAP_BATCH_BYTES_MAX)
		return SLV_ERR(SLV_E_LIMIT, "bytes of a batch: at most 16 MiB are allowed");
	if (has_twice(batch))
		return SLV_ERR(SLV_E_SYNTAX, "a key stands twice in a batch");
	return SLV_OK;
}

static void batch_refuse(struct slv_task *task)
{
	struct slv_omap_batch *batch = SLV_CONTAINER(task, struct slv_omap_batch, task);
	batch->done(batch, batch->err);
}

static void batch_came(struct slv_post *post)
{
	struct slv_omap_batch *batch = SLV_CONTAINER(post, struct slv_omap_batch, post);
	slv_loop_came(batch->loop);
	batch->done(batch, batch->err);
}

/* Those that the next transaction makes; none: nobody waits, and the chore is over. */
static size_t take_group(struct slv_omap *map, struct slv_omap_batch **batches)
{
	size_t count = 0, bytes = 0;
	pthread_mutex_lock(&map->lock);
	SLV_LIST_EACH(link, &map->batches)
	{
		struct slv_omap_batch *batch = SLV_CONTAINER(link, struct slv_omap_batch, link);
		bytes += batch->weight;
		if (count == GROUP_BATCHES_MAX || (count > 0 && bytes > GROUP_BYTES_MAX))
			break;
		if (count > 0 && (batch->drops || batches[0]->drops))
			break; /* one that drops is alone */
		slv_list_remove(link);
		map->waiting--;
		map->waiting_bytes -= batch->weight;
		batches[count++] = batch;
	}
	map->writing = count > 0;
	pthread_mutex_unlock(&map->lock);
	return count;
}

static void batch_end(struct slv_omap_batch *batch, slv_err err)
{
	if (slv_failed(err))
		batch->err = err;
	if (slv_failed(batch->err) && batch->old) {
		batch->old->hold.drop(&batch->old->hold);
		batch->old = NULL;
	}
	batch->post = (struct slv_post){ .run = batch_came };
	slv_loop_post(batch->loop, &batch->post);
}

/* One group; what has come meanwhile is behind what other maps wait for. */
static void writer_work(struct slv_chore *chore)
{
	struct slv_omap *map = SLV_CONTAINER(chore, struct slv_omap, writer);
	struct slv_crew *writers = map->omaps->writers;
	struct slv_omap_batch *batches[GROUP_BATCHES_MAX];
	size_t count = take_group(map, batches);
	if (count == 0)
		return;
	slv_err err = batches[0]->drops ? map->omaps->driver->drop(map, batches[0])
	                                : map->omaps->driver->write(map, batches, count);
	for (size_t i = 0; i < count; i++)
		batch_end(batches[i], err);
	slv_crew_add(writers, &map->writer);
}

/* In the queue of `map`; whether somebody must begin to take from there. */
static slv_err batch_queue(struct slv_omap *map, struct slv_omap_batch *batch, bool *ret_starts)
{
	slv_err err = SLV_OK;
	pthread_mutex_lock(&map->lock);
	if (map->waiting >= SLV_OMAP_WAITING_MAX) {
		err = SLV_ERR(SLV_E_BUSY, "more than 4096 batches wait for one map");
	} else if (map->waiting_bytes + batch->weight > SLV_OMAP_WAITING_BYTES_MAX) {
		err = SLV_ERR(SLV_E_BUSY, "more than 64 MiB wait for one map");
	} else {
		slv_list_push(&map->batches, &batch->link);
		map->waiting++;
		map->waiting_bytes += batch->weight;
		*ret_starts = !map->writing;
		map->writing = true;
	}
	pthread_mutex_unlock(&map->lock);
	return err;
}

static void batch_start(struct slv_loop *loop, struct slv_omap_batch *batch, bool drops)
{
	struct slv_omap *map = batch->map;
	slv_assert(map && batch->done);
	bool starts = false;
	batch->loop = loop;
	batch->link = (struct slv_list){ 0 };
	batch->old = NULL;
	batch->in_doubt = false;
	batch->drops = drops;
	batch->bytes = bytes_of(batch);
	batch->weight = batch->bytes;
	if (batch->wants_old)
		batch->weight += batch->count * (SLV_OMAP_KEY_BYTES_MAX + SLV_OMAP_VALUE_BYTES_MAX);
	batch->err = SLV_OK;
	slv_err err = drops ? SLV_OK : check_batch(batch);
	if (!slv_failed(err)) {
		slv_loop_await(loop);
		/* From here on it is the writer's, unless this fails. */
		err = batch_queue(map, batch, &starts);
		if (slv_failed(err))
			slv_loop_came(loop);
	}
	if (slv_failed(err)) {
		batch->err = err;
		batch->task = (struct slv_task){ .run = batch_refuse };
		slv_task_start(loop, &batch->task);
	} else if (starts) {
		slv_crew_add(map->omaps->writers, &map->writer);
	}
}

void slv_omap_write(struct slv_loop *loop, struct slv_omap_batch *batch)
{
	batch_start(loop, batch, false);
}

/* --- maps --- */

static void drop_came(struct slv_omap_batch *batch, slv_err err)
{
	struct slv_omap_drop *drop = SLV_CONTAINER(batch, struct slv_omap_drop, batch);
	drop->done(drop, err);
}

void slv_omap_drop(struct slv_loop *loop, struct slv_omap_drop *drop)
{
	slv_assert(drop->done);
	/* The empty key has the stamp of all. */
	drop->all = (struct slv_omap_change){ .what = SLV_OMAP_REMOVE };
	drop->batch = (struct slv_omap_batch){
		.map = drop->map, .changes = &drop->all, .count = 1, .done = drop_came
	};
	batch_start(loop, &drop->batch, true);
}

static void list_came(struct slv_post *post)
{
	struct slv_omap_list *list = SLV_CONTAINER(post, struct slv_omap_list, post);
	slv_loop_came(list->loop);
	list->done(list, list->err, list->rows);
}

static void list_work(struct slv_chore *chore)
{
	struct slv_omap_list *list = SLV_CONTAINER(chore, struct slv_omap_list, chore);
	struct slv_omap_found found;
	slv_omap_found_init(&found, list->rows_max, SLV_OMAP_READ_BYTES_MAX);
	list->err = list->omaps->driver->list(list->omaps, list, &found);
	if (slv_failed(list->err))
		slv_omap_found_done(&found);
	else
		list->rows = slv_omap_found_keep(&found);
	list->post = (struct slv_post){ .run = list_came };
	slv_loop_post(list->loop, &list->post);
}

static void list_refuse(struct slv_task *task)
{
	struct slv_omap_list *list = SLV_CONTAINER(task, struct slv_omap_list, task);
	list->done(list, list->err, NULL);
}

void slv_omap_list(struct slv_loop *loop, struct slv_omap_list *list)
{
	slv_assert(list->omaps && list->done);
	list->loop = loop;
	list->rows = NULL;
	if (list->rows_max < 1 || list->rows_max > SLV_OMAP_ROWS_MAX) {
		list->err = SLV_ERR(SLV_E_LIMIT, "maps of a list: from 1 to 10000 are allowed");
		list->task = (struct slv_task){ .run = list_refuse };
		slv_task_start(loop, &list->task);
		return;
	}
	slv_loop_await(loop);
	list->chore = (struct slv_chore){ .work = list_work };
	slv_crew_add(list->omaps->readers, &list->chore);
}

/* --- life --- */

bool slv_omap_name_is_ok(slv_str name)
{
	if (name.len == 0 || name.len > SLV_OMAP_NAME_BYTES_MAX || name.at[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
				    c == '.'))
			return false;
	}
	return true;
}

static struct slv_omap *map_add(struct slv_omaps *omaps, slv_str name)
{
	struct slv_omap *map = omaps->driver->map_new(omaps);
	map->omaps = omaps;
	map->name = slv_alloc(name.len + 1);
	memcpy(map->name, name.at, name.len);
	map->seed = slv_omap_stamps_seed(name);
	slv_assert(pthread_mutex_init(&map->lock, NULL) == 0);
	slv_list_init(&map->batches);
	map->writer.work = writer_work;
	slv_map_put(&omaps->by_name, (slv_str){ map->name, name.len }, map);
	return map;
}

struct slv_omap *slv_omap_named(struct slv_omaps *omaps, slv_str name)
{
	if (!slv_omap_name_is_ok(name))
		return NULL;
	pthread_mutex_lock(&omaps->lock);
	struct slv_omap *map = slv_map_get(&omaps->by_name, name);
	if (!map)
		map = map_add(omaps, name);
	pthread_mutex_unlock(&omaps->lock);
	return map;
}

void slv_omap_log(struct slv_omaps *omaps, const char *words)
{
	if (omaps->log)
		slv_log(omaps->log, SLV_WARN, "store.trouble", SLV_KV("why", words));
}

slv_err slv_omaps_open(slv_str url, struct slv_hash_key hash_key, struct slv_log *log,
		struct slv_omaps **ret_omaps)
{
	slv_str rest = url, driver = slv_str_cut(&rest, ':');
	struct slv_omaps *omaps;
	slv_err err = SLV_ERR(SLV_E_SYNTAX, "a store is sqlite:FOLDER or postgresql://…");
	if (slv_str_eq(driver, SLV_STR("sqlite")) && rest.len > 0)
		err = slv_omap_sqlite_open(rest, &omaps);
	else if (slv_str_starts(url, SLV_STR("postgresql://")))
		err = slv_omap_pg_open(url, &omaps);
	if (slv_failed(err))
		return err;
	slv_assert(pthread_mutex_init(&omaps->lock, NULL) == 0);
	slv_map_init(&omaps->by_name, hash_key);
	omaps->hash_key = hash_key;
	omaps->log = log;
	err = slv_crew_new(READERS, &omaps->readers);
	if (!slv_failed(err))
		err = slv_crew_new(WRITERS, &omaps->writers);
	if (slv_failed(err)) {
		slv_omaps_close(omaps);
		return err;
	}
	*ret_omaps = omaps;
	return SLV_OK;
}

void slv_omaps_close(struct slv_omaps *omaps)
{
	if (!omaps)
		return;
	atomic_store(&omaps->closing, true);
	slv_crew_free(omaps->readers);
	slv_crew_free(omaps->writers);
	for (size_t i = 0; i < omaps->by_name.cap; i++) {
		struct slv_omap *map = omaps->by_name.slots[i].value;
		if (!map)
			continue;
		slv_assert(slv_list_empty(&map->batches));
		pthread_mutex_destroy(&map->lock);
		slv_free(map->name);
		slv_free(map->doubts);
		omaps->driver->map_free(map);
	}
	slv_map_done(&omaps->by_name);
	pthread_mutex_destroy(&omaps->lock);
	omaps->driver->free(omaps);
}
