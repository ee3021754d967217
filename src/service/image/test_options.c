#include "service/image/options.h"

#include "base/attr.h"
#include "base/testing.h"

#include <stdio.h>
#include <string.h>

struct kit {
	struct slv_arena arena;
	struct slv_image_defaults defaults;
};

static int setup(void **state)
{
	static struct kit kit;
	slv_arena_init(&kit.arena, 4096, SLV_MIB(1));
	slv_image_defaults_init(&kit.defaults);
	*state = &kit;
	return 0;
}

static int teardown(void **state)
{
	struct kit *kit = *state;
	slv_arena_done(&kit->arena);
	return 0;
}

static slv_err parse(struct kit *kit, const char *text, struct slv_image_options *ret_options)
{
	return slv_image_options_parse(
			&kit->arena, slv_str_from(text), &kit->defaults, ret_options);
}

static struct slv_image_options taken(struct kit *kit, const char *text)
{
	struct slv_image_options options;
	slv_err err = parse(kit, text, &options);
	if (slv_failed(err))
		fail_msg("'%s' is refused: %s", text, err.what);
	return options;
}

static const char *refused(struct kit *kit, const char *text, enum slv_code code)
{
	struct slv_image_options options = { .width = 77 };
	slv_err err = parse(kit, text, &options);
	if (err.code != (int32_t)code)
		fail_msg("'%s' gives %s, not %s", text, slv_code_name(err.code),
				slv_code_name(code));
	assert_int_equal(options.width, 77); /* written only on success */
	return err.what;
}

/* Each option: values in its bounds, and values that are not. Lists are separated by '|'. */
static const struct {
	const char *name, *alias, *right, *wrong, *may;
} rows[] = {
	{ "width", "w", "1|16384|auto|0320",
			"0|16385|-1|1.5|1e3|+1|automatic|Auto| 1|1 |0x10|"
			"99999999999999999999",
			"1 to 16384 or auto" },
	{ "height", "h", "1|16384", "0|16385|-1|1.5|auto", "1 to 16384" },
	{ "dpr", NULL, "0.01|1|1.5|2|2.0", "0|0.0|2.01|3|-1|x|1x|.", "above 0, to 2" },
	{ "fit", NULL, "scale-down|contain|cover|crop|aspect-crop|pad|squeeze|scale-up",
			"fill|Cover|scaledown|cover ", "scale-down, contain" },
	{ "gravity", "g", "auto|entropy|left|right|top|bottom|center|0x0|1x1|0.5x0.25|1.0x0",
			"centre|north|x|0.5|0.5x|x0.5|1.1x0|0x1.1|-0.1x0|0x0x0|0.5X0.5|0,5x0",
			"auto, entropy, left" },
	{ "zoom", "face-zoom", "0|0.5|1", "1.1|-0.1|in", "0 to 1" },
	{ "quality", "q", "1|85|100|high|medium-high|medium-low|low", "0|101|-1|medium|85%25|8.5",
			"1 to 100, high" },
	{ "slow-connection-quality", "scq", "1|50|100|low", "0|101|slow", "1 to 100, high" },
	{ "format", "f", "auto|avif|webp|jpeg|baseline-jpeg|json|png|png-force|svg|gif",
			"jpg|JPEG|jxl|heic|source", "auto, avif" },
	{ "anim", NULL, "true|false", "1|0|yes|True", "true or false" },
	{ "background", NULL,
			"red|%23fff|fff|%23ff000080|rgb(1,2,3)|rgba(1 2 3 / 50%25)|transparent",
			"reddish|%23ff|rgb(1,2)|rgb(1,2,3", "a CSS colour" },
	{ "blur", NULL, "0|0.5|250|250.0", "250.1|-1|x", "0 to 250" },
	{ "sharpen", NULL, "0|1.5|10", "10.01|-1", "0 to 10" },
	{ "brightness", NULL, "0|0.5|1|10", "10.1|-0.1|bright", "0 to 10" },
	{ "contrast", NULL, "0|10", "10.1|-1", "0 to 10" },
	{ "saturation", NULL, "0|10", "10.1|-1", "0 to 10" },
	{ "gamma", NULL, "0|0.1|10", "10.1|-1", "0 to 10" },
	{ "rotate", NULL, "0|90|180|270|360", "45|-90|450|090|90.0", "0, 90, 180" },
	{ "flip", NULL, "h|v|hv", "vh|both|H|x", "h, v or hv" },
	{ "trim", NULL, "border|0;0;0;0|1;2;3;65535",
			"1;2;3|1;2;3;4;5|1;2;3;65536|;;;|a;b;c;d|"
			"1,2,3,4|auto|-1;0;0;0",
			"border, or top" },
	{ "trim.top", NULL, "0|65535", "65536|-1|1.5", "0 to 65535" },
	{ "trim.right", NULL, "0|65535", "65536", "0 to 65535" },
	{ "trim.bottom", NULL, "0|65535", "65536", "0 to 65535" },
	{ "trim.left", NULL, "0|65535", "65536", "0 to 65535" },
	{ "trim.width", NULL, "1|65535", "0|65536", "1 to 65535" },
	{ "trim.height", NULL, "1|65535", "0|65536", "1 to 65535" },
	{ "trim.border.color", NULL, "red|000000", "nothing", "a CSS colour" },
	{ "trim.border.tolerance", NULL, "0|255", "256|-1|1.5", "0 to 255" },
	{ "trim.border.keep", NULL, "0|65535", "65536|-1", "0 to 65535" },
	{ "metadata", NULL, "none|copyright|keep", "all|strip", "none, copyright or keep" },
	{ "onerror", NULL, "redirect", "ignore|true", "redirect" },
	{ "compression", NULL, "fast", "slow|none", "fast" },
	{ "upscale", NULL, "interpolate", "lanczos", "interpolate" },
	{ "segment", NULL, NULL, "background|true", "left out" },
	{ "preset", NULL, "card|Card-2_x.y", "a b|a%2Fb|%22|a;b", "the name of a preset" },
	{ "blurhash", NULL, "true|false", "1|4x3", "true or false" },
	{ "thumbhash", NULL, "true|false", "1|yes", "true or false" },
	{ "frames", NULL, "1|65535", "0|65536|-1|all", "1 to 65535" },
};

