#include "service/image/hosted/facts.h"

#include "base/fd.h"
#include "proc/message.h"
#include "service/image/plan.h"

#define DEADLINE_MS 30000 /* a head is read in no time, but jails may be busy */

void hosted_facts_init(struct hosted_facts *facts, struct hosted *hosted, struct slv_arena *arena)
{
	*facts = (struct hosted_facts){ .hosted = hosted, .arena = arena, .fd = -1 };
}

void hosted_facts_done(struct hosted_facts *facts)
{
	slv_fd_done(&facts->fd);
	facts->hosted->gathered_bytes -= facts->bytes;
	facts->bytes = 0;
}

slv_err hosted_facts_add(struct hosted_facts *facts, slv_str bytes)
{
	if (facts->fd < 0) {
		slv_err err = slv_memfd_new(&facts->fd);
		if (slv_failed(err))
			return err;
	}
	if (bytes.len > HOSTED_GATHERED_BYTES_MAX - facts->hosted->gathered_bytes)
		return SLV_ERR(SLV_E_BUSY, "too many uploads are under way; try again");
	facts->hosted->gathered_bytes += bytes.len;
	facts->bytes += bytes.len;
	return slv_memfd_add(facts->fd, bytes);
}

/* As format=json of a thumbnail, but that nothing is worked out which needs pixels. So no bound of
 * what would be made of it counts, but those of itself. */
static void make_plan(const struct slv_hosted_settings *settings, struct slv_pixel_plan *plan)
{
	static const struct slv_image_choice choice = { .class = SLV_IMAGE_CLASS_PLAIN };
	struct slv_image_defaults defaults;
	struct slv_image_options options;
	slv_image_defaults_init(&defaults);
	defaults.source_pixels_max = settings->pixels_max;
	defaults.allow_jxl = true;
	slv_image_options_init(&options);
	options.format = SLV_IMAGE_FORMAT_JSON;
	options.width = options.height = 1;
	options.given = SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_FORMAT) |
	                SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_WIDTH) |
	                SLV_IMAGE_GIVEN(SLV_IMAGE_OPTION_HEIGHT);
	slv_image_plan_make(&options, &defaults, &choice, plan);
	plan->want_blurhash = plan->want_thumbhash = false;
}

static slv_err verdict(struct hosted_facts *facts, slv_err err)
{
	const struct slv_hosted_settings *settings = facts->hosted->settings;
	if (err.code == SLV_E_CORRUPT || err.code == SLV_E_MEDIA || err.code == SLV_E_UNSUPPORTED)
		return slv_err_printf(facts->arena, SLV_E_MEDIA, "image failed to be decoded: %s",
				err.what);
	if (err.code == SLV_E_LIMIT)
		return slv_err_printf(facts->arena, SLV_E_LIMIT,
				"a picture has %lld pixels at most (images_store.pixels_max): %s",
				(long long)settings->pixels_max, err.what);
	if (slv_failed(err))
		return slv_err_wrap(facts->arena, err, "look at an upload");
	if (facts->width > settings->side_max || facts->height > settings->side_max)
		return slv_err_printf(facts->arena, SLV_E_LIMIT,
				"a picture is %lld pixels wide and high at most "
				"(images_store.side_max)",
				(long long)settings->side_max);
	return SLV_OK;
}

static void job_done(struct slv_pixel_job *job, slv_err err, const struct slv_pixel_result *result,
		int out_fd)
{
	struct hosted_facts *facts = SLV_CONTAINER(job, struct hosted_facts, job);
	slv_fd_done(&out_fd);
	if (!slv_failed(err)) {
		facts->width = result->source_width;
		facts->height = result->source_height;
	}
	facts->done(facts, verdict(facts, err));
}

slv_err hosted_facts_ask(struct hosted_facts *facts, enum slv_format format)
{
	slv_err err = slv_memfd_seal(facts->fd);
	if (slv_failed(err))
		return err;
	make_plan(facts->hosted->settings, &facts->job.plan);
	facts->job.source_fd = facts->fd;
	facts->job.source_format = format;
	facts->job.source_bytes = facts->bytes;
	facts->job.deadline_ms = DEADLINE_MS;
	facts->job.done = job_done;
	slv_lanes_submit(facts->hosted->lanes, &facts->job);
	return SLV_OK;
}
