/* Secrets that stand elsewhere, so that the configuration can be shown to people. Mistakes name
 * the place, never what is there. */
#include "base/fd.h"
#include "base/mem.h"
#include "conf/read.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a name or path and of what is said about it. */
#define SCRATCH_BYTES_MAX SLV_KIB(32)

static bool is_name(slv_str name)
{
	return name.len > 0 && name.len < PATH_MAX && !memchr(name.at, '\0', name.len);
}

/* The line end that an editor puts there is no part of the secret. */
static slv_str without_line_end(slv_str text)
{
	if (!slv_str_ends(text, SLV_STR("\n")))
		return text;
	text.len--;
	if (slv_str_ends(text, SLV_STR("\r")))
		text.len--;
	return text;
}

static slv_err spent(void)
{
	return SLV_ERR(SLV_E_LIMIT, "no memory for the secret");
}

/* All of `path`, to `bytes`. */
static slv_err read_bytes(struct slv_arena *scratch, const char *path, char *bytes, size_t *ret_len)
{
	/* A pipe or device could hold the start up for ever. */
	SLV_CLEANUP(slv_fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		return slv_err_sys(scratch, errno, "cannot read the file '%s'", path);
	if (!S_ISREG(st.st_mode))
		return slv_err_printf(scratch, SLV_E_SYNTAX, "'%s' is no file", path);
	size_t len = 0;
	while (len <= SLV_CONF_SECRET_FILE_BYTES_MAX) {
		ssize_t got = pread(fd, bytes + len, SLV_CONF_SECRET_FILE_BYTES_MAX + 1 - len,
				(off_t)len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return slv_err_sys(scratch, errno, "cannot read the file '%s'", path);
		if (got == 0)
			break;
		len += (size_t)got;
	}
	if (len > SLV_CONF_SECRET_FILE_BYTES_MAX)
		return slv_err_printf(
				scratch, SLV_E_SYNTAX, "the file '%s' is larger than 64 KiB", path);
	*ret_len = len;
	return SLV_OK;
}

static slv_err from_file(struct slv_arena *arena, struct slv_arena *scratch, slv_str name,
		const char *folder, slv_str *ret_secret)
{
	if (!is_name(name))
		return SLV_ERR(SLV_E_SYNTAX, "'file:' needs a path behind it");
	slv_str beside = slv_conf_join(scratch, slv_str_from(folder), name);
	const char *path = beside.at ? slv_cstr(scratch, beside) : NULL;
	if (!path)
		return spent();
	char *bytes = slv_alloc(SLV_CONF_SECRET_FILE_BYTES_MAX + 1);
	size_t len = 0;
	slv_err err = read_bytes(scratch, path, bytes, &len);
	if (!slv_failed(err)) {
		slv_str text = without_line_end((slv_str){ bytes, len });
		slv_str secret = slv_str_copy(arena, text);
		if (!text.len)
			err = slv_err_printf(scratch, SLV_E_SYNTAX, "the file '%s' is empty", path);
		else if (!secret.at)
			err = spent();
		else
			*ret_secret = secret;
	}
	slv_wipe(bytes, SLV_CONF_SECRET_FILE_BYTES_MAX + 1);
	slv_free(bytes);
	return err;
}

static slv_err from_environment(struct slv_arena *arena, struct slv_arena *scratch, slv_str name,
		slv_str *ret_secret)
{
	if (!is_name(name))
		return SLV_ERR(SLV_E_SYNTAX, "'env:' needs a variable's name behind it");
	const char *variable = slv_cstr(scratch, name);
	if (!variable)
		return spent();
	const char *value = getenv(variable);
	if (!value || !*value)
		return slv_err_printf(scratch, SLV_E_SYNTAX, "the environment variable '%s' is %s",
				variable, value ? "empty" : "not set");
	slv_str secret = slv_str_copy(arena, slv_str_from(value));
	if (!secret.at)
		return spent();
	*ret_secret = secret;
	return SLV_OK;
}

slv_err slv_conf_secret(struct slv_arena *arena, struct slv_arena *scratch, slv_str text,
		const char *folder, slv_str *ret_secret)
{
	if (slv_str_starts(text, SLV_STR("env:")))
		return from_environment(arena, scratch, slv_str_from_index(text, 4), ret_secret);
	if (slv_str_starts(text, SLV_STR("file:")))
		return from_file(arena, scratch, slv_str_from_index(text, 5), folder, ret_secret);
	*ret_secret = text;
	return SLV_OK;
}

bool slv_conf_secret_read(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, slv_str *ret_secret)
{
	struct slv_arena scratch;
	slv_arena_init(&scratch, SLV_KIB(4), SCRATCH_BYTES_MAX);
	slv_err err = slv_conf_secret(read->arena, &scratch, node->text, read->folder, ret_secret);
	if (err.code == SLV_E_LIMIT)
		slv_conf_spent(read);
	else if (slv_failed(err))
		slv_conf_fail(read, node, "%s: %s", key->name, err.what);
	slv_arena_done(&scratch);
	return !slv_failed(err);
}
