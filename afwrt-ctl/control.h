/* SPDX-License-Identifier: ISC */
#ifndef CTL_CONTROL_H
#define CTL_CONTROL_H

#include "ctl.h"

/*
 * The requests of the control interface, one row each, whichever way they
 * come. A row says what it is called, what it needs and where it stands in
 * REST; both interfaces, the command line and the tests read it from here.
 */

enum ctl_method { CTL_NO_REST, CTL_GET, CTL_POST, CTL_PUT };

#define CTL_PARAMS 2

/* All are strings. */
struct ctl_param {
	const char *name;   /* NULL: no more */
	const char *former; /* what it was once called, or NULL */
	bool optional;
};

struct ctl_request {
	const char *name;
	struct ctl_param params[CTL_PARAMS];
	enum ctl_method method;
	const char *path;
	bool unix_only_events; /* events follow on the connection */
	bool slow;             /* asks the backend: in a thread of its own */
	json_t *(*fn)(const json_t *request);
	/* back in the loop after a success; may be NULL */
	void (*after)(const json_t *request, const json_t *answer);
};

/* The whole table. */
const struct ctl_request *control_requests(size_t *n);
const char *control_method_name(enum ctl_method m);

/*
 * Finds the row of a request, which may be anything that is JSON, or NULL
 * for text that is none. NULL: *refusal is the answer.
 */
const struct ctl_request *control_find(const json_t *request, json_t **refusal);
/* NULL, or the answer about what is missing or of the wrong type. */
json_t *control_params_check(const struct ctl_request *r, const json_t *rq);

/*
 * Has it done; takes the reference of rq. done runs once, before this
 * returns or later from the loop, and takes the reference of answer.
 */
void control_ask(const struct ctl_request *r, json_t *rq,
    void (*done)(void *arg, json_t *answer), void *arg);

/* Gives the reference back; what it says may be a secret. */
void control_wipe(json_t *rq);
/* Never NULL but for want of memory. */
json_t *control_status(enum ctl_status status, const char *message);

#endif
