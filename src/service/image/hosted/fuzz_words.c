/* fuzz_words.c - what is said of pictures: filters of a list, fields of a form, a variant's
 * options, and rows, as a damaged store may have them
 *
 * The first byte chooses. What is taken is within its bounds; a variant's options, once shown, are
 * taken again; a row that is read is the same when it is written.
 */
#include "api/api.h"
#include "base/assert.h"
#include "http/query.h"
#include "service/image/hosted/fields.h"
#include "service/image/hosted/filter.h"
#include "service/image/hosted/variant.h"

#define ARENA_BYTES_MAX SLV_KIB(256)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_filter(struct slv_arena *arena, slv_str text)
{
	static const slv_str metadata = SLV_STR_INIT("{\"a\":1,\"b\":\"x\",\"c\":{\"d\":true}}");
	const struct hosted_image image = { .creator = SLV_STR("x"), .metadata = metadata };
	struct hosted_filter filter;
	if (slv_failed(hosted_filter_read(&filter, arena, text)))
		return;
	slv_assert(filter.count <= HOSTED_FILTERS_MAX);
	bool fits = hosted_filter_fits(&filter, &image);
	slv_assert(fits || !hosted_filter_is_empty(&filter));
}

/* As a query has them. */
static void try_fields(struct slv_arena *arena, slv_str rest)
{
	struct hosted_fields fields;
	slv_str raw_name, raw_value, name, value;
	slv_err err = SLV_OK;
	hosted_fields_init(&fields, arena);
	while (!slv_failed(err) && slv_query_next(&rest, &raw_name, &raw_value)) {
		err = slv_query_decode(arena, raw_name, SLV_QUERY_SPACE, &name);
		if (!slv_failed(err))
			err = slv_query_decode(arena, raw_value, SLV_QUERY_SPACE, &value);
		if (!slv_failed(err))
			err = hosted_fields_set(&fields, name, value);
	}
	if (!slv_failed(err) && !slv_failed(hosted_fields_check(&fields))) {
		slv_str metadata = slv_buf_str(&fields.metadata_text);
		slv_assert(metadata.len <= HOSTED_METADATA_BYTES_MAX);
		slv_assert(fields.id.len <= HOSTED_ID_BYTES_MAX);
		slv_assert(fields.creator.len <= HOSTED_CREATOR_BYTES_MAX);
		json_t *again = slv_api_json(metadata);
		slv_assert(!metadata.len || json_is_object(again));
		json_decref(again);
	}
	hosted_fields_done(&fields);
}

static void try_variant(struct slv_arena *arena, slv_str text)
{
	struct slv_buf options, again;
	json_t *said = slv_api_json(text);
	slv_buf_init(&options, HOSTED_OPTIONS_BYTES_MAX);
	slv_buf_init(&again, HOSTED_OPTIONS_BYTES_MAX);
	if (!slv_failed(hosted_variant_options(arena, said, &options))) {
		struct hosted_variant variant = { .options = slv_buf_str(&options) };
		json_t *shown = hosted_variant_shown(SLV_STR("v"), &variant);
		slv_err err = hosted_variant_options(
				arena, json_object_get(shown, "options"), &again);
		slv_assert(!slv_failed(err) || err.code == SLV_E_LIMIT);
		json_decref(shown);
	}
	json_decref(said);
	slv_buf_done(&again);
	slv_buf_done(&options);
}

static void try_row(slv_str row)
{
	char again[HOSTED_IMAGE_BYTES_MAX];
	struct hosted_image image;
	struct hosted_variant variant;
	struct hosted_config config;
	struct hosted_keys keys;
	int64_t time_ms;
	slv_str id;
	/* But for flags that mean nothing. */
	if (!slv_failed(hosted_image_read(row, &image)))
		slv_assert(hosted_image_write(&image, again) == row.len &&
				slv_str_eq(slv_str_from_index((slv_str){ again, row.len }, 2),
						slv_str_from_index(row, 2)));
	if (!slv_failed(hosted_variant_read(row, &variant)))
		json_decref(hosted_variant_shown(SLV_STR("v"), &variant));
	if (!slv_failed(hosted_config_read(row, &config)))
		slv_assert(!row.len || hosted_config_write(&config, again) == row.len);
	if (!slv_failed(hosted_keys_read(row, &keys)) && keys.count)
		slv_assert(slv_str_eq((slv_str){ again, hosted_keys_write(&keys, again) }, row));
	if (hosted_time_read(row, &time_ms, &id))
		slv_assert(id.len == row.len - 9);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slv_arena arena;
	if (!size)
		return 0;
	slv_str text = { (const char *)data + 1, size - 1 };
	slv_arena_init(&arena, 4096, ARENA_BYTES_MAX);
	if (data[0] % 4 == 0)
		try_filter(&arena, text);
	else if (data[0] % 4 == 1)
		try_fields(&arena, text);
	else if (data[0] % 4 == 2)
		try_variant(&arena, text);
	else
		try_row(text);
	slv_arena_done(&arena);
	return 0;
}
