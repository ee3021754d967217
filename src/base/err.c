#include "base/err.h"

#include "base/arena.h"
#include "base/assert.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static const struct {
	const char *name;
	int status;
} codes[SLV_E_COUNT] = { [SLV_E_NONE] = { "none", 200 },
#define X(code, status, text) [SLV_E_##code] = { text, status },
	SLV_ERR_TABLE(X)
#undef X
};

const char *slv_code_name(int32_t code)
{
	slv_assert(code >= 0 && code < SLV_E_COUNT);
	return codes[code].name;
}

int slv_code_status(int32_t code)
{
	slv_assert(code >= 0 && code < SLV_E_COUNT);
	return codes[code].status;
}

static const char *text_or_excuse(const char *text)
{
	return text ? text : "(no memory for the reason)";
}

/* "<fmt>" or "<fmt>: <tail>", terminated. */
static const char *compose(struct slv_arena *arena, const char *tail, const char *fmt, va_list args)
		SLV_PRINTF(3, 0);
static const char *compose(struct slv_arena *arena, const char *tail, const char *fmt, va_list args)
{
	slv_str head = slv_str_vprintf(arena, fmt, args);
	if (!head.at || !tail)
		return text_or_excuse(head.at); /* vprintf terminates what it makes */
	slv_str all = slv_str_printf(arena, "%.*s: %s", SLV_FMT(head), tail);
	return text_or_excuse(all.at);
}

slv_err slv_err_printf(struct slv_arena *arena, enum slv_code code, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	slv_err err = { .code = (int32_t)code, .what = compose(arena, NULL, fmt, args) };
	va_end(args);
	return err;
}

slv_err slv_err_sys(struct slv_arena *arena, int sys, const char *fmt, ...)
{
	char reason[128];
	va_list args;
	va_start(args, fmt);
	slv_err err = {
		.code = sys == ENOENT || sys == ENOTDIR ? SLV_E_MISSING : SLV_E_SYS,
		.sys = sys,
		.what = compose(arena, strerror_r(sys, reason, sizeof(reason)), fmt, args),
	};
	va_end(args);
	return err;
}

slv_err slv_err_wrap(struct slv_arena *arena, slv_err err, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	err.what = compose(arena, err.what, fmt, args);
	va_end(args);
	return err;
}
