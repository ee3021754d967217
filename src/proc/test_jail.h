/* test_jail.h - what the fake image jail of the tests is asked to do
 *
 * A plan's width is the verb; its other fields keep their range.
 */
#ifndef SLV_PROC_TEST_JAIL_H
#define SLV_PROC_TEST_JAIL_H

#define TEST_JAIL_BYTES "a picture, as far as anybody can tell"
#define TEST_JAIL_RSS_KIB 1000

enum test_jail_verb {
	TEST_JAIL_ANSWERS,
	TEST_JAIL_GATED,   /* answers when the first overlay's descriptor can be read */
	TEST_JAIL_REFUSES, /* SLV_E_CORRUPT */
	TEST_JAIL_HANGS,
	TEST_JAIL_DIES,
	TEST_JAIL_EATS,     /* answers, with `height` KiB more */
	TEST_JAIL_CHATTERS, /* answers twice */
	TEST_JAIL_LIES,     /* the first of several lies */
	TEST_JAIL_LIES_MAGIC = TEST_JAIL_LIES,
	TEST_JAIL_LIES_ID,
	TEST_JAIL_LIES_TYPE,
	TEST_JAIL_LIES_LEN,
	TEST_JAIL_LIES_BYTES,    /* more than there are */
	TEST_JAIL_LIES_UNSEALED, /* the memfd can still change */
	TEST_JAIL_LIES_PIPE,     /* is no memfd */
	TEST_JAIL_LIES_TWO,      /* descriptors */
	TEST_JAIL_LIES_NONE,     /* no descriptor */
	TEST_JAIL_LIES_BOTH,     /* an error and a descriptor */
	TEST_JAIL_LIES_HUGE,     /* more bytes than the plan allows pixels for */
	TEST_JAIL_LIES_TEXT,     /* not terminated */
	TEST_JAIL_LIES_END,
	TEST_JAIL_LIES_UNASKED = TEST_JAIL_LIES_END, /* bytes for information alone */
};

#endif
