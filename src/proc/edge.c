#include "proc/edge.h"

#include "base/assert.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/mem.h"
#include "proc/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

/* A jail that was asked for. */
struct request {
	struct slv_list link; /* in `requests` or `refused` */
	uint64_t id;
	void *arg;
	void (*made)(void *arg, slv_err err, int socket_fd, int pid_fd);
};

/* An address with its sockets. */
struct address {
	char name[SLV_LISTENER_NAME_MAX];
	uint32_t count;
	int fd[SLV_LISTENER_LOOPS_MAX];
};

struct slv_edge_link {
	int channel_fd, boot_fd;
	slv_str boot; /* mapped */
	slv_str text, name, folder;
	uint32_t loops;
	struct address *addresses;
	uint32_t address_count;
	struct slv_ticket_keys tickets;

	struct slv_loop *loop; /* NULL until started */
	struct slv_io *io;
	struct slv_edge_events events;
	bool gone;     /* the parent is */
	bool draining; /* told so */
	struct slv_jail_maker maker;
	struct slv_list requests, refused; /* sent; not sent, and to be answered */
	uint32_t request_count;
	uint64_t request_id; /* of the last one */
	struct slv_task refuse;
};

/* --- what was passed at the start --- */

static slv_err corrupt(void)
{
	return SLV_ERR(SLV_E_CORRUPT, "what the parent passed to this edge makes no sense");
}

