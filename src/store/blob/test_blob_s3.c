/* test_blob_s3.c - what the driver for S3 says, and makes of what it is told
 *
 * With an endpoint that answers as the test wants. That endpoints understand it is tested with
 * whole ones, see test_blob.c.
 */
#include "base/digest.h"
#include "base/mem.h"
#include "store/blob/s3_testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void read_some(struct s3_kit *kit, enum slv_code code)
{
	struct slv_blob_ref ref = { .len = 100 };
	blobs_kit_read(&kit->blobs, &ref, 1, 0, 10);
	assert_int_equal(kit->blobs.err.code, code);
	s3_kit_settle(kit);
}

/* --- what is asked --- */

static void it_is_put_whole_and_signed(void **state)
{
	struct s3_kit *kit = *state;
	char want[200], hex[2 * SLV_SHA256_BYTES];
	s3_kit_says(kit, S3_KIT_OK);
	s3_kit_put(kit, 1000, SLV_E_NONE);
	const char *head = kit->endpoint->heads[0];
	const uint8_t *id = kit->blobs.ref.id.bytes;
	size_t len = (size_t)sprintf(want, "PUT /bucket/pre/%02x/", id[0]);
	slv_str_hex(id, SLV_BLOB_ID_BYTES, want + len);
	memcpy(want + len + 32, " HTTP/1.1\r\n", sizeof(" HTTP/1.1\r\n"));
	s3_kit_was_asked(kit, 0, want);
	assert_int_equal(kit->endpoint->body.len, 1000 + 8 + 32);
	slv_str body = slv_buf_str(&kit->endpoint->body);
	slv_str_hex(slv_sha256(&body, 1).bytes, SLV_SHA256_BYTES, hex);
	snprintf(want, sizeof(want), "\r\nx-amz-content-sha256: %.*s\r\n", (int)sizeof(hex), hex);
	assert_non_null(strstr(head, want));
	assert_non_null(strstr(head, "\r\nauthorization: AWS4-HMAC-SHA256 Credential=the-key/"));
	assert_non_null(strstr(head, "/auto/s3/aws4_request"));
	assert_null(strstr(head, S3_KIT_SECRET));
	s3_kit_asked_all(kit, 1);
}

#define UPLOAD "uploadId=a%26b%2F%2B%20c"

static void a_long_one_is_sent_in_parts(void **state)
{
	struct s3_kit *kit = *state;
	s3_kit_says_parts(kit);
	s3_kit_says_done(kit);
	s3_kit_put(kit, SLV_MIB(9), SLV_E_NONE);
	s3_kit_asked_all(kit, 4);
	s3_kit_was_asked(kit, 0, "POST /bucket/pre/");
	assert_non_null(strstr(kit->endpoint->heads[0], "?uploads= HTTP/1.1"));
	assert_non_null(strstr(kit->endpoint->heads[1], "?partNumber=1&" UPLOAD " HTTP/1.1"));
	assert_non_null(strstr(kit->endpoint->heads[2], "?partNumber=2&" UPLOAD " HTTP/1.1"));
	assert_int_equal(kit->endpoint->body_lens[1], SLV_MIB(8));
	assert_int_equal(kit->endpoint->body_lens[2], SLV_MIB(1) + 9 * 16 * 8 + 32);
	s3_kit_was_asked(kit, 3, "POST /bucket/pre/");
	assert_true(slv_str_eq(slv_buf_str(&kit->endpoint->body),
			SLV_STR("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
				"<ETag>\"first\"</ETag></Part><Part><PartNumber>2</PartNumber>"
				"<ETag>\"second\"</ETag></Part></CompleteMultipartUpload>")));
	assert_int_equal(atomic_load(&s3_kit_driver(kit)->held), 0);
}

/* --- what fails --- */

static void what_may_pass_is_tried_again(void **state)
{
	struct s3_kit *kit = *state;
	static const char *const passing[] = { "500 A", "502 A", "503 A", "504 A", "429 A", "408 A",
		NULL };
	for (size_t i = 0; i < SLV_COUNT(passing); i++) {
		for (int k = 0; k < 2; k++) {
			if (passing[i])
				s3_kit_says_error(kit, passing[i], "SlowDown");
			else
				s3_kit_says(kit, NULL); /* it hangs up */
		}
		s3_kit_says(kit, S3_KIT_OK);
		s3_kit_put(kit, 10, SLV_E_NONE);
		s3_kit_asked_all(kit, 3 * (i + 1));
	}
}

