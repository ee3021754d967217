/* fuzz_cors.c - what is found is a rule of the document, and allows less that is asked for, too
 *
 * The lines are the fields Origin, the method and the headers of a preflight; the rest is the
 * document.
 */
#include "service/object/cors.h"

#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has(const struct slv_object_texts *texts, slv_str text)
{
	for (uint32_t i = 0; i < texts->count; i++)
		if (slv_str_eq(texts->at[i], text))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slv_arena arena;
	struct slv_object_cors cors;
	struct object_cors_found found, less;
	slv_str rest = { (const char *)data, size };
	struct object_cors_ask ask;
	ask.origin = slv_str_cut(&rest, '\n');
	ask.method = slv_str_cut(&rest, '\n');
	ask.headers = slv_str_cut(&rest, '\n');
	slv_arena_init(&arena, 4096, SLV_MIB(4));
	if (!slv_object_failed(slv_object_document_cors(&arena, rest, &cors)) &&
			object_cors_find(&cors, &ask, &found)) {
		slv_assert(found.rule >= cors.rules && found.rule < cors.rules + cors.count);
		slv_assert(has(&found.rule->methods, ask.method));
		slv_assert(!found.any_origin || has(&found.rule->origins, SLV_STR("*")));
		ask.headers = (slv_str){ 0 };
		slv_assert(object_cors_find(&cors, &ask, &less) && less.rule <= found.rule);
	}
	slv_arena_done(&arena);
	return 0;
}
