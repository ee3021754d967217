/* bench_h2.c - what wire and proto cost for cached replies, without kernel and TLS */
#include "base/assert.h"
#include "proto/testing.h"
#include "wire/h2_testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STREAMS 10

static double cpu_s(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100000;
	struct bench *bench = bench_new();
	struct slv_buf in;
	uint32_t id = 1;
	bench->drops_output = true;
	slv_buf_init(&in, SLV_MIB(1));
	slv_h2_test_preface(&in);
	slv_h2_test_frame(&in, 8, 0, 0, (slv_str){ "\x3f\xff\x00\x00", 4 });
	slv_h2_test_frame(&in, 1, 5, id,
			SLV_STR("\x82\x86\x44\x07/static\x41\x0f"
				"127.0.0.1:12345\x7a\x12h2load nghttp2/1.5"));
	bench_h2(bench, (slv_str){ 0 });
	bench_input(bench, slv_buf_str(&in));
	double begun = cpu_s();
	for (unsigned i = 0; i < rounds; i++) {
		slv_buf_clear(&in);
		for (int k = 0; k < STREAMS; k++)
			slv_h2_test_frame(&in, 1, 5, id += 2, SLV_STR("\x82\x86\xc0\xbf\xbe"));
		if (i % 3 == 0)
			slv_h2_test_frame(&in, 8, 0, 0, (slv_str){ "\0\0\x80\0", 4 });
		bench_input(bench, slv_buf_str(&in));
		bench->now_ms += i % 10 == 0;
	}
	double took = cpu_s() - begun;
	printf("%u requests, %.3f us each, %.1f bytes each, %.2f writes a round\n", bench->served,
			took * 1e6 / (rounds * STREAMS), (double)bench->written / bench->served,
			(double)bench->writes / rounds);
	slv_assert(bench->served == rounds * STREAMS + 1);
	slv_buf_done(&in);
	bench_free(bench);
	return 0;
}
