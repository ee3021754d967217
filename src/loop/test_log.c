#include "loop/log.h"

#include "base/mem.h"
#include "base/testing.h"
#include "loop/loop.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TEXT_BYTES_MAX SLV_MIB(8)

/* A log into a file without a name. */
struct book {
	FILE *file;
	struct slv_log *log;
	struct slv_buf text;
};

static void book_init(struct book *book, enum slv_level least)
{
	book->file = tmpfile();
	assert_non_null(book->file);
	book->log = slv_log_new(fileno(book->file), least);
	slv_buf_init(&book->text, TEXT_BYTES_MAX);
}

static void read_all(int fd, struct slv_buf *text)
{
	for (;;) {
		char *room = slv_buf_room(text, 4096);
		assert_non_null(room);
		ssize_t got = read(fd, room, 4096);
		assert_true(got >= 0);
		if (got == 0)
			return;
		slv_buf_grown(text, (size_t)got);
	}
}

/* End the log; what it wrote. */
static slv_str book_read(struct book *book)
{
	slv_log_free(book->log);
	rewind(book->file);
	read_all(fileno(book->file), &book->text);
	return slv_buf_str(&book->text);
}

static void book_done(struct book *book)
{
	slv_buf_done(&book->text);
	assert_int_equal(fclose(book->file), 0);
}

/* The line without its time, which is "2026-01-02T03:04:05.678Z". */
static slv_str behind_time(slv_str line)
{
	static const char form[] = "{\"time\":\"0000-00-00T00:00:00.000Z\",";
	assert_true(line.len > sizeof(form) - 1);
	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		char c = slv_is_digit(line.at[i]) ? '0' : line.at[i];
		assert_int_equal(c, form[i]);
	}
	return slv_str_from_index(line, sizeof(form) - 1);
}

static void assert_text(slv_str text, const char *expected)
{
	assert_int_equal(text.len, strlen(expected));
	assert_memory_equal(text.at, expected, text.len);
}

static void fields_of_every_type_are_json(void **state)
{
	(void)state;
	struct book book;
	book_init(&book, SLV_DEBUG);
	const char *nothing = NULL;
	unsigned char small = 200;
	slv_log(book.log, SLV_WARN, "cache.evict", SLV_KV("bytes", (size_t)18446744073709551615u),
			SLV_KV("delta", -5), SLV_KV("tier", "disk"), SLV_KV("small", small));
	slv_log(book.log, SLV_DEBUG, "b", SLV_KV("on", (bool)true), SLV_KV("off", (bool)false),
			SLV_KV("ms", 1.5), SLV_KV("none", nothing), SLV_KV("nan", (double)NAN));
	slv_log(book.log, SLV_ERROR, "c", SLV_KV("str", SLV_STR("a\"\\\n\x80")));
	slv_log(book.log, SLV_INFO, "d", SLV_KV("min", INT64_MIN), SLV_KV("inf", INFINITY));
	slv_log(book.log, SLV_INFO, "e");

	slv_str text = book_read(&book);
	assert_text(behind_time(slv_str_cut(&text, '\n')),
			"\"level\":\"warn\",\"event\":\"cache.evict\","
			"\"bytes\":18446744073709551615,\"delta\":-5,\"tier\":\"disk\","
			"\"small\":200}");
	assert_text(behind_time(slv_str_cut(&text, '\n')),
			"\"level\":\"debug\",\"event\":\"b\",\"on\":true,\"off\":false,"
			"\"ms\":1.5,\"none\":null,\"nan\":null}");
	assert_text(behind_time(slv_str_cut(&text, '\n')), "\"level\":\"error\",\"event\":\"c\","
							   "\"str\":\"a\\\"\\\\\\n\xef\xbf\xbd\"}");
	assert_text(behind_time(slv_str_cut(&text, '\n')),
			"\"level\":\"info\",\"event\":\"d\",\"min\":-9223372036854775808,"
			"\"inf\":null}");
	assert_text(behind_time(slv_str_cut(&text, '\n')), "\"level\":\"info\",\"event\":\"e\"}");
	assert_int_equal(text.len, 0);
	book_done(&book);
}

static int64_t number(slv_str text, size_t at, size_t len)
{
	uint64_t value;
	assert_true(slv_str_u64(slv_str_head(slv_str_from_index(text, at), len), 9999, &value));
	return (int64_t)value;
}

