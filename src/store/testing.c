#include "store/testing.h"

#include "base/mem.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD SLV_STR("image/webp")

/* --- gates --- */

static void gate_init(struct gate *gate)
{
	gate->closed = false;
	assert_int_equal(sem_init(&gate->reached, 0, 0), 0);
	assert_int_equal(sem_init(&gate->go, 0, 0), 0);
}

static void sem_down(sem_t *sem)
{
	while (sem_wait(sem) != 0)
		;
}

/* On a thread of the pool. */
static void gate_pass(struct gate *gate)
{
	if (!atomic_exchange(&gate->closed, false))
		return;
	(void)sem_post(&gate->reached);
	sem_down(&gate->go);
}

void gate_wait(struct gate *gate)
{
	sem_down(&gate->reached);
}

void gate_open(struct gate *gate)
{
	(void)sem_post(&gate->go);
}

/* --- the disk --- */

static int faulty_open(struct slv_disk *disk, int dir_fd, const char *name, int flags)
{
	int fails = ((struct faulty_disk *)disk)->open_new;
	if (fails && strncmp(name, "new-", 4) == 0)
		return -fails;
	return slv_disk_ops.open(disk, dir_fd, name, flags);
}

static ssize_t faulty_read(struct slv_disk *disk, int fd, void *bytes, size_t len)
{
	struct faulty_disk *faulty = (struct faulty_disk *)disk;
	gate_pass(&faulty->at_read);
	faulty->reads++;
	if (faulty->read)
		return -faulty->read;
	return slv_disk_ops.read(disk, fd, bytes, len);
}

static ssize_t faulty_write(struct slv_disk *disk, int fd, const void *bytes, size_t len)
{
	struct faulty_disk *faulty = (struct faulty_disk *)disk;
	faulty->writes++;
	if (faulty->write)
		return -faulty->write;
	if (faulty->write_len_max && len > faulty->write_len_max)
		len = faulty->write_len_max;
	if (faulty->write_left) {
		if (faulty->write_left == 1)
			return -ENOSPC;
		if (len >= faulty->write_left)
			len = faulty->write_left - 1;
		faulty->write_left -= len;
	}
	return slv_disk_ops.write(disk, fd, bytes, len);
}

static int faulty_stat(
		struct slv_disk *disk, int dir_fd, const char *name, struct slv_disk_stat *ret_stat)
{
	if (*name)
		gate_pass(&((struct faulty_disk *)disk)->at_scan);
	return slv_disk_ops.stat(disk, dir_fd, name, ret_stat);
}

static int faulty_rename(
		struct slv_disk *disk, int from_fd, const char *from, int to_fd, const char *to)
{
	struct faulty_disk *faulty = (struct faulty_disk *)disk;
	gate_pass(&faulty->at_rename);
	if (faulty->rename)
		return -faulty->rename;
	return slv_disk_ops.rename(disk, from_fd, from, to_fd, to);
}

static int faulty_unlink(struct slv_disk *disk, int dir_fd, const char *name)
{
	struct faulty_disk *faulty = (struct faulty_disk *)disk;
	gate_pass(&faulty->at_unlink);
	return faulty->unlink ? -faulty->unlink : slv_disk_ops.unlink(disk, dir_fd, name);
}

static int faulty_mkdir(struct slv_disk *disk, int dir_fd, const char *name)
{
	struct faulty_disk *faulty = (struct faulty_disk *)disk;
	return faulty->mkdir ? -faulty->mkdir : slv_disk_ops.mkdir(disk, dir_fd, name);
}

static struct slv_disk_ops faulty_ops;

static void faulty_init(struct faulty_disk *faulty)
{
	faulty_ops = slv_disk_ops;
	faulty_ops.open = faulty_open;
	faulty_ops.read = faulty_read;
	faulty_ops.write = faulty_write;
	faulty_ops.stat = faulty_stat;
	faulty_ops.rename = faulty_rename;
	faulty_ops.unlink = faulty_unlink;
	faulty_ops.mkdir = faulty_mkdir;
	faulty->disk.ops = &faulty_ops;
	gate_init(&faulty->at_read);
	gate_init(&faulty->at_rename);
	gate_init(&faulty->at_unlink);
	gate_init(&faulty->at_scan);
}

/* --- the kit --- */

static uint64_t kit_now_ms(void *arg)
{
	return ((struct kit *)arg)->mono_ms;
}

static int64_t kit_wall_ms(void *arg)
{
	return ((struct kit *)arg)->wall_ms;
}

static void kit_on_trouble(void *arg, const char *what, int sys)
{
	struct kit *kit = arg;
	kit->told_what = what;
	kit->told_sys = sys;
	kit->told++;
}

void kit_init(struct kit *kit)
{
	memset(kit, 0, sizeof(*kit));
	faulty_init(&kit->disk);
	kit->mono_ms = 1000000;
	struct slv_loop_world world = { .now_ms = kit_now_ms, .wall_ms = kit_wall_ms, .arg = kit };
	kit->loop = slv_loop_new(0, NULL, &world);

	strncpy(kit->folder, "/tmp/selvedge-test-XXXXXX", sizeof(kit->folder) - 1);
	assert_non_null(mkdtemp(kit->folder));
	struct stat st;
	assert_int_equal(stat(kit->folder, &st), 0);
	kit->wall_ms = (int64_t)st.st_mtim.tv_sec * 1000; /* about now, as files have it */
	kit->conf = (struct slv_cache_conf){
		.memory_bytes_max = SLV_MIB(8),
		.disk_bytes_max = SLV_MIB(8),
		.entry_bytes_max = SLV_MIB(1),
		.folder = slv_str_from(kit->folder),
		.on_trouble = kit_on_trouble,
		.arg = kit,
	};
}

