#include "service/image/negotiate.h"

#include "base/attr.h"
#include "base/testing.h"

#include <stdio.h>
#include <string.h>

static enum slv_image_class class_of(const char *text)
{
	struct slv_accept accept;
	slv_accept_init(&accept);
	if (text)
		slv_accept_add(&accept, slv_str_from(text));
	return slv_image_class_of(&accept);
}

static void a_class_is_what_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *accept;
		enum slv_image_class class;
	} rows[] = {
		{ NULL, SLV_IMAGE_CLASS_PLAIN },
		{ "", SLV_IMAGE_CLASS_PLAIN },
		{ "*/*", SLV_IMAGE_CLASS_PLAIN },
		{ "image/*", SLV_IMAGE_CLASS_PLAIN },
		{ "image/*,*/*;q=0.8", SLV_IMAGE_CLASS_PLAIN },
		{ "text/html", SLV_IMAGE_CLASS_PLAIN },
		{ "image/jpeg", SLV_IMAGE_CLASS_PLAIN },
		{ "image/webp", SLV_IMAGE_CLASS_WEBP },
		{ "image/WebP", SLV_IMAGE_CLASS_WEBP },
		{ "image/webp,*/*", SLV_IMAGE_CLASS_WEBP },
		{ "image/avif", SLV_IMAGE_CLASS_AVIF },
		{ "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
				SLV_IMAGE_CLASS_AVIF_WEBP },
		{ "image/avif,image/webp,*/*", SLV_IMAGE_CLASS_AVIF_WEBP },
		{ "image/avif;q=0,image/webp", SLV_IMAGE_CLASS_WEBP },
		{ "image/avif, image/webp;q=0", SLV_IMAGE_CLASS_AVIF },
		{ "image/avif;q=0,image/webp;q=0,*/*", SLV_IMAGE_CLASS_PLAIN },
		{ "image/avif;q=0.8,image/webp", SLV_IMAGE_CLASS_WEBP },
		{ "image/avif,image/webp;q=0.8", SLV_IMAGE_CLASS_AVIF_WEBP },
		{ "image/avif;q=0.5,image/webp;q=0.5,image/jpeg", SLV_IMAGE_CLASS_PLAIN },
		{ "image/avif,image/webp;q=0.5,image/jpeg;q=0.6", SLV_IMAGE_CLASS_AVIF },
		{ "image/webp;q=0.5,*/*;q=0.8", SLV_IMAGE_CLASS_PLAIN },
	};
	for (size_t i = 0; i < SLV_COUNT(rows); i++)
		if (class_of(rows[i].accept) != rows[i].class)
			fail_msg("'%s' is of class %d", rows[i].accept,
					(int)class_of(rows[i].accept));
}

/* A small generator of its own, so that a failure comes back with the same seed. */
static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void ten_thousand_accept_headers_make_four_classes(void **state)
{
	(void)state;
	static const char *const types[] = { "image/avif", "image/webp", "image/jpeg", "image/*",
		"*/*", "image/jxl", "text/html", "image/png", "image/", "avif", "image/avif;v=1" };
	static const char *const weights[] = { "", ";q=0", ";q=0.5", ";q=1", ";q=0.001", "; q=0.9",
		";q=2", ";q=" };
	uint32_t seed = 20261;
	size_t seen[SLV_IMAGE_CLASS_COUNT] = { 0 };
	for (int i = 0; i < 10000; i++) {
		char text[256];
		size_t len = 0;
		text[0] = 0;
		for (uint32_t left = next(&seed) % 6; left; left--)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s%s",
					len ? "," : "", types[next(&seed) % SLV_COUNT(types)],
					weights[next(&seed) % SLV_COUNT(weights)]);
		enum slv_image_class class = class_of(text);
		if ((unsigned)class >= SLV_IMAGE_CLASS_COUNT)
			fail_msg("'%s' is of class %d", text, (int)class);
		seen[class]++;
	}
	for (size_t i = 0; i < SLV_COUNT(seen); i++)
		if (seen[i] < 50) /* the generator reaches all four */
			fail_msg("class %zu came %zu times", i, seen[i]);
}

struct client {
	struct slv_arena arena;
	struct slv_fields fields;
};

static void start(struct client *client)
{
	slv_arena_init(&client->arena, 4096, 65536);
	slv_fields_init(&client->fields, &client->arena);
}

static void with(struct client *client, enum slv_field_id id, const char *value)
{
	assert_false(slv_failed(slv_fields_add_id(&client->fields, id, slv_str_from(value))));
}

static bool slow_by(enum slv_field_id id, const char *value)
{
	struct client client;
	start(&client);
	with(&client, id, value);
	bool slow = slv_image_is_slow(&client.fields);
	slv_arena_done(&client.arena);
	return slow;
}

static void slow_is_beyond_the_documented_marks(void **state)
{
	(void)state;
	struct client client;
	start(&client);
	assert_false(slv_image_is_slow(&client.fields));
	slv_arena_done(&client.arena);

	assert_true(slow_by(SLV_FIELD_RTT, "151"));
	assert_false(slow_by(SLV_FIELD_RTT, "150"));
	assert_false(slow_by(SLV_FIELD_RTT, "-151"));
	assert_false(slow_by(SLV_FIELD_RTT, "many"));
	assert_true(slow_by(SLV_FIELD_DOWNLINK, "4.9"));
	assert_true(slow_by(SLV_FIELD_DOWNLINK, "0"));
	assert_false(slow_by(SLV_FIELD_DOWNLINK, "5"));
	assert_false(slow_by(SLV_FIELD_DOWNLINK, ""));
	assert_true(slow_by(SLV_FIELD_SAVE_DATA, "on"));
	assert_true(slow_by(SLV_FIELD_SAVE_DATA, "On"));
	assert_false(slow_by(SLV_FIELD_SAVE_DATA, "off"));
	assert_true(slow_by(SLV_FIELD_ECT, "slow-2g"));
	assert_true(slow_by(SLV_FIELD_ECT, "2g"));
	assert_true(slow_by(SLV_FIELD_ECT, "3g"));
	assert_false(slow_by(SLV_FIELD_ECT, "4g"));
}