static void three_times_and_no_more(void **state)
{
	struct s3_kit *kit = *state;
	for (int i = 0; i < 3; i++)
		s3_kit_says_error(kit, "503 Slow", "SlowDown");
	s3_kit_put(kit, 10, SLV_E_UPSTREAM);
	s3_kit_asked_all(kit, 3);
}

static void what_is_refused_is_told_once_and_without_the_secret(void **state)
{
	struct s3_kit *kit = *state;
	static const char *const status[] = { "400 A", "403 A", "404 A", "409 A", "411 A", "501 A",
		"301 A" };
	char log[4096];
	for (size_t i = 0; i < SLV_COUNT(status); i++) {
		s3_kit_says_error(kit, status[i], "AccessDenied");
		s3_kit_put(kit, 10, SLV_E_SYS);
		s3_kit_asked_all(kit, i + 1);
	}
	s3_kit_log(kit, log, sizeof(log));
	assert_non_null(strstr(log, "\"operation\":\"PutObject\""));
	assert_non_null(strstr(log, "403 AccessDenied so it is"));
	assert_null(strstr(log, S3_KIT_SECRET));
}

static void a_bucket_that_is_away_is_no_empty_store(void **state)
{
	struct s3_kit *kit = *state;
	s3_kit_says_error(kit, "404 No", "NoSuchBucket");
	read_some(kit, SLV_E_SYS);
	assert_non_null(strstr(kit->blobs.err.what, "bucket"));
	s3_kit_says_error(kit, "404 No", "NoSuchKey");
	read_some(kit, SLV_E_MISSING);
	s3_kit_says_text(kit, "404 No", "", "");
	read_some(kit, SLV_E_MISSING);
	s3_kit_asked_all(kit, 3);
}

/* What stands in front of an endpoint has other reasons than a missing blob. */
static void who_knows_of_no_blobs_does_not_miss_one(void **state)
{
	struct s3_kit *kit = *state;
	s3_kit_says_text(kit, "404 No", "", "<html><body>no such host</body></html>");
	read_some(kit, SLV_E_UPSTREAM);
	s3_kit_says_error(kit, "404 No", "NoSuchHost");
	read_some(kit, SLV_E_UPSTREAM);
	s3_kit_asked_all(kit, 2);
}

static void who_is_away_is_left_alone_for_a_moment(void **state)
{
	struct s3_kit *kit = *state;
	struct s3 *s3 = s3_kit_driver(kit);
	endpoint_free(kit->endpoint);
	kit->endpoint = NULL;
	s3_kit_put(kit, 10, SLV_E_UPSTREAM);
	read_some(kit, SLV_E_UPSTREAM);
	assert_true(atomic_load(&s3->away_until_ms) > 0);

	/* Nobody knocks meanwhile; then it is there again. */
	kit->endpoint = endpoint_new(kit->blobs.loop);
	char *host = (char *)(uintptr_t)s3->url.host.at; /* at another port */
	s3->url.host.len = (size_t)sprintf(host, "127.0.0.1:%u", kit->endpoint->port);
	atomic_store(&s3->away_until_ms, slv_crew_now_ms() + 60000);
	s3_kit_put(kit, 10, SLV_E_UPSTREAM);
	assert_int_equal(kit->endpoint->accepted, 0);
	atomic_store(&s3->away_until_ms, slv_crew_now_ms());
	s3_kit_says(kit, S3_KIT_OK);
	s3_kit_put(kit, 10, SLV_E_NONE);
}

static void who_is_silent_is_away_and_asked_once(void **state)
{
	struct s3_kit *kit = *state;
	struct s3 *s3 = s3_kit_driver(kit);
	s3->conf.silence_s = 1;
	s3_kit_says(kit, ""); /* nothing, ever */
	s3_kit_put(kit, 10, SLV_E_UPSTREAM);
	s3_kit_asked_all(kit, 1);
	assert_true(atomic_load(&s3->away_until_ms) > 0);
	atomic_store(&s3->away_until_ms, 0);
	s3_kit_says(kit, S3_KIT_OK);
	s3_kit_put(kit, 10, SLV_E_NONE);
	assert_int_equal(atomic_load(&s3->away_until_ms), 0);
}

