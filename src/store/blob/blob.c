#include "store/blob/blob.h"

#include "base/assert.h"
#include "base/mem.h"
#include "loop/log.h"
#include "store/blob/private.h"

#include <string.h>

/* A stored blob: its bytes, the checksums of its spans, and a tail that tells what it is. */
#define SUM_BYTES 8u
#define TAIL_BYTES (8u + 8u + SLV_BLOB_ID_BYTES) /* magic, length, id */
#define MAGIC UINT64_C(0x31626f6c62766c73)       /* "slvblob1" */

static void put_u64(uint8_t *at, uint64_t number)
{
	for (unsigned i = 0; i < 8; i++)
		at[i] = (uint8_t)(number >> i * 8);
}

static uint64_t get_u64(const uint8_t *at)
{
	uint64_t number = 0;
	for (unsigned i = 0; i < 8; i++)
		number |= (uint64_t)at[i] << i * 8;
	return number;
}

/* A span of another blob, or of another place, does not pass. */
static uint64_t seed_of(const struct slv_blob_id *id, uint64_t span)
{
	return XXH3_64bits_withSeed(id->bytes, sizeof(id->bytes), span);
}

static uint64_t spans_of(uint64_t len)
{
	return (len + SLV_BLOB_SPAN_BYTES - 1) / SLV_BLOB_SPAN_BYTES;
}

static void tail_make(const struct slv_blob_ref *ref, uint8_t tail[TAIL_BYTES])
{
	put_u64(tail, MAGIC);
	put_u64(tail + 8, ref->len);
	memcpy(tail + 16, ref->id.bytes, sizeof(ref->id.bytes));
}

static slv_err damaged(void)
{
	return SLV_ERR(SLV_E_CORRUPT, "a blob of the store is damaged");
}

static slv_err cancelled(void)
{
	return SLV_ERR(SLV_E_CANCELLED, "nobody waits for it any more");
}

static slv_err take_place(struct slv_blobs *blobs)
{
	if (atomic_fetch_add(&blobs->under_way, 1) < SLV_BLOB_UNDER_WAY_MAX)
		return SLV_OK;
	atomic_fetch_sub(&blobs->under_way, 1);
	return SLV_ERR(SLV_E_BUSY, "more than 1024 blobs are being read and written");
}

/* --- writing --- */

struct slv_blob_writer {
	struct slv_loop *loop;
	struct slv_blobs *blobs;
	struct slv_blob_ref ref;

	/* Of the thread that a call is on. */
	struct blob_open *open;
	XXH3_state_t *span;
	size_t in_span;
	struct slv_buf sums;

	/* The call under way. */
	bool busy, freed, discard;
	struct slv_chore chore;
	struct slv_post post;
	slv_str bytes;
	bool finishes;
	slv_err err;
	void (*written)(void *arg, slv_err err);
	void (*finished)(void *arg, slv_err err, const struct slv_blob_ref *ref);
	void *arg;
};

slv_err slv_blob_writer_new_as(struct slv_loop *loop, struct slv_blobs *blobs,
		const struct slv_blob_id *id, struct slv_blob_writer **ret_writer)
{
	slv_err err = take_place(blobs);
	if (slv_failed(err))
		return err;
	struct slv_blob_writer *writer = SLV_ALLOC(struct slv_blob_writer);
	writer->loop = loop;
	writer->blobs = blobs;
	writer->ref.id = *id;
	slv_buf_init(&writer->sums, SIZE_MAX / 2);
	writer->span = XXH3_createState();
	slv_assert(writer->span); /* as slv_alloc() */
	*ret_writer = writer;
	return SLV_OK;
}

slv_err slv_blob_writer_new(
		struct slv_loop *loop, struct slv_blobs *blobs, struct slv_blob_writer **ret_writer)
{
	struct slv_blob_id id;
	slv_loop_random(loop, id.bytes, sizeof(id.bytes));
	return slv_blob_writer_new_as(loop, blobs, &id, ret_writer);
}