static bool is_channel(int fd)
{
	int type;
	socklen_t len = sizeof(type);
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

/* Take `len` bytes from the front of `*rest`. */
static bool cut(slv_str *rest, size_t len, slv_str *ret_part)
{
	if (rest->len < len)
		return false;
	*ret_part = slv_str_head(*rest, len);
	*rest = slv_str_from_index(*rest, len);
	return true;
}

/* Take over the sockets of one address from descriptor `*fd` on. */
static bool read_address(slv_str part, struct address *address, int *fd)
{
	struct slv_channel_listener listener;
	slv_assert(part.len == sizeof(listener));
	memcpy(&listener, part.at, sizeof(listener));
	if (listener.count < 1 || listener.count > SLV_LISTENER_LOOPS_MAX ||
			!memchr(listener.name, '\0', sizeof(listener.name)))
		return false;
	memcpy(address->name, listener.name, sizeof(address->name));
	for (uint32_t i = 0; i < listener.count; i++) {
		if (fcntl(*fd, F_SETFD, FD_CLOEXEC) != 0)
			return false;
		address->fd[address->count++] = (*fd)++;
	}
	return true;
}

static bool read_boot(struct slv_edge_link *link)
{
	struct slv_channel_boot boot;
	slv_str rest = link->boot, part;
	if (!cut(&rest, sizeof(boot), &part))
		return false;
	memcpy(&boot, part.at, sizeof(boot));
	if (boot.magic != SLV_CHANNEL_MAGIC || boot.loops < 1 ||
			boot.loops > SLV_LISTENER_LOOPS_MAX ||
			boot.listener_count > SLV_LISTENERS_MAX || boot.tickets.count < 1 ||
			boot.tickets.count > SLV_TICKET_KEYS)
		return false;
	link->loops = boot.loops;
	link->tickets = boot.tickets;
	slv_wipe(&boot.tickets, sizeof(boot.tickets));
	link->addresses = slv_alloc(SLV_LISTENERS_MAX * sizeof(*link->addresses));
	int fd = SLV_CHANNEL_SOCKETS_FD;
	for (uint32_t i = 0; i < boot.listener_count; i++) {
		if (!cut(&rest, sizeof(struct slv_channel_listener), &part) ||
				!read_address(part, &link->addresses[i], &fd))
			return false;
		link->address_count++;
	}
	return cut(&rest, boot.text_len, &link->text) && cut(&rest, boot.name_len, &link->name) &&
	       cut(&rest, boot.folder_len, &link->folder) && rest.len == 0;
}

static void link_make(struct slv_jail_maker *maker, enum slv_format needs, void *arg,
		void (*made)(void *arg, slv_err err, int socket_fd, int pid_fd));
static void link_refuse(struct slv_task *task);

slv_err slv_edge_link_open(struct slv_arena *arena, struct slv_edge_link **ret_link)
{
	(void)arena; /* all that can go wrong has static text */
	uint64_t bytes;
	if (!is_channel(SLV_CHANNEL_FD))
		return SLV_ERR(SLV_E_DENIED, "an edge is started by its parent, not by hand: use "
					     "`selvedge serve`");
	if (slv_failed(slv_memfd_check(SLV_CHANNEL_BOOT_FD, SLV_CHANNEL_BOOT_MAX, &bytes)))
		return corrupt();
	struct slv_edge_link *link = SLV_ALLOC(struct slv_edge_link);
	link->channel_fd = SLV_CHANNEL_FD;
	link->boot_fd = SLV_CHANNEL_BOOT_FD;
	link->maker.make = link_make;
	link->refuse.run = link_refuse;
	slv_list_init(&link->requests);
	slv_list_init(&link->refused);
	if (fcntl(SLV_CHANNEL_FD, F_SETFD, FD_CLOEXEC) != 0 ||
			fcntl(SLV_CHANNEL_BOOT_FD, F_SETFD, FD_CLOEXEC) != 0 ||
			slv_failed(slv_memfd_map(link->boot_fd, bytes, &link->boot)) ||
			!read_boot(link)) {
		slv_edge_link_free(link);
		return corrupt();
	}
	*ret_link = link;
	return SLV_OK;
}

slv_str slv_edge_link_config_text(const struct slv_edge_link *link)
{
	return link->text;
}

slv_str slv_edge_link_config_name(const struct slv_edge_link *link)
{
	return link->name;
}

slv_str slv_edge_link_config_folder(const struct slv_edge_link *link)
{
	return link->folder;
}

uint32_t slv_edge_link_loops(const struct slv_edge_link *link)
{
	return link->loops;
}

size_t slv_edge_link_sockets(const struct slv_edge_link *link, slv_str address, const int **ret_fds)
{
	for (uint32_t i = 0; i < link->address_count; i++) {
		if (!slv_str_eq(slv_str_from(link->addresses[i].name), address))
			continue;
		*ret_fds = link->addresses[i].fd;
		return link->addresses[i].count;
	}
	*ret_fds = NULL;
	return 0;
}

const struct slv_ticket_keys *slv_edge_link_tickets(const struct slv_edge_link *link)
{
	return &link->tickets;
}

/* --- requests for jails --- */

/* Answer those that could not be sent; more may come while we do. */
static void refuse_all(struct slv_edge_link *link, slv_err err)
{
	struct slv_list *first;
	while ((first = slv_list_pop(&link->refused))) {
		struct request *request = SLV_CONTAINER(first, struct request, link);
		request->made(request->arg, err, -1, -1);
		slv_free(request);
	}
}

static void link_refuse(struct slv_task *task)
{
	struct slv_edge_link *link = SLV_CONTAINER(task, struct slv_edge_link, refuse);
	refuse_all(link, link->gone ? SLV_ERR(SLV_E_BUSY, "the parent is gone")
				    : SLV_ERR(SLV_E_BUSY, "too many jails were asked for at once"));
}

static void link_make(struct slv_jail_maker *maker, enum slv_format needs, void *arg,
		void (*made)(void *arg, slv_err err, int socket_fd, int pid_fd))
{
	struct slv_edge_link *link = SLV_CONTAINER(maker, struct slv_edge_link, maker);
	slv_assert(link->loop);
	slv_loop_assert(link->loop);
	struct request *request = SLV_ALLOC(struct request);
	*request = (struct request){ .id = ++link->request_id, .arg = arg, .made = made };
	struct slv_channel_make body = { .needs = needs };
	struct slv_message_head head = { SLV_CHANNEL_MAKE, sizeof(body), request->id };
	if (link->gone || link->request_count >= SLV_CHANNEL_REQUESTS_MAX ||
			slv_failed(slv_message_send(link->channel_fd, head, &body, NULL, 0))) {
		slv_list_push(&link->refused, &request->link);
		slv_task_start(link->loop, &link->refuse);
		return;
	}
	slv_list_push(&link->requests, &request->link);
	link->request_count++;
}

static struct request *request_of(struct slv_edge_link *link, uint64_t id)
{
	SLV_LIST_EACH(at, &link->requests)
	{
		struct request *request = SLV_CONTAINER(at, struct request, link);
		if (request->id == id)
			return request;
	}
	return NULL;
}

/* Nobody will answer those that were sent. */
static void requests_to_refused(struct slv_edge_link *link)
{
	struct slv_list *first;
	while ((first = slv_list_pop(&link->requests)))
		slv_list_push(&link->refused, first);
	link->request_count = 0;
}

/* --- what the parent says --- */

static bool on_made(struct slv_edge_link *link, struct slv_message *message)
{
	const struct slv_channel_made *body = (const struct slv_channel_made *)message->body;
	struct request *request = request_of(link, message->head.id);
	if (message->head.len != sizeof(*body) || !request || body->code < 0 ||
			body->code >= SLV_E_COUNT ||
			!memchr(body->what, '\0', sizeof(body->what)) ||
			message->fd_count != (body->code == SLV_E_NONE ? 2 : 0))
		return false;
	slv_list_remove(&request->link);
	link->request_count--;
	if (body->code == SLV_E_NONE)
		request->made(request->arg, SLV_OK, slv_fd_take(&message->fd[0]),
				slv_fd_take(&message->fd[1]));
	else
		request->made(request->arg, SLV_ERR(body->code, body->what), -1, -1);
	slv_free(request);
	return true;
}

static bool on_tickets(struct slv_edge_link *link, const struct slv_message *message)
{
	const struct slv_ticket_keys *keys = (const struct slv_ticket_keys *)message->body;
	if (message->head.len != sizeof(*keys) || keys->count < 1 || keys->count > SLV_TICKET_KEYS)
		return false;
	link->tickets = *keys;
	if (link->events.tickets)
		link->events.tickets(link->events.arg, &link->tickets);
	return true;
}

static bool on_drain(struct slv_edge_link *link, const struct slv_message *message)
{
	const struct slv_channel_drain *body = (const struct slv_channel_drain *)message->body;
	if (message->head.len != sizeof(*body))
		return false;
	if (link->draining)
		return true;
	link->draining = true;
	link->events.drain(link->events.arg, body->drain_ms, body->replaced != 0);
	return true;
}

static bool on_message(struct slv_edge_link *link, struct slv_message *message)
{
	switch (message->head.type) {
	case SLV_CHANNEL_MADE:
		return on_made(link, message);
	case SLV_CHANNEL_TICKETS:
		return on_tickets(link, message);
	case SLV_CHANNEL_DRAIN:
		return on_drain(link, message);
	default:
		return false;
	}
}

/* The parent is gone, or we do not understand each other. */
static void link_lost(struct slv_edge_link *link)
{
	link->gone = true;
	slv_io_free(link->io);
	link->io = NULL;
	requests_to_refused(link);
	slv_task_start(link->loop, &link->refuse);
	link->events.stop(link->events.arg);
}

static void link_ready(void *arg, int events)
{
	(void)events; /* only reading was asked for */
	struct slv_edge_link *link = arg;
	struct slv_message message;
	slv_err err = slv_message_receive(link->channel_fd, &message);
	if (err.code == SLV_E_BUSY)
		return;
	if (slv_failed(err)) {
		link_lost(link);
		return;
	}
	bool is_good = on_message(link, &message);
	slv_message_done(&message);
	slv_wipe(message.body, sizeof(message.body)); /* it may have been keys */
	if (!is_good)
		link_lost(link);
}

slv_err slv_edge_link_start(struct slv_arena *arena, struct slv_edge_link *link,
		struct slv_loop *loop, const struct slv_edge_events *events)
{
	slv_assert(!link->loop && events->drain && events->stop);
	slv_loop_assert(loop);
	if (fcntl(link->channel_fd, F_SETFL, O_NONBLOCK) != 0)
		return slv_err_sys(arena, errno, "make the parent's channel non-blocking");
	slv_err err = slv_io_new(loop, link->channel_fd, link_ready, link, &link->io);
	if (slv_failed(err))
		return err;
	link->loop = loop;
	link->events = *events;
	slv_io_want(link->io, SLV_IO_READ);
	return SLV_OK;
}

void slv_edge_link_ready(struct slv_edge_link *link)
{
	slv_assert(link->loop);
	slv_loop_assert(link->loop);
	struct slv_message_head head = { .type = SLV_CHANNEL_READY };
	if (!link->gone && slv_failed(slv_message_send(link->channel_fd, head, NULL, NULL, 0)))
		link_lost(link);
}

void slv_edge_link_fail(struct slv_edge_link *link, slv_err err)
{
	slv_str what = slv_str_head(slv_str_from(err.what), SLV_CHANNEL_FAILURE_MAX);
	struct slv_message_head head = { .type = SLV_CHANNEL_FAILED, .len = (uint32_t)what.len };
	/* If the parent cannot be told, it still sees that we end. */
	(void)slv_failed(slv_message_send(link->channel_fd, head, what.at, NULL, 0));
}

struct slv_jail_maker *slv_edge_link_maker(struct slv_edge_link *link)
{
	return &link->maker;
}

void slv_edge_link_free(struct slv_edge_link *link)
{
	if (!link)
		return;
	if (link->loop) {
		slv_loop_assert(link->loop);
		link->gone = true;
		slv_io_free(link->io);
		slv_task_stop(&link->refuse);
		requests_to_refused(link);
		refuse_all(link, SLV_ERR(SLV_E_CANCELLED, "the edge ends"));
		slv_task_stop(&link->refuse);
	}
	for (uint32_t i = 0; i < link->address_count; i++)
		for (uint32_t n = 0; n < link->addresses[i].count; n++)
			slv_fd_done(&link->addresses[i].fd[n]);
	slv_free(link->addresses);
	slv_memfd_unmap(link->boot);
	slv_fd_done(&link->boot_fd);
	slv_fd_done(&link->channel_fd);
	slv_wipe(&link->tickets, sizeof(link->tickets));
	slv_free(link);
}
