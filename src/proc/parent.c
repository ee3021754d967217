/* The edges' lives, as the parent sees them:
 *
 *	starting ──READY─→ serving ──DRAIN─→ draining ──→ ended
 *	    └────────────────┴──────────────────┴──────────↗
 *
 * At most one is starting and one serving. `setup` is what serves or did last; `next` is what a
 * reload wants to serve, from its spawn until its edge is ready or has failed.
 */
#include "proc/parent.h"

#include "base/assert.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "loop/log.h"
#include "proc/channel.h"
#include "proc/pixel.h"
#include "proc/said.h"
#include "proc/sandbox.h"
#include "proc/setup.h"
#include "proc/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define PAUSE_MS_FIRST 100u
#define PAUSE_MS_MAX 10000u
#define LIFE_MS_GOOD 10000u /* an edge that lived so long did not die of its start */
#define DRAIN_GRACE_MS 500u /* between the edge's own deadline and our kill */

static const int watched_signals[] = { SIGHUP, SIGINT, SIGTERM };

enum edge_state { EDGE_STARTING, EDGE_SERVING, EDGE_DRAINING };

struct edge {
	struct slv_list link; /* in parent->edges, oldest first */
	struct slv_parent *parent;
	struct slv_child child;
	enum edge_state state;
	int channel_fd;
	struct slv_io *io; /* NULL when it has hung up */
	uint32_t drain_ms, jail_memory_mib;
	uint64_t start_ms;
	uint64_t number; /* for the log */
	uint32_t jail_count;
	bool told_lacks;           /* of the sandbox of its jails */
	struct slv_timer deadline; /* of ready, drain or its end */
};

struct jail {
	struct slv_list link; /* in parent->jails */
	struct slv_parent *parent;
	struct edge *edge; /* NULL when that has ended */
	struct slv_child child;
	struct slv_voice voice;
	const char *kind; /* "image" or "rare" */
	int64_t pid;      /* also when it has ended */
	bool said_lacks;
};

struct slv_parent {
	struct slv_loop *loop;
	const struct slv_parent_conf *conf;
	struct slv_signals *signals;
	struct slv_arena scratch; /* texts of errors until they are logged */
	struct slv_listeners *listeners;
	struct slv_setup *setup, *next;
	struct slv_list edges, jails;
	struct slv_said said; /* by jails */
	struct edge *serving, *starting;
	uint32_t edge_count;
	uint64_t edge_number; /* of the last one */
	bool was_ready;       /* an edge, once */
	bool reload_wanted, stopping, over;
	int status;
	uint32_t pause_ms;
	struct slv_timer restart, rotate;
	struct slv_ticket_keys tickets;
	uint64_t rotated_ms;
};

static struct slv_log *log_of(const struct slv_parent *parent)
{
	return slv_loop_log(parent->loop);
}

/* --- jails --- */

/* A weaker sandbox is no event of one jail: all jails of an edge have the same. */
static bool jail_lacks(struct jail *jail, slv_str what)
{
	struct edge *edge = jail->edge;
	if (jail->said_lacks)
		return false; /* it repeats itself */
	jail->said_lacks = true;
	if (edge && !edge->told_lacks)
		slv_log(log_of(jail->parent), SLV_WARN, "jail.sandbox", SLV_KV("lacks", what),
				SLV_KV("kind", jail->kind), SLV_KV("edge", edge->number));
	if (edge)
		edge->told_lacks = true;
	return true;
}

static bool jail_heard(struct slv_voice *voice, slv_str line)
{
	struct jail *jail = SLV_CONTAINER(voice, struct jail, voice);
	slv_str mark = SLV_STR(SLV_SANDBOX_LACKS);
	size_t at = slv_str_find_str(line, mark);
	if (at < line.len && jail_lacks(jail, slv_str_from_index(line, at + mark.len)))
		return false;
	/* Libraries talk at every start; what ends a jail is told as its death. */
	slv_log(log_of(jail->parent), SLV_INFO, "jail.said", SLV_KV("pid", jail->pid),
			SLV_KV("kind", jail->kind), SLV_KV("text", line));
	return true;
}

