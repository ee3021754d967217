/* One reading from the file to the struct, and the mistakes that are found on the way. */
#include "conf/conf.h"

#include "base/assert.h"
#include "base/fd.h"
#include "base/mem.h"
#include "conf/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONF_BLOCK_BYTES SLV_KIB(16)

struct slv_conf {
	struct slv_arena arena;
	void *root;
};

/* One line, whatever was printed: what could move a terminal's cursor becomes '?', and a
 * character that the end of the array cut goes. */
static void tidy(char *text)
{
	size_t len = strlen(text);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = '?';
	if (len + 1 < SLV_CONF_MISTAKE_BYTES_MAX)
		return;
	size_t start = len;
	while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0 && (unsigned char)text[start - 1] >= 0xc0)
		text[start - 1] = '\0';
}

static SLV_PRINTF(4, 0) bool note(struct slv_conf_read *read, uint32_t line, uint32_t column,
		const char *fmt, va_list args)
{
	if (read->count == SLV_CONF_MISTAKES_MAX) {
		read->more = true;
		return false;
	}
	struct slv_conf_mistake *mistake = &read->mistakes[read->count++];
	*mistake = (struct slv_conf_mistake){ .line = line, .column = column };
	size_t len = 0;
	if (read->at) {
		mistake->line = read->at->line;
		mistake->column = read->at->column;
		int written = snprintf(mistake->text, sizeof(mistake->text),
				"the default of '%s': ", read->fallback->name);
		slv_assert(written > 0 && (size_t)written < sizeof(mistake->text));
		len = (size_t)written;
	}
	int written = vsnprintf(mistake->text + len, sizeof(mistake->text) - len, fmt, args);
	slv_assert(written >= 0);
	tidy(mistake->text);
	return false;
}

bool slv_conf_fail_at(
		struct slv_conf_read *read, uint32_t line, uint32_t column, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	note(read, line, column, fmt, args);
	va_end(args);
	return false;
}

bool slv_conf_fail(struct slv_conf_read *read, struct slv_conf_node *node, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	note(read, node->line, node->column, fmt, args);
	va_end(args);
	return false;
}

bool slv_conf_spent(struct slv_conf_read *read)
{
	if (read->limited)
		return false;
	read->limited = true;
	return slv_conf_fail_at(read, read->line, read->column,
			"from here on the settings need more than %zu KiB of memory; "
			"make them fewer",
			read->arena->max >> 10);
}

void *slv_conf_take(struct slv_conf_read *read, size_t size)
{
	void *taken = slv_arena_take(read->arena, 1, size, alignof(max_align_t));
	if (!taken)
		slv_conf_spent(read);
	return taken;
}

struct slv_arena *slv_conf_arena(struct slv_conf_read *read)
{
	return read->arena;
}

static int mistake_cmp(const void *a, const void *b)
{
	const struct slv_conf_mistake *left = a, *right = b;
	if (left->line != right->line)
		return left->line < right->line ? -1 : 1;
	if (left->column != right->column)
		return left->column < right->column ? -1 : 1;
	return strcmp(left->text, right->text);
}

/* The mistakes in the order of the file, a line each. */
static slv_err mistakes_told(struct slv_conf_read *read, struct slv_arena *arena)
{
	if (read->count == 0) /* a CUSTOM reader that took past the cap and did not say so */
		slv_conf_spent(read);
	qsort(read->mistakes, read->count, sizeof(read->mistakes[0]), mistake_cmp);

	struct slv_buf buf;
	slv_buf_init(&buf, SLV_CONF_MISTAKES_MAX * SLV_KIB(8));
	for (size_t i = 0; i < read->count; i++) {
		const struct slv_conf_mistake *mistake = &read->mistakes[i];
		slv_buf_printf(&buf, "%s%.4096s:%u:%u: %s", i ? "\n" : "", read->name,
				mistake->line, mistake->column, mistake->text);
	}
	if (read->more)
		slv_buf_printf(&buf, "\n%.4096s:%u:%u: there are more mistakes than these %u",
				read->name, read->mistakes[read->count - 1].line,
				read->mistakes[read->count - 1].column, SLV_CONF_MISTAKES_MAX);
	slv_err err = slv_err_printf(arena, read->limited ? SLV_E_LIMIT : SLV_E_SYNTAX, "%.*s",
			SLV_FMT(slv_buf_str(&buf)));
	slv_buf_done(&buf);
	return err;
}

