/* A metric is written by its loop only, so counting is a load and a store without a
 * lock prefix; they are atomic for the reader, who may see one number before another.
 * Metrics are published on a list that only grows, and live as long as it.
 */
#include "loop/metric.h"

#include "base/assert.h"
#include "base/map.h"
#include "base/mem.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 0.25 ms doubled 18 times is 65.536 s; the last is for what is above. */
#define BUCKET_COUNT 20u
#define BUCKETS_A_MS 4u

#define KEY_BYTES_MAX 4096u /* name and labels */

struct slv_metric {
	enum slv_metric_kind kind;
	struct slv_metric *next;
	slv_str name;
	slv_str labels; /* without braces */
	slv_str help;
	char *text; /* owned: "name{labels}" and the help behind it */
	_Atomic(uint64_t) value;
	_Atomic(uint64_t) sum_us;    /* of a histogram */
	_Atomic(uint64_t) buckets[]; /* BUCKET_COUNT of a histogram, not cumulated */
};

struct slv_metrics {
	_Atomic(struct slv_metric *) newest;
	struct slv_map by_key; /* the loop's */
};

/* --- declaring --- */

struct slv_metrics *slv_metrics_new(void)
{
	struct slv_metrics *metrics = SLV_ALLOC(struct slv_metrics);
	/* The names are ours, so nobody aims at a bucket. */
	slv_map_init(&metrics->by_key, (struct slv_hash_key){ 0 });
	return metrics;
}

void slv_metrics_free(struct slv_metrics *metrics)
{
	if (!metrics)
		return;
	struct slv_metric *metric = atomic_load(&metrics->newest);
	while (metric) {
		struct slv_metric *next = metric->next;
		slv_free(metric->text);
		slv_free(metric);
		metric = next;
	}
	slv_map_done(&metrics->by_key);
	slv_free(metrics);
}

static bool is_name(slv_str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = slv_lower(name.at[i]);
		bool digit = i > 0 && slv_is_digit(c);
		if (!digit && !(c >= 'a' && c <= 'z') && c != '_' && c != ':')
			return false;
	}
	return name.len > 0;
}

/* A name is one kind, whatever its labels. */
static bool kind_agrees(struct slv_metrics *metrics, enum slv_metric_kind kind, slv_str name)
{
	struct slv_metric *metric = atomic_load_explicit(&metrics->newest, memory_order_relaxed);
	for (; metric; metric = metric->next) {
		if (slv_str_eq(metric->name, name))
			return metric->kind == kind;
	}
	return true;
}

static struct slv_metric *metric_new(
		enum slv_metric_kind kind, slv_str key, slv_str name, slv_str labels, slv_str help)
{
	size_t buckets = kind == SLV_HISTOGRAM ? BUCKET_COUNT : 0;
	struct slv_metric *metric =
			slv_alloc(sizeof(*metric) + buckets * sizeof(metric->buckets[0]));
	metric->kind = kind;
	metric->text = slv_alloc(key.len + help.len);
	memcpy(metric->text, key.at, key.len);
	if (help.len)
		memcpy(metric->text + key.len, help.at, help.len);
	metric->name = (slv_str){ metric->text, name.len };
	metric->labels = (slv_str){ metric->text + name.len + 1, labels.len };
	metric->help = (slv_str){ metric->text + key.len, help.len };
	return metric;
}

struct slv_metric *slv_metric_get(struct slv_metrics *metrics, enum slv_metric_kind kind,
		const char *name, const char *labels, const char *help)
{
	char text[KEY_BYTES_MAX];
	int len = snprintf(text, sizeof(text), "%s{%s}", name, labels ? labels : "");
	slv_assert(len > 0 && (size_t)len < sizeof(text));
	slv_str key = { text, (size_t)len };

	struct slv_metric *metric = slv_map_get(&metrics->by_key, key);
	if (metric) {
		slv_assert(metric->kind == kind);
		return metric;
	}
	slv_assert(is_name(slv_str_from(name)));
	slv_assert(slv_str_find(key, '\n') == key.len);
	slv_assert(kind_agrees(metrics, kind, slv_str_from(name)));
	metric = metric_new(
			kind, key, slv_str_from(name), slv_str_from(labels), slv_str_from(help));
	(void)slv_map_put(&metrics->by_key, (slv_str){ metric->text, key.len }, metric); /* new */
	metric->next = atomic_load_explicit(&metrics->newest, memory_order_relaxed);
	atomic_store_explicit(&metrics->newest, metric, memory_order_release);
	return metric;
}

/* --- counting --- */

static void bump(_Atomic(uint64_t) *slot, uint64_t by)
{
	uint64_t value = atomic_load_explicit(slot, memory_order_relaxed);
	atomic_store_explicit(slot, value + by, memory_order_relaxed);
}

static uint64_t peek(_Atomic(uint64_t) *slot)
{
	return atomic_load_explicit(slot, memory_order_relaxed);
}

void slv_metric_add(struct slv_metric *metric, uint64_t by)
{
	slv_assert(metric->kind != SLV_HISTOGRAM);
	bump(&metric->value, by);
}

void slv_metric_sub(struct slv_metric *metric, uint64_t by)
{
	slv_assert(metric->kind == SLV_GAUGE);
	bump(&metric->value, 0 - by);
}

