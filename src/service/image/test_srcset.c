#include "service/image/srcset.h"

#include "base/attr.h"
#include "base/testing.h"

#include <string.h>

static const struct slv_image_sign_key key = { SLV_STR_INIT("k1"), SLV_STR_INIT("secret") };

static struct slv_image_picture picture_of(void)
{
	return (struct slv_image_picture){
		.origin = SLV_STR("https://img.example"),
		.route = SLV_STR("/cdn-cgi/image/"),
		.options = SLV_STR("fit=cover,height=200"),
		.source = SLV_STR("/samples/cat.jpg?v=1&w=2"),
		.widths = SLV_STR("320,640"),
		.alt = SLV_STR("a \"cat\" <b> & 'c'"),
		.avif = true,
		.webp = true,
		.exp_s = 1800000000,
	};
}

static size_t count_of(slv_str text, const char *part)
{
	size_t count = 0;
	slv_str needle = slv_str_from(part);
	for (size_t at; (at = slv_str_find_str(text, needle)) < text.len; count++)
		text = slv_str_from_index(text, at + needle.len);
	return count;
}

static slv_str unescaped(slv_str text, char *room)
{
	size_t len = 0;
	while (text.len) {
		bool amp = slv_str_starts(text, SLV_STR("&amp;"));
		room[len++] = text.at[0];
		text = slv_str_from_index(text, amp ? 5 : 1);
	}
	return (slv_str){ room, len };
}

static void verify(slv_str url)
{
	char room[1024];
	struct slv_image_signing signing = {
		.required = true,
		.keys = { (void *)(uintptr_t)&key, 1 },
	};
	slv_str link = slv_str_from_index(unescaped(url, room), strlen("https://img.example"));
	struct slv_image_target target = { .query = link };
	target.path = slv_str_cut(&target.query, '?');
	target.options = slv_str_from_index(target.path, strlen("/cdn-cgi/image/"));
	target.options = slv_str_head(target.options, slv_str_find(target.options, '/'));
	struct slv_image_grant grant;
	slv_err err = slv_image_sign_verify(&signing, &target, 1700000000, &grant);
	if (slv_failed(err))
		fail_msg("'%.*s': %s", SLV_FMT(link), err.what);
	assert_true(slv_str_eq(grant.query, SLV_STR("v=1&w=2")));
	assert_true(slv_str_ends(target.path, SLV_STR(",fit=cover,height=200/samples/cat.jpg")));
}

/* Every link of the element is cut out of it as a browser would, and verified. */
static void every_link_of_the_element_verifies(void **state)
{
	(void)state;
	struct slv_image_picture picture = picture_of();
	SLV_CLEANUP(slv_buf_done) struct slv_buf buf;
	slv_buf_init(&buf, 65536);
	slv_err err = slv_image_srcset_print(&key, &picture, &buf);
	assert_false(slv_failed(err));
	slv_str html = slv_buf_str(&buf), rest = html, origin = picture.origin;
	size_t links = 0;
	for (size_t at; (at = slv_str_find_str(rest, origin)) < rest.len; links++) {
		rest = slv_str_from_index(rest, at);
		size_t space = slv_str_find(rest, ' '), quote = slv_str_find(rest, '"');
		slv_str url = slv_str_head(rest, space < quote ? space : quote);
		verify(url);
		rest = slv_str_from_index(rest, url.len);
	}
	assert_int_equal(links, 7); /* two widths in three formats, and src */
	assert_int_equal(count_of(html, "<source type=\"image/avif\""), 1);
	assert_int_equal(count_of(html, "<source type=\"image/webp\""), 1);
	assert_int_equal(count_of(html, "width=320,format=avif"), 1);
	assert_int_equal(count_of(html, "width=640,format=webp"), 1);
	assert_int_equal(count_of(html, "width=640,format=auto"), 2);
	assert_int_equal(count_of(html, " 320w, "), 3);
	assert_int_equal(count_of(html, " 640w\""), 3);
	assert_int_equal(count_of(html, "sizes=\"100vw\""), 3);
	assert_int_equal(
			count_of(html, "alt=\"a &quot;cat&quot; &lt;b&gt; &amp; &#39;c&#39;\""), 1);
	assert_true(slv_str_starts(html, SLV_STR("<picture>\n")));
	assert_true(slv_str_ends(html, SLV_STR("</picture>\n")));
}

static void formats_can_be_left_out(void **state)
{
	(void)state;
	struct slv_image_picture picture = picture_of();
	picture.avif = picture.webp = false;
	picture.options = (slv_str){ 0 };
	picture.source = SLV_STR("https://o.example/a.jpg");
	picture.sizes = SLV_STR("(min-width: 9em) 50vw");
	SLV_CLEANUP(slv_buf_done) struct slv_buf buf;
	slv_buf_init(&buf, 65536);
	assert_false(slv_failed(slv_image_srcset_print(&key, &picture, &buf)));
	slv_str html = slv_buf_str(&buf);
	assert_int_equal(count_of(html, "<source"), 0);
	assert_int_equal(count_of(html, "formats=auto&amp;"), 3);
	assert_int_equal(count_of(html, "/cdn-cgi/image/width=640,format=auto/https://o.example/"
					"a.jpg?"),
			2);
	assert_int_equal(count_of(html, "sizes=\"(min-width: 9em) 50vw\""), 1);
}

static slv_err print(const struct slv_image_picture *picture, size_t room)
{
	SLV_CLEANUP(slv_buf_done) struct slv_buf buf;
	slv_buf_init(&buf, room);
	return slv_image_srcset_print(&key, picture, &buf);
}

static void what_makes_no_link_is_refused(void **state)
{
	(void)state;
	static const char *const options[] = { "w=5", "width=5", "fit=cover,f=webp", "format=auto",
		"fit=cover/..", "a?b", "a b", "q=80\n" };
	for (size_t i = 0; i < SLV_COUNT(options); i++) {
		struct slv_image_picture picture = picture_of();
		picture.options = slv_str_from(options[i]);
		assert_int_equal(print(&picture, 65536).code, SLV_E_OPTION);
	}
	static const char *const widths[] = { "", "0", "320,", "640,320", "320,320", "x", "16385" };
	for (size_t i = 0; i < SLV_COUNT(widths); i++) {
		struct slv_image_picture picture = picture_of();
		picture.widths = slv_str_from(widths[i]);
		assert_int_equal(print(&picture, 65536).code, SLV_E_OPTION);
	}
	static const char *const sources[] = { "/a b.jpg", "/a#b", "/\xc3\xa4", "/a?sig=1" };
	for (size_t i = 0; i < SLV_COUNT(sources); i++) {
		struct slv_image_picture picture = picture_of();
		picture.source = slv_str_from(sources[i]);
		assert_int_equal(print(&picture, 65536).code, SLV_E_OPTION);
	}
	struct slv_image_picture picture = picture_of();
	assert_int_equal(print(&picture, 1000).code, SLV_E_LIMIT);
	char longest[9000];
	memset(longest, 'a', sizeof(longest));
	picture.source = (slv_str){ longest, sizeof(longest) };
	assert_int_equal(print(&picture, 65536).code, SLV_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_link_of_the_element_verifies),
		cmocka_unit_test(formats_can_be_left_out),
		cmocka_unit_test(what_makes_no_link_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
