/* client.c - libcurl's descriptors and timer on the loop */
#include "base/assert.h"
#include "base/mem.h"
#include "client/private.h"

#include <stdio.h>
#include <string.h>

/* A descriptor of curl's. */
struct watch {
	struct slv_client *client;
	struct slv_io *io;
	curl_socket_t fd;
};

static void reap(struct slv_client *client)
{
	int left;
	for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left));)
		if (message->msg == CURLMSG_DONE)
			transfer_hop_done(message->easy_handle, message->data.result);
}

static void act(struct slv_client *client, curl_socket_t fd, int what)
{
	int running;
	CURLMcode code = curl_multi_socket_action(client->multi, fd, what, &running);
	slv_assert(code == CURLM_OK);
	reap(client);
}

static void watch_ready(void *arg, int events)
{
	const struct watch *watch = arg;
	int what = (events & SLV_IO_READ ? CURL_CSELECT_IN : 0) |
	           (events & SLV_IO_WRITE ? CURL_CSELECT_OUT : 0);
	act(watch->client, watch->fd, what); /* `watch` may be gone after this */
}

static void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	slv_io_free(watch->io);
	slv_free(watch);
}

static struct watch *watch_new(struct slv_client *client, curl_socket_t fd)
{
	struct watch *watch = SLV_ALLOC(struct watch);
	watch->client = client;
	watch->fd = fd;
	slv_err err = slv_io_new(client->loop, fd, watch_ready, watch, &watch->io);
	if (!slv_failed(err))
		return watch;
	slv_free(watch);
	return NULL;
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct slv_client *client = arg;
	struct watch *watch = socket_arg;
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		watch_free(watch);
		return 0;
	}
	if (!watch)
		watch = watch_new(client, fd);
	if (!watch)
		return 0; /* the deadline ends whoever waits for it */
	curl_multi_assign(client->multi, fd, watch);
	slv_io_want(watch->io, (what & CURL_POLL_IN ? SLV_IO_READ : 0) |
					       (what & CURL_POLL_OUT ? SLV_IO_WRITE : 0));
	return 0;
}

static void timer_fire(struct slv_timer *timer)
{
	act(SLV_CONTAINER(timer, struct slv_client, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int timer_wanted(CURLM *multi, long timeout_ms, void *arg)
{
	struct slv_client *client = arg;
	(void)multi;
	if (timeout_ms < 0)
		slv_timer_stop(client->loop, &client->timer);
	else
		slv_timer_start(client->loop, &client->timer, (uint64_t)timeout_ms);
	return 0;
}

static void count_with(struct slv_client *client, struct slv_metrics *metrics)
{
	client->under_way = slv_metric_get(metrics, SLV_GAUGE, "selvedge_fetches_in_flight", NULL,
			"Fetches from origins that are under way");
	client->bytes = slv_metric_get(metrics, SLV_COUNTER, "selvedge_fetched_bytes_total", NULL,
			"Bytes of bodies fetched from origins");
	static const enum slv_code codes[] = { SLV_E_NONE, SLV_E_SOURCE, SLV_E_DENIED, SLV_E_LIMIT,
		SLV_E_TIMEOUT, SLV_E_UPSTREAM, SLV_E_BUSY, SLV_E_CANCELLED, SLV_E_SYS };
	for (size_t i = 0; i < SLV_COUNT(codes); i++) {
		char labels[64];
		snprintf(labels, sizeof(labels), "result=\"%s\"",
				codes[i] ? slv_code_name(codes[i]) : "ok");
		client->results[codes[i]] =
				slv_metric_get(metrics, SLV_COUNTER, "selvedge_fetches_total",
						labels, "Fetches from origins, by how they ended");
	}
}

struct slv_client *slv_client_new(struct slv_loop *loop, const struct slv_client_conf *conf,
		struct slv_metrics *metrics)
{
	slv_loop_assert(loop);
	CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT); /* counts; safe on any thread */
	slv_assert(code == CURLE_OK);
	struct slv_client *client = SLV_ALLOC(struct slv_client);
	client->loop = loop;
	client->conf = *conf;
	client->address_ok = slv_client_address_ok;
	client->bytes_held_max = CLIENT_BYTES_MAX;
	client->timer.fire = timer_fire;
	slv_list_init(&client->transfers);
	if (conf->ca_path.len) {
		client->ca_path = slv_alloc(conf->ca_path.len + 1);
		memcpy(client->ca_path, conf->ca_path.at, conf->ca_path.len);
	}
	if (metrics)
		count_with(client, metrics);

	client->multi = curl_multi_init();
	slv_assert(client->multi);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
			(long)conf->connections_per_host_max);
	curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)conf->fetches_max);
	curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)conf->fetches_max);
	return client;
}

void slv_client_free(struct slv_client *client)
{
	if (!client)
		return;
	slv_loop_assert(client->loop);
	client->closing = true;
	transfers_end(client);
	curl_multi_cleanup(client->multi); /* lets go of its descriptors through socket_wanted() */
	slv_timer_stop(client->loop, &client->timer);
	curl_slist_free_all(client->resolve);
	slv_free(client->ca_path);
	slv_free(client);
	curl_global_cleanup();
}
