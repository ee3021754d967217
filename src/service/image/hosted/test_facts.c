/* What gathers for the jails at once is bounded. What a jail says of it is tested by the calls. */
#include "base/mem.h"
#include "base/testing.h"
#include "service/image/hosted/facts.h"

static void gathers_up_to_a_bound(void **state)
{
	(void)state;
	struct hosted hosted = { .gathered_bytes = HOSTED_GATHERED_BYTES_MAX - 5 }; /* of others */
	for (unsigned more = 0; more < 2; more++) {
		struct hosted_facts facts;
		hosted_facts_init(&facts, &hosted, NULL);
		slv_err err = hosted_facts_add(&facts, slv_str_head(SLV_STR("123456"), 5 + more));
		assert_int_equal(err.code, more ? SLV_E_BUSY : SLV_E_NONE);
		assert_int_equal(hosted.gathered_bytes,
				more ? HOSTED_GATHERED_BYTES_MAX - 5 : HOSTED_GATHERED_BYTES_MAX);
		hosted_facts_done(&facts);
		assert_int_equal(hosted.gathered_bytes, HOSTED_GATHERED_BYTES_MAX - 5);
	}
}

static void of_all_together(void **state)
{
	(void)state;
	struct hosted hosted = { .gathered_bytes = HOSTED_GATHERED_BYTES_MAX - 5 };
	struct hosted_facts one, other;
	hosted_facts_init(&one, &hosted, NULL);
	hosted_facts_init(&other, &hosted, NULL);
	assert_false(slv_failed(hosted_facts_add(&one, SLV_STR("12"))));
	assert_false(slv_failed(hosted_facts_add(&other, SLV_STR("123"))));
	assert_int_equal(hosted_facts_add(&one, SLV_STR("1")).code, SLV_E_BUSY);
	hosted_facts_done(&other); /* its room is for others */
	assert_false(slv_failed(hosted_facts_add(&one, SLV_STR("345"))));
	assert_int_equal(hosted_facts_add(&one, SLV_STR("6")).code, SLV_E_BUSY);
	hosted_facts_done(&one);
	assert_int_equal(hosted.gathered_bytes, HOSTED_GATHERED_BYTES_MAX - 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gathers_up_to_a_bound),
		cmocka_unit_test(of_all_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
