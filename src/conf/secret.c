/* Secrets that stand elsewhere, so that the configuration can be shown to people. Mistakes name
 * the place, never what is there. */
#include "base/fd.h"
#include "base/mem.h"
#include "conf/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool sys_fail(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, const char *path, int sys)
{
	char reason[128];
	return slv_conf_fail(read, node, "%s: cannot read the file '%s': %s", key->name, path,
			strerror_r(sys, reason, sizeof(reason)));
}

/* An editor's newline at the end is no part of the secret. */
static slv_str without_newline(slv_str text)
{
	if (slv_str_ends(text, SLV_STR("\n")))
		text.len--;
	if (slv_str_ends(text, SLV_STR("\r")))
		text.len--;
	return text;
}

static bool bytes_read(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, const char *path, char *bytes, slv_str *ret_secret)
{
	/* A pipe or device could hold the start up for ever. */
	SLV_CLEANUP(slv_fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		return sys_fail(read, node, key, path, errno);
	if (!S_ISREG(st.st_mode))
		return slv_conf_fail(read, node, "%s: '%s' is no file", key->name, path);
	size_t len = 0;
	while (len <= SLV_CONF_SECRET_FILE_BYTES_MAX) {
		ssize_t got = pread(fd, bytes + len, SLV_CONF_SECRET_FILE_BYTES_MAX + 1 - len,
				(off_t)len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return sys_fail(read, node, key, path, errno);
		if (got == 0)
			break;
		len += (size_t)got;
	}
	if (len > SLV_CONF_SECRET_FILE_BYTES_MAX)
		return slv_conf_fail(read, node, "%s: the file '%s' is larger than 64 KiB",
				key->name, path);
	slv_str secret = slv_str_copy(read->arena, without_newline((slv_str){ bytes, len }));
	if (!secret.at)
		return slv_conf_spent(read);
	*ret_secret = secret;
	return true;
}

static bool from_file(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, slv_str name, slv_str *ret_secret)
{
	if (name.len == 0 || memchr(name.at, '\0', name.len))
		return slv_conf_fail(read, node, "%s: 'file:' needs a path behind it", key->name);
	slv_str beside = slv_conf_beside(read, name);
	if (!beside.at)
		return false;
	const char *path = slv_cstr(read->arena, beside);
	if (!path)
		return slv_conf_spent(read);
	char *bytes = slv_alloc(SLV_CONF_SECRET_FILE_BYTES_MAX + 1);
	bool good = bytes_read(read, node, key, path, bytes, ret_secret);
	slv_wipe(bytes, SLV_CONF_SECRET_FILE_BYTES_MAX + 1);
	slv_free(bytes);
	return good;
}

static bool from_environment(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, slv_str name, slv_str *ret_secret)
{
	if (name.len == 0 || memchr(name.at, '\0', name.len))
		return slv_conf_fail(read, node, "%s: 'env:' needs a variable's name behind it",
				key->name);
	const char *variable = slv_cstr(read->arena, name);
	if (!variable)
		return slv_conf_spent(read);
	const char *value = getenv(variable);
	if (!value)
		return slv_conf_fail(read, node, "%s: the environment variable '%s' is not set",
				key->name, variable);
	slv_str secret = slv_str_copy(read->arena, slv_str_from(value));
	if (!secret.at)
		return slv_conf_spent(read);
	*ret_secret = secret;
	return true;
}

bool slv_conf_secret(struct slv_conf_read *read, struct slv_conf_node *node,
		const struct slv_conf_key *key, slv_str *ret_secret)
{
	if (slv_str_starts(node->text, SLV_STR("env:")))
		return from_environment(
				read, node, key, slv_str_from_index(node->text, 4), ret_secret);
	if (slv_str_starts(node->text, SLV_STR("file:")))
		return from_file(read, node, key, slv_str_from_index(node->text, 5), ret_secret);
	*ret_secret = node->text;
	return true;
}
