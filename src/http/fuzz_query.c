/* fuzz_query.c - a look-up finds what decoding all parameters finds
 *
 * The first byte says what a plus is; the name that is looked for reaches to the first LF, the
 * query is the rest.
 */
#include "base/assert.h"
#include "base/attr.h"
#include "base/buf.h"
#include "http/query.h"
#include "http/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* By the plain way: decode each name and compare. */
static slv_err find(struct slv_arena *arena, slv_str query, slv_str name, enum slv_query_plus plus,
		slv_str *ret_value)
{
	slv_str raw_name, raw, found = { 0 };
	unsigned count = 0, hits = 0;
	while (slv_query_next(&query, &raw_name, &raw)) {
		slv_str decoded;
		if (++count > SLV_QUERY_PARAMS_MAX)
			return SLV_ERR(SLV_E_LIMIT, "");
		slv_err err = slv_query_decode(arena, raw_name, plus, &decoded);
		if (slv_failed(err))
			return err;
		if (!slv_str_eq(decoded, name))
			continue;
		if (hits++)
			return SLV_ERR(SLV_E_SYNTAX, "");
		found = raw;
	}
	if (hits == 0) {
		*ret_value = found;
		return SLV_OK;
	}
	return slv_query_decode(arena, found, plus, ret_value);
}

/* The parameters lie in the query in order, and hold no separator. */
static void check_walk(slv_str query)
{
	slv_str rest = query, name, value;
	const char *end = query.at;
	while (slv_query_next(&rest, &name, &value)) {
		slv_assert(name.at >= end && name.len + value.len <= query.len);
		slv_assert(slv_str_find(name, '&') == name.len &&
				slv_str_find(name, '=') == name.len);
		slv_assert(slv_str_find(value, '&') == value.len);
		slv_assert(name.len || value.at);
		slv_assert(!value.at || value.at == name.at + name.len + 1);
		end = value.at ? value.at + value.len : name.at + name.len;
		slv_assert(end <= query.at + query.len);
		slv_assert(rest.at ? rest.at == end + 1 : end == query.at + query.len);
	}
}

/* What a value means, written anew, means the same. */
static void check_again(struct slv_arena *arena, slv_str value, enum slv_query_plus plus)
{
	struct slv_buf buf;
	slv_str again;
	slv_buf_init(&buf, 3 * value.len + 8);
	slv_buf_add(&buf, SLV_STR("x&%6E="));
	slv_uri_encode(&buf, value, (slv_str){ 0 });
	slv_assert(!buf.overflow);
	slv_err err = slv_query_get(arena, slv_buf_str(&buf), SLV_STR("n"), plus, &again);
	slv_assert(!slv_failed(err) && again.at && slv_str_eq(again, value));
	slv_buf_done(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	enum slv_query_plus plus = data[0] & 1 ? SLV_QUERY_SPACE : SLV_QUERY_PLUS;
	slv_str query = { (const char *)data + 1, size - 1 };
	slv_str name = slv_str_cut(&query, '\n');
	struct slv_arena arena;
	slv_arena_init(&arena, 4096, SLV_MIB(16));

	check_walk(query);
	slv_str value = SLV_STR("unset"), plain = SLV_STR("unset");
	slv_err err = slv_query_get(&arena, query, name, plus, &value);
	slv_err plain_err = find(&arena, query, name, plus, &plain);
	slv_assert(err.code == plain_err.code);
	slv_assert(slv_str_eq(value, plain) && !value.at == !plain.at);
	if (!slv_failed(err))
		check_again(&arena, value, plus);
	slv_arena_done(&arena);
	return 0;
}
