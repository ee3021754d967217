/* testing_source.h - sources without the flights; for tests only */
#ifndef SLV_SERVICE_IMAGE_TESTING_SOURCE_H
#define SLV_SERVICE_IMAGE_TESTING_SOURCE_H

#include "service/image/source.h"
#include "service/image/testing.h"

struct stage {
	struct bench *bench;
	struct image_failures *failures;
	struct image_sources *sources;
};

int stage_setup(void **state); /* for cmocka; the teardown asserts that nothing is under way */
int stage_teardown(void **state);

struct wanted {
	struct image_want want;
	unsigned done;
	int32_t code;
	char what[200], body[64];
	struct image_source source; /* without the hit, which was dropped */
};

static const slv_str stage_picture = SLV_STR_INIT(BENCH_PICTURE);

/* Ask for `source`. Turns the loop, as all below. */
void stage_get(struct stage *stage, struct wanted *wanted, const char *source);
void stage_get_as(struct stage *stage, struct wanted *wanted, const struct image_want *want);

/* Answer the last request inside with the picture; `control` is its Cache-Control or NULL. */
void stage_give(struct stage *stage, const char *control);

void expect_picture(const struct wanted *wanted);
void expect_error(const struct wanted *wanted, enum slv_code code, const char *part);

#endif
