#include "service/object/reader.h"

#include "base/attr.h"
#include "base/testing.h"

#include <string.h>

/* What was called, as text. */
struct log {
	struct slv_buf said;
	int begun;
};

static slv_object_err begin(void *document)
{
	struct log *log = document;
	slv_buf_add_char(&log->said, '(');
	log->begun++;
	return log->begun == 3 ? SLV_OBJECT_ERR(SLV_OBJECT_E_SLOW_DOWN, "three") : SLV_OBJECT_OK;
}

static slv_object_err end(void *document, slv_str text)
{
	struct log *log = document;
	slv_buf_add(&log->said, text);
	slv_buf_add_char(&log->said, ')');
	return SLV_OBJECT_OK;
}

static const struct object_element elements[] = {
	{ "A", OBJECT_ELEMENT_GROUP, NULL, NULL },
	{ "A/B", OBJECT_ELEMENT_GROUP, begin, end },
	{ "A/B/T", OBJECT_ELEMENT_TEXT, NULL, end },
	{ "A/T", OBJECT_ELEMENT_TEXT, begin, end },
	{ "A/N", OBJECT_ELEMENT_REFUSED, NULL, NULL },
};

/* Read with texts of at most 8 bytes, documents of at most 400. */
static void reads(slv_str xml, enum slv_object_code code, const char *said)
{
	struct log log = { 0 };
	slv_buf_init(&log.said, 256);
	slv_object_err err = object_read(xml, 400, 8, elements, SLV_COUNT(elements), &log);
	assert_int_equal(err.code, code);
	slv_buf_add_char(&log.said, '\0');
	if (said)
		assert_string_equal(log.said.at, said);
	slv_buf_done(&log.said);
}

static void what_is_in_the_table_is_told(void **state)
{
	(void)state;
	static const struct {
		const char *xml, *said;
	} table[] = {
		{ "<A/>", "" },
		{ "<A></A>", "" },
		{ "<A><T/></A>", "()" },
		{ "<A><T>a b</T></A>", "(a b)" },
		{ "<A> \r\n\t<T> a\n</T> </A>\n", "( a\n)" },
		{ "<A><B><T>1</T><T>2</T></B><T>3</T></A>", "(1)2))(3)" },
		{ "<A><T>&lt;&amp;&gt;&quot;&#65;&#xfc;</T></A>", "(<&>\"A\xc3\xbc)" },
		{ "<A><T><![CDATA[<&]]>x</T></A>", "(<&x)" },
		{ "<A><T>a<!-- b -->c<?d e?></T></A>", "(ac)" },
		{ "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><A><T>\xfc</T></A>",
				"(\xc3\xbc)" },
		{ "\xef\xbb\xbf<A xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\" b='c'/>", "" },
		{ "<A><T>12345678</T></A>", "(12345678)" },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++)
		reads(slv_str_from(table[i].xml), SLV_OBJECT_E_NONE, table[i].said);
	reads(SLV_STR("\xff\xfe<\0A\0/\0>\0"), SLV_OBJECT_E_NONE, "");
}

static void what_is_not_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *xml;
		enum slv_object_code code;
	} table[] = {
		{ "", SLV_OBJECT_E_MALFORMED_XML },
		{ "A", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A></B>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A/><A/>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A/>x", SLV_OBJECT_E_MALFORMED_XML },
		{ "<B/>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<T/>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<a/>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A><A/></A>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A><C/></A>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A><B><N/></B></A>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A><T><T/></T></A>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A>x</A>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A><B>x</B></A>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A>&#160;</A>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A><T>123456789</T></A>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A><T>\x01</T></A>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A><T>&#1;</T></A>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A><T>\xff</T></A>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A><T>&a;</T></A>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<!DOCTYPE A><A/>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<!DOCTYPE A SYSTEM \"file:///etc/passwd\"><A/>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<!DOCTYPE A [<!ENTITY a \"b\">]><A><T>&a;</T></A>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<?xml version=\"1.0\" encoding=\"x-none\"?><A/>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<x:A xmlns:x='y'/>", SLV_OBJECT_E_MALFORMED_XML },
		{ "<A><N/></A>", SLV_OBJECT_E_NOT_IMPLEMENTED },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++)
		reads(slv_str_from(table[i].xml), table[i].code, NULL);
}

static void a_name_may_be_longer_than_any_path(void **state)
{
	(void)state;
	char xml[300];
	for (size_t len = 90; len < 100; len++) {
		memset(xml, 'A', sizeof(xml));
		memcpy(xml, "<A><", 4);
		xml[4 + len] = '/';
		xml[5 + len] = '>';
		memcpy(xml + 6 + len, "</A>", 4);
		reads((slv_str){ xml, 10 + len }, SLV_OBJECT_E_MALFORMED_XML, "");
	}
}

static void an_error_of_an_element_ends_it(void **state)
{
	(void)state;
	reads(SLV_STR("<A><T>1</T><T>2</T><T>3</T><T>4</T></A>"), SLV_OBJECT_E_SLOW_DOWN,
			"(1)(2)(");
}

static void a_document_is_bounded(void **state)
{
	(void)state;
	char xml[401];
	memset(xml, ' ', sizeof(xml));
	memcpy(xml, "<A/>", 4);
	reads((slv_str){ xml, 400 }, SLV_OBJECT_E_NONE, "");
	reads((slv_str){ xml, 401 }, SLV_OBJECT_E_MAX_MESSAGE_LENGTH, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_in_the_table_is_told),
		cmocka_unit_test(what_is_not_is_refused),
		cmocka_unit_test(a_name_may_be_longer_than_any_path),
		cmocka_unit_test(an_error_of_an_element_ends_it),
		cmocka_unit_test(a_document_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
