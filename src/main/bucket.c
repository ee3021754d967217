/* bucket.c - the objects of a bucket: listed, and asked for, with signatures of version 4 */
#include "http/sigv4.h"
#include "http/uri.h"
#include "main/bucket_page.h"
#include "main/upload.h"

#define PAGE_BLOCK_BYTES SLV_KIB(64)
#define PAGE_BYTES_MAX SLV_MIB(64)
#define TARGET_BYTES_MAX SLV_KIB(16)

static slv_err no_memory(void)
{
	return SLV_ERR(SLV_E_LIMIT, "a name is too long");
}

/* Fields for a GET of `path`?`query` at the endpoint. */
static slv_err sign(struct slv_arena *arena, const struct bucket *bucket, slv_str path,
		slv_str query, int64_t now_s, struct slv_fields *ret_fields)
{
	const struct slv_sigv4_client client = { .key_id = bucket->key_id,
		.secret = bucket->secret,
		.region = bucket->region,
		.service = SLV_STR("s3") };
	struct slv_sigv4_request request = { .method = SLV_STR("GET"),
		.path = path,
		.query = query,
		.fields = ret_fields,
		.payload = SLV_STR("UNSIGNED-PAYLOAD") };
	size_t colons = slv_str_find_str(bucket->endpoint, SLV_STR("://"));
	slv_fields_init(ret_fields, arena);
	slv_err err = slv_fields_add_id(ret_fields, SLV_FIELD_HOST,
			slv_str_from_index(bucket->endpoint, colons + 3));
	return slv_failed(err) ? err : slv_sigv4_authorize(arena, &client, &request, now_s);
}

slv_err bucket_request(struct slv_arena *arena, const struct bucket *bucket, slv_str key,
		int64_t now_s, slv_str *ret_url, struct slv_fields *ret_fields)
{
	struct slv_buf target;
	slv_buf_init(&target, TARGET_BYTES_MAX);
	slv_buf_printf(&target, "/%.*s/", SLV_FMT(bucket->name));
	slv_uri_encode(&target, key, SLV_STR("/"));
	slv_str path = target.overflow ? (slv_str){ 0 } : slv_str_copy(arena, slv_buf_str(&target));
	slv_buf_done(&target);
	*ret_url = slv_str_printf(arena, "%.*s%.*s", SLV_FMT(bucket->endpoint), SLV_FMT(path));
	if (!path.at || !ret_url->at)
		return no_memory();
	return sign(arena, bucket, path, (slv_str){ 0 }, now_s, ret_fields);
}

/* --- lists --- */

static slv_err list_url(struct slv_arena *arena, const struct bucket *bucket, slv_str next,
		slv_str *ret_path, slv_str *ret_query)
{
	struct slv_buf query;
	slv_buf_init(&query, TARGET_BYTES_MAX);
	if (next.len) {
		slv_buf_add(&query, SLV_STR("continuation-token="));
		slv_uri_encode(&query, next, SLV_STR(""));
		slv_buf_add_char(&query, '&');
	}
	slv_buf_add(&query, SLV_STR("encoding-type=url&list-type=2&prefix="));
	slv_uri_encode(&query, bucket->prefix, SLV_STR(""));
	*ret_query = query.overflow ? (slv_str){ 0 } : slv_str_copy(arena, slv_buf_str(&query));
	slv_buf_done(&query);
	*ret_path = slv_str_printf(arena, "/%.*s", SLV_FMT(bucket->name));
	return ret_query->at && ret_path->at ? SLV_OK : no_memory();
}

struct listing {
	struct uploads *uploads;
	const struct bucket *bucket;
};

/* Ids have what is behind the prefix's last slash, as paths below a folder do. */
static slv_err add_object(void *arg, slv_str key)
{
	const struct listing *listing = arg;
	slv_str prefix = listing->bucket->prefix;
	size_t slash = slv_str_find_last(prefix, '/');
	slv_str name = slash < prefix.len ? slv_str_from_index(key, slash + 1) : key;
	if (!name.len || slv_str_ends(name, SLV_STR("/"))) /* stands for a folder */
		return SLV_OK;
	return upload_add(listing->uploads, key, name);
}

/* One page; `*ret_next` lives in the arena of the uploads. */
static slv_err list_page(struct uploads *uploads, struct slv_arena *arena,
		const struct bucket *bucket, slv_str next, slv_str *ret_next)
{
	struct listing listing = { uploads, bucket };
	struct bucket_page page = { .object = add_object, .arg = &listing };
	struct slv_fields fields;
	slv_str path, query;
	slv_err err = list_url(arena, bucket, next, &path, &query);
	if (!slv_failed(err))
		err = sign(arena, bucket, path, query, slv_loop_wall_s(uploads->loop), &fields);
	if (slv_failed(err))
		return err;
	slv_str url = slv_str_printf(arena, "%.*s%.*s?%.*s", SLV_FMT(bucket->endpoint),
			SLV_FMT(path), SLV_FMT(query));
	if (!url.at)
		return no_memory();
	struct upload_reply reply = upload_get(uploads, arena, url, &fields);
	if (slv_failed(reply.err))
		return reply.err;
	if (reply.status != 200) {
		slv_str code = bucket_error_read(reply.body);
		return slv_err_printf(&uploads->arena, SLV_E_UPSTREAM,
				"the bucket is not listed: status %d %.*s", reply.status,
				SLV_FMT(code));
	}
	err = bucket_page_read(arena, reply.body, &page);
	*ret_next = slv_str_copy(&uploads->arena, page.next);
	return err;
}

slv_err bucket_list(struct uploads *uploads, const struct bucket *bucket)
{
	slv_str next = { 0 }, before;
	slv_err err;
	do {
		struct slv_arena arena;
		before = next;
		slv_arena_init(&arena, PAGE_BLOCK_BYTES, PAGE_BYTES_MAX);
		err = list_page(uploads, &arena, bucket, next, &next);
		if (slv_failed(err) && err.what) /* it may live in the page's arena */
			err = slv_err_printf(
					&uploads->arena, (enum slv_code)err.code, "%s", err.what);
		slv_arena_done(&arena);
		if (!slv_failed(err) && next.len && slv_str_eq(next, before))
			err = SLV_ERR(SLV_E_UPSTREAM, "the bucket's list does not go on");
	} while (!slv_failed(err) && next.len);
	return err;
}