slv_err slv_conf_parse_capped(struct slv_arena *arena, slv_str text, const char *name,
		const char *folder, const struct slv_conf_key *keys, size_t size, size_t bytes_max,
		struct slv_conf **ret_conf)
{
	struct slv_conf *conf = SLV_ALLOC(struct slv_conf);
	slv_arena_init(&conf->arena, bytes_max < CONF_BLOCK_BYTES ? bytes_max : CONF_BLOCK_BYTES,
			bytes_max);
	struct slv_conf_read *read = SLV_ALLOC(struct slv_conf_read);
	read->arena = &conf->arena;
	read->name = name;
	read->folder = folder;
	read->line = read->column = 1;
	slv_map_init(&read->fallbacks, (struct slv_hash_key){ 0 }); /* our own texts: no secret */

	conf->root = slv_conf_take(read, size);
	struct slv_conf_node *node = conf->root ? slv_conf_nodes(read, text) : NULL;
	bool good = node && slv_conf_section(read, node, keys, conf->root);
	slv_err err = SLV_OK;
	if (!good || read->count) {
		err = mistakes_told(read, arena);
		slv_conf_free(conf);
	} else {
		*ret_conf = conf;
	}
	slv_map_done(&read->fallbacks);
	slv_free(read);
	return err;
}

slv_err slv_conf_parse(struct slv_arena *arena, slv_str text, const char *name, const char *folder,
		const struct slv_conf_key *keys, size_t size, struct slv_conf **ret_conf)
{
	return slv_conf_parse_capped(
			arena, text, name, folder, keys, size, SLV_CONF_ARENA_BYTES_MAX, ret_conf);
}

/* Up to one byte past the limit, which the parser then refuses. */
static slv_err file_read(struct slv_arena *arena, const char *path, struct slv_buf *buf)
{
	SLV_CLEANUP(slv_fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return slv_err_sys(arena, errno, "cannot open the configuration '%s'", path);
	for (;;) {
		size_t left = buf->max - buf->len;
		char *room = slv_buf_room(buf, left < SLV_KIB(64) ? left : SLV_KIB(64));
		ssize_t len = left ? read(fd, room, left < SLV_KIB(64) ? left : SLV_KIB(64)) : 0;
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return slv_err_sys(
					arena, errno, "cannot read the configuration '%s'", path);
		if (len == 0)
			return SLV_OK;
		slv_buf_grown(buf, (size_t)len);
	}
}

slv_err slv_conf_load(struct slv_arena *arena, const char *path, const struct slv_conf_key *keys,
		size_t size, struct slv_conf **ret_conf)
{
	struct slv_buf text;
	slv_buf_init(&text, SLV_CONF_TEXT_BYTES_MAX + 1);
	slv_err err = file_read(arena, path, &text);
	slv_str whole = slv_str_from(path);
	size_t slash = slv_str_find_last(whole, '/');
	slv_str head = slash == whole.len ? SLV_STR("") : slv_str_head(whole, slash ? slash : 1);
	const char *folder = slv_cstr(arena, head);
	if (!slv_failed(err) && !folder)
		err = SLV_ERR(SLV_E_LIMIT, "the configuration's path is too long");
	if (!slv_failed(err))
		err = slv_conf_parse(arena, slv_buf_str(&text), path, folder, keys, size, ret_conf);
	/* It may hold secrets. */
	if (text.cap)
		slv_wipe(text.at, text.cap);
	slv_buf_done(&text);
	return err;
}

const void *slv_conf_root(const struct slv_conf *conf)
{
	return conf->root;
}

void slv_conf_free(struct slv_conf *conf)
{
	if (!conf)
		return;
	slv_arena_done(&conf->arena);
	slv_free(conf);
}
