#include "jail/image/svg.h"

#include "base/testing.h"

#include <stdio.h>
#include <string.h>

#define NS "xmlns=\"http://www.w3.org/2000/svg\""

static slv_err clean(const char *svg, char *text, size_t cap)
{
	struct slv_buf out;
	uint32_t width = 0, height = 0;
	slv_buf_init(&out, cap - 1);
	slv_err err = slv_svg_clean(slv_str_from(svg), &out, &width, &height);
	snprintf(text, cap, "%.*s", SLV_FMT(slv_buf_str(&out)));
	slv_buf_done(&out);
	return err;
}

static void becomes(const char *svg, const char *expected)
{
	char text[4096];
	assert_int_equal(clean(svg, text, sizeof(text)).code, SLV_E_NONE);
	assert_string_equal(text, expected);
}

static void fails(const char *svg, int32_t code)
{
	char text[4096];
	assert_int_equal(clean(svg, text, sizeof(text)).code, code);
}

static void shapes_and_text_stay(void **state)
{
	(void)state;
	becomes("<?xml version=\"1.0\"?><!-- c --><svg " NS
		" width=\"20px\" height=\"10\"><g id=\"a\" fill=\"url(#b)\">"
		"<path d=\"M0 0L1 1\"/><text x='1'>a &lt; b &amp; \"c\"</text></g></svg>",
			"<svg " NS " width=\"20px\" height=\"10\"><g id=\"a\" fill=\"url(#b)\">"
			"<path d=\"M0 0L1 1\"/><text x=\"1\">a &lt; b &amp; "
			"&quot;c&quot;</text></g></svg>");
}

static void a_missing_namespace_is_added(void **state)
{
	(void)state;
	becomes("<svg><rect/></svg>", "<svg " NS "><rect/></svg>");
}

static void what_can_act_goes_with_all_that_is_in_it(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"<script>alert(1)</script>",
		"<script href='https://x/'/>",
		"<svg:script>alert(1)</svg:script>",
		"<foreignObject><body><script>alert(1)</script></body></foreignObject>",
		"<iframe src='x'/>",
		"<animate attributeName='href' to='javascript:alert(1)'/>",
		"<set attributeName='onmouseover' to='alert(1)'/>",
		"<handler>x</handler>",
		"<form><input/></form>",
		"<SCRIPT>alert(1)</SCRIPT>",
		"<?xml-stylesheet href='https://x/'?>",
	};
	for (size_t i = 0; i < SLV_COUNT(bad); i++) {
		char svg[512];
		snprintf(svg, sizeof(svg),
				"<svg " NS " xmlns:svg='http://www.w3.org/2000/svg'>%s</svg>",
				bad[i]);
		becomes(svg, "<svg " NS "/>");
	}
}

static void attributes_that_act_or_lead_outside_go(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"onload='alert(1)'",
		"ONLOAD='alert(1)'",
		"href='https://x/'",
		"href='java&#9;script:alert(1)'",
		"href='data:image/svg+xml;base64,AAAA'",
		"href='data:text/html;base64,AAAA'",
		"href=' #a'",
		"fill='url(https://x/#a)'",
		"fill='URL( \"https://x/\" )'",
		"fill='\\75rl(https://x/)'",
		"style='background:url(https://x/)'",
		"style='fill:\\75 rl(https://x/)'",
		"style='behavior:x'",
		"style='width:expression(alert(1))'",
		"style='fill:/**/url(//x)'",
		"xml:base='https://x/'",
		"from='javascript:alert(1)'",
	};
	for (size_t i = 0; i < SLV_COUNT(bad); i++) {
		char svg[512];
		snprintf(svg, sizeof(svg), "<svg " NS "><use %s/></svg>", bad[i]);
		becomes(svg, "<svg " NS "><use/></svg>");
	}
	fails("<svg " NS " xmlns:xlink='http://www.w3.org/1999/xlink'><use a:b='1'/></svg",
			SLV_E_CORRUPT);
}

static void references_to_the_same_picture_stay(void **state)
{
	(void)state;
	becomes("<svg " NS "><use href='#a'/><image href='data:image/png;base64,AA'/></svg>",
			"<svg " NS
			"><use href=\"#a\"/><image href=\"data:image/png;base64,AA\"/></svg>");
	becomes("<svg " NS "><image href='https://x/a.png'/></svg>", "<svg " NS "><image/></svg>");
}

static void links_go_and_what_they_surround_stays(void **state)
{
	(void)state;
	becomes("<svg " NS "><a href='javascript:alert(1)'><rect/></a></svg>",
			"<svg " NS "><rect/></svg>");
}

static void a_style_stays_if_it_is_plain(void **state)
{
	(void)state;
	becomes("<svg " NS "><style>.a{fill:red}</style></svg>",
			"<svg " NS "><style>.a{fill:red}</style></svg>");
	becomes("<svg " NS "><style>@import 'x';</style></svg>", "<svg " NS "><style/></svg>");
	becomes("<svg " NS "><style><![CDATA[.a{fill:url(//x)}]]></style></svg>",
			"<svg " NS "><style/></svg>");
	becomes("<svg " NS "><style>.a{}<script/></style></svg>",
			"<svg " NS "><style>.a{}</style></svg>");
}

