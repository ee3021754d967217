#include "http/multipart.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/testing.h"

#include <string.h>

#define FORM "multipart/form-data; boundary="
#define NAMED "Content-Disposition: form-data; name=\"a\"\r\n"

struct form {
	struct slv_arena arena;
	struct slv_multipart decoder;
	struct slv_multipart_limits limits;
	struct slv_buf told; /* "[name|filename|type]data." for each part, "!" for the end */
};

static int set_up(void **state)
{
	struct form *form = SLV_ALLOC(struct form);
	slv_arena_init(&form->arena, 16384, 65536);
	slv_buf_init(&form->told, SLV_MIB(4));
	form->limits = SLV_MULTIPART_LIMITS;
	*state = form;
	return 0;
}

static int tear_down(void **state)
{
	struct form *form = *state;
	slv_buf_done(&form->told);
	slv_arena_done(&form->arena);
	slv_free(form);
	return 0;
}

static slv_err begin(struct form *form, slv_str type)
{
	slv_arena_reset(&form->arena);
	slv_buf_clear(&form->told);
	return slv_multipart_init(&form->decoder, &form->arena, type, &form->limits);
}

static void tell_part(struct form *form)
{
	const struct slv_multipart_part *part = &form->decoder.part;
	slv_buf_add_char(&form->told, '[');
	slv_buf_add(&form->told, part->name);
	slv_buf_add_char(&form->told, '|');
	slv_buf_add(&form->told, part->filename.at ? part->filename : SLV_STR("-"));
	slv_buf_add_char(&form->told, '|');
	slv_buf_add(&form->told, part->content_type.at ? part->content_type : SLV_STR("-"));
	slv_buf_add_char(&form->told, ']');
}

static bool is_inside(slv_str part, slv_str all)
{
	return part.at >= all.at && part.at + part.len <= all.at + all.len;
}

static void tell(struct form *form, enum slv_multipart_event event, slv_str data, slv_str piece)
{
	assert_int_equal(data.len > 0, event == SLV_MULTIPART_DATA);
	slv_str held = { form->decoder.delim, form->decoder.delim_len };
	assert_true(data.len == 0 || is_inside(data, piece) || is_inside(data, held));
	slv_buf_add(&form->told, data);
	if (event == SLV_MULTIPART_PART)
		tell_part(form);
	else if (event == SLV_MULTIPART_PART_END)
		slv_buf_add_char(&form->told, '.');
	else if (event == SLV_MULTIPART_END)
		slv_buf_add_char(&form->told, '!');
}

/* Feed one piece, in memory of its own. */
static slv_err feed(struct form *form, slv_str bytes)
{
	char *copy = slv_alloc(bytes.len ? bytes.len : 1);
	if (bytes.len)
		memcpy(copy, bytes.at, bytes.len);
	slv_str piece = { copy, bytes.len };
	enum slv_multipart_event event;
	slv_err err;
	do {
		size_t used;
		slv_str data;
		err = slv_multipart_decode(&form->decoder, piece, &used, &event, &data);
		if (slv_failed(err))
			break;
		assert_true(used <= piece.len);
		assert_true(event != SLV_MULTIPART_NEED || used == piece.len);
		tell(form, event, data, piece);
		piece = slv_str_from_index(piece, used);
	} while (event != SLV_MULTIPART_NEED);
	slv_free(copy);
	return err;
}

static slv_err run(struct form *form, slv_str type, slv_str body, size_t step)
{
	slv_err err = begin(form, type);
	for (size_t at = 0; at < body.len && !slv_failed(err); at += step)
		err = feed(form, slv_str_head(slv_str_from_index(body, at), step));
	return slv_failed(err) ? err : slv_multipart_finish(&form->decoder);
}

static void expect(struct form *form, slv_err err, slv_str body, slv_str want)
{
	if (slv_failed(err))
		fail_msg("%.*s: %s", SLV_FMT(body), err.what);
	assert_false(form->told.overflow);
	if (!slv_str_eq(slv_buf_str(&form->told), want))
		fail_msg("%.*s", SLV_FMT(slv_buf_str(&form->told)));
}

/* In one piece, in pieces of a few sizes, and cut in two at every place. */
static void decodes(void **state, slv_str type, slv_str body, slv_str want)
{
	struct form *form = *state;
	static const size_t steps[] = { 1 << 30, 1, 2, 3, 7, 64 };
	for (size_t i = 0; i < SLV_COUNT(steps); i++)
		expect(form, run(form, type, body, steps[i]), body, want);
	for (size_t cut = 0; cut <= body.len; cut++) {
		slv_err err = begin(form, type);
		if (!slv_failed(err))
			err = feed(form, slv_str_head(body, cut));
		if (!slv_failed(err))
			err = feed(form, slv_str_from_index(body, cut));
		if (!slv_failed(err))
			err = slv_multipart_finish(&form->decoder);
		expect(form, err, body, want);
	}
}