static void span_begin(struct slv_blob_writer *writer)
{
	uint64_t number = writer->sums.len / SUM_BYTES;
	writer->in_span = 0;
	/* Fails for NULL only, as the update. */
	(void)XXH3_64bits_reset_withSeed(writer->span, seed_of(&writer->ref.id, number));
}

static void span_end(struct slv_blob_writer *writer)
{
	uint8_t sum[SUM_BYTES];
	put_u64(sum, XXH3_64bits_digest(writer->span));
	slv_buf_add(&writer->sums, (slv_str){ (const char *)sum, sizeof(sum) });
	span_begin(writer);
}

static void sum_up(struct slv_blob_writer *writer, slv_str bytes)
{
	while (bytes.len > 0) {
		size_t room = SLV_BLOB_SPAN_BYTES - writer->in_span;
		slv_str part = slv_str_head(bytes, room);
		(void)XXH3_64bits_update(writer->span, part.at, part.len);
		writer->in_span += part.len;
		if (part.len == room)
			span_end(writer);
		bytes = slv_str_from_index(bytes, part.len);
	}
}

static slv_err writer_open(struct slv_blob_writer *writer)
{
	if (writer->open)
		return SLV_OK;
	span_begin(writer);
	return writer->blobs->driver->create(writer->blobs, &writer->ref.id, &writer->open);
}

static slv_err writer_write(struct slv_blob_writer *writer)
{
	if (writer->bytes.len > SLV_BLOB_BYTES_MAX - writer->ref.len)
		return SLV_ERR(SLV_E_LIMIT, "a blob: at most 5 GiB are allowed");
	slv_err err = writer->blobs->driver->append(writer->open, writer->bytes);
	if (slv_failed(err))
		return err;
	sum_up(writer, writer->bytes);
	writer->ref.len += writer->bytes.len;
	return SLV_OK;
}

static slv_err writer_finish(struct slv_blob_writer *writer)
{
	const struct blob_driver *driver = writer->blobs->driver;
	uint8_t tail[TAIL_BYTES];
	if (writer->in_span > 0)
		span_end(writer);
	tail_make(&writer->ref, tail);
	slv_buf_add(&writer->sums, (slv_str){ (const char *)tail, sizeof(tail) });
	slv_err err = driver->append(writer->open, slv_buf_str(&writer->sums));
	return slv_failed(err) ? err : driver->commit(writer->open);
}

/* The last that is done with it. */
static void writer_end(struct slv_blob_writer *writer)
{
	const struct blob_driver *driver = writer->blobs->driver;
	if (writer->open)
		driver->close(writer->open);
	if (writer->discard)
		(void)driver->remove(writer->blobs, &writer->ref.id,
				false); /* told; the list finds it */
	atomic_fetch_sub(&writer->blobs->under_way, 1);
	slv_buf_done(&writer->sums);
	(void)XXH3_freeState(writer->span);
	slv_free(writer);
}

static void writer_end_work(struct slv_chore *chore)
{
	writer_end(SLV_CONTAINER(chore, struct slv_blob_writer, chore));
}

/* Closing waits for the disk. */
static void writer_leave(struct slv_blob_writer *writer)
{
	writer->chore = (struct slv_chore){ .work = writer_end_work };
	slv_crew_add(writer->blobs->writers, &writer->chore);
}

static void writer_came(struct slv_post *post)
{
	struct slv_blob_writer *writer = SLV_CONTAINER(post, struct slv_blob_writer, post);
	bool freed = writer->freed;
	slv_loop_came(writer->loop);
	writer->busy = false;
	if (freed) {
		writer->discard = writer->finishes && !slv_failed(writer->err);
		writer->err = cancelled();
	}
	if (writer->finishes)
		writer->finished(writer->arg, writer->err, &writer->ref);
	else
		writer->written(writer->arg, writer->err);
	if (freed)
		writer_leave(writer);
}

static void writer_work(struct slv_chore *chore)
{
	struct slv_blob_writer *writer = SLV_CONTAINER(chore, struct slv_blob_writer, chore);
	writer->err = writer_open(writer);
	if (!slv_failed(writer->err))
		writer->err = writer->finishes ? writer_finish(writer) : writer_write(writer);
	writer->post = (struct slv_post){ .run = writer_came };
	slv_loop_post(writer->loop, &writer->post);
}

