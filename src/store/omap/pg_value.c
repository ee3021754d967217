#include "store/omap/pg.h"

#include <endian.h>
#include <string.h>

void pg_param_bytes(struct pg_params *params, slv_str bytes)
{
	params->at[params->count] = bytes.at ? bytes.at : "";
	params->len[params->count] = (int)bytes.len;
	params->format[params->count++] = 1;
}

void pg_param_i64(struct pg_params *params, uint64_t value)
{
	uint64_t *at = &params->numbers[params->count];
	*at = htobe64(value);
	pg_param_bytes(params, (slv_str){ (const char *)at, sizeof(*at) });
}

void pg_param_i32(struct pg_params *params, uint32_t value)
{
	uint64_t *at = &params->numbers[params->count];
	uint32_t net = htobe32(value);
	memcpy(at, &net, sizeof(net));
	pg_param_bytes(params, (slv_str){ (const char *)at, sizeof(net) });
}

void pg_param_bool(struct pg_params *params, bool value)
{
	pg_param_bytes(params, value ? SLV_STR("\1") : SLV_STR("\0"));
}

uint64_t pg_number_at(const PGresult *result, int row, int column)
{
	const char *at = PQgetvalue(result, row, column);
	uint64_t wide;
	uint32_t narrow;
	if (PQgetlength(result, row, column) == sizeof(narrow)) {
		memcpy(&narrow, at, sizeof(narrow));
		return (uint64_t)(int64_t)(int32_t)be32toh(narrow);
	}
	memcpy(&wide, at, sizeof(wide));
	return be64toh(wide);
}

slv_str pg_bytes_at(const PGresult *result, int row, int column)
{
	return (slv_str){ PQgetvalue(result, row, column),
		(size_t)PQgetlength(result, row, column) };
}

PGresult *pg_ask(struct slv_omaps *omaps, PGconn *db, enum pg_statement which,
		const struct pg_params *params, slv_err *ret_err)
{
	if (!PQsendQueryPrepared(db, pg_statements[which].name, params->count, params->at,
			    params->len, params->format, 1)) {
		*ret_err = pg_told(omaps, db, NULL);
		return NULL;
	}
	PGresult *result = pg_last(omaps, db, ret_err);
	if (!slv_failed(*ret_err) && PQresultStatus(result) == PGRES_TUPLES_OK)
		return result;
	if (!slv_failed(*ret_err))
		*ret_err = pg_told(omaps, db, result);
	PQclear(result);
	return NULL;
}

static void add_u32(struct slv_buf *buf, uint32_t value)
{
	uint32_t net = htobe32(value);
	slv_buf_add(buf, (slv_str){ (const char *)&net, sizeof(net) });
}

static void add_u64(struct slv_buf *buf, uint64_t value)
{
	uint64_t net = htobe64(value);
	slv_buf_add(buf, (slv_str){ (const char *)&net, sizeof(net) });
}

void pg_item_u32(struct slv_buf *buf, uint32_t value)
{
	add_u32(buf, sizeof(value));
	add_u32(buf, value);
}

void pg_item_u64(struct slv_buf *buf, uint64_t value)
{
	add_u32(buf, sizeof(value));
	add_u64(buf, value);
}

void pg_item_bytes(struct slv_buf *buf, slv_str bytes)
{
	add_u32(buf, (uint32_t)bytes.len);
	slv_buf_add(buf, bytes);
}

void pg_array_init(struct slv_buf *buf, Oid type, size_t count)
{
	slv_buf_init(buf, SIZE_MAX / 2);
	add_u32(buf, 1); /* dimensions */
	add_u32(buf, 0); /* no NULL */
	add_u32(buf, type);
	add_u32(buf, (uint32_t)count);
	add_u32(buf, 1); /* the first index */
}