/* Call `each` with "name=value" for every value of a list. */
static void each_value(struct kit *kit, const char *name, const char *values,
		void (*each)(struct kit *kit, const char *text, const char *name, const char *may),
		const char *may)
{
	for (slv_str rest = slv_str_from(values); rest.at;) {
		char text[256];
		slv_str value = slv_str_cut(&rest, '|');
		snprintf(text, sizeof(text), "%s=%.*s", name, SLV_FMT(value));
		each(kit, text, name, may);
	}
}

static void is_taken(struct kit *kit, const char *text, const char *name, const char *may)
{
	(void)may;
	struct slv_image_options options = taken(kit, text);
	enum slv_image_option option = slv_image_option_find(slv_str_from(name));
	if (slv_str_starts(slv_image_option_name(option), SLV_STR("trim.")))
		option = SLV_IMAGE_OPTION_TRIM;
	if (options.given != SLV_IMAGE_GIVEN(option))
		fail_msg("'%s' gives %llx", text, (unsigned long long)options.given);
}

static void is_refused(struct kit *kit, const char *text, const char *name, const char *may)
{
	const char *what = refused(kit, text, SLV_E_OPTION);
	(void)name;
	if (strchr(text, ',') && !strchr(text, '('))
		return; /* the comma begins another option: that one is named */
	slv_str option = slv_image_option_name(slv_image_option_find(
			slv_str_head(slv_str_from(text), slv_str_find(slv_str_from(text), '='))));
	if (!strstr(what, may) || slv_str_find_str(slv_str_from(what), option) == strlen(what))
		fail_msg("'%s' is refused with '%s'", text, what);
}

static void every_option_has_a_row(void **state)
{
	(void)state;
	assert_int_equal(SLV_COUNT(rows), SLV_IMAGE_OPTION_COUNT);
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		slv_str name = slv_str_from(rows[i].name), alias = slv_str_from(rows[i].alias);
		enum slv_image_option option = slv_image_option_find(name);
		assert_true(option != SLV_IMAGE_OPTION_COUNT);
		assert_true(slv_str_eq(slv_image_option_name(option), name));
		if (rows[i].alias)
			assert_int_equal(slv_image_option_find(alias), option);
	}
	assert_int_equal(slv_image_option_find(SLV_STR("")), SLV_IMAGE_OPTION_COUNT);
	assert_int_equal(slv_image_option_find(SLV_STR("Width")), SLV_IMAGE_OPTION_COUNT);
}

static void values_in_bounds_are_taken(void **state)
{
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		if (!rows[i].right)
			continue;
		each_value(*state, rows[i].name, rows[i].right, is_taken, NULL);
		if (rows[i].alias)
			each_value(*state, rows[i].alias, rows[i].right, is_taken, NULL);
	}
}

