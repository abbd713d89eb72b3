/* SPDX-License-Identifier: ISC */
#ifndef CONFORM_H
#define CONFORM_H

/*
 * What the conformance programs share. They are linked with the installed
 * library and run inside the laboratory's router, where the suite is real:
 * tests/netns/test_api.py starts them, gives them a configuration
 * ($CONFORM_CONFIG, a file) and does for them what only the laboratory can do
 * (a line each way on the descriptor $CONFORM_LAB). A program runs the test
 * that is named in CK_RUN_CASE, or all.
 */
#include <afwrt.h>
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#define BERLIN "de-berlin"
#define YORK   "us-new-york"

/* ---- programs ----------------------------------------------------------- */

/* main() is: conform_begin("name"); CONFORM(test, seconds)...; conform_run() */
void conform_begin(const char *suite);
void conform_add(const char *name, const TTest *test, int seconds);
int conform_run(void);
#define CONFORM(test, seconds) conform_add(#test, test, seconds)

/* ---- configuration ------------------------------------------------------ */

/*
 * The laboratory's configuration with these keys changed, as a JSON text that
 * lives until the next call; a null removes a key. "" changes nothing.
 */
const char *config_with(const char *changes);
/* afwrt_init with it and the recording callback; fails the test on -1. */
void begin(const char *changes);

/* ---- the laboratory ----------------------------------------------------- */

/* Asks for something; its answer until the next call. Fails on "error". */
const char *lab(const char *format, ...) __attribute__((format(printf, 1, 2)));
int lab_number(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Waits until a host's traffic has this exit: a location, or "direct". */
void await_exit(const char *host, const char *where);

/* ---- events ------------------------------------------------------------- */

void on_event(const char *json);
void events_clear(void);
/* The n-th event since events_clear as text, or NULL. */
const char *event_text(size_t n);
/* How many of this name there were; route NULL: any. */
int events_count(const char *name, const char *route);
/* Waits for one more of them than `had`; a borrowed reference. */
json_t *event_await(const char *name, const char *route, int had, int seconds);

/* ---- the run ------------------------------------------------------------ */

/* afwrt_start in a thread of its own; what it returned. */
void run_begin(void);
int run_end(int *error);
/* afwrt_stop and run_end, which must be 0. */
void run_stop(void);

/* ---- findings ----------------------------------------------------------- */

int count_fds(void);
/* Processes of the suite in this network namespace; pid of one of them. */
int count_helpers(void);
int pid_of(const char *name);
void await_no_helpers(void);
long long now_ms(void);

#define ck_does(call)  \
	ck_assert_msg( \
	    (call) == 0, "%s: errno %d, %s", #call, errno, afwrt_last_error())
#define ck_fails(call, code)                                             \
	do {                                                             \
		errno = 0;                                               \
		int result_ = (call), errno_ = errno;                    \
		ck_assert_msg(result_ == -1 && errno_ == (code),         \
		    "%s: returned %d with errno %d (%s), wanted %s: %s", \
		    #call, result_, errno_, strerror(errno_), #code,     \
		    afwrt_last_error());                                 \
		ck_assert_msg(afwrt_last_error()[0] != '\0',             \
		    "%s: no last error", #call);                         \
	} while (0)
#define ck_null(call, code)                                              \
	do {                                                             \
		errno = 0;                                               \
		const void *result_ = (call);                            \
		int errno_ = errno;                                      \
		ck_assert_msg(result_ == NULL && errno_ == (code),       \
		    "%s: returned %p with errno %d (%s), wanted %s: %s", \
		    #call, result_, errno_, strerror(errno_), #code,     \
		    afwrt_last_error());                                 \
	} while (0)

#endif
