#include "store/cache_entry.h"

#include "base/mem.h"
#include "base/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct slv_cache_key key = { .variant = { { 1 } } };

/* A body of `len` bytes that differ from their neighbours. */
static slv_str body_of(size_t len)
{
	char *bytes = slv_alloc(len);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	return (slv_str){ bytes, len };
}

static void body_free(slv_str body)
{
	slv_free((void *)(uintptr_t)body.at);
}

static int memfd_of(slv_str body, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, body.at, body.len), body.len);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void is_whole(const struct slv_cache_entry *entry, slv_str head, slv_str body)
{
	assert_true(slv_str_eq(entry->hit.head, head));
	assert_true(slv_str_eq(entry->hit.body, body));
}

static void a_body_past_16_kib_is_a_sealed_memfd(void **state)
{
	(void)state;
	struct slv_cache_fds *fds = slv_cache_fds_new(8);
	slv_str at = body_of(SLV_CACHE_HEAP_BODY_MAX), past = body_of(at.len + 1);

	struct slv_cache_entry *entry = slv_cache_entry_make(fds, &key, SLV_STR("head"), at, -1);
	is_whole(entry, SLV_STR("head"), at);
	assert_int_equal(entry->hit.body_fd, -1);
	slv_cache_entry_unref(entry);

	entry = slv_cache_entry_make(fds, &key, SLV_STR("head"), past, -1);
	is_whole(entry, SLV_STR("head"), past);
	int fd = entry->hit.body_fd;
	assert_true(fd >= 0);
	assert_int_equal(entry->hit.body_offset, 0);
	char *sent = slv_alloc(past.len);
	assert_int_equal(pread(fd, sent, past.len, 0), past.len);
	assert_memory_equal(sent, past.at, past.len);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 1), -1);
	slv_free(sent);

	entry->hit.hold.drop(&entry->hit.hold);
	assert_false(is_open(fd));
	assert_int_equal(fds->used, 0);
	slv_cache_fds_unref(fds);
	body_free(at);
	body_free(past);
}

static void past_their_number_bodies_are_on_the_heap(void **state)
{
	(void)state;
	struct slv_cache_fds *fds = slv_cache_fds_new(2);
	slv_str body = body_of(SLV_CACHE_HEAP_BODY_MAX * 2);
	struct slv_cache_entry *entries[3];
	for (size_t i = 0; i < 3; i++) {
		entries[i] = slv_cache_entry_make(fds, &key, SLV_STR(""), body, -1);
		is_whole(entries[i], SLV_STR(""), body);
		assert_int_equal(entries[i]->hit.body_fd >= 0, i < 2);
		assert_true(entries[i]->cost > body.len);
	}
	slv_cache_entry_unref(entries[0]);
	struct slv_cache_entry *next = slv_cache_entry_make(fds, &key, SLV_STR(""), body, -1);
	assert_true(next->hit.body_fd >= 0);

	/* And who counts them is there as long as an entry is. */
	slv_cache_fds_unref(fds);
	slv_cache_entry_unref(entries[1]);
	slv_cache_entry_unref(entries[2]);
	slv_cache_entry_unref(next);
	body_free(body);
}

static void a_sealed_memfd_is_taken_over(void **state)
{
	(void)state;
	struct slv_cache_fds *fds = slv_cache_fds_new(8);
	slv_str body = body_of(100000);
	int fd = memfd_of(body, F_SEAL_SHRINK | F_SEAL_WRITE);
	struct slv_cache_entry *entry = slv_cache_entry_make(fds, &key, SLV_STR("h"), body, fd);
	is_whole(entry, SLV_STR("h"), body);
	assert_int_equal(entry->hit.body_fd, fd);
	assert_true(entry->hit.body.at != body.at);
	slv_cache_entry_unref(entry);
	assert_false(is_open(fd));
	slv_cache_fds_unref(fds);
	body_free(body);
}

/* Its bytes are copied and it is closed: unsealed, sealed too little, of another length, small, or
 * one too many. */
static void a_memfd_that_is_not_fit_is_copied(void **state)
{
	(void)state;
	struct slv_cache_fds *fds = slv_cache_fds_new(1), *none = slv_cache_fds_new(0);
	slv_str body = body_of(100000);
	int all = F_SEAL_SHRINK | F_SEAL_WRITE;
	struct {
		struct slv_cache_fds *fds;
		int seals;
		size_t len;
	} cases[] = {
		{ fds, 0, body.len },
		{ fds, F_SEAL_SHRINK, body.len },
		{ fds, F_SEAL_WRITE, body.len },
		{ fds, all, body.len - 1 },
		{ fds, all, 100 },
		{ none, all, body.len },
		{ NULL, all, body.len },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		int fd = memfd_of(cases[i].len == 100 ? slv_str_head(body, 100) : body,
				cases[i].seals);
		slv_str part = slv_str_head(body, cases[i].len);
		struct slv_cache_entry *entry =
				slv_cache_entry_make(cases[i].fds, &key, SLV_STR("h"), part, fd);
		is_whole(entry, SLV_STR("h"), part);
		assert_false(is_open(fd) && entry->hit.body_fd != fd);
		if (entry->hit.body_fd >= 0) {
			int seals = fcntl(entry->hit.body_fd, F_GET_SEALS);
			assert_int_equal(seals & all, all);
		}
		slv_cache_entry_unref(entry);
	}
	assert_int_equal(fds->used, 0);
	slv_cache_fds_unref(fds);
	slv_cache_fds_unref(none);
	body_free(body);
}

static void a_body_comes_in_parts(void **state)
{
	(void)state;
	struct slv_cache_fds *fds = slv_cache_fds_new(1);
	const size_t lens[] = { 0, 10, 40000 };
	for (size_t i = 0; i < SLV_COUNT(lens); i++) {
		slv_str body = body_of(lens[i]);
		struct slv_cache_entry *entry = slv_cache_entry_new(fds, &key, 3, body.len);
		memcpy(slv_cache_entry_head(entry), "abc", 3);
		slv_cache_entry_append(entry, slv_str_head(body, body.len / 3));
		slv_cache_entry_append(entry, slv_str_from_index(body, body.len / 3));
		slv_cache_entry_seal(entry);
		is_whole(entry, SLV_STR("abc"), body);
		slv_cache_entry_unref(entry);
		body_free(body);
	}
	slv_cache_fds_unref(fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_past_16_kib_is_a_sealed_memfd),
		cmocka_unit_test(past_their_number_bodies_are_on_the_heap),
		cmocka_unit_test(a_sealed_memfd_is_taken_over),
		cmocka_unit_test(a_memfd_that_is_not_fit_is_copied),
		cmocka_unit_test(a_body_comes_in_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
