/* testing.h - cmocka with the headers that it wants first; for tests only */
#ifndef SLV_BASE_TESTING_H
#define SLV_BASE_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
