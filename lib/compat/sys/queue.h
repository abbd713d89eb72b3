/* SPDX-License-Identifier: ISC */
/*
 * What we use of queue(3), for a C library without it, such as musl: doubly
 * linked lists (LIST), singly linked queues (STAILQ), doubly linked queues
 * (TAILQ). Each `prev` or `last` is the address of the pointer that points to
 * the element, or to nothing yet.
 */
#ifndef AFWRT_COMPAT_SYS_QUEUE_H
#define AFWRT_COMPAT_SYS_QUEUE_H

#include <stddef.h>

/* ---- LIST ---------------------------------------------------------------- */

#define LIST_HEAD(name, type)          \
	struct name {                  \
		struct type *lh_first; \
	}
#define LIST_HEAD_INITIALIZER(head) \
	{                           \
		NULL                \
	}
#define LIST_ENTRY(type)               \
	struct {                       \
		struct type *le_next;  \
		struct type **le_prev; \
	}

#define LIST_FIRST(head)      ((head)->lh_first)
#define LIST_NEXT(elm, field) ((elm)->field.le_next)
#define LIST_EMPTY(head)      (LIST_FIRST(head) == NULL)
#define LIST_FOREACH(v, head, field) \
	for ((v) = LIST_FIRST(head); (v) != NULL; (v) = LIST_NEXT(v, field))

#define LIST_INIT(head)                  \
	do {                             \
		LIST_FIRST(head) = NULL; \
	} while (0)
#define LIST_INSERT_HEAD(head, elm, field)                \
	do {                                              \
		LIST_NEXT(elm, field) = LIST_FIRST(head); \
		if (LIST_FIRST(head) != NULL)             \
			LIST_FIRST(head)->field.le_prev = \
			    &LIST_NEXT(elm, field);       \
		LIST_FIRST(head) = (elm);                 \
		(elm)->field.le_prev = &LIST_FIRST(head); \
	} while (0)
#define LIST_REMOVE(elm, field)                                \
	do {                                                   \
		if (LIST_NEXT(elm, field) != NULL)             \
			LIST_NEXT(elm, field)->field.le_prev = \
			    (elm)->field.le_prev;              \
		*(elm)->field.le_prev = LIST_NEXT(elm, field); \
	} while (0)

/* ---- STAILQ -------------------------------------------------------------- */

#define STAILQ_HEAD(name, type)          \
	struct name {                    \
		struct type *stqh_first; \
		struct type **stqh_last; \
	}
#define STAILQ_HEAD_INITIALIZER(head)    \
	{                                \
		NULL, &(head).stqh_first \
	}
#define STAILQ_ENTRY(type)              \
	struct {                        \
		struct type *stqe_next; \
	}

#define STAILQ_FIRST(head)      ((head)->stqh_first)
#define STAILQ_NEXT(elm, field) ((elm)->field.stqe_next)
#define STAILQ_EMPTY(head)      (STAILQ_FIRST(head) == NULL)
#define STAILQ_FOREACH(v, head, field) \
	for ((v) = STAILQ_FIRST(head); (v) != NULL; (v) = STAILQ_NEXT(v, field))

#define STAILQ_INIT(head)                                \
	do {                                             \
		STAILQ_FIRST(head) = NULL;               \
		(head)->stqh_last = &STAILQ_FIRST(head); \
	} while (0)
#define STAILQ_INSERT_TAIL(head, elm, field)                  \
	do {                                                  \
		STAILQ_NEXT(elm, field) = NULL;               \
		*(head)->stqh_last = (elm);                   \
		(head)->stqh_last = &STAILQ_NEXT(elm, field); \
	} while (0)
#define STAILQ_REMOVE_HEAD(head, field)                                      \
	do {                                                                 \
		STAILQ_FIRST(head) = STAILQ_NEXT(STAILQ_FIRST(head), field); \
		if (STAILQ_FIRST(head) == NULL)                              \
			(head)->stqh_last = &STAILQ_FIRST(head);             \
	} while (0)

/* ---- TAILQ --------------------------------------------------------------- */

#define TAILQ_HEAD(name, type)          \
	struct name {                   \
		struct type *tqh_first; \
		struct type **tqh_last; \
	}
#define TAILQ_HEAD_INITIALIZER(head)    \
	{                               \
		NULL, &(head).tqh_first \
	}
#define TAILQ_ENTRY(type)               \
	struct {                        \
		struct type *tqe_next;  \
		struct type **tqe_prev; \
	}

#define TAILQ_FIRST(head)      ((head)->tqh_first)
#define TAILQ_NEXT(elm, field) ((elm)->field.tqe_next)
#define TAILQ_EMPTY(head)      (TAILQ_FIRST(head) == NULL)
#define TAILQ_FOREACH(v, head, field) \
	for ((v) = TAILQ_FIRST(head); (v) != NULL; (v) = TAILQ_NEXT(v, field))

#define TAILQ_INIT(head)                               \
	do {                                           \
		TAILQ_FIRST(head) = NULL;              \
		(head)->tqh_last = &TAILQ_FIRST(head); \
	} while (0)
#define TAILQ_INSERT_TAIL(head, elm, field)                 \
	do {                                                \
		TAILQ_NEXT(elm, field) = NULL;              \
		(elm)->field.tqe_prev = (head)->tqh_last;   \
		*(head)->tqh_last = (elm);                  \
		(head)->tqh_last = &TAILQ_NEXT(elm, field); \
	} while (0)
#define TAILQ_REMOVE(head, elm, field)                            \
	do {                                                      \
		if (TAILQ_NEXT(elm, field) != NULL)               \
			TAILQ_NEXT(elm, field)->field.tqe_prev =  \
			    (elm)->field.tqe_prev;                \
		else                                              \
			(head)->tqh_last = (elm)->field.tqe_prev; \
		*(elm)->field.tqe_prev = TAILQ_NEXT(elm, field);  \
	} while (0)
#define TAILQ_CONCAT(head, tail, field)                                       \
	do {                                                                  \
		if (!TAILQ_EMPTY(tail)) {                                     \
			*(head)->tqh_last = TAILQ_FIRST(tail);                \
			TAILQ_FIRST(tail)->field.tqe_prev = (head)->tqh_last; \
			(head)->tqh_last = (tail)->tqh_last;                  \
			TAILQ_INIT(tail);                                     \
		}                                                             \
	} while (0)

#endif
