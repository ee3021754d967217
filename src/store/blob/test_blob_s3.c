/* test_blob_s3.c - what the driver for S3 says, and makes of what it is told
 *
 * With an endpoint that answers as the test wants. That endpoints understand it is tested with
 * whole ones, see test_blob.c.
 */
#include "base/digest.h"
#include "base/mem.h"
#include "client/endpoint.h"
#include "loop/log.h"
#include "store/blob/s3.h"
#include "store/blob/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET "not-to-be-told"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"e\"\r\n\r\n"
#define GONE "HTTP/1.1 204 No Content\r\n\r\n"
/* Made anew for every test. */
struct kit {
	struct blobs_kit blobs; /* first */
	struct endpoint *endpoint;
	struct slv_arena arena; /* of answers */
	int log_fd;
	struct slv_log *log;
};

static struct s3 *s3_of(struct kit *kit)
{
	return SLV_CONTAINER(kit->blobs.blobs, struct s3, blobs);
}

static int set_up(void **state)
{
	struct kit *kit = SLV_ALLOC(struct kit);
	char url[100], name[] = "/tmp/selvedge-log-XXXXXX";
	kit->log_fd = mkstemp(name);
	assert_true(kit->log_fd >= 0);
	assert_int_equal(unlink(name), 0);
	kit->log = slv_log_new(kit->log_fd, SLV_DEBUG);
	kit->blobs.loop = slv_loop_new(0, NULL, NULL);
	kit->endpoint = endpoint_new(kit->blobs.loop);
	slv_arena_init(&kit->arena, SLV_KIB(64), SLV_MIB(8));
	snprintf(url, sizeof(url), "s3://the-key@127.0.0.1:%u/bucket/pre?region=auto&tls=false",
			kit->endpoint->port);
	assert_false(slv_failed(slv_blobs_open(
			slv_str_from(url), SLV_STR(SECRET), kit->log, &kit->blobs.blobs)));
	*state = kit;
	return 0;
}

/* Let what is closed be done with. */
static void settle(struct kit *kit)
{
	while (atomic_load(&kit->blobs.blobs->under_way) > 0)
		slv_loop_turn(kit->blobs.loop, false);
}

static int tear_down(void **state)
{
	struct kit *kit = *state;
	settle(kit);
	endpoint_free(kit->endpoint);
	slv_loop_free(kit->blobs.loop);
	slv_blobs_close(kit->blobs.blobs);
	slv_log_free(kit->log);
	close(kit->log_fd);
	slv_arena_done(&kit->arena);
	slv_free(kit);
	return 0;
}

static void says(struct kit *kit, const char *answer)
{
	endpoint_says(kit->endpoint, answer);
}

static void says_text(struct kit *kit, const char *status, const char *more, const char *text)
{
	slv_str answer = slv_str_printf(&kit->arena,
			"HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n%s", status, strlen(text),
			more, text);
	says(kit, slv_cstr(&kit->arena, answer));
}

static void says_error(struct kit *kit, const char *status, const char *code)
{
	slv_str text = slv_str_printf(&kit->arena,
			"<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>so it is</Message>"
			"</Error>",
			code);
	says_text(kit, status, "", slv_cstr(&kit->arena, text));
}

/* `method` and what follows the bucket begin the request of that number. */
static void was_asked(const struct kit *kit, size_t number, const char *begin)
{
	const char *head = kit->endpoint->heads[number];
	assert_true(number < kit->endpoint->asked);
	if (strncmp(head, begin, strlen(begin)) != 0)
		fail_msg("asked for %.200s", head);
}

static void asked_all(struct kit *kit, size_t count)
{
	settle(kit);
	assert_int_equal(kit->endpoint->asked, count);
	assert_int_equal(kit->endpoint->answers_count, count);
}

static void put(struct kit *kit, uint64_t len, enum slv_code code)
{
	blobs_kit_put(&kit->blobs, 1, len, SLV_MIB(1));
	assert_int_equal(kit->blobs.err.code, code);
	settle(kit);
}

static void read_some(struct kit *kit, enum slv_code code)
{
	struct slv_blob_ref ref = { .len = 100 };
	blobs_kit_read(&kit->blobs, &ref, 1, 0, 10);
	assert_int_equal(kit->blobs.err.code, code);
	settle(kit);
}

