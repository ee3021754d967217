#include "service/image/plan.h"

#include "base/attr.h"
#include "base/testing.h"

#include <string.h>

struct kit {
	struct slv_arena arena;
	struct slv_image_defaults defaults;
	struct slv_image_choice choice;
};

static int setup(void **state)
{
	static struct kit kit;
	kit = (struct kit){ 0 };
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

static struct slv_pixel_plan plan(struct kit *kit, const char *text)
{
	struct slv_image_options options;
	struct slv_pixel_plan plan;
	slv_err err = slv_image_options_parse(
			&kit->arena, slv_str_from(text), &kit->defaults, &options);
	if (slv_failed(err))
		fail_msg("'%s': %s", text, err.what);
	memset(&plan, 0xa5, sizeof(plan));
	slv_image_plan_make(&options, &kit->defaults, &kit->choice, &plan);
	return plan;
}

static void same(struct kit *kit, const char *a, const char *b)
{
	struct slv_pixel_plan first = plan(kit, a), second = plan(kit, b);
	if (memcmp(&first, &second, sizeof(first)) != 0)
		fail_msg("'%s' and '%s' give different plans", a, b);
}

static void different(struct kit *kit, const char *a, const char *b)
{
	struct slv_pixel_plan first = plan(kit, a), second = plan(kit, b);
	if (memcmp(&first, &second, sizeof(first)) == 0)
		fail_msg("'%s' and '%s' give the same plan", a, b);
}

static void auto_goes_by_class(void **state)
{
	struct kit *kit = *state;
	static const struct {
		enum slv_image_class class;
		enum slv_format format, fallback;
		uint16_t avoid;
	} rows[] = {
		{ SLV_IMAGE_CLASS_PLAIN, SLV_FORMAT_SAME, SLV_FORMAT_JPEG,
				SLV_BIT(SLV_FORMAT_AVIF) | SLV_BIT(SLV_FORMAT_WEBP) },
		{ SLV_IMAGE_CLASS_WEBP, SLV_FORMAT_WEBP, SLV_FORMAT_JPEG, 0 },
		{ SLV_IMAGE_CLASS_AVIF, SLV_FORMAT_AVIF, SLV_FORMAT_SAME,
				SLV_BIT(SLV_FORMAT_AVIF) | SLV_BIT(SLV_FORMAT_WEBP) },
		{ SLV_IMAGE_CLASS_AVIF_WEBP, SLV_FORMAT_AVIF, SLV_FORMAT_WEBP, 0 },
	};
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		kit->choice.class = (uint8_t)rows[i].class;
		struct slv_pixel_plan p = plan(kit, "f=auto");
		assert_int_equal(p.format, rows[i].format);
		assert_int_equal(p.fallback, rows[i].fallback);
		assert_int_equal(p.avoid, rows[i].avoid);
	}
}

static void an_explicit_format_is_the_same_for_all_classes(void **state)
{
	struct kit *kit = *state;
	static const struct {
		const char *text;
		enum slv_format format;
	} rows[] = {
		{ "f=avif", SLV_FORMAT_AVIF },
		{ "f=webp", SLV_FORMAT_WEBP },
		{ "f=jpeg", SLV_FORMAT_JPEG },
		{ "f=baseline-jpeg", SLV_FORMAT_JPEG },
		{ "f=png", SLV_FORMAT_PNG },
		{ "f=png-force", SLV_FORMAT_PNG },
		{ "f=gif", SLV_FORMAT_GIF },
		{ "f=svg", SLV_FORMAT_SAME },
		{ "f=json", SLV_FORMAT_SAME },
		{ "w=1", SLV_FORMAT_SAME },
	};
	for (size_t i = 0; i < SLV_COUNT(rows); i++) {
		kit->choice.class = SLV_IMAGE_CLASS_PLAIN;
		struct slv_pixel_plan first = plan(kit, rows[i].text);
		assert_int_equal(first.format, rows[i].format);
		assert_int_equal(first.avoid, 0);
		kit->choice.class = SLV_IMAGE_CLASS_AVIF_WEBP;
		struct slv_pixel_plan second = plan(kit, rows[i].text);
		assert_memory_equal(&first, &second, sizeof(first));
	}
	assert_true(plan(kit, "f=baseline-jpeg").baseline);
	assert_false(plan(kit, "f=jpeg").baseline);
	assert_true(plan(kit, "f=json").info_only);
	assert_true(plan(kit, "f=json").want_blurhash);
	assert_true(plan(kit, "f=json").want_thumbhash);
	assert_false(plan(kit, "w=1").want_blurhash);
	kit->defaults.format = SLV_IMAGE_FORMAT_AUTO;
	same(kit, "w=1", "w=1,f=auto");
	different(kit, "w=1", "w=1,f=svg");
}