static void values_out_of_bounds_are_refused_by_name_and_range(void **state)
{
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		each_value(*state, rows[i].name, rows[i].wrong, is_refused, rows[i].may);
		if (rows[i].alias)
			each_value(*state, rows[i].alias, rows[i].wrong, is_refused, rows[i].may);
	}
}

static void empty_and_doubled_options_are_refused(void **state)
{
	struct kit *kit = *state;
	char text[512];
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		snprintf(text, sizeof(text), "%s=", rows[i].name);
		assert_non_null(strstr(refused(kit, text, SLV_E_OPTION), "has no value"));
		snprintf(text, sizeof(text), "%s", rows[i].name);
		assert_non_null(strstr(refused(kit, text, SLV_E_OPTION), "has no value"));
		if (!rows[i].right)
			continue;
		slv_str rest = slv_str_from(rows[i].right), value = slv_str_cut(&rest, '|');
		slv_str other = rest.at ? slv_str_cut(&rest, '|') : value;
		const char *second = rows[i].alias ? rows[i].alias : rows[i].name;
		snprintf(text, sizeof(text), "%s=%.*s,%s=%.*s", rows[i].name, SLV_FMT(value),
				second, SLV_FMT(other));
		assert_non_null(strstr(refused(kit, text, SLV_E_OPTION), "was given before"));
		snprintf(text, sizeof(text), "%s=%.*s,%s=%.*s", second, SLV_FMT(value),
				rows[i].name, SLV_FMT(value));
		assert_non_null(strstr(refused(kit, text, SLV_E_OPTION), rows[i].name));
	}
	refused(kit, "", SLV_E_OPTION);
	refused(kit, ",", SLV_E_OPTION);
	refused(kit, "width=1,", SLV_E_OPTION);
	refused(kit, ",width=1", SLV_E_OPTION);
	refused(kit, "width=1,,height=1", SLV_E_OPTION);
	refused(kit, "=1", SLV_E_OPTION);
	refused(kit, "width=1=1", SLV_E_OPTION);
}

/* Every byte of a text as %XX must read as the text itself. */
static void encoded_options_are_decoded_once(void **state)
{
	struct kit *kit = *state;
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		char plain[256], encoded[768];
		if (!rows[i].right)
			continue;
		slv_str rest = slv_str_from(rows[i].right), value = slv_str_cut(&rest, '|');
		snprintf(plain, sizeof(plain), "%s=%.*s", rows[i].name, SLV_FMT(value));
		for (size_t at = 0; at < strlen(plain); at++)
			snprintf(encoded + 3 * at, 4, "%%%02x", (unsigned)plain[at]);
		struct slv_image_options a = taken(kit, plain), b = taken(kit, encoded);
		assert_true(slv_str_eq(a.preset, b.preset));
		a.preset = b.preset;
		assert_memory_equal(&a, &b, sizeof(a));
	}
	struct slv_image_options two = taken(kit, "width=20%2Cheight%3D30");
	assert_int_equal(two.width, 20);
	assert_int_equal(two.height, 30);
	refused(kit, "width=%2531", SLV_E_OPTION); /* twice encoded: the value is "%31" */
	refused(kit, "width=1%", SLV_E_OPTION);
	refused(kit, "width=1%3", SLV_E_OPTION);
	refused(kit, "width=1%zz", SLV_E_OPTION);
	refused(kit, "width=1%00", SLV_E_OPTION);
}

static void reasons_are_one_short_printable_line(void **state)
{
	struct kit *kit = *state;
	char text[1024];
	snprintf(text, sizeof(text), "width=%%0a%%0d%%1b%%ff%0900d", 0);
	const char *what = refused(kit, text, SLV_E_OPTION);
	assert_true(strlen(what) < 200);
	for (size_t i = 0; what[i]; i++)
		assert_true(what[i] >= ' ' && what[i] <= '~');
	assert_string_equal(refused(kit, "blurr=1", SLV_E_OPTION), "there is no option 'blurr'");
	assert_string_equal(refused(kit, "width=0", SLV_E_OPTION),
			"option width is '0', must be 1 to 16384 or auto");
	assert_string_equal(refused(kit, "q=101", SLV_E_OPTION),
			"option quality is '101', must be 1 to 100, high, medium-high, medium-low "
			"or low");
}

static void what_needs_a_model_is_refused_by_name(void **state)
{
	struct kit *kit = *state;
	assert_non_null(strstr(refused(kit, "segment=foreground", SLV_E_UNSUPPORTED), "segment"));
	assert_non_null(strstr(refused(kit, "upscale=generate", SLV_E_UNSUPPORTED), "upscale"));
	assert_non_null(strstr(refused(kit, "gravity=face", SLV_E_UNSUPPORTED), "gravity=face"));
	assert_non_null(strstr(refused(kit, "g=face", SLV_E_UNSUPPORTED), "gravity=face"));
}