/* --- what is asked --- */

static void it_is_put_whole_and_signed(void **state)
{
	struct kit *kit = *state;
	char want[200], hex[2 * SLV_SHA256_BYTES];
	says(kit, OK);
	put(kit, 1000, SLV_E_NONE);
	const char *head = kit->endpoint->heads[0];
	const uint8_t *id = kit->blobs.ref.id.bytes;
	size_t len = (size_t)sprintf(want, "PUT /bucket/pre/%02x/", id[0]);
	slv_str_hex(id, SLV_BLOB_ID_BYTES, want + len);
	strcpy(want + len + 32, " HTTP/1.1\r\n");
	was_asked(kit, 0, want);
	assert_int_equal(kit->endpoint->body.len, 1000 + 8 + 32);
	slv_str body = slv_buf_str(&kit->endpoint->body);
	slv_str_hex(slv_sha256(&body, 1).bytes, SLV_SHA256_BYTES, hex);
	snprintf(want, sizeof(want), "\r\nx-amz-content-sha256: %.*s\r\n", (int)sizeof(hex), hex);
	assert_non_null(strstr(head, want));
	assert_non_null(strstr(head, "\r\nauthorization: AWS4-HMAC-SHA256 Credential=the-key/"));
	assert_non_null(strstr(head, "/auto/s3/aws4_request"));
	assert_null(strstr(head, SECRET));
	asked_all(kit, 1);
}

/* Nine MiB: two parts. */
static void says_parts(struct kit *kit)
{
	says_text(kit, "200 OK", "",
			"<InitiateMultipartUploadResult><Bucket>b</Bucket><UploadId>a&amp;b/+ c"
			"</UploadId></InitiateMultipartUploadResult>");
	says(kit, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"first\"\r\n\r\n");
	says(kit, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"second\"\r\n\r\n");
}

#define COMPLETED "<CompleteMultipartUploadResult><Key>k</Key></CompleteMultipartUploadResult>"

static void says_done(struct kit *kit)
{
	says_text(kit, "200 OK", "", COMPLETED);
}

#define UPLOAD "uploadId=a%26b%2F%2B%20c"

static void a_long_one_is_sent_in_parts(void **state)
{
	struct kit *kit = *state;
	says_parts(kit);
	says_done(kit);
	put(kit, SLV_MIB(9), SLV_E_NONE);
	asked_all(kit, 4);
	was_asked(kit, 0, "POST /bucket/pre/");
	assert_non_null(strstr(kit->endpoint->heads[0], "?uploads= HTTP/1.1"));
	assert_non_null(strstr(kit->endpoint->heads[1], "?partNumber=1&" UPLOAD " HTTP/1.1"));
	assert_non_null(strstr(kit->endpoint->heads[2], "?partNumber=2&" UPLOAD " HTTP/1.1"));
	assert_int_equal(kit->endpoint->body_lens[1], SLV_MIB(8));
	assert_int_equal(kit->endpoint->body_lens[2], SLV_MIB(1) + 9 * 16 * 8 + 32);
	was_asked(kit, 3, "POST /bucket/pre/");
	assert_true(slv_str_eq(slv_buf_str(&kit->endpoint->body),
			SLV_STR("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
				"<ETag>\"first\"</ETag></Part><Part><PartNumber>2</PartNumber>"
				"<ETag>\"second\"</ETag></Part></CompleteMultipartUpload>")));
	assert_int_equal(atomic_load(&s3_of(kit)->held), 0);
}

/* --- what fails --- */

static void what_may_pass_is_tried_again(void **state)
{
	struct kit *kit = *state;
	static const char *const passing[] = { "500 A", "502 A", "503 A", "504 A", "429 A", "408 A",
		NULL };
	for (size_t i = 0; i < SLV_COUNT(passing); i++) {
		for (int k = 0; k < 2; k++) {
			if (passing[i])
				says_error(kit, passing[i], "SlowDown");
			else
				says(kit, NULL); /* it hangs up */
		}
		says(kit, OK);
		put(kit, 10, SLV_E_NONE);
		asked_all(kit, 3 * (i + 1));
	}
}

