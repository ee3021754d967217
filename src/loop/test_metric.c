#include "loop/metric.h"

#include "base/testing.h"
#include "loop/loop.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static void assert_printed(struct slv_metrics *const *all, size_t count, const char *expected)
{
	struct slv_buf buf;
	slv_buf_init(&buf, 1 << 20);
	slv_metrics_print(all, count, &buf);
	slv_buf_add_char(&buf, '\0');
	assert_string_equal(buf.at, expected);
	slv_buf_done(&buf);
}

static void the_same_metric_of_several_loops_is_summed(void **state)
{
	(void)state;
	struct slv_metrics *all[3];
	for (int i = 0; i < 3; i++)
		all[i] = slv_metrics_new();
	struct slv_metric *first, *second;
	first = slv_metric_get(all[0], SLV_COUNTER, "requests_total", "status=\"2xx\"", "Asked.");
	second = slv_metric_get(all[2], SLV_COUNTER, "requests_total", "status=\"2xx\"", "Asked.");
	slv_metric_add(first, 40);
	slv_metric_add(second, 2);
	slv_metric_add(slv_metric_get(all[1], SLV_COUNTER, "requests_total", "status=\"4xx\"",
				       "Asked."),
			7);
	slv_metric_set(slv_metric_get(all[1], SLV_GAUGE, "cache_bytes", NULL, "Held."), 5);
	assert_printed(all, 3,
			"# HELP cache_bytes Held.\n"
			"# TYPE cache_bytes gauge\n"
			"cache_bytes 5\n"
			"# HELP requests_total Asked.\n"
			"# TYPE requests_total counter\n"
			"requests_total{status=\"2xx\"} 42\n"
			"requests_total{status=\"4xx\"} 7\n");
	assert_printed(all, 0, "");
	for (int i = 0; i < 3; i++)
		slv_metrics_free(all[i]);
	slv_metrics_free(NULL);
}

static void the_same_name_and_labels_give_the_same_metric(void **state)
{
	(void)state;
	struct slv_metrics *metrics = slv_metrics_new();
	char name[] = "x_total";
	struct slv_metric *metric = slv_metric_get(metrics, SLV_COUNTER, name, NULL, "X.");
	memset(name, 'y', 1); /* the name was copied */
	assert_ptr_equal(slv_metric_get(metrics, SLV_COUNTER, "x_total", NULL, "X."), metric);
	assert_ptr_equal(slv_metric_get(metrics, SLV_COUNTER, "x_total", "", "X."), metric);
	assert_ptr_not_equal(
			slv_metric_get(metrics, SLV_COUNTER, "x_total", "a=\"b\"", "X."), metric);
	slv_metric_add(metric, UINT64_MAX);
	assert_printed(&metrics, 1,
			"# HELP x_total X.\n"
			"# TYPE x_total counter\n"
			"x_total 18446744073709551615\n"
			"x_total{a=\"b\"} 0\n");
	slv_metrics_free(metrics);
}

static void what_one_loop_opens_another_may_close(void **state)
{
	(void)state;
	struct slv_metrics *all[2] = { slv_metrics_new(), slv_metrics_new() };
	struct slv_metric *gauges[2];
	for (int i = 0; i < 2; i++)
		gauges[i] = slv_metric_get(all[i], SLV_GAUGE, "open", NULL, "Open.");
	slv_metric_add(gauges[0], 3);
	slv_metric_sub(gauges[1], 2);
	assert_printed(all, 2, "# HELP open Open.\n# TYPE open gauge\nopen 1\n");
	slv_metric_sub(gauges[0], 2);
	assert_printed(all, 2, "# HELP open Open.\n# TYPE open gauge\nopen -1\n");
	for (int i = 0; i < 2; i++)
		slv_metrics_free(all[i]);
}

static void help_is_escaped(void **state)
{
	(void)state;
	struct slv_metrics *metrics = slv_metrics_new();
	(void)slv_metric_get(metrics, SLV_GAUGE, "a:b_C9", NULL, "one\ntwo \\ three");
	assert_printed(&metrics, 1,
			"# HELP a:b_C9 one\\ntwo \\\\ three\n# TYPE a:b_C9 gauge\na:b_C9 0\n");
	slv_metrics_free(metrics);
}

