/* Senders push onto a stack without locks; the receiver takes all of it and turns
 * it round, which gives back each sender's order. Only who finds the stack empty
 * has to wake the receiver.
 */
#include "base/assert.h"
#include "loop/loop.h"
#include "loop/private.h"

void slv_loop_post(struct slv_loop *loop, struct slv_post *post)
{
	slv_assert(post->run);
	/* Once pushed the post may run and lead to slv_loop_free(), which waits for this count. */
	atomic_fetch_add(&loop->senders, 1);
	struct slv_post *head = atomic_load_explicit(&loop->posts, memory_order_relaxed);
	do {
		post->next = head;
	} while (!atomic_compare_exchange_weak(&loop->posts, &head, post));
	if (!head)
		slv_assert(uv_async_send(&loop->wake) == 0);
	atomic_fetch_sub(&loop->senders, 1);
}

void slv_post_on_wake(uv_async_t *wake)
{
	struct slv_loop *loop = wake->data;
	slv_loop_enter(loop);
	struct slv_post *post = atomic_exchange(&loop->posts, NULL);
	struct slv_post *oldest = NULL;
	while (post) {
		struct slv_post *older = post->next;
		post->next = oldest;
		oldest = post;
		post = older;
	}
	while (oldest) {
		struct slv_post *next = oldest->next;
		oldest->run(oldest);
		slv_loop_leave(loop);
		oldest = next;
	}
}
