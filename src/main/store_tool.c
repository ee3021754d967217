#include "base/assert.h"
#include "loop/log.h"
#include "main/store.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define SHOW_NS 200000000u /* between looks of the progress */
#define TRIES 5            /* of what is busy */
#define SECOND_NS 1000000000u

void store_tool_init(struct store_tool *tool, const char *name)
{
	tool->name = name;
	slv_arena_init(&tool->arena, SLV_KIB(16), SLV_MIB(16));
	tool->log = slv_log_new(STDERR_FILENO, SLV_WARN);
	tool->loop = slv_loop_new(0, tool->log, NULL);
	tool->is_terminal = isatty(STDERR_FILENO);
	tool->begun_ns = slv_loop_fresh_ns(tool->loop);
}

void store_tool_done(struct store_tool *tool)
{
	slv_log_free(tool->log);
	slv_arena_done(&tool->arena);
}

/* --- telling --- */

void store_size(uint64_t bytes, char room[static STORE_SIZE_BYTES])
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;
	uint64_t tenths = bytes * 10;
	while (tenths >= UINT64_C(10240) && unit + 1 < SLV_COUNT(units)) {
		tenths /= 1024;
		unit++;
	}
	if (unit)
		snprintf(room, STORE_SIZE_BYTES, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10,
				tenths % 10, units[unit]);
	else
		snprintf(room, STORE_SIZE_BYTES, "%" PRIu64 " bytes", bytes);
}

void store_id_text(const struct slv_blob_id *id, char room[static STORE_ID_TEXT])
{
	slv_str_hex(id->bytes, sizeof(id->bytes), room);
	room[STORE_ID_TEXT - 1] = 0;
}

const char *store_printable(struct store_tool *tool, slv_str key)
{
	slv_arena_reset(&tool->arena);
	char *text = slv_arena_bytes(&tool->arena, 4 * key.len + 3), *at = text;
	if (!text)
		return "a key that is too long to be printed";
	*at++ = '"';
	for (size_t i = 0; i < key.len; i++) {
		uint8_t c = (uint8_t)key.at[i];
		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			at += snprintf(at, 5, "\\x%02x", c);
		else
			*at++ = (char)c;
	}
	*at++ = '"';
	*at = 0;
	return text;
}

/* Blobs are what takes time where they are counted beforehand. */
static void show(struct store_tool *tool, uint64_t now_ns)
{
	char done[STORE_SIZE_BYTES], rate[STORE_SIZE_BYTES], part[16] = "";
	uint64_t bytes = tool->count.row_bytes + tool->count.blob_bytes;
	uint64_t ms = (now_ns - tool->begun_ns) / 1000000 + 1;
	if (tool->count.blobs_all && tool->count.blobs <= tool->count.blobs_all)
		snprintf(part, sizeof(part), ", %" PRIu64 "%%",
				tool->count.blobs * 100 / tool->count.blobs_all);
	store_size(bytes, done);
	store_size((uint64_t)((double)bytes * 1000 / (double)ms), rate);
	/* Who cannot be told is not told. */
	(void)fprintf(stderr, "\r\033[K%s: %" PRIu64 " rows, %" PRIu64 " blobs, %s, %s/s%s",
			tool->name, tool->count.rows, tool->count.blobs, done, rate, part);
	tool->shown_ns = now_ns;
}

static void show_at_times(struct store_tool *tool)
{
	uint64_t now_ns = slv_loop_fresh_ns(tool->loop);
	if (tool->is_terminal && now_ns - tool->shown_ns >= SHOW_NS)
		show(tool, now_ns);
}

void store_unshow(struct store_tool *tool)
{
	if (tool->is_terminal)
		(void)fprintf(stderr, "\r\033[K"); /* likewise */
	tool->shown_ns = 0;
}

void store_say(struct store_tool *tool, const char *fmt, ...)
{
	va_list args;
	store_unshow(tool);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	(void)fflush(stdout); /* a full disk does not end what is done */
}

int store_sum_up(struct store_tool *tool, const char *more)
{
	char rows[STORE_SIZE_BYTES], blobs[STORE_SIZE_BYTES];
	uint64_t bad = tool->count.damaged + tool->count.missing;
	store_size(tool->count.row_bytes, rows);
	store_size(tool->count.blob_bytes, blobs);
	store_unshow(tool);
	printf("%s: %" PRIu64 " rows in %" PRIu64 " maps, %s; %" PRIu64 " blobs, %s", tool->name,
			tool->count.rows, tool->count.maps, rows, tool->count.blobs, blobs);
	if (bad)
		printf("; %" PRIu64 " damaged, %" PRIu64 " missing", tool->count.damaged,
				tool->count.missing);
	printf("%s; %s\n", more, bad ? "not good" : "good");
	return bad > 0;
}

