/* picture.h - small helps around libvips' images */
#ifndef SLV_JAIL_IMAGE_PICTURE_H
#define SLV_JAIL_IMAGE_PICTURE_H

#include "base/attr.h"

#include <vips/vips.h>

/* Larger than that, decoded, a picture is a stream and not held in memory. */
#define SLV_PICTURE_HELD_MAX SLV_MIB(16)

/* For SLV_CLEANUP: drop the reference. */
static inline void slv_picture_done(VipsImage **image)
{
	g_clear_object(image);
}

/* Replace `*image` by `next`, whose reference is taken. */
static inline void slv_picture_put(VipsImage **image, VipsImage *next)
{
	g_object_unref(*image);
	*image = next;
}

/* Pass the reference on: `*image` becomes NULL. */
static inline VipsImage *slv_picture_take(VipsImage **image)
{
	VipsImage *taken = *image;
	*image = NULL;
	return taken;
}

#endif