static void fails(void **state, slv_str body, enum slv_code code, const char *part)
{
	static const size_t steps[] = { 1 << 30, 1, 3 };
	for (size_t i = 0; i < SLV_COUNT(steps); i++) {
		slv_err err = run(*state, SLV_STR(FORM "b"), body, steps[i]);
		if (err.code != (int32_t)code)
			fail_msg("%.*s: code %d, not %d", SLV_FMT(body), err.code, (int)code);
		if (!strstr(err.what, part))
			fail_msg("'%s' does not tell of '%s'", err.what, part);
	}
}

/* --- what clients send; captured from each --- */

static void chromium_is_read(void **state)
{
#define B "----WebKitFormBoundaryZ7V9nulB1SyrmrBv"
	decodes(state, SLV_STR(FORM B),
			SLV_STR("--" B "\r\nContent-Disposition: form-data; name=\"plain\"\r\n\r\n"
				"a\r\nb\r\n"
				"--" B "\r\nContent-Disposition: form-data; "
				"name=\"quo%22te\\back%0D%0Anl\"\r\n\r\n1\r\n"
				"--" B "\r\nContent-Disposition: form-data; "
				"name=\"n\xc3\xa4me\"\r\n\r\n\xc3\xbc\xf0\x9f\x98\x80\r\n"
				"--" B "\r\nContent-Disposition: form-data; name=\"file\"; "
				"filename=\"f\xc3\xafl %22q%22 \\ 100%.txt\"\r\n"
				"Content-Type: text/plain\r\n\r\ndata\r\n--x\r\n\r\n"
				"--" B "\r\nContent-Disposition: form-data; name=\"empty\"; "
				"filename=\"\"\r\nContent-Type: application/octet-stream\r\n"
				"\r\n\r\n"
				"--" B "\r\nContent-Disposition: form-data; name=\"blob\"; "
				"filename=\"blob\"\r\nContent-Type: application/octet-stream\r\n"
				"\r\n\0\1\r\n\xff\r\n"
				"--" B "--\r\n"),
			SLV_STR("[plain|-|-]a\r\nb.[quo\"te\\back\r\nnl|-|-]1."
				"[n\xc3\xa4me|-|-]\xc3\xbc\xf0\x9f\x98\x80."
				"[file|f\xc3\xafl \"q\" \\ 100%.txt|text/plain]data\r\n--x\r\n."
				"[empty||application/octet-stream]."
				"[blob|blob|application/octet-stream]\0\1\r\n\xff.!"));
#undef B
}

static void undici_is_read(void **state)
{
#define B "----formdata-undici-024481646438"
	decodes(state, SLV_STR(FORM B),
			SLV_STR("--" B "\r\nContent-Disposition: form-data; "
				"name=\"quo%22te\\back%0D%0Anl\"\r\n\r\n1\r\n"
				"--" B "\r\nContent-Disposition: form-data; name=\"file\"; "
				"filename=\"f\xc3\xafl %22q%22 \\ 100%.txt\"\r\n"
				"Content-Type: text/plain\r\n\r\ndata\r\n--x\r\n\r\n"
				"--" B "\r\nContent-Disposition: form-data; name=\"blob\"; "
				"filename=\"blob\"\r\nContent-Type: application/octet-stream\r\n"
				"\r\n\0\1\r\n\xff\r\n"
				"--" B "--\r\n"),
			SLV_STR("[quo\"te\\back\r\nnl|-|-]1."
				"[file|f\xc3\xafl \"q\" \\ 100%.txt|text/plain]data\r\n--x\r\n."
				"[blob|blob|application/octet-stream]\0\1\r\n\xff.!"));
	decodes(state, SLV_STR(FORM B), SLV_STR("--" B "--\r\n"), SLV_STR("!"));
#undef B
}

static void curl_is_read(void **state)
{
#define B "------------------------8c53bc3949c05ec2"
	decodes(state, SLV_STR(FORM B),
			SLV_STR("--" B "\r\nContent-Disposition: form-data; name=\"plain\"\r\n\r\n"
				"hello\r\n"
				"--" B
				"\r\nContent-Disposition: form-data; name=\"quo%22te\\b\"\r\n"
				"\r\n1\r\n"
				"--" B "\r\nContent-Disposition: form-data; name=\"file\"; "
				"filename=\"q%22b\\f.txt\"\r\nContent-Type: text/plain\r\n\r\n"
				"data\r\n--x\r\n\r\n"
				"--" B "\r\nContent-Disposition: form-data; name=\"h\"\r\n"
				"X-Custom: yes\r\n\r\nv\r\n"
				"--" B "--\r\n"),
			SLV_STR("[plain|-|-]hello.[quo\"te\\b|-|-]1."
				"[file|q\"b\\f.txt|text/plain]data\r\n--x\r\n.[h|-|-]v.!"));
#undef B
#define B "------------------------fb4990196a03b5dc"
	/* --form-escape */
	decodes(state, SLV_STR(FORM B),
			SLV_STR("--" B "\r\nContent-Disposition: form-data; name=\"quo\\\"te\"\r\n"
				"\r\n1\r\n--" B "--\r\n"),
			SLV_STR("[quo\"te|-|-]1.!"));
#undef B
#define B "------------------------052dd14138da1cb0"
#define C "------------------------3ce521222473665c"
	/* -F two=@f.txt,f.txt: the inner form is data */
	decodes(state, SLV_STR(FORM B),
			SLV_STR("--" B "\r\nContent-Disposition: form-data; name=\"two\"\r\n"
				"Content-Type: multipart/mixed; boundary=" C "\r\n\r\n"
				"--" C "\r\nContent-Disposition: attachment\r\n\r\ndata\r\n"
				"--" C "--\r\n\r\n--" B "--\r\n"),
			SLV_STR("[two|-|multipart/mixed; boundary=" C "]"
				"--" C "\r\nContent-Disposition: attachment\r\n\r\ndata\r\n"
				"--" C "--\r\n.!"));
#undef B
#undef C
}