static void quality_is_mapped_through_the_defaults(void **state)
{
	struct kit *kit = *state;
	assert_int_equal(plan(kit, "w=1").quality[SLV_FORMAT_JPEG], 85);
	assert_int_equal(plan(kit, "w=1").quality[SLV_FORMAT_WEBP], 80);
	assert_int_equal(plan(kit, "w=1").quality[SLV_FORMAT_AVIF], 62);
	assert_int_equal(plan(kit, "f=webp,q=85").quality[SLV_FORMAT_WEBP], 80);
	assert_int_equal(plan(kit, "f=webp,q=100").quality[SLV_FORMAT_WEBP], 100);
	assert_int_equal(plan(kit, "f=webp,q=99").quality[SLV_FORMAT_WEBP], 99);
	assert_int_equal(plan(kit, "f=webp,q=1").quality[SLV_FORMAT_WEBP], 1);
	assert_int_equal(plan(kit, "f=avif,q=50").quality[SLV_FORMAT_AVIF], 36); /* 50·62/85 */
	assert_int_equal(plan(kit, "f=avif,q=95").quality[SLV_FORMAT_AVIF], 87); /* 62+10·38/15 */
	assert_int_equal(plan(kit, "f=jpeg,q=50").quality[SLV_FORMAT_JPEG], 50);
	assert_int_equal(plan(kit, "f=jpeg,q=low").quality[SLV_FORMAT_JPEG], 50);
	kit->defaults.quality_avif = kit->defaults.quality_webp = 85;
	for (int q = 1; q <= 100; q++) {
		char text[32] = "f=avif,q=";
		text[9] = (char)('0' + q / 100);
		text[10] = (char)('0' + q / 10 % 10);
		text[11] = (char)('0' + q % 10);
		assert_int_equal(plan(kit, text).quality[SLV_FORMAT_AVIF], q);
	}
	kit->defaults.quality_jpeg = 100;
	assert_int_equal(plan(kit, "f=avif,q=100").quality[SLV_FORMAT_AVIF], 100);
	assert_int_equal(plan(kit, "f=avif,q=99").quality[SLV_FORMAT_AVIF], 84);
}

static void an_explicit_quality_makes_a_palette(void **state)
{
	struct kit *kit = *state;
	assert_false(plan(kit, "f=png").palette);
	assert_true(plan(kit, "f=png,q=70").palette);
	assert_int_equal(plan(kit, "f=png,q=70").quality[SLV_FORMAT_PNG], 70);
	assert_true(plan(kit, "q=70").palette); /* the source may be a PNG */
	assert_false(plan(kit, "f=webp,q=70").palette);
	assert_false(plan(kit, "f=png,scq=70").palette);
	kit->choice.slow = true;
	assert_true(plan(kit, "f=png,scq=70").palette);
}

/* A client of AVIF alone may get AVIF, JPEG, PNG or GIF, but never WebP. */
static void a_quality_goes_to_all_that_may_come_out(void **state)
{
	struct kit *kit = *state;
	kit->choice.class = SLV_IMAGE_CLASS_AVIF;
	struct slv_pixel_plan p = plan(kit, "f=auto,q=50");
	assert_int_equal(p.quality[SLV_FORMAT_AVIF], 36); /* 50·62/85 */
	assert_int_equal(p.quality[SLV_FORMAT_JPEG], 50);
	assert_int_equal(p.quality[SLV_FORMAT_PNG], 50);
	assert_true(p.palette);
	assert_int_equal(p.quality[SLV_FORMAT_WEBP], 80);
	assert_int_equal(p.metadata, SLV_METADATA_COPYRIGHT);
	kit->choice.class = SLV_IMAGE_CLASS_AVIF_WEBP;
	p = plan(kit, "f=auto,q=50");
	assert_int_equal(p.quality[SLV_FORMAT_WEBP], 47); /* 50·80/85 */
	assert_int_equal(p.quality[SLV_FORMAT_JPEG], 85);
	assert_int_equal(p.metadata, SLV_METADATA_NONE);
	assert_false(p.palette);
}

