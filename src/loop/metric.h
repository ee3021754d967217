/* metric.h - numbers for /metrics
 *
 * Counters and histograms are kept per loop without locks and summed when they are
 * asked for. A metric is declared by name once, at start; the same name with the same
 * labels gives the same metric.
 */
#ifndef SLV_LOOP_METRIC_H
#define SLV_LOOP_METRIC_H

#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

struct slv_metrics; /* of one loop */
struct slv_metric;

enum slv_metric_kind { SLV_COUNTER, SLV_GAUGE, SLV_HISTOGRAM };

struct slv_metrics *slv_metrics_new(void);
void slv_metrics_free(struct slv_metrics *metrics);

/* `labels` is as `service="files",status="2xx"` or NULL. `help` ends up in # HELP. A histogram
 * counts milliseconds in fixed buckets from 0.25 ms to 65 s. Owned by `metrics`.
 * Thread: the loop of `metrics`. */
struct slv_metric *slv_metric_get(struct slv_metrics *metrics, enum slv_metric_kind kind,
		const char *name, const char *labels, const char *help);

void slv_metric_add(struct slv_metric *metric, uint64_t by);    /* counter, gauge */
void slv_metric_sub(struct slv_metric *metric, uint64_t by);    /* gauge */
void slv_metric_set(struct slv_metric *metric, uint64_t value); /* gauge */
void slv_metric_observe(struct slv_metric *metric, double ms);  /* histogram */

/* The Prometheus text format (version 0.0.4) of all of them, the same metric of several loops
 * summed. Thread: any; numbers are read while loops count. */
void slv_metrics_print(struct slv_metrics *const *all, size_t count, struct slv_buf *buf);

#endif