static void jails_muted(struct slv_said *said, uint64_t lines)
{
	slv_log(slv_loop_log(said->loop), SLV_WARN, "jail.muted", SLV_KV("lines", lines));
}

static void jail_exited(struct slv_child *child, const struct slv_child_end *end)
{
	struct jail *jail = SLV_CONTAINER(child, struct jail, child);
	slv_voice_done(&jail->voice);
	/* Killing is how edges end them; why is in the edge's log. */
	if (!end->clean && end->signal != SIGKILL)
		slv_log(log_of(jail->parent), SLV_WARN, "jail.died", SLV_KV("why", end->reason));
	if (jail->edge)
		jail->edge->jail_count--;
	slv_list_remove(&jail->link);
	slv_free(jail);
}

/* Fork and exec, with a pipe as its stderr. */
static slv_err jail_spawn(struct jail *jail, struct slv_child_spec *spec)
{
	struct slv_parent *parent = jail->parent;
	SLV_CLEANUP(slv_fd_done) int said_fd = -1;
	slv_err err = slv_voice_init(&jail->voice, &parent->said, &said_fd);
	if (slv_failed(err))
		return err;
	spec->stderr_fd = said_fd;
	err = slv_child_start(&parent->scratch, parent->loop, spec, &jail->child);
	jail->pid = jail->child.pid;
	if (slv_failed(err))
		slv_voice_done(&jail->voice);
	return err;
}

/* Start one for `edge`. Its socket and a view of its pidfd. */
static slv_err jail_start(struct edge *edge, enum slv_format needs, int *ret_socket, int *ret_pid)
{
	struct slv_parent *parent = edge->parent;
	const struct slv_parent_conf *conf = parent->conf;
	static const char *const no_env[] = { NULL };
	if (edge->jail_count >= SLV_PARENT_JAILS_MAX)
		return slv_err_printf(&parent->scratch, SLV_E_LIMIT,
				"an edge may have %d jails, and it has them", SLV_PARENT_JAILS_MAX);
	int pair[2];
	slv_err err = slv_message_pair(pair);
	if (slv_failed(err))
		return err;
	bool rare = slv_format_is_rare(needs) && conf->rare_path;
	const char *path = rare ? conf->rare_path : conf->image_path;
	char memory_mib[16];
	(void)snprintf(memory_mib, sizeof(memory_mib), "%u", edge->jail_memory_mib); /* it fits */
	const char *const argv[] = { path, edge->jail_memory_mib ? memory_mib : NULL, NULL };
	struct slv_child_spec spec = { .path = path,
		.argv = argv,
		.env = conf->jail_env ? conf->jail_env : no_env,
		.fds = &pair[1],
		.fd_count = 1 };
	struct jail *jail = SLV_ALLOC(struct jail);
	*jail = (struct jail){ .parent = parent,
		.edge = edge,
		.child.exited = jail_exited,
		.voice.heard = jail_heard,
		.kind = rare ? "rare" : "image" };
	err = jail_spawn(jail, &spec);
	slv_fd_done(&pair[1]);
	if (slv_failed(err)) {
		slv_fd_done(&pair[0]);
		slv_free(jail);
		return err;
	}
	slv_list_push(&parent->jails, &jail->link);
	edge->jail_count++;
	*ret_socket = pair[0];
	*ret_pid = jail->child.pid_fd;
	return SLV_OK;
}

/* The edge has ended: so have its jails, whatever they do. */
static void jails_orphaned(struct edge *edge)
{
	SLV_LIST_EACH(link, &edge->parent->jails)
	{
		struct jail *jail = SLV_CONTAINER(link, struct jail, link);
		if (jail->edge != edge)
			continue;
		jail->edge = NULL;
		slv_child_kill(&jail->child);
	}
}

/* --- talking to edges --- */