static void writer_start(struct slv_blob_writer *writer)
{
	slv_assert(!writer->busy && !writer->finishes && !slv_failed(writer->err));
	writer->busy = true;
	slv_loop_await(writer->loop);
	writer->chore = (struct slv_chore){ .work = writer_work };
}

void slv_blob_write(struct slv_blob_writer *writer, slv_str bytes,
		void (*done)(void *arg, slv_err err), void *arg)
{
	writer_start(writer);
	writer->bytes = bytes;
	writer->written = done;
	writer->arg = arg;
	slv_crew_add(writer->blobs->writers, &writer->chore);
}

void slv_blob_finish(struct slv_blob_writer *writer,
		void (*done)(void *arg, slv_err err, const struct slv_blob_ref *ref), void *arg)
{
	writer_start(writer);
	writer->finishes = true;
	writer->finished = done;
	writer->arg = arg;
	slv_crew_add(writer->blobs->writers, &writer->chore);
}

void slv_blob_writer_free(struct slv_blob_writer *writer)
{
	if (!writer)
		return;
	slv_loop_assert(writer->loop);
	slv_assert(!writer->freed);
	writer->freed = true;
	if (!writer->busy)
		writer_leave(writer);
}

/* --- reading --- */

struct slv_blob_reader {
	struct slv_loop *loop;
	struct slv_blobs *blobs;
	struct slv_blob_ref ref;

	/* Of the thread that a call is on. */
	struct blob_open *open;
	char *bytes; /* whole spans, and their checksums */
	size_t room;

	/* The call under way. */
	bool busy, freed;
	struct slv_chore chore;
	struct slv_post post;
	struct slv_task task;
	uint64_t offset;
	size_t len;
	slv_str found;
	struct slv_cache_hit *hit; /* that has `found`; NULL: `bytes` have it */
	slv_err err;
	void (*done)(void *arg, slv_err err, slv_str bytes);
	void *arg;
};

slv_err slv_blob_reader_new(struct slv_loop *loop, struct slv_blobs *blobs,
		const struct slv_blob_ref *ref, struct slv_blob_reader **ret_reader)
{
	slv_err err = take_place(blobs);
	if (slv_failed(err))
		return err;
	struct slv_blob_reader *reader = SLV_ALLOC(struct slv_blob_reader);
	reader->loop = loop;
	reader->blobs = blobs;
	reader->ref = *ref;
	*ret_reader = reader;
	return SLV_OK;
}

static uint64_t tail_at(const struct slv_blob_ref *ref)
{
	return ref->len + spans_of(ref->len) * SUM_BYTES;
}

/* What is there is what the row says it is. */
static slv_err reader_check(struct slv_blob_reader *reader)
{
	const struct blob_driver *driver = reader->blobs->driver;
	uint64_t at = tail_at(&reader->ref), bytes;
	uint8_t is[TAIL_BYTES], should[TAIL_BYTES];
	slv_err err = driver->size(reader->open, &bytes);
	if (!slv_failed(err) && bytes != at + TAIL_BYTES)
		err = damaged();
	if (!slv_failed(err))
		err = driver->read(reader->open, at, (char *)is, sizeof(is));
	tail_make(&reader->ref, should);
	if (!slv_failed(err) && memcmp(is, should, sizeof(is)) != 0)
		err = damaged();
	return err;
}

static slv_err reader_open(struct slv_blob_reader *reader)
{
	const struct blob_driver *driver = reader->blobs->driver;
	if (reader->open)
		return SLV_OK;
	slv_err err = driver->open(reader->blobs, &reader->ref.id,
			tail_at(&reader->ref) + TAIL_BYTES, &reader->open);
	if (!slv_failed(err))
		err = reader_check(reader);
	if (slv_failed(err) && reader->open) {
		driver->close(reader->open);
		reader->open = NULL;
	}
	return err;
}

