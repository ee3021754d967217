#include "wire/h2_meter.h"

#include "wire/h2.h"

void h2_meter_odd(struct h2_meter *meter, uint32_t points, uint64_t now_ms)
{
	uint64_t leak = (now_ms - meter->leaked_ms) * H2_SCORE_LEAK_PER_S / 1000;
	if (leak) {
		meter->score = leak < meter->score ? meter->score - (uint32_t)leak : 0;
		meter->leaked_ms = now_ms;
	}
	/* Nobody judges in between, so it may pass its bound; it must not wrap. */
	meter->score = meter->score < UINT32_MAX / 2 ? meter->score + points : meter->score;
}

void h2_meter_work(struct h2_meter *meter, uint32_t points)
{
	meter->score -= points < meter->score ? points : meter->score;
}

void h2_meter_reset(struct h2_meter *meter, uint64_t begun_ms, uint64_t now_ms)
{
	uint64_t back = (now_ms - meter->resets_ms) * SLV_H2_RESETS_PER_S / 1000;
	if (back) {
		meter->resets = back < meter->resets ? meter->resets - (uint32_t)back : 0;
		meter->resets_ms = now_ms;
	}
	meter->resets++;
	if (now_ms - begun_ms < H2_PREMATURE_MS)
		meter->premature++;
}

static enum h2_verdict verdict(struct h2_meter *meter, enum h2_verdict kind, const char *why)
{
	meter->why = SLV_ERR(SLV_E_BUSY, why);
	return kind;
}

enum h2_verdict h2_meter_judge(struct h2_meter *meter, uint32_t streams_max)
{
	uint32_t refused_max = streams_max > H2_REFUSED_MIN ? streams_max : H2_REFUSED_MIN;
	if (meter->score >= H2_SCORE_MAX)
		return verdict(meter, H2_CLOSE, "flood of control frames or malformed requests");
	if (meter->bytes / 8 > meter->payload_bytes + H2_BYTES_GRACE)
		return verdict(meter, H2_CLOSE, "flood of frames that carry nothing");
	if (meter->resets > SLV_H2_RESETS_BURST)
		return verdict(meter, H2_CLOSE, "flood of stream resets");
	if (meter->requests >= H2_PREMATURE_REQUESTS && meter->premature > meter->requests / 2)
		return verdict(meter, H2_CLOSE, "most requests are reset at once");
	if (meter->refused > refused_max)
		return verdict(meter, H2_CLOSE, "streams opened past h2_streams_max");
	if (meter->score >= H2_SCORE_GOAWAY)
		return verdict(meter, H2_GOAWAY, "many control frames or malformed requests");
	return H2_FINE;
}