static void a_slow_client_gets_the_slow_quality(void **state)
{
	struct kit *kit = *state;
	same(kit, "f=webp,q=70,scq=30", "f=webp,q=70");
	kit->choice.slow = true;
	same(kit, "f=webp,q=70,scq=30", "f=webp,q=30");
	same(kit, "f=webp,scq=30", "f=webp,q=30");
	same(kit, "f=webp,q=70", "q=70,f=webp");
}

static void ways_to_say_the_same_give_the_same_plan(void **state)
{
	struct kit *kit = *state;
	static const char *const pairs[][2] = {
		{ "w=100,h=50", "height=50,width=100" },
		{ "w=100,fit=scale-down", "w=100" },
		{ "w=9,h=9,fit=cover,g=center", "w=9,h=9,fit=cover" },
		{ "w=9,h=9,fit=cover,g=0.5x0.5", "w=9,h=9,fit=cover" },
		{ "w=9,h=9,fit=cover,g=left", "w=9,h=9,fit=cover,g=0x0.5" },
		{ "w=9,h=9,fit=cover,g=top", "w=9,h=9,fit=cover,gravity=0.50x0" },
		{ "w=9,h=9,g=left", "w=9,h=9" },
		{ "w=9,h=9,fit=squeeze,g=auto", "w=9,h=9,fit=squeeze" },
		{ "fit=cover,dpr=1", "fit=pad,g=auto" },
		{ "rotate=360,w=1", "w=1" },
		{ "rotate=0,w=1", "w=1" },
		{ "f=jpeg,q=85", "f=jpeg" },
		{ "f=webp,q=85", "f=webp" },
		{ "f=webp,q=high", "f=webp,q=90" },
		{ "f=webp,metadata=keep", "f=webp" },
		{ "f=jpeg,anim=false", "f=jpeg" },
		{ "f=jpeg,frames=5", "f=jpeg" },
		{ "anim=false", "frames=1" },
		{ "anim=false,frames=9", "anim=false" },
		{ "frames=256", "frames=999" },
		{ "w=1,brightness=0", "w=1,brightness=1" },
		{ "w=1,gamma=0", "w=1,gamma=1.0" },
		{ "w=1,blur=0,sharpen=0", "w=1" },
		{ "w=1,blur=0.50", "w=1,blur=0.5" },
		{ "w=1,blur=-0", "w=1" },
		{ "w=1,zoom=0.5", "w=1" },
		{ "w=1,upscale=interpolate", "w=1" },
		{ "w=1,onerror=redirect", "w=1" },
		{ "w=1,dpr=1.0", "w=1" },
		{ "trim=0;0;0;0,w=1", "w=1" },
		{ "trim.top=1,trim.left=2", "trim=1;0;0;2" },
		{ "trim.border.keep=0", "trim=border" },
		{ "trim=border,trim.border.tolerance=10", "trim=border" },
		{ "background=red,w=1", "w=1,background=%23F00" },
		{ "background=rgb(255%200%200),w=1", "w=1,background=hsl(0,100%25,50%25)" },
		{ "f=json,q=3,compression=fast", "f=json" },
		{ "f=png", "f=png-force" },
	};
	for (size_t i = 0; i < SLV_COUNT(pairs); i++)
		same(kit, pairs[i][0], pairs[i][1]);
}

