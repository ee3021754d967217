/* exif.h - how a picture lies and who made it, carried over and nothing else
 *
 * Reads orientation and two texts from the first directory of an EXIF block (TIFF 6.0 §2, §8) and
 * writes a block that holds only the texts. Everything is checked: the block is a stranger's.
 */
#ifndef SLV_JAIL_IMAGE_EXIF_H
#define SLV_JAIL_IMAGE_EXIF_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define SLV_EXIF_TEXT_MAX 1000 /* bytes of each text; longer ones are cut */

struct slv_exif_owner {
	slv_str artist, copyright; /* views of the block; empty if there is none */
};

/* `block` as it stands in a JPEG's APP1, with or without its "Exif\0\0". False if it names
 * nobody or is no EXIF. */
bool slv_exif_read(slv_str block, struct slv_exif_owner *ret_owner);

/* 1…8; 1 as well if `block` does not say or is no EXIF. */
int slv_exif_orientation(slv_str block);

/* A copy of `jpeg` with a new APP1 segment behind its first marker (and JFIF header). The bytes
 * are g_free()d by the caller. False if `jpeg` is none. */
bool slv_exif_insert(slv_str jpeg, const struct slv_exif_owner *owner, void **ret_bytes,
		size_t *ret_len);

#endif
