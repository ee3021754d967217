/* testing.h - an ordered map to test, of the driver that the program's argument says: "sqlite", in
 * a folder that is made for it, or the URL of a database, which is emptied before each test */
#ifndef SLV_STORE_OMAP_TESTING_H
#define SLV_STORE_OMAP_TESTING_H

#include "base/testing.h"
#include "store/omap/omap.h"

#include <sqlite3.h>

struct kit {
	struct slv_loop *loop;
	struct slv_omaps *omaps;
	struct slv_omap *map;
	char folder[40], url[300];
	unsigned pending;
	slv_err err;   /* of the last that ended */
	bool in_doubt; /* likewise, of a batch */
	struct slv_omap_rows *rows;
};

/* A test of the driver that `url_` says. */
#define KIT_TEST(test, url_)                                                                       \
	cmocka_unit_test_prestate_setup_teardown(test, kit_set_up, kit_tear_down, url_)

int kit_set_up(void **state);
int kit_tear_down(void **state);
bool kit_is_sqlite(const struct kit *kit);
void kit_open(struct kit *kit);
void kit_close(struct kit *kit);
void kit_wait(struct kit *kit); /* until nothing is pending */

/* Behind the back of the driver: the one text or the other. */
void kit_run(struct kit *kit, const char *sqlite, const char *pg);
sqlite3 *kit_sqlite(struct kit *kit); /* the map's file; to be closed */

/* One whose end is noted in `kit`. */
struct dropping {
	struct slv_omap_drop drop;
	struct kit *kit;
};
void on_drop(struct slv_omap_drop *drop, slv_err err);
void kit_drop(struct kit *kit); /* its map; kit->err */

/* The names of maps behind `after`, a space behind each, are `want`; with "…" there are more. */
void kit_lists(struct kit *kit, const char *after, uint32_t rows_max, const char *want);

/* Rows, until the next call; NULL with kit->err. */
struct slv_omap_rows *kit_read(struct kit *kit, struct slv_omap_read read);

/* Its row, with its body; version 0: there is none. Until the next call. */
const struct slv_omap_row *kit_get(struct kit *kit, const char *key);
struct slv_omap_rows *kit_changes(struct kit *kit, uint64_t since);

/* The keys that a scan gives, a space behind each, are `want`. */
void scan_gives(struct kit *kit, const char *from, const char *until, const char *want);

/* A batch whose end is noted in `kit`. */
struct wrote {
	struct slv_omap_batch batch;
	struct kit *kit;
};
void on_write(struct slv_omap_batch *batch, slv_err err);

struct slv_omap_change putting(const char *key, const char *value);
struct slv_omap_change removing(const char *key);

/* The version after it; 0 with kit->err. `ret_failed` may be NULL. */
uint64_t kit_write(struct kit *kit, const struct slv_omap_change *list, size_t count,
		size_t *ret_failed);
uint64_t kit_put(struct kit *kit, const char *key, const char *value);

void is_text(slv_str is, const char *want);

#endif
