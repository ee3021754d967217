/* log.h - events as JSON lines
 *
 * A constant event name and typed fields, one line each, buffered and written by a
 * thread of its own so that no loop waits for a slow reader. When the buffer (1 MiB)
 * is full lines are dropped and counted; the count is told with the next line.
 * Never secrets or bodies.
 *
 *	slv_log(log, SLV_WARN, "cache.evict", SLV_KV("bytes", n), SLV_KV("tier", "disk"));
 *
 * gives  {"time":"2026-01-02T03:04:05.678Z","level":"warn","event":"cache.evict",…}
 */
#ifndef SLV_LOOP_LOG_H
#define SLV_LOOP_LOG_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

enum slv_level { SLV_DEBUG, SLV_INFO, SLV_WARN, SLV_ERROR };

struct slv_log;

/* Write to `fd` (stays the caller's). Lines below `least` are dropped. */
struct slv_log *slv_log_new(int fd, enum slv_level least);

/* Writes what is left, for as long as it is taken: once nothing was for a second, or not all of it
 * in ten, the rest is lost. No byte is begun to be written to `fd` after that, but a write may
 * still be at it: do not close what may stall. NULL is fine. */
void slv_log_free(struct slv_log *log);

enum slv_kv_kind { SLV_KV_I64, SLV_KV_U64, SLV_KV_F64, SLV_KV_BOOL, SLV_KV_STR, SLV_KV_CSTR };

struct slv_kv {
	const char *key;
	enum slv_kv_kind kind;
	union {
		int64_t i64;
		uint64_t u64;
		double f64;
		bool flag;
		slv_str str;
		const char *cstr;
	};
};

/* One field; its kind follows the type of `value`. */
#define SLV_KV(key_, value_)                                                                       \
	_Generic((value_),                                                      \
		bool: slv_kv_bool,                                              \
		char *: slv_kv_cstr,                                            \
		const char *: slv_kv_cstr,                                      \
		slv_str: slv_kv_str,                                            \
		float: slv_kv_f64,                                              \
		double: slv_kv_f64,                                             \
		unsigned: slv_kv_u64,                                           \
		unsigned short: slv_kv_u64,                                     \
		unsigned char: slv_kv_u64,                                      \
		unsigned long: slv_kv_u64,                                      \
		unsigned long long: slv_kv_u64,                                 \
		default: slv_kv_i64)((key_), (value_))

/* NULL is allowed for `log`: then nothing happens. Thread: any. */
#define slv_log(log, level, event, ...)                                                            \
	slv_log_write((log), (level), (event), (const struct slv_kv[]){ __VA_ARGS__ },             \
			sizeof((const struct slv_kv[]){ __VA_ARGS__ }) / sizeof(struct slv_kv))

void slv_log_write(struct slv_log *log, enum slv_level level, const char *event,
		const struct slv_kv *kvs, size_t count);

/* Append a line that was made elsewhere (the access log); a newline is added. Thread: any. */
void slv_log_line(struct slv_log *log, slv_str line);

/* Lines lost since the begin, also those that could not be written. For /metrics. Thread: any. */
uint64_t slv_log_lost(struct slv_log *log);

static inline struct slv_kv slv_kv_i64(const char *key, int64_t value)
{
	return (struct slv_kv){ .key = key, .kind = SLV_KV_I64, .i64 = value };
}

static inline struct slv_kv slv_kv_u64(const char *key, uint64_t value)
{
	return (struct slv_kv){ .key = key, .kind = SLV_KV_U64, .u64 = value };
}

static inline struct slv_kv slv_kv_f64(const char *key, double value)
{
	return (struct slv_kv){ .key = key, .kind = SLV_KV_F64, .f64 = value };
}

static inline struct slv_kv slv_kv_bool(const char *key, bool value)
{
	return (struct slv_kv){ .key = key, .kind = SLV_KV_BOOL, .flag = value };
}

static inline struct slv_kv slv_kv_str(const char *key, slv_str value)
{
	return (struct slv_kv){ .key = key, .kind = SLV_KV_STR, .str = value };
}

static inline struct slv_kv slv_kv_cstr(const char *key, const char *value)
{
	return (struct slv_kv){ .key = key, .kind = SLV_KV_CSTR, .cstr = value };
}

#endif
