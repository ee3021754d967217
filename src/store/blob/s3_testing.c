#include "store/blob/s3_testing.h"

#include "base/mem.h"
#include "loop/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct s3 *s3_kit_driver(struct s3_kit *kit)
{
	return SLV_CONTAINER(kit->blobs.blobs, struct s3, blobs);
}

int s3_kit_set_up(void **state)
{
	struct s3_kit *kit = SLV_ALLOC(struct s3_kit);
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
			slv_str_from(url), SLV_STR(S3_KIT_SECRET), kit->log, &kit->blobs.blobs)));
	*state = kit;
	return 0;
}

void s3_kit_settle(struct s3_kit *kit)
{
	while (atomic_load(&kit->blobs.blobs->under_way) > 0)
		slv_loop_turn(kit->blobs.loop, false);
}

int s3_kit_tear_down(void **state)
{
	struct s3_kit *kit = *state;
	s3_kit_settle(kit);
	endpoint_free(kit->endpoint);
	slv_loop_free(kit->blobs.loop);
	slv_blobs_close(kit->blobs.blobs);
	slv_log_free(kit->log);
	close(kit->log_fd);
	slv_arena_done(&kit->arena);
	slv_free(kit);
	return 0;
}

void s3_kit_says(struct s3_kit *kit, const char *answer)
{
	endpoint_says(kit->endpoint, answer);
}

void s3_kit_says_text(struct s3_kit *kit, const char *status, const char *more, const char *text)
{
	slv_str answer = slv_str_printf(&kit->arena,
			"HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n%s", status, strlen(text),
			more, text);
	s3_kit_says(kit, slv_cstr(&kit->arena, answer));
}

void s3_kit_says_error(struct s3_kit *kit, const char *status, const char *code)
{
	slv_str text = slv_str_printf(&kit->arena,
			"<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>so it is</Message>"
			"</Error>",
			code);
	s3_kit_says_text(kit, status, "", slv_cstr(&kit->arena, text));
}

void s3_kit_was_asked(const struct s3_kit *kit, size_t number, const char *begin)
{
	const char *head = kit->endpoint->heads[number];
	assert_true(number < kit->endpoint->asked);
	if (strncmp(head, begin, strlen(begin)) != 0)
		fail_msg("asked for %.200s", head);
}

void s3_kit_asked_all(struct s3_kit *kit, size_t count)
{
	s3_kit_settle(kit);
	assert_int_equal(kit->endpoint->asked, count);
	assert_int_equal(kit->endpoint->answers_count, count);
}

void s3_kit_put(struct s3_kit *kit, uint64_t len, enum slv_code code)
{
	blobs_kit_put(&kit->blobs, 1, len, SLV_MIB(1));
	assert_int_equal(kit->blobs.err.code, code);
	s3_kit_settle(kit);
}

void s3_kit_says_parts(struct s3_kit *kit)
{
	s3_kit_says_text(kit, "200 OK", "",
			"<InitiateMultipartUploadResult><Bucket>b</Bucket><UploadId>a&amp;b/+ c"
			"</UploadId></InitiateMultipartUploadResult>");
	s3_kit_says(kit, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"first\"\r\n\r\n");
	s3_kit_says(kit, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"second\"\r\n\r\n");
}

void s3_kit_says_done(struct s3_kit *kit)
{
	s3_kit_says_text(kit, "200 OK", "", S3_KIT_COMPLETED);
}

void s3_kit_log(struct s3_kit *kit, char *log, size_t room)
{
	slv_log_free(kit->log);
	kit->blobs.blobs->log = kit->log = NULL;
	ssize_t len = pread(kit->log_fd, log, room - 1, 0);
	assert_true(len > 0);
	log[len] = 0;
}
