/* fuzz_sigv4.c - a signature that holds holds, and another does not; what we presign verifies
 *
 * The lines are the method, the path, the query and then a field each.
 */
#include "http/sigv4.h"

#include "base/assert.h"
#include "base/attr.h"

#include <string.h>

#define NOW_S 1369353600

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct slv_sigv4_client client = { SLV_STR_INIT("AKIAIOSFODNN7EXAMPLE"),
	SLV_STR_INIT("secret"), SLV_STR_INIT("auto"), SLV_STR_INIT("s3") };

static struct slv_digest key_of(const struct slv_sigv4 *signature)
{
	return slv_sigv4_key(client.secret, signature->date, signature->region, signature->service);
}

static void check_found(struct slv_arena *arena, const struct slv_sigv4_request *request)
{
	struct slv_sigv4 signature;
	slv_err err = slv_sigv4_find(arena, request, NOW_S, &signature);
	slv_assert(!slv_failed(err) || slv_sigv4_place(request) != SLV_SIGV4_NOWHERE ||
			err.code == SLV_E_UNAUTHORIZED);
	if (slv_failed(err))
		return;
	slv_assert(signature.presigned == (slv_sigv4_place(request) == SLV_SIGV4_IN_QUERY));
	slv_assert(signature.signature.len == SLV_SIGV4_HEX_BYTES && signature.time.len == 16);
	slv_assert(!signature.presigned || signature.expires_s > 0);
	(void)slv_sigv4_when(&signature, NOW_S); /* any answer is good */
	struct slv_digest key = key_of(&signature);
	err = slv_sigv4_verify(arena, request, &signature, &key);
	(void)err; /* only who knows the key has it right */
}

static void check_presigned(struct slv_arena *arena, struct slv_sigv4_request request)
{
	struct slv_buf target;
	struct slv_sigv4 signature;
	slv_buf_init(&target, SLV_KIB(64));
	if (!slv_failed(slv_sigv4_presign(arena, &client, &request, NOW_S, 60, &target)) &&
			!slv_fields_find(request.fields, SLV_FIELD_AUTHORIZATION, NULL)) {
		slv_str rest = slv_buf_str(&target);
		request.path = slv_str_cut(&rest, '?');
		request.query = rest;
		request.payload = SLV_STR("UNSIGNED-PAYLOAD");
		slv_assert(!slv_failed(slv_sigv4_find(arena, &request, NOW_S, &signature)));
		struct slv_digest key = key_of(&signature);
		slv_assert(!slv_failed(slv_sigv4_verify(arena, &request, &signature, &key)));
		key.bytes[0] ^= 1;
		slv_assert(slv_sigv4_verify(arena, &request, &signature, &key).code ==
				SLV_E_SIGNATURE);
	}
	slv_buf_done(&target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slv_arena arena;
	struct slv_fields fields;
	slv_str rest = { (const char *)data, size };
	struct slv_sigv4_request request = { .fields = &fields, .payload = SLV_STR("x") };
	slv_arena_init(&arena, 4096, SLV_MIB(1));
	slv_fields_init(&fields, &arena);
	request.method = slv_str_cut(&rest, '\n');
	request.path = slv_str_cut(&rest, '\n');
	request.query = slv_str_cut(&rest, '\n');
	while (rest.at) {
		slv_str value = slv_str_cut(&rest, '\n'), name = slv_str_cut(&value, ':');
		if (slv_field_name_ok(name) && slv_failed(slv_fields_add(&fields, name, value)))
			break;
	}
	check_found(&arena, &request);
	check_presigned(&arena, request);
	slv_arena_done(&arena);
	return 0;
}