/* Spans are read whole: they are checked whole. */
static slv_err reader_read(struct slv_blob_reader *reader)
{
	const struct blob_driver *driver = reader->blobs->driver;
	uint64_t first = reader->offset / SLV_BLOB_SPAN_BYTES;
	uint64_t count = spans_of(reader->offset + reader->len) - first;
	uint64_t begin = first * SLV_BLOB_SPAN_BYTES;
	uint64_t end = begin + count * SLV_BLOB_SPAN_BYTES;
	if (end > reader->ref.len)
		end = reader->ref.len;
	size_t len = (size_t)(end - begin), sums_len = (size_t)count * SUM_BYTES;
	if (len + sums_len > reader->room) {
		reader->room = len + sums_len;
		reader->bytes = slv_realloc(reader->bytes, reader->room);
	}
	char *sums = reader->bytes + len;
	slv_err err = driver->read(reader->open, begin, reader->bytes, len);
	if (!slv_failed(err))
		err = driver->read(
				reader->open, reader->ref.len + first * SUM_BYTES, sums, sums_len);
	for (uint64_t i = 0; i < count && !slv_failed(err); i++) {
		size_t at = (size_t)i * SLV_BLOB_SPAN_BYTES;
		slv_str span = slv_str_head(
				(slv_str){ reader->bytes + at, len - at }, SLV_BLOB_SPAN_BYTES);
		uint64_t sum = XXH3_64bits_withSeed(
				span.at, span.len, seed_of(&reader->ref.id, first + i));
		if (sum != get_u64((const uint8_t *)sums + i * SUM_BYTES))
			err = damaged();
	}
	reader->found = (slv_str){ reader->bytes + (reader->offset - begin), reader->len };
	return err;
}

static void reader_end(struct slv_blob_reader *reader)
{
	atomic_fetch_sub(&reader->blobs->under_way, 1);
	slv_free(reader->bytes);
	slv_free(reader);
}

static void reader_end_work(struct slv_chore *chore)
{
	struct slv_blob_reader *reader = SLV_CONTAINER(chore, struct slv_blob_reader, chore);
	reader->blobs->driver->close(reader->open);
	reader_end(reader);
}

static void forget_hit(struct slv_blob_reader *reader)
{
	struct slv_cache_hit *hit = reader->hit;
	reader->hit = NULL;
	if (hit)
		hit->hold.drop(&hit->hold);
}

static void reader_leave(struct slv_blob_reader *reader)
{
	forget_hit(reader);
	if (!reader->open) {
		reader_end(reader);
		return;
	}
	reader->chore = (struct slv_chore){ .work = reader_end_work };
	slv_crew_add(reader->blobs->readers, &reader->chore);
}

static void reader_answer(struct slv_blob_reader *reader)
{
	bool freed = reader->freed;
	reader->busy = false;
	if (freed)
		reader->err = cancelled();
	reader->done(reader->arg, reader->err,
			slv_failed(reader->err) ? (slv_str){ 0 } : reader->found);
	if (freed)
		reader_leave(reader);
}

static void reader_came(struct slv_post *post)
{
	struct slv_blob_reader *reader = SLV_CONTAINER(post, struct slv_blob_reader, post);
	slv_loop_came(reader->loop);
	if (!slv_failed(reader->err) && !reader->hit)
		blob_memory_add(reader->blobs, reader->loop, &reader->ref, reader->offset,
				reader->found);
	reader_answer(reader);
}

static void reader_remembers(struct slv_task *task)
{
	reader_answer(SLV_CONTAINER(task, struct slv_blob_reader, task));
}

static void reader_work(struct slv_chore *chore)
{
	struct slv_blob_reader *reader = SLV_CONTAINER(chore, struct slv_blob_reader, chore);
	reader->err = reader_open(reader);
	if (!slv_failed(reader->err) && !reader->hit)
		reader->err = reader_read(reader);
	reader->post = (struct slv_post){ .run = reader_came };
	slv_loop_post(reader->loop, &reader->post);
}

