/* ask.c - a question on its way to the home loop and back
 *
 * What a question names lives in a request's arena, which may be gone before the answer comes; so
 * an ask has texts of its own. It crosses with one post and comes back with the same; a
 * cancellation is a second post, which goes the same way and may overtake nothing. The ask is freed
 * where it was made, when the last of them is back.
 */
#include "base/assert.h"
#include "base/mem.h"
#include "service/image/private.h"

#include <string.h>

/* --- recipes --- */

size_t image_recipe_text_bytes(const struct image_recipe *recipe)
{
	size_t bytes = recipe->source.len;
	for (uint32_t i = 0; i < recipe->plan.draw_count; i++)
		bytes += recipe->draws[i].len;
	return bytes;
}

static slv_str put_text(char **at, slv_str text)
{
	memcpy(*at, text.at, text.len);
	*at += text.len;
	return (slv_str){ *at - text.len, text.len };
}

void image_recipe_copy(const struct image_recipe *recipe, struct image_recipe *ret_copy, char *text)
{
	*ret_copy = *recipe;
	ret_copy->source = put_text(&text, recipe->source);
	for (uint32_t i = 0; i < recipe->plan.draw_count; i++)
		ret_copy->draws[i] = put_text(&text, recipe->draws[i]);
}

/* --- there --- */

static void arrived(struct slv_post *post)
{
	struct image_ask *ask = SLV_CONTAINER(post, struct image_ask, post);
	image_home_ask(ask->recipe.self->home, ask);
}

void image_ask(struct image_ask *ask)
{
	ask->pending = 1;
	ask->post.run = arrived;
	slv_loop_post(image_home_loop(ask->recipe.self->home), &ask->post);
}

static void cancel_back(struct slv_post *post)
{
	image_ask_done(SLV_CONTAINER(post, struct image_ask, cancel));
}

static void cancel_arrived(struct slv_post *post)
{
	struct image_ask *ask = SLV_CONTAINER(post, struct image_ask, cancel);
	image_home_leave(ask->recipe.self->home, ask);
	ask->cancel.run = cancel_back;
	slv_loop_post(ask->recipe.self->env->loop, &ask->cancel);
}

void image_ask_cancel(struct image_ask *ask)
{
	ask->req = NULL;
	ask->pending++;
	ask->cancel.run = cancel_arrived;
	slv_loop_post(image_home_loop(ask->recipe.self->home), &ask->cancel);
}

/* --- and back --- */

static void answer_run(struct slv_post *post)
{
	struct image_ask *ask = SLV_CONTAINER(post, struct image_ask, post);
	ask->answered(ask);
}

void image_ask_answer(struct image_ask *ask)
{
	ask->post.run = answer_run;
	slv_loop_post(ask->recipe.self->env->loop, &ask->post);
}

void image_ask_done(struct image_ask *ask)
{
	slv_assert(ask->pending);
	if (--ask->pending == 0)
		slv_free(ask);
}
