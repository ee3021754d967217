#include "store/blob/testing.h"

#include "base/mem.h"
#include "store/blob/s3.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Below a prefix that no other test has. */
static slv_err open_s3(struct blobs_kit *kit)
{
	char url[300];
	const char *hole = strstr(kit->url, "{}"), *secret = getenv("SELVEDGE_S3_SECRET");
	assert_non_null(hole);
	snprintf(url, sizeof(url), "%.*s%s%s", (int)(hole - kit->url), kit->url,
			strrchr(kit->folder, '-') + 1, hole + 2);
	return slv_blobs_open(slv_str_from(url), slv_str_from(secret ? secret : "none"), kit->log,
			&kit->blobs);
}

void blobs_kit_open(struct blobs_kit *kit)
{
	kit->loop = slv_loop_new(0, NULL, kit->world);
	slv_err err = kit->url ? open_s3(kit)
	                       : slv_blobs_open_on(
						 slv_str_from(kit->folder), kit->disk, &kit->blobs);
	assert_int_equal(err.code, SLV_E_NONE);
}

void blobs_kit_close(struct blobs_kit *kit)
{
	/* The thread sanitizer does not see libuv close its descriptors, and takes those that
	 * others open meanwhile for the same: let nobody open any. */
	while (kit->blobs && atomic_load(&kit->blobs->under_way) > 0)
		slv_loop_turn(kit->loop, false);
	slv_loop_free(kit->loop);
	slv_blobs_close(kit->blobs);
	kit->loop = NULL; /* a test that fails here is torn down all the same */
	kit->blobs = NULL;
}

int blobs_kit_set_up(void **state)
{
	struct blobs_kit *kit = SLV_ALLOC(struct blobs_kit);
	kit->url = *state;
	char folder[] = "/tmp/selvedge-blobs-XXXXXX";
	assert_non_null(mkdtemp(folder));
	snprintf(kit->folder, sizeof(kit->folder), "%s/blobs", folder);
	blobs_kit_open(kit);
	*state = kit;
	return 0;
}

int blobs_kit_tear_down(void **state)
{
	struct blobs_kit *kit = *state;
	char command[80];
	blobs_kit_close(kit);
	snprintf(command, sizeof(command), "rm -r %s/..", kit->folder);
	*strrchr(command, '/') = 0;
	*strrchr(command, '/') = 0;
	assert_int_equal(system(command), 0);
	slv_free(kit);
	return 0;
}

void blobs_kit_wait(struct blobs_kit *kit)
{
	while (kit->pending > 0)
		slv_loop_turn(kit->loop, true);
}

char blobs_kit_byte(unsigned number, uint64_t i)
{
	uint64_t mixed = (i + 1) * UINT64_C(0x9e3779b97f4a7c15) +
	                 number * UINT64_C(0xff51afd7ed558ccd);
	return (char)(mixed >> 56);
}

static void on_written(void *arg, slv_err err)
{
	struct blobs_kit *kit = arg;
	kit->err = err;
	kit->pending--;
}

static void on_finished(void *arg, slv_err err, const struct slv_blob_ref *ref)
{
	struct blobs_kit *kit = arg;
	kit->err = err;
	kit->ref = *ref;
	kit->pending--;
}

void blobs_kit_put(struct blobs_kit *kit, unsigned number, uint64_t len, size_t part)
{
	struct slv_blob_writer *writer;
	char *bytes = slv_alloc(part);
	kit->err = kit->as ? slv_blob_writer_new_as(kit->loop, kit->blobs, kit->as, &writer)
	                   : slv_blob_writer_new(kit->loop, kit->blobs, &writer);
	for (uint64_t at = 0; at < len && !slv_failed(kit->err); at += part) {
		size_t count = len - at < part ? (size_t)(len - at) : part;
		for (size_t i = 0; i < count; i++)
			bytes[i] = blobs_kit_byte(number, at + i);
		kit->pending++;
		slv_blob_write(writer, (slv_str){ bytes, count }, on_written, kit);
		assert_int_equal(kit->pending, 1); /* never before the call returns */
		blobs_kit_wait(kit);
	}
	if (!slv_failed(kit->err)) {
		kit->pending++;
		slv_blob_finish(writer, on_finished, kit);
		blobs_kit_wait(kit);
	}
	slv_blob_writer_free(writer);
	slv_free(bytes);
}

