/* hash.h - a picture in thirty letters, to show while it loads
 *
 * BlurHash with 4 x 3 components and ThumbHash, from the algorithms that their authors have
 * published. Both are a few terms of a cosine transform, so a thumbnail of at most
 * SLV_HASH_SIDE_MAX px gives the same as the picture. Pure: pixels in, text out.
 */
#ifndef SLV_JAIL_IMAGE_HASH_H
#define SLV_JAIL_IMAGE_HASH_H

#include <stdint.h>

#define SLV_HASH_SIDE_MAX 100 /* px */
#define SLV_HASH_TEXT_MAX 48  /* bytes of either text, with its end */

/* `width` x `height` px of four bytes, red, green, blue, alpha; both sides 1 to
 * SLV_HASH_SIDE_MAX. BlurHash knows no alpha: flatten before. ThumbHash is base64. */
void slv_hash_blur(const uint8_t *rgba, uint32_t width, uint32_t height,
		char ret_text[SLV_HASH_TEXT_MAX]);
void slv_hash_thumb(const uint8_t *rgba, uint32_t width, uint32_t height,
		char ret_text[SLV_HASH_TEXT_MAX]);

#endif