static void requests_of_python_is_read(void **state)
{
#define B "78ac595a00d3f449003f83be20cfdabd"
	decodes(state, SLV_STR(FORM B),
			SLV_STR("--" B "\r\nContent-Disposition: form-data; name=\"plain\"\r\n\r\n"
				"a\nb\r\n"
				"--" B "\r\nContent-Disposition: form-data; name=\"quo%22te\\\"\r\n"
				"\r\n1\r\n"
				"--" B "\r\nContent-Disposition: form-data; name=\"raw\"; "
				"filename=\"raw\"\r\n\r\n\0\1\r\n"
				"--" B "\r\nContent-Disposition: form-data; name=\"n\xc3\xa4m\"; "
				"filename=\"a%0D%0Ab.txt\"\r\n\r\nx\r\n"
				"--" B "--\r\n"),
			SLV_STR("[plain|-|-]a\nb.[quo\"te\\|-|-]1.[raw|raw|-]\0\1."
				"[n\xc3\xa4m|a\r\nb.txt|-]x.!"));
#undef B
}

/* Two line ends behind the last boundary, and a backslash before a closing quote. */
static void cloudflare_of_npm_is_read(void **state)
{
#define B "form-data-boundary-1z6kv5qte4s4o9qo"
	decodes(state, SLV_STR(FORM B),
			SLV_STR("--" B
				"\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n"
				"{\"a\":1}\r\n"
				"--" B "\r\nContent-Disposition: form-data; name=\"q%22\\\"\r\n\r\n"
				"1\r\n"
				"--" B "\r\nContent-Disposition: form-data; name=\"value\"; "
				"filename=\"f\xc3\xafl %22q%22.txt\"\r\n"
				"Content-Type: text/plain\r\n\r\ndata\r\n--x\r\n\r\n"
				"--" B "--\r\n\r\n"),
			SLV_STR("[metadata|-|-]{\"a\":1}.[q\"\\|-|-]1."
				"[value|f\xc3\xafl \"q\".txt|text/plain]data\r\n--x\r\n.!"));
#undef B
}

/* By their sources: Go escapes with backslashes, .NET writes tokens and filename*. */
static void go_and_dotnet_are_read(void **state)
{
	decodes(state, SLV_STR(FORM "b"),
			SLV_STR("--b\r\nContent-Disposition: form-data; name=\"a\\\"b\"; "
				"filename=\"\\\"c\\\"\"\r\nContent-Type: text/plain\r\n\r\n1\r\n"
				"--b--\r\n"),
			SLV_STR("[a\"b|\"c\"|text/plain]1.!"));
	decodes(state, SLV_STR("multipart/form-data; boundary=\"1-2\""),
			SLV_STR("--1-2\r\nContent-Type: text/plain; charset=utf-8\r\n"
				"Content-Disposition: form-data; name=a; filename=x.txt; "
				"filename*=utf-8''%C3%B6%20x.txt\r\n\r\n1\r\n--1-2--\r\n"),
			SLV_STR("[a|\xc3\xb6 x.txt|text/plain; charset=utf-8]1.!"));
}

/* --- the boundary --- */

static void boundaries_are_tokens_or_quoted(void **state)
{
	static const struct {
		const char *type, *boundary;
	} cases[] = {
		{ "multipart/form-data;boundary=b", "b" },
		{ "Multipart/Form-Data ; charset=utf-8 ;\tBOUNDARY=b ", "b" },
		{ "multipart/form-data; boundary=\"b\"; charset=\"x;y\"", "b" },
		{ "multipart/form-data; boundary=\"b'()+_,-./:=? c\"", "b'()+_,-./:=? c" },
		{ "multipart/form-data; x=\"boundary=no\"; boundary=AZaz09", "AZaz09" },
		{ "multipart/form-data; boundary=0123456789012345678901234567890123456789"
		  "012345678901234567890123456789",
				"0123456789012345678901234567890123456789"
				"012345678901234567890123456789" },
	};
	struct form *form = *state;
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		slv_err err = begin(form, slv_str_from(cases[i].type));
		assert_false(slv_failed(err));
		slv_str delim = { form->decoder.delim, form->decoder.delim_len };
		assert_true(slv_str_starts(delim, SLV_STR("\r\n--")));
		assert_true(slv_str_eq(
				slv_str_from_index(delim, 4), slv_str_from(cases[i].boundary)));
	}
	decodes(state, SLV_STR("multipart/form-data; boundary=\"b c\""),
			SLV_STR("--b c\r\n" NAMED "\r\n1\r\n--b\r\n--b c--"),
			SLV_STR("[a|-|-]1\r\n--b.!"));
}

