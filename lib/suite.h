/* SPDX-License-Identifier: ISC */
#ifndef AFW_SUITE_H
#define AFW_SUITE_H

#include <stdbool.h>

#include "client.h"
#include "conf.h"
#include "events.h"

enum run {
	RUN_NONE,
	RUN_ON,
	RUN_STOPPING, /* STOP was sent */
	RUN_OVER,     /* its last events may still wait */
};

/*
 * The one suite of this process: what afwrt_init makes and afwrt_deinit
 * ends. Guarded by client.lock, but for `refs` and `closing`, which are
 * suite.c's.
 */
struct suite {
	struct client client;
	struct conf config; /* with the secrets now in use */
	struct events events;
	void (*callback)(const char *);
	char *registered; /* what afwrt_register_device returned last */
	/* the suite has told of it itself, since the last registration began */
	bool told_token, told_invalid;
	int epfd, timer_fd;

	enum run run;
	unsigned int run_code; /* of EV_STOPPED or a failed RUN */
	char run_text[192];
	bool blocking;    /* it is an afwrt_start that runs */
	bool dispatching; /* a thread is in loop_dispatch */
	unsigned int run_number; /* of the run that is on, or the last */

	unsigned int refs; /* threads inside */
};

/* What afwrt_init and afwrt_deinit do. 0, or -1, errno and the last error. */
int suite_init(const char *json, void (*callback)(const char *));
int suite_deinit(void);
/* The suite for one call, NULL and errno if there is none; then suite_put. */
struct suite *suite_get(void);
void suite_put(struct suite *s);
/* False in a child of the process that called afwrt_init: EOWNERDEAD. */
bool suite_is_ours(void);
/* True inside an event or log callback of this thread. */
bool suite_in_callback(void);

#endif
