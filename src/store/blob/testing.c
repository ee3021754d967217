#include "store/blob/testing.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void blobs_kit_open(struct blobs_kit *kit)
{
	kit->loop = slv_loop_new(0, NULL, kit->world);
	slv_err err = slv_blobs_open_on(slv_str_from(kit->folder), kit->disk, &kit->blobs);
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

void blobs_kit_path(const struct blobs_kit *kit, const struct slv_blob_id *id, char path[120])
{
	char *at = path + sprintf(path, "%s/%02x/", kit->folder, id->bytes[0]);
	for (size_t i = 0; i < SLV_BLOB_ID_BYTES; i++)
		at += sprintf(at, "%02x", id->bytes[i]);
}

void blobs_kit_has_files(const struct blobs_kit *kit, unsigned count)
{
	char command[200];
	snprintf(command, sizeof(command), "test $(find %s -type f 2>/dev/null | wc -l) = %u",
			kit->folder, count);
	assert_int_equal(system(command), 0);
}