static void three_times_and_no_more(void **state)
{
	struct kit *kit = *state;
	for (int i = 0; i < 3; i++)
		says_error(kit, "503 Slow", "SlowDown");
	put(kit, 10, SLV_E_UPSTREAM);
	asked_all(kit, 3);
}

/* What the log has; it takes no more from then on. */
static void read_log(struct kit *kit, char *log, size_t room)
{
	slv_log_free(kit->log);
	kit->blobs.blobs->log = kit->log = NULL;
	ssize_t len = pread(kit->log_fd, log, room - 1, 0);
	assert_true(len > 0);
	log[len] = 0;
}

static void what_is_refused_is_told_once_and_without_the_secret(void **state)
{
	struct kit *kit = *state;
	static const char *const status[] = { "400 A", "403 A", "404 A", "409 A", "411 A", "501 A",
		"301 A" };
	char log[4096];
	for (size_t i = 0; i < SLV_COUNT(status); i++) {
		says_error(kit, status[i], "AccessDenied");
		put(kit, 10, SLV_E_SYS);
		asked_all(kit, i + 1);
	}
	read_log(kit, log, sizeof(log));
	assert_non_null(strstr(log, "\"operation\":\"PutObject\""));
	assert_non_null(strstr(log, "403 AccessDenied so it is"));
	assert_null(strstr(log, SECRET));
}

static void a_bucket_that_is_away_is_no_empty_store(void **state)
{
	struct kit *kit = *state;
	says_error(kit, "404 No", "NoSuchBucket");
	read_some(kit, SLV_E_SYS);
	assert_non_null(strstr(kit->blobs.err.what, "bucket"));
	says_error(kit, "404 No", "NoSuchKey");
	read_some(kit, SLV_E_MISSING);
	says_text(kit, "404 No", "", "");
	read_some(kit, SLV_E_MISSING);
	asked_all(kit, 3);
}

/* What stands in front of an endpoint has other reasons than a missing blob. */
static void who_knows_of_no_blobs_does_not_miss_one(void **state)
{
	struct kit *kit = *state;
	says_text(kit, "404 No", "", "<html><body>no such host</body></html>");
	read_some(kit, SLV_E_UPSTREAM);
	says_error(kit, "404 No", "NoSuchHost");
	read_some(kit, SLV_E_UPSTREAM);
	asked_all(kit, 2);
}

static void who_is_away_is_left_alone_for_a_moment(void **state)
{
	struct kit *kit = *state;
	struct s3 *s3 = s3_of(kit);
	endpoint_free(kit->endpoint);
	kit->endpoint = NULL;
	put(kit, 10, SLV_E_UPSTREAM);
	read_some(kit, SLV_E_UPSTREAM);
	assert_true(atomic_load(&s3->away_until_ms) > 0);

	/* Nobody knocks meanwhile; then it is there again. */
	kit->endpoint = endpoint_new(kit->blobs.loop);
	char *host = (char *)(uintptr_t)s3->url.host.at; /* at another port */
	s3->url.host.len = (size_t)sprintf(host, "127.0.0.1:%u", kit->endpoint->port);
	atomic_store(&s3->away_until_ms, slv_crew_now_ms() + 60000);
	put(kit, 10, SLV_E_UPSTREAM);
	assert_int_equal(kit->endpoint->accepted, 0);
	atomic_store(&s3->away_until_ms, slv_crew_now_ms());
	says(kit, OK);
	put(kit, 10, SLV_E_NONE);
}

static void who_is_silent_is_away_and_asked_once(void **state)
{
	struct kit *kit = *state;
	struct s3 *s3 = s3_of(kit);
	s3->conf.silence_s = 1;
	says(kit, ""); /* nothing, ever */
	put(kit, 10, SLV_E_UPSTREAM);
	asked_all(kit, 1);
	assert_true(atomic_load(&s3->away_until_ms) > 0);
	atomic_store(&s3->away_until_ms, 0);
	says(kit, OK);
	put(kit, 10, SLV_E_NONE);
	assert_int_equal(atomic_load(&s3->away_until_ms), 0);
}

