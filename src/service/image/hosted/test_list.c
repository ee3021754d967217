/* Lists at their bounds, and while somebody else changes what is listed. */
#include "service/image/hosted/testing.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define V1 "/accounts/:/images/v1"
#define V2 "/accounts/:/images/v2"
#define COUNT 12

/* A picture, in the lists at a time that may be past. */
static void store_at(struct kit *kit, const char *id, int64_t listed_ms, int64_t uploaded_ms)
{
	char row[HOSTED_IMAGE_BYTES_MAX], rooms[3][HOSTED_KEY_BYTES_MAX];
	slv_str name = slv_str_from(id);
	struct hosted_image image = { .uploaded_ms = uploaded_ms, .creator = SLV_STR("ada") };
	struct slv_omap_change changes[] = {
		{ .what = SLV_OMAP_PUT,
				.key = hosted_row_key('i', name, rooms[0]),
				.value = { row, hosted_image_write(&image, row) } },
		{ .what = SLV_OMAP_PUT, .key = hosted_time_key('n', listed_ms, name, rooms[1]) },
		{ .what = SLV_OMAP_PUT, .key = hosted_time_key('o', listed_ms, name, rooms[2]) },
	};
	kit_write(kit, changes, SLV_COUNT(changes));
}

/* p01, p02, … in that order. */
static void store(struct kit *kit, int count)
{
	char id[16];
	for (int i = 1; i <= count; i++) {
		snprintf(id, sizeof(id), "p%02d", i);
		store_at(kit, id, i, i);
	}
}

struct page {
	int status;
	size_t count;
	char ids[256]; /* each with a blank behind it */
	size_t bytes[COUNT];
	char token[128]; /* empty: the list ends here */
	char why[256];
};

static void take_images(struct page *page, const json_t *images)
{
	struct slv_buf text;
	slv_buf_init(&text, 4096);
	page->count = json_array_size(images);
	for (size_t i = 0; i < page->count; i++) {
		const json_t *image = json_array_get(images, i);
		size_t len = strlen(page->ids);
		snprintf(page->ids + len, sizeof(page->ids) - len, "%s ",
				json_string_value(json_object_get(image, "id")));
		slv_buf_clear(&text);
		slv_api_dump(image, &text);
		page->bytes[i] = text.len;
	}
	slv_buf_done(&text);
}

static struct page list(struct kit *kit, const char *path, const char *query)
{
	struct page page = { 0 };
	kit->query = query;
	page.status = kit_ask(kit, SLV_METHOD_GET, path, "", "", (slv_str){ 0 });
	const json_t *result = json_object_get(kit->body, "result");
	const json_t *error = json_array_get(json_object_get(kit->body, "errors"), 0);
	slv_str token = slv_api_member(result, "continuation_token");
	slv_str why = slv_api_member(error, "message");
	take_images(&page, json_object_get(result, "images"));
	snprintf(page.token, sizeof(page.token), "%.*s", SLV_FMT(token));
	snprintf(page.why, sizeof(page.why), "%.*s", SLV_FMT(why));
	kit_done(kit);
	return page;
}

/* All pages of a list; `*ret_pages` of them. */
static void whole(struct kit *kit, const char *query, char ids[static 512], size_t *ret_pages)
{
	char next[256];
	struct page page;
	ids[0] = 0;
	*ret_pages = 0;
	snprintf(next, sizeof(next), "%s", query);
	do {
		page = list(kit, V2, next);
		assert_int_equal(page.status, 200);
		size_t len = strlen(ids);
		snprintf(ids + len, 512 - len, "%s", page.ids);
		snprintf(next, sizeof(next), "%s&continuation_token=%s", query, page.token);
		assert_true(++*ret_pages < 20);
	} while (page.token[0]);
}

#define ALL "p01 p02 p03 p04 p05 p06 p07 p08 p09 p10 p11 p12 "

static void a_page_ends_by_the_bytes_of_its_pictures(void **state)
{
	struct kit *kit = *state;
	char ids[512];
	size_t pages, bytes = 0;
	store(kit, COUNT);
	struct page page = list(kit, V2, "sort_order=asc");
	assert_int_equal(page.count, COUNT);
	for (size_t i = 0; i < 5; i++)
		bytes += page.bytes[i];
	kit->hosted->list_limits.page_bytes = bytes;
	assert_int_equal(list(kit, V2, "sort_order=asc").count, 5);
	whole(kit, "sort_order=asc", ids, &pages);
	assert_string_equal(ids, ALL);
	assert_int_equal(pages, 3);
	kit->hosted->list_limits.page_bytes = bytes - 1;
	assert_int_equal(list(kit, V2, "sort_order=asc").count, 4);
}

