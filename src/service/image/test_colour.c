#include "service/image/colour.h"

#include "base/attr.h"
#include "base/testing.h"

static void is(const char *text, uint32_t rgba)
{
	struct slv_colour colour = { 1, 2, 3, 4 };
	if (!slv_image_colour_parse(slv_str_from(text), &colour))
		fail_msg("'%s' is refused", text);
	uint32_t seen = (uint32_t)colour.r << 24 | (uint32_t)colour.g << 16 |
	                (uint32_t)colour.b << 8 | colour.a;
	if (seen != rgba)
		fail_msg("'%s' is %08x, not %08x", text, seen, rgba);
}

static void is_none(const char *text)
{
	struct slv_colour colour;
	if (slv_image_colour_parse(slv_str_from(text), &colour))
		fail_msg("'%s' is taken", text);
}

static void hex_has_three_four_six_or_eight_digits(void **state)
{
	(void)state;
	is("#f0a", 0xff00aaff);
	is("f0a", 0xff00aaff);
	is("#F0A8", 0xff00aa88);
	is("f0a8", 0xff00aa88);
	is("#12aBcD", 0x12abcdff);
	is("12abcd", 0x12abcdff);
	is("#12abcd00", 0x12abcd00);
	is("12abcdfe", 0x12abcdfe);
	const char *wrong[] = { "", "#", "#1", "#12", "#12345", "#1234567", "#123456789", "#12g",
		"12", "12345", "##123", "#-12" };
	for (size_t i = 0; i < SLV_COUNT(wrong); i++)
		is_none(wrong[i]);
}

static void names_are_those_of_css_in_any_case(void **state)
{
	(void)state;
	is("aliceblue", 0xf0f8ffff);
	is("yellowgreen", 0x9acd32ff);
	is("RebeccaPurple", 0x663399ff);
	is("lightgoldenrodyellow", 0xfafad2ff);
	is("darkslategrey", 0x2f4f4fff);
	is("darkslategray", 0x2f4f4fff);
	is("red", 0xff0000ff);
	is("tan", 0xd2b48cff);
	is("transparent", 0);
	is("TRANSPARENT", 0);
	const char *wrong[] = { "aliceblu", "aliceblues", "yellowgreenyellowgreen", "currentcolor",
		"none", " red", "red ", "re d", "lightgoldenrodyellows" };
	for (size_t i = 0; i < SLV_COUNT(wrong); i++)
		is_none(wrong[i]);
}

static void rgb_takes_commas_or_spaces(void **state)
{
	(void)state;
	is("rgb(1,2,3)", 0x010203ff);
	is("rgb(255, 0 ,7)", 0xff0007ff);
	is("rgba(1,2,3,0.5)", 0x01020380);
	is("rgb(1,2,3,50%)", 0x01020380);
	is("rgb(1 2 3)", 0x010203ff);
	is("RGB(  1   2 3 / 0 )", 0x01020300);
	is("rgba(1 2 3/100%)", 0x010203ff);
	is("rgb(100%,0%,50%)", 0xff0080ff);
	is("rgb(1.4 1.6 0)", 0x010200ff);
	const char *wrong[] = { "rgb", "rgb(", "rgb()", "rgb(1,2)", "rgb(1,2,3", "rgb(1,2,3,1,1)",
		"rgb(1,2,3,)", "rgb(,1,2,3)", "rgb(1 2 3 4)", "rgb(1 2 3 /)", "rgb(1 2 3 / 1 / 1)",
		"rgb(1 2 / 3)", "rgb(256,0,0)", "rgb(255.1,0,0)", "rgb(-1,0,0)", "rgb(101%,0%,0%)",
		"rgb(1%,2,3)", "rgb(1,2,3,1.1)", "rgb(1,2,3,101%)", "rgb(1,2,3,-0.1)", "rgb(a,b,c)",
		"rgb(%,%,%)", "rbg(1,2,3)", "rgb(1,2,3))", "rgb((1,2,3)", "rgb(1,,2,3)",
		"rgb(1, 2 / 3, 4)" };
	for (size_t i = 0; i < SLV_COUNT(wrong); i++)
		is_none(wrong[i]);
}

/* Worked out by hand: the primaries, their mixtures, greys, and one of the standard's own. */
static void hsl_turns_hues_into_rgb(void **state)
{
	(void)state;
	is("hsl(0,100%,50%)", 0xff0000ff);
	is("hsl(60,100%,50%)", 0xffff00ff);
	is("hsl(120,100%,50%)", 0x00ff00ff);
	is("hsl(180,100%,50%)", 0x00ffffff);
	is("hsl(240,100%,50%)", 0x0000ffff);
	is("hsl(300,100%,50%)", 0xff00ffff);
	is("hsl(360,100%,50%)", 0xff0000ff);
	is("hsl(-120,100%,50%)", 0x0000ffff);
	is("hsl(480deg,100%,50%)", 0x00ff00ff);
	is("hsl(0.5turn 100% 50%)", 0x00ffffff);
	is("hsl(200grad 100% 50%)", 0x00ffffff);
	is("hsl(3.14159265358979rad 100% 50%)", 0x00ffffff);
	is("hsl(77,0%,50%)", 0x808080ff);
	is("hsl(77,40%,0%)", 0x000000ff);
	is("hsl(77,40%,100%)", 0xffffffff);
	is("hsl(120, 100%, 25%)", 0x008000ff);
	is("hsla(240 100% 50% / 0.5)", 0x0000ff80);
	const char *wrong[] = { "hsl(0,1,0.5)", "hsl(0,101%,50%)", "hsl(0,50%,101%)",
		"hsl(0,-1%,50%)", "hsl(10%,50%,50%)", "hsl(1000001,50%,50%)", "hsl(deg,50%,50%)",
		"hsl(1em,50%,50%)", "hsl(0,50%)" };
	for (size_t i = 0; i < SLV_COUNT(wrong); i++)
		is_none(wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_has_three_four_six_or_eight_digits),
		cmocka_unit_test(names_are_those_of_css_in_any_case),
		cmocka_unit_test(rgb_takes_commas_or_spaces),
		cmocka_unit_test(hsl_turns_hues_into_rgb),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
