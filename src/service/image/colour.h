/* colour.h - CSS colours (CSS Color Module Level 4, the part that needs no context)
 *
 *	#rgb #rgba #rrggbb #rrggbbaa       also without the '#'
 *	rgb(r, g, b) rgb(r g b / a)        r, g, b 0…255, or all three in percent
 *	hsl(h, s%, l%) hsl(h s% l% / a)    h in deg (or deg, grad, rad, turn behind it)
 *	rgba(…) hsla(…)                    the same, as in CSS
 *	the 148 names, and transparent
 *
 * Case does not matter. The alpha is 0…1 or 0%…100%, and opaque if left out. Where CSS clamps
 * what is out of range, this refuses: a number that is wrong is a mistake to tell.
 */
#ifndef SLV_SERVICE_IMAGE_COLOUR_H
#define SLV_SERVICE_IMAGE_COLOUR_H

#include "base/str.h"
#include "proc/pixel.h"

/* False if `text`, already percent-decoded, is none. */
bool slv_image_colour_parse(slv_str text, struct slv_colour *ret_colour);

#endif