/* --- waiting --- */

struct wait {
	struct store_tool *tool;
	bool done;
	slv_err err;
};

static slv_err wait_for(struct wait *wait)
{
	while (!wait->done) {
		slv_loop_turn(wait->tool->loop, true);
		show_at_times(wait->tool);
	}
	return wait->err;
}

static bool is_busy(slv_err err)
{
	return err.code == SLV_E_BUSY || err.code == SLV_E_TIMEOUT;
}

void store_rows_drop(struct slv_omap_rows **rows)
{
	if (*rows)
		(*rows)->hold.drop(&(*rows)->hold);
	*rows = NULL;
}

struct listing {
	struct slv_omap_list list;
	struct wait wait;
	struct slv_omap_rows *rows;
};

static void listed(struct slv_omap_list *list, slv_err err, struct slv_omap_rows *rows)
{
	struct listing *listing = SLV_CONTAINER(list, struct listing, list);
	listing->wait.err = err;
	listing->wait.done = true;
	listing->rows = rows;
}

slv_err store_maps_list(struct store_tool *tool, struct slv_omaps *maps, slv_str after,
		struct slv_omap_rows **ret_rows)
{
	slv_err err = SLV_OK;
	for (int i = 0; i < TRIES; i++) {
		struct listing listing = { .wait = { .tool = tool } };
		listing.list = (struct slv_omap_list){
			.omaps = maps, .after = after, .rows_max = SLV_OMAP_ROWS_MAX, .done = listed
		};
		slv_omap_list(tool->loop, &listing.list);
		err = wait_for(&listing.wait);
		*ret_rows = listing.rows;
		if (!is_busy(err))
			break;
	}
	return err;
}

slv_err store_has_maps(struct store_tool *tool, struct slv_omaps *maps, bool *ret_has)
{
	struct slv_omap_rows *names;
	slv_err err = store_maps_list(tool, maps, (slv_str){ 0 }, &names);
	if (slv_failed(err))
		return err;
	*ret_has = names->count > 0;
	store_rows_drop(&names);
	return SLV_OK;
}

struct reading {
	struct slv_omap_read read;
	struct wait wait;
	struct slv_omap_rows *rows;
};

static void has_read(struct slv_omap_read *read, slv_err err, struct slv_omap_rows *rows)
{
	struct reading *reading = SLV_CONTAINER(read, struct reading, read);
	reading->wait.err = err;
	reading->wait.done = true;
	reading->rows = rows;
}

slv_err store_read(struct store_tool *tool, struct slv_omap_read *read,
		struct slv_omap_rows **ret_rows)
{
	slv_err err = SLV_OK;
	for (int i = 0; i < TRIES; i++) {
		struct reading reading = { .read = *read, .wait = { .tool = tool } };
		reading.read.done = has_read;
		slv_omap_read(tool->loop, &reading.read);
		err = wait_for(&reading.wait);
		*ret_rows = reading.rows;
		if (!is_busy(err))
			break;
	}
	return err;
}

struct writing {
	struct slv_omap_batch batch;
	struct wait wait;
};

static void written(struct slv_omap_batch *batch, slv_err err)
{
	struct writing *writing = SLV_CONTAINER(batch, struct writing, batch);
	writing->wait.err = err;
	writing->wait.done = true;
}

slv_err store_write(struct store_tool *tool, struct slv_omap_batch *batch)
{
	slv_err err = SLV_OK;
	for (int i = 0; i < TRIES; i++) {
		struct writing writing = { .batch = *batch, .wait = { .tool = tool } };
		writing.batch.done = written;
		slv_omap_write(tool->loop, &writing.batch);
		err = wait_for(&writing.wait);
		batch->old = writing.batch.old;
		if (!is_busy(err))
			break;
	}
	return err;
}

struct dropping {
	struct slv_omap_drop drop;
	struct wait wait;
};

static void dropped(struct slv_omap_drop *drop, slv_err err)
{
	struct dropping *dropping = SLV_CONTAINER(drop, struct dropping, drop);
	dropping->wait.err = err;
	dropping->wait.done = true;
}

slv_err store_drop(struct store_tool *tool, struct slv_omap *map)
{
	struct dropping dropping = { .drop = { .map = map, .done = dropped },
		.wait = { .tool = tool } };
	slv_omap_drop(tool->loop, &dropping.drop);
	return wait_for(&dropping.wait);
}

/* --- blobs --- */

struct blob_reading {
	struct wait wait;
	slv_str bytes;
};

static void blob_read(void *arg, slv_err err, slv_str bytes)
{
	struct blob_reading *reading = arg;
	reading->wait.err = err;
	reading->wait.done = true;
	reading->bytes = bytes;
}

