/* store_ref.c - which rows name blobs
 *
 * A service whose rows name blobs must be here. Of a map that is not here nothing is known, so
 * whoever meets one must not take any blob for one that nobody names. */
#include "api/keys.h"
#include "main/store.h"
#include "service/image/hosted/record.h"
#include "service/kv/row.h"
#include "service/object/meta.h"

static slv_err none_ref(slv_str key, slv_str value, bool *ret_has, struct slv_blob_ref *ret_ref)
{
	(void)key;
	(void)value;
	(void)ret_ref;
	*ret_has = false;
	return SLV_OK;
}

static slv_err kv_ref(slv_str key, slv_str value, bool *ret_has, struct slv_blob_ref *ret_ref)
{
	struct kv_meta meta;
	*ret_has = false;
	if (!slv_str_starts(key, SLV_STR("k")))
		return SLV_OK;
	slv_err err = kv_meta_read(value, &meta);
	if (slv_failed(err) || !meta.has_blob)
		return err;
	*ret_has = true;
	*ret_ref = (struct slv_blob_ref){ .id = meta.blob, .len = meta.len };
	return SLV_OK;
}

static slv_err object_ref(slv_str key, slv_str value, bool *ret_has, struct slv_blob_ref *ret_ref)
{
	struct object_meta meta;
	*ret_has = false;
	if (!slv_str_starts(key, SLV_STR("o")) && !slv_str_starts(key, SLV_STR("p")))
		return SLV_OK;
	slv_err err = object_meta_read(NULL, value, &meta);
	if (slv_failed(err) || meta.where != OBJECT_BLOB)
		return err;
	*ret_has = true;
	*ret_ref = (struct slv_blob_ref){ .id = meta.blob, .len = meta.len };
	return SLV_OK;
}

static slv_err image_ref(slv_str key, slv_str value, bool *ret_has, struct slv_blob_ref *ret_ref)
{
	struct hosted_image image;
	*ret_has = false;
	if (!slv_str_starts(key, SLV_STR("i")))
		return SLV_OK;
	slv_err err = hosted_image_read(value, &image);
	if (slv_failed(err) || image.is_draft)
		return err;
	*ret_has = true;
	*ret_ref = image.blob;
	return SLV_OK;
}

static const struct {
	const char *name; /* or what it begins with, if that ends with '-' */
	slv_err (*ref)(slv_str key, slv_str value, bool *ret_has, struct slv_blob_ref *ret_ref);
} maps[] = {
	{ SLV_API_ACCOUNT_MAP, none_ref },
	{ KV_SPACES_MAP, none_ref },
	{ KV_SPACES_MAP "-", kv_ref },
	{ HOSTED_MAP "-", image_ref },
	{ OBJECT_BUCKETS_MAP, none_ref },
	{ OBJECT_BUCKETS_MAP "-", object_ref },
};

/* Its row above; the count of them if there is none. */
static size_t find(slv_str map)
{
	size_t i = 0;
	for (; i < SLV_COUNT(maps); i++) {
		slv_str name = slv_str_from(maps[i].name);
		if (slv_str_ends(name, SLV_STR("-")) ? slv_str_starts(map, name)
						     : slv_str_eq(map, name))
			break;
	}
	return i;
}

bool store_knows(slv_str map)
{
	return find(map) < SLV_COUNT(maps);
}

slv_err store_ref_read(slv_str map, slv_str key, slv_str value, bool *ret_has,
		struct slv_blob_ref *ret_ref)
{
	size_t i = find(map);
	return (i < SLV_COUNT(maps) ? maps[i].ref : none_ref)(key, value, ret_has, ret_ref);
}
