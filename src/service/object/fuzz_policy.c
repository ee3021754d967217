/* fuzz_policy.c - a policy as JSON, held to a form */
#include "base/assert.h"
#include "base/base64.h"
#include "base/mem.h"
#include "service/object/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slv_arena arena;
	struct slv_fields fields;
	struct slv_object_policy policy;
	struct slv_object_form form = { SLV_STR("bucket"), &fields, 0 };
	if (size > SLV_KIB(20))
		return 0;
	slv_str base64 = { slv_alloc(SLV_BASE64_CHARS(size) + 1), SLV_BASE64_CHARS(size) };
	slv_base64(data, size, (char *)(uintptr_t)base64.at);
	slv_arena_init(&arena, SLV_KIB(4), SLV_MIB(1));
	slv_fields_init(&fields, &arena);
	slv_assert(!slv_failed(slv_fields_add(&fields, SLV_STR("key"), SLV_STR("a/b"))));
	slv_object_err err = slv_object_policy_check(&arena, base64, &form, &policy);
	slv_assert(!slv_object_failed(err) || err.code == SLV_OBJECT_E_INVALID_POLICY_DOCUMENT ||
			err.code == SLV_OBJECT_E_ACCESS_DENIED ||
			err.code == SLV_OBJECT_E_SLOW_DOWN);
	slv_arena_done(&arena);
	slv_free((void *)(uintptr_t)base64.at);
	return 0;
}
