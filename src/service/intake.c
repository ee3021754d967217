#include "service/intake.h"

#include "base/assert.h"

#define RAW_BYTES SLV_KIB(256) /* that are handed out at once */

enum state { READ, DECODE, KEEP, OVER };

void slv_intake_init(struct slv_intake *intake, const struct slv_intake_ops *ops,
		struct slv_loop *loop, struct slv_blobs *blobs, size_t kept_max)
{
	*intake = (struct slv_intake){ .ops = ops, .loop = loop, .blobs = blobs, .state = DECODE };
	slv_buf_init(&intake->kept, kept_max);
}

void slv_intake_done(struct slv_intake *intake)
{
	slv_body_done(&intake->stream);
	slv_buf_done(&intake->kept);
	slv_blob_writer_free(intake->writer);
	intake->writer = NULL;
	if (intake->has_ref)
		slv_blob_discard(intake->loop, intake->blobs, &intake->ref.id);
	intake->has_ref = false;
}

bool slv_intake_is_form(slv_str type)
{
	slv_str rest = type, kind = slv_str_trim(slv_str_cut(&rest, ';'));
	return slv_str_eq_nocase(kind, SLV_STR("multipart/form-data"));
}

slv_err slv_intake_take(struct slv_intake *intake, struct slv_body *body, struct slv_arena *arena,
		slv_str type, const struct slv_multipart_limits *limits)
{
	intake->is_form = slv_intake_is_form(type);
	if (intake->is_form) {
		slv_err err = slv_multipart_init(&intake->form, arena, type, limits);
		if (slv_failed(err))
			return err;
	}
	intake->stream = *body;
	*body = (struct slv_body){ 0 };
	intake->at_end = !intake->stream.source;
	if (intake->at_end)
		intake->bytes = intake->stream.bytes;
	return SLV_OK;
}

/* --- what is waited for --- */

static void came(struct slv_pull *pull, slv_err err, slv_str bytes)
{
	struct slv_intake *intake = SLV_CONTAINER(pull, struct slv_intake, pull);
	intake->err = err;
	intake->bytes = bytes;
	intake->at_end = !bytes.len;
	intake->ops->wake(intake);
}

static bool ask_read(struct slv_intake *intake)
{
	intake->pull.done = came;
	slv_source_pull(intake->stream.source, &intake->pull);
	return false;
}

static void written(void *arg, slv_err err)
{
	struct slv_intake *intake = arg;
	intake->err = err;
	intake->ops->wake(intake);
}

static bool ask_keep(struct slv_intake *intake)
{
	slv_blob_write(intake->writer, slv_buf_str(&intake->kept), written, intake);
	return false;
}

static bool ask_nothing(struct slv_intake *intake)
{
	(void)intake;
	return true;
}

/* --- what is made of it --- */

static enum state take_read(struct slv_intake *intake)
{
	(void)intake;
	return DECODE;
}

/* `*ret_needs`: what came is used up. */
static slv_err form_step(struct slv_intake *intake, bool *ret_needs)
{
	size_t used;
	slv_str data;
	enum slv_multipart_event event;
	slv_err err = slv_multipart_decode(&intake->form, intake->bytes, &used, &event, &data);
	if (slv_failed(err))
		return err;
	intake->bytes = slv_str_from_index(intake->bytes, used);
	*ret_needs = event == SLV_MULTIPART_NEED;
	if (event == SLV_MULTIPART_PART)
		return intake->ops->part(intake);
	if (event == SLV_MULTIPART_PART_END && intake->ops->part_end)
		return intake->ops->part_end(intake);
	if (event == SLV_MULTIPART_DATA)
		return intake->ops->data(intake, data);
	return SLV_OK;
}

/* All of it may have been there at once: a piece at a time. */
static slv_err raw_step(struct slv_intake *intake, bool *ret_needs)
{
	slv_str bytes = slv_str_head(intake->bytes, RAW_BYTES);
	intake->bytes = slv_str_from_index(intake->bytes, bytes.len);
	*ret_needs = !bytes.len;
	return bytes.len ? intake->ops->data(intake, bytes) : SLV_OK;
}

static enum state take_decode(struct slv_intake *intake)
{
	bool needs = false;
	intake->err = intake->is_form ? form_step(intake, &needs) : raw_step(intake, &needs);
	if (slv_failed(intake->err))
		return OVER;
	if (intake->writer && intake->kept.len >= SLV_INTAKE_PIECE_BYTES)
		return KEEP;
	if (!needs)
		return DECODE;
	if (!intake->at_end)
		return READ;
	if (intake->is_form)
		intake->err = slv_multipart_finish(&intake->form);
	intake->is_over = true;
	return intake->writer && intake->kept.len && !slv_failed(intake->err) ? KEEP : OVER;
}

static enum state take_keep(struct slv_intake *intake)
{
	slv_buf_clear(&intake->kept);
	return intake->is_over ? OVER : DECODE;
}

static const struct {
	bool (*ask)(struct slv_intake *intake); /* true: it is there at once */
	enum state (*take)(struct slv_intake *intake);
	unsigned may;
} steps[] = {
	[READ] = { ask_read, take_read, SLV_BIT(DECODE) },
	[DECODE] = { ask_nothing, take_decode,
			SLV_BIT(DECODE) | SLV_BIT(READ) | SLV_BIT(KEEP) | SLV_BIT(OVER) },
	[KEEP] = { ask_keep, take_keep, SLV_BIT(DECODE) | SLV_BIT(OVER) },
};

enum slv_intake_what slv_intake_go(struct slv_intake *intake)
{
	if (intake->state == OVER && !slv_failed(intake->err) && intake->writer && intake->kept.len)
		intake->state = KEEP;
	while (intake->state != OVER) {
		if (!intake->asked) {
			intake->asked = true;
			if (!steps[intake->state].ask(intake))
				return SLV_INTAKE_WAITS;
		}
		intake->asked = false;
		enum state next = OVER;
		if (!slv_failed(intake->err))
			next = steps[intake->state].take(intake);
		slv_assert(slv_failed(intake->err) || (steps[intake->state].may & SLV_BIT(next)));
		intake->state = (uint8_t)next;
		if (intake->stop && next != OVER) {
			intake->stop = false;
			return SLV_INTAKE_STOPS;
		}
	}
	slv_body_done(&intake->stream);
	return SLV_INTAKE_IS_OVER;
}

void slv_intake_keep(struct slv_intake *intake, slv_str bytes)
{
	slv_buf_add(&intake->kept, bytes);
	slv_assert(!intake->kept.overflow);
}

slv_err slv_intake_open(struct slv_intake *intake)
{
	slv_assert(!intake->writer);
	return slv_blob_writer_new(intake->loop, intake->blobs, &intake->writer);
}

/* --- the end --- */

static void finished(void *arg, slv_err err, const struct slv_blob_ref *ref)
{
	struct slv_intake *intake = arg;
	intake->err = err;
	intake->is_finished = true;
	if (!slv_failed(err)) {
		intake->ref = *ref;
		intake->has_ref = true;
	}
	intake->ops->wake(intake);
}

bool slv_intake_finish(struct slv_intake *intake)
{
	slv_assert(intake->state == OVER && !intake->kept.len);
	if (intake->is_finished)
		return true;
	slv_blob_finish(intake->writer, finished, intake);
	return false;
}
