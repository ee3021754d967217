#include "service/image/testing_source.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

int stage_setup(void **state)
{
	struct stage *stage = SLV_ALLOC(struct stage);
	void *bench = NULL;
	bench_setup(&bench);
	stage->bench = bench;
	stage->failures = image_failures_new(slv_loop_hash_key(stage->bench->loop));
	stage->sources =
			image_sources_new(stage->bench->loop, stage->bench->cache, stage->failures);
	image_sources_meet(stage->sources, &stage->bench->env);
	*state = stage;
	return 0;
}

int stage_teardown(void **state)
{
	struct stage *stage = *state;
	void *bench = stage->bench;
	image_sources_free(stage->sources); /* asserts that nothing is under way */
	image_failures_free(stage->failures);
	bench_teardown(&bench);
	slv_free(stage);
	return 0;
}

static void want_done(struct image_want *want, slv_err err, const struct image_source *source)
{
	struct wanted *wanted = SLV_CONTAINER(want, struct wanted, want);
	wanted->done++;
	wanted->code = err.code;
	snprintf(wanted->what, sizeof(wanted->what), "%s", err.what ? err.what : "");
	assert_true(!source == slv_failed(err));
	if (!source)
		return;
	wanted->source = *source;
	image_source_drop(want);
	snprintf(wanted->body, sizeof(wanted->body), "%.*s", SLV_FMT(source->hit->body));
	source->hit->hold.drop(&source->hit->hold);
}

void stage_get_as(struct stage *stage, struct wanted *wanted, const struct image_want *want)
{
	*wanted = (struct wanted){ .want = *want };
	wanted->want.self = stage->bench->self;
	wanted->want.done = want_done;
	image_source_get(stage->sources, &wanted->want);
	bench_turn(stage->bench);
}

void stage_get(struct stage *stage, struct wanted *wanted, const char *source)
{
	stage_get_as(stage, wanted, &(struct image_want){ .source = slv_str_from(source) });
}

void expect_picture(const struct wanted *wanted)
{
	if (wanted->code)
		fail_msg("%s", wanted->what);
	assert_int_equal(wanted->done, 1);
	assert_string_equal(wanted->body, BENCH_PICTURE);
	assert_int_equal(wanted->source.format, SLV_FORMAT_PNG);
}

void expect_error(const struct wanted *wanted, enum slv_code code, const char *part)
{
	assert_int_equal(wanted->done, 1);
	assert_int_equal(wanted->code, code);
	if (!strstr(wanted->what, part))
		fail_msg("'%s' says nothing of '%s'", wanted->what, part);
}

void stage_give(struct stage *stage, const char *control)
{
	bench_source(stage->bench, stage->bench->source_count - 1, 200, stage_picture, control);
}
