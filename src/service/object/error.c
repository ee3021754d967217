#include "service/object/error.h"

#include "base/assert.h"
#include "service/object/xml.h"

static const struct {
	const char *name, *text;
	int status;
} codes[] = { [SLV_OBJECT_E_NONE] = { 0 },
#define X(id, name, status, text) { name, text, status },
	SLV_OBJECT_ERROR_TABLE(X)
#undef X
};

const char *slv_object_code_name(enum slv_object_code code)
{
	slv_assert(code > SLV_OBJECT_E_NONE && code < SLV_OBJECT_E_COUNT);
	return codes[code].name;
}

int slv_object_code_status(enum slv_object_code code)
{
	slv_assert(code > SLV_OBJECT_E_NONE && code < SLV_OBJECT_E_COUNT);
	return codes[code].status;
}

const char *slv_object_code_text(enum slv_object_code code)
{
	slv_assert(code > SLV_OBJECT_E_NONE && code < SLV_OBJECT_E_COUNT);
	return codes[code].text;
}

void slv_object_error_print(const struct slv_object_error *error, struct slv_buf *buf)
{
	const char *text =
			error->err.what ? error->err.what : slv_object_code_text(error->err.code);
	slv_object_xml_begin(buf);
	slv_object_xml_open(buf, "Error");
	slv_object_xml_text(buf, "Code", slv_str_from(slv_object_code_name(error->err.code)));
	slv_object_xml_text(buf, "Message", slv_str_from(text));
	for (size_t i = 0; i < error->detail_count; i++)
		slv_object_xml_text(buf, error->details[i].name, error->details[i].value);
	if (error->resource.len)
		slv_object_xml_text(buf, "Resource", error->resource);
	slv_object_xml_text(buf, "RequestId", error->request_id);
	if (error->host_id.len)
		slv_object_xml_text(buf, "HostId", error->host_id);
	slv_object_xml_close(buf, "Error");
}