static void an_upload_that_fails_is_taken_away(void **state)
{
	struct kit *kit = *state;
	says_parts(kit);
	kit->endpoint->answers_count--;
	says_error(kit, "403 No", "AccessDenied");
	says(kit, GONE);
	put(kit, SLV_MIB(9), SLV_E_SYS);
	asked_all(kit, 4);
	was_asked(kit, 3, "DELETE /bucket/pre/");
	assert_non_null(strstr(kit->endpoint->heads[3], "?" UPLOAD " HTTP/1.1"));
	assert_int_equal(atomic_load(&s3_of(kit)->held), 0);
}

static void an_error_behind_a_good_status_is_one(void **state)
{
	struct kit *kit = *state;
	says_parts(kit);
	says_error(kit, "200 OK", "InternalError");
	says_done(kit);
	put(kit, SLV_MIB(9), SLV_E_NONE);
	asked_all(kit, 5);

	says_parts(kit);
	for (int i = 0; i < 3; i++)
		says_error(kit, "200 OK", "InternalError");
	says(kit, GONE);
	put(kit, SLV_MIB(9), SLV_E_UPSTREAM);
	asked_all(kit, 5 + 7);
	was_asked(kit, 11, "DELETE /bucket/pre/");
}

/* White space comes while an endpoint is at work. */
static void what_an_answer_says_may_come_late(void **state)
{
	struct kit *kit = *state;
	says_parts(kit);
	says_text(kit, "200 OK", "", " \r\n\t<?xml version=\"1.0\"?><Error><Code>E</Code></Error>");
	says_text(kit, "200 OK", "", "\n \n<?xml version=\"1.0\"?>" COMPLETED "\n");
	put(kit, SLV_MIB(9), SLV_E_NONE);
	asked_all(kit, 5);
}

static void says_head(struct kit *kit, uint64_t len)
{
	slv_str head = slv_str_printf(&kit->arena,
			"HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n", (unsigned long long)len);
	says(kit, slv_cstr(&kit->arena, head));
}

/* A good status was sent before it was known how it ends: who does not say that it did is not
 * believed. */
static void an_upload_whose_end_is_not_told_is_looked_at(void **state)
{
	struct kit *kit = *state;
	char message[4200], error[4300];
	memset(message, 'm', sizeof(message));
	snprintf(error, sizeof(error), "<Error><Message>%.4097s</Message></Error>", message);
	const char *const bodies[] = { "", " \n", "<CompleteMultipartUploadResult><Key>k",
		"<html><body>Bad gateway</body></html>", "hello",
		"<s3:Error xmlns:s3=\"s\"><Code>InternalError</Code></s3:Error>", error,
		COMPLETED "<Error/>", "<a>" COMPLETED "</a>" };
	for (size_t i = 0; i < 2 * SLV_COUNT(bodies); i++) {
		bool there = i % 2;
		size_t asked = kit->endpoint->asked;
		says_parts(kit);
		says_text(kit, "200 OK", "", bodies[i / 2]);
		if (there) {
			says_head(kit, SLV_MIB(9) + 9 * 16 * 8 + 32);
		} else {
			says(kit, "HTTP/1.1 404 No\r\n\r\n");
			says(kit, GONE);
		}
		put(kit, SLV_MIB(9), there ? SLV_E_NONE : SLV_E_SYS);
		was_asked(kit, asked + 4, "HEAD /bucket/pre/");
		if (!there)
			was_asked(kit, asked + 5, "DELETE /bucket/pre/");
		asked_all(kit, asked + (there ? 5 : 6));
	}
}

/* The answer to its end was lost: it is looked at. */
static void an_upload_that_is_not_known_any_more_may_have_been_ended(void **state)
{
	struct kit *kit = *state;
	const uint64_t stored = SLV_MIB(9) + 9 * 16 * 8 + 32;
	for (uint64_t wrong = 0; wrong < 2; wrong++) {
		size_t asked = kit->endpoint->asked;
		says_parts(kit);
		says(kit, NULL);
		says_error(kit, "404 No", "NoSuchUpload");
		says_head(kit, stored + wrong);
		if (wrong)
			says(kit, GONE);
		put(kit, SLV_MIB(9), wrong ? SLV_E_SYS : SLV_E_NONE);
		was_asked(kit, asked + 5, "HEAD /bucket/pre/");
		asked_all(kit, asked + 6 + wrong);
	}
	/* No answer was lost, so nobody ended it: it is away. */
	size_t asked = kit->endpoint->asked;
	says_parts(kit);
	says_error(kit, "404 No", "NoSuchUpload");
	says(kit, GONE);
	put(kit, SLV_MIB(9), SLV_E_SYS);
	asked_all(kit, asked + 5);
	was_asked(kit, asked + 4, "DELETE /bucket/pre/");
}