static void edge_kill(struct edge *edge, const char *why)
{
	slv_log(log_of(edge->parent), SLV_WARN, "edge.killed", SLV_KV("edge", edge->number),
			SLV_KV("why", why));
	slv_child_kill(&edge->child);
}

static void edge_send(struct edge *edge, struct slv_message_head head, const void *body,
		const int *fds, uint32_t fd_count)
{
	if (!edge->io)
		return;
	slv_err err = slv_message_send(edge->channel_fd, head, body, fds, fd_count);
	if (slv_failed(err) && err.code != SLV_E_CLOSED) /* closed: its end is told soon */
		edge_kill(edge, "it does not read its channel");
}

static void edge_drain(struct edge *edge, bool replaced)
{
	struct slv_parent *parent = edge->parent;
	if (edge->state == EDGE_DRAINING)
		return;
	edge->state = EDGE_DRAINING;
	slv_log(log_of(parent), SLV_INFO, "edge.drain", SLV_KV("edge", edge->number),
			SLV_KV("drain_ms", edge->drain_ms));
	slv_timer_start(parent->loop, &edge->deadline, (uint64_t)edge->drain_ms + DRAIN_GRACE_MS);
	struct slv_channel_drain body = { .drain_ms = edge->drain_ms, .replaced = replaced };
	edge_send(edge, (struct slv_message_head){ .type = SLV_CHANNEL_DRAIN, .len = sizeof(body) },
			&body, NULL, 0);
}

static void edge_deadline(struct slv_timer *timer)
{
	struct edge *edge = SLV_CONTAINER(timer, struct edge, deadline);
	edge_kill(edge, edge->state == EDGE_STARTING   ? "it was not ready in time (ready_ms)"
			: edge->state == EDGE_DRAINING ? "it did not drain in time (drain_ms)"
						       : "it hung up and did not end");
}

static void send_tickets(struct slv_parent *parent)
{
	struct slv_message_head head = { .type = SLV_CHANNEL_TICKETS,
		.len = sizeof(parent->tickets) };
	SLV_LIST_EACH(link, &parent->edges)
	{
		edge_send(SLV_CONTAINER(link, struct edge, link), head, &parent->tickets, NULL, 0);
	}
}

/* --- TLS ticket keys --- */

static void rotate_plan(struct slv_parent *parent)
{
	uint64_t due_ms = parent->rotated_ms + (uint64_t)parent->setup->plan.ticket_key_s * 1000;
	uint64_t now_ms = slv_loop_now_ms(parent->loop);
	slv_timer_start(parent->loop, &parent->rotate, due_ms > now_ms ? due_ms - now_ms : 0);
}

static void rotate(struct slv_timer *timer)
{
	struct slv_parent *parent = SLV_CONTAINER(timer, struct slv_parent, rotate);
	struct slv_ticket_keys *tickets = &parent->tickets;
	if (tickets->count > 0)
		memcpy(tickets->key[1], tickets->key[0], SLV_TICKET_KEY_BYTES);
	slv_loop_random(parent->loop, tickets->key[0], SLV_TICKET_KEY_BYTES);
	if (tickets->count < SLV_TICKET_KEYS)
		tickets->count++;
	parent->rotated_ms = slv_loop_now_ms(parent->loop);
	rotate_plan(parent);
	send_tickets(parent);
}

/* --- the ends of edges --- */

static void parent_restart(struct slv_timer *timer);
static slv_err edge_start(struct slv_parent *parent, const struct slv_setup *setup);

static void restart_later(struct slv_parent *parent)
{
	parent->pause_ms = parent->pause_ms ? parent->pause_ms * 2 : PAUSE_MS_FIRST;
	if (parent->pause_ms > PAUSE_MS_MAX)
		parent->pause_ms = PAUSE_MS_MAX;
	slv_log(log_of(parent), SLV_WARN, "edge.restart", SLV_KV("after_ms", parent->pause_ms));
	slv_timer_start(parent->loop, &parent->restart, parent->pause_ms);
}