void kit_start(struct kit *kit)
{
	struct slv_hash_key hash_key = { 0x94d049bb133111eb, 0x2545f4914f6cdd1d };
	kit->cache = slv_cache_new_on(&kit->conf, hash_key, &kit->disk.disk);
}

void kit_settle(struct kit *kit)
{
	slv_loop_stop(kit->loop);
	slv_loop_run(kit->loop);
}

void kit_stop(struct kit *kit)
{
	kit_settle(kit);
	slv_loop_free(kit->loop);
	slv_cache_free(kit->cache);
	kit->cache = NULL;
	struct slv_loop_world world = { .now_ms = kit_now_ms, .wall_ms = kit_wall_ms, .arg = kit };
	kit->loop = slv_loop_new(0, NULL, &world);
}

void kit_done(struct kit *kit)
{
	kit_stop(kit);
	slv_loop_free(kit->loop);
	char command[128];
	snprintf(command, sizeof(command), "rm -rf -- %s", kit->folder);
	assert_int_equal(system(command), 0);
}

void kit_turn(struct kit *kit)
{
	kit->mono_ms++;
	slv_loop_turn(kit->loop, true);
}

void kit_until_disk_bytes(struct kit *kit, uint64_t bytes)
{
	while (slv_cache_stats(kit->cache).disk_bytes != bytes)
		kit_turn(kit);
}

void kit_until_evictions(struct kit *kit, uint64_t count)
{
	while (slv_cache_stats(kit->cache).evictions < count)
		kit_turn(kit);
}

struct slv_cache_key kit_key(uint32_t source, uint32_t variant)
{
	struct slv_cache_key key = { 0 };
	memcpy(key.source.bytes, &source, sizeof(source));
	memcpy(key.variant.bytes, &source, sizeof(source));
	memcpy(key.variant.bytes + sizeof(source), &variant, sizeof(variant));
	return key;
}

static char byte_at(struct slv_cache_key key, size_t at)
{
	return (char)(key.variant.bytes[0] * 5 + key.variant.bytes[4] * 3 + at * 7 + at / 251);
}

void kit_put(struct kit *kit, struct slv_cache_key key, size_t body_len, int64_t now_ms)
{
	char *body = slv_alloc(body_len);
	for (size_t i = 0; i < body_len; i++)
		body[i] = byte_at(key, i);
	struct slv_cache_hit *hit = slv_cache_put(kit->cache, kit->loop, &key, HEAD,
			(slv_str){ body, body_len }, -1, now_ms, now_ms + 10, now_ms + 100);
	slv_free(body);
	assert_int_equal(hit->body.len, body_len);
	kit_is_body_of(hit, key);
	hit->hold.drop(&hit->hold);
}

void kit_is_body_of(const struct slv_cache_hit *hit, struct slv_cache_key key)
{
	assert_true(slv_str_eq(hit->head, HEAD));
	for (size_t i = 0; i < hit->body.len; i++)
		if (hit->body.at[i] != byte_at(key, i))
			fail_msg("byte %zu of a body of %zu differs", i, hit->body.len);
	assert_int_equal(hit->fresh_until_ms, hit->stored_ms + 10);
	assert_int_equal(hit->stale_until_ms, hit->stored_ms + 100);
}

static bool is_found(struct slv_cache_hit *hit, struct slv_cache_key key)
{
	if (!hit)
		return false;
	kit_is_body_of(hit, key);
	hit->hold.drop(&hit->hold);
	return true;
}

bool kit_gets(struct kit *kit, struct slv_cache_key key, int64_t now_ms)
{
	return is_found(slv_cache_get(kit->cache, &key, now_ms), key);
}

struct fetching {
	struct slv_cache_fetch fetch; /* first */
	struct slv_cache_hit *hit;
	bool done;
};

static void fetched(struct slv_cache_fetch *fetch, struct slv_cache_hit *hit)
{
	struct fetching *fetching = (struct fetching *)fetch;
	assert_false(fetching->done);
	fetching->hit = hit;
	fetching->done = true;
}

bool kit_fetches(struct kit *kit, struct slv_cache_key key, int64_t now_ms)
{
	struct fetching fetching = { .fetch = { .key = key, .done = fetched } };
	slv_cache_fetch(kit->cache, kit->loop, &fetching.fetch, now_ms);
	assert_false(fetching.done);
	while (!fetching.done)
		kit_turn(kit);
	return is_found(fetching.hit, key);
}

void kit_path(const struct kit *kit, struct slv_cache_key key, char *ret_path, size_t len)
{
	char source[65], variant[65];
	for (int i = 0; i < 32; i++) {
		snprintf(source + 2 * i, 3, "%02x", key.source.bytes[i]);
		snprintf(variant + 2 * i, 3, "%02x", key.variant.bytes[i]);
	}
	snprintf(ret_path, len, "%s/entries/%.2s/%s/%s", kit->folder, source, source, variant);
}

bool kit_has_file(const struct kit *kit, struct slv_cache_key key)
{
	char path[300];
	kit_path(kit, key, path, sizeof(path));
	return access(path, F_OK) == 0;
}

void kit_on_done(void *kit)
{
	((struct kit *)kit)->done++;
}