static void answers_that_make_no_sense_are_refused(void **state)
{
	struct kit *kit = *state;
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
		says_text(kit, "200 OK", "", table[i].begun);
		if (table[i].part) {
			says_text(kit, "200 OK", table[i].part, "");
			says(kit, GONE);
		}
		put(kit, SLV_MIB(9), SLV_E_SYS);
		asked_all(kit, kit->endpoint->answers_count);
	}
	for (int more = 0; more < 2; more++) { /* than a bound */
		slv_str text = slv_str_printf(&kit->arena,
				"<InitiateMultipartUploadResult><UploadId>%.*s</UploadId>"
				"</InitiateMultipartUploadResult>",
				1024 + more, id);
		says_text(kit, "200 OK", "", slv_cstr(&kit->arena, text));
		if (!more) {
			says_text(kit, "200 OK", "ETag: e\r\n", "");
			says_text(kit, "200 OK", "ETag: e\r\n", "");
			says_done(kit);
		}
		put(kit, SLV_MIB(9), more ? SLV_E_SYS : SLV_E_NONE);
	}
}

static void another_range_than_was_asked_for_is_refused(void **state)
{
	struct kit *kit = *state;
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
		says_text(kit, table[i].status, table[i].range, text);
		read_some(kit, table[i].code);
		assert_non_null(strstr(kit->endpoint->heads[i], "\r\nrange: bytes=0-139\r\n"));
	}
	slv_free(text);
}

/* --- what takes long --- */

/* An endpoint that joins parts says nothing meanwhile, or spaces now and then. */
static void who_joins_parts_is_waited_for(void **state)
{
	struct kit *kit = *state;
	const char *const begins[] = { "", "HTTP/1.1 200 OK\r\nContent-Length: 79\r\n\r\n    " };
	const char *const rests[] = { "HTTP/1.1 200 OK\r\nContent-Length: 75\r\n\r\n" COMPLETED,
		COMPLETED };
	s3_of(kit)->conf.silence_s = 1;
	for (size_t i = 0; i < SLV_COUNT(begins); i++) {
		size_t asked = kit->endpoint->asked;
		says_parts(kit);
		endpoint_says_late(kit->endpoint, begins[i], 3500, rests[i]);
		put(kit, SLV_MIB(9), SLV_E_NONE);
		asked_all(kit, asked + 4);
	}
}

static void but_not_for_ever(void **state)
{
	struct kit *kit = *state;
	s3_of(kit)->join_s = 1;
	says_parts(kit);
	says(kit, ""); /* nothing, ever */
	says(kit, GONE);
	put(kit, SLV_MIB(9), SLV_E_UPSTREAM);
	asked_all(kit, 5); /* it is not away for others */
	was_asked(kit, 4, "DELETE /bucket/pre/");
}

/* --- lists --- */

#define TIME "<LastModified>2026-01-02T03:04:05.000Z</LastModified>"
#define KEY(digits) "<Key>pre/00/000000000000000000000000000000" digits "</Key>"
#define OTHER_SHARD "<Key>pre/01/01000000000000000000000000000001</Key>"
#define NO_UPLOADS "HTTP/1.1 501 No\r\nContent-Length: 0\r\n\r\n"

static size_t list(struct kit *kit, struct slv_blob_listed *listed, size_t max)
{
	return blobs_kit_list(&kit->blobs, 0, listed, max);
}