static void an_upload_that_fails_is_taken_away(void **state)
{
	struct s3_kit *kit = *state;
	s3_kit_says_parts(kit);
	kit->endpoint->answers_count--;
	s3_kit_says_error(kit, "403 No", "AccessDenied");
	s3_kit_says(kit, S3_KIT_GONE);
	s3_kit_put(kit, SLV_MIB(9), SLV_E_SYS);
	s3_kit_asked_all(kit, 4);
	s3_kit_was_asked(kit, 3, "DELETE /bucket/pre/");
	assert_non_null(strstr(kit->endpoint->heads[3], "?" UPLOAD " HTTP/1.1"));
	assert_int_equal(atomic_load(&s3_kit_driver(kit)->held), 0);
}

static void an_error_behind_a_good_status_is_one(void **state)
{
	struct s3_kit *kit = *state;
	s3_kit_says_parts(kit);
	s3_kit_says_error(kit, "200 OK", "InternalError");
	s3_kit_says_done(kit);
	s3_kit_put(kit, SLV_MIB(9), SLV_E_NONE);
	s3_kit_asked_all(kit, 5);

	s3_kit_says_parts(kit);
	for (int i = 0; i < 3; i++)
		s3_kit_says_error(kit, "200 OK", "InternalError");
	s3_kit_says(kit, S3_KIT_GONE);
	s3_kit_put(kit, SLV_MIB(9), SLV_E_UPSTREAM);
	s3_kit_asked_all(kit, 5 + 7);
	s3_kit_was_asked(kit, 11, "DELETE /bucket/pre/");
}

/* White space comes while an endpoint is at work. */
static void what_an_answer_says_may_come_late(void **state)
{
	struct s3_kit *kit = *state;
	s3_kit_says_parts(kit);
	s3_kit_says_text(kit, "200 OK", "",
			" \r\n\t<?xml version=\"1.0\"?><Error><Code>E</Code></Error>");
	s3_kit_says_text(kit, "200 OK", "", "\n \n<?xml version=\"1.0\"?>" S3_KIT_COMPLETED "\n");
	s3_kit_put(kit, SLV_MIB(9), SLV_E_NONE);
	s3_kit_asked_all(kit, 5);
}

static void says_head(struct s3_kit *kit, uint64_t len)
{
	slv_str head = slv_str_printf(&kit->arena,
			"HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n", (unsigned long long)len);
	s3_kit_says(kit, slv_cstr(&kit->arena, head));
}

/* A good status was sent before it was known how it ends: who does not say that it did is not
 * believed. */
static void an_upload_whose_end_is_not_told_is_looked_at(void **state)
{
	struct s3_kit *kit = *state;
	char message[4200], error[4300];
	memset(message, 'm', sizeof(message));
	snprintf(error, sizeof(error), "<Error><Message>%.4097s</Message></Error>", message);
	const char *const bodies[] = { "", " \n", "<CompleteMultipartUploadResult><Key>k",
		"<html><body>Bad gateway</body></html>", "hello",
		"<s3:Error xmlns:s3=\"s\"><Code>InternalError</Code></s3:Error>", error,
		S3_KIT_COMPLETED "<Error/>", "<a>" S3_KIT_COMPLETED "</a>" };
	for (size_t i = 0; i < 2 * SLV_COUNT(bodies); i++) {
		bool there = i % 2;
		size_t asked = kit->endpoint->asked;
		s3_kit_says_parts(kit);
		s3_kit_says_text(kit, "200 OK", "", bodies[i / 2]);
		if (there) {
			says_head(kit, SLV_MIB(9) + 9 * 16 * 8 + 32);
		} else {
			s3_kit_says(kit, "HTTP/1.1 404 No\r\n\r\n");
			s3_kit_says(kit, S3_KIT_GONE);
		}
		s3_kit_put(kit, SLV_MIB(9), there ? SLV_E_NONE : SLV_E_SYS);
		s3_kit_was_asked(kit, asked + 4, "HEAD /bucket/pre/");
		if (!there)
			s3_kit_was_asked(kit, asked + 5, "DELETE /bucket/pre/");
		s3_kit_asked_all(kit, asked + (there ? 5 : 6));
	}
}