struct reading {
	struct blobs_kit *kit;
	unsigned number;
	uint64_t offset;
	size_t len;
};

static void on_read(void *arg, slv_err err, slv_str bytes)
{
	struct reading *reading = arg;
	reading->kit->err = err;
	reading->kit->pending--;
	assert_int_equal(bytes.len, slv_failed(err) ? 0 : reading->len);
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.at[i] != blobs_kit_byte(reading->number, reading->offset + i))
			fail_msg("byte %zu is another", (size_t)reading->offset + i);
}

void blobs_kit_read(struct blobs_kit *kit, const struct slv_blob_ref *ref, unsigned number,
		uint64_t offset, size_t len)
{
	struct slv_blob_reader *reader;
	struct reading reading = { kit, number, offset, len };
	assert_false(slv_failed(slv_blob_reader_new(kit->loop, kit->blobs, ref, &reader)));
	kit->pending++;
	slv_blob_read(reader, offset, len, on_read, &reading);
	blobs_kit_wait(kit);
	slv_blob_reader_free(reader);
}

struct removing {
	struct slv_blob_remove remove;
	struct blobs_kit *kit;
};

static void on_kit_removed(struct slv_blob_remove *remove, slv_err err)
{
	struct removing *removing = SLV_CONTAINER(remove, struct removing, remove);
	removing->kit->err = err;
	removing->kit->pending--;
}

static void kit_remove(
		struct blobs_kit *kit, const struct slv_blob_id *id, enum slv_blob_begun begun)
{
	struct removing removing = {
		.remove = { .blobs = kit->blobs,
				.id = *id,
				.begun = begun,
				.done = on_kit_removed },
		.kit = kit,
	};
	kit->pending++;
	slv_blob_remove(kit->loop, &removing.remove);
	blobs_kit_wait(kit);
}

void blobs_kit_remove(struct blobs_kit *kit, const struct slv_blob_id *id)
{
	kit_remove(kit, id, SLV_BLOB_BEGUN_TOO);
}

void blobs_kit_remove_begun(struct blobs_kit *kit, const struct slv_blob_id *id)
{
	kit_remove(kit, id, SLV_BLOB_BEGUN_ONLY);
}

struct listing {
	struct slv_blob_list list;
	struct blobs_kit *kit;
	struct slv_blob_listed *listed;
	size_t count, max;
};

static void on_listed(struct slv_blob_list *list, slv_err err, const struct slv_blob_listed *listed,
		size_t count)
{
	struct listing *listing = SLV_CONTAINER(list, struct listing, list);
	listing->kit->err = err;
	assert_true(count <= listing->max);
	if (count > 0)
		memcpy(listing->listed, listed, count * sizeof(*listed));
	listing->count = count;
	listing->kit->pending--;
}

size_t blobs_kit_list(
		struct blobs_kit *kit, unsigned shard, struct slv_blob_listed *listed, size_t max)
{
	struct listing listing = {
		.list = { .blobs = kit->blobs, .shard = shard, .done = on_listed },
		.kit = kit,
		.listed = listed,
		.max = max,
	};
	kit->pending++;
	slv_blob_list(kit->loop, &listing.list);
	blobs_kit_wait(kit);
	return listing.count;
}

/* --- behind the back of the store --- */

void blobs_kit_path(const struct blobs_kit *kit, const struct slv_blob_id *id, char path[120])
{
	char *at = path + sprintf(path, "%s/%02x/", kit->folder, id->bytes[0]);
	for (size_t i = 0; i < SLV_BLOB_ID_BYTES; i++)
		at += sprintf(at, "%02x", id->bytes[i]);
}

/* One request, on this thread. */
static void ask_s3(struct blobs_kit *kit, struct s3_ask *ask)
{
	ask->what = "test";
	slv_err err = s3_ask(SLV_CONTAINER(kit->blobs, struct s3, blobs), ask);
	assert_true(!slv_failed(err) || ask->status == 501);
}