static void boundaries_of_other_bytes_are_syntax_errors(void **state)
{
	static const char *const cases[] = {
		FORM "",
		"multipart/form-data",
		"multipart/form-data;",
		"multipart/form-data; charset=utf-8",
		FORM "\"\"",
		FORM "\"b \"",
		FORM "\"b",
		FORM "b\"",
		FORM "b/c",
		FORM "b;",
		FORM "b; boundary=b",
		FORM "b c",
		FORM "\"b\"c",
		"multipart/form-data; boundary =b",
		"multipart/form-data; boundary= b",
		"multipart/form-data, boundary=b",
		FORM "\"b\\c\"",
		FORM "\"b\\\"c\"",
		FORM "\"b*\"",
		FORM "b*",
		FORM "\"b\xc3\xb6\"",
		FORM "\"b\tc\"",
		FORM "\"b\r\n\"",
		FORM "0123456789012345678901234567890123456789012345678901234567890123456789"
		     "0",
	};
	struct form *form = *state;
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		slv_err err = begin(form, slv_str_from(cases[i]));
		int32_t want = i == 15 ? SLV_E_MEDIA : SLV_E_SYNTAX;
		if (err.code != want)
			fail_msg("%s: code %d", cases[i], err.code);
	}
	assert_int_equal(begin(form, SLV_STR(FORM "\"b\0c\"")).code, SLV_E_SYNTAX);
}

static void other_types_are_media_errors(void **state)
{
	static const char *const cases[] = { "", NULL, "multipart/mixed; boundary=b",
		"multipart/form-data2; boundary=b", "application/x-www-form-urlencoded",
		"; boundary=b", "form-data; boundary=b" };
	for (size_t i = 0; i < SLV_COUNT(cases); i++)
		assert_int_equal(begin(*state, slv_str_from(cases[i])).code, SLV_E_MEDIA);
}

static void near_boundaries_are_data(void **state)
{
	decodes(state, SLV_STR(FORM "bbc"),
			SLV_STR("--bbc\r\n" NAMED "\r\n"
				"--bb\r\n--bb\r\r\n\r\n-\r\n--\r\n--b\r\n--\r\n--bb\r\n-bbc\r\n"
				"\n--bbc\r--bbc\r\r\n--bbc--"),
			SLV_STR("[a|-|-]--bb\r\n--bb\r\r\n\r\n-\r\n--\r\n--b\r\n--\r\n--bb\r\n-bbc"
				"\r\n\n--bbc\r--bbc\r.!"));
	/* The boundary within a line, or with another case. */
	decodes(state, SLV_STR(FORM "b"), SLV_STR("--b\r\n" NAMED "\r\nx--b--\r\n--B\r\n--b--"),
			SLV_STR("[a|-|-]x--b--\r\n--B.!"));
	fails(state, SLV_STR("--b\r\n" NAMED "\r\nx\r\n--bc\r\n--b--"), SLV_E_SYNTAX,
			"neither CRLF nor");
}

static void parts_may_be_empty(void **state)
{
	decodes(state, SLV_STR(FORM "b"),
			SLV_STR("--b\r\n" NAMED "\r\n\r\n--b\r\n" NAMED "\r\n--b\r\n" NAMED
				"\r\n\r\n\r\n--b--"),
			SLV_STR("[a|-|-].[a|-|-].[a|-|-]\r\n.!"));
}

static void what_surrounds_the_form_is_skipped_within_a_bound(void **state)
{
	decodes(state, SLV_STR(FORM "b"),
			SLV_STR("This is\r\n--\r\nMIME\n--b\r\n--b\r\n" NAMED "\r\n1\r\n--b--\r\n"
				"--b\r\nbye"),
			SLV_STR("[a|-|-]1.!"));
	decodes(state, SLV_STR(FORM "b"), SLV_STR("\r\n--b--"), SLV_STR("!"));
	char body[3000];
	struct slv_buf buf = { 0 };
	memset(body, '-', sizeof(body));
	for (size_t past = 0; past < 2; past++) {
		slv_buf_init(&buf, sizeof(body));
		slv_buf_add(&buf, (slv_str){ body, 1024 + past });
		slv_buf_add(&buf, SLV_STR("\r\n--b--"));
		if (past)
			fails(state, slv_buf_str(&buf), SLV_E_LIMIT, "1024 bytes");
		else
			decodes(state, SLV_STR(FORM "b"), slv_buf_str(&buf), SLV_STR("!"));
		slv_buf_clear(&buf);
		slv_buf_add(&buf, SLV_STR("--b--\r\n"));
		slv_buf_add(&buf, (slv_str){ body, 1024 + past });
		if (past)
			fails(state, slv_buf_str(&buf), SLV_E_LIMIT, "1024 bytes");
		else
			decodes(state, SLV_STR(FORM "b"), slv_buf_str(&buf), SLV_STR("!"));
		slv_buf_done(&buf);
	}
}