/* The answer to its end was lost: it is looked at. */
static void an_upload_that_is_not_known_any_more_may_have_been_ended(void **state)
{
	struct s3_kit *kit = *state;
	const uint64_t stored = SLV_MIB(9) + 9 * 16 * 8 + 32;
	for (uint64_t wrong = 0; wrong < 2; wrong++) {
		size_t asked = kit->endpoint->asked;
		s3_kit_says_parts(kit);
		s3_kit_says(kit, NULL);
		s3_kit_says_error(kit, "404 No", "NoSuchUpload");
		says_head(kit, stored + wrong);
		if (wrong)
			s3_kit_says(kit, S3_KIT_GONE);
		s3_kit_put(kit, SLV_MIB(9), wrong ? SLV_E_SYS : SLV_E_NONE);
		s3_kit_was_asked(kit, asked + 5, "HEAD /bucket/pre/");
		s3_kit_asked_all(kit, asked + 6 + wrong);
	}
	/* No answer was lost, so nobody ended it: it is away. */
	size_t asked = kit->endpoint->asked;
	s3_kit_says_parts(kit);
	s3_kit_says_error(kit, "404 No", "NoSuchUpload");
	s3_kit_says(kit, S3_KIT_GONE);
	s3_kit_put(kit, SLV_MIB(9), SLV_E_SYS);
	s3_kit_asked_all(kit, asked + 5);
	s3_kit_was_asked(kit, asked + 4, "DELETE /bucket/pre/");
}

static void answers_that_make_no_sense_are_refused(void **state)
{
	struct s3_kit *kit = *state;
	char id[1100], etag[300];
	memset(id, 'u', sizeof(id));
	snprintf(etag, sizeof(etag), "ETag: %.129s\r\n", id);
	const struct {
		const char *begun, *part; /* `part` NULL: it does not come so far */
	} table[] = {
		{ "", NULL },
		{ "hello", NULL },
		{ "<InitiateMultipartUploadResult><UploadId></UploadId>"
		  "</InitiateMultipartUploadResult>",
				NULL },
		{ "<Other><UploadId>x</UploadId></Other>", NULL },
		{ "<!DOCTYPE a [<!ENTITY b 'c'>]><InitiateMultipartUploadResult>"
		  "<UploadId>&b;</UploadId></InitiateMultipartUploadResult>",
				NULL },
		{ "<InitiateMultipartUploadResult><UploadId>x</UploadId>"
		  "</InitiateMultipartUploadResult>",
				"" },
		{ "<InitiateMultipartUploadResult><UploadId>x</UploadId>"
		  "</InitiateMultipartUploadResult>",
				"ETag: <\r\n" },
		{ "<InitiateMultipartUploadResult><UploadId>x</UploadId>"
		  "</InitiateMultipartUploadResult>",
				etag },
	};
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		s3_kit_says_text(kit, "200 OK", "", table[i].begun);
		if (table[i].part) {
			s3_kit_says_text(kit, "200 OK", table[i].part, "");
			s3_kit_says(kit, S3_KIT_GONE);
		}
		s3_kit_put(kit, SLV_MIB(9), SLV_E_SYS);
		s3_kit_asked_all(kit, kit->endpoint->answers_count);
	}
	for (int more = 0; more < 2; more++) { /* than a bound */
		slv_str text = slv_str_printf(&kit->arena,
				"<InitiateMultipartUploadResult><UploadId>%.*s</UploadId>"
				"</InitiateMultipartUploadResult>",
				1024 + more, id);
		s3_kit_says_text(kit, "200 OK", "", slv_cstr(&kit->arena, text));
		if (!more) {
			s3_kit_says_text(kit, "200 OK", "ETag: e\r\n", "");
			s3_kit_says_text(kit, "200 OK", "ETag: e\r\n", "");
			s3_kit_says_done(kit);
		}
		s3_kit_put(kit, SLV_MIB(9), more ? SLV_E_SYS : SLV_E_NONE);
	}
}

