/* told.h - why a picture could not be fetched, for who named it
 *
 * What the client of HTTP says of it is for the log: what a name resolves to, and who answers there
 * and how, is nobody's business who can name a URL.
 *
 * Thread: any; no I/O.
 */
#ifndef SLV_SERVICE_IMAGE_TOLD_H
#define SLV_SERVICE_IMAGE_TOLD_H

#include "base/err.h"

/* Static; NULL: not of what is behind the name, so whoever asked finds the words. */
const char *slv_image_told(int32_t code);

#endif
