/* Two buffers: loops append to one under a lock, the writer has the other. It gathers
 * for a moment before it takes the first over, so that lines cost it few wake-ups
 * and writes however many come.
 */
#include "loop/log.h"

#include "base/assert.h"
#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define LOG_BYTES_MAX SLV_MIB(1)
#define LOG_BYTES_SOON (LOG_BYTES_MAX / 2) /* gathering ends early */
#define LOG_GATHER_NS (20 * UINT64_C(1000000))
#define LOG_WRITE_BYTES SLV_KIB(64) /* at once, so that a reader who takes some is seen to */
#define LOG_STALL_NS (UINT64_C(1000000000))
#define LOG_END_NS (10 * LOG_STALL_NS)

struct slv_log {
	int fd;
	enum slv_level least;
	uv_thread_t writer;

	uv_mutex_t lock; /* of the rest but `writing` and `torn` */
	uv_cond_t filled;
	struct slv_buf filling;
	uint64_t lost;   /* lines */
	uint64_t untold; /* of these, not yet told */
	bool closing;
	uv_cond_t moved;
	uint64_t moves; /* what the writer has begun to write; grows while it gets on */
	bool ended;     /* the writer has */
	bool given_up;  /* nobody waits for it: it frees the log and leaves `fd` alone */

	struct slv_buf writing; /* the writer's */
	bool torn;              /* the last byte written was within a line */
};

static const char *const level_names[] = {
	[SLV_DEBUG] = "debug", [SLV_INFO] = "info", [SLV_WARN] = "warn", [SLV_ERROR] = "error"
};

/* --- lines --- */

static void add_head(struct slv_buf *buf, enum slv_level level, const char *event)
{
	struct timespec ts;
	struct tm tm;
	slv_assert(clock_gettime(CLOCK_REALTIME, &ts) == 0);
	slv_assert(gmtime_r(&ts.tv_sec, &tm));
	slv_buf_printf(buf, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\",\"level\":\"%s\"",
			tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			tm.tm_sec, (int)(ts.tv_nsec / 1000000), level_names[level]);
	slv_buf_add(buf, SLV_STR(",\"event\":"));
	slv_buf_add_json(buf, slv_str_from(event));
}

static void add_value(struct slv_buf *buf, const struct slv_kv *kv)
{
	switch (kv->kind) {
	case SLV_KV_I64:
		slv_buf_printf(buf, "%lld", (long long)kv->i64);
		return;
	case SLV_KV_U64:
		slv_buf_add_u64(buf, kv->u64);
		return;
	case SLV_KV_F64:
		if (isfinite(kv->f64))
			slv_buf_printf(buf, "%.15g", kv->f64);
		else
			slv_buf_add(buf, SLV_STR("null")); /* JSON has no such number */
		return;
	case SLV_KV_BOOL:
		slv_buf_add(buf, kv->flag ? SLV_STR("true") : SLV_STR("false"));
		return;
	case SLV_KV_STR:
		slv_buf_add_json(buf, kv->str);
		return;
	case SLV_KV_CSTR:
		if (kv->cstr)
			slv_buf_add_json(buf, slv_str_from(kv->cstr));
		else
			slv_buf_add(buf, SLV_STR("null"));
		return;
	}
	slv_assert(!"a kind of the table");
}

static void add_untold(struct slv_log *log)
{
	add_head(&log->filling, SLV_WARN, "log.dropped");
	slv_buf_add(&log->filling, SLV_STR(",\"lines\":"));
	slv_buf_add_u64(&log->filling, log->untold);
	slv_buf_add(&log->filling, SLV_STR("}\n"));
}

static void count_lost(struct slv_log *log, uint64_t lines)
{
	log->lost += lines;
	log->untold += lines;
}

/* Lock, and return where the line begins. */
static size_t line_begin(struct slv_log *log)
{
	uv_mutex_lock(&log->lock);
	size_t start = log->filling.len;
	if (log->untold)
		add_untold(log);
	return start;
}

static void line_end(struct slv_log *log, size_t start)
{
	struct slv_buf *buf = &log->filling;
	slv_buf_add_char(buf, '\n');
	if (buf->overflow) {
		/* All of it goes, and with it the news of those before. */
		buf->len = start;
		buf->overflow = false;
		count_lost(log, 1);
	} else {
		log->untold = 0;
	}
	bool first = start == 0;
	bool soon = start < LOG_BYTES_SOON && buf->len >= LOG_BYTES_SOON;
	if (first || soon)
		uv_cond_signal(&log->filled);
	uv_mutex_unlock(&log->lock);
}

void slv_log_write(struct slv_log *log, enum slv_level level, const char *event,
		const struct slv_kv *kvs, size_t count)
{
	if (!log || level < log->least)
		return;
	size_t start = line_begin(log);
	add_head(&log->filling, level, event);
	for (size_t i = 0; i < count; i++) {
		slv_buf_add_char(&log->filling, ',');
		slv_buf_add_json(&log->filling, slv_str_from(kvs[i].key));
		slv_buf_add_char(&log->filling, ':');
		add_value(&log->filling, &kvs[i]);
	}
	slv_buf_add_char(&log->filling, '}');
	line_end(log, start);
}

void slv_log_line(struct slv_log *log, slv_str line)
{
	if (!log)
		return;
	size_t start = line_begin(log);
	slv_buf_add(&log->filling, line);
	line_end(log, start);
}

uint64_t slv_log_lost(struct slv_log *log)
{
	uv_mutex_lock(&log->lock);
	uint64_t lines = log->lost;
	uv_mutex_unlock(&log->lock);
	return lines;
}

