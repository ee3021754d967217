#include "service/image/key.h"

#include "base/attr.h"
#include "base/testing.h"
#include "service/image/plan.h"

#include <stdio.h>
#include <string.h>

static bool equal(struct slv_digest a, struct slv_digest b)
{
	return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

static void a_source_is_site_and_source(void **state)
{
	(void)state;
	struct slv_digest key = slv_image_source_key(SLV_STR("ab"), SLV_STR("/c"));
	assert_true(equal(key, slv_image_source_key(SLV_STR("ab"), SLV_STR("/c"))));
	assert_false(equal(key, slv_image_source_key(SLV_STR("a"), SLV_STR("b/c"))));
	assert_false(equal(key, slv_image_source_key(SLV_STR("ab"), SLV_STR("/C"))));
	assert_false(equal(key, slv_image_source_key(SLV_STR("ab/"), SLV_STR("c"))));
	assert_false(equal(key, slv_image_source_key(SLV_STR(""), SLV_STR("ab/c"))));
}

static struct slv_digest key_of(const char *text)
{
	struct slv_arena arena;
	struct slv_image_defaults defaults;
	struct slv_image_options options;
	struct slv_image_choice choice = { .class = SLV_IMAGE_CLASS_WEBP };
	struct slv_pixel_plan plan;
	slv_arena_init(&arena, 4096, 65536);
	slv_image_defaults_init(&defaults);
	assert_false(slv_failed(
			slv_image_options_parse(&arena, slv_str_from(text), &defaults, &options)));
	slv_image_plan_make(&options, &defaults, &choice, &plan);
	slv_arena_done(&arena);
	struct slv_digest source = slv_image_source_key(SLV_STR("site"), SLV_STR("/a.jpg"));
	return slv_image_variant_key(&source, &plan, NULL);
}

/* All 120 orders of five options, each with both spellings where there are two. */
static void permuted_and_aliased_options_share_a_key(void **state)
{
	(void)state;
	static const char *const options[5][2] = {
		{ "width=320", "w=320" },
		{ "height=200", "h=200" },
		{ "fit=cover", "fit=cover" },
		{ "gravity=left", "g=0x0.5" },
		{ "quality=high", "q=90" },
	};
	struct slv_digest expected =
			key_of("width=320,height=200,fit=cover,gravity=left,quality=high");
	size_t tried = 0;
	for (unsigned code = 0; code < 3125; code++) {
		unsigned order[5], used = 0, rest = code;
		for (size_t i = 0; i < 5; i++, rest /= 5)
			used |= SLV_BIT(order[i] = rest % 5);
		if (used != 31)
			continue;
		char text[128];
		size_t len = 0;
		for (size_t i = 0; i < 5; i++)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
					i ? "," : "", options[order[i]][(code + i) % 2]);
		if (!equal(key_of(text), expected))
			fail_msg("'%s' has another key", text);
		tried++;
	}
	assert_int_equal(tried, 120);
	assert_false(equal(key_of("w=321,h=200,fit=cover,g=left,q=90"), expected));
}

/* The canonical form loses nothing: it gives back the plan, byte for byte. */
static void every_bit_of_a_plan_counts(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = { 0 };
	struct slv_digest source = slv_image_source_key(SLV_STR("site"), SLV_STR("/a.jpg"));
	struct slv_digest none = slv_image_variant_key(&source, &plan, NULL);
	const size_t draw_count = offsetof(struct slv_pixel_plan, draw_count);
	for (size_t bit = 0; bit < sizeof(plan) * 8; bit++) {
		if (bit / 8 >= draw_count && bit / 8 < draw_count + sizeof(plan.draw_count))
			continue;
		((uint8_t *)&plan)[bit / 8] ^= (uint8_t)SLV_BIT(bit % 8);
		assert_false(equal(none, slv_image_variant_key(&source, &plan, NULL)));
		uint8_t bytes[SLV_IMAGE_PLAN_BYTES_MAX], back[sizeof(plan)] = { 0 };
		size_t len = slv_image_plan_bytes(&plan, bytes);
		assert_int_equal(len, 9);
		memcpy(back + (size_t)bytes[0] * 8, bytes + 1, 8);
		assert_memory_equal(back, &plan, sizeof(plan));
		((uint8_t *)&plan)[bit / 8] ^= (uint8_t)SLV_BIT(bit % 8);
	}
	uint8_t bytes[SLV_IMAGE_PLAN_BYTES_MAX];
	memset(&plan, 0xff, sizeof(plan));
	assert_int_equal(slv_image_plan_bytes(&plan, bytes), SLV_IMAGE_PLAN_BYTES_MAX);
}

static void source_and_draws_count(void **state)
{
	(void)state;
	struct slv_pixel_plan plan = { .draw_count = 2 };
	slv_str draws[] = { SLV_STR("/a"), SLV_STR("/b") },
		other[] = { SLV_STR("/a/"), SLV_STR("b") };
	slv_str swapped[] = { SLV_STR("/b"), SLV_STR("/a") };
	struct slv_digest one = slv_image_source_key(SLV_STR("site"), SLV_STR("/a.jpg"));
	struct slv_digest two = slv_image_source_key(SLV_STR("site"), SLV_STR("/b.jpg"));
	struct slv_digest key = slv_image_variant_key(&one, &plan, draws);
	assert_true(equal(key, slv_image_variant_key(&one, &plan, draws)));
	assert_false(equal(key, slv_image_variant_key(&two, &plan, draws)));
	assert_false(equal(key, slv_image_variant_key(&one, &plan, other)));
	assert_false(equal(key, slv_image_variant_key(&one, &plan, swapped)));
	plan.draw_count = 1;
	assert_false(equal(key, slv_image_variant_key(&one, &plan, draws)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_is_site_and_source),
		cmocka_unit_test(permuted_and_aliased_options_share_a_key),
		cmocka_unit_test(every_bit_of_a_plan_counts),
		cmocka_unit_test(source_and_draws_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
