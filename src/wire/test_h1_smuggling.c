/* Requests that one reader takes for one and another for two, or that hide a field from one of
 * them. Each class of trick that is known has its rows; all are refused. */
#include "wire/h1.h"

#include "base/testing.h"

#include <string.h>

#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define END "\r\n\r\n"

struct row {
	slv_str bytes;
	enum slv_code code;
};

static void all_refused(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		/* whole, and as a buffer that grows: both ways into the parser */
		for (size_t first = rows[i].bytes.len; first; first = first > 4 ? 4 : 0) {
			struct slv_arena arena;
			slv_arena_init(&arena, 4096, 65536);
			struct slv_h1_parser parser = { 0 };
			struct slv_h1_head head;
			size_t used = 0;
			slv_err err = slv_h1_parse(&parser, &arena,
					slv_str_head(rows[i].bytes, first), &SLV_H1_LIMITS_DEFAULT,
					&head, &used);
			if (!slv_failed(err) && used == 0)
				err = slv_h1_parse(&parser, &arena, rows[i].bytes,
						&SLV_H1_LIMITS_DEFAULT, &head, &used);
			if (err.code != (int32_t)rows[i].code)
				fail_msg("row %zu: code %d (%s)", i, err.code,
						err.what ? err.what : "accepted");
			slv_arena_done(&arena);
		}
	}
}

/* So that the tables cannot pass because of a fault that all rows share. */
static void the_frame_of_the_rows_is_accepted(void **state)
{
	(void)state;
	const struct row rows[] = {
		{ SLV_STR(POST "Content-Length: 5" END), SLV_E_NONE },
		{ SLV_STR(POST "Transfer-Encoding: chunked" END), SLV_E_NONE },
		{ SLV_STR(POST "Transfer-Encoding:chunked" END), SLV_E_NONE },
		{ SLV_STR(POST "transfer-encoding:  chunked  " END), SLV_E_NONE },
		{ SLV_STR(POST "X: y" END), SLV_E_NONE },
	};
	all_refused(rows, SLV_COUNT(rows));
}

static void length_beside_coding_is_refused(void **state)
{
	(void)state;
	const struct row rows[] = {
		{ SLV_STR(POST "Content-Length: 6\r\nTransfer-Encoding: chunked" END "0\r\n\r\nG"),
				SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding: chunked\r\nContent-Length: 3" END
			       "1\r\nG\r\n0\r\n\r\n"),
				SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 0\r\nTransfer-Encoding: chunked" END),
				SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 6\r\nTransfer-Encoding: identity" END),
				SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 6\r\nTransfer-Encoding:" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "content-length: 6\r\ntransfer-encoding: chunked" END),
				SLV_E_SYNTAX },
		{ SLV_STR("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked" END),
				SLV_E_SYNTAX },
	};
	all_refused(rows, SLV_COUNT(rows));
}

