/* private.h - what the files of the files service share */
#ifndef SLV_SERVICE_FILES_PRIVATE_H
#define SLV_SERVICE_FILES_PRIVATE_H

#include "base/buf.h"
#include "base/list.h"
#include "service/files/files.h"

#include <sys/types.h>

#define FILES_WHOLE_BYTES_MAX SLV_KIB(64) /* up to here a file is read by the job that opens it */

/* The settings of a route. */
struct files_conf {
	slv_str root, index;
	bool listing;
	int64_t max_age_s;
};

/* How many long files one loop sends at once: each costs a descriptor and a buffer, and with
 * HTTP/2 one client may ask for as many as it has streams. */
struct files_budget {
	struct slv_list link;
	struct slv_loop *loop;
	uint32_t streams, streams_max;
};

struct files {
	struct slv_loop *loop;
	struct files_budget *budget; /* shared by the routes of this loop */
	const struct files_conf *conf;
	slv_str route_path;
	int root_fd;
};

/* An open file, or what else is there. */
struct files_found {
	enum { FILES_NONE, FILES_FILE, FILES_FOLDER, FILES_LISTING } what;
	int fd;         /* of a FILE; ours */
	uint64_t bytes; /* its length */
	int64_t modified_s;
	char etag[48];       /* with quotes, terminated */
	struct slv_buf text; /* all of a short FILE, or the page of a LISTING */
	int sys;             /* NONE: errno */
};

/* Names that begin with a dot are not there, but for the one that is for everybody (RFC 8615). */
bool files_is_hidden(slv_str name);

/* Open `path`, relative to `root_fd`, beneath it. A folder's index, if it has one, stands for it
 * where the path ends with '/'. Blocks. */
void files_find(int root_fd, const char *path, const struct files_conf *conf,
		struct files_found *ret_found);
void files_found_done(struct files_found *found);

/* Part of a file as a stream. Takes `*fd` over (it becomes -1) unless it fails: SLV_E_BUSY if the
 * budget has no more, which is told again when the stream is closed. Its buffer is made when it is
 * first pulled. */
slv_err files_source_new(struct files_budget *budget, int *fd, uint64_t offset, uint64_t bytes,
		struct slv_source **ret_source);

/* The media type of a name by its extension; "application/octet-stream" if unknown. */
slv_str files_type(slv_str name);

#endif