static void parent_over(struct slv_parent *parent)
{
	if (parent->over)
		return;
	parent->over = true;
	slv_log(log_of(parent), SLV_INFO, "parent.stop", SLV_KV("status", parent->status));
	slv_timer_stop(parent->loop, &parent->restart);
	slv_timer_stop(parent->loop, &parent->rotate);
	slv_loop_stop(parent->loop);
}

/* The edge of a reload has failed: what serves stays. */
static void reload_failed(struct slv_parent *parent)
{
	slv_listeners_unsettle(parent->listeners);
	slv_setup_free(parent->next);
	parent->next = NULL;
}

/* `edge`, which is gone, was the one that started. */
static void start_failed(struct slv_parent *parent)
{
	parent->starting = NULL;
	if (parent->next)
		reload_failed(parent);
	if (parent->stopping)
		return;
	if (!parent->was_ready) {
		parent->status = 1;
		slv_parent_stop(parent);
		return;
	}
	if (!parent->serving)
		restart_later(parent);
	if (parent->reload_wanted)
		slv_parent_reload(parent);
}

static void log_failure(struct edge *edge, const struct slv_message *message)
{
	slv_str why = { (const char *)message->body, message->head.len };
	slv_log(log_of(edge->parent), SLV_ERROR, "edge.refused", SLV_KV("edge", edge->number),
			SLV_KV("why", why));
}

/* Its end may be seen before its last message, which may tell the reason. */
static void hear_last_words(struct edge *edge)
{
	struct slv_message message;
	/* The first may be ECONNRESET, as in edge_ready(). */
	for (int failures = 0; edge->io && failures < 2;) {
		if (slv_failed(slv_message_receive(edge->channel_fd, &message))) {
			failures++;
			continue;
		}
		if (message.head.type == SLV_CHANNEL_FAILED)
			log_failure(edge, &message);
		slv_message_done(&message);
	}
}

static void edge_exited(struct slv_child *child, const struct slv_child_end *end)
{
	struct edge *edge = SLV_CONTAINER(child, struct edge, child);
	struct slv_parent *parent = edge->parent;
	hear_last_words(edge);
	uint64_t lived_ms = slv_loop_now_ms(parent->loop) - edge->start_ms;
	bool is_good = parent->stopping || (edge->state == EDGE_DRAINING && end->clean);
	slv_log(log_of(parent), is_good ? SLV_INFO : SLV_ERROR, is_good ? "edge.end" : "edge.died",
			SLV_KV("edge", edge->number), SLV_KV("why", end->reason),
			SLV_KV("lived_ms", lived_ms));
	if (lived_ms >= LIFE_MS_GOOD)
		parent->pause_ms = 0;
	jails_orphaned(edge);
	slv_timer_stop(parent->loop, &edge->deadline);
	slv_io_free(edge->io);
	slv_fd_done(&edge->channel_fd);
	slv_list_remove(&edge->link);
	parent->edge_count--;
	bool was_starting = edge == parent->starting, was_serving = edge == parent->serving;
	slv_free(edge);

	if (was_serving)
		parent->serving = NULL;
	if (was_starting)
		start_failed(parent);
	else if (was_serving && !parent->starting && !parent->stopping)
		restart_later(parent);
	if (parent->stopping && parent->edge_count == 0)
		parent_over(parent);
}

/* --- what an edge says --- */

static void edge_is_ready(struct edge *edge)
{
	struct slv_parent *parent = edge->parent;
	struct edge *before = parent->serving;
	edge->state = EDGE_SERVING;
	slv_timer_stop(parent->loop, &edge->deadline);
	slv_log(log_of(parent), SLV_INFO, "edge.ready", SLV_KV("edge", edge->number),
			SLV_KV("after_ms", slv_loop_now_ms(parent->loop) - edge->start_ms));
	parent->starting = NULL;
	parent->serving = edge;
	parent->was_ready = true;
	if (parent->next) {
		slv_setup_free(parent->setup);
		parent->setup = parent->next;
		parent->next = NULL;
		rotate_plan(parent);
	}
	slv_listeners_settle(parent->listeners, parent->setup);
	if (before)
		edge_drain(before, true);
	if (parent->stopping)
		edge_drain(edge, false);
	if (parent->conf->ready)
		parent->conf->ready(
				parent->conf->arg, parent->listeners->at, parent->listeners->count);
	if (parent->reload_wanted && !parent->stopping)
		slv_parent_reload(parent);
}