static void codings_that_only_look_chunked_are_refused(void **state)
{
	(void)state;
	const struct row rows[] = {
		{ SLV_STR(POST "Transfer-Encoding: xchunked" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: chunkedx" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: Chunked" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: CHUNKED" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: \"chunked\"" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: 'chunked'" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: chunked," END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: ,chunked" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: chunked;" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: chunked;q=1" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: chunked, chunked" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: identity" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: identity, chunked" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: chunked, identity" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: gzip, chunked" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding:" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: chun ked" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding:\tchunked" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding: chunked\t" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding: chunked\t \t" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding: \xa0"
			       "chunked" END),
				SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: chunked\xa0" END), SLV_E_NOT_DONE },
		{ SLV_STR(POST "Transfer-Encoding: \x0b"
			       "chunked" END),
				SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding: chunked\x0b" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding: chunked\x0c" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding: \0chunked" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding: chunked\0" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding: chunked\x7f" END), SLV_E_SYNTAX },
	};
	all_refused(rows, SLV_COUNT(rows));
}

static void doubled_framing_is_refused(void **state)
{
	(void)state;
	const struct row rows[] = {
		{ SLV_STR(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" END),
				SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: x" END),
				SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding: x\r\nTransfer-Encoding: chunked" END),
				SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding: chunked\r\nTransfer-encoding: cow" END),
				SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 5\r\nContent-Length: 5" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 5\r\nContent-Length: 6" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 5\r\ncontent-length: 0" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 5\r\nContent-Length: 5\r\nContent-Length: 5" END),
				SLV_E_SYNTAX },
	};
	all_refused(rows, SLV_COUNT(rows));
}

static void lengths_that_are_not_digits_are_refused(void **state)
{
	(void)state;
	const struct row rows[] = {
		{ SLV_STR(POST "Content-Length: 5, 5" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 5,6" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 5," END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: ,5" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: +5" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: -5" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: -0" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 5 0" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 5\t0" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 0x5" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 5.0" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 5e1" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 1_0" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: \"5\"" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 5;" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length:" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: x" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length:\t5" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 5\t" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: \x0b"
			       "5" END),
				SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 5\0" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: \xd9\xa5" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 18446744073709551621" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 00000000000000000005" END), SLV_E_SYNTAX },
	};
	all_refused(rows, SLV_COUNT(rows));
}

static void names_with_tricks_are_refused(void **state)
{
	(void)state;
	const struct row rows[] = {
		{ SLV_STR(POST "Transfer-Encoding : chunked" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding\t: chunked" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding\x0b: chunked" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding\0: chunked" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding\xa0: chunked" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer Encoding: chunked" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer_Encoding: chunked" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content_Length: 5" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "_: x" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length : 5" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "\"Content-Length\": 5" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length(x): 5" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "\x7f"
			       "Content-Length: 5" END),
				SLV_E_SYNTAX },
		{ SLV_STR(POST "\xef\xbb\xbf"
			       "Content-Length: 5" END),
				SLV_E_SYNTAX },
		{ SLV_STR(POST ": x" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "x" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "x y: z" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "[x]: z" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "GET / HTTP/1.1" END), SLV_E_SYNTAX },
		{ SLV_STR("POST / HTTP/1.1\r\nHost : a" END), SLV_E_SYNTAX },
		{ SLV_STR("POST / HTTP/1.1\r\n Host: a" END), SLV_E_SYNTAX },
		{ SLV_STR("POST / HTTP/1.1\r\n\tHost: a" END), SLV_E_SYNTAX },
	};
	all_refused(rows, SLV_COUNT(rows));
}

static void folded_lines_are_refused(void **state)
{
	(void)state;
	const struct row rows[] = {
		{ SLV_STR(POST "Transfer-Encoding:\r\n chunked" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding:\r\n\tchunked" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "Transfer-Encoding: chunked\r\n , x" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "X: y\r\n Transfer-Encoding: chunked" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "X: y\r\n \r\n\r\n"), SLV_E_SYNTAX },
		{ SLV_STR(POST "X: y\r\n\t\r\n\r\n"), SLV_E_SYNTAX },
		{ SLV_STR(POST "Content-Length: 1\r\n 0" END), SLV_E_SYNTAX },
	};
	all_refused(rows, SLV_COUNT(rows));
}

static void line_ends_other_than_crlf_are_refused(void **state)
{
	(void)state;
	const struct row rows[] = {
		{ SLV_STR("POST / HTTP/1.1\nHost: a\r\n\r\n"), SLV_E_SYNTAX },
		{ SLV_STR("POST / HTTP/1.1\nHost: a\n\n"), SLV_E_SYNTAX },
		{ SLV_STR("POST / HTTP/1.1\rHost: a\r\n\r\n"), SLV_E_SYNTAX },
		{ SLV_STR("POST / HTTP/1.1\r\r\nHost: a\r\n\r\n"), SLV_E_SYNTAX },
		{ SLV_STR(POST "X: y\nTransfer-Encoding: chunked" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "X: y\rTransfer-Encoding: chunked" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "X: y\n\rTransfer-Encoding: chunked" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "X: y\r\r\nTransfer-Encoding: chunked" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "X: y\n\r\n\r\n"), SLV_E_SYNTAX },
		{ SLV_STR(POST "X: y\r\n\n\r\n\r\n"), SLV_E_SYNTAX },
		{ SLV_STR(POST "X: y\r\n\rZ: 1\r\n\r\n"), SLV_E_SYNTAX },
		{ SLV_STR(POST "X: y\r\n\r\r\n\r\n"), SLV_E_SYNTAX },
		{ SLV_STR(POST "X\n: y" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "X\r: y" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "X:\ny" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "X:\ry" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "X: a\0b" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "X: a\x01" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "X: \x1b[2J" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "X: a\x7f" END), SLV_E_SYNTAX },
		{ SLV_STR(POST "X: y\xe5\x98\x8a\r\x98\x8d" END), SLV_E_SYNTAX },
	};
	all_refused(rows, SLV_COUNT(rows));
}

static void a_bare_lf_is_told_before_the_head_is_complete(void **state)
{
	(void)state;
	const struct row rows[] = {
		{ SLV_STR("GET / HTTP/1.1\n"), SLV_E_SYNTAX },
		{ SLV_STR("GET / HTTP/1.1\r\nHost: a\n\n"), SLV_E_SYNTAX },
	};
	all_refused(rows, SLV_COUNT(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_frame_of_the_rows_is_accepted),
		cmocka_unit_test(length_beside_coding_is_refused),
		cmocka_unit_test(codings_that_only_look_chunked_are_refused),
		cmocka_unit_test(doubled_framing_is_refused),
		cmocka_unit_test(lengths_that_are_not_digits_are_refused),
		cmocka_unit_test(names_with_tricks_are_refused),
		cmocka_unit_test(folded_lines_are_refused),
		cmocka_unit_test(line_ends_other_than_crlf_are_refused),
		cmocka_unit_test(a_bare_lf_is_told_before_the_head_is_complete),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