static void a_form_that_does_not_end_is_a_syntax_error(void **state)
{
	slv_str body = SLV_STR("x\r\n--b\r\n" NAMED "\r\n1\r\n--b--");
	for (size_t len = 0; len < body.len; len++)
		fails(state, slv_str_head(body, len), SLV_E_SYNTAX,
				len < 6 ? "is not in its body" : "before its last boundary");
	fails(state, SLV_STR("--c\r\n" NAMED "\r\n1\r\n--c--\r\n"), SLV_E_SYNTAX,
			"is not in its body");
	fails(state, SLV_STR("--b--\r"), SLV_E_SYNTAX, "before its last boundary");
}

static void lines_end_with_crlf_only(void **state)
{
	fails(state, SLV_STR("--b\n" NAMED "\r\n1\r\n--b--"), SLV_E_SYNTAX, "neither CRLF");
	fails(state, SLV_STR("--b\rX" NAMED "\r\n1\r\n--b--"), SLV_E_SYNTAX, "neither CRLF");
	fails(state, SLV_STR("--b \r\n" NAMED "\r\n1\r\n--b--"), SLV_E_SYNTAX, "neither CRLF");
	fails(state, SLV_STR("--b-\r\n"), SLV_E_SYNTAX, "neither CRLF");
	fails(state, SLV_STR("--b--\n"), SLV_E_SYNTAX, "neither CRLF");
	fails(state, SLV_STR("--b--x"), SLV_E_SYNTAX, "neither CRLF");
	fails(state, SLV_STR("--b--\rx"), SLV_E_SYNTAX, "neither CRLF");
	fails(state, SLV_STR("--b\r\nContent-Disposition: form-data; name=\"a\"\n\r\n"),
			SLV_E_SYNTAX, "LF without CR");
	fails(state, SLV_STR("--b\r\n" NAMED "\n1\r\n--b--"), SLV_E_SYNTAX, "LF without CR");
	fails(state, SLV_STR("--b\r\n\n"), SLV_E_SYNTAX, "LF without CR");
	fails(state, SLV_STR("--b\r\nContent-Disposition: form-data; name=\"a\"\r\r\n\r\n"),
			SLV_E_SYNTAX, "no field");
	fails(state, SLV_STR("--b\r\n" NAMED "\r\n1\n--b--\n"), SLV_E_SYNTAX,
			"before its last boundary");
}

/* --- heads --- */

static void fails_head(void **state, const char *head, enum slv_code code, const char *part)
{
	struct slv_buf buf;
	slv_buf_init(&buf, 65536);
	slv_buf_printf(&buf, "--b\r\n%s\r\n\r\n1\r\n--b--", head);
	fails(state, slv_buf_str(&buf), code, part);
	slv_buf_done(&buf);
}

static void reads_disposition(void **state, const char *params, const char *want)
{
	struct slv_buf buf, told;
	slv_buf_init(&buf, 65536);
	slv_buf_init(&told, 65536);
	slv_buf_printf(&buf, "--b\r\ncontent-disposition:form-data%s\r\n\r\n1\r\n--b--", params);
	slv_buf_printf(&told, "[%s|-]1.!", want);
	decodes(state, SLV_STR(FORM "b"), slv_buf_str(&buf), slv_buf_str(&told));
	slv_buf_done(&told);
	slv_buf_done(&buf);
}

static void names_are_what_their_client_meant(void **state)
{
	reads_disposition(state, ";name=a", "a|-");
	reads_disposition(state, " ; NAME=\"a\" \t;\tx=y ; FileName=\"f\"  ", "a|f");
	reads_disposition(state, "; filename=\"f\"; name=\"a\"", "a|f");
	reads_disposition(state, "; name=\"\"; filename=\"\"", "|");
	reads_disposition(state, "; name=\"a;b, c=d\"", "a;b, c=d|-");
	reads_disposition(state, "; name=\"%22%0D%0A%25%20%0d%2\"", "\"\r\n%25%20%0d%2|-");
	reads_disposition(state, "; name=%22", "%22|-"); /* a token has no escapes */
	reads_disposition(state, "; name=\"a\\\"; filename=\"f\"", "a\\|f");
	reads_disposition(state, "; name=\"a\\\"\"", "a\"|-");
	reads_disposition(state, "; name=\"\\\"\\\"\"", "\"\"|-");
	reads_disposition(state, "; name=\"\\\\\\a\\\\\"", "\\\\\\a\\\\|-");
	reads_disposition(state, "; name=\"a\\\" \"", "a\" |-");
	reads_disposition(state, "; name=\"\xf0\x9f\x98\x80\"", "\xf0\x9f\x98\x80|-");
	reads_disposition(state, "; name=a; filename*=UTF-8'de'%e2%82%ac; filename=x",
			"a|\xe2\x82\xac");
	reads_disposition(state, "; name=a; filename*=utf-8''", "a|");
}