static void another_range_than_was_asked_for_is_refused(void **state)
{
	struct s3_kit *kit = *state;
	static const struct {
		const char *status, *range;
		size_t len;
		enum slv_code code;
	} table[] = {
		{ "200 OK", "", 140, SLV_E_SYS },
		{ "206 Some", "", 140, SLV_E_SYS },
		{ "206 Some", "Content-Range: bytes 0-139/*\r\n", 140, SLV_E_SYS },
		{ "206 Some", "Content-Range: bytes 0-99/100\r\n", 100, SLV_E_CORRUPT },
		{ "206 Some", "Content-Range: bytes 0-139/141\r\n", 140, SLV_E_CORRUPT },
		{ "206 Some", "Content-Range: bytes 0-139/140\r\n", 141, SLV_E_CORRUPT },
		{ "206 Some", "Content-Range: bytes 0-139/140\r\n", 140, SLV_E_CORRUPT },
		{ "206 Some", "Content-Range: bytes 0-139/140\r\n", 100000, SLV_E_SYS },
		{ "416 No", "", 0, SLV_E_CORRUPT },
	};
	char *text = slv_alloc(100001);
	for (size_t i = 0; i < SLV_COUNT(table); i++) {
		memset(text, 't', table[i].len);
		text[table[i].len] = 0;
		s3_kit_says_text(kit, table[i].status, table[i].range, text);
		read_some(kit, table[i].code);
		assert_non_null(strstr(kit->endpoint->heads[i], "\r\nrange: bytes=0-139\r\n"));
	}
	slv_free(text);
}

/* --- lists --- */

#define TIME "<LastModified>2026-01-02T03:04:05.000Z</LastModified>"
#define KEY(digits) "<Key>pre/00/000000000000000000000000000000" digits "</Key>"
#define OTHER_SHARD "<Key>pre/01/01000000000000000000000000000001</Key>"
#define NO_UPLOADS "HTTP/1.1 501 No\r\nContent-Length: 0\r\n\r\n"

static size_t list(struct s3_kit *kit, struct slv_blob_listed *listed, size_t max)
{
	return blobs_kit_list(&kit->blobs, 0, listed, max);
}

static void a_list_is_read_page_by_page(void **state)
{
	struct s3_kit *kit = *state;
	struct slv_blob_listed listed[4];
	s3_kit_says(kit, NO_UPLOADS);
	s3_kit_says_text(kit, "200 OK", "",
			"<ListBucketResult><IsTruncated>true</IsTruncated>"
			"<NextContinuationToken>a/+=</NextContinuationToken>"
			"<Contents>" KEY("01") TIME "<Size>4</Size></Contents>"
						    "<Contents>" KEY("0x") TIME
			"</Contents>"
			"<Contents>" KEY("011") TIME "</Contents>"
						     "<Contents><Key>other</Key>" TIME "</Contents>"
						     "<Contents>" OTHER_SHARD TIME
						     "</Contents></ListBucketResult>");
	s3_kit_says_text(kit, "200 OK", "",
			"<ListBucketResult><IsTruncated>false</IsTruncated>"
			"<Contents>" TIME KEY("02") "</Contents></ListBucketResult>");
	assert_int_equal(list(kit, listed, 4), 2);
	assert_int_equal(kit->blobs.err.code, SLV_E_NONE);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(listed[i].id.bytes[15], i + 1);
		assert_int_equal(listed[i].written_ms, INT64_C(1767323045000));
		assert_true(listed[i].finished);
	}
	s3_kit_was_asked(kit, 0,
			"GET /bucket?uploads=&max-uploads=1000&prefix=pre%2F00%2F HTTP/1.1");
	s3_kit_was_asked(kit, 1,
			"GET /bucket?list-type=2&max-keys=1000&prefix=pre%2F00%2F HTTP/1.1");
	s3_kit_was_asked(kit, 2,
			"GET /bucket?list-type=2&max-keys=1000&prefix=pre%2F00%2F"
			"&continuation-token=a%2F%2B%3D HTTP/1.1");
	s3_kit_asked_all(kit, 3);
}

#define BEGUN(digits, id)                                                                          \
	"<Upload>" KEY(digits) "<UploadId>" id "</UploadId>"                                       \
			       "<Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload>"

