/* image.h - the images service
 *
 * `<route><options>/<source>`: a picture of the site or of an allowed origin, in another
 * size and format. See docs/images.md for the grammar as users meet it.
 *
 * A request is worked out on its own loop (serve.c): signature, options, what the client
 * can show, the cache key. If the cache has the answer it goes out at once. If not, the
 * question goes to the home loop, where a flight (flight.c) per variant looks on disk,
 * gets the sources (source.c), has the jail make the picture, stores it, and answers all
 * who asked meanwhile.
 */
#ifndef SLV_SERVICE_IMAGE_IMAGE_H
#define SLV_SERVICE_IMAGE_IMAGE_H

#include "service/service.h"

extern const struct slv_service slv_image_service;
extern const struct slv_conf_key slv_image_keys[];

/* Bytes of the struct that they fill (settings.c sees to it). */
#define SLV_IMAGE_SETTINGS_SIZE 1024

/* Pictures of the image store (delivery.c): `<route><account hash>/<image id>/<variant>`. */
extern const struct slv_service slv_delivery_service;
extern const struct slv_conf_key slv_delivery_keys[];
#define SLV_DELIVERY_SETTINGS_SIZE 512

#endif
