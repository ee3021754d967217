/* h2_heap.h - small memory that nghttp2 takes and gives back with every stream: private to wire
 *
 * What was given back is kept by size for the next stream, so that a warm connection does
 * not go to the heap. One per connection.
 */
#ifndef SLV_WIRE_H2_HEAP_H
#define SLV_WIRE_H2_HEAP_H

#include <nghttp2/nghttp2.h>

#define H2_HEAP_CLASSES 5 /* of 64 to 1024 bytes; larger ones come from the heap */

struct h2_heap_block;

struct h2_heap {
	struct h2_heap_block *free[H2_HEAP_CLASSES];
};

/* For nghttp2_session_server_new3(). Zeroes are an empty heap. */
nghttp2_mem h2_heap_mem(struct h2_heap *heap);

/* Give back to the system what is kept. */
void h2_heap_rest(struct h2_heap *heap);

#endif