void slv_metric_set(struct slv_metric *metric, uint64_t value)
{
	slv_assert(metric->kind == SLV_GAUGE);
	atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

/* The first bucket whose bound is not below `ms`. */
static unsigned bucket_of(double ms)
{
	double quarters = ceil(ms * BUCKETS_A_MS);
	if (quarters <= 1)
		return 0;
	if (quarters > (double)(UINT64_C(1) << (BUCKET_COUNT - 2)))
		return BUCKET_COUNT - 1;
	return 64 - (unsigned)__builtin_clzll((uint64_t)quarters - 1);
}

void slv_metric_observe(struct slv_metric *metric, double ms)
{
	slv_assert(metric->kind == SLV_HISTOGRAM);
	if (!(ms > 0)) /* not a number neither */
		ms = 0;
	if (ms > 1e12)
		ms = 1e12;
	bump(&metric->sum_us, (uint64_t)(ms * 1000 + 0.5));
	bump(&metric->buckets[bucket_of(ms)], 1);
}

/* --- printing --- */

struct found {
	struct slv_metric **at;
	size_t count, cap;
};

static void found_add(struct found *found, struct slv_metric *metric)
{
	if (found->count == found->cap) {
		found->cap = found->cap ? found->cap * 2 : 64;
		found->at = slv_realloc(found->at, found->cap * sizeof(struct slv_metric *));
	}
	found->at[found->count++] = metric;
}

static int by_name_and_labels(const void *left, const void *right)
{
	const struct slv_metric *a = *(struct slv_metric *const *)left;
	const struct slv_metric *b = *(struct slv_metric *const *)right;
	int order = slv_str_cmp(a->name, b->name);
	return order ? order : slv_str_cmp(a->labels, b->labels);
}

static void print_head(const struct slv_metric *metric, struct slv_buf *buf)
{
	static const char *const kinds[] = {
		[SLV_COUNTER] = "counter", [SLV_GAUGE] = "gauge", [SLV_HISTOGRAM] = "histogram"
	};
	slv_buf_printf(buf, "# HELP %.*s ", SLV_FMT(metric->name));
	for (size_t i = 0; i < metric->help.len; i++) {
		char c = metric->help.at[i];
		if (c == '\\' || c == '\n')
			slv_buf_add_char(buf, '\\');
		slv_buf_add_char(buf, c == '\n' ? 'n' : c);
	}
	slv_buf_printf(buf, "\n# TYPE %.*s %s\n", SLV_FMT(metric->name), kinds[metric->kind]);
}

/* "name_suffix{labels} " */
static void print_key(const struct slv_metric *metric, const char *suffix, struct slv_buf *buf)
{
	slv_buf_printf(buf, "%.*s%s", SLV_FMT(metric->name), suffix);
	if (metric->labels.len)
		slv_buf_printf(buf, "{%.*s}", SLV_FMT(metric->labels));
	slv_buf_add_char(buf, ' ');
}

static void print_histogram(const struct slv_metric *metric, const uint64_t *counts,
		uint64_t sum_us, struct slv_buf *buf)
{
	uint64_t total = 0;
	for (unsigned i = 0; i < BUCKET_COUNT; i++) {
		slv_buf_printf(buf, "%.*s_bucket{%.*s%sle=\"", SLV_FMT(metric->name),
				SLV_FMT(metric->labels), metric->labels.len ? "," : "");
		if (i == BUCKET_COUNT - 1)
			slv_buf_add(buf, SLV_STR("+Inf"));
		else
			slv_buf_printf(buf, "%.15g", (double)(UINT64_C(1) << i) / BUCKETS_A_MS);
		total += counts[i];
		slv_buf_printf(buf, "\"} %llu\n", (unsigned long long)total);
	}
	print_key(metric, "_sum", buf);
	slv_buf_printf(buf, "%llu.%03u\n", (unsigned long long)(sum_us / 1000),
			(unsigned)(sum_us % 1000));
	print_key(metric, "_count", buf);
	slv_buf_printf(buf, "%llu\n", (unsigned long long)total);
}

/* Print the sum of `count` metrics that are one. */
static void print_sum(struct slv_metric *const *same, size_t count, struct slv_buf *buf)
{
	const struct slv_metric *metric = same[0];
	uint64_t value = 0, sum_us = 0, counts[BUCKET_COUNT] = { 0 };
	for (size_t i = 0; i < count; i++) {
		slv_assert(same[i]->kind == metric->kind);
		value += peek(&same[i]->value);
		sum_us += peek(&same[i]->sum_us);
		for (unsigned b = 0; metric->kind == SLV_HISTOGRAM && b < BUCKET_COUNT; b++)
			counts[b] += peek(&same[i]->buckets[b]);
	}
	if (metric->kind == SLV_HISTOGRAM) {
		print_histogram(metric, counts, sum_us, buf);
		return;
	}
	print_key(metric, "", buf);
	/* What one loop adds another may subtract: each wraps round, the sum is right, and it is
	 * below zero for moments only. */
	if (metric->kind == SLV_GAUGE)
		slv_buf_printf(buf, "%lld\n", (long long)value);
	else
		slv_buf_printf(buf, "%llu\n", (unsigned long long)value);
}

void slv_metrics_print(struct slv_metrics *const *all, size_t count, struct slv_buf *buf)
{
	struct found found = { 0 };
	for (size_t i = 0; i < count; i++) {
		struct slv_metric *metric =
				atomic_load_explicit(&all[i]->newest, memory_order_acquire);
		for (; metric; metric = metric->next)
			found_add(&found, metric);
	}
	if (found.count)
		qsort(found.at, found.count, sizeof(found.at[0]), by_name_and_labels);
	for (size_t at = 0, end; at < found.count; at = end) {
		end = at + 1;
		while (end < found.count && by_name_and_labels(&found.at[at], &found.at[end]) == 0)
			end++;
		if (at == 0 || !slv_str_eq(found.at[at]->name, found.at[at - 1]->name))
			print_head(found.at[at], buf);
		print_sum(found.at + at, end - at, buf);
	}
	slv_free(found.at);
}
