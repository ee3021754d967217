/* h2_meter.h - what a peer costs us beside what it gets: private to wire
 *
 * Two measures. The score is a leaky bucket of oddities (HAProxy calls them glitches):
 * control frames, empty frames, malformed requests, resets. Work that was done for
 * the peer drains it, and so does time, so that only who sends many of them
 * for little gets anywhere. The byte rule is a net under it: all bytes of the
 * connection against those that carried something.
 *
 * Beside them stand the rules against rapid resets (CVE-2023-44487), each of which
 * sees another shape of it: resets in a burst, requests that are mostly reset
 * at once, and streams refused because too many are open.
 */
#ifndef SLV_WIRE_H2_METER_H
#define SLV_WIRE_H2_METER_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define H2_SCORE_MAX 2000u         /* the connection is closed */
#define H2_SCORE_GOAWAY 1500u      /* 75 %: no more requests */
#define H2_SCORE_LEAK_PER_S 20u    /* a keep-alive PING now and then is free */
#define H2_SCORE_MALFORMED 10u     /* a request that is none, or past a bound */
#define H2_WINDOW_WORTH_BYTES 1024 /* a WINDOW_UPDATE of less is an oddity */
#define H2_PREMATURE_MS 1000u      /* a stream that was reset sooner was not meant */
#define H2_PREMATURE_REQUESTS 500u /* requests before their share is judged */
#define H2_REFUSED_MIN 100u        /* streams refused before a small streams_max counts */
#define H2_BYTES_GRACE (1u << 20)

enum h2_verdict { H2_FINE, H2_GOAWAY, H2_CLOSE };

struct h2_meter {
	uint32_t score;
	uint64_t leaked_ms; /* when the score was last drained by time */
	uint64_t bytes, payload_bytes;
	uint32_t requests, premature, refused;
	uint32_t resets; /* the burst so far */
	uint64_t resets_ms;
	slv_err why; /* of the worst verdict so far */
};

/* `points` for an oddity; or for work done, which takes them off. */
void h2_meter_odd(struct h2_meter *meter, uint32_t points, uint64_t now_ms);
void h2_meter_work(struct h2_meter *meter, uint32_t points);

/* A stream of the peer's that began at `begun_ms` was reset, by it or because of it. */
void h2_meter_reset(struct h2_meter *meter, uint64_t begun_ms, uint64_t now_ms);

/* May the connection go on? `why` is set if not. */
enum h2_verdict h2_meter_judge(struct h2_meter *meter, uint32_t streams_max);

#endif
