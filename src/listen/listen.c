#include "base/assert.h"
#include "base/mem.h"
#include "listen/private.h"
#include "loop/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ARENA_BLOCK_BYTES SLV_KIB(4)
#define ARENA_BYTES_MAX SLV_MIB(1)
#define ACCEPTS_PER_EVENT 64
#define RETRY_MS 100u  /* after the process ran out of descriptors */
#define GRACE_MS 2000u /* idle connections may still ask this long while we drain */
#define RECLAIM_PERCENT 90u
#define PORT_FLOOR 8u /* connections that a port may have whatever the others have */

static struct slv_addr address_of(const struct sockaddr_storage *from)
{
	struct slv_addr addr = { 0 };
	if (from->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)from;
		addr = slv_addr_v4(&in->sin_addr);
		addr.port = ntohs(in->sin_port);
	} else if (from->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
		addr = slv_addr_v6(&in6->sin6_addr);
		addr.port = ntohs(in6->sin6_port);
	}
	return addr;
}

bool listen_client(struct conn *conn)
{
	struct slv_listen *listen = conn->port->listen;
	const struct slv_addr *peer = &conn->transport.peer;
	uint8_t ip[16] = { 0 };
	memcpy(ip, peer->ip, slv_addr_is_v4(peer) ? sizeof(ip) : sizeof(ip) / 2);
	slv_str key = { (const char *)ip, sizeof(ip) };
	struct client *client = slv_map_get(&listen->clients, key);
	if (!client) {
		client = SLV_ALLOC(struct client);
		memcpy(client->ip, ip, sizeof(ip));
		key.at = (const char *)client->ip;
		slv_map_put(&listen->clients, key, client);
	}
	client->connections++;
	conn->client = client;
	bool fits = client->connections <= conn->port->conf->client_connections_max;
	if (!fits)
		slv_metric_add(listen->refused, 1);
	return fits;
}

static void client_leave(struct slv_listen *listen, struct client *client)
{
	if (--client->connections)
		return;
	slv_map_remove(&listen->clients, (slv_str){ (const char *)client->ip, sizeof(client->ip) });
	slv_free(client);
}

void listen_place(struct conn *conn, bool busy)
{
	struct slv_listen *listen = conn->port->listen;
	slv_list_remove(&conn->link);
	slv_list_remove(&conn->port_link);
	slv_list_push(busy ? &listen->busy : &listen->idle, &conn->link);
	if (!busy)
		slv_list_push(&conn->port->idle, &conn->port_link);
}

void listen_forget(struct conn *conn)
{
	struct slv_listen *listen = conn->port->listen;
	slv_list_remove(&conn->link);
	slv_list_remove(&conn->port_link);
	if (conn->client)
		client_leave(listen, conn->client);
	slv_assert(listen->connections && conn->port->connections);
	listen->connections--;
	conn->port->connections--;
	slv_metric_sub(listen->open, 1);
	if (listen->draining && !listen->connections && listen->drained) {
		void (*drained)(void *arg) = listen->drained;
		listen->drained = NULL;
		slv_timer_stop(listen->loop, &listen->grace);
		drained(listen->drained_arg);
	}
}

static void reclaim(struct conn *conn)
{
	slv_metric_add(conn->port->listen->reclaimed, 1);
	listen_place(conn, true); /* it ends later in this turn: not twice */
	conn_end(conn);
}

/* Close the connection of the port that is idle for longest. */
static bool reclaim_of(struct port *port)
{
	if (slv_list_empty(&port->idle))
		return false;
	reclaim(SLV_CONTAINER(port->idle.next, struct conn, port_link));
	return true;
}

/* Close the connection that is idle for longest. */
static bool reclaim_any(struct slv_listen *listen)
{
	if (slv_list_empty(&listen->idle))
		return false;
	reclaim(SLV_CONTAINER(listen->idle.next, struct conn, link));
	return true;
}

static bool is_short(uint32_t connections, uint32_t most)
{
	return connections * 100u >= most * RECLAIM_PERCENT;
}

static const char *refusal(struct port *port, const struct slv_addr *peer)
{
	struct slv_listen *listen = port->listen;
	bool trusted = !port->conf->proxy_protocol;
	for (size_t i = 0; i < port->proxies_count && !trusted; i++)
		trusted = slv_net_has(&port->proxies[i], peer);
	if (!trusted)
		return "a peer that is not in `proxies`";
	if (slv_edge_pressure(port->edge) >= 97)
		return "overloaded: past 97 % of a mark of `overload`";
	if (is_short(port->connections, port->connections_max)) {
		if (!reclaim_of(port) && port->connections >= port->connections_max)
			return "more connections than connections_max";
	} else if (is_short(listen->connections, listen->connections_max)) {
		if (!reclaim_any(listen) && listen->connections >= listen->connections_max &&
				port->connections >= PORT_FLOOR)
			return "more connections than the limit of open files allows";
	}
	return NULL;
}