static void a_histogram_counts_up_to_and_with_its_bounds(void **state)
{
	(void)state;
	struct slv_metrics *all[2] = { slv_metrics_new(), slv_metrics_new() };
	struct slv_metric *metric =
			slv_metric_get(all[0], SLV_HISTOGRAM, "took_ms", "to=\"disk\"", "Took.");
	struct slv_metric *other =
			slv_metric_get(all[1], SLV_HISTOGRAM, "took_ms", "to=\"disk\"", "Took.");
	slv_metric_observe(metric, 0);        /* 0.25 */
	slv_metric_observe(metric, 0.25);     /* 0.25 */
	slv_metric_observe(metric, 0.251);    /* 0.5 */
	slv_metric_observe(metric, 1);        /* 1 */
	slv_metric_observe(metric, 1.001);    /* 2 */
	slv_metric_observe(metric, 65536);    /* 65536 */
	slv_metric_observe(other, 65536.001); /* above all */
	slv_metric_observe(other, 3);         /* 4 */
	slv_metric_observe(other, -1);        /* as 0 */
	slv_metric_observe(other, NAN);       /* as 0 */
	assert_printed(all, 2,
			"# HELP took_ms Took.\n"
			"# TYPE took_ms histogram\n"
			"took_ms_bucket{to=\"disk\",le=\"0.25\"} 4\n"
			"took_ms_bucket{to=\"disk\",le=\"0.5\"} 5\n"
			"took_ms_bucket{to=\"disk\",le=\"1\"} 6\n"
			"took_ms_bucket{to=\"disk\",le=\"2\"} 7\n"
			"took_ms_bucket{to=\"disk\",le=\"4\"} 8\n"
			"took_ms_bucket{to=\"disk\",le=\"8\"} 8\n"
			"took_ms_bucket{to=\"disk\",le=\"16\"} 8\n"
			"took_ms_bucket{to=\"disk\",le=\"32\"} 8\n"
			"took_ms_bucket{to=\"disk\",le=\"64\"} 8\n"
			"took_ms_bucket{to=\"disk\",le=\"128\"} 8\n"
			"took_ms_bucket{to=\"disk\",le=\"256\"} 8\n"
			"took_ms_bucket{to=\"disk\",le=\"512\"} 8\n"
			"took_ms_bucket{to=\"disk\",le=\"1024\"} 8\n"
			"took_ms_bucket{to=\"disk\",le=\"2048\"} 8\n"
			"took_ms_bucket{to=\"disk\",le=\"4096\"} 8\n"
			"took_ms_bucket{to=\"disk\",le=\"8192\"} 8\n"
			"took_ms_bucket{to=\"disk\",le=\"16384\"} 8\n"
			"took_ms_bucket{to=\"disk\",le=\"32768\"} 8\n"
			"took_ms_bucket{to=\"disk\",le=\"65536\"} 9\n"
			"took_ms_bucket{to=\"disk\",le=\"+Inf\"} 10\n"
			"took_ms_sum{to=\"disk\"} 131077.503\n"
			"took_ms_count{to=\"disk\"} 10\n");
	slv_metrics_free(all[0]);
	slv_metrics_free(all[1]);
}

static void a_histogram_needs_no_labels_and_takes_any_number(void **state)
{
	(void)state;
	struct slv_metrics *metrics = slv_metrics_new();
	struct slv_metric *metric = slv_metric_get(metrics, SLV_HISTOGRAM, "t", NULL, "T.");
	slv_metric_observe(metric, INFINITY);
	struct slv_buf buf;
	slv_buf_init(&buf, 1 << 16);
	slv_metrics_print(&metrics, 1, &buf);
	slv_str text = slv_buf_str(&buf);
	assert_true(slv_str_find_str(text, SLV_STR("\nt_bucket{le=\"65536\"} 0\n")) < text.len);
	assert_true(slv_str_ends(text, SLV_STR("t_bucket{le=\"+Inf\"} 1\n"
					       "t_sum 1000000000000.000\nt_count 1\n")));
	slv_buf_done(&buf);
	slv_metrics_free(metrics);
}

/* --- read while it is written --- */

#define BUSY_COUNTS 200000

struct busy {
	struct slv_metrics *metrics;
	atomic_bool ended;
};

static void busy_run(void *arg)
{
	struct busy *busy = arg;
	char labels[32];
	for (int i = 0; i < BUSY_COUNTS; i++) {
		(void)snprintf(labels, sizeof(labels), "kind=\"%d\"", i / (BUSY_COUNTS / 100));
		slv_metric_add(slv_metric_get(busy->metrics, SLV_COUNTER, "n", labels, "N."), 1);
	}
	atomic_store(&busy->ended, true);
}

static uint64_t sum_printed(struct slv_metrics *metrics)
{
	struct slv_buf buf;
	slv_buf_init(&buf, 1 << 20);
	slv_metrics_print(&metrics, 1, &buf);
	uint64_t sum = 0;
	slv_str text = slv_buf_str(&buf);
	while (text.at) {
		slv_str line = slv_str_cut(&text, '\n');
		uint64_t value;
		if (!slv_str_starts(line, SLV_STR("n{")))
			continue;
		slv_str digits = slv_str_from_index(line, slv_str_find_last(line, ' ') + 1);
		assert_true(slv_str_u64(digits, BUSY_COUNTS, &value));
		sum += value;
	}
	slv_buf_done(&buf);
	return sum;
}

static void numbers_are_read_while_a_loop_counts(void **state)
{
	(void)state;
	struct busy busy = { .metrics = slv_metrics_new() };
	struct slv_thread *thread;
	slv_err err = slv_thread_start(busy_run, &busy, &thread);
	assert_false(slv_failed(err));
	uint64_t before = 0;
	while (!atomic_load(&busy.ended)) {
		uint64_t now = sum_printed(busy.metrics);
		assert_true(now >= before && now <= BUSY_COUNTS);
		before = now;
	}
	slv_thread_join(thread);
	assert_int_equal(sum_printed(busy.metrics), BUSY_COUNTS);
	slv_metrics_free(busy.metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_metric_of_several_loops_is_summed),
		cmocka_unit_test(the_same_name_and_labels_give_the_same_metric),
		cmocka_unit_test(what_one_loop_opens_another_may_close),
		cmocka_unit_test(help_is_escaped),
		cmocka_unit_test(a_histogram_counts_up_to_and_with_its_bounds),
		cmocka_unit_test(a_histogram_needs_no_labels_and_takes_any_number),
		cmocka_unit_test(numbers_are_read_while_a_loop_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