static void parts_that_say_no_name_are_syntax_errors(void **state)
{
	static const struct {
		const char *head, *part;
	} cases[] = {
		{ "", "without 'Content-Disposition: form-data'" },
		{ "Content-Type: text/plain", "without 'Content-Disposition: form-data'" },
		{ "Content-Disposition:", "without 'Content-Disposition: form-data'" },
		{ "Content-Disposition: attachment; name=a", "form-data'" },
		{ "Content-Disposition: form-data2; name=a", "form-data'" },
		{ "Content-Disposition: form-data", "without a name" },
		{ "Content-Disposition: form-data; filename=a", "without a name" },
		{ "Content-Disposition: form-data; name*=utf-8''a", "without a name" },
		{ "Content-Disposition: form-data, name=a", "not behind ';'" },
		{ "Content-Disposition: form-data name=a", "not behind ';'" },
		{ "Content-Disposition: form-data; name=\"a\"x", "not behind ';'" },
		{ "Content-Disposition: form-data; name=\"a\"b\"", "not behind ';'" },
		{ "Content-Disposition: form-data; name=a;", "not name=value" },
		{ "Content-Disposition: form-data;; name=a", "not name=value" },
		{ "Content-Disposition: form-data; name", "not name=value" },
		{ "Content-Disposition: form-data; name =a", "not name=value" },
		{ "Content-Disposition: form-data; =a", "not name=value" },
		{ "Content-Disposition: form-data; name=", "value that ends" },
		{ "Content-Disposition: form-data; name= a", "value that ends" },
		{ "Content-Disposition: form-data; name=\"a", "value that ends" },
		{ "Content-Disposition: form-data; name=\"", "value that ends" },
		{ "Content-Disposition: form-data; name=\"a\\\"b", "value that ends" },
		{ "Content-Disposition: form-data; name=\xc3\xb6", "value that ends" },
		{ "Content-Disposition: form-data; name=a; name=a", "two names" },
		{ "Content-Disposition: form-data; name=a; filename=b; FILENAME=b", "two names" },
		{ "Content-Disposition: form-data; name=a; filename*=utf-8''b; filename*=utf-8''b",
				"two names" },
		{ "Content-Disposition: form-data; name=a; filename*=b", "not UTF-8''text" },
		{ "Content-Disposition: form-data; name=a; filename*=utf-8'b", "not UTF-8''text" },
		{ "Content-Disposition: form-data; name=a; filename*=iso-8859-1''b",
				"not UTF-8''text" },
		{ "Content-Disposition: form-data; name=a; filename*=\"utf-8''b\"", "in quotes" },
		{ "Content-Disposition: form-data; name=a; filename*=utf-8''%", "hexadecimal" },
		{ "Content-Disposition: form-data; name=a; filename*=utf-8''%a", "hexadecimal" },
		{ "Content-Disposition: form-data; name=a; filename*=utf-8''%0g", "hexadecimal" },
		{ "Content-Disposition: form-data; name=a; filename*=utf-8''%00", "%00" },
		{ NAMED "Content-Disposition: form-data; name=\"a\"", "two Content-Disposition" },
		{ NAMED "Content-Type: a/b\r\nContent-Type: a/b", "or Content-Type" },
	};
	for (size_t i = 0; i < SLV_COUNT(cases); i++)
		fails_head(state, cases[i].head, SLV_E_SYNTAX, cases[i].part);
}

static void lines_that_are_no_field_are_syntax_errors(void **state)
{
	static const char *const cases[] = { "--b", "a", ": b", "a b: c", "a : b", " a: b",
		"a: b\r\n c", "\xc3\xb6: a", "a: \x01", "a: \x7f", "a: b\rc" };
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		char head[256] = NAMED;
		memcpy(head + strlen(head), cases[i], strlen(cases[i]) + 1);
		fails_head(state, head, SLV_E_SYNTAX, "no field");
	}
	fails(state, SLV_STR("--b\r\n" NAMED "a: \0\r\n\r\n"), SLV_E_SYNTAX, "no field");
}

static void other_fields_are_kept(void **state)
{
	struct form *form = *state;
	slv_str body = SLV_STR("--b\r\nX-One: 1\r\n" NAMED
			       "Content-Type:a/b\r\nX-Two:\r\nx-two:\t2 \r\n\r\n");
	assert_false(slv_failed(begin(form, SLV_STR(FORM "b"))));
	assert_false(slv_failed(feed(form, body)));
	const struct slv_fields *fields = &form->decoder.part.fields;
	assert_int_equal(fields->count, 4);
	assert_true(slv_str_eq(fields->at[0].name, SLV_STR("X-One")));
	assert_true(slv_str_eq(fields->at[0].value, SLV_STR("1")));
	assert_true(slv_str_eq(slv_fields_get(fields, SLV_FIELD_CONTENT_TYPE), SLV_STR("a/b")));
	assert_true(slv_str_eq(fields->at[2].value, SLV_STR("")));
	assert_true(slv_str_eq(fields->at[3].value, SLV_STR("2")));

	/* Nothing of a part is there in the next. */
	assert_false(slv_failed(feed(form, SLV_STR("1\r\n--b\r\n" NAMED "\r\n"))));
	assert_int_equal(fields->count, 0);
	assert_null(form->decoder.part.content_type.at);
}

