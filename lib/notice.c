/* SPDX-License-Identifier: ISC */
/*
 * A small ring of log lines. `queue` guards the ring, `turn` is held while
 * the callback runs, so that it runs once at a time and notice_set can wait
 * for its end. A thread inside the callback never takes `turn` again.
 */
#include "notice.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "errors.h"

#define LINES     128
#define LINE_SIZE 320

struct line {
	int level;
	char text[LINE_SIZE];
};

static pthread_mutex_t queue = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static struct line lines[LINES];
static unsigned int first, count, lost;
static void (*callback)(int, const char *, void *);
static void *callback_user;
static _Thread_local bool inside;

bool
notice_inside(void)
{
	return inside;
}

void
notice_set(void (*fn)(int, const char *, void *), void *user)
{
	if (!inside)
		(void)pthread_mutex_lock(&turn);
	(void)pthread_mutex_lock(&queue);
	callback = fn;
	callback_user = user;
	if (fn == NULL)
		first = count = lost = 0;
	(void)pthread_mutex_unlock(&queue);
	if (!inside)
		(void)pthread_mutex_unlock(&turn);
}

void
notice_post(int level, const char *fmt, ...)
{
	struct line *l;
	va_list ap;

	(void)pthread_mutex_lock(&queue);
	if (callback != NULL && count == LINES) {
		lost++;
	} else if (callback != NULL) {
		l = &lines[(first + count++) % LINES];
		l->level = level;
		va_start(ap, fmt);
		(void)vsnprintf(l->text, sizeof(l->text), fmt, ap);
		va_end(ap);
	}
	(void)pthread_mutex_unlock(&queue);
}

/* The oldest line, or word of those that were lost. */
static bool
line_take(struct line *l, void (**fn)(int, const char *, void *), void **user)
{
	bool have = true;

	(void)pthread_mutex_lock(&queue);
	*fn = callback;
	*user = callback_user;
	if (callback == NULL) {
		have = false;
	} else if (count > 0) {
		*l = lines[first];
		first = (first + 1) % LINES;
		count--;
	} else if (lost > 0) {
		l->level = 4;
		(void)snprintf(
		    l->text, sizeof(l->text), "lib: %u log lines lost", lost);
		lost = 0;
	} else {
		have = false;
	}
	(void)pthread_mutex_unlock(&queue);
	return have;
}

void
notice_flush(void)
{
	void (*fn)(int, const char *, void *);
	struct errors_kept kept;
	struct line l;
	void *user;

	if (inside)
		return;
	errors_keep(&kept);
	(void)pthread_mutex_lock(&turn);
	inside = true;
	while (line_take(&l, &fn, &user))
		fn(l.level, l.text, user);
	inside = false;
	(void)pthread_mutex_unlock(&turn);
	errors_restore(&kept);
}
