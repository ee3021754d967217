#include "edge/edge.h"
#include "edge/private.h"
#include "loop/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"

#define SAMPLE_MS 500u

/* The resident pages of this process; 0 if they cannot be read. /proc answers from
 * memory, so this does not block the loop. */
static uint64_t resident_kib(void)
{
	char text[128];
	SLV_CLEANUP(slv_fd_done) int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text));
	if (len <= 0)
		return 0;
	slv_str rest = { text, (size_t)len };
	uint64_t pages = 0;
	(void)slv_str_cut(&rest, ' '); /* the size; the resident part is second */
	if (!slv_str_u64(slv_str_cut(&rest, ' '), UINT64_MAX, &pages))
		return 0;
	return pages * ((uint64_t)sysconf(_SC_PAGESIZE) / 1024);
}

static unsigned percent(uint64_t part, uint64_t whole)
{
	uint64_t value = whole ? part * 100 / whole : 0;
	return value > 1000 ? 1000 : (unsigned)value;
}

static void sample(struct slv_timer *timer)
{
	struct slv_edge *edge = SLV_CONTAINER(timer, struct slv_edge, sampler);
	uint64_t now = slv_loop_now_ms(edge->loop);
	uint64_t lag = now > edge->sampled_ms ? now - edge->sampled_ms : 0;
	unsigned by_lag = percent(lag, edge->conf->lag_ms_max);
	unsigned by_memory = edge->conf->rss_kib_max
	                                     ? percent(resident_kib(), edge->conf->rss_kib_max)
	                                     : 0;
	unsigned before = edge->pressure;
	edge->pressure = by_lag > by_memory ? by_lag : by_memory;
	if (edge->pressure >= 100 && before < 100)
		slv_log(slv_loop_log(edge->loop), SLV_WARN, "edge.overload",
				SLV_KV("memory_percent", by_memory), SLV_KV("lag_ms", lag));

	edge->sampled_ms = now + SAMPLE_MS;
	slv_timer_start(edge->loop, timer, SAMPLE_MS);
}

void edge_sampler_start(struct slv_edge *edge)
{
	if (!edge->conf->rss_kib_max && !edge->conf->lag_ms_max)
		return;
	edge->sampler.fire = sample;
	edge->sampled_ms = slv_loop_now_ms(edge->loop) + SAMPLE_MS;
	slv_timer_start(edge->loop, &edge->sampler, SAMPLE_MS);
}

void edge_sampler_stop(struct slv_edge *edge)
{
	slv_timer_stop(edge->loop, &edge->sampler);
}

unsigned slv_edge_pressure(const struct slv_edge *edge)
{
	return edge->pressure;
}

slv_err edge_admit(struct slv_edge *edge)
{
	if (SLV_UNLIKELY(edge->pressure >= 100))
		return SLV_ERR(SLV_E_BUSY,
				"overloaded: past overload.memory_bytes or overload.lag_ms");
	return SLV_OK;
}