/* Who took it away would take the blob away, too. */
static void an_upload_beside_its_blob_is_passed_over(void **state)
{
	struct s3_kit *kit = *state;
	struct slv_blob_listed listed[4];
	s3_kit_says_text(kit, "200 OK", "",
			"<ListMultipartUploadsResult>" BEGUN("01",
					"a") "<IsTruncated>true</IsTruncated><NextKeyMarker>k "
					     "m</NextKeyMarker>"
					     "<NextUploadIdMarker>u&amp;m</NextUploadIdMarker>"
					     "</ListMultipartUploadsResult>");
	s3_kit_says_text(kit, "200 OK", "",
			"<ListMultipartUploadsResult>" BEGUN(
					"02", "b") "<IsTruncated>false</IsTruncated></"
						   "ListMultipartUploadsResult>");
	s3_kit_says_text(kit, "200 OK", "",
			"<ListBucketResult><Contents>" KEY("01") TIME "</Contents>"
								      "</ListBucketResult>");
	assert_int_equal(list(kit, listed, 4), 2);
	assert_int_equal(listed[0].id.bytes[15], 1);
	assert_true(listed[0].finished);
	assert_int_equal(listed[1].id.bytes[15], 2);
	assert_false(listed[1].finished);
	s3_kit_was_asked(kit, 1,
			"GET /bucket?uploads=&max-uploads=1000&prefix=pre%2F00%2F"
			"&key-marker=k%20m&upload-id-marker=u%26m HTTP/1.1");
	s3_kit_asked_all(kit, 3);
}

static void a_list_that_is_none_is_an_error(void **state)
{
	struct s3_kit *kit = *state;
	struct slv_blob_listed listed[1];
	static const char *const bad[] = {
		"",
		"<ListBucketResult>",
		"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
		"<ListBucketResult><Contents>" KEY("01") "</Contents></ListBucketResult>",
		"<ListBucketResult><Contents>" KEY("01") "<LastModified>now</LastModified>"
							 "</Contents></ListBucketResult>",
		"<a><b><c><d><e><f><g><h><i/></h></g></f></e></d></c></b></a>",
	};
	s3_kit_says(kit, NO_UPLOADS); /* which is remembered */
	for (size_t i = 0; i < SLV_COUNT(bad); i++) {
		s3_kit_says_text(kit, "200 OK", "", bad[i]);
		assert_int_equal(list(kit, listed, 1), 0);
		assert_int_equal(kit->blobs.err.code, SLV_E_SYS);
	}
	s3_kit_says(kit, "HTTP/1.1 501 No\r\nContent-Length: 0\r\n\r\n"); /* of objects */
	assert_int_equal(list(kit, listed, 1), 0);
	assert_int_equal(kit->blobs.err.code, SLV_E_SYS);
	s3_kit_asked_all(kit, 2 + SLV_COUNT(bad));
}

static void a_list_that_does_not_go_on_is_an_error(void **state)
{
	struct s3_kit *kit = *state;
	struct slv_blob_listed listed[1];
	static const char *const uploads[] = { "<IsTruncated>true</IsTruncated><NextKeyMarker>a"
					       "</NextKeyMarker><NextUploadIdMarker>b"
					       "</NextUploadIdMarker>",
		"<IsTruncated>true</IsTruncated><NextKeyMarker>a</NextKeyMarker>"
		"<NextUploadIdMarker>c</NextUploadIdMarker>" };
	static const char objects[] = "<List><IsTruncated>true</IsTruncated>"
				      "<NextContinuationToken>a</NextContinuationToken></List>";
	for (size_t i = 0; i < 3; i++) { /* the last one twice */
		slv_str text = slv_str_printf(
				&kit->arena, "<List>%s</List>", uploads[i == 2 ? 1 : i]);
		s3_kit_says_text(kit, "200 OK", "", slv_cstr(&kit->arena, text));
	}
	assert_int_equal(list(kit, listed, 1), 0);
	assert_int_equal(kit->blobs.err.code, SLV_E_SYS);
	s3_kit_asked_all(kit, 3);
	s3_kit_says(kit, NO_UPLOADS);
	s3_kit_says_text(kit, "200 OK", "", objects);
	s3_kit_says_text(kit, "200 OK", "", objects);
	assert_int_equal(list(kit, listed, 1), 0);
	assert_int_equal(kit->blobs.err.code, SLV_E_SYS);
	s3_kit_asked_all(kit, 6);
}

