#include "service/image/preset.h"

#include "base/attr.h"
#include "base/testing.h"
#include "conf/conf.h"
#include "service/image/plan.h"

#include <stdio.h>
#include <string.h>

struct kit {
	struct slv_arena arena;
	struct slv_image_defaults defaults;
	struct slv_image_presets presets;
};

static int setup(void **state)
{
	static struct kit kit;
	kit = (struct kit){ 0 };
	slv_arena_init(&kit.arena, 4096, SLV_MIB(2));
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

static struct slv_image_draw_conf draw_of(const char *url)
{
	return (struct slv_image_draw_conf){
		.url = slv_str_from(url),
		.gravity = SLV_STR("center"),
		.opacity = 1,
		.top = -1,
		.right = -1,
		.bottom = -1,
		.left = -1,
	};
}

static struct slv_image_border_conf border_of(const char *color, int64_t width)
{
	return (struct slv_image_border_conf){ slv_str_from(color), width, -1, -1, -1, -1 };
}

static slv_err prepare(struct kit *kit, struct slv_image_preset_conf *conf, size_t count,
		const char *allowed, bool presets_only)
{
	slv_str names[8];
	struct slv_conf_list list = { conf, count }, texts = { names, 0 };
	for (slv_str rest = slv_str_from(allowed); rest.at && rest.len;)
		names[texts.count++] = slv_str_cut(&rest, '|');
	return slv_image_presets_prepare(
			&kit->arena, &list, &texts, presets_only, &kit->defaults, &kit->presets);
}

static void prepared(struct kit *kit, struct slv_image_preset_conf *conf, size_t count,
		const char *allowed, bool presets_only)
{
	slv_err err = prepare(kit, conf, count, allowed, presets_only);
	if (slv_failed(err))
		fail_msg("%s", err.what);
}

static void refused(struct kit *kit, struct slv_image_preset_conf conf, const char *part)
{
	slv_err err = prepare(kit, &conf, 1, "", false);
	assert_int_equal(err.code, SLV_E_OPTION);
	if (!strstr(err.what, part) || !strstr(err.what, "preset '"))
		fail_msg("'%s' has no '%s'", err.what, part);
}

static slv_err resolve(struct kit *kit, const char *text, struct slv_image_options *ret_options,
		const struct slv_image_preset **ret_preset)
{
	slv_err err = slv_image_options_parse(
			&kit->arena, slv_str_from(text), &kit->defaults, ret_options);
	if (slv_failed(err))
		fail_msg("'%s': %s", text, err.what);
	return slv_image_presets_resolve(&kit->presets, &kit->arena, ret_options, ret_preset);
}

static void denied(struct kit *kit, const char *text, enum slv_code code, const char *part)
{
	struct slv_image_options options;
	const struct slv_image_preset *preset;
	slv_err err = resolve(kit, text, &options, &preset);
	if (err.code != (int32_t)code || !strstr(err.what, part))
		fail_msg("'%s': %s: %s", text, slv_code_name(err.code), err.what);
}

static struct slv_image_options allowed(struct kit *kit, const char *text)
{
	struct slv_image_options options;
	const struct slv_image_preset *preset;
	slv_err err = resolve(kit, text, &options, &preset);
	if (slv_failed(err))
		fail_msg("'%s': %s", text, err.what);
	return options;
}

static void a_preset_is_found_and_overridden(void **state)
{
	struct kit *kit = *state;
	struct slv_image_preset_conf conf[] = {
		{ .name = SLV_STR("small"), .options = SLV_STR("w=100,h=50,fit=cover") },
		{ .name = SLV_STR("card"), .options = SLV_STR("w=640,q=70") },
		{ .name = SLV_STR("bare") },
	};
	prepared(kit, conf, 3, "", false);
	assert_int_equal(kit->presets.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(slv_str_eq(slv_image_preset_find(&kit->presets, conf[i].name)->name,
				conf[i].name));
	assert_null(slv_image_preset_find(&kit->presets, SLV_STR("smal")));
	assert_null(slv_image_preset_find(&kit->presets, SLV_STR("")));

	struct slv_image_options o = allowed(kit, "preset=small");
	assert_true(o.width == 100 && o.height == 50 && o.fit == SLV_FIT_COVER);
	o = allowed(kit, "h=60,preset=small,blur=2");
	assert_true(o.width == 100 && o.height == 60 && o.blur == 2);
	o = allowed(kit, "preset=bare,w=7");
	assert_int_equal(o.width, 7);
	denied(kit, "preset=none", SLV_E_OPTION, "'none'");
}

static void without_a_preset_nothing_changes(void **state)
{
	struct kit *kit = *state;
	struct slv_image_options options;
	const struct slv_image_preset *preset = (const void *)kit;
	prepared(kit, NULL, 0, "", false);
	assert_false(slv_failed(resolve(kit, "w=5", &options, &preset)));
	assert_null(preset);
	assert_int_equal(options.width, 5);
	struct slv_pixel_plan plan = { .magic = 1 };
	slv_image_preset_apply(NULL, &plan);
	assert_int_equal(plan.draw_count, 0);
}

static void the_allowed_list_holds(void **state)
{
	struct kit *kit = *state;
	struct slv_image_preset_conf conf[] = {
		{ .name = SLV_STR("a"), .options = SLV_STR("blur=1") },
	};
	prepared(kit, conf, 1, "w|height|trim.top", false);
	allowed(kit, "width=1,h=1");
	allowed(kit, "trim=border");
	assert_true(allowed(kit, "preset=a,w=1").blur == 1);
	denied(kit, "w=1,blur=1", SLV_E_DENIED, "blur");
	denied(kit, "q=5", SLV_E_DENIED, "quality");
	assert_int_equal(prepare(kit, conf, 1, "w|hight", false).code, SLV_E_OPTION);
	assert_non_null(strstr(prepare(kit, conf, 1, "w|hight", false).what, "'hight'"));
}

static void presets_only_wants_a_preset_and_beside_it_what_is_listed(void **state)
{
	struct kit *kit = *state;
	struct slv_image_preset_conf conf[] = {
		{ .name = SLV_STR("a"), .options = SLV_STR("blur=1") },
	};
	prepared(kit, conf, 1, "", true);
	allowed(kit, "preset=a");
	denied(kit, "preset=a,w=1", SLV_E_DENIED, "width");
	denied(kit, "w=1", SLV_E_DENIED, "width");
	prepared(kit, conf, 1, "width|quality|trim.top", true);
	struct slv_image_options options = allowed(kit, "preset=a,w=3,q=50,trim=border");
	assert_true(options.width == 3 && options.quality == 50 && options.blur == 1);
	denied(kit, "preset=a,h=1", SLV_E_DENIED, "height");
	denied(kit, "preset=a,f=webp", SLV_E_DENIED, "format");
	denied(kit, "preset=a,blur=1", SLV_E_DENIED, "blur");
	denied(kit, "w=1", SLV_E_DENIED, "preset");
}

static void border_and_draws_reach_the_plan(void **state)
{
	struct kit *kit = *state;
	struct slv_image_border_conf border = border_of("#ff000080", 4);
	border.top = 0;
	border.left = 9;
	struct slv_image_draw_conf draws[2] = { draw_of("/a.png"), draw_of("https://o.example/b") };
	draws[0].width = 80;
	draws[0].fit = SLV_FIT_COVER;
	draws[0].gravity = SLV_STR("0.25x1");
	draws[0].bottom = 8;
	draws[0].right = 0;
	draws[0].opacity = 0.5;
	draws[0].rotate = 3;
	draws[0].composite = SLV_COMPOSITE_ATOP;
	draws[1].repeat = SLV_REPEAT_X | SLV_REPEAT_Y;
	draws[1].background = SLV_STR("blue");
	struct slv_image_preset_conf conf[] = {
		{ .name = SLV_STR("a"), .border = &border, .draw = { draws, 2 } },
	};
	prepared(kit, conf, 1, "", false);
	struct slv_image_options options;
	struct slv_image_choice choice = { 0 };
	const struct slv_image_preset *preset;
	struct slv_pixel_plan plan, again;
	assert_false(slv_failed(resolve(kit, "preset=a", &options, &preset)));
	slv_image_plan_make(&options, &kit->defaults, &choice, &plan);
	slv_image_preset_apply(preset, &plan);
	assert_true(plan.border_top == 0 && plan.border_right == 4 && plan.border_bottom == 4 &&
			plan.border_left == 9);
	assert_true(plan.border_colour.r == 255 && plan.border_colour.a == 128);
	assert_int_equal(plan.draw_count, 2);
	const struct slv_pixel_draw *draw = plan.draw;
	assert_true(draw[0].width == 80 && draw[0].height == 0 && draw[0].fit == SLV_FIT_COVER);
	assert_true(draw[0].gravity == SLV_GRAVITY_POINT && draw[0].point.x == 0.25);
	assert_int_equal(draw[0].edges, SLV_EDGE_BOTTOM | SLV_EDGE_RIGHT);
	assert_true(draw[0].bottom == 8 && draw[0].right == 0 && draw[0].top == 0);
	assert_true(draw[0].opacity == 0.5 && draw[0].rotate == 270);
	assert_int_equal(draw[0].composite, SLV_COMPOSITE_ATOP);
	assert_int_equal(draw[1].edges, 0);
	assert_int_equal(draw[1].repeat, SLV_REPEAT_X | SLV_REPEAT_Y);
	assert_true(draw[1].background.b == 255 && draw[1].background.a == 255);
	assert_true(slv_str_eq(preset->draw_url[1], SLV_STR("https://o.example/b")));

	/* A second preparation gives the same bytes: padding is no part of chance. */
	prepared(kit, conf, 1, "", false);
	assert_false(slv_failed(resolve(kit, "preset=a", &options, &preset)));
	slv_image_plan_make(&options, &kit->defaults, &choice, &again);
	slv_image_preset_apply(preset, &again);
	assert_memory_equal(&plan, &again, sizeof(plan));
}

static void mistakes_name_the_preset(void **state)
{
	struct kit *kit = *state;
	struct slv_image_preset_conf conf = { .name = SLV_STR("a") };
	struct slv_image_preset_conf wrong = conf;
	wrong.options = SLV_STR("width=0");
	refused(kit, wrong, "width");
	wrong.options = SLV_STR("preset=b");
	refused(kit, wrong, "cannot name another");
	wrong = conf;
	wrong.name = SLV_STR("a b");
	refused(kit, wrong, "name must be");
	wrong.name = SLV_STR("");
	refused(kit, wrong, "name must be");

	struct slv_image_border_conf border = border_of("red", 0);
	wrong = conf;
	wrong.border = &border;
	refused(kit, wrong, "border has no width");
	border = border_of("reddish", 1);
	refused(kit, wrong, "border.color");
}

static void mistakes_in_draws_are_named(void **state)
{
	struct kit *kit = *state;
	struct slv_image_draw_conf draws[5];
	struct slv_image_preset_conf conf = { .name = SLV_STR("a"), .draw = { draws, 1 } };
	draws[0] = draw_of("a.png");
	refused(kit, conf, "draw.url");
	draws[0] = draw_of("ftp://a/b");
	refused(kit, conf, "draw.url");
	draws[0] = draw_of("/a");
	draws[0].top = draws[0].bottom = 0;
	refused(kit, conf, "top and bottom");
	draws[0] = draw_of("/a");
	draws[0].left = draws[0].right = 1;
	refused(kit, conf, "left and right");
	draws[0] = draw_of("/a");
	draws[0].background = SLV_STR("bluish");
	refused(kit, conf, "draw.background");
	draws[0] = draw_of("/a");
	draws[0].gravity = SLV_STR("middle");
	refused(kit, conf, "draw.gravity");
	draws[0].gravity = SLV_STR("left,blur=1");
	refused(kit, conf, "draw.gravity");
	for (size_t i = 0; i < SLV_COUNT(draws); i++)
		draws[i] = draw_of("/a");
	conf.draw.count = SLV_PIXEL_DRAWS_MAX + 1;
	refused(kit, conf, "more than 4 draws");
	conf.draw.count = SLV_PIXEL_DRAWS_MAX;
	prepared(kit, &conf, 1, "", false);
}

static void names_are_there_once_and_presets_are_bounded(void **state)
{
	struct kit *kit = *state;
	struct slv_image_preset_conf twice[] = { { .name = SLV_STR("a") }, { .name = SLV_STR("b") },
		{ .name = SLV_STR("a") } };
	slv_err err = prepare(kit, twice, 3, "", false);
	assert_int_equal(err.code, SLV_E_OPTION);
	assert_non_null(strstr(err.what, "'a' is there twice"));

	static struct slv_image_preset_conf many[SLV_IMAGE_PRESETS_MAX + 1];
	static char names[SLV_IMAGE_PRESETS_MAX + 1][8];
	for (size_t i = 0; i < SLV_COUNT(many); i++) {
		snprintf(names[i], sizeof(names[i]), "n%zu", i);
		many[i].name = slv_str_from(names[i]);
	}
	prepared(kit, many, SLV_IMAGE_PRESETS_MAX, "", false);
	for (size_t i = 0; i < SLV_IMAGE_PRESETS_MAX; i++)
		assert_non_null(slv_image_preset_find(&kit->presets, many[i].name));
	assert_int_equal(prepare(kit, many, SLV_COUNT(many), "", false).code, SLV_E_LIMIT);

	struct slv_arena small;
	struct slv_conf_list list = { many, 10 }, none = { 0 };
	slv_arena_init(&small, 512, 1024);
	assert_int_equal(slv_image_presets_prepare(
					 &small, &list, &none, false, &kit->defaults, &kit->presets)
					 .code,
			SLV_E_LIMIT);
	slv_arena_done(&small);
}

struct settings {
	struct slv_image_defaults defaults;
	struct slv_conf_list presets;
};

static void the_rows_read_a_configuration(void **state)
{
	static const struct slv_conf_key rows[] = {
		{ .name = "defaults",
				.type = SLV_CONF_SECTION,
				.keys = slv_image_defaults_keys,
				.offset = offsetof(struct settings, defaults),
				.help = "Defaults" },
		{ .name = "presets",
				.type = SLV_CONF_MAP,
				.keys = slv_image_preset_keys,
				.offset = offsetof(struct settings, presets),
				.max = 10,
				.size = sizeof(struct slv_image_preset_conf),
				.help = "Presets" },
		{ 0 },
	};
	struct kit *kit = *state;
	struct slv_conf *conf;
	slv_err err = slv_conf_parse(&kit->arena,
			SLV_STR("presets:\n"
				"  card:\n"
				"    options: fit=cover,width=640\n"
				"    border: { color: '#fff', width: 4 }\n"
				"    draw:\n"
				"      - { url: /m.png, bottom: 8, right: 8, repeat: x, rotate: "
				"90,\n"
				"          opacity: 0.5, composite: atop }\n"
				"  bare: {}\n"),
			"test.yaml", "/", rows, sizeof(struct settings), &conf);
	if (slv_failed(err))
		fail_msg("%s", err.what);
	const struct settings *settings = slv_conf_root(conf);
	assert_memory_equal(&settings->defaults, &kit->defaults, sizeof(kit->defaults));
	prepared(kit, settings->presets.at, settings->presets.count, "", false);
	assert_int_equal(kit->presets.count, 2);
	const struct slv_image_preset *bare = &kit->presets.at[0], *card = &kit->presets.at[1];
	assert_int_equal(bare->options.given, 0);
	assert_true(bare->border_top == 0 && bare->draw_count == 0);
	assert_true(card->options.width == 640 && card->border_left == 4 && card->draw_count == 1);
	assert_int_equal(card->draw[0].edges, SLV_EDGE_BOTTOM | SLV_EDGE_RIGHT);
	assert_true(card->draw[0].repeat == SLV_REPEAT_X && card->draw[0].rotate == 90);
	assert_true(card->draw[0].composite == SLV_COMPOSITE_ATOP && card->draw[0].opacity == 0.5);
	slv_conf_free(conf);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_preset_is_found_and_overridden),
		TEST(without_a_preset_nothing_changes),
		TEST(the_allowed_list_holds),
		TEST(presets_only_wants_a_preset_and_beside_it_what_is_listed),
		TEST(border_and_draws_reach_the_plan),
		TEST(the_rows_read_a_configuration),
		TEST(mistakes_name_the_preset),
		TEST(mistakes_in_draws_are_named),
		TEST(names_are_there_once_and_presets_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
