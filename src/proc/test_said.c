#include "base/testing.h"
#include "proc/said.h"

#include "base/attr.h"
#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define GIVE_UP_S 100

struct fixture {
	uint64_t now_ms;
	struct slv_loop_world world;
	struct slv_loop *loop;
	struct slv_said said;
	uint64_t muted;
};

/* A jail that talks. */
struct talker {
	struct slv_voice voice;
	int fd;    /* the writing end */
	bool free; /* its lines do not count */
	uint32_t lines;
	char last[SLV_SAID_LINE_MAX + 1];
};

static uint64_t fixture_now(void *arg)
{
	return ((struct fixture *)arg)->now_ms;
}

static void muted(struct slv_said *said, uint64_t lines)
{
	SLV_CONTAINER(said, struct fixture, said)->muted += lines;
}

static int set_up(void **state)
{
	struct fixture *f = SLV_ALLOC(struct fixture);
	f->now_ms = 1000;
	f->world = (struct slv_loop_world){ .now_ms = fixture_now, .arg = f };
	f->loop = slv_loop_new(0, NULL, &f->world);
	slv_said_init(&f->said, f->loop);
	f->said.muted = muted;
	*state = f;
	(void)alarm(GIVE_UP_S); /* there is no earlier one */
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	slv_said_done(&f->said);
	slv_loop_free(f->loop);
	slv_free(f);
	return 0;
}

static bool heard(struct slv_voice *voice, slv_str line)
{
	struct talker *talker = SLV_CONTAINER(voice, struct talker, voice);
	talker->lines++;
	assert_true(line.len <= SLV_SAID_LINE_MAX);
	memcpy(talker->last, line.at, line.len);
	talker->last[line.len] = '\0';
	return !talker->free;
}

static void begin(struct fixture *f, struct talker *talker)
{
	*talker = (struct talker){ .voice.heard = heard };
	assert_false(slv_failed(slv_voice_init(&talker->voice, &f->said, &talker->fd)));
}

static void end(struct talker *talker)
{
	slv_fd_done(&talker->fd);
	slv_voice_done(&talker->voice);
}

static void say(struct talker *talker, const char *text)
{
	size_t len = strlen(text);
	assert_int_equal(write(talker->fd, text, len), len);
}

/* Until nothing is left to be read now. */
static void listen(struct fixture *f)
{
	for (int i = 0; i < 200; i++)
		slv_loop_turn(f->loop, false);
}

static void each_line_is_heard(void **state)
{
	struct fixture *f = *state;
	struct talker one, two;
	begin(f, &one);
	begin(f, &two);
	say(&one, "first\nsec");
	say(&two, "another\x1b[2J\n");
	listen(f);
	assert_int_equal(one.lines, 1);
	assert_string_equal(one.last, "first");
	assert_string_equal(two.last, "another\x1b[2J");
	say(&one, "ond\n\nlast");
	listen(f);
	assert_int_equal(one.lines, 3);
	assert_string_equal(one.last, "");
	end(&one); /* and what has no end */
	assert_int_equal(one.lines, 4);
	assert_string_equal(one.last, "last");
	say(&two, "its\ndying\nwords\n");
	end(&two);
	assert_int_equal(two.lines, 4);
	assert_string_equal(two.last, "words");
}

static void a_line_is_cut_at_its_bound(void **state)
{
	struct fixture *f = *state;
	struct talker talker;
	char text[3 * SLV_SAID_LINE_MAX];
	begin(f, &talker);
	for (size_t over = 0; over < SLV_COUNT(text) - SLV_SAID_LINE_MAX - 1; over += 500) {
		memset(text, 'x', sizeof(text));
		assert_int_equal(write(talker.fd, text, SLV_SAID_LINE_MAX + over),
				SLV_SAID_LINE_MAX + over);
		listen(f);
		say(&talker, "y\n");
		listen(f);
		assert_int_equal(strlen(talker.last), SLV_SAID_LINE_MAX);
		assert_null(strchr(talker.last, 'y'));
		say(&talker, "short\n");
		listen(f);
		assert_string_equal(talker.last, "short");
	}
	end(&talker);
}

static void all_together_may_say_so_many_lines_in_a_time(void **state)
{
	struct fixture *f = *state;
	struct talker one, two;
	begin(f, &one);
	begin(f, &two);
	for (int i = 0; i < SLV_SAID_LINES_MAX / 2 + 3; i++) {
		say(&one, "a\n");
		say(&two, "b\n");
	}
	listen(f);
	assert_int_equal(one.lines + two.lines, SLV_SAID_LINES_MAX);
	say(&one, "later\n");
	f->now_ms += SLV_SAID_PERIOD_MS - 1;
	listen(f);
	assert_int_equal(one.lines + two.lines, SLV_SAID_LINES_MAX);
	assert_int_equal(f->muted, 0);
	f->now_ms++;
	listen(f);
	assert_int_equal(f->muted, 6); /* those that had been read with the others */
	assert_string_equal(one.last, "later");
	end(&one);
	end(&two);
}

static void what_does_not_count_may_be_said_by_all(void **state)
{
	struct fixture *f = *state;
	struct talker talker;
	begin(f, &talker);
	talker.free = true;
	for (int i = 0; i < 3 * SLV_SAID_LINES_MAX; i++)
		say(&talker, "x\n");
	listen(f);
	assert_int_equal(talker.lines, 3 * SLV_SAID_LINES_MAX);
	end(&talker);
}

/* Write until the pipe is full; how much that was. */
static size_t flood(struct talker *talker, const char *bytes, size_t len)
{
	size_t sum = 0;
	for (ssize_t part; (part = write(talker->fd, bytes, len)) > 0;)
		sum += (size_t)part;
	assert_int_equal(errno, EAGAIN);
	return sum;
}

static void a_flood_fills_the_pipe_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct talker loud, calm;
	char bytes[4096];
	memset(bytes, 'x', sizeof(bytes)); /* not even a line */
	begin(f, &loud);
	size_t sum = 0, last = 1;
	for (int i = 0; last; i++) {
		assert_true(i < 2 * SLV_SAID_READS_MAX);
		last = flood(&loud, bytes, sizeof(bytes));
		sum += last;
		listen(f);
	}
	assert_true(sum <= (SLV_SAID_READS_MAX + 32) * sizeof(bytes));
	begin(f, &calm);
	say(&calm, "heard\n");
	listen(f);
	assert_string_equal(calm.last, "heard");
	f->now_ms += SLV_SAID_PERIOD_MS;
	listen(f);
	assert_true(flood(&loud, bytes, sizeof(bytes)) > 0);
	end(&loud);
	end(&calm);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(each_line_is_heard),
		T(a_line_is_cut_at_its_bound),
		T(all_together_may_say_so_many_lines_in_a_time),
		T(what_does_not_count_may_be_said_by_all),
		T(a_flood_fills_the_pipe_and_nothing_else),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
