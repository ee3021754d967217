/* purge.c - `selvedge purge`: asks a running program, over its admin listener, to forget */
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "main/commands.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX SLV_KIB(64)
#define WAIT_S 30

struct purge {
	slv_str admin, token, url, source, host;
	bool all;
};

static slv_err connect_to(slv_str admin, int *ret_fd)
{
	char host[256];
	size_t colon = slv_str_find_last(admin, ':');
	if (colon >= admin.len || admin.len >= sizeof(host))
		return SLV_ERR(SLV_E_SYNTAX, "--admin is HOST:PORT");
	bool brackets = colon >= 2 && admin.at[0] == '[' && admin.at[colon - 1] == ']';
	snprintf(host, sizeof(host), "%.*s", (int)(brackets ? colon - 2 : colon),
			brackets ? admin.at + 1 : admin.at);
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	if (getaddrinfo(host, admin.at + colon + 1, &hints, &found) != 0)
		return SLV_ERR(SLV_E_MISSING, "the host of --admin is not known");

	SLV_CLEANUP(slv_fd_done) int fd = -1;
	for (struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
		fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0)
			slv_fd_done(&fd);
	}
	freeaddrinfo(found);
	if (fd < 0)
		return SLV_ERR(SLV_E_UPSTREAM,
				"nobody listens on --admin; is `selvedge serve` running?");
	struct timeval wait = { .tv_sec = WAIT_S };
	/* Without it a stuck server would only keep us longer. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	*ret_fd = slv_fd_take(&fd);
	return SLV_OK;
}

static void write_body(const struct purge *purge, struct slv_buf *body)
{
	slv_buf_add_char(body, '{');
	if (purge->all)
		slv_buf_add(body, SLV_STR("\"all\":true"));
	else
		slv_buf_add(body, purge->source.len ? SLV_STR("\"source\":") : SLV_STR("\"url\":"));
	if (!purge->all)
		slv_buf_add_json(body, purge->source.len ? purge->source : purge->url);
	if (purge->host.len) {
		slv_buf_add(body, SLV_STR(",\"host\":"));
		slv_buf_add_json(body, purge->host);
	}
	slv_buf_add_char(body, '}');
}

static void write_request(const struct purge *purge, struct slv_buf *text)
{
	struct slv_buf body;
	slv_buf_init(&body, ANSWER_BYTES_MAX / 2);
	write_body(purge, &body);
	slv_buf_printf(text, "POST /purge HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n",
			SLV_FMT(purge->admin));
	if (purge->token.len)
		slv_buf_printf(text, "Authorization: Bearer %.*s\r\n", SLV_FMT(purge->token));
	slv_buf_printf(text, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
			body.len);
	slv_buf_add(text, slv_buf_str(&body));
	slv_buf_done(&body);
}

static slv_err talk(int fd, struct slv_buf *text)
{
	slv_str rest = slv_buf_str(text);
	while (rest.len) {
		ssize_t len = send(fd, rest.at, rest.len, MSG_NOSIGNAL);
		if (len <= 0)
			return SLV_ERR(SLV_E_UPSTREAM, "the server closed the connection");
		rest = slv_str_from_index(rest, (size_t)len);
	}
	slv_buf_clear(text);
	for (;;) {
		char *room = slv_buf_room(text, 4096);
		if (!room)
			return SLV_ERR(SLV_E_LIMIT, "the answer is longer than 64 KiB");
		ssize_t len = recv(fd, room, 4096, 0);
		if (len < 0)
			return SLV_ERR(SLV_E_TIMEOUT, "the server did not answer");
		if (len == 0)
			return SLV_OK;
		slv_buf_grown(text, (size_t)len);
	}
}

/* What was forgotten, and where. */
static void tell(const struct purge *purge)
{
	bool named = purge->url.len &&
	             !slv_str_starts(purge->url, SLV_STR("/")); /* it has a host */
	if (purge->all)
		printf("purged everything");
	else if (purge->source.len)
		printf("purged %.*s and all that was made of it", SLV_FMT(purge->source));
	else
		printf("purged %.*s", SLV_FMT(purge->url));
	if (purge->host.len)
		printf(", on the site of %.*s", SLV_FMT(purge->host));
	else if (!named)
		printf(", on all sites");
	printf("\n");
}

/* The answer is an HTTP reply; its body tells people what they want to know. */
static int report(const struct purge *purge, slv_str answer)
{
	/* An alert (RFC 8446 section 6), or nothing at all. */
	if (!answer.len || slv_str_starts(answer, SLV_STR("\x15\x03")))
		return command_fail("no answer in HTTP: if --admin speaks TLS, purge with curl as "
				    "`selvedge help purge` shows");
	slv_str line = slv_str_cut(&answer, '\r');
	slv_str end = SLV_STR("\r\n\r\n");
	size_t head = slv_str_find_str(answer, end);
	bool good = slv_str_starts(line, SLV_STR("HTTP/1.1 200 "));
	slv_str body = slv_str_from_index(answer, head + end.len);
	if (good) {
		tell(purge);
		return 0;
	}
	fprintf(stderr, "selvedge: %.*s\n", SLV_FMT(body.len ? body : line));
	return 1;
}

static void read_words(struct purge *purge, int argc, char **argv, const char **ret_wrong)
{
	for (int i = 0; i < argc && !*ret_wrong;) {
		slv_str word = slv_str_from(argv[i]);
		if (command_option(argc, argv, &i, "--admin", &purge->admin) ||
				command_option(argc, argv, &i, "--token", &purge->token) ||
				command_option(argc, argv, &i, "--source", &purge->source) ||
				command_option(argc, argv, &i, "--host", &purge->host))
			continue;
		i++;
		if (slv_str_eq(word, SLV_STR("--all")))
			purge->all = true;
		else if (!slv_str_starts(word, SLV_STR("--")) && !purge->url.len)
			purge->url = word;
		else
			*ret_wrong = "a word that is no option and no URL";
	}
	if (!*ret_wrong && slv_str_starts(purge->admin, SLV_STR("https:")))
		*ret_wrong = "it speaks plain HTTP only";
	if (!*ret_wrong && purge->host.len && purge->all)
		*ret_wrong = "--all is of every site: leave --host out";
	if (!*ret_wrong && purge->host.len && slv_str_starts(purge->url, SLV_STR("http")))
		*ret_wrong = "the host is in the URL already";
	if (!*ret_wrong && (purge->url.len > 0) + (purge->source.len > 0) + purge->all != 1)
		*ret_wrong = "say one of a URL, --source PATH, --all";
}

int command_purge(int argc, char **argv)
{
	const char *wrong = NULL;
	struct purge purge = { .admin = SLV_STR("127.0.0.1:8081"),
		.token = slv_str_from(getenv("SELVEDGE_ADMIN_TOKEN")) };
	read_words(&purge, argc, argv, &wrong);
	if (wrong)
		return command_usage("purge", wrong);

	SLV_CLEANUP(slv_fd_done) int fd = -1;
	struct slv_buf text;
	slv_buf_init(&text, ANSWER_BYTES_MAX);
	write_request(&purge, &text);
	slv_err err = connect_to(purge.admin, &fd);
	if (!slv_failed(err))
		err = talk(fd, &text);
	int status = slv_failed(err) ? command_fail(err.what) : report(&purge, slv_buf_str(&text));
	slv_buf_done(&text);
	return status;
}