static void edge_wants_jail(struct edge *edge, uint64_t id, enum slv_format needs)
{
	struct slv_parent *parent = edge->parent;
	struct slv_channel_made body = { .code = SLV_E_NONE };
	struct slv_message_head head = { SLV_CHANNEL_MADE, sizeof(body), id };
	int fds[2]; /* the socket is ours, the pidfd is the child's */
	slv_err err = jail_start(edge, needs, &fds[0], &fds[1]);
	if (slv_failed(err)) {
		slv_log(log_of(parent), SLV_ERROR, "jail.refused", SLV_KV("why", err.what));
		body.code = err.code;
		(void)snprintf(body.what, sizeof(body.what), "%s", err.what);
		edge_send(edge, head, &body, NULL, 0);
		slv_arena_reset(&parent->scratch);
		return;
	}
	edge_send(edge, head, &body, fds, 2);
	slv_fd_done(&fds[0]);
}

/* False: it makes no sense. */
static bool edge_says(struct edge *edge, const struct slv_message *message)
{
	const struct slv_channel_make *make = (const struct slv_channel_make *)message->body;
	if (message->fd_count != 0)
		return false;
	switch (message->head.type) {
	case SLV_CHANNEL_READY:
		if (edge->state != EDGE_STARTING || edge->parent->starting != edge)
			return false;
		edge_is_ready(edge);
		return true;
	case SLV_CHANNEL_FAILED:
		log_failure(edge, message);
		return true;
	case SLV_CHANNEL_MAKE:
		if (message->head.len != sizeof(*make) || make->needs >= SLV_FORMAT_COUNT)
			return false;
		edge_wants_jail(edge, message->head.id, make->needs);
		return true;
	default:
		return false;
	}
}

/* It has closed its channel, which it does when it ends; see that it does. */
static void edge_hung_up(struct edge *edge)
{
	struct slv_parent *parent = edge->parent;
	slv_io_free(edge->io);
	edge->io = NULL;
	if (!slv_timer_running(&edge->deadline))
		slv_timer_start(parent->loop, &edge->deadline, edge->drain_ms);
}

static void edge_ready(void *arg, int events)
{
	(void)events; /* only reading was asked for */
	struct edge *edge = arg;
	struct slv_message message;
	slv_err err = slv_message_receive(edge->channel_fd, &message);
	/* If it ended with something of ours unread, the kernel tells that (ECONNRESET) before what
	 * it has said last, once. */
	if (err.code == SLV_E_CLOSED)
		err = slv_message_receive(edge->channel_fd, &message);
	if (err.code == SLV_E_BUSY)
		return;
	if (err.code == SLV_E_CLOSED) {
		edge_hung_up(edge);
		return;
	}
	bool is_good = !slv_failed(err) && edge_says(edge, &message);
	if (!slv_failed(err))
		slv_message_done(&message);
	if (!is_good)
		edge_kill(edge, "it talks nonsense");
}

/* --- starting edges --- */

/* Too many drain already: the oldest has had the longest. */
static void make_room(struct slv_parent *parent)
{
	if (parent->edge_count < SLV_PARENT_EDGES_MAX)
		return;
	edge_kill(SLV_CONTAINER(parent->edges.next, struct edge, link),
			"too many edges drain at once");
}