static void a_list_is_read_page_by_page(void **state)
{
	struct kit *kit = *state;
	struct slv_blob_listed listed[4];
	says(kit, NO_UPLOADS);
	says_text(kit, "200 OK", "",
			"<ListBucketResult><IsTruncated>true</IsTruncated>"
			"<NextContinuationToken>a/+=</NextContinuationToken>"
			"<Contents>" KEY("01") TIME "<Size>4</Size></Contents>"
						    "<Contents>" KEY("0x") TIME
			"</Contents>"
			"<Contents>" KEY("011") TIME "</Contents>"
						     "<Contents><Key>other</Key>" TIME "</Contents>"
						     "<Contents>" OTHER_SHARD TIME
						     "</Contents></ListBucketResult>");
	says_text(kit, "200 OK", "",
			"<ListBucketResult><IsTruncated>false</IsTruncated>"
			"<Contents>" TIME KEY("02") "</Contents></ListBucketResult>");
	assert_int_equal(list(kit, listed, 4), 2);
	assert_int_equal(kit->blobs.err.code, SLV_E_NONE);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(listed[i].id.bytes[15], i + 1);
		assert_int_equal(listed[i].written_ms, INT64_C(1767323045000));
		assert_true(listed[i].finished);
	}
	was_asked(kit, 0, "GET /bucket?uploads=&max-uploads=1000&prefix=pre%2F00%2F HTTP/1.1");
	was_asked(kit, 1, "GET /bucket?list-type=2&max-keys=1000&prefix=pre%2F00%2F HTTP/1.1");
	was_asked(kit, 2,
			"GET /bucket?list-type=2&max-keys=1000&prefix=pre%2F00%2F"
			"&continuation-token=a%2F%2B%3D HTTP/1.1");
	asked_all(kit, 3);
}

#define BEGUN(digits, id)                                                                          \
	"<Upload>" KEY(digits) "<UploadId>" id "</UploadId>"                                       \
			       "<Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload>"

/* Who took it away would take the blob away, too. */
static void an_upload_beside_its_blob_is_passed_over(void **state)
{
	struct kit *kit = *state;
	struct slv_blob_listed listed[4];
	says_text(kit, "200 OK", "",
			"<ListMultipartUploadsResult>" BEGUN("01",
					"a") "<IsTruncated>true</IsTruncated><NextKeyMarker>k "
					     "m</NextKeyMarker>"
					     "<NextUploadIdMarker>u&amp;m</NextUploadIdMarker>"
					     "</ListMultipartUploadsResult>");
	says_text(kit, "200 OK", "",
			"<ListMultipartUploadsResult>" BEGUN(
					"02", "b") "<IsTruncated>false</IsTruncated></"
						   "ListMultipartUploadsResult>");
	says_text(kit, "200 OK", "",
			"<ListBucketResult><Contents>" KEY("01") TIME "</Contents>"
								      "</ListBucketResult>");
	assert_int_equal(list(kit, listed, 4), 2);
	assert_int_equal(listed[0].id.bytes[15], 1);
	assert_true(listed[0].finished);
	assert_int_equal(listed[1].id.bytes[15], 2);
	assert_false(listed[1].finished);
	was_asked(kit, 1,
			"GET /bucket?uploads=&max-uploads=1000&prefix=pre%2F00%2F"
			"&key-marker=k%20m&upload-id-marker=u%26m HTTP/1.1");
	asked_all(kit, 3);
}

static void a_list_that_is_none_is_an_error(void **state)
{
	struct kit *kit = *state;
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
	says(kit, NO_UPLOADS); /* which is remembered */
	for (size_t i = 0; i < SLV_COUNT(bad); i++) {
		says_text(kit, "200 OK", "", bad[i]);
		assert_int_equal(list(kit, listed, 1), 0);
		assert_int_equal(kit->blobs.err.code, SLV_E_SYS);
	}
	says(kit, "HTTP/1.1 501 No\r\nContent-Length: 0\r\n\r\n"); /* of objects */
	assert_int_equal(list(kit, listed, 1), 0);
	assert_int_equal(kit->blobs.err.code, SLV_E_SYS);
	asked_all(kit, 2 + SLV_COUNT(bad));
}

