/* fuzz_uri.c - what a target, host or path that is accepted must be like */
#include "base/assert.h"
#include "base/buf.h"
#include "http/uri.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(slv_str part, slv_str all)
{
	return part.len == 0 || (part.at >= all.at && part.at + part.len <= all.at + all.len);
}

static void check_host(slv_str text)
{
	struct slv_host host;
	if (slv_failed(slv_host_parse(text, &host)))
		return;
	slv_assert(host.name.len && is_inside(host.name, text));
	slv_assert(slv_str_find_str(host.name, SLV_STR("..")) == host.name.len);
	for (size_t i = 0; i < host.name.len; i++) {
		char c = host.name.at[i];
		slv_assert(c > ' ' && c < 0x7f && !strchr("/\\@?#%[],\"<>", c));
	}
}

static size_t count_of(slv_str text, char c)
{
	size_t count = 0;
	for (size_t i = 0; i < text.len; i++)
		count += text.at[i] == c;
	return count;
}

/* A decoded path has the segments that were there but for empty ones, none of which leads
 * elsewhere, and encodes to a path that decodes to the same. */
static void check_path(struct slv_arena *arena, slv_str path)
{
	slv_str decoded, again;
	if (slv_failed(slv_uri_decode_path(arena, path, &decoded)))
		return;
	slv_assert(decoded.len <= path.len);
	slv_assert(count_of(decoded, '/') <= count_of(path, '/'));
	slv_assert(slv_str_find_str(decoded, SLV_STR("//")) == decoded.len);
	slv_assert(count_of(decoded, '\\') == 0);
	slv_assert(count_of(decoded, '\0') == 0);
	slv_str rest = decoded;
	while (rest.at) {
		slv_str segment = slv_str_cut(&rest, '/');
		slv_assert(!slv_str_eq(segment, SLV_STR(".")));
		slv_assert(!slv_str_eq(segment, SLV_STR("..")));
	}
	struct slv_buf buf;
	slv_buf_init(&buf, 3 * decoded.len + 1);
	slv_uri_encode(&buf, decoded, SLV_STR("/"));
	slv_assert(!buf.overflow);
	slv_err err = slv_uri_decode_path(arena, slv_buf_str(&buf), &again);
	slv_assert(!slv_failed(err) && slv_str_eq(again, decoded));
	slv_buf_done(&buf);
}

static void check_target(struct slv_arena *arena, slv_str target)
{
	struct slv_uri uri;
	if (slv_failed(slv_uri_parse(target, &uri)))
		return;
	for (size_t i = 0; i < target.len; i++)
		slv_assert(target.at[i] > ' ' && target.at[i] < 0x7f && target.at[i] != '#');
	slv_assert(uri.path.len && (uri.path.at[0] == '/' || slv_str_eq(target, SLV_STR("*"))));
	slv_assert(is_inside(uri.path, target) || slv_str_eq(uri.path, SLV_STR("/")));
	slv_assert(is_inside(uri.query, target) && is_inside(uri.authority, target));
	slv_assert(slv_str_find(uri.path, '?') == uri.path.len);
	slv_assert((uri.scheme.len == 0) == (uri.authority.len == 0));
	slv_assert(slv_str_find(uri.authority, '@') == uri.authority.len);
	if (uri.scheme.len) {
		struct slv_host host;
		slv_assert(!slv_failed(slv_host_parse(uri.authority, &host)));
	}
	check_path(arena, uri.path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	slv_str text = { (const char *)data, size };
	struct slv_arena arena;
	slv_arena_init(&arena, 4096, (size_t)1 << 24);
	check_target(&arena, text);
	check_path(&arena, text);
	check_host(text);
	slv_arena_done(&arena);
	return 0;
}
