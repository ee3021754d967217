#include "service/object/page.h"

#include <string.h>

slv_object_err object_page_check(const struct object_page_ask *ask)
{
	if (ask->prefix.len > SLV_OBJECT_KEY_BYTES_MAX ||
			ask->marker.len > SLV_OBJECT_KEY_BYTES_MAX)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_KEY_TOO_LONG,
				"A prefix or marker is longer than keys can be.");
	if (ask->delimiter.len > SLV_OBJECT_KEY_BYTES_MAX)
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT,
				"The delimiter is longer than keys can be.");
	return SLV_OBJECT_OK;
}

size_t object_page_folded_len(const struct object_page_ask *ask, slv_str key)
{
	if (!ask->delimiter.len || !slv_str_starts(key, ask->prefix))
		return 0;
	slv_str rest = slv_str_from_index(key, ask->prefix.len);
	size_t at = slv_str_find_str(rest, ask->delimiter);
	return at == rest.len ? 0 : ask->prefix.len + at + ask->delimiter.len;
}

static size_t put(char *room, char kind, slv_str key)
{
	room[0] = kind;
	if (key.len)
		memcpy(room + 1, key.at, key.len);
	return 1 + key.len;
}

void object_page_pass(struct object_page *page, char kind, slv_str key)
{
	page->from_len = slv_omap_behind(page->from, put(page->from, kind, key));
}

bool object_page_init(struct object_page *page, const struct object_page_ask *ask)
{
	page->until_len = slv_omap_behind(page->until, put(page->until, ask->kind, ask->prefix));
	page->from_len = put(page->from, ask->kind, ask->prefix);
	if (slv_str_cmp(ask->marker, ask->prefix) >= 0 && ask->marker.len) {
		size_t folded_len = object_page_folded_len(ask, ask->marker);
		page->from_len = put(page->from, ask->kind, ask->marker);
		if (folded_len)
			object_page_pass(page, ask->kind, slv_str_head(ask->marker, folded_len));
		else
			page->from[page->from_len++] = 1;
	}
	return slv_str_cmp((slv_str){ page->from, page->from_len },
			       (slv_str){ page->until, page->until_len }) < 0;
}

slv_object_err object_page_max(slv_str text, uint32_t *ret_max)
{
	uint64_t max = OBJECT_PAGE_MAX;
	if (text.at && !slv_str_u64(text, INT32_MAX, &max))
		return SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT,
				"How many are wanted is a whole number from 0 to 2147483647.");
	*ret_max = (uint32_t)(max < OBJECT_PAGE_MAX ? max : OBJECT_PAGE_MAX);
	return SLV_OBJECT_OK;
}

slv_object_err object_page_encoding(slv_str text, bool *ret_url)
{
	*ret_url = slv_str_eq(text, SLV_STR("url"));
	return *ret_url || !text.len ? SLV_OBJECT_OK
	                             : SLV_OBJECT_ERR(SLV_OBJECT_E_INVALID_ARGUMENT,
						       "The encoding-type is url.");
}