static void a_list_that_does_not_go_on_is_an_error(void **state)
{
	struct kit *kit = *state;
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
		says_text(kit, "200 OK", "", slv_cstr(&kit->arena, text));
	}
	assert_int_equal(list(kit, listed, 1), 0);
	assert_int_equal(kit->blobs.err.code, SLV_E_SYS);
	asked_all(kit, 3);
	says(kit, NO_UPLOADS);
	says_text(kit, "200 OK", "", objects);
	says_text(kit, "200 OK", "", objects);
	assert_int_equal(list(kit, listed, 1), 0);
	assert_int_equal(kit->blobs.err.code, SLV_E_SYS);
	asked_all(kit, 6);
}

/* --- removal --- */

static void uploads_of_what_was_begun_are_ended(void **state)
{
	struct kit *kit = *state;
	struct slv_blob_id id = { { [15] = 1 } };
	says(kit, GONE);
	says_text(kit, "200 OK", "",
			"<ListMultipartUploadsResult>" BEGUN("01", "a") BEGUN("011", "no")
					BEGUN("02", "no") BEGUN(
							"01", "b") "</ListMultipartUploadsResult>");
	says(kit, GONE);
	says_error(kit, "404 No", "NoSuchUpload");
	blobs_kit_remove(&kit->blobs, &id);
	assert_int_equal(kit->blobs.err.code, SLV_E_NONE);
	asked_all(kit, 4);
	was_asked(kit, 0, "DELETE /bucket/pre/00/00000000000000000000000000000001 HTTP/1.1");
	was_asked(kit, 2, "DELETE /bucket/pre/00/00000000000000000000000000000001?uploadId=a HTTP");
	was_asked(kit, 3, "DELETE /bucket/pre/00/00000000000000000000000000000001?uploadId=b HTTP");

	/* The list may be older than the end of one. */
	says_text(kit, "200 OK", "",
			"<ListMultipartUploadsResult>" BEGUN(
					"01", "c") "</ListMultipartUploadsResult>");
	says(kit, GONE);
	blobs_kit_remove_begun(&kit->blobs, &id);
	assert_int_equal(kit->blobs.err.code, SLV_E_NONE);
	asked_all(kit, 6);
	was_asked(kit, 4, "GET /bucket?uploads=");
	was_asked(kit, 5, "DELETE /bucket/pre/00/00000000000000000000000000000001?uploadId=c HTTP");

	/* Without an id it would be the blob that is deleted. */
	says_text(kit, "200 OK", "",
			"<ListMultipartUploadsResult>" BEGUN(
					"01", "") "</ListMultipartUploadsResult>");
	blobs_kit_remove_begun(&kit->blobs, &id);
	assert_int_equal(kit->blobs.err.code, SLV_E_SYS);
	asked_all(kit, 7);

	says_error(kit, "404 No", "NoSuchKey");
	says(kit, NO_UPLOADS);
	blobs_kit_remove(&kit->blobs, &id);
	assert_int_equal(kit->blobs.err.code, SLV_E_NONE);
	for (int i = 0; i < 3; i++)
		says_error(kit, "500 No", "InternalError");
	blobs_kit_remove(&kit->blobs, &id);
	assert_int_equal(kit->blobs.err.code, SLV_E_UPSTREAM);
}

static void discard(struct kit *kit, uint8_t number)
{
	struct slv_blob_id id = { { [15] = number } };
	slv_blob_discard(kit->blobs.loop, kit->blobs.blobs, &id);
}

static void discards_end(struct kit *kit)
{
	while (atomic_load(&kit->blobs.blobs->discards) > 0)
		slv_loop_turn(kit->blobs.loop, true);
}

static void removals_do_not_hold_up_uploads(void **state)
{
	struct kit *kit = *state;
	for (uint8_t i = 0; i < S3_REMOVERS; i++)
		says(kit, ""); /* nothing, ever */
	for (uint8_t i = 0; i < S3_REMOVERS + S3_WRITERS; i++)
		discard(kit, i);
	while (kit->endpoint->asked < S3_REMOVERS)
		slv_loop_turn(kit->blobs.loop, true);
	says(kit, OK);
	put(kit, 10, SLV_E_NONE);
	was_asked(kit, S3_REMOVERS, "PUT /bucket/pre/");
	asked_all(kit, S3_REMOVERS + 1);
	endpoint_free(kit->endpoint); /* so that they end */
	kit->endpoint = NULL;
	discards_end(kit);
}

