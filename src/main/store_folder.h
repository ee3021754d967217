/* store_folder.h - folders of backups
 *
 * FOLDER/maps and FOLDER/blobs are a store as a data folder has one; FOLDER/selvedge-backup says
 * that it is a backup, and whether it is whole: nothing else is ever written over, and what is not
 * whole is not restored. It is locked while it is in use.
 */
#ifndef SLV_MAIN_STORE_FOLDER_H
#define SLV_MAIN_STORE_FOLDER_H

#include "base/arena.h"
#include "base/err.h"

/* To back up into it. It is made, if need be, or empty, or a backup; from now on one that is not
 * whole. `*ret_fd` is its lock. SLV_E_CONFLICT: it is something else. SLV_E_BUSY: it is in use. */
slv_err store_folder_begin(struct slv_arena *arena, const char *path, int *ret_fd);

/* It is whole, and that is on the disk. */
slv_err store_folder_end(struct slv_arena *arena, int fd);

/* To restore from it. SLV_E_CONFLICT: it is no backup that is whole. */
slv_err store_folder_open(struct slv_arena *arena, const char *path, int *ret_fd);

#endif