/* Fork and exec with what `setup` wants. */
static slv_err edge_spawn(struct edge *edge, const struct slv_setup *setup)
{
	struct slv_parent *parent = edge->parent;
	SLV_CLEANUP(slv_fd_done) int boot_fd = -1;
	int *fds = slv_alloc((2 + SLV_SETUP_FDS_MAX) * sizeof(*fds));
	size_t count;
	slv_err err = slv_setup_boot(&parent->scratch, setup, parent->listeners, &parent->tickets,
			&boot_fd, &fds[2], &count);
	if (slv_failed(err)) {
		slv_free(fds);
		return err;
	}
	int pair[2];
	err = slv_message_pair(pair);
	if (slv_failed(err)) {
		slv_free(fds);
		return err;
	}
	edge->channel_fd = pair[0];
	fds[0] = pair[1];
	fds[1] = boot_fd;
	struct slv_child_spec spec = {
		.path = parent->conf->edge_path,
		.argv = parent->conf->edge_argv,
		.fds = fds,
		.fd_count = 2 + count,
		.keep_output = true,
	};
	err = slv_child_start(&parent->scratch, parent->loop, &spec, &edge->child);
	slv_fd_done(&pair[1]);
	slv_free(fds);
	if (!slv_failed(err) && fcntl(edge->channel_fd, F_SETFL, O_NONBLOCK) != 0)
		err = slv_err_sys(&parent->scratch, errno, "make an edge's channel non-blocking");
	if (!slv_failed(err))
		err = slv_io_new(parent->loop, edge->channel_fd, edge_ready, edge, &edge->io);
	if (!slv_failed(err))
		slv_io_want(edge->io, SLV_IO_READ);
	return err;
}

static slv_err edge_start(struct slv_parent *parent, const struct slv_setup *setup)
{
	slv_assert(!parent->starting);
	make_room(parent);
	struct edge *edge = SLV_ALLOC(struct edge);
	*edge = (struct edge){
		.parent = parent,
		.state = EDGE_STARTING,
		.channel_fd = -1,
		.drain_ms = setup->plan.drain_ms,
		.jail_memory_mib = setup->plan.jail_memory_mib,
		.start_ms = slv_loop_now_ms(parent->loop),
		.number = ++parent->edge_number,
		.child.exited = edge_exited,
		.deadline.fire = edge_deadline,
	};
	slv_err err = edge_spawn(edge, setup);
	if (slv_failed(err)) {
		slv_child_done(&edge->child);
		slv_fd_done(&edge->channel_fd);
		slv_free(edge);
		return err;
	}
	slv_list_push(&parent->edges, &edge->link);
	parent->edge_count++;
	parent->starting = edge;
	slv_timer_start(parent->loop, &edge->deadline, setup->plan.ready_ms);
	slv_log(log_of(parent), SLV_INFO, "edge.start", SLV_KV("edge", edge->number),
			SLV_KV("pid", (int64_t)edge->child.pid));
	return SLV_OK;
}

static void parent_restart(struct slv_timer *timer)
{
	struct slv_parent *parent = SLV_CONTAINER(timer, struct slv_parent, restart);
	slv_err err = edge_start(parent, parent->setup);
	if (!slv_failed(err))
		return;
	slv_log(log_of(parent), SLV_ERROR, "edge.refused", SLV_KV("why", err.what));
	slv_arena_reset(&parent->scratch);
	restart_later(parent);
}

/* --- the interface --- */

void slv_parent_reload(struct slv_parent *parent)
{
	slv_loop_assert(parent->loop);
	if (parent->stopping)
		return;
	parent->reload_wanted = parent->starting != NULL;
	if (parent->starting)
		return;
	const char *event = "config.refused";
	slv_err err = slv_setup_load(
			&parent->scratch, parent->conf, parent->listeners, &parent->next);
	if (!slv_failed(err)) {
		event = "edge.refused";
		err = edge_start(parent, parent->next);
	}
	if (slv_failed(err)) {
		slv_log(log_of(parent), SLV_ERROR, event, SLV_KV("why", err.what));
		slv_arena_reset(&parent->scratch);
		reload_failed(parent);
		return;
	}
	slv_timer_stop(parent->loop, &parent->restart); /* this edge takes its place */
}

