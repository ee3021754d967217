#include "wire/reply_field.h"

#include "base/testing.h"

static struct slv_field field(const char *name, const char *value)
{
	return (struct slv_field){
		.id = slv_field_id(slv_str_from(name)),
		.name = slv_str_from(name),
		.value = slv_str_from(value),
	};
}

static void refused(struct slv_field wrong, const char *what)
{
	slv_err err = slv_reply_field_check(&wrong);
	assert_int_equal(err.code, SLV_E_INTERNAL);
	assert_string_equal(err.what, what);
}

static void a_field_of_the_message_is_sent(void **state)
{
	(void)state;
	static const char *const good[][2] = { { "content-type", "text/plain" }, { "X-Own", "" },
		{ "x_y", "a\tb \xc3\xa4" }, { "ETag", "\"x\"" }, { "trailer", "x-sum" } };
	for (size_t i = 0; i < SLV_COUNT(good); i++) {
		struct slv_field right = field(good[i][0], good[i][1]);
		assert_false(slv_failed(slv_reply_field_check(&right)));
	}
}

static void a_name_is_a_token(void **state)
{
	(void)state;
	static const char *const names[] = { "", "x y", "x:", "x\r\ny", "\xc3\xa4", ":status" };
	for (size_t i = 0; i < SLV_COUNT(names); i++)
		refused(field(names[i], "x"), "field name in a reply is no token");
}

/* The id says what to do with a field, not that its name is good. */
static void a_name_is_looked_at_whatever_its_id(void **state)
{
	(void)state;
	struct slv_field wrong = field("server\r\nx", "x");
	wrong.id = SLV_FIELD_SERVER;
	refused(wrong, "field name in a reply is no token");
}

static void a_value_is_one_line_without_blanks_at_its_ends(void **state)
{
	(void)state;
	static const char *const values[] = { "a\r\nb", "a\nb", "a\rb", "\x01", "\x7f", " a", "a ",
		"\ta", "a\t" };
	for (size_t i = 0; i < SLV_COUNT(values); i++)
		refused(field("x", values[i]), "control byte in a field of a reply, or white space "
					       "at its ends");
}

static void fields_of_the_connection_are_not_the_services(void **state)
{
	(void)state;
	static const char *const names[] = { "content-length", "Transfer-Encoding", "connection",
		"Keep-Alive", "proxy-connection" };
	for (size_t i = 0; i < SLV_COUNT(names); i++)
		refused(field(names[i], "1"), "field of the connection among those of the reply");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_of_the_message_is_sent),
		cmocka_unit_test(a_name_is_a_token),
		cmocka_unit_test(a_name_is_looked_at_whatever_its_id),
		cmocka_unit_test(a_value_is_one_line_without_blanks_at_its_ends),
		cmocka_unit_test(fields_of_the_connection_are_not_the_services),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
