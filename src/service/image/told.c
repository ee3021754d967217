#include "service/image/told.h"

#include <stddef.h>

const char *slv_image_told(int32_t code)
{
	static const char *const texts[SLV_E_COUNT] = {
		[SLV_E_DENIED] = "the origin may not be reached, or redirects where it may not",
		[SLV_E_TIMEOUT] = "the origin took too long",
		[SLV_E_UPSTREAM] = "the origin did not answer with a picture",
		[SLV_E_SOURCE] = "that is no URL that can be fetched",
		[SLV_E_BUSY] = "too many pictures are being fetched",
	};
	return code >= 0 && code < SLV_E_COUNT ? texts[code] : NULL;
}
