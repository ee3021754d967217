#include "base/fd.h"
#include "http/uri.h"
#include "service/files/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LISTING_ENTRIES_MAX 1000
#define LISTING_BYTES_MAX SLV_MIB(1)

bool files_is_hidden(slv_str name)
{
	return slv_str_starts(name, SLV_STR(".")) && !slv_str_eq(name, SLV_STR(".well-known"));
}

static int open_beneath(int root_fd, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	return (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
}

static void describe(const struct stat *st, struct files_found *found)
{
	found->bytes = (uint64_t)st->st_size;
	found->modified_s = st->st_mtim.tv_sec;
	snprintf(found->etag, sizeof(found->etag), "\"%llx-%lx-%llx\"",
			(unsigned long long)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec,
			(unsigned long long)st->st_size);
}

/* Read a short file now: its bytes are likely in memory, and one job is cheaper than two. */
static bool read_whole(struct files_found *found)
{
	char *room = slv_buf_room(&found->text, found->bytes ? found->bytes : 1);
	size_t len = 0;
	while (len < found->bytes) {
		ssize_t part = pread(found->fd, room + len, found->bytes - len, (off_t)len);
		if (part <= 0) /* it shrank while we read: the stream will tell */
			return false;
		len += (size_t)part;
	}
	slv_buf_grown(&found->text, len);
	return true;
}

static void found_file(int *fd, const struct stat *st, struct files_found *found)
{
	describe(st, found);
	found->what = FILES_FILE;
	found->fd = slv_fd_take(fd);
	if (found->bytes <= FILES_WHOLE_BYTES_MAX && !read_whole(found))
		slv_buf_clear(&found->text);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_shown(const struct dirent *entry)
{
	return !files_is_hidden(slv_str_from(entry->d_name));
}

static void escape_html(struct slv_buf *page, slv_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '<')
			slv_buf_add(page, SLV_STR("&lt;"));
		else if (text.at[i] == '&')
			slv_buf_add(page, SLV_STR("&amp;"));
		else
			slv_buf_add_char(page, text.at[i]);
	}
}

static void list_folder(int folder_fd, struct files_found *found)
{
	struct dirent **entries;
	struct slv_buf *page = &found->text;
	int count = scandirat(folder_fd, ".", &entries, is_shown, by_name);
	if (count < 0) {
		found->sys = errno;
		return;
	}
	slv_buf_add(page, SLV_STR("<!doctype html><meta charset=utf-8><title>Files</title><ul>\n"));
	slv_buf_add(page, SLV_STR("<li><a href=\"../\">../</a>\n"));
	for (int i = 0; i < count; i++) {
		slv_str name = slv_str_from(entries[i]->d_name);
		const char *tail = entries[i]->d_type == DT_DIR ? "/" : "";
		if (i < LISTING_ENTRIES_MAX) {
			slv_buf_add(page, SLV_STR("<li><a href=\"./"));
			slv_uri_encode(page, name, (slv_str){ 0 });
			slv_buf_printf(page, "%s\">", tail);
			escape_html(page, name);
			slv_buf_printf(page, "%s</a>\n", tail);
		}
		free(entries[i]);
	}
	free(entries);
	if (count > LISTING_ENTRIES_MAX)
		slv_buf_printf(page, "<li>and %d more\n", count - LISTING_ENTRIES_MAX);
	slv_buf_add(page, SLV_STR("</ul>\n"));
	found->what = FILES_LISTING;
}

/* The index of the folder `path`, by its path from the root, as if it were asked for by name: a
 * link may lead out of the folder and stay within the root. -1 if there is none. */
static int open_index(int root_fd, const char *path, const struct files_conf *conf)
{
	char index[PATH_MAX];
	int len = snprintf(index, sizeof(index), "%s%.*s", path, SLV_FMT(conf->index));
	if (!conf->index.len || len < 0 || (size_t)len >= sizeof(index))
		return -1;
	return open_beneath(root_fd, index);
}

static void found_folder(int root_fd, const char *path, int folder_fd,
		const struct files_conf *conf, struct files_found *found)
{
	struct stat st;
	SLV_CLEANUP(slv_fd_done) int fd = open_index(root_fd, path, conf);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		found_file(&fd, &st, found);
	else if (conf->listing)
		list_folder(folder_fd, found);
	else
		found->sys = ENOENT;
}

void files_find(int root_fd, const char *path, const struct files_conf *conf,
		struct files_found *ret_found)
{
	struct stat st;
	size_t len = strlen(path);
	bool slash = len == 0 || path[len - 1] == '/';
	*ret_found = (struct files_found){ .what = FILES_NONE, .fd = -1 };
	slv_buf_init(&ret_found->text, LISTING_BYTES_MAX);
	SLV_CLEANUP(slv_fd_done) int fd = open_beneath(root_fd, len ? path : ".");
	if (fd < 0 || fstat(fd, &st) != 0)
		ret_found->sys = errno;
	else if (S_ISREG(st.st_mode) && !slash)
		found_file(&fd, &st, ret_found);
	else if (S_ISDIR(st.st_mode) && slash)
		found_folder(root_fd, path, fd, conf, ret_found);
	else if (S_ISDIR(st.st_mode))
		ret_found->what = FILES_FOLDER;
	else
		ret_found->sys = ENOENT; /* a device, a pipe: nothing that is served */
}

void files_found_done(struct files_found *found)
{
	slv_fd_done(&found->fd);
	slv_buf_done(&found->text);
}
