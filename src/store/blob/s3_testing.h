/* s3_testing.h - blobs at an endpoint that answers as the test wants; for tests only */
#ifndef SLV_STORE_BLOB_S3_TESTING_H
#define SLV_STORE_BLOB_S3_TESTING_H

#include "client/endpoint.h"
#include "store/blob/s3.h"
#include "store/blob/testing.h"

#define S3_KIT_SECRET "not-to-be-told"
#define S3_KIT_OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"e\"\r\n\r\n"
#define S3_KIT_GONE "HTTP/1.1 204 No Content\r\n\r\n"
#define S3_KIT_COMPLETED                                                                           \
	"<CompleteMultipartUploadResult><Key>k</Key></CompleteMultipartUploadResult>"

/* Made anew for every test. */
struct s3_kit {
	struct blobs_kit blobs; /* first */
	struct endpoint *endpoint;
	struct slv_arena arena; /* of answers */
	int log_fd;
	struct slv_log *log;
};

int s3_kit_set_up(void **state);
int s3_kit_tear_down(void **state);

struct s3 *s3_kit_driver(struct s3_kit *kit);

/* Let what is closed be done with. */
void s3_kit_settle(struct s3_kit *kit);

/* --- what the endpoint answers, one after the other --- */

void s3_kit_says(struct s3_kit *kit, const char *answer);
void s3_kit_says_text(struct s3_kit *kit, const char *status, const char *more, const char *text);
void s3_kit_says_error(struct s3_kit *kit, const char *status, const char *code);

/* To an upload of nine MiB, which are two parts; and to its end. */
void s3_kit_says_parts(struct s3_kit *kit);
void s3_kit_says_done(struct s3_kit *kit);

/* --- what it was asked --- */

/* `begin` begins the request of that number. */
void s3_kit_was_asked(const struct s3_kit *kit, size_t number, const char *begin);

/* So many, and each had an answer. */
void s3_kit_asked_all(struct s3_kit *kit, size_t count);

/* --- the rest --- */

/* Write a blob of `len` bytes; so it ends. */
void s3_kit_put(struct s3_kit *kit, uint64_t len, enum slv_code code);

/* What the log has; it takes no more from then on. */
void s3_kit_log(struct s3_kit *kit, char *log, size_t room);

#endif
