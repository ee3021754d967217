/* bucket_page.c - what a bucket answers, read as far as an import needs it
 *
 * No parser of XML: with encoding-type=url keys have no character that XML would write in another
 * way, and elements are found by their names. Keys are encoded as forms are: AWS and MinIO write a
 * space as '+'. The token is not encoded, so it may have entities.
 */
#include "main/bucket_page.h"

#include "http/query.h"

/* The text of the next element of that name in `*rest`; at == NULL: there is none. */
static slv_str next_text(slv_str *rest, slv_str open, slv_str close)
{
	size_t begin = slv_str_find_str(*rest, open);
	slv_str text = slv_str_from_index(*rest, begin + open.len);
	size_t len = slv_str_find_str(text, close);
	if (begin == rest->len || len == text.len)
		return (slv_str){ 0 };
	*rest = slv_str_from_index(text, len + close.len);
	return slv_str_head(text, len);
}

#define NEXT_TEXT(rest, name) next_text((rest), SLV_STR("<" name ">"), SLV_STR("</" name ">"))

/* The text of an element, without the five entities that XML has by itself. */
static slv_err unescape(struct slv_arena *arena, slv_str text, slv_str *ret_text)
{
	static const struct {
		slv_str name;
		char c;
	} entities[] = { { SLV_STR_INIT("&amp;"), '&' }, { SLV_STR_INIT("&lt;"), '<' },
		{ SLV_STR_INIT("&gt;"), '>' }, { SLV_STR_INIT("&quot;"), '"' },
		{ SLV_STR_INIT("&apos;"), '\'' } };
	char *room = slv_arena_bytes(arena, text.len + 1);
	size_t len = 0;
	if (!room)
		return SLV_ERR(SLV_E_LIMIT, "a continuation token is too long");
	while (text.len) {
		size_t used = 1;
		room[len] = text.at[0];
		for (size_t i = 0; i < SLV_COUNT(entities); i++) {
			if (!slv_str_starts(text, entities[i].name))
				continue;
			room[len] = entities[i].c;
			used = entities[i].name.len;
		}
		len++;
		text = slv_str_from_index(text, used);
	}
	*ret_text = (slv_str){ room, len };
	return SLV_OK;
}

slv_err bucket_page_read(struct slv_arena *arena, slv_str xml, struct bucket_page *page)
{
	slv_str rest = xml, all = xml, object, key;
	if (!slv_str_eq(NEXT_TEXT(&all, "EncodingType"), SLV_STR("url")))
		return SLV_ERR(SLV_E_SYNTAX, "the endpoint lists no bucket with encoding-type=url");
	while ((object = NEXT_TEXT(&rest, "Contents")).at) {
		slv_str encoded = NEXT_TEXT(&object, "Key");
		if (!encoded.len)
			return SLV_ERR(SLV_E_SYNTAX, "a list has an object without a key");
		slv_err err = slv_query_decode(arena, encoded, SLV_QUERY_SPACE, &key);
		if (!slv_failed(err))
			err = page->object(page->arg, key);
		if (slv_failed(err))
			return err;
	}
	rest = xml;
	return unescape(arena, NEXT_TEXT(&rest, "NextContinuationToken"), &page->next);
}

slv_str bucket_error_read(slv_str xml)
{
	return NEXT_TEXT(&xml, "Code");
}