void slv_blob_read(struct slv_blob_reader *reader, uint64_t offset, size_t len,
		void (*done)(void *arg, slv_err err, slv_str bytes), void *arg)
{
	slv_assert(!reader->busy && len > 0 && len <= SLV_BLOB_READ_BYTES_MAX);
	slv_assert(offset < reader->ref.len && len <= reader->ref.len - offset);
	reader->busy = true;
	reader->offset = offset;
	reader->len = len;
	reader->done = done;
	reader->arg = arg;
	forget_hit(reader);
	reader->hit = blob_memory_get(reader->blobs, &reader->ref, offset, len);
	if (reader->hit)
		reader->found = reader->hit->body;
	/* Who has begun to read a blob reads it to its end, though it is removed meanwhile: so it
	 * is opened even for a piece that is known, unless that is all of it. */
	if (reader->hit && (reader->open || len == reader->ref.len)) {
		reader->err = SLV_OK;
		reader->task.run = reader_remembers;
		slv_task_start(reader->loop, &reader->task);
		return;
	}
	slv_loop_await(reader->loop);
	reader->chore = (struct slv_chore){ .work = reader_work };
	slv_crew_add(reader->blobs->readers, &reader->chore);
}

int slv_blob_read_fd(const struct slv_blob_reader *reader, uint64_t *ret_offset)
{
	*ret_offset = reader->hit ? reader->hit->body_offset : 0;
	return reader->hit ? reader->hit->body_fd : -1;
}

void slv_blob_reader_free(struct slv_blob_reader *reader)
{
	if (!reader)
		return;
	slv_loop_assert(reader->loop);
	slv_assert(!reader->freed);
	reader->freed = true;
	if (!reader->busy)
		reader_leave(reader);
}

/* --- the rest --- */

static void remove_came(struct slv_post *post)
{
	struct slv_blob_remove *remove = SLV_CONTAINER(post, struct slv_blob_remove, post);
	slv_loop_came(remove->loop);
	remove->done(remove, remove->err);
}

static void remove_work(struct slv_chore *chore)
{
	struct slv_blob_remove *remove = SLV_CONTAINER(chore, struct slv_blob_remove, chore);
	remove->err = remove->blobs->driver->remove(remove->blobs, &remove->id, remove->begun);
	remove->post = (struct slv_post){ .run = remove_came };
	slv_loop_post(remove->loop, &remove->post);
}

void slv_blob_remove(struct slv_loop *loop, struct slv_blob_remove *remove)
{
	slv_assert(remove->done);
	remove->loop = loop;
	slv_loop_await(loop);
	remove->chore = (struct slv_chore){ .work = remove_work };
	slv_crew_add(remove->blobs->removers, &remove->chore);
}

/* Who makes `left` what it is not 0, or 0 again, tells. */
static void stays(struct slv_blobs *blobs)
{
	if (atomic_fetch_add(&blobs->left, 1) == 0 && blobs->log)
		slv_log(blobs->log, SLV_WARN, "store.left",
				SLV_KV("why", "blobs are removed too slowly: some stay until "
					      "selvedge store check --repair"));
}

static void caught_up(struct slv_blobs *blobs)
{
	uint64_t left = atomic_exchange(&blobs->left, 0);
	if (left > 0 && blobs->log)
		slv_log(blobs->log, SLV_WARN, "store.left", SLV_KV("blobs", left));
}

static void discard_ends(struct slv_blobs *blobs)
{
	if (atomic_fetch_sub(&blobs->discards, 1) == 1)
		caught_up(blobs);
}

static void discarded(struct slv_blob_remove *remove, slv_err err)
{
	(void)err; /* blob.h says so */
	discard_ends(remove->blobs);
	slv_free(remove);
}

bool slv_blobs_behind(const struct slv_blobs *blobs)
{
	return atomic_load(&blobs->discards) > SLV_BLOB_DISCARDS_MANY;
}