static void different_meanings_give_different_plans(void **state)
{
	struct kit *kit = *state;
	static const char *const texts[] = { "w=100", "h=100", "w=101", "w=100,dpr=2",
		"w=100,fit=contain", "w=100,h=100,fit=cover", "w=100,h=100,fit=crop",
		"w=100,h=100,fit=aspect-crop", "w=100,h=100,fit=pad", "w=100,h=100,fit=squeeze",
		"w=100,h=100,fit=scale-up", "w=100,h=100,fit=cover,g=left",
		"w=100,h=100,fit=cover,g=auto", "w=100,h=100,fit=cover,g=entropy",
		"w=100,h=100,fit=cover,g=0.1x0", "w=100,q=84", "w=100,f=webp", "w=100,f=avif",
		"w=100,f=jpeg", "w=100,f=baseline-jpeg", "w=100,f=png", "w=100,f=gif",
		"w=100,f=json", "w=100,f=auto", "w=100,anim=false", "w=100,background=red",
		"w=100,background=white", "w=100,background=transparent", "w=100,blur=1",
		"w=100,sharpen=1", "w=100,brightness=2", "w=100,contrast=2", "w=100,saturation=0",
		"w=100,gamma=2", "w=100,rotate=90", "w=100,rotate=180", "w=100,rotate=270",
		"w=100,flip=h", "w=100,flip=v", "w=100,flip=hv", "w=100,trim=1;0;0;0",
		"w=100,trim=0;1;0;0", "w=100,trim=0;0;1;0", "w=100,trim=0;0;0;1",
		"w=100,trim.width=1", "w=100,trim.height=1", "w=100,trim=border",
		"w=100,trim.border.tolerance=11", "w=100,trim.border.keep=1",
		"w=100,trim.border.color=red", "w=100,metadata=keep", "w=100,metadata=none",
		"w=100,compression=fast", "w=100,blurhash=true", "w=100,thumbhash=true",
		"w=100,frames=5" };
	for (size_t i = 0; i < SLV_COUNT(texts); i++)
		for (size_t j = i + 1; j < SLV_COUNT(texts); j++)
			different(kit, texts[i], texts[j]);
}

static void auto_width_comes_from_the_choice(void **state)
{
	struct kit *kit = *state;
	kit->choice.width = 768;
	same(kit, "w=auto", "w=768");
	kit->defaults.width_max = 500;
	same(kit, "w=auto", "w=500");
}

static void settings_become_part_of_the_plan(void **state)
{
	struct kit *kit = *state;
	kit->defaults.fit = SLV_FIT_CONTAIN;
	assert_int_equal(plan(kit, "w=1").fit, SLV_FIT_CONTAIN);
	assert_int_equal(plan(kit, "w=1,fit=cover").fit, SLV_FIT_COVER);
	kit->defaults.metadata = SLV_METADATA_KEEP;
	assert_int_equal(plan(kit, "w=1").metadata, SLV_METADATA_KEEP);
	kit->defaults.effort_avif = 3;
	assert_int_equal(plan(kit, "w=1").effort[SLV_FORMAT_AVIF], 3);
	kit->defaults.source_pixels_max = 11;
	kit->defaults.frames_pixels_max = 12;
	kit->defaults.frames_max = 13;
	kit->defaults.output_pixels_max = 14;
	kit->defaults.output_side_max = 15;
	kit->defaults.avif_pixels_max = 16;
	struct slv_pixel_limits limits = plan(kit, "w=1").limits;
	assert_int_equal(limits.source_pixels_max, 11);
	assert_int_equal(limits.frames_pixels_max, 12);
	assert_int_equal(limits.frames_max, 13);
	assert_int_equal(limits.output_pixels_max, 14);
	assert_int_equal(limits.output_side_max, 15);
	assert_int_equal(limits.avif_pixels_max, 16);
	assert_int_equal(plan(kit, "frames=12").limits.frames_max, 12);
	assert_int_equal(plan(kit, "frames=14").limits.frames_max, 13);
	kit->defaults.allow_jxl = kit->defaults.allow_svg = true;
	assert_true(plan(kit, "w=1").allow_jxl && plan(kit, "w=1").allow_svg);
	assert_int_equal(plan(kit, "w=1").magic, SLV_PIXEL_MAGIC);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(auto_goes_by_class),
		TEST(an_explicit_format_is_the_same_for_all_classes),
		TEST(quality_is_mapped_through_the_defaults),
		TEST(an_explicit_quality_makes_a_palette),
		TEST(a_quality_goes_to_all_that_may_come_out),
		TEST(a_slow_client_gets_the_slow_quality),
		TEST(ways_to_say_the_same_give_the_same_plan),
		TEST(different_meanings_give_different_plans),
		TEST(auto_width_comes_from_the_choice),
		TEST(settings_become_part_of_the_plan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
