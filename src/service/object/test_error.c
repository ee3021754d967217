#include "service/object/error.h"

#include "base/attr.h"
#include "base/testing.h"

#include <string.h>

/* What clients look at: the statuses that the S3 API reference gives these. */
static void codes_have_their_statuses(void **state)
{
	(void)state;
	static const struct {
		enum slv_object_code code;
		const char *name;
		int status;
	} table[] = {
		{ SLV_OBJECT_E_NO_SUCH_KEY, "NoSuchKey", 404 },
		{ SLV_OBJECT_E_BUCKET_NOT_EMPTY, "BucketNotEmpty", 409 },
		{ SLV_OBJECT_E_INVALID_RANGE, "InvalidRange", 416 },
		{ SLV_OBJECT_E_MISSING_CONTENT_LENGTH, "MissingContentLength", 411 },
		{ SLV_OBJECT_E_SIGNATURE_DOES_NOT_MATCH, "SignatureDoesNotMatch", 403 },
		{ SLV_OBJECT_E_REQUEST_TIME_TOO_SKEWED, "RequestTimeTooSkewed", 403 },
		{ SLV_OBJECT_E_PRECONDITION_FAILED, "PreconditionFailed", 412 },
		{ SLV_OBJECT_E_NOT_MODIFIED, "NotModified", 304 },
		{ SLV_OBJECT_E_NOT_IMPLEMENTED, "NotImplemented", 501 },
		{ SLV_OBJECT_E_METHOD_NOT_ALLOWED, "MethodNotAllowed", 405 },
		{ SLV_OBJECT_E_SLOW_DOWN, "SlowDown", 503 },
		{ SLV_OBJECT_E_INTERNAL, "InternalError", 500 },
		{ SLV_OBJECT_E_KEY_TOO_LONG, "KeyTooLongError", 400 },
		{ SLV_OBJECT_E_NO_ENCRYPTION, "ServerSideEncryptionConfigurationNotFoundError",
				404 },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		assert_string_equal(slv_object_code_name(table[i].code), table[i].name);
		assert_int_equal(slv_object_code_status(table[i].code), table[i].status);
	}
}

static void each_name_stands_once_and_has_a_text(void **state)
{
	(void)state;
	for (int i = SLV_OBJECT_E_NONE + 1; i < SLV_OBJECT_E_COUNT; i++) {
		assert_true(strlen(slv_object_code_text((enum slv_object_code)i)) > 5);
		assert_in_range(slv_object_code_status((enum slv_object_code)i), 301, 503);
		for (int k = SLV_OBJECT_E_NONE + 1; k < i; k++)
			assert_string_not_equal(slv_object_code_name((enum slv_object_code)i),
					slv_object_code_name((enum slv_object_code)k));
	}
}

static void prints(const struct slv_object_error *error, const char *expected)
{
	struct slv_buf buf;
	slv_buf_init(&buf, 1024);
	slv_object_error_print(error, &buf);
	slv_buf_add_char(&buf, '\0');
	assert_string_equal(buf.at, expected);
	slv_buf_done(&buf);
}

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>"

static void an_error_is_a_document(void **state)
{
	(void)state;
	struct slv_object_error error = { .err = { SLV_OBJECT_E_NO_SUCH_KEY, NULL },
		.request_id = SLV_STR("4442587FB7D0A2F9") };
	prints(&error, HEAD "<Code>NoSuchKey</Code><Message>There is no such key.</Message>"
			    "<RequestId>4442587FB7D0A2F9</RequestId></Error>");

	struct slv_object_error_detail details[] = { { "Key", SLV_STR("a<b") },
		{ "BucketName", SLV_STR("c&d") } };
	error.err.what = "not \"here\"";
	error.resource = SLV_STR("/c&d/a<b");
	error.host_id = SLV_STR("h>");
	error.details = details;
	error.detail_count = SLV_COUNT(details);
	prints(&error, HEAD
			"<Code>NoSuchKey</Code><Message>not &quot;here&quot;</Message>"
			"<Key>a&lt;b</Key><BucketName>c&amp;d</BucketName>"
			"<Resource>/c&amp;d/a&lt;b</Resource>"
			"<RequestId>4442587FB7D0A2F9</RequestId><HostId>h&gt;</HostId></Error>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_have_their_statuses),
		cmocka_unit_test(each_name_stands_once_and_has_a_text),
		cmocka_unit_test(an_error_is_a_document),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