slv_err store_blob_read(struct store_tool *tool, struct slv_blob_reader *reader, uint64_t offset,
		size_t len, slv_str *ret_bytes)
{
	struct blob_reading reading = { .wait = { .tool = tool } };
	slv_blob_read(reader, offset, len, blob_read, &reading);
	slv_err err = wait_for(&reading.wait);
	*ret_bytes = reading.bytes;
	return err;
}

slv_err store_blob_look(
		struct store_tool *tool, struct slv_blobs *blobs, const struct slv_blob_ref *ref)
{
	struct slv_blob_reader *reader;
	slv_str bytes;
	if (ref->len == 0)
		return SLV_OK;
	slv_err err = slv_blob_reader_new(tool->loop, blobs, ref, &reader);
	if (slv_failed(err))
		return err;
	err = store_blob_read(tool, reader, 0, 1, &bytes);
	slv_blob_reader_free(reader);
	return err;
}

static void blob_written(void *arg, slv_err err)
{
	struct wait *wait = arg;
	wait->err = err;
	wait->done = true;
}

slv_err store_blob_write(struct store_tool *tool, struct slv_blob_writer *writer, slv_str bytes)
{
	struct wait wait = { .tool = tool };
	slv_blob_write(writer, bytes, blob_written, &wait);
	return wait_for(&wait);
}

static void blob_finished(void *arg, slv_err err, const struct slv_blob_ref *ref)
{
	(void)ref;
	blob_written(arg, err);
}

slv_err store_blob_finish(struct store_tool *tool, struct slv_blob_writer *writer)
{
	struct wait wait = { .tool = tool };
	slv_blob_finish(writer, blob_finished, &wait);
	return wait_for(&wait);
}

struct removing {
	struct slv_blob_remove remove;
	struct wait wait;
};

static void blob_removed(struct slv_blob_remove *remove, slv_err err)
{
	struct removing *removing = SLV_CONTAINER(remove, struct removing, remove);
	removing->wait.err = err;
	removing->wait.done = true;
}

slv_err store_blob_remove(struct store_tool *tool, struct slv_blobs *blobs,
		const struct slv_blob_id *id, enum slv_blob_begun begun)
{
	struct removing removing = {
		.remove = { .blobs = blobs, .id = *id, .begun = begun, .done = blob_removed },
		.wait = { .tool = tool }
	};
	slv_blob_remove(tool->loop, &removing.remove);
	return wait_for(&removing.wait);
}

struct shard {
	struct slv_blob_list list;
	struct wait wait;
	void (*take)(void *arg, const struct slv_blob_listed *listed, size_t count);
	void *arg;
};

static void blobs_listed(struct slv_blob_list *list, slv_err err,
		const struct slv_blob_listed *found, size_t count)
{
	struct shard *shard = SLV_CONTAINER(list, struct shard, list);
	shard->wait.err = err;
	shard->wait.done = true;
	shard->take(shard->arg, found, count);
}

slv_err store_blobs_list(struct store_tool *tool, struct slv_blobs *blobs, unsigned shard,
		void (*take)(void *arg, const struct slv_blob_listed *listed, size_t count),
		void *arg)
{
	struct shard one = { .wait = { .tool = tool }, .take = take, .arg = arg };
	one.list = (struct slv_blob_list){ .blobs = blobs, .shard = shard, .done = blobs_listed };
	slv_blob_list(tool->loop, &one.list);
	return wait_for(&one.wait);
}

static void count_listed(void *arg, const struct slv_blob_listed *found, size_t count)
{
	(void)found;
	*(size_t *)arg += count;
}

slv_err store_has_blobs(struct store_tool *tool, struct slv_blobs *blobs, bool *ret_has)
{
	size_t count = 0;
	slv_err err = SLV_OK;
	for (unsigned i = 0; i < SLV_BLOB_SHARDS && !count && !slv_failed(err); i++)
		err = store_blobs_list(tool, blobs, i, count_listed, &count);
	*ret_has = count > 0;
	return err;
}

static void nothing(struct slv_timer *timer)
{
	(void)timer; /* the loop was woken */
}

void store_pace(struct store_tool *tool, size_t bytes)
{
	if (!tool->rate_bytes)
		return;
	if (!tool->paced_ns)
		tool->paced_ns = slv_loop_fresh_ns(tool->loop);
	tool->paced_bytes += bytes;
	double due_ns = (double)tool->paced_bytes * SECOND_NS / (double)tool->rate_bytes;
	for (;;) {
		double spent_ns = (double)(slv_loop_fresh_ns(tool->loop) - tool->paced_ns);
		if (spent_ns >= due_ns)
			return;
		tool->pause.fire = nothing;
		slv_timer_start(tool->loop, &tool->pause,
				(uint64_t)((due_ns - spent_ns) / 1000000) + 1);
		slv_loop_turn(tool->loop, true);
		show_at_times(tool);
	}
}