static void a_page_has_one_picture_at_least(void **state)
{
	struct kit *kit = *state;
	char ids[512];
	size_t pages;
	store(kit, COUNT);
	kit->hosted->list_limits.page_bytes = 1;
	whole(kit, "sort_order=asc", ids, &pages);
	assert_string_equal(ids, ALL);
	assert_int_equal(pages, COUNT);
}

/* There is no token by which it would go on. */
static void a_page_with_a_number_is_whole_or_refused(void **state)
{
	struct kit *kit = *state;
	size_t bytes = 0;
	store(kit, COUNT);
	struct page page = list(kit, V1, "per_page=10");
	assert_int_equal(page.count, 10);
	for (size_t i = 0; i < page.count; i++)
		bytes += page.bytes[i];
	kit->hosted->list_limits.page_bytes = bytes;
	page = list(kit, V1, "per_page=10");
	assert_int_equal(page.status, 200);
	assert_int_equal(page.count, 10);
	kit->hosted->list_limits.page_bytes = bytes - 1;
	page = list(kit, V1, "per_page=10");
	assert_int_equal(page.status, 413);
	assert_non_null(strstr(page.why, "images/v2"));
}

/* It was removed and uploaded again after its time was read, and before its row was. */
static void a_picture_that_is_uploaded_anew_makes_none_skipped(void **state)
{
	struct kit *kit = *state;
	char ids[512];
	size_t pages;
	store(kit, COUNT);
	store_at(kit, "p10", 100, 100);
	whole(kit, "sort_order=asc&per_page=10", ids, &pages);
	assert_string_equal(ids, "p01 p02 p03 p04 p05 p06 p07 p08 p09 p11 p12 p10 ");
	whole(kit, "sort_order=desc&per_page=10", ids, &pages);
	assert_string_equal(ids, "p10 p12 p11 p09 p08 p07 p06 p05 p04 p03 p02 p01 ");
	assert_int_equal(pages, 2);
}

static void a_picture_that_is_removed_meanwhile_makes_none_skipped(void **state)
{
	struct kit *kit = *state;
	char ids[512], room[HOSTED_KEY_BYTES_MAX];
	size_t pages;
	store(kit, COUNT);
	struct slv_omap_change gone = { .what = SLV_OMAP_REMOVE,
		.key = hosted_row_key('i', SLV_STR("p10"), room) };
	kit_write(kit, &gone, 1);
	whole(kit, "sort_order=asc&per_page=10", ids, &pages);
	assert_string_equal(ids, "p01 p02 p03 p04 p05 p06 p07 p08 p09 p11 p12 ");
	assert_int_equal(pages, 2);
}

static void a_list_with_a_filter_looks_at_so_many_pictures_at_once(void **state)
{
	struct kit *kit = *state;
	char ids[512];
	size_t pages;
	store(kit, COUNT);
	kit->hosted->list_limits.looked_at = COUNT;
	struct page page = list(kit, V2, "creator=nobody");
	assert_int_equal(page.status, 200);
	assert_string_equal(page.token, "");
	kit->hosted->list_limits.looked_at = COUNT - 1;
	page = list(kit, V2, "creator=nobody");
	assert_int_equal(page.status, 200);
	assert_int_equal(page.count, 0);
	assert_true(page.token[0]);
	whole(kit, "creator=ada&sort_order=asc", ids, &pages);
	assert_string_equal(ids, ALL);
	assert_int_equal(pages, 2);
	assert_int_equal(list(kit, V2, "sort_order=asc").count, COUNT); /* without a filter */
}

static void a_list_by_page_with_a_filter_looks_at_so_many_pictures(void **state)
{
	struct kit *kit = *state;
	store(kit, COUNT);
	kit->hosted->list_limits.looked_at_by_page = COUNT;
	assert_int_equal(list(kit, V1, "creator=nobody").status, 200);
	kit->hosted->list_limits.looked_at_by_page = COUNT - 1;
	struct page page = list(kit, V1, "creator=nobody");
	assert_int_equal(page.status, 413);
	assert_non_null(strstr(page.why, "images/v2 only"));
	assert_int_equal(list(kit, V1, "creator=ada&per_page=10").count, 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_page_ends_by_the_bytes_of_its_pictures),
		TEST(a_page_has_one_picture_at_least),
		TEST(a_page_with_a_number_is_whole_or_refused),
		TEST(a_picture_that_is_uploaded_anew_makes_none_skipped),
		TEST(a_picture_that_is_removed_meanwhile_makes_none_skipped),
		TEST(a_list_with_a_filter_looks_at_so_many_pictures_at_once),
		TEST(a_list_by_page_with_a_filter_looks_at_so_many_pictures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