static void accepted(struct port *port, int fd, const struct sockaddr_storage *from)
{
	struct slv_listen *listen = port->listen;
	struct slv_addr peer = address_of(from);
	const char *why = refusal(port, &peer);
	if (why) {
		slv_metric_add(listen->refused, 1);
		slv_edge_refused(port->edge, &peer, SLV_ERR(SLV_E_BUSY, why));
		(void)close(fd); /* nothing was said on it yet */
		return;
	}
	int yes = 1;
	/* Without it replies are only slower. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	listen->connections++;
	port->connections++;
	slv_metric_add(listen->accepted, 1);
	slv_metric_add(listen->open, 1);
	conn_new(port, fd, &peer);
}

static void listen_watch(struct slv_listen *listen, int events)
{
	for (size_t i = 0; i < listen->count; i++)
		for (size_t k = 0; k < listen->ports[i].fd_count; k++)
			if (listen->ports[i].ios[k])
				slv_io_want(listen->ports[i].ios[k], events);
}

/* What accept(2) passes on of the connection that it would have been. */
static bool is_of_one_connection(int sys)
{
	static const int errors[] = { ECONNABORTED, EINTR, ENETDOWN, EPROTO, ENOPROTOOPT, EHOSTDOWN,
		ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, EPERM };
	for (size_t i = 0; i < SLV_COUNT(errors); i++)
		if (sys == errors[i])
			return true;
	return false;
}

static void accept_some(struct port *port, int listener)
{
	struct slv_listen *listen = port->listen;
	for (int i = 0; i < ACCEPTS_PER_EVENT; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t len = sizeof(from);
		int fd = accept4(listener, (struct sockaddr *)&from, &len,
				SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			accepted(port, fd, &from);
			continue;
		}
		if (is_of_one_connection(errno))
			continue;
		if (errno != EAGAIN) {
			slv_log(slv_loop_log(listen->loop), SLV_ERROR, "listen.accept",
					SLV_KV("address", port->conf->address),
					SLV_KV("why", strerrordesc_np(errno)));
			(void)reclaim_any(listen); /* there may be none */
			listen_watch(listen, 0);
			slv_timer_start(listen->loop, &listen->retry, RETRY_MS);
		}
		return;
	}
}

/* Which of a port's sockets is ready is not told; trying each costs one call. */
static void port_ready(void *arg, int events)
{
	struct port *port = arg;
	(void)events;
	for (size_t i = 0; i < port->fd_count; i++)
		accept_some(port, port->fds[i]);
}

static void retry(struct slv_timer *timer)
{
	listen_watch(SLV_CONTAINER(timer, struct slv_listen, retry), SLV_IO_READ);
}

/* A loop's share, small enough to be counted in percent. */
static uint32_t share_of(uint64_t most, uint32_t loops)
{
	most /= loops;
	return most > UINT32_MAX / 100 ? UINT32_MAX / 100 : most ? (uint32_t)most : 1;
}

/* Two fifths of the descriptors; the others are for files being sent and stored pictures (each has
 * a bound of its own), origins, and jails. All ports share them, for which of them is in demand
 * nobody knows before; but none can take the last of them from the others. */
static uint32_t connections_bound(size_t ports, uint32_t loops)
{
	struct rlimit limit;
	uint64_t most = UINT32_MAX;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		most = limit.rlim_cur / 5 * 2;
	uint64_t floors = (uint64_t)PORT_FLOOR * ports * loops;
	return share_of(most > floors ? most - floors : 0, loops);
}

static slv_err port_start(struct slv_listen *listen, struct port *port,
		const struct slv_listen_port *from, uint32_t loops, struct slv_arena *scratch)
{
	const slv_str *nets = from->conf->proxies.at;
	*port = (struct port){ .listen = listen,
		.conf = from->conf,
		.edge = from->edge,
		.tls = from->tls,
		.fds = from->fds,
		.fd_count = from->fd_count,
		.connections_max = share_of(from->conf->connections_max
							    ? (uint64_t)from->conf->connections_max
							    : UINT32_MAX,
				loops) };
	slv_list_init(&port->idle);
	listen_session_conf(from->conf, &port->session);
	port->ios = SLV_NEW_ARRAY(&listen->arena, struct slv_io *, from->fd_count);
	port->proxies = SLV_NEW_ARRAY(&listen->arena, struct slv_net, from->conf->proxies.count);
	if (!port->ios || !port->proxies)
		return SLV_ERR(SLV_E_LIMIT, "too many networks in `proxies`");
	for (; port->proxies_count < from->conf->proxies.count; port->proxies_count++)
		if (!slv_net_parse(nets[port->proxies_count], &port->proxies[port->proxies_count]))
			return SLV_ERR(SLV_E_SYNTAX, "`proxies` has a network that is none");
	for (size_t i = 0; i < from->fd_count; i++) {
		slv_err err = slv_io_new(
				listen->loop, from->fds[i], port_ready, port, &port->ios[i]);
		if (slv_failed(err))
			return slv_err_wrap(scratch, err, "listen on %.*s",
					SLV_FMT(from->conf->address));
	}
	return SLV_OK;
}

static void close_idle(struct slv_timer *timer)
{
	struct slv_listen *listen = SLV_CONTAINER(timer, struct slv_listen, grace);
	SLV_LIST_EACH(link, &listen->idle)
	conn_end(SLV_CONTAINER(link, struct conn, link));
}

slv_err slv_listen_new(struct slv_arena *scratch, struct slv_loop *loop,
		struct slv_metrics *metrics, const struct slv_listen_port *ports, size_t count,
		uint32_t loops, struct slv_listen **ret_listen)
{
	struct slv_listen *listen = SLV_ALLOC(struct slv_listen);
	slv_arena_init(&listen->arena, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX);
	slv_list_init(&listen->idle);
	slv_list_init(&listen->busy);
	slv_map_init(&listen->clients, slv_loop_hash_key(loop));
	listen->loop = loop;
	listen->connections_max = connections_bound(count, loops);
	listen->retry.fire = retry;
	listen->grace.fire = close_idle;
	listen->open = slv_metric_get(metrics, SLV_GAUGE, "selvedge_connections", NULL,
			"Connections that are open");
	listen->accepted = slv_metric_get(metrics, SLV_COUNTER, "selvedge_connections_total", NULL,
			"Connections accepted");
	listen->refused = slv_metric_get(metrics, SLV_COUNTER, "selvedge_connections_refused_total",
			NULL, "Connections closed at once because of a bound");
	listen->reclaimed =
			slv_metric_get(metrics, SLV_COUNTER, "selvedge_connections_reclaimed_total",
					NULL, "Idle connections closed to make room for new ones");

	listen->ports = SLV_NEW_ARRAY(&listen->arena, struct port, count);
	slv_err err = listen->ports ? SLV_OK : SLV_ERR(SLV_E_LIMIT, "too many listeners");
	while (!slv_failed(err) && listen->count < count) {
		struct port *port = &listen->ports[listen->count];
		err = port_start(listen, port, &ports[listen->count], loops, scratch);
		listen->count++;
	}
	if (slv_failed(err)) {
		slv_listen_free(listen);
		return err;
	}
	listen_watch(listen, SLV_IO_READ);
	*ret_listen = listen;
	return SLV_OK;
}

static void listen_stop(struct slv_listen *listen)
{
	slv_timer_stop(listen->loop, &listen->retry);
	for (size_t i = 0; i < listen->count; i++) {
		for (size_t k = 0; k < listen->ports[i].fd_count && listen->ports[i].ios; k++) {
			slv_io_free(listen->ports[i].ios[k]);
			listen->ports[i].ios[k] = NULL;
		}
	}
}

static void drain_each(struct slv_list *list)
{
	SLV_LIST_EACH(link, list)
	conn_drain(SLV_CONTAINER(link, struct conn, link));
}

void slv_listen_drain(struct slv_listen *listen, void (*done)(void *arg), void *arg)
{
	slv_loop_assert(listen->loop);
	listen_stop(listen);
	listen->draining = true;
	if (!listen->connections) {
		done(arg);
		return;
	}
	listen->drained = done;
	listen->drained_arg = arg;
	slv_timer_start(listen->loop, &listen->grace, GRACE_MS);
	drain_each(&listen->idle);
	drain_each(&listen->busy);
}

static void end_each(struct slv_list *list)
{
	SLV_LIST_EACH(link, list)
	{
		struct conn *conn = SLV_CONTAINER(link, struct conn, link);
		conn_end(conn);
		slv_task_stop(&conn->end);
		conn->end.run(&conn->end);
	}
}

void slv_listen_free(struct slv_listen *listen)
{
	if (!listen)
		return;
	listen->drained = NULL;
	listen_stop(listen);
	slv_timer_stop(listen->loop, &listen->grace);
	end_each(&listen->idle);
	end_each(&listen->busy);
	slv_assert(!listen->connections);
	slv_map_done(&listen->clients);
	slv_arena_done(&listen->arena);
	slv_free(listen);
}
