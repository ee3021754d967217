#include "wire/reply_field.h"

slv_err slv_reply_field_check(const struct slv_field *field)
{
	if (!slv_field_name_ok(field->name))
		return SLV_ERR(SLV_E_INTERNAL, "field name in a reply is no token");
	if (!slv_field_value_ok(field->value))
		return SLV_ERR(SLV_E_INTERNAL, "control byte in a field of a reply, or white "
					       "space at its ends");
	switch (field->id) {
	case SLV_FIELD_CONTENT_LENGTH:
	case SLV_FIELD_TRANSFER_ENCODING:
	case SLV_FIELD_CONNECTION:
	case SLV_FIELD_KEEP_ALIVE:
	case SLV_FIELD_PROXY_CONNECTION:
		return SLV_ERR(SLV_E_INTERNAL, "field of the connection among those of the reply");
	default:
		return SLV_OK;
	}
}
