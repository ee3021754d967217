#include "service/files/private.h"

#include "base/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	char folder[64];
	int root_fd;
	struct files_conf conf;
};

static void put(int folder_fd, const char *name, size_t bytes)
{
	int fd = openat(folder_fd, name, O_CREAT | O_TRUNC | O_WRONLY, 0644);
	assert_true(fd >= 0);
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static int setup(void **state)
{
	static struct fixture fixture;
	fixture = (struct fixture){ .conf = { .index = SLV_STR_INIT("index.html") } };
	snprintf(fixture.folder, sizeof(fixture.folder), "/tmp/selvedge-files-XXXXXX");
	assert_non_null(mkdtemp(fixture.folder));
	int outer = open(fixture.folder, O_RDONLY | O_DIRECTORY);
	put(outer, "secret", 1);
	assert_int_equal(mkdirat(outer, "root", 0755), 0);
	fixture.root_fd = openat(outer, "root", O_RDONLY | O_DIRECTORY);
	close(outer);
	put(fixture.root_fd, "a.txt", 3);
	assert_int_equal(mkdirat(fixture.root_fd, "with", 0755), 0);
	assert_int_equal(mkdirat(fixture.root_fd, "without", 0755), 0);
	put(fixture.root_fd, "with/index.html", 5);
	put(fixture.root_fd, "without/b<&.txt", 1);
	put(fixture.root_fd, "without/.hidden", 1);
	assert_int_equal(symlinkat("../secret", fixture.root_fd, "out"), 0);
	assert_int_equal(symlinkat("/etc/passwd", fixture.root_fd, "absolute"), 0);
	assert_int_equal(symlinkat("a.txt", fixture.root_fd, "inside"), 0);
	assert_int_equal(mkfifoat(fixture.root_fd, "pipe", 0644), 0);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	char command[128];
	close(fixture->root_fd);
	snprintf(command, sizeof(command), "rm -r %s", fixture->folder);
	return system(command);
}

static struct files_found find(struct fixture *fixture, const char *path)
{
	struct files_found found;
	files_find(fixture->root_fd, path, &fixture->conf, &found);
	return found;
}

static void a_short_file_comes_with_its_bytes(void **state)
{
	struct files_found found = find(*state, "a.txt");
	assert_int_equal(found.what, FILES_FILE);
	assert_int_equal(found.bytes, 3);
	assert_true(slv_str_eq(slv_buf_str(&found.text), SLV_STR("xxx")));
	assert_true(found.etag[0] == '"');
	files_found_done(&found);
}

static void a_file_past_the_bound_comes_without(void **state)
{
	struct fixture *fixture = *state;
	for (size_t past = 0; past < 2; past++) {
		put(fixture->root_fd, "big", 0);
		int fd = openat(fixture->root_fd, "big", O_WRONLY);
		assert_int_equal(ftruncate(fd, (off_t)(FILES_WHOLE_BYTES_MAX + past)), 0);
		close(fd);
		struct files_found found = find(fixture, "big");
		assert_int_equal(found.what, FILES_FILE);
		assert_int_equal(found.text.len, past ? 0 : FILES_WHOLE_BYTES_MAX);
		files_found_done(&found);
	}
}

static void nothing_outside_is_there(void **state)
{
	static const struct {
		const char *path;
		int sys;
	} cases[] = { { "out", EXDEV }, { "absolute", EXDEV }, { "../secret", EXDEV },
		{ "with/../../secret", EXDEV }, { "/etc/passwd", EXDEV }, { "none", ENOENT },
		{ "a.txt/x", ENOTDIR }, { "pipe", ENOENT } };
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		struct files_found found = find(*state, cases[i].path);
		assert_int_equal(found.what, FILES_NONE);
		assert_int_equal(found.sys, cases[i].sys);
		files_found_done(&found);
	}
}

static void a_link_inside_is_followed(void **state)
{
	struct files_found found = find(*state, "inside");
	assert_int_equal(found.what, FILES_FILE);
	files_found_done(&found);
}

static void a_folder_shows_its_index_behind_a_slash(void **state)
{
	struct files_found found = find(*state, "with/");
	assert_int_equal(found.what, FILES_FILE);
	assert_int_equal(found.bytes, 5);
	files_found_done(&found);
	found = find(*state, "with");
	assert_int_equal(found.what, FILES_FOLDER);
	files_found_done(&found);
	found = find(*state, "a.txt/");
	assert_int_equal(found.what, FILES_NONE);
	files_found_done(&found);
}

