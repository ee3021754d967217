#include "base/assert.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/private.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* Larger wishes go to the kernel at once. */
#define POOLED_BYTES_MAX 64u

uint64_t slv_loop_clock_ms(const struct slv_loop *loop)
{
	if (SLV_UNLIKELY(loop->world.now_ms != NULL))
		return loop->world.now_ms(loop->world.arg);
	return uv_hrtime() / 1000000;
}

static int64_t read_wall_ms(const struct slv_loop *loop)
{
	if (SLV_UNLIKELY(loop->world.wall_ms != NULL))
		return loop->world.wall_ms(loop->world.arg);
	struct timespec ts;
	slv_assert(clock_gettime(CLOCK_REALTIME, &ts) == 0);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void slv_loop_read_clocks(struct slv_loop *loop)
{
	loop->now_ms = slv_loop_clock_ms(loop);
	loop->wall_ms = read_wall_ms(loop);
}

/* Between turns, as at start, the last one may be long ago. */

uint64_t slv_loop_now_ms(const struct slv_loop *loop)
{
	return SLV_LIKELY(loop->fresh) ? loop->now_ms : slv_loop_clock_ms(loop);
}

int64_t slv_loop_wall_ms(const struct slv_loop *loop)
{
	return SLV_LIKELY(loop->fresh) ? loop->wall_ms : read_wall_ms(loop);
}

int64_t slv_loop_wall_s(const struct slv_loop *loop)
{
	int64_t ms = slv_loop_wall_ms(loop);
	return ms >= 0 ? ms / 1000 : -((999 - ms) / 1000);
}

uint64_t slv_loop_fresh_ns(const struct slv_loop *loop)
{
	if (loop->world.now_ms)
		return loop->world.now_ms(loop->world.arg) * 1000000;
	return uv_hrtime();
}

static void read_random(const struct slv_loop *loop, uint8_t *bytes, size_t len)
{
	if (loop->world.random) {
		loop->world.random(loop->world.arg, bytes, len);
		return;
	}
	size_t at = 0;
	while (at < len) {
		ssize_t got = getrandom(bytes + at, len - at, 0);
		/* It is interrupted at most; a guessable key would be worse than an end. */
		slv_assert(got > 0 || errno == EINTR);
		if (got > 0)
			at += (size_t)got;
	}
}

void slv_loop_random(struct slv_loop *loop, void *bytes, size_t len)
{
	slv_loop_assert(loop);
	if (len > POOLED_BYTES_MAX) {
		read_random(loop, bytes, len);
		return;
	}
	if (len > loop->random_left) {
		read_random(loop, loop->random, sizeof(loop->random));
		loop->random_left = sizeof(loop->random);
	}
	uint8_t *from = loop->random + sizeof(loop->random) - loop->random_left;
	memcpy(bytes, from, len);
	slv_wipe(from, len); /* what was handed out is not found here later */
	loop->random_left -= len;
}

void slv_loop_random_hex(struct slv_loop *loop, char *digits, size_t count)
{
	static const char hex[] = "0123456789abcdef";
	slv_loop_random(loop, digits, count);
	for (size_t i = 0; i < count; i++)
		digits[i] = hex[digits[i] & 15];
}
