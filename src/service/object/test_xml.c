#include "service/object/xml.h"

#include "base/attr.h"
#include "base/testing.h"

static void is_text(struct slv_buf *buf, const char *expected)
{
	slv_buf_add_char(buf, '\0');
	assert_false(buf->overflow);
	assert_string_equal(buf->at, expected);
	slv_buf_clear(buf);
}

static void text_is_escaped(void **state)
{
	(void)state;
	static const struct {
		const char *text, *xml;
	} table[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "a&b<c>d\"e'f", "a&amp;b&lt;c&gt;d&quot;e'f" },
		{ "&amp;", "&amp;amp;" },
		{ "]]>", "]]&gt;" },
		{ "\t\n\r", "\t\n&#13;" },
		{ "\x01x\x1f", "\xef\xbf\xbdx\xef\xbf\xbd" },
		{ "\x7f", "\x7f" },
		{ "\xc3\xbc\xf0\x9f\x98\x80", "\xc3\xbc\xf0\x9f\x98\x80" },
		{ "a\xff\xc3", "a\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xef\xbf\xbd", "\xef\xbf\xbd" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xef\xbf\xbf.", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd." },
	};
	struct slv_buf buf;
	slv_buf_init(&buf, 1024);
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		slv_object_xml_escape(&buf, slv_str_from(table[i].text));
		is_text(&buf, table[i].xml);
	}
	slv_object_xml_escape(&buf, SLV_STR("a\0b"));
	is_text(&buf, "a\xef\xbf\xbd"
		      "b");
	slv_buf_done(&buf);
}

static void elements_follow_each_other(void **state)
{
	(void)state;
	struct slv_buf buf;
	slv_buf_init(&buf, 1024);
	slv_object_xml_begin(&buf);
	slv_object_xml_open_root(&buf, "A");
	slv_object_xml_open(&buf, "B");
	slv_object_xml_text(&buf, "C", SLV_STR("<"));
	slv_object_xml_u64(&buf, "D", UINT64_MAX);
	slv_object_xml_bool(&buf, "E", true);
	slv_object_xml_bool(&buf, "E", false);
	slv_object_xml_close(&buf, "B");
	slv_object_xml_close(&buf, "A");
	is_text(&buf, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		      "<A xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><B><C>&lt;</C>"
		      "<D>18446744073709551615</D><E>true</E><E>false</E></B></A>");
	slv_buf_done(&buf);
}

static void times_have_milliseconds(void **state)
{
	(void)state;
	struct slv_buf buf;
	slv_buf_init(&buf, 1024);
	slv_object_xml_time(&buf, "T", 1369353600007);
	is_text(&buf, "<T>2013-05-24T00:00:00.007Z</T>");
	slv_object_xml_time(&buf, "T", 0);
	is_text(&buf, "<T>1970-01-01T00:00:00.000Z</T>");
	slv_object_xml_time(&buf, "T", -5);
	is_text(&buf, "<T>1970-01-01T00:00:00.000Z</T>");
	slv_buf_done(&buf);
}

static void keys_are_encoded_if_asked_for(void **state)
{
	(void)state;
	struct slv_buf buf;
	slv_str key = SLV_STR("a b+c/d&\x01\xc3\xbc~*");
	slv_buf_init(&buf, 1024);
	slv_object_xml_key(&buf, "Key", key, true);
	is_text(&buf, "<Key>a%20b%2Bc/d%26%01%C3%BC~%2A</Key>");
	slv_object_xml_key(&buf, "Key", key, false);
	is_text(&buf, "<Key>a b+c/d&amp;\xef\xbf\xbd\xc3\xbc~*</Key>");
	slv_buf_done(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_escaped),
		cmocka_unit_test(elements_follow_each_other),
		cmocka_unit_test(times_have_milliseconds),
		cmocka_unit_test(keys_are_encoded_if_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