static uint32_t width_by(enum slv_field_id id, const char *value, const char *dpr)
{
	struct client client;
	start(&client);
	with(&client, id, value);
	if (dpr)
		with(&client, SLV_FIELD_SEC_CH_DPR, dpr);
	uint32_t width = slv_image_auto_width(&client.fields);
	slv_arena_done(&client.arena);
	return width;
}

static void auto_width_is_the_next_bucket(void **state)
{
	(void)state;
	assert_int_equal(width_by(SLV_FIELD_SEC_CH_WIDTH, "1", NULL), 320);
	assert_int_equal(width_by(SLV_FIELD_SEC_CH_WIDTH, "320", NULL), 320);
	assert_int_equal(width_by(SLV_FIELD_SEC_CH_WIDTH, "321", NULL), 768);
	assert_int_equal(width_by(SLV_FIELD_WIDTH, "768", NULL), 768);
	assert_int_equal(width_by(SLV_FIELD_WIDTH, "769", NULL), 960);
	assert_int_equal(width_by(SLV_FIELD_WIDTH, "961", NULL), 1200);
	assert_int_equal(width_by(SLV_FIELD_WIDTH, "100000", NULL), 1200);
	assert_int_equal(width_by(SLV_FIELD_SEC_CH_WIDTH, "300", "3"), 320); /* device px already */
	assert_int_equal(width_by(SLV_FIELD_VIEWPORT_WIDTH, "300", NULL), 320);
	assert_int_equal(width_by(SLV_FIELD_VIEWPORT_WIDTH, "300", "2"), 768);
	assert_int_equal(width_by(SLV_FIELD_SEC_CH_VIEWPORT_WIDTH, "400", "2.25"), 960);
	assert_int_equal(width_by(SLV_FIELD_SEC_CH_VIEWPORT_WIDTH, "39", "100"), 320); /* as 8 */
	assert_int_equal(width_by(SLV_FIELD_SEC_CH_WIDTH, "wide", NULL), 1200);
	assert_int_equal(width_by(SLV_FIELD_USER_AGENT,
					 "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) "
					 "Mobile/15E148",
					 NULL),
			768);
	assert_int_equal(width_by(SLV_FIELD_USER_AGENT,
					 "Mozilla/5.0 (Linux; Android 14; Tab) Chrome/120 "
					 "Safari/537",
					 NULL),
			960);
	assert_int_equal(width_by(SLV_FIELD_USER_AGENT, "Mozilla/5.0 (iPad) Mobile/1", NULL), 960);
	assert_int_equal(width_by(SLV_FIELD_USER_AGENT, "curl/8", NULL), 1200);
}

static void only_what_the_options_need_is_looked_at(void **state)
{
	(void)state;
	struct client client;
	start(&client);
	with(&client, SLV_FIELD_ACCEPT, "image/webp");
	with(&client, SLV_FIELD_ACCEPT, "image/avif");
	with(&client, SLV_FIELD_SAVE_DATA, "on");
	with(&client, SLV_FIELD_SEC_CH_WIDTH, "500");
	struct slv_image_choice plain = slv_image_choose(&client.fields, false, false);
	assert_int_equal(plain.class, SLV_IMAGE_CLASS_AVIF_WEBP);
	assert_false(plain.slow);
	assert_int_equal(plain.width, 0);
	struct slv_image_choice all = slv_image_choose(&client.fields, true, true);
	assert_true(all.slow);
	assert_int_equal(all.width, 768);
	slv_arena_done(&client.arena);
}

static bool names(slv_str list, const char *name)
{
	for (slv_str rest = list; rest.at;)
		if (slv_str_eq_nocase(slv_str_trim(slv_str_cut(&rest, ',')), slv_str_from(name)))
			return true;
	return false;
}

static void vary_names_what_was_looked_at(void **state)
{
	(void)state;
	static const char *const width[] = { "Sec-CH-Width", "Width", "Sec-CH-Viewport-Width",
		"Viewport-Width", "Sec-CH-DPR", "DPR", "User-Agent" };
	static const char *const slow[] = { "RTT", "Downlink", "ECT", "Save-Data" };
	for (int i = 0; i < 4; i++) {
		bool by_width = i & 1, by_slow = i & 2;
		slv_str vary = slv_image_vary(by_width, by_slow);
		assert_true(names(vary, "Accept"));
		for (size_t j = 0; j < SLV_COUNT(width); j++)
			assert_int_equal(names(vary, width[j]), by_width);
		for (size_t j = 0; j < SLV_COUNT(slow); j++)
			assert_int_equal(names(vary, slow[j]), by_slow);
		slv_str hints = slv_image_accept_ch(by_width, by_slow);
		assert_int_equal(names(hints, "Sec-CH-Width"), by_width);
		assert_int_equal(names(hints, "RTT"), by_slow);
		assert_int_equal(hints.len == 0, i == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_class_is_what_is_named),
		cmocka_unit_test(ten_thousand_accept_headers_make_four_classes),
		cmocka_unit_test(slow_is_beyond_the_documented_marks),
		cmocka_unit_test(auto_width_is_the_next_bucket),
		cmocka_unit_test(only_what_the_options_need_is_looked_at),
		cmocka_unit_test(vary_names_what_was_looked_at),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
