/* blob.c - a blob of the store on its way into a memory file, for a jail to read */
#include "base/assert.h"
#include "proc/message.h"
#include "service/image/source.h"

static void read_more(struct image_blob *blob);

static void end(struct image_blob *blob, slv_err err)
{
	struct slv_blob_reader *reader = blob->reader;
	blob->reader = NULL;
	slv_blob_reader_free(reader);
	blob->done(blob, err);
}

static void came(void *arg, slv_err err, slv_str bytes)
{
	struct image_blob *blob = arg;
	if (!slv_failed(err) && blob->stopped)
		err = SLV_ERR(SLV_E_CANCELLED, "nobody waits for it any more");
	if (!slv_failed(err))
		err = slv_memfd_add(blob->fd, bytes);
	blob->at += bytes.len;
	if (slv_failed(err) || blob->at == blob->ref.len)
		end(blob, err);
	else
		read_more(blob);
}

static void read_more(struct image_blob *blob)
{
	uint64_t left = blob->ref.len - blob->at;
	slv_blob_read(blob->reader, blob->at,
			left < SLV_BLOB_READ_BYTES_MAX ? (size_t)left : SLV_BLOB_READ_BYTES_MAX,
			came, blob);
}

slv_err image_blob_start(struct slv_loop *loop, struct slv_blobs *blobs, struct image_blob *blob)
{
	slv_assert(blob->ref.len);
	blob->at = 0;
	blob->stopped = false;
	slv_err err = slv_blob_reader_new(loop, blobs, &blob->ref, &blob->reader);
	if (!slv_failed(err))
		read_more(blob);
	return err;
}

void image_blob_stop(struct image_blob *blob)
{
	blob->stopped = true;
}