static void encodings_of_parts_are_unsupported(void **state)
{
	fails_head(state, NAMED "Content-Transfer-Encoding: base64", SLV_E_UNSUPPORTED,
			"Content-Transfer-Encoding");
	fails_head(state, NAMED "content-transfer-encoding: quoted-printable", SLV_E_UNSUPPORTED,
			"Content-Transfer-Encoding");
	fails_head(state, NAMED "Content-Transfer-Encoding:", SLV_E_UNSUPPORTED,
			"Content-Transfer-Encoding");
	decodes(state, SLV_STR(FORM "b"),
			SLV_STR("--b\r\n" NAMED "Content-Transfer-Encoding: Binary\r\n\r\n1\r\n"
				"--b\r\n" NAMED "Content-Transfer-Encoding: 7bit\r\n\r\n1\r\n"
				"--b\r\n" NAMED "Content-Transfer-Encoding: 8bit\r\n\r\n1\r\n"
				"--b--"),
			SLV_STR("[a|-|-]1.[a|-|-]1.[a|-|-]1.!"));
}

/* --- limits --- */

static void parts_past_their_count_are_a_limit_error(void **state)
{
	struct form *form = *state;
	form->limits.parts_max = 2;
	slv_str body = SLV_STR("--b\r\n" NAMED "\r\n1\r\n--b\r\n" NAMED "\r\n2\r\n--b--");
	decodes(state, SLV_STR(FORM "b"), body, SLV_STR("[a|-|-]1.[a|-|-]2.!"));
	form->limits.parts_max = 1;
	fails(state, body, SLV_E_LIMIT, "more than 1 (parts_max)");

	form->limits = SLV_MULTIPART_LIMITS;
	struct slv_buf buf;
	slv_buf_init(&buf, 65536);
	for (int i = 0; i < 100; i++)
		slv_buf_add(&buf, SLV_STR("--b\r\n" NAMED "\r\n\r\n"));
	size_t len = buf.len;
	slv_buf_add(&buf, SLV_STR("--b--"));
	slv_err err = run(form, SLV_STR(FORM "b"), slv_buf_str(&buf), SIZE_MAX);
	assert_false(slv_failed(err));
	buf.len = len;
	slv_buf_add(&buf, SLV_STR("--b\r\n"));
	fails(state, slv_buf_str(&buf), SLV_E_LIMIT, "more than 100 (parts_max)");
	slv_buf_done(&buf);
}

static void heads_past_their_bytes_are_a_limit_error(void **state)
{
	struct form *form = *state;
	slv_str body = SLV_STR(
			"--b\r\n" NAMED "X: 1\r\n\r\n1\r\n--b\r\n" NAMED "X: 1\r\n\r\n\r\n--b--");
	form->limits.head_bytes_max = (uint32_t)sizeof(NAMED "X: 1\r\n\r\n") - 1;
	decodes(state, SLV_STR(FORM "b"), body, SLV_STR("[a|-|-]1.[a|-|-].!"));
	form->limits.head_bytes_max--;
	fails(state, body, SLV_E_LIMIT, "more than 49 (head_bytes_max)");

	form->limits = SLV_MULTIPART_LIMITS;
	static const char begin_bytes[] = "--b\r\n" NAMED "X: ";
	char bytes[9000];
	for (size_t past = 0; past < 2; past++) {
		memset(bytes, 'x', sizeof(bytes));
		memcpy(bytes, begin_bytes, sizeof(begin_bytes) - 1);
		memcpy(bytes + 5 + 8192 - 4 + past, "\r\n\r\n\r\n--b--", 12);
		slv_str all = { bytes, 5 + 8192 + 7 + past };
		if (past)
			fails(state, all, SLV_E_LIMIT, "more than 8192 (head_bytes_max)");
		else
			assert_false(slv_failed(run(form, SLV_STR(FORM "b"), all, 7)));
	}
	/* A line that does not end. */
	memset(bytes + 5, 'x', sizeof(bytes) - 5);
	fails(state, (slv_str){ bytes, sizeof(bytes) }, SLV_E_LIMIT, "head_bytes_max");
}

