#include "base/hash.h"

#include "base/testing.h"

/* The paper's appendix A: key 00..0f, message 00..0e. */
static void it_equals_the_published_vector(void **state)
{
	(void)state;
	struct slv_hash_key key = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };
	char message[15];
	for (int i = 0; i < 15; i++)
		message[i] = (char)i;
	assert_true(slv_hash(key, (slv_str){ message, 15 }) == 0xa129ca6149be45e5u);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(it_equals_the_published_vector) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
