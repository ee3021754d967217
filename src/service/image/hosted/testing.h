/* testing.h - the calls of the image store on the bench (service/image/testing.h), with stores in a
 * folder of the test's own
 */
#ifndef SLV_SERVICE_IMAGE_HOSTED_TESTING_H
#define SLV_SERVICE_IMAGE_HOSTED_TESTING_H

#include "service/image/hosted/private.h"
#include "service/image/testing.h"

/* A call under way. */
struct kit_call {
	struct slv_arena arena;
	struct slv_sink sink;
	struct slv_req req;
	struct slv_api_ask ask;
	int status; /* 0: not answered yet */
	json_t *body;

	/* Of a body whose end is held back. */
	struct slv_source source;
	struct slv_pull *pull; /* asked for; NULL: it is not, or the body is closed */
};

struct kit {
	struct bench *bench; /* its loop, its clock, its jails */
	struct hosted *hosted;
	struct slv_loop *loop, *watch; /* the other has the real clock, for deadlines */
	struct slv_omaps *maps;
	struct slv_blobs *blobs;
	struct slv_omap *map;
	struct slv_hosted_settings settings;
	char folder[40];

	struct kit_call call; /* of kit_ask() */
	int status;           /* its answer */
	json_t *body;

	const char *query; /* of the next call; NULL: none */

	struct slv_omap_read read;
	struct slv_omap_batch batch;
	size_t count;
	struct hosted_image image;
	bool pending;
};

/* For cmocka; the state is a struct kit. A test may change settings and limits before its first
 * call. */
int kit_set_up(void **state);
int kit_tear_down(void **state);

/* Ask, and wait for the answer: its status. The body is there until kit_done(). `param` stands for
 * what is behind the account, or for the first ':'. */
int kit_ask(struct kit *kit, enum slv_method method, const char *path, const char *param,
		const char *type, slv_str body);
void kit_done(struct kit *kit);

/* The same in steps, for calls that are under way at once: begin, with a body of which nothing has
 * come; give it bytes, none are its end; wait for the answer; and end what has none, or has. */
void kit_begin(struct kit *kit, struct kit_call *call, enum slv_method method, const char *path,
		const char *param, const char *type);
void kit_give(struct kit_call *call, slv_str bytes);
int kit_wait(struct kit *kit, struct kit_call *call);
void kit_end(struct kit_call *call);

/* Write rows, as another process might. */
void kit_write(struct kit *kit, const struct slv_omap_change *changes, size_t count);

/* Rows whose keys begin with that letter. */
size_t kit_rows_of(struct kit *kit, char kind);

#endif
