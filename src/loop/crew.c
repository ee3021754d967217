#include "loop/crew.h"

#include "base/assert.h"
#include "base/mem.h"
#include "loop/loop.h"

#include <pthread.h>
#include <time.h>
#include <uv.h>

struct slv_crew {
	pthread_mutex_t lock;
	pthread_cond_t called;
	struct slv_chore *first, **last; /* that wait */
	bool ending;
	unsigned count;
	struct slv_thread *threads[SLV_CREW_THREADS_MAX];
};

static void crew_run(void *arg)
{
	struct slv_crew *crew = arg;
	pthread_mutex_lock(&crew->lock);
	for (;;) {
		struct slv_chore *chore = crew->first;
		if (!chore && crew->ending)
			break;
		if (!chore) {
			pthread_cond_wait(&crew->called, &crew->lock);
			continue;
		}
		crew->first = chore->next;
		if (!crew->first)
			crew->last = &crew->first;
		pthread_mutex_unlock(&crew->lock);
		chore->work(chore);
		pthread_mutex_lock(&crew->lock);
	}
	pthread_mutex_unlock(&crew->lock);
}

slv_err slv_crew_new(unsigned threads, struct slv_crew **ret_crew)
{
	slv_assert(threads > 0 && threads <= SLV_CREW_THREADS_MAX);
	struct slv_crew *crew = SLV_ALLOC(struct slv_crew);
	slv_assert(pthread_mutex_init(&crew->lock, NULL) == 0);
	slv_assert(pthread_cond_init(&crew->called, NULL) == 0);
	crew->last = &crew->first;
	for (; crew->count < threads; crew->count++) {
		slv_err err = slv_thread_start(crew_run, crew, &crew->threads[crew->count]);
		if (slv_failed(err)) {
			slv_crew_free(crew);
			return err;
		}
	}
	*ret_crew = crew;
	return SLV_OK;
}

void slv_crew_free(struct slv_crew *crew)
{
	if (!crew)
		return;
	pthread_mutex_lock(&crew->lock);
	crew->ending = true;
	pthread_cond_broadcast(&crew->called);
	pthread_mutex_unlock(&crew->lock);
	for (unsigned i = 0; i < crew->count; i++)
		slv_thread_join(crew->threads[i]);
	slv_assert(!crew->first);
	pthread_cond_destroy(&crew->called);
	pthread_mutex_destroy(&crew->lock);
	slv_free(crew);
}

void slv_crew_add(struct slv_crew *crew, struct slv_chore *chore)
{
	slv_assert(chore->work);
	chore->next = NULL;
	pthread_mutex_lock(&crew->lock);
	*crew->last = chore;
	crew->last = &chore->next;
	pthread_cond_signal(&crew->called);
	pthread_mutex_unlock(&crew->lock);
}

uint64_t slv_crew_now_ms(void)
{
	return uv_hrtime() / 1000000;
}

int64_t slv_crew_wall_s(void)
{
	struct timespec ts;
	slv_assert(clock_gettime(CLOCK_REALTIME, &ts) == 0);
	return ts.tv_sec;
}