/* --- the writer --- */

static bool may_write(struct slv_log *log)
{
	uv_mutex_lock(&log->lock);
	log->moves++;
	uv_cond_signal(&log->moved);
	bool may = !log->given_up;
	uv_mutex_unlock(&log->lock);
	return may;
}

static ssize_t write_some(struct slv_log *log, slv_str bytes)
{
	while (may_write(log)) {
		ssize_t wrote = write(log->fd, bytes.at,
				bytes.len < LOG_WRITE_BYTES ? bytes.len : LOG_WRITE_BYTES);
		if (wrote >= 0)
			return wrote;
		if (errno == EAGAIN) {
			/* The descriptor is shared with somebody who made it non-blocking. */
			struct pollfd wait = { .fd = log->fd, .events = POLLOUT };
			(void)poll(&wait, 1, -1); /* write tells what is wrong */
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return -1;
}

/* Write all of `bytes`, which end with a line. Returns how many lines could not be. */
static uint64_t write_lines(struct slv_log *log, slv_str bytes)
{
	size_t at = 0;
	/* What was cut off by a failure must not run into the next line. */
	bool clean = !log->torn || write_some(log, SLV_STR("\n")) == 1;
	while (clean && at < bytes.len) {
		ssize_t wrote = write_some(log, slv_str_from_index(bytes, at));
		if (wrote <= 0)
			break;
		at += (size_t)wrote;
	}
	if (clean)
		log->torn = at > 0 && bytes.at[at - 1] != '\n';
	uint64_t unwritten = 0;
	for (; at < bytes.len; at++)
		unwritten += bytes.at[at] == '\n';
	return unwritten;
}

/* Wait for lines; false when there will be none. Called and returns with the lock. */
static bool wait_for_lines(struct slv_log *log)
{
	while (!log->closing && log->filling.len == 0)
		uv_cond_wait(&log->filled, &log->lock);
	if (!log->closing && log->filling.len < LOG_BYTES_SOON)
		(void)uv_cond_timedwait(&log->filled, &log->lock, LOG_GATHER_NS);
	if (log->filling.len == 0 && log->untold > 0) {
		add_untold(log);
		log->untold = 0;
	}
	return log->filling.len > 0;
}

static void log_destroy(struct slv_log *log)
{
	uv_cond_destroy(&log->moved);
	uv_cond_destroy(&log->filled);
	uv_mutex_destroy(&log->lock);
	slv_buf_done(&log->filling);
	slv_buf_done(&log->writing);
	slv_free(log);
}

static void writer_run(void *arg)
{
	struct slv_log *log = arg;
	uv_mutex_lock(&log->lock);
	while (!log->given_up && wait_for_lines(log)) {
		struct slv_buf taken = log->filling;
		log->filling = log->writing;
		log->writing = taken;
		uv_mutex_unlock(&log->lock);
		uint64_t unwritten = write_lines(log, slv_buf_str(&log->writing));
		slv_buf_clear(&log->writing);
		uv_mutex_lock(&log->lock);
		count_lost(log, unwritten);
		if (log->closing && unwritten)
			log->untold = 0; /* there is nobody to tell */
	}
	log->ended = true;
	uv_cond_signal(&log->moved);
	bool ours = log->given_up;
	uv_mutex_unlock(&log->lock);
	if (ours)
		log_destroy(log);
}

/* --- life --- */

static void init_full(struct slv_buf *buf)
{
	slv_buf_init(buf, LOG_BYTES_MAX);
	/* All at once, so that it never grows while a loop holds the lock. */
	slv_assert(slv_buf_room(buf, LOG_BYTES_MAX));
}

struct slv_log *slv_log_new(int fd, enum slv_level least)
{
	struct slv_log *log = SLV_ALLOC(struct slv_log);
	log->fd = fd;
	log->least = least;
	init_full(&log->filling);
	init_full(&log->writing);
	slv_assert(uv_mutex_init(&log->lock) == 0);
	slv_assert(uv_cond_init(&log->filled) == 0);
	slv_assert(uv_cond_init(&log->moved) == 0);

	/* Signals are for other threads; a SIGPIPE stays pending and write says EPIPE. */
	sigset_t all, before;
	slv_assert(sigfillset(&all) == 0);
	slv_assert(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	slv_assert(uv_thread_create(&log->writer, writer_run, log) == 0);
	slv_assert(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	return log;
}

/* Wait until the writer has ended; false if it does not get on. A write(2) to a pipe that is full
 * cannot be called back, so the thread may stay there. Called with the lock. */
static bool wait_for_end(struct slv_log *log)
{
	uint64_t until_ns = uv_hrtime() + LOG_END_NS;
	while (!log->ended && uv_hrtime() < until_ns) {
		uint64_t moves = log->moves;
		if (uv_cond_timedwait(&log->moved, &log->lock, LOG_STALL_NS) == UV_ETIMEDOUT &&
				moves == log->moves)
			break;
	}
	return log->ended;
}

void slv_log_free(struct slv_log *log)
{
	if (!log)
		return;
	uv_thread_t writer = log->writer;
	uv_mutex_lock(&log->lock);
	log->closing = true;
	uv_cond_signal(&log->filled);
	bool ended = wait_for_end(log);
	log->given_up = !ended;
	uv_mutex_unlock(&log->lock);
	if (!ended) {
		slv_assert(pthread_detach(writer) == 0);
		return;
	}
	slv_assert(uv_thread_join(&writer) == 0);
	log_destroy(log);
}
