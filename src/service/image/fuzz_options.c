/* fuzz_options.c - options from anybody
 *
 * What is taken must give a plan in its ranges; and its options in the opposite order must
 * be taken too and give the same key.
 */
#include "base/assert.h"
#include "service/image/key.h"
#include "service/image/plan.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(double value, double min, double max)
{
	return value >= min && value <= max;
}

static void check(const struct slv_pixel_plan *plan)
{
	slv_assert(plan->format <= SLV_FORMAT_GIF);
	slv_assert(plan->fallback == SLV_FORMAT_WEBP || plan->fallback == SLV_FORMAT_JPEG ||
			plan->fallback == SLV_FORMAT_SAME);
	slv_assert(plan->metadata < SLV_METADATA_COUNT);
	for (int format = SLV_FORMAT_JPEG; format <= SLV_FORMAT_GIF; format++)
		slv_assert(plan->quality[format] >= 1 && plan->quality[format] <= 100);
	slv_assert(plan->width <= SLV_PIXEL_SIDE_MAX && plan->height <= SLV_PIXEL_SIDE_MAX);
	slv_assert(plan->dpr > 0 && plan->dpr <= 2);
	slv_assert(plan->fit < SLV_FIT_COUNT && plan->gravity < SLV_GRAVITY_COUNT);
	slv_assert(plan->flip <= (SLV_FLIP_H | SLV_FLIP_V) && plan->trim < SLV_TRIM_COUNT);
	slv_assert(plan->rotate % 90 == 0 && plan->rotate < 360);
	slv_assert(within(plan->point.x, 0, 1) && within(plan->point.y, 0, 1));
	slv_assert(within(plan->blur, 0, 250) && within(plan->sharpen, 0, 10));
	slv_assert(within(plan->brightness, 0, 10) && within(plan->contrast, 0, 10));
	slv_assert(within(plan->saturation, 0, 10) && plan->gamma > 0 && plan->gamma <= 10);
	slv_assert(plan->limits.frames_max >= 1);
}

/* The options of a decoded text in the opposite order; its length. */
static size_t turn(slv_str text, char *ret_text)
{
	size_t depth = 0, end = text.len, len = 0;
	for (size_t i = text.len + 1; i--;) {
		char c = i ? text.at[i - 1] : ',';
		if (c == ')')
			depth++;
		else if (c == '(' && depth)
			depth--;
		if (c != ',' || depth)
			continue;
		if (len)
			ret_text[len++] = ',';
		memcpy(ret_text + len, text.at + i, end - i);
		len += end - i;
		end = i ? i - 1 : 0;
	}
	return len;
}

static struct slv_digest key_of(const struct slv_image_options *options,
		const struct slv_image_defaults *defaults, uint8_t class)
{
	struct slv_image_choice choice = {
		.class = class % SLV_IMAGE_CLASS_COUNT,
		.slow = class & 4,
		.width = 768,
	};
	struct slv_pixel_plan plan;
	struct slv_digest source = { { 0 } };
	slv_image_plan_make(options, defaults, &choice, &plan);
	check(&plan);
	return slv_image_variant_key(&source, &plan, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slv_arena arena;
	struct slv_image_defaults defaults;
	struct slv_image_options options, turned;
	slv_arena_init(&arena, 4096, 65536);
	slv_image_defaults_init(&defaults);
	slv_str text = { (const char *)data, size };
	slv_err err = slv_image_options_parse(&arena, text, &defaults, &options);
	slv_assert(!slv_failed(err) || (err.what && strlen(err.what) < 300));
	bool plain = !memchr(data, '%', size) && !memchr(data, '(', size) &&
	             !memchr(data, ')', size);
	if (!slv_failed(err)) {
		char room[2 * SLV_IMAGE_OPTIONS_BYTES_MAX];
		struct slv_digest key = key_of(&options, &defaults, data[0]);
		slv_str back = { room, plain ? turn(text, room) : 0 };
		if (plain) {
			err = slv_image_options_parse(&arena, back, &defaults, &turned);
			slv_assert(!slv_failed(err));
			struct slv_digest other = key_of(&turned, &defaults, data[0]);
			slv_assert(memcmp(&key, &other, sizeof(key)) == 0);
		}
	}
	slv_arena_done(&arena);
	return 0;
}
