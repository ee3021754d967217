#include "base/testing.h"

#include "api/api.h"
#include "service/image/hosted/variant.h"

#include <string.h>

struct made {
	struct slv_arena arena;
	struct slv_buf options;
	slv_err err;
};

static void make(struct made *made, const char *json)
{
	json_t *said = slv_api_json(slv_str_from(json));
	assert_non_null(said);
	slv_arena_init(&made->arena, 4096, SLV_KIB(64));
	slv_buf_init(&made->options, HOSTED_OPTIONS_BYTES_MAX);
	made->err = hosted_variant_options(&made->arena, said, &made->options);
	json_decref(said);
}

static void drop(struct made *made)
{
	slv_buf_done(&made->options);
	slv_arena_done(&made->arena);
}

static void becomes(const char *json, const char *options)
{
	struct made made;
	make(&made, json);
	assert_int_equal(made.err.code, SLV_E_NONE);
	assert_true(slv_str_eq(slv_buf_str(&made.options), slv_str_from(options)));
	struct hosted_variant variant = { .options = slv_buf_str(&made.options) };
	json_t *shown = hosted_variant_shown(SLV_STR("v"), &variant);
	json_t *wanted = slv_api_json(slv_str_from(json));
	assert_true(json_equal(json_object_get(shown, "options"), wanted));
	json_decref(wanted);
	json_decref(shown);
	drop(&made);
}

static void options_become_those_of_a_link_and_come_back(void **state)
{
	(void)state;
	becomes("{\"fit\":\"cover\",\"width\":400,\"metadata\":\"none\"}",
			"fit=cover,width=400,metadata=none");
	becomes("{\"blur\":5.5}", "blur=5.5");
	becomes("{\"anim\":false}", "anim=false");
	becomes("{\"background\":\"000000\"}", "background=000000");
	becomes("{\"background\":\"rgb(1,2,3)\",\"w\":5}", "background=rgb(1,2,3),w=5");
	becomes("{\"gravity\":\"0.5x0.25\"}", "gravity=0.5x0.25");
}

static void is_refused(const char *json, int code, const char *part)
{
	struct made made;
	make(&made, json);
	assert_int_equal(made.err.code, code);
	assert_non_null(strstr(made.err.what, part));
	drop(&made);
}

static void what_a_link_cannot_say_a_variant_cannot(void **state)
{
	(void)state;
	is_refused("[]", SLV_E_SYNTAX, "object");
	is_refused("{}", SLV_E_SYNTAX, "object");
	is_refused("{\"colour\":\"red\"}", SLV_E_OPTION, "colour");
	is_refused("{\"preset\":\"a\"}", SLV_E_OPTION, "preset");
	is_refused("{\"width\":null}", SLV_E_OPTION, "width");
	is_refused("{\"width\":0}", SLV_E_OPTION, "width");
	is_refused("{\"width\":5,\"w\":6}", SLV_E_OPTION, "w");
	is_refused("{\"fit\":\"%63over\"}", SLV_E_OPTION, "'%'");
	is_refused("{\"fit\":\"cover\\u0000\"}", SLV_E_OPTION, "'%'");
	is_refused("{\"gravity\":\"left,width=9\"}", SLV_E_OPTION, "'gravity' is more than");
	is_refused("{\"width\":\"9,preset=a\"}", SLV_E_OPTION, "'width' is more than");
	is_refused("{\"width\":\"9,\"}", SLV_E_OPTION, "'width' is more than");
	is_refused("{\"background\":\"rgb(1,2,3),width=9\"}", SLV_E_OPTION, "'background' is");
	is_refused("{\"background\":\"rgb(1\",\"width\":\"2)\"}", SLV_E_OPTION, "'background' is");
	is_refused("{\"segment\":\"foreground\"}", SLV_E_UNSUPPORTED, "segment");
}

static void options_have_a_bound(void **state)
{
	char json[HOSTED_OPTIONS_BYTES_MAX + 40] = "{\"background\":\"";
	size_t len = strlen(json);
	(void)state;
	memset(json + len, 'x', HOSTED_OPTIONS_BYTES_MAX - 11);
	strcpy(json + len + HOSTED_OPTIONS_BYTES_MAX - 11, "\"}");
	is_refused(json, SLV_E_OPTION, "background"); /* it fits, and is no colour */
	strcpy(json + len + HOSTED_OPTIONS_BYTES_MAX - 11, "x\"}");
	is_refused(json, SLV_E_LIMIT, "1024");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_become_those_of_a_link_and_come_back),
		cmocka_unit_test(what_a_link_cannot_say_a_variant_cannot),
		cmocka_unit_test(options_have_a_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