static void an_index_may_be_a_link_to_elsewhere_in_the_root(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		const char *to;
		bool there;
	} cases[] = { { "../a.txt", true }, { "../with/index.html", true },
		{ "../../secret", false }, { "/etc/passwd", false }, { "../none", false } };
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		assert_int_equal(symlinkat(cases[i].to, fixture->root_fd, "without/index.html"), 0);
		struct files_found found = find(fixture, "without/");
		assert_int_equal(found.what, cases[i].there ? FILES_FILE : FILES_NONE);
		files_found_done(&found);
		assert_int_equal(unlinkat(fixture->root_fd, "without/index.html", 0), 0);
	}
}

static void an_index_behind_too_long_a_path_is_not_there(void **state)
{
	char path[PATH_MAX];
	memset(path, '/', sizeof(path));
	memcpy(path, "with", 4);
	path[PATH_MAX - 1] = '\0';
	struct files_found found = find(*state, path);
	assert_int_equal(found.what, FILES_NONE);
	files_found_done(&found);
	path[PATH_MAX - 1 - strlen("index.html")] = '\0';
	found = find(*state, path);
	assert_int_equal(found.what, FILES_FILE);
	files_found_done(&found);
}

static void a_folder_is_listed_only_if_asked(void **state)
{
	struct fixture *fixture = *state;
	struct files_found found = find(fixture, "without/");
	assert_int_equal(found.what, FILES_NONE);
	assert_int_equal(found.sys, ENOENT);
	files_found_done(&found);

	fixture->conf.listing = true;
	found = find(fixture, "without/");
	assert_int_equal(found.what, FILES_LISTING);
	slv_buf_add_char(&found.text, '\0');
	assert_non_null(strstr(found.text.at, "<a href=\"./b%3C%26.txt\">b&lt;&amp;.txt</a>"));
	assert_null(strstr(found.text.at, "hidden"));
	/* Nor itself, nor the one above a second time. */
	assert_null(strstr(found.text.at, ">./</a>"));
	const char *above = strstr(found.text.at, ">../</a>");
	assert_non_null(above);
	assert_null(strstr(above + 1, ">../</a>"));
	files_found_done(&found);
}

static void a_listing_shows_what_is_served(void **state)
{
	struct fixture *fixture = *state;
	fixture->conf.listing = true;
	assert_int_equal(mkdirat(fixture->root_fd, "without/.well-known", 0755), 0);
	put(fixture->root_fd, "without/.well-known-not", 1);
	struct files_found found = find(fixture, "without/");
	slv_buf_add_char(&found.text, '\0');
	assert_non_null(strstr(found.text.at, "<a href=\"./.well-known/\">.well-known/</a>"));
	assert_null(strstr(found.text.at, "not"));
	files_found_done(&found);
}

static void types_follow_the_extension(void **state)
{
	(void)state;
	assert_true(slv_str_eq(files_type(SLV_STR("a/b.JPG")), SLV_STR("image/jpeg")));
	assert_true(slv_str_eq(files_type(SLV_STR("a.tar.gz")), SLV_STR("application/gzip")));
	assert_true(slv_str_eq(files_type(SLV_STR("a.")), SLV_STR("application/octet-stream")));
	assert_true(slv_str_eq(files_type(SLV_STR("jpg")), SLV_STR("application/octet-stream")));
}

#define FIND_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIND_TEST(a_short_file_comes_with_its_bytes),
		FIND_TEST(a_file_past_the_bound_comes_without),
		FIND_TEST(nothing_outside_is_there),
		FIND_TEST(a_link_inside_is_followed),
		FIND_TEST(a_folder_shows_its_index_behind_a_slash),
		FIND_TEST(an_index_may_be_a_link_to_elsewhere_in_the_root),
		FIND_TEST(an_index_behind_too_long_a_path_is_not_there),
		FIND_TEST(a_folder_is_listed_only_if_asked),
		FIND_TEST(a_listing_shows_what_is_served),
		cmocka_unit_test(types_follow_the_extension),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
