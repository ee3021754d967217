/* All timers of a loop are in one heap of four children a node, and one uv timer
 * wakes the loop for the first of them. Idle timers are put off by every request,
 * so putting off is only a store into the timer: its entry keeps the older time and
 * is sifted down when that has come. Putting forward and stopping move the entry.
 */
#include "base/assert.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/private.h"

#define ARITY 4u
#define TIMERS_MIN 64u
#define TIMERS_MAX (UINT32_MAX / 8)

static void place(struct slv_timer_heap *heap, uint32_t index, struct slv_timer_entry entry)
{
	heap->entries[index] = entry;
	entry.timer->slot = index + 1;
}

static void sift_up(struct slv_timer_heap *heap, uint32_t index, struct slv_timer_entry entry)
{
	while (index > 0) {
		uint32_t parent = (index - 1) / ARITY;
		if (heap->entries[parent].at_ms <= entry.at_ms)
			break;
		place(heap, index, heap->entries[parent]);
		index = parent;
	}
	place(heap, index, entry);
}

/* The child of `index` that is due first; heap->count when it has none. */
static uint32_t first_child(const struct slv_timer_heap *heap, uint32_t index)
{
	uint32_t child = index * ARITY + 1;
	if (child >= heap->count)
		return heap->count;
	uint32_t end = child + ARITY < heap->count ? child + ARITY : heap->count;
	uint32_t first = child;
	while (++child < end) {
		if (heap->entries[child].at_ms < heap->entries[first].at_ms)
			first = child;
	}
	return first;
}

static void sift_down(struct slv_timer_heap *heap, uint32_t index, struct slv_timer_entry entry)
{
	for (;;) {
		uint32_t child = first_child(heap, index);
		if (child == heap->count || entry.at_ms <= heap->entries[child].at_ms)
			break;
		place(heap, index, heap->entries[child]);
		index = child;
	}
	place(heap, index, entry);
}

static void heap_remove(struct slv_timer_heap *heap, struct slv_timer *timer)
{
	uint32_t index = timer->slot - 1;
	slv_assert(index < heap->count && heap->entries[index].timer == timer);
	timer->slot = 0;
	struct slv_timer_entry gone = heap->entries[index];
	struct slv_timer_entry last = heap->entries[--heap->count];
	if (index == heap->count)
		return;
	if (last.at_ms < gone.at_ms)
		sift_up(heap, index, last);
	else
		sift_down(heap, index, last);
}

static void heap_add(struct slv_timer_heap *heap, struct slv_timer *timer)
{
	if (heap->count == heap->cap) {
		slv_assert(heap->cap < TIMERS_MAX);
		heap->cap = heap->cap ? heap->cap * 2 : TIMERS_MIN;
		heap->entries = slv_realloc(heap->entries, heap->cap * sizeof(heap->entries[0]));
	}
	heap->count++;
	sift_up(heap, heap->count - 1, (struct slv_timer_entry){ timer->at_ms, timer });
}

void slv_timer_start(struct slv_loop *loop, struct slv_timer *timer, uint64_t after_ms)
{
	slv_loop_assert(loop);
	slv_assert(timer->fire);
	struct slv_timer_heap *heap = &loop->timers;
	uint64_t now_ms = slv_loop_now_ms(loop);
	timer->at_ms = after_ms < UINT64_MAX - now_ms ? now_ms + after_ms : UINT64_MAX;
	if (timer->slot == 0) {
		heap_add(heap, timer);
		return;
	}
	slv_assert(timer->slot <= heap->count && heap->entries[timer->slot - 1].timer == timer);
	if (timer->at_ms < heap->entries[timer->slot - 1].at_ms)
		sift_up(heap, timer->slot - 1, (struct slv_timer_entry){ timer->at_ms, timer });
}

void slv_timer_stop(struct slv_loop *loop, struct slv_timer *timer)
{
	slv_loop_assert(loop);
	if (timer->slot != 0)
		heap_remove(&loop->timers, timer);
}

void slv_timer_fire_due(struct slv_loop *loop)
{
	struct slv_timer_heap *heap = &loop->timers;
	/* A timer that `fire` starts anew for this moment must not keep us here. */
	uint32_t left = heap->count;
	while (left > 0 && heap->count > 0 && heap->entries[0].at_ms <= loop->now_ms) {
		struct slv_timer *timer = heap->entries[0].timer;
		if (timer->at_ms > heap->entries[0].at_ms) {
			sift_down(heap, 0, (struct slv_timer_entry){ timer->at_ms, timer });
			continue;
		}
		left--;
		heap_remove(heap, timer);
		timer->fire(timer);
		slv_loop_leave(loop);
	}
}

static void on_alarm(uv_timer_t *handle)
{
	/* Only ends the sleep; what is due is fired behind poll. */
	struct slv_loop *loop = handle->data;
	loop->timers.alarm_at_ms = UINT64_MAX;
}

void slv_timer_set_alarm(struct slv_loop *loop)
{
	struct slv_timer_heap *heap = &loop->timers;
	if (heap->count == 0)
		return; /* an alarm that is still set costs one turn */
	uint64_t at_ms = heap->entries[0].at_ms;
	if (at_ms >= heap->alarm_at_ms && at_ms > loop->now_ms)
		return;
	uint64_t now_ms = slv_loop_clock_ms(loop);
	slv_assert(uv_timer_start(&loop->alarm, on_alarm, at_ms > now_ms ? at_ms - now_ms : 0, 0) ==
			0);
	heap->alarm_at_ms = at_ms;
}
