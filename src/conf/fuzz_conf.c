/* Any text is either refused with at least one mistake a line of the right form, or gives
 * values that are within the bounds of their rows. No mistake is in the library's own words. */
#include "base/assert.h"
#include "conf/fixture.h"
#include "conf/read.h"

#include <string.h>

static void check_values(const struct fixture *root)
{
	slv_assert(root->port >= 1 && root->port <= 65535);
	slv_assert(root->idle_ms >= 100 && root->idle_ms <= 600000);
	slv_assert(root->body_bytes >= 1024 && root->body_bytes <= 1 << 30);
	slv_assert(root->mode >= 0 && root->mode <= 2);
	slv_assert(root->ratio >= 0.25 && root->ratio <= 1);
	slv_assert(root->title.len >= 2 && root->title.len <= 8);
	slv_assert(root->key.len <= 16);
	slv_assert(root->data.len >= 1 && root->data.len <= 64 + sizeof("/nowhere/"));
	slv_assert(root->inner.depth >= 1 && root->inner.depth <= 9);
	slv_assert(!root->extra || (root->extra->depth >= 1 && root->extra->depth <= 9));
	slv_assert(root->items.count <= 3 && root->presets.count <= 2);
	slv_assert(root->hosts.count >= 1 && root->hosts.count <= 2);
	slv_assert(root->size.width <= 1000 && root->size.height <= 1000);
	for (size_t i = 0; i < root->presets.count; i++) {
		const struct fixture_item *item = (const struct fixture_item *)root->presets.at + i;
		slv_assert(item->name.len >= 1 && item->name.len <= 8);
	}
}

static void check_mistakes(slv_err err)
{
	size_t lines = 0;
	for (slv_str rest = slv_str_from(err.what); rest.at; lines++) {
		slv_str line = slv_str_cut(&rest, '\n');
		slv_assert(slv_str_starts(line, SLV_STR("fuzz:")));
		line = slv_str_from_index(line, 5);
		uint64_t number;
		slv_assert(slv_str_u64(slv_str_cut(&line, ':'), UINT32_MAX, &number) && number > 0);
		slv_assert(slv_str_u64(slv_str_cut(&line, ':'), UINT32_MAX, &number) && number > 0);
		slv_assert(line.len > 1 && line.at[0] == ' ');
		slv_assert(!slv_str_starts(slv_str_from_index(line, 1), SLV_STR(SLV_CONF_UNTOLD)));
	}
	slv_assert(lines >= 1 && lines <= 21);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slv_arena arena;
	slv_arena_init(&arena, SLV_KIB(16), SLV_MIB(1));
	struct slv_conf *conf;
	slv_err err = slv_conf_parse(&arena, (slv_str){ (const char *)data, size }, "fuzz",
			"/nowhere", fixture_keys, sizeof(struct fixture), &conf);
	if (slv_failed(err)) {
		check_mistakes(err);
	} else {
		check_values(slv_conf_root(conf));
		slv_conf_free(conf);
	}
	slv_arena_done(&arena);
	return 0;
}