static slv_str key_of(const struct slv_blob_id *id, char key[48])
{
	size_t len = (size_t)sprintf(key, "%02x/", id->bytes[0]);
	slv_str_hex(id->bytes, sizeof(id->bytes), key + len);
	return (slv_str){ key, len + 2 * sizeof(id->bytes) };
}

void blobs_kit_fetch(struct blobs_kit *kit, const struct slv_blob_id *id, struct slv_buf *bytes)
{
	char path[120], key[48];
	if (kit->url) {
		struct s3_ask ask = {
			.method = "GET", .key = key_of(id, key), .reply_bytes_max = SLV_MIB(32)
		};
		ask_s3(kit, &ask);
		slv_buf_add(bytes, slv_buf_str(&ask.reply));
		s3_ask_done(&ask);
		return;
	}
	blobs_kit_path(kit, id, path);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	for (int c; (c = fgetc(file)) != EOF;)
		slv_buf_add_char(bytes, (char)c);
	assert_int_equal(fclose(file), 0);
}

void blobs_kit_store(struct blobs_kit *kit, const struct slv_blob_id *id, slv_str bytes)
{
	char path[120], key[48];
	if (kit->url) {
		struct s3_ask ask = { .method = "PUT", .key = key_of(id, key), .body = bytes };
		ask_s3(kit, &ask);
		s3_ask_done(&ask);
		return;
	}
	blobs_kit_path(kit, id, path);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes.at, 1, bytes.len, file), bytes.len);
	assert_int_equal(fclose(file), 0);
}

/* The list of uploads; false if the endpoint has none. */
static bool list_uploads(struct blobs_kit *kit, struct s3_ask *ask)
{
	*ask = (struct s3_ask){
		.method = "GET", .query = SLV_STR("uploads="), .reply_bytes_max = SLV_MIB(4)
	};
	ask_s3(kit, ask);
	return ask->status == 200;
}

bool blobs_kit_begin(struct blobs_kit *kit, const struct slv_blob_id *id)
{
	char path[120], key[48];
	if (kit->url) {
		struct s3_ask begin = { .method = "POST",
			.key = key_of(id, key),
			.query = SLV_STR("uploads="),
			.body = SLV_STR(""),
			.reply_bytes_max = 4096 };
		struct s3_ask list;
		ask_s3(kit, &begin);
		s3_ask_done(&begin);
		bool seen = list_uploads(kit, &list);
		s3_ask_done(&list);
		return seen;
	}
	blobs_kit_path(kit, id, path);
	strcat(path, ".new");
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	return true;
}

/* How often `<Key>` and this store's prefix stand in a list. */
static unsigned count_keys(struct blobs_kit *kit, const struct s3_ask *ask)
{
	char mark[64];
	unsigned count = 0;
	slv_str rest = slv_buf_str(&ask->reply);
	snprintf(mark, sizeof(mark), "<Key>%s/", strrchr(kit->folder, '-') + 1);
	for (;; count++) {
		size_t at = slv_str_find_str(rest, slv_str_from(mark));
		if (at == rest.len)
			return count;
		rest = slv_str_from_index(rest, at + 1);
	}
}

void blobs_kit_has(struct blobs_kit *kit, unsigned count)
{
	char command[200];
	if (kit->url) {
		struct s3_ask list, objects = { .method = "GET",
			.query = SLV_STR("list-type=2&max-keys=1000"),
			.reply_bytes_max = SLV_MIB(4) };
		ask_s3(kit, &objects);
		unsigned found = count_keys(kit, &objects);
		if (list_uploads(kit, &list))
			found += count_keys(kit, &list);
		s3_ask_done(&objects);
		s3_ask_done(&list);
		assert_int_equal(found, count);
		return;
	}
	snprintf(command, sizeof(command), "test $(find %s -type f 2>/dev/null | wc -l) = %u",
			kit->folder, count);
	assert_int_equal(system(command), 0);
}