static void the_time_is_now_in_utc(void **state)
{
	(void)state;
	struct book book;
	book_init(&book, SLV_INFO);
	struct timespec ts;
	assert_int_equal(clock_gettime(CLOCK_REALTIME, &ts), 0);
	int64_t before_ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	slv_log_write(book.log, SLV_INFO, "x", NULL, 0);
	assert_int_equal(clock_gettime(CLOCK_REALTIME, &ts), 0);
	int64_t after_ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;

	slv_str line = slv_str_from_index(book_read(&book), strlen("{\"time\":\""));
	struct tm tm = {
		.tm_year = (int)number(line, 0, 4) - 1900,
		.tm_mon = (int)number(line, 5, 2) - 1,
		.tm_mday = (int)number(line, 8, 2),
		.tm_hour = (int)number(line, 11, 2),
		.tm_min = (int)number(line, 14, 2),
		.tm_sec = (int)number(line, 17, 2),
	};
	int64_t told_ms = (int64_t)timegm(&tm) * 1000 + number(line, 20, 3);
	assert_true(before_ms <= told_ms && told_ms <= after_ms);
	book_done(&book);
}

static void lines_below_the_least_level_are_dropped(void **state)
{
	(void)state;
	struct book book;
	book_init(&book, SLV_WARN);
	slv_log_write(book.log, SLV_INFO, "less", NULL, 0);
	slv_log_write(book.log, SLV_WARN, "enough", NULL, 0);
	slv_log(NULL, SLV_ERROR, "nowhere", SLV_KV("n", 1));
	slv_log_line(NULL, SLV_STR("nowhere"));
	slv_str text = book_read(&book);
	assert_text(behind_time(slv_str_cut(&text, '\n')),
			"\"level\":\"warn\",\"event\":\"enough\"}");
	assert_int_equal(text.len, 0);
	book_done(&book);
	slv_log_free(NULL);
}

static void lines_made_elsewhere_stay_as_they_are(void **state)
{
	(void)state;
	struct book book;
	book_init(&book, SLV_ERROR); /* has no say in these */
	slv_log_line(book.log, SLV_STR("{\"status\":200}"));
	slv_log_line(book.log, SLV_STR(""));
	assert_text(book_read(&book), "{\"status\":200}\n\n");
	book_done(&book);
}

/* The number behind `before` in `line`; -1 when `before` is not there. */
static int64_t number_behind(slv_str line, slv_str before)
{
	size_t at = slv_str_find_str(line, before);
	if (at == line.len)
		return -1;
	slv_str rest = slv_str_from_index(line, at + before.len);
	uint64_t value;
	assert_true(slv_str_u64(slv_str_cut(&rest, '}'), INT64_MAX, &value));
	return (int64_t)value;
}

static void a_line_of_a_mebibyte_fits_and_one_more_byte_does_not(void **state)
{
	(void)state;
	struct book book;
	book_init(&book, SLV_INFO);
	size_t len = SLV_MIB(1) - 1; /* and the newline */
	char *bytes = slv_alloc(len + 1);
	memset(bytes, 'x', len + 1);
	slv_log_line(book.log, (slv_str){ bytes, len + 1 });
	slv_log_line(book.log, SLV_STR("next"));
	slv_str text = book_read(&book);
	assert_int_equal(number_behind(slv_str_cut(&text, '\n'),
					 SLV_STR("\"event\":\"log.dropped\",\"lines\":")),
			1);
	assert_text(text, "next\n");
	book_done(&book);

	book_init(&book, SLV_INFO);
	slv_log_line(book.log, (slv_str){ bytes, len });
	text = book_read(&book);
	assert_int_equal(text.len, len + 1);
	book_done(&book);
	slv_free(bytes);
}

/* --- more than a reader takes --- */

#define FLOOD_LINES 60000
#define FLOOD_LINE_BYTES 100

struct drain {
	int fd;
	struct slv_buf text;
};

static void drain_run(void *arg)
{
	struct drain *drain = arg;
	read_all(drain->fd, &drain->text);
}

static void flood(struct slv_log *log)
{
	char line[FLOOD_LINE_BYTES + 1];
	for (int i = 0; i < FLOOD_LINES; i++) {
		(void)snprintf(line, sizeof(line), "%-*d|", FLOOD_LINE_BYTES - 1, i);
		slv_log_line(log, (slv_str){ line, FLOOD_LINE_BYTES });
	}
}

