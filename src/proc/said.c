#include "proc/said.h"

#include "base/assert.h"
#include "base/attr.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES 4096

static void refill(struct slv_timer *timer)
{
	struct slv_said *said = SLV_CONTAINER(timer, struct slv_said, refill);
	uint64_t lost = said->lost;
	said->lines_left = SLV_SAID_LINES_MAX;
	said->lost = 0;
	SLV_LIST_EACH(link, &said->voices)
	{
		struct slv_voice *voice = SLV_CONTAINER(link, struct slv_voice, link);
		voice->reads_left = SLV_SAID_READS_MAX;
		slv_io_want(voice->io, SLV_IO_READ);
	}
	if (lost && said->muted)
		said->muted(said, lost);
}

void slv_said_init(struct slv_said *said, struct slv_loop *loop)
{
	*said = (struct slv_said){
		.loop = loop, .refill.fire = refill, .lines_left = SLV_SAID_LINES_MAX
	};
	slv_list_init(&said->voices);
}

void slv_said_done(struct slv_said *said)
{
	slv_assert(slv_list_empty(&said->voices));
	slv_timer_stop(said->loop, &said->refill);
}

/* Something was spent. */
static void refill_later(struct slv_said *said)
{
	if (!slv_timer_running(&said->refill))
		slv_timer_start(said->loop, &said->refill, SLV_SAID_PERIOD_MS);
}

static void tell(struct slv_voice *voice)
{
	struct slv_said *said = voice->said;
	slv_str line = { voice->line, voice->len };
	voice->len = 0;
	refill_later(said);
	if (!said->lines_left)
		said->lost++;
	else if (voice->heard(voice, line))
		said->lines_left--;
}

static void take(struct slv_voice *voice, slv_str bytes)
{
	while (bytes.len) {
		size_t end = slv_str_find(bytes, '\n');
		slv_str part = slv_str_head(bytes, SLV_SAID_LINE_MAX - voice->len);
		part = slv_str_head(part, end);
		if (part.len)
			memcpy(voice->line + voice->len, part.at, part.len);
		voice->len += (uint32_t)part.len;
		if (end == bytes.len)
			return;
		tell(voice);
		bytes = slv_str_from_index(bytes, end + 1);
	}
}

/* Read once; false when there is nothing, or nobody who could still write. */
static bool read_some(struct slv_voice *voice)
{
	char bytes[READ_BYTES];
	ssize_t len = read(voice->fd, bytes, sizeof(bytes));
	if (len > 0)
		take(voice, (slv_str){ bytes, (size_t)len });
	else if (len == 0)
		slv_io_want(voice->io, 0); /* its end is told elsewhere */
	return len > 0;
}

static void voice_ready(void *arg, int events)
{
	(void)events; /* only reading was asked for */
	struct slv_voice *voice = arg;
	if (!voice->reads_left || !voice->said->lines_left) {
		slv_io_want(voice->io, 0); /* until the refill */
		return;
	}
	voice->reads_left--;
	refill_later(voice->said);
	(void)read_some(voice); /* what there is */
}

slv_err slv_voice_init(struct slv_voice *voice, struct slv_said *said, int *ret_fd)
{
	int ends[2];
	slv_assert(voice->heard);
	/* Each end has flags of its own: the jail's does not block either. */
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return (slv_err){ .code = SLV_E_SYS, .sys = errno, .what = "a pipe for a jail" };
	slv_err err = slv_io_new(said->loop, ends[0], voice_ready, voice, &voice->io);
	if (slv_failed(err)) {
		slv_fd_done(&ends[0]);
		slv_fd_done(&ends[1]);
		return err;
	}
	voice->said = said;
	voice->fd = ends[0];
	voice->reads_left = SLV_SAID_READS_MAX;
	voice->len = 0;
	slv_list_push(&said->voices, &voice->link);
	slv_io_want(voice->io, SLV_IO_READ);
	*ret_fd = ends[1];
	return SLV_OK;
}

void slv_voice_done(struct slv_voice *voice)
{
	for (uint32_t i = 0; i < SLV_SAID_READS_MAX && read_some(voice); i++)
		;
	if (voice->len)
		tell(voice);
	slv_list_remove(&voice->link);
	slv_io_free(voice->io);
	slv_fd_done(&voice->fd);
}
