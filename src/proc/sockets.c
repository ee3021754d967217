#include "proc/sockets.h"

#include "base/assert.h"
#include "base/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* An address as the kernel takes it. */
struct place {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at;
	socklen_t len;
	bool v6_only; /* of an IPv6 place: do not take IPv4 as well */
};

static bool parse_port(slv_str text, uint16_t *ret_port)
{
	uint64_t port;
	if (!slv_str_u64(text, UINT16_MAX, &port))
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

static bool parse_ip(slv_str text, int family, void *ret_ip)
{
	char terminated[INET6_ADDRSTRLEN];
	if (text.len >= sizeof(terminated) || memchr(text.at, '\0', text.len))
		return false;
	memcpy(terminated, text.at, text.len);
	terminated[text.len] = '\0';
	return inet_pton(family, terminated, ret_ip) == 1;
}

static void place_v6(struct place *place, uint16_t port, bool v6_only)
{
	place->at.v6.sin6_family = AF_INET6;
	place->at.v6.sin6_port = htons(port);
	place->len = sizeof(place->at.v6);
	place->v6_only = v6_only;
}

static slv_err place_parse(struct slv_arena *arena, slv_str text, struct place *ret_place)
{
	struct place place = { .len = 0 };
	uint16_t port;
	if (text.len == 0 || text.len >= SLV_LISTENER_NAME_MAX)
		return slv_err_printf(arena, SLV_E_SYNTAX,
				"an address to listen on has 1 to %d bytes, not %zu",
				SLV_LISTENER_NAME_MAX - 1, text.len);
	size_t colon = slv_str_find_last(text, ':');
	bool alone = colon == text.len;
	if (!parse_port(alone ? text : slv_str_from_index(text, colon + 1), &port))
		return slv_err_printf(arena, SLV_E_SYNTAX,
				"%.*s: want a port from 0 to 65535, as 127.0.0.1:8080, [::1]:8080 "
				"or 8080",
				SLV_FMT(text));
	slv_str host = slv_str_head(text, alone ? 0 : colon);
	if (alone) {
		place_v6(&place, port, false);
	} else if (slv_str_starts(host, SLV_STR("[")) && slv_str_ends(host, SLV_STR("]")) &&
			host.len > 2) {
		place_v6(&place, port, true);
		slv_str inner = { host.at + 1, host.len - 2 };
		if (!parse_ip(inner, AF_INET6, &place.at.v6.sin6_addr))
			return slv_err_printf(arena, SLV_E_SYNTAX,
					"%.*s: no IPv6 address between the brackets",
					SLV_FMT(text));
	} else {
		place.at.v4.sin_family = AF_INET;
		place.at.v4.sin_port = htons(port);
		place.len = sizeof(place.at.v4);
		if (!parse_ip(host, AF_INET, &place.at.v4.sin_addr))
			return slv_err_printf(arena, SLV_E_SYNTAX,
					"%.*s: no IPv4 address before the port (IPv6 stands in "
					"brackets, names are not looked up)",
					SLV_FMT(text));
	}
	*ret_place = place;
	return SLV_OK;
}

slv_err slv_listener_check(struct slv_arena *arena, slv_str address)
{
	struct place place = { 0 };
	return place_parse(arena, address, &place);
}

static bool set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* A socket bound to `place`; -1 and errno. */
static int bound_socket(const struct place *place, bool reuse_port)
{
	SLV_CLEANUP(slv_fd_done)
	int fd = socket(place->at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (!set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1))
		return -1;
	if (reuse_port && !set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1))
		return -1;
	if (place->at.any.sa_family == AF_INET6 &&
			!set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, place->v6_only))
		return -1;
	if (bind(fd, &place->at.any, place->len) != 0)
		return -1;
	return slv_fd_take(&fd);
}

/* Learn the port that the kernel chose. */
static bool place_learn(struct place *place, int fd)
{
	socklen_t len = place->len;
	return getsockname(fd, &place->at.any, &len) == 0;
}