/* --- bounds --- */

static void what_is_discarded_past_a_bound_stays_and_is_told(void **state)
{
	struct kit *kit = *state;
	struct slv_blobs *blobs = kit->blobs.blobs;
	char log[4096];
	atomic_store(&blobs->discards, SLV_BLOB_DISCARDS_MAX / 2);
	assert_false(slv_blobs_behind(blobs));
	atomic_store(&blobs->discards, SLV_BLOB_DISCARDS_MAX / 2 + 1);
	assert_true(slv_blobs_behind(blobs));

	atomic_store(&blobs->discards, SLV_BLOB_DISCARDS_MAX - 1);
	says(kit, GONE);
	discard(kit, 1); /* the last that has room */
	discard(kit, 2);
	discard(kit, 3);
	assert_int_equal(atomic_load(&blobs->left), 2);
	atomic_store(&blobs->discards, 1); /* the others went */
	discards_end(kit);
	was_asked(kit, 0, "DELETE /bucket/pre/00/00000000000000000000000000000001 HTTP/1.1");
	asked_all(kit, 1);
	assert_int_equal(atomic_load(&blobs->left), 0);

	read_log(kit, log, sizeof(log));
	const char *begins = strstr(log, "\"store.left\"");
	assert_non_null(begins);
	const char *ends = strstr(begins + 1, "\"store.left\"");
	assert_non_null(ends);
	assert_non_null(strstr(ends, "\"blobs\":2"));
	assert_null(strstr(ends + 1, "\"store.left\""));
}

static void on_written(void *arg, slv_err err)
{
	struct kit *kit = arg;
	kit->blobs.err = err;
	kit->blobs.pending--;
}

/* A part that was sent keeps no room. */
static void what_was_sent_is_not_on_its_way(void **state)
{
	struct kit *kit = *state;
	struct slv_blob_writer *writer;
	size_t len = S3_PART_BYTES / 8;
	char *bytes = slv_alloc(len);
	_Atomic size_t *held = &s3_of(kit)->held;
	says_parts(kit);
	kit->endpoint->answers_count--;
	says(kit, GONE);
	assert_false(slv_failed(slv_blob_writer_new(kit->blobs.loop, kit->blobs.blobs, &writer)));
	for (unsigned i = 1; i <= 9; i++) {
		kit->blobs.pending++;
		slv_blob_write(writer, (slv_str){ bytes, len }, on_written, kit);
		blobs_kit_wait(&kit->blobs);
		assert_int_equal(kit->blobs.err.code, SLV_E_NONE);
		assert_int_equal(atomic_load(held), i < 9 ? i * len : len);
	}
	slv_blob_writer_free(writer);
	asked_all(kit, 3);
	assert_int_equal(atomic_load(held), 0);
	slv_free(bytes);
}

static void what_is_on_its_way_is_bounded(void **state)
{
	struct kit *kit = *state;
	struct slv_blob_writer *writer;
	char bytes[1001] = { 0 };
	_Atomic size_t *held = &s3_of(kit)->held;
	for (size_t more = 0; more < 2; more++) {
		atomic_store(held, S3_HELD_BYTES_MAX - 1000);
		assert_false(slv_failed(
				slv_blob_writer_new(kit->blobs.loop, kit->blobs.blobs, &writer)));
		kit->blobs.pending++;
		slv_blob_write(writer, (slv_str){ bytes, 1000 + more }, on_written, kit);
		blobs_kit_wait(&kit->blobs);
		assert_int_equal(kit->blobs.err.code, more ? SLV_E_BUSY : SLV_E_NONE);
		slv_blob_writer_free(writer);
		settle(kit);
		assert_int_equal(atomic_load(held), S3_HELD_BYTES_MAX - 1000);
	}
	atomic_store(held, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
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
		TEST(what_is_on_its_way_is_bounded),
		TEST(what_was_sent_is_not_on_its_way),
		TEST(removals_do_not_hold_up_uploads),
		TEST(what_is_discarded_past_a_bound_stays_and_is_told),
		TEST(who_joins_parts_is_waited_for),
		TEST(but_not_for_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
