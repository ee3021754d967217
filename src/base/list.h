/* list.h - doubly linked lists through a member of the item
 *
 * A list and its links are the same struct; a zeroed link is on no list. The
 * list owns nothing. Find the item of a link with SLV_CONTAINER().
 */
#ifndef SLV_BASE_LIST_H
#define SLV_BASE_LIST_H

#include "base/assert.h"

#include <stdbool.h>
#include <stddef.h>

struct slv_list {
	struct slv_list *next, *prev;
};

static inline void slv_list_init(struct slv_list *list)
{
	list->next = list->prev = list;
}

static inline bool slv_list_empty(const struct slv_list *list)
{
	return list->next == list;
}

static inline bool slv_list_linked(const struct slv_list *link)
{
	return link->next != NULL;
}

/* Put `link` at the end. It must be on no list. */
static inline void slv_list_push(struct slv_list *list, struct slv_list *link)
{
	slv_assert(!slv_list_linked(link));
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

/* Put `link` at the front. It must be on no list. */
static inline void slv_list_push_front(struct slv_list *list, struct slv_list *link)
{
	slv_list_push(list->next, link);
}

/* Take `link` off its list; nothing happens if it is on none. */
static inline void slv_list_remove(struct slv_list *link)
{
	if (!slv_list_linked(link))
		return;
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link->next = link->prev = NULL;
}

/* Take the first link off and return it; NULL when there is none. */
static inline struct slv_list *slv_list_pop(struct slv_list *list)
{
	if (slv_list_empty(list))
		return NULL;
	struct slv_list *first = list->next;
	slv_list_remove(first);
	return first;
}

/* Walk the list; the current link may be removed on the way. */
#define SLV_LIST_EACH(link, list)                                                                  \
	for (struct slv_list *link = (list)->next, *link##_next = link->next; link != (list);      \
			link = link##_next, link##_next = link->next)

#endif
