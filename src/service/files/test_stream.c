#include "service/files/private.h"

#include "base/testing.h"
#include "loop/loop.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BYTES SLV_KIB(100) /* two parts */

struct fixture {
	struct slv_loop *loop;
	struct files_budget budget;
	FILE *file;
};

static int setup(void **state)
{
	static struct fixture fixture;
	fixture = (struct fixture){ .loop = slv_loop_new(0, NULL, NULL) };
	fixture.budget = (struct files_budget){ .loop = fixture.loop, .streams_max = 2 };
	fixture.file = tmpfile();
	assert_non_null(fixture.file);
	for (size_t i = 0; i < BYTES; i++)
		assert_int_equal(putc((int)('a' + i % 23), fixture.file), 'a' + (int)(i % 23));
	assert_int_equal(fflush(fixture.file), 0);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	slv_loop_free(fixture->loop);
	return fclose(fixture->file);
}

static slv_err begin(struct fixture *fixture, int *fd, uint64_t offset, uint64_t bytes,
		struct slv_source **ret_source)
{
	*fd = fcntl(fileno(fixture->file), F_DUPFD_CLOEXEC, 0);
	assert_true(*fd >= 0);
	return files_source_new(&fixture->budget, fd, offset, bytes, ret_source);
}

struct puller {
	struct slv_pull pull;
	bool called;
	slv_err err;
	slv_str bytes;
};

static void came(struct slv_pull *pull, slv_err err, slv_str bytes)
{
	struct puller *puller = SLV_CONTAINER(pull, struct puller, pull);
	puller->called = true;
	puller->err = err;
	puller->bytes = bytes;
}

static struct puller pull(struct fixture *fixture, struct slv_source *source)
{
	struct puller puller = { .pull.done = came };
	slv_source_pull(source, &puller.pull);
	assert_false(puller.called);
	while (!puller.called)
		slv_loop_turn(fixture->loop, true);
	return puller;
}

static void a_part_of_a_file_comes_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct slv_source *source = NULL;
	int fd;
	assert_false(slv_failed(begin(fixture, &fd, 5, BYTES - 6, &source)));
	assert_int_equal(fd, -1);
	size_t at = 5;
	for (;;) {
		struct puller puller = pull(fixture, source);
		assert_false(slv_failed(puller.err));
		if (!puller.bytes.len)
			break;
		for (size_t i = 0; i < puller.bytes.len; i++, at++)
			assert_int_equal(puller.bytes.at[i], 'a' + (int)(at % 23));
	}
	assert_int_equal(at, BYTES - 1);
	slv_source_close(source);
}

static void a_file_that_shrank_is_corrupt(void **state)
{
	struct fixture *fixture = *state;
	struct slv_source *source = NULL;
	int fd;
	assert_false(slv_failed(begin(fixture, &fd, 0, BYTES + 1, &source)));
	struct puller puller = pull(fixture, source);
	while (!slv_failed(puller.err))
		puller = pull(fixture, source);
	assert_int_equal(puller.err.code, SLV_E_CORRUPT);
	slv_source_close(source);
}

static void streams_have_a_bound_and_closed_ones_make_room(void **state)
{
	struct fixture *fixture = *state;
	struct slv_source *sources[2] = { 0 }, *third = NULL;
	int fd;
	for (size_t i = 0; i < 2; i++)
		assert_false(slv_failed(begin(fixture, &fd, 0, 1, &sources[i])));
	slv_err err = begin(fixture, &fd, 0, 1, &third);
	assert_int_equal(err.code, SLV_E_BUSY);
	assert_null(third);
	assert_true(fd >= 0); /* it stayed ours */
	close(fd);

	slv_source_close(sources[0]);
	assert_false(slv_failed(begin(fixture, &fd, 0, 1, &third)));
	slv_source_close(third);
	slv_source_close(sources[1]);
	assert_int_equal(fixture->budget.streams, 0);
}

static void a_stream_closed_while_it_reads_counts_until_it_has_read(void **state)
{
	struct fixture *fixture = *state;
	struct slv_source *source = NULL;
	struct puller puller = { .pull.done = came };
	int fd;
	assert_false(slv_failed(begin(fixture, &fd, 0, BYTES, &source)));
	slv_source_pull(source, &puller.pull);
	slv_source_close(source);
	assert_int_equal(fixture->budget.streams, 1);
	while (fixture->budget.streams)
		slv_loop_turn(fixture->loop, true);
	assert_false(puller.called);
}

static void a_stream_that_nobody_pulls_has_no_buffer(void **state)
{
	struct fixture *fixture = *state;
	struct slv_source *source = NULL;
	int fd;
	size_t before = mallinfo2().uordblks;
	assert_false(slv_failed(begin(fixture, &fd, 0, BYTES, &source)));
	assert_true(mallinfo2().uordblks < before + SLV_KIB(4));
	slv_source_close(source);
}

#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(a_part_of_a_file_comes_in_order),
		STREAM_TEST(a_file_that_shrank_is_corrupt),
		STREAM_TEST(streams_have_a_bound_and_closed_ones_make_room),
		STREAM_TEST(a_stream_closed_while_it_reads_counts_until_it_has_read),
		STREAM_TEST(a_stream_that_nobody_pulls_has_no_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