/* Every line is whole and in order; returns how many there are and how many were told lost. */
static void count_flood(slv_str text, int64_t *ret_lines, int64_t *ret_told)
{
	int64_t lines = 0, told = 0, last = -1;
	assert_int_equal(text.at[text.len - 1], '\n');
	text.len--;
	while (text.at) {
		slv_str line = slv_str_cut(&text, '\n');
		int64_t lost = number_behind(line, SLV_STR("\"event\":\"log.dropped\",\"lines\":"));
		if (lost >= 0) {
			told += lost;
			continue;
		}
		assert_int_equal(line.len, FLOOD_LINE_BYTES);
		assert_int_equal(line.at[FLOOD_LINE_BYTES - 1], '|');
		int64_t place = strtol(line.at, NULL, 10);
		assert_true(place > last);
		last = place;
		lines++;
	}
	*ret_lines = lines;
	*ret_told = told;
}

static void a_reader_that_is_too_slow_loses_lines_and_is_told_how_many(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	struct slv_log *log = slv_log_new(fds[1], SLV_INFO);
	/* 6 MB; a pipe takes 64 KiB, and twice 1 MiB wait at most. */
	flood(log);

	int64_t lost = (int64_t)slv_log_lost(log);
	struct drain drain = { .fd = fds[0] };
	slv_buf_init(&drain.text, TEXT_BYTES_MAX);
	struct slv_thread *thread;
	slv_err err = slv_thread_start(drain_run, &drain, &thread);
	assert_false(slv_failed(err));
	slv_log_free(log);
	assert_int_equal(close(fds[1]), 0);
	slv_thread_join(thread);

	int64_t lines, told;
	count_flood(slv_buf_str(&drain.text), &lines, &told);
	assert_int_equal(lines + told, FLOOD_LINES);
	assert_int_equal(told, lost);
	assert_true(told > FLOOD_LINES / 2);
	assert_true(lines > (int64_t)SLV_MIB(1) / (FLOOD_LINE_BYTES + 1) - 2);
	slv_buf_done(&drain.text);
	assert_int_equal(close(fds[0]), 0);
}

static void fill_with_a_megabyte(struct slv_log *log)
{
	for (int i = 0; i < 9000; i++)
		slv_log_line(log, SLV_STR("--------------------------------------------------"
					  "--------------------------------------------------"));
}

static void a_descriptor_that_does_not_block_is_waited_for(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	struct slv_log *log = slv_log_new(fds[1], SLV_INFO);
	fill_with_a_megabyte(log); /* more than the pipe takes */
	struct drain drain = { .fd = fds[0] };
	slv_buf_init(&drain.text, TEXT_BYTES_MAX);
	struct slv_thread *thread;
	slv_err err = slv_thread_start(drain_run, &drain, &thread);
	assert_false(slv_failed(err));
	slv_log_free(log);
	assert_int_equal(close(fds[1]), 0);
	slv_thread_join(thread);
	assert_int_equal(drain.text.len, 9000 * 101);
	slv_buf_done(&drain.text);
	assert_int_equal(close(fds[0]), 0);
}

static void a_reader_that_stalls_does_not_hold_up_the_end(void **state)
{
	(void)state;
	for (int flags = 0; flags <= O_NONBLOCK; flags += O_NONBLOCK) {
		int fds[2];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
		assert_int_equal(fcntl(fds[1], F_SETFL, flags), 0);
		struct slv_log *log = slv_log_new(fds[1], SLV_INFO);
		fill_with_a_megabyte(log);
		slv_log_free(log); /* comes back at all */
		/* Not closed: the writer may be at it still. */
		assert_int_equal(shutdown(fds[1], SHUT_WR), 0);

		/* The writer ends when it can, and writes no more than it had begun. */
		struct slv_buf text;
		slv_buf_init(&text, TEXT_BYTES_MAX);
		read_all(fds[0], &text);
		assert_true(text.len > 0 && text.len <= SLV_KIB(512));
		slv_buf_done(&text);
		assert_int_equal(close(fds[0]), 0);
	}
}

/* Reads 64 KiB every 90 ms: all in all longer than a stall may last. */
static void sip_run(void *arg)
{
	struct drain *drain = arg;
	ssize_t got = 1;
	while (got > 0) {
		nanosleep(&(struct timespec){ .tv_nsec = 90000000 }, NULL);
		char *room = slv_buf_room(&drain->text, SLV_KIB(64));
		got = read(drain->fd, room, SLV_KIB(64));
		slv_buf_grown(&drain->text, got > 0 ? (size_t)got : 0);
	}
}

