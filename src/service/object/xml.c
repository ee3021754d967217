#include "service/object/xml.h"

#include "base/attr.h"
#include "http/date.h"
#include "http/uri.h"

#define REPLACEMENT "\xef\xbf\xbd"

void slv_object_xml_begin(struct slv_buf *buf)
{
	slv_buf_add(buf, SLV_STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
}

void slv_object_xml_open(struct slv_buf *buf, const char *name)
{
	slv_buf_add_char(buf, '<');
	slv_buf_add(buf, slv_str_from(name));
	slv_buf_add_char(buf, '>');
}

void slv_object_xml_open_root(struct slv_buf *buf, const char *name)
{
	slv_buf_printf(buf, "<%s xmlns=\"" SLV_OBJECT_XML_NS "\">", name);
}

void slv_object_xml_close(struct slv_buf *buf, const char *name)
{
	slv_buf_add(buf, SLV_STR("</"));
	slv_buf_add(buf, slv_str_from(name));
	slv_buf_add_char(buf, '>');
}

static slv_str named(char c)
{
	switch (c) {
	case '&':
		return SLV_STR("&amp;");
	case '<':
		return SLV_STR("&lt;");
	case '>':
		return SLV_STR("&gt;");
	case '"':
		return SLV_STR("&quot;");
	case '\r':
		return SLV_STR("&#13;");
	default:
		return (slv_str){ 0 };
	}
}

/* The sequence at the head of `text`, if XML 1.0 has that character; 0 if not. */
static size_t char_len(slv_str text)
{
	size_t len = slv_str_utf8_len(text);
	if (len == 1 && (uint8_t)text.at[0] < 0x20)
		return text.at[0] == '\t' || text.at[0] == '\n' || text.at[0] == '\r';
	slv_str head = slv_str_head(text, len);
	bool none = slv_str_eq(head, SLV_STR("\xef\xbf\xbe")) ||
	            slv_str_eq(head, SLV_STR("\xef\xbf\xbf"));
	return none ? 0 : len;
}

void slv_object_xml_escape(struct slv_buf *buf, slv_str text)
{
	while (text.len) {
		size_t plain = 0, len = 0;
		while (plain < text.len) {
			slv_str rest = slv_str_from_index(text, plain);
			len = char_len(rest);
			if (!len || named(rest.at[0]).len)
				break;
			plain += len;
		}
		slv_buf_add(buf, slv_str_head(text, plain));
		text = slv_str_from_index(text, plain);
		if (!text.len)
			return;
		slv_buf_add(buf, len ? named(text.at[0]) : SLV_STR(REPLACEMENT));
		text = slv_str_from_index(text, 1);
	}
}

void slv_object_xml_text(struct slv_buf *buf, const char *name, slv_str text)
{
	slv_object_xml_open(buf, name);
	slv_object_xml_escape(buf, text);
	slv_object_xml_close(buf, name);
}

void slv_object_xml_u64(struct slv_buf *buf, const char *name, uint64_t value)
{
	slv_object_xml_open(buf, name);
	slv_buf_add_u64(buf, value);
	slv_object_xml_close(buf, name);
}

void slv_object_xml_bool(struct slv_buf *buf, const char *name, bool value)
{
	slv_object_xml_open(buf, name);
	slv_buf_add(buf, value ? SLV_STR("true") : SLV_STR("false"));
	slv_object_xml_close(buf, name);
}

void slv_object_xml_time(struct slv_buf *buf, const char *name, int64_t unix_ms)
{
	char basic[SLV_DATE_BASIC_BYTES];
	if (unix_ms < 0)
		unix_ms = 0;
	slv_date_print_basic(unix_ms / 1000, basic);
	slv_object_xml_open(buf, name);
	slv_buf_printf(buf, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s.%03uZ", basic, basic + 4, basic + 6,
			basic + 9, basic + 11, basic + 13, (unsigned)(unix_ms % 1000));
	slv_object_xml_close(buf, name);
}

void slv_object_xml_key(struct slv_buf *buf, const char *name, slv_str key, bool url)
{
	slv_object_xml_open(buf, name);
	if (url)
		slv_uri_encode(buf, key, SLV_STR("/"));
	else
		slv_object_xml_escape(buf, key);
	slv_object_xml_close(buf, name);
}