static void entities_are_refused(void **state)
{
	(void)state;
	fails("<!DOCTYPE svg [<!ENTITY a 'b'>]><svg " NS ">&a;</svg>", SLV_E_MEDIA);
	fails("<!DOCTYPE svg [<!ENTITY % a SYSTEM 'file:///etc/passwd'> %a;]><svg " NS "/>",
			SLV_E_MEDIA);
	becomes("<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'https://x/'><svg " NS "/>",
			"<svg " NS "/>");
}

static void what_is_no_svg_is_refused(void **state)
{
	(void)state;
	fails("<html/>", SLV_E_CORRUPT);
	fails("", SLV_E_CORRUPT);
	fails("<svg>", SLV_E_CORRUPT);
	fails("<svg></svg><svg/>", SLV_E_CORRUPT);
}

static void depth_is_bounded(void **state)
{
	(void)state;
	for (int deep = SLV_SVG_DEPTH_MAX; deep <= SLV_SVG_DEPTH_MAX + 1; deep++) {
		struct slv_buf svg, out;
		uint32_t width, height;
		slv_buf_init(&svg, SLV_KIB(64));
		slv_buf_init(&out, SLV_KIB(64));
		slv_buf_add(&svg, SLV_STR("<svg>"));
		for (int i = 1; i < deep; i++)
			slv_buf_add(&svg, SLV_STR("<g>"));
		for (int i = 1; i < deep; i++)
			slv_buf_add(&svg, SLV_STR("</g>"));
		slv_buf_add(&svg, SLV_STR("</svg>"));
		slv_err err = slv_svg_clean(slv_buf_str(&svg), &out, &width, &height);
		assert_int_equal(err.code, deep > SLV_SVG_DEPTH_MAX ? SLV_E_LIMIT : SLV_E_NONE);
		slv_buf_done(&svg);
		slv_buf_done(&out);
	}
}

static void count_is_bounded(bool attributes, int most)
{
	for (int count = most; count <= most + 1; count++) {
		struct slv_buf svg, out;
		uint32_t width, height;
		slv_buf_init(&svg, SLV_MIB(8));
		slv_buf_init(&out, SLV_MIB(8));
		slv_buf_add(&svg, attributes ? SLV_STR("<svg") : SLV_STR("<svg>"));
		for (int i = 0; i < count; i++)
			attributes ? slv_buf_printf(&svg, " a%d='1'", i)
				   : slv_buf_add(&svg, SLV_STR("<g/>"));
		slv_buf_add(&svg, attributes ? SLV_STR("/>") : SLV_STR("</svg>"));
		slv_err err = slv_svg_clean(slv_buf_str(&svg), &out, &width, &height);
		assert_int_equal(err.code, count > most ? SLV_E_LIMIT : SLV_E_NONE);
		slv_buf_done(&svg);
		slv_buf_done(&out);
	}
}

static void elements_and_attributes_are_bounded(void **state)
{
	(void)state;
	count_is_bounded(false, SLV_SVG_ELEMENTS_MAX - 1); /* the root counts */
	count_is_bounded(true, SLV_SVG_ATTRIBUTES_MAX);
}

static void output_past_its_maximum_is_an_error(void **state)
{
	(void)state;
	char text[16];
	assert_int_equal(clean("<svg><rect/></svg>", text, sizeof(text)).code, SLV_E_LIMIT);
}

static void the_size_is_that_of_the_root(void **state)
{
	(void)state;
	static const struct {
		const char *attributes;
		uint32_t width, height;
	} cases[] = {
		{ "width='20' height='10.6px'", 20, 11 },
		{ "viewBox='0 0 30 40'", 30, 40 },
		{ "viewBox='0,0,30,40' width='100%'", 30, 40 },
		{ "width='-1' viewBox='x'", 0, 0 },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		char svg[256];
		struct slv_buf out;
		uint32_t width = 9, height = 9;
		snprintf(svg, sizeof(svg), "<svg %s/>", cases[i].attributes);
		slv_buf_init(&out, 1024);
		slv_err err = slv_svg_clean(slv_str_from(svg), &out, &width, &height);
		assert_false(slv_failed(err));
		assert_int_equal(width, cases[i].width);
		assert_int_equal(height, cases[i].height);
		slv_buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes_and_text_stay),
		cmocka_unit_test(a_missing_namespace_is_added),
		cmocka_unit_test(what_can_act_goes_with_all_that_is_in_it),
		cmocka_unit_test(attributes_that_act_or_lead_outside_go),
		cmocka_unit_test(references_to_the_same_picture_stay),
		cmocka_unit_test(links_go_and_what_they_surround_stays),
		cmocka_unit_test(a_style_stays_if_it_is_plain),
		cmocka_unit_test(entities_are_refused),
		cmocka_unit_test(what_is_no_svg_is_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(elements_and_attributes_are_bounded),
		cmocka_unit_test(output_past_its_maximum_is_an_error),
		cmocka_unit_test(the_size_is_that_of_the_root),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
