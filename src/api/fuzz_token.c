/* fuzz_token.c - a token, as a client says it and as it is kept
 *
 * What is taken gives a record that can be read, and that says of itself what it says when it is
 * written anew; such a token covers itself. Other texts are read as records, as a damaged store
 * may have them.
 */
#include "api/api.h"
#include "base/assert.h"

#define ACCOUNT "0123456789abcdef0123456789abcdef"
#define ARENA_BYTES_MAX SLV_MIB(1)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_back(struct slv_arena *arena, const json_t *record)
{
	struct slv_api_token token;
	struct slv_buf text;
	slv_buf_init(&text, ARENA_BYTES_MAX);
	slv_api_dump(record, &text);
	slv_err err = slv_api_token_read(arena, SLV_STR(ACCOUNT), slv_buf_str(&text), &token);
	slv_assert(!slv_failed(err) || err.code == SLV_E_LIMIT);
	if (!slv_failed(err)) {
		bool denies = false;
		for (size_t i = 0; i < token.policy_count; i++)
			denies |= token.policies[i].denies;
		slv_assert(denies || slv_api_token_covers(&token, &token));
		(void)slv_api_token_may(&token, SLV_API_ITEM_READ, SLV_STR("b"), SLV_STR("k"));
		(void)slv_api_token_status(&token, 0);
	}
	slv_buf_done(&text);
}

static void say(struct slv_arena *arena, json_t *said)
{
	json_t *record = json_pack("{s:s, s:s}", "id", ACCOUNT, "secret", ACCOUNT ACCOUNT);
	slv_err err = slv_api_record_update(arena, SLV_STR(ACCOUNT), said, true, record);
	if (!slv_failed(err)) {
		read_back(arena, record);
		/* What was shown may be said again. */
		json_t *shown = json_deep_copy(record);
		err = slv_api_record_update(arena, SLV_STR(ACCOUNT), shown, false, record);
		slv_assert(!slv_failed(err) || err.code == SLV_E_LIMIT);
		json_decref(shown);
	}
	json_decref(record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slv_arena arena;
	struct slv_api_token token;
	slv_str text = { (const char *)data, size }, id;
	slv_arena_init(&arena, 4096, ARENA_BYTES_MAX);
	slv_err err = slv_api_token_read(&arena, SLV_STR(ACCOUNT), text, &token);
	(void)err; /* whatever it is, nothing is read that is not there */
	(void)slv_api_value_parse(text, &id);
	json_t *said = json_loadb((const char *)data, size, 0, NULL);
	if (said)
		say(&arena, said);
	json_decref(said);
	slv_arena_done(&arena);
	return 0;
}