void slv_parent_stop(struct slv_parent *parent)
{
	slv_loop_assert(parent->loop);
	if (parent->stopping)
		return;
	parent->stopping = true;
	slv_timer_stop(parent->loop, &parent->restart);
	if (parent->starting)
		slv_child_kill(&parent->starting->child);
	if (parent->serving)
		edge_drain(parent->serving, false);
	if (parent->edge_count == 0)
		parent_over(parent);
}

static void got_signal(void *arg, int number)
{
	struct slv_parent *parent = arg;
	if (number == SIGHUP) {
		slv_parent_reload(parent);
		return;
	}
	bool again = parent->stopping;
	slv_parent_stop(parent);
	SLV_LIST_EACH(link, &parent->edges)
	{
		if (again && number == SIGINT)
			edge_kill(SLV_CONTAINER(link, struct edge, link), "interrupted again");
	}
}

/* As many descriptors as we may have; edges inherit the limit. If it cannot be raised, what is
 * there must do. */
static void raise_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

void slv_parent_block_signals(void)
{
	slv_signals_block(watched_signals, SLV_COUNT(watched_signals));
}

slv_err slv_parent_new(struct slv_arena *arena, struct slv_loop *loop,
		const struct slv_parent_conf *conf, struct slv_parent **ret_parent)
{
	slv_loop_assert(loop);
	raise_limit();
	struct slv_parent *parent = SLV_ALLOC(struct slv_parent);
	parent->loop = loop;
	parent->conf = conf;
	parent->restart.fire = parent_restart;
	parent->rotate.fire = rotate;
	slv_list_init(&parent->edges);
	slv_list_init(&parent->jails);
	slv_said_init(&parent->said, loop);
	parent->said.muted = jails_muted;
	slv_arena_init(&parent->scratch, SLV_KIB(4), SLV_KIB(64));
	parent->listeners = SLV_ALLOC(struct slv_listeners);
	slv_err err = slv_setup_load(&parent->scratch, conf, parent->listeners, &parent->setup);
	if (!slv_failed(err)) {
		slv_listeners_settle(parent->listeners, parent->setup);
		rotate(&parent->rotate);
		err = slv_signals_new(loop, watched_signals, SLV_COUNT(watched_signals), got_signal,
				parent, &parent->signals);
	}
	if (!slv_failed(err))
		err = edge_start(parent, parent->setup);
	if (slv_failed(err)) {
		int32_t sys = err.sys;
		err = slv_err_printf(arena, (enum slv_code)err.code, "%s", err.what);
		err.sys = sys;
		slv_parent_free(parent);
		return err;
	}
	*ret_parent = parent;
	return SLV_OK;
}

int slv_parent_status(const struct slv_parent *parent)
{
	return parent->status;
}

void slv_parent_free(struct slv_parent *parent)
{
	if (!parent)
		return;
	slv_timer_stop(parent->loop, &parent->restart);
	slv_timer_stop(parent->loop, &parent->rotate);
	SLV_LIST_EACH(link, &parent->edges)
	{
		struct edge *edge = SLV_CONTAINER(link, struct edge, link);
		slv_child_done(&edge->child);
		slv_timer_stop(parent->loop, &edge->deadline);
		slv_io_free(edge->io);
		slv_fd_done(&edge->channel_fd);
		slv_free(edge);
	}
	SLV_LIST_EACH(link, &parent->jails)
	{
		struct jail *jail = SLV_CONTAINER(link, struct jail, link);
		slv_child_done(&jail->child);
		slv_voice_done(&jail->voice);
		slv_free(jail);
	}
	slv_said_done(&parent->said);
	slv_signals_free(parent->signals);
	slv_listeners_done(parent->listeners);
	slv_free(parent->listeners);
	slv_setup_free(parent->setup);
	slv_setup_free(parent->next);
	slv_arena_done(&parent->scratch);
	slv_wipe(&parent->tickets, sizeof(parent->tickets));
	slv_free(parent);
}