static void a_reader_that_gets_on_slowly_gets_all_at_the_end(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	struct slv_log *log = slv_log_new(fds[1], SLV_INFO);
	fill_with_a_megabyte(log);
	struct drain drain = { .fd = fds[0] };
	slv_buf_init(&drain.text, TEXT_BYTES_MAX);
	struct slv_thread *thread;
	slv_err err = slv_thread_start(sip_run, &drain, &thread);
	assert_false(slv_failed(err));
	slv_log_free(log);
	assert_int_equal(close(fds[1]), 0);
	slv_thread_join(thread);
	assert_int_equal(drain.text.len, 9000 * 101);
	slv_buf_done(&drain.text);
	assert_int_equal(close(fds[0]), 0);
}

static void a_reader_that_is_gone_ends_nothing(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(close(fds[0]), 0);
	struct slv_log *log = slv_log_new(fds[1], SLV_INFO); /* SIGPIPE would kill us */
	slv_log_line(log, SLV_STR("unheard"));
	slv_log_free(log);
	assert_int_equal(close(fds[1]), 0);
}

/* --- a disk that is full --- */

/* Files of this process may have so many bytes. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void what_a_full_disk_cut_off_does_not_run_into_the_next_line(void **state)
{
	(void)state;
	struct book book;
	book_init(&book, SLV_INFO);
	limit_files(25);
	slv_log_line(book.log, SLV_STR("this is whole."));
	slv_log_line(book.log, SLV_STR("this is cut to pieces."));
	slv_log_line(book.log, SLV_STR("nothing of this."));
	while (slv_log_lost(book.log) < 2)
		(void)usleep(1000);
	limit_files(RLIM_INFINITY);
	slv_log_line(book.log, SLV_STR("again."));
	slv_str text = book_read(&book);
	assert_text(slv_str_cut(&text, '\n'), "this is whole.");
	assert_text(slv_str_cut(&text, '\n'), "this is cu");
	assert_int_equal(number_behind(slv_str_cut(&text, '\n'),
					 SLV_STR("\"event\":\"log.dropped\",\"lines\":")),
			2);
	assert_text(text, "again.\n");
	book_done(&book);
}

/* --- many loops --- */

#define CROWD 4
#define CROWD_LINES 3000

static void crowd_run(void *arg)
{
	for (int i = 0; i < CROWD_LINES; i++) {
		if (i % 2)
			slv_log(arg, SLV_INFO, "crowd", SLV_KV("number", i));
		else
			slv_log_line(arg, SLV_STR("{\"event\":\"crowd\"}"));
	}
}

static void lines_of_many_threads_do_not_mix(void **state)
{
	(void)state;
	struct book book;
	book_init(&book, SLV_INFO);
	struct slv_thread *threads[CROWD];
	for (int i = 0; i < CROWD; i++) {
		slv_err err = slv_thread_start(crowd_run, book.log, &threads[i]);
		assert_false(slv_failed(err));
	}
	for (int i = 0; i < CROWD; i++)
		slv_thread_join(threads[i]);
	slv_str text = book_read(&book);
	int lines = 0, plain = 0;
	for (slv_str line = slv_str_cut(&text, '\n'); line.len;
			line = slv_str_cut(&text, '\n'), lines++) {
		if (slv_str_eq(line, SLV_STR("{\"event\":\"crowd\"}")))
			plain++;
		else
			assert_true(number_behind(line, SLV_STR("\"number\":")) % 2 == 1);
	}
	assert_int_equal(lines, CROWD * CROWD_LINES); /* 900 KB: nothing is dropped */
	assert_int_equal(plain, lines / 2);
	book_done(&book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_of_every_type_are_json),
		cmocka_unit_test(the_time_is_now_in_utc),
		cmocka_unit_test(lines_below_the_least_level_are_dropped),
		cmocka_unit_test(lines_made_elsewhere_stay_as_they_are),
		cmocka_unit_test(a_line_of_a_mebibyte_fits_and_one_more_byte_does_not),
		cmocka_unit_test(a_reader_that_is_too_slow_loses_lines_and_is_told_how_many),
		cmocka_unit_test(a_descriptor_that_does_not_block_is_waited_for),
		cmocka_unit_test(a_reader_that_stalls_does_not_hold_up_the_end),
		cmocka_unit_test(a_reader_that_gets_on_slowly_gets_all_at_the_end),
		cmocka_unit_test(a_reader_that_is_gone_ends_nothing),
		cmocka_unit_test(what_a_full_disk_cut_off_does_not_run_into_the_next_line),
		cmocka_unit_test(lines_of_many_threads_do_not_mix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