static void border_and_draw_are_for_presets(void **state)
{
	struct kit *kit = *state;
	const char *texts[] = { "border=5", "border.color=red", "draw=x", "draw[0].url=/x",
		"draw.url=/x" };
	for (size_t i = 0; i < SLV_COUNT(texts); i++)
		assert_non_null(strstr(refused(kit, texts[i], SLV_E_OPTION), "presets only"));
	assert_null(strstr(refused(kit, "drawing=1", SLV_E_OPTION), "presets only"));
}

static void values_reach_their_fields(void **state)
{
	struct slv_image_options o = taken(*state,
			"w=20,h=30,dpr=1.5,fit=pad,g=0.25x0.75,zoom=0.5,q=7,scq=low,f=png,anim="
			"false,"
			"background=rgba(1,2,3,1),blur=4,sharpen=5,brightness=6,contrast=7,"
			"saturation=0,gamma=0,rotate=270,flip=v,trim=1;2;3;4,metadata=keep,"
			"onerror=redirect,compression=fast,upscale=interpolate,preset=p,"
			"blurhash=true,thumbhash=true,frames=9");
	assert_int_equal(o.width, 20);
	assert_int_equal(o.height, 30);
	assert_true(o.dpr == 1.5);
	assert_int_equal(o.fit, SLV_FIT_PAD);
	assert_int_equal(o.gravity, SLV_GRAVITY_POINT);
	assert_true(o.point.x == 0.25 && o.point.y == 0.75);
	assert_true(o.zoom == 0.5);
	assert_int_equal(o.quality, 7);
	assert_int_equal(o.slow_quality, 50);
	assert_int_equal(o.format, SLV_IMAGE_FORMAT_PNG);
	assert_false(o.anim);
	assert_memory_equal(&o.background, (&(struct slv_colour){ 1, 2, 3, 255 }), 4);
	assert_true(o.blur == 4 && o.sharpen == 5 && o.brightness == 6 && o.contrast == 7);
	assert_true(o.saturation == 0 && o.gamma == 1); /* of gamma 0 is: unchanged */
	assert_int_equal(o.rotate, 270);
	assert_int_equal(o.flip, SLV_FLIP_V);
	assert_int_equal(o.trim.mode, SLV_TRIM_SIDES);
	assert_true(o.trim.top == 1 && o.trim.right == 2 && o.trim.bottom == 3 && o.trim.left == 4);
	assert_int_equal(o.metadata, SLV_METADATA_KEEP);
	assert_true(o.redirect && o.fast && o.blurhash && o.thumbhash);
	assert_true(slv_str_eq(o.preset, SLV_STR("p")));
	assert_int_equal(o.frames, 9);
	assert_int_equal(taken(*state, "w=auto").width, SLV_IMAGE_WIDTH_AUTO);
	assert_int_equal(taken(*state, "q=medium-high").quality, 80);
	assert_int_equal(taken(*state, "flip=hv").flip, SLV_FLIP_H | SLV_FLIP_V);
	assert_int_equal(taken(*state, "rotate=360").rotate, 0);
}

static void trims_parts_make_one_trim_or_are_refused(void **state)
{
	struct kit *kit = *state;
	struct slv_image_trim box = taken(kit, "trim.left=1,trim.width=2,trim.top=3").trim;
	assert_int_equal(box.mode, SLV_TRIM_BOX);
	assert_true(box.left == 1 && box.width == 2 && box.top == 3 && box.height == 0);
	assert_int_equal(taken(kit, "trim.right=1").trim.mode, SLV_TRIM_SIDES);
	struct slv_image_trim border = taken(kit, "trim.border.keep=4,trim=border").trim;
	assert_int_equal(border.mode, SLV_TRIM_BORDER);
	assert_int_equal(border.tolerance, SLV_IMAGE_TOLERANCE_DEFAULT);
	assert_int_equal(border.keep, 4);
	assert_int_equal(taken(kit, "trim.border.tolerance=0").trim.tolerance, 0);
	assert_int_equal(taken(kit, "trim.border.tolerance=0").trim.mode, SLV_TRIM_BORDER);

	const char *wrong[] = { "trim.width=1,trim.right=1", "trim.height=1,trim.bottom=1",
		"trim.width=1,trim.bottom=1", "trim=1;1;1;1,trim.top=1", "trim.top=1,trim=border",
		"trim=1;1;1;1,trim.border.keep=1", "trim=1;1;1;1,trim.width=1",
		"trim.left=1,trim.border.color=red", "trim.width=1,trim.border.keep=2" };
	for (size_t i = 0; i < SLV_COUNT(wrong); i++)
		assert_non_null(strstr(refused(kit, wrong[i], SLV_E_OPTION), "trim"));
}

