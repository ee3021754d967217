/* bucket_page.c - what a bucket answers, read as far as an import needs it
 *
 * No parser of XML: with encoding-type=url the texts that count have no character that could be
 * written in two ways, and elements are found by their names.
 */
#include "main/bucket_page.h"

#include "http/uri.h"

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

slv_err bucket_page_read(struct slv_arena *arena, slv_str xml, struct bucket_page *page)
{
	slv_str rest = xml, all = xml, object, key;
	/* Then keys have no character that XML would write in another way. */
	if (!slv_str_eq(NEXT_TEXT(&all, "EncodingType"), SLV_STR("url")))
		return SLV_ERR(SLV_E_SYNTAX, "the endpoint lists no bucket with encoding-type=url");
	while ((object = NEXT_TEXT(&rest, "Contents")).at) {
		slv_str encoded = NEXT_TEXT(&object, "Key");
		if (!encoded.len)
			return SLV_ERR(SLV_E_SYNTAX, "a list has an object without a key");
		slv_err err = slv_uri_decode(arena, encoded, &key);
		if (!slv_failed(err))
			err = page->object(page->arg, key);
		if (slv_failed(err))
			return err;
	}
	rest = xml;
	page->next = NEXT_TEXT(&rest, "NextContinuationToken");
	return SLV_OK;
}

slv_str bucket_error_read(slv_str xml)
{
	return NEXT_TEXT(&xml, "Code");
}