/* --- removal --- */

static void uploads_of_what_was_begun_are_ended(void **state)
{
	struct s3_kit *kit = *state;
	struct slv_blob_id id = { { [15] = 1 } };
	s3_kit_says(kit, S3_KIT_GONE);
	s3_kit_says_text(kit, "200 OK", "",
			"<ListMultipartUploadsResult>" BEGUN("01", "a") BEGUN("011", "no")
					BEGUN("02", "no") BEGUN(
							"01", "b") "</ListMultipartUploadsResult>");
	s3_kit_says(kit, S3_KIT_GONE);
	s3_kit_says_error(kit, "404 No", "NoSuchUpload");
	blobs_kit_remove(&kit->blobs, &id);
	assert_int_equal(kit->blobs.err.code, SLV_E_NONE);
	s3_kit_asked_all(kit, 4);
	s3_kit_was_asked(kit, 0, "DELETE /bucket/pre/00/00000000000000000000000000000001 HTTP/1.1");
	s3_kit_was_asked(kit, 2,
			"DELETE /bucket/pre/00/00000000000000000000000000000001?uploadId=a HTTP");
	s3_kit_was_asked(kit, 3,
			"DELETE /bucket/pre/00/00000000000000000000000000000001?uploadId=b HTTP");

	/* The list may be older than the end of one. */
	s3_kit_says_text(kit, "200 OK", "",
			"<ListMultipartUploadsResult>" BEGUN(
					"01", "c") "</ListMultipartUploadsResult>");
	s3_kit_says(kit, S3_KIT_GONE);
	blobs_kit_remove_begun(&kit->blobs, &id);
	assert_int_equal(kit->blobs.err.code, SLV_E_NONE);
	s3_kit_asked_all(kit, 6);
	s3_kit_was_asked(kit, 4, "GET /bucket?uploads=");
	s3_kit_was_asked(kit, 5,
			"DELETE /bucket/pre/00/00000000000000000000000000000001?uploadId=c HTTP");

	/* Without an id it would be the blob that is deleted. */
	s3_kit_says_text(kit, "200 OK", "",
			"<ListMultipartUploadsResult>" BEGUN(
					"01", "") "</ListMultipartUploadsResult>");
	blobs_kit_remove_begun(&kit->blobs, &id);
	assert_int_equal(kit->blobs.err.code, SLV_E_SYS);
	s3_kit_asked_all(kit, 7);

	s3_kit_says_error(kit, "404 No", "NoSuchKey");
	s3_kit_says(kit, NO_UPLOADS);
	blobs_kit_remove(&kit->blobs, &id);
	assert_int_equal(kit->blobs.err.code, SLV_E_NONE);
	for (int i = 0; i < 3; i++)
		s3_kit_says_error(kit, "500 No", "InternalError");
	blobs_kit_remove(&kit->blobs, &id);
	assert_int_equal(kit->blobs.err.code, SLV_E_UPSTREAM);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, s3_kit_set_up, s3_kit_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(it_is_put_whole_and_signed),
		TEST(a_long_one_is_sent_in_parts),
		TEST(what_may_pass_is_tried_again),
		TEST(three_times_and_no_more),
		TEST(what_is_refused_is_told_once_and_without_the_secret),
		TEST(a_bucket_that_is_away_is_no_empty_store),
		TEST(who_knows_of_no_blobs_does_not_miss_one),
		TEST(who_is_away_is_left_alone_for_a_moment),
		TEST(who_is_silent_is_away_and_asked_once),
		TEST(an_upload_that_fails_is_taken_away),
		TEST(an_error_behind_a_good_status_is_one),
		TEST(what_an_answer_says_may_come_late),
		TEST(an_upload_whose_end_is_not_told_is_looked_at),
		TEST(an_upload_that_is_not_known_any_more_may_have_been_ended),
		TEST(answers_that_make_no_sense_are_refused),
		TEST(another_range_than_was_asked_for_is_refused),
		TEST(a_list_is_read_page_by_page),
		TEST(an_upload_beside_its_blob_is_passed_over),
		TEST(a_list_that_is_none_is_an_error),
		TEST(a_list_that_does_not_go_on_is_an_error),
		TEST(uploads_of_what_was_begun_are_ended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