static void fields_past_their_count_are_a_limit_error(void **state)
{
	struct form *form = *state;
	char head[512] = "Content-Disposition: form-data; name=a";
	for (int i = 1; i < 16; i++)
		memcpy(head + strlen(head), "\r\nx: y", 7);
	struct slv_buf buf;
	slv_buf_init(&buf, 1024);
	slv_buf_printf(&buf, "--b\r\n%s\r\n\r\n\r\n--b--", head);
	decodes(state, SLV_STR(FORM "b"), slv_buf_str(&buf), SLV_STR("[a|-|-].!"));
	form->limits.fields_max = 15;
	fails(state, slv_buf_str(&buf), SLV_E_LIMIT, "more than 15 (fields_max)");
	form->limits = SLV_MULTIPART_LIMITS;
	memcpy(head + strlen(head), "\r\nx: y", 7);
	fails_head(state, head, SLV_E_LIMIT, "more than 16 (fields_max)");
	slv_buf_done(&buf);
}

static void names_past_their_bytes_are_a_limit_error(void **state)
{
	struct form *form = *state;
	form->limits.name_bytes_max = 3;
	reads_disposition(state, "; name=\"%22bc\"; filename=\"%0D%0A%22\"", "\"bc|\r\n\"");
	reads_disposition(state, "; name=abc; filename*=utf-8''%e2%82%ac", "abc|\xe2\x82\xac");
	static const char *const cases[] = { "name=\"abcd\"", "name=abcd", "name=\"%22abc\"",
		"name=a; filename=abcd", "name=a; filename*=utf-8''%e2%82%acx" };
	for (size_t i = 0; i < SLV_COUNT(cases); i++) {
		char head[256] = "Content-Disposition: form-data; ";
		memcpy(head + strlen(head), cases[i], strlen(cases[i]) + 1);
		fails_head(state, head, SLV_E_LIMIT, "more than 3 (name_bytes_max)");
	}
}

static void no_memory_is_a_limit_error(void **state)
{
	struct form *form = *state;
	struct slv_arena small;
	slv_arena_init(&small, 64, 8191);
	slv_err err = slv_multipart_init(&form->decoder, &small, SLV_STR(FORM "b"), &form->limits);
	assert_int_equal(err.code, SLV_E_LIMIT);
	slv_arena_done(&small);

	slv_arena_init(&small, 64, 8200); /* a head, and no list of fields */
	err = slv_multipart_init(&form->decoder, &small, SLV_STR(FORM "b"), &form->limits);
	assert_false(slv_failed(err));
	slv_buf_clear(&form->told);
	assert_int_equal(feed(form, SLV_STR("--b\r\n" NAMED "\r\n")).code, SLV_E_LIMIT);
	slv_arena_done(&small);
}

/* Every line is a boundary but for its last byte. */
static void what_nearly_is_a_boundary_is_data(void **state)
{
#define NEAR "\r\n--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	struct form *form = *state;
	char type[128] = FORM;
	memcpy(type + strlen(type), &(NEAR "b")[4], sizeof(NEAR "b") - 4);
	struct slv_buf body, want;
	slv_buf_init(&body, SLV_MIB(1));
	slv_buf_init(&want, SLV_MIB(1));
	slv_buf_add(&body, SLV_STR(NEAR "b\r\n" NAMED "\r\n"));
	slv_buf_add(&want, SLV_STR("[a|-|-]"));
	for (int i = 0; i < 2000; i++) {
		slv_buf_add(&body, SLV_STR(NEAR "c"));
		slv_buf_add(&want, SLV_STR(NEAR "c"));
	}
	slv_buf_add(&body, SLV_STR(NEAR "b--"));
	slv_buf_add(&want, SLV_STR(".!"));
	static const size_t steps[] = { SIZE_MAX, 1, 73, 74, 75 };
	for (size_t i = 0; i < SLV_COUNT(steps); i++) {
		slv_err err = run(form, slv_str_from(type), slv_buf_str(&body), steps[i]);
		expect(form, err, SLV_STR("near-boundaries"), slv_buf_str(&want));
	}
	slv_buf_done(&want);
	slv_buf_done(&body);
#undef NEAR
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(chromium_is_read),
		TEST(undici_is_read),
		TEST(curl_is_read),
		TEST(requests_of_python_is_read),
		TEST(cloudflare_of_npm_is_read),
		TEST(go_and_dotnet_are_read),
		TEST(boundaries_are_tokens_or_quoted),
		TEST(boundaries_of_other_bytes_are_syntax_errors),
		TEST(other_types_are_media_errors),
		TEST(near_boundaries_are_data),
		TEST(parts_may_be_empty),
		TEST(what_surrounds_the_form_is_skipped_within_a_bound),
		TEST(a_form_that_does_not_end_is_a_syntax_error),
		TEST(lines_end_with_crlf_only),
		TEST(names_are_what_their_client_meant),
		TEST(parts_that_say_no_name_are_syntax_errors),
		TEST(lines_that_are_no_field_are_syntax_errors),
		TEST(other_fields_are_kept),
		TEST(encodings_of_parts_are_unsupported),
		TEST(parts_past_their_count_are_a_limit_error),
		TEST(heads_past_their_bytes_are_a_limit_error),
		TEST(fields_past_their_count_are_a_limit_error),
		TEST(names_past_their_bytes_are_a_limit_error),
		TEST(no_memory_is_a_limit_error),
		TEST(what_nearly_is_a_boundary_is_data),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