void slv_blob_discard(struct slv_loop *loop, struct slv_blobs *blobs, const struct slv_blob_id *id)
{
	if (atomic_fetch_add(&blobs->discards, 1) >= SLV_BLOB_DISCARDS_MAX) {
		stays(blobs);
		discard_ends(blobs);
		return;
	}
	struct slv_blob_remove *remove = SLV_ALLOC(struct slv_blob_remove);
	*remove = (struct slv_blob_remove){ .blobs = blobs, .id = *id, .done = discarded };
	slv_blob_remove(loop, remove);
}

bool blob_list_add(struct slv_blob_list *list, const struct slv_blob_listed *listed)
{
	if (list->count == SLV_BLOB_LISTED_MAX)
		return false;
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 64;
		list->listed = slv_realloc(list->listed, list->room * sizeof(*listed));
	}
	list->listed[list->count++] = *listed;
	return true;
}

static void list_came(struct slv_post *post)
{
	struct slv_blob_list *list = SLV_CONTAINER(post, struct slv_blob_list, post);
	struct slv_blob_listed *listed = list->listed;
	slv_loop_came(list->loop);
	list->done(list, list->err, listed, list->count);
	slv_free(listed);
}

static void list_work(struct slv_chore *chore)
{
	struct slv_blob_list *list = SLV_CONTAINER(chore, struct slv_blob_list, chore);
	list->err = list->blobs->driver->list(list->blobs, list);
	list->post = (struct slv_post){ .run = list_came };
	slv_loop_post(list->loop, &list->post);
}

void slv_blob_list(struct slv_loop *loop, struct slv_blob_list *list)
{
	slv_assert(list->done && list->shard < SLV_BLOB_SHARDS);
	list->loop = loop;
	list->listed = NULL;
	list->count = list->room = 0;
	slv_loop_await(loop);
	list->chore = (struct slv_chore){ .work = list_work };
	slv_crew_add(list->blobs->readers, &list->chore);
}

/* --- life --- */

static slv_err start(struct slv_blobs *blobs, struct slv_log *log, struct slv_blobs **ret_blobs)
{
	blobs->log = log;
	slv_err err = slv_crew_new(blobs->driver->readers, &blobs->readers);
	if (!slv_failed(err))
		err = slv_crew_new(blobs->driver->writers, &blobs->writers);
	if (!slv_failed(err))
		err = slv_crew_new(blobs->driver->removers, &blobs->removers);
	if (slv_failed(err))
		slv_blobs_close(blobs);
	else
		*ret_blobs = blobs;
	return err;
}

slv_err slv_blobs_open_on(slv_str folder, struct slv_disk *disk, struct slv_blobs **ret_blobs)
{
	return start(blob_files_new(folder, disk), NULL, ret_blobs);
}

slv_err slv_blobs_check(slv_str url, slv_str secret)
{
	slv_str rest = url, driver = slv_str_cut(&rest, ':');
	if (slv_str_eq(driver, SLV_STR("s3")))
		return blob_s3_check(url, secret);
	return slv_str_eq(driver, SLV_STR("file")) && rest.len > 0
	                       ? SLV_OK
	                       : SLV_ERR(SLV_E_SYNTAX, "blobs are in file:FOLDER or "
						       "s3://KEY_ID@HOST/BUCKET");
}

slv_err slv_blobs_open(
		slv_str url, slv_str secret, struct slv_log *log, struct slv_blobs **ret_blobs)
{
	slv_err err = slv_blobs_check(url, secret);
	if (slv_failed(err))
		return err;
	slv_str rest = url;
	bool remote = slv_str_eq(slv_str_cut(&rest, ':'), SLV_STR("s3"));
	return start(remote ? blob_s3_new(url, secret) : blob_files_new(rest, NULL), log,
			ret_blobs);
}

void slv_blobs_remember(struct slv_blobs *blobs, struct slv_cache *cache)
{
	blobs->memory = cache;
}

void slv_blobs_close(struct slv_blobs *blobs)
{
	if (!blobs)
		return;
	slv_crew_free(blobs->readers);
	slv_crew_free(blobs->writers);
	slv_crew_free(blobs->removers);
	slv_assert(atomic_load(&blobs->under_way) == 0);
	blobs->driver->free(blobs);
}