static void settings_lower_the_bounds(void **state)
{
	struct kit *kit = *state;
	kit->defaults.width_max = 100;
	kit->defaults.height_max = 200;
	kit->defaults.dpr_max = 1.5;
	taken(kit, "width=100,height=200,dpr=1.5");
	taken(kit, "width=auto");
	assert_non_null(strstr(refused(kit, "width=101", SLV_E_OPTION), "1 to 100 or auto"));
	assert_non_null(strstr(refused(kit, "height=201", SLV_E_OPTION), "1 to 200"));
	assert_non_null(strstr(refused(kit, "dpr=1.6", SLV_E_OPTION), "to 1.5"));
	kit->defaults.dpr_max = 8;
	taken(kit, "dpr=8");
	refused(kit, "dpr=8.1", SLV_E_OPTION);
}

static void bytes_are_bounded(void **state)
{
	struct kit *kit = *state;
	char text[SLV_IMAGE_OPTIONS_BYTES_MAX + 2];
	memset(text, '0', sizeof(text));
	memcpy(text, "width=", 6);
	text[SLV_IMAGE_OPTIONS_BYTES_MAX - 1] = '9';
	text[SLV_IMAGE_OPTIONS_BYTES_MAX] = 0;
	assert_int_equal(taken(kit, text).width, 9);
	text[SLV_IMAGE_OPTIONS_BYTES_MAX] = '0';
	text[SLV_IMAGE_OPTIONS_BYTES_MAX + 1] = 0;
	assert_non_null(strstr(refused(kit, text, SLV_E_LIMIT), "2048"));

	size_t len = 0;
	while (len < SLV_IMAGE_OPTIONS_BYTES_MAX - 4)
		len += (size_t)snprintf(text + len, sizeof(text) - len, len ? ",w=1" : "w=1");
	assert_non_null(strstr(refused(kit, text, SLV_E_OPTION), "was given before"));
}

static void a_right_segment_takes_no_memory(void **state)
{
	struct kit *kit = *state;
	struct slv_arena none;
	struct slv_image_options options;
	slv_arena_init(&none, 1, 1);
	assert_false(slv_failed(slv_image_options_parse(
			&none, SLV_STR("w=1,preset=a"), &kit->defaults, &options)));
	slv_err err = slv_image_options_parse(&none, SLV_STR("w=%31"), &kit->defaults, &options);
	assert_int_equal(err.code, SLV_E_LIMIT);
	err = slv_image_options_parse(&none, SLV_STR("w=x"), &kit->defaults, &options);
	assert_int_equal(err.code, SLV_E_OPTION);
	assert_non_null(err.what);
	slv_arena_done(&none);
}

static void given_options_override(void **state)
{
	struct slv_image_options base = taken(*state, "w=1,h=2,g=0.1x0.2,trim.top=5,q=30");
	struct slv_image_options over =
			taken(*state, "h=3,g=auto,trim=border,blur=1,upscale=interpolate");
	slv_image_options_override(&base, &over);
	assert_int_equal(base.width, 1);
	assert_int_equal(base.height, 3);
	assert_int_equal(base.gravity, SLV_GRAVITY_ATTENTION);
	assert_int_equal(base.trim.mode, SLV_TRIM_BORDER);
	assert_int_equal(base.trim.top, 0);
	assert_int_equal(base.quality, 30);
	assert_true(base.blur == 1);
	assert_true(base.given & SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_BLUR));
	assert_true(base.given & SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_WIDTH));
	over = taken(*state, "g=0.3x0.4");
	slv_image_options_override(&base, &over);
	assert_true(base.gravity == SLV_GRAVITY_POINT && base.point.y == 0.4);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_option_has_a_row),
		TEST(values_in_bounds_are_taken),
		TEST(values_out_of_bounds_are_refused_by_name_and_range),
		TEST(empty_and_doubled_options_are_refused),
		TEST(encoded_options_are_decoded_once),
		TEST(reasons_are_one_short_printable_line),
		TEST(what_needs_a_model_is_refused_by_name),
		TEST(border_and_draw_are_for_presets),
		TEST(values_reach_their_fields),
		TEST(trims_parts_make_one_trim_or_are_refused),
		TEST(settings_lower_the_bounds),
		TEST(bytes_are_bounded),
		TEST(a_right_segment_takes_no_memory),
		TEST(given_options_override),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