/* Add sockets to `listener` until it has `count`; false and errno. */
static bool add_sockets(struct slv_listener *listener, struct place *place, uint32_t count,
		uint32_t backlog)
{
	while (listener->count < count) {
		SLV_CLEANUP(slv_fd_done) int fd = bound_socket(place, true);
		if (fd < 0 || !place_learn(place, fd) || listen(fd, (int)backlog) != 0)
			return false;
		listener->fd[listener->count++] = slv_fd_take(&fd);
	}
	return true;
}

/* Does nobody listen there? Without SO_REUSEPORT the kernel tells. */
static bool is_free(const struct place *place)
{
	int fd = bound_socket(place, false);
	if (fd < 0)
		return false;
	slv_fd_done(&fd);
	return true;
}

slv_err slv_listener_open(struct slv_arena *arena, slv_str address, uint32_t count,
		uint32_t backlog, bool shared, struct slv_listener *ret_listener)
{
	slv_assert(count >= 1 && count <= SLV_LISTENER_LOOPS_MAX && backlog <= INT32_MAX);
	struct place place = { 0 };
	slv_err err = place_parse(arena, address, &place);
	if (slv_failed(err))
		return err;
	struct slv_listener listener = { .count = 0 };
	memcpy(listener.name, address.at, address.len);
	bool is_done = (shared || is_free(&place)) &&
	               add_sockets(&listener, &place, count, backlog);
	if (!is_done && errno == EAFNOSUPPORT && place.len == sizeof(place.at.v6) &&
			!place.v6_only) {
		/* A port alone on a machine whose kernel has no IPv6. */
		uint16_t port = place.at.v6.sin6_port;
		place = (struct place){ .len = sizeof(place.at.v4) };
		place.at.v4.sin_family = AF_INET;
		place.at.v4.sin_port = port;
		is_done = (shared || is_free(&place)) &&
		          add_sockets(&listener, &place, count, backlog);
	}
	if (!is_done) {
		err = slv_err_sys(arena, errno, "listen on %.*s", SLV_FMT(address));
		err.code = SLV_E_SYS;
		slv_listener_close(&listener);
		return err;
	}
	*ret_listener = listener;
	return SLV_OK;
}

/* Where the listener's first socket is bound. */
static bool listener_place(const struct slv_listener *listener, struct place *ret_place)
{
	int v6_only = 1;
	socklen_t option_len = sizeof(v6_only);
	*ret_place = (struct place){ .len = sizeof(ret_place->at) };
	if (getsockname(listener->fd[0], &ret_place->at.any, &ret_place->len) != 0)
		return false;
	if (ret_place->at.any.sa_family != AF_INET6)
		return true;
	if (getsockopt(listener->fd[0], IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, &option_len) != 0)
		return false;
	ret_place->v6_only = v6_only != 0;
	return true;
}

slv_err slv_listener_widen(struct slv_arena *arena, struct slv_listener *listener, uint32_t count,
		uint32_t backlog)
{
	slv_assert(listener->count >= 1 && count <= SLV_LISTENER_LOOPS_MAX);
	slv_assert(backlog <= INT32_MAX);
	struct place place = { 0 };
	if (!listener_place(listener, &place) || !add_sockets(listener, &place, count, backlog)) {
		slv_err err = slv_err_sys(arena, errno, "listen on %s", listener->name);
		err.code = SLV_E_SYS;
		return err;
	}
	return SLV_OK;
}

void slv_listener_narrow(struct slv_listener *listener, uint32_t count)
{
	while (listener->count > count)
		slv_fd_done(&listener->fd[--listener->count]);
}

void slv_listener_close(struct slv_listener *listener)
{
	slv_listener_narrow(listener, 0);
	*listener = (struct slv_listener){ .count = 0 };
}

uint16_t slv_listener_port(const struct slv_listener *listener)
{
	struct place place = { 0 };
	if (listener->count == 0 || !listener_place(listener, &place))
		return 0;
	return ntohs(place.at.any.sa_family == AF_INET6 ? place.at.v6.sin6_port
							: place.at.v4.sin_port);
}

void slv_listener_print(const struct slv_listener *listener, struct slv_buf *buf)
{
	slv_str name = slv_str_from(listener->name);
	size_t colon = slv_str_find_last(name, ':');
	if (colon < name.len)
		slv_buf_add(buf, slv_str_head(name, colon + 1));
	slv_buf_add_u64(buf, slv_listener_port(listener));
}
