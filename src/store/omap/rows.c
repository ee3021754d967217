/* rows.c - rows of ordered maps: found, folded, checked */
#include "base/mem.h"
#include "store/omap/private.h"

#include <string.h>
#include <xxhash.h>

/* --- checksums --- */

/* Each part is the seed of the next. `kind` tells rows from bodies. */
static uint64_t sum_of(
		uint64_t kind, slv_str key, uint64_t version, uint64_t body_len, slv_str bytes)
{
	const uint64_t numbers[] = { kind, version, body_len };
	uint8_t head[sizeof(numbers)];
	for (size_t i = 0; i < sizeof(head); i++)
		head[i] = (uint8_t)(numbers[i / 8] >> i % 8 * 8);
	uint64_t sum = XXH3_64bits_withSeed(key.at, key.len, XXH3_64bits(head, sizeof(head)));
	return XXH3_64bits_withSeed(bytes.at ? bytes.at : "", bytes.len, sum);
}

uint64_t slv_omap_row_sum(slv_str key, uint64_t version, uint64_t body_len, slv_str value)
{
	return sum_of(1, key, version, body_len, value);
}

uint64_t slv_omap_body_sum(slv_str key, uint64_t version, slv_str body)
{
	return sum_of(2, key, version, body.len, body);
}

/* --- folding --- */

size_t slv_omap_folded_len(const struct slv_omap_read *read, slv_str key)
{
	if (read->fold.len == 0 || key.len <= read->fold_skip)
		return 0;
	const char *at = memmem(key.at + read->fold_skip, key.len - read->fold_skip, read->fold.at,
			read->fold.len);
	return at ? (size_t)(at - key.at) + read->fold.len : 0;
}

/* --- what is found --- */

void slv_omap_found_init(struct slv_omap_found *found, uint32_t rows_max, uint32_t bytes_max)
{
	*found = (struct slv_omap_found){ .rows_max = rows_max, .bytes_max = bytes_max };
	slv_buf_init(&found->bytes, SIZE_MAX / 2);
}

void slv_omap_found_done(struct slv_omap_found *found)
{
	slv_free(found->rows);
	slv_buf_done(&found->bytes);
}

bool slv_omap_found_add(struct slv_omap_found *found, const struct slv_omap_row *row)
{
	size_t len = row->key.len + row->value.len + row->body.len;
	if (found->count == found->rows_max ||
			(found->count > 0 && found->bytes.len + len > found->bytes_max)) {
		found->more = true;
		return false;
	}
	if (found->count == found->room) {
		found->room = found->room ? 2 * found->room : 1;
		found->rows = slv_realloc(found->rows, found->room * sizeof(*found->rows));
	}
	found->rows[found->count++] = *row;
	slv_buf_add(&found->bytes, row->key);
	slv_buf_add(&found->bytes, row->value);
	slv_buf_add(&found->bytes, row->body);
	return true;
}

slv_err slv_omap_check_since(const struct slv_omap_read *read, uint64_t version, uint64_t forgotten,
		uint64_t epoch)
{
	if (read->what != SLV_OMAP_CHANGES)
		return SLV_OK;
	if (read->epoch && read->epoch != epoch)
		return SLV_ERR(SLV_E_RANGE, "the map is another one now: its epoch has changed");
	if (read->since < forgotten)
		return SLV_ERR(SLV_E_RANGE, "changes of so long ago are not remembered");
	if (read->since > version)
		return SLV_ERR(SLV_E_RANGE, "there have not been so many changes");
	return SLV_OK;
}

slv_err slv_omap_read_nothing(const struct slv_omap_read *read, struct slv_omap_found *found)
{
	for (size_t i = 0; read->what == SLV_OMAP_GET && i < read->count; i++)
		if (!slv_omap_found_add(found, &(struct slv_omap_row){ .key = read->keys[i] }))
			break;
	return slv_omap_check_since(read, 0, 0, 0);
}

struct kept {
	struct slv_omap_rows rows;
	char *bytes;
};

static void kept_drop(struct slv_hold *hold)
{
	struct kept *kept = SLV_CONTAINER(hold, struct kept, rows.hold);
	slv_free(kept->rows.at);
	slv_free(kept->bytes);
	slv_free(kept);
}

static const char *place(slv_str *text, const char *at)
{
	text->at = at;
	return at + text->len;
}

struct slv_omap_rows *slv_omap_found_keep(struct slv_omap_found *found)
{
	struct kept *kept = SLV_ALLOC(struct kept);
	kept->bytes = found->bytes.at;
	const char *at = kept->bytes;
	for (size_t i = 0; i < found->count; i++) {
		struct slv_omap_row *row = &found->rows[i];
		at = place(&row->key, at);
		at = place(&row->value, at);
		at = place(&row->body, at);
	}
	kept->rows = (struct slv_omap_rows){
		.hold = { kept_drop },
		.version = found->version,
		.epoch = found->epoch,
		.more = found->more,
		.count = found->count,
		.at = found->rows,
	};
	return &kept->rows;
}
