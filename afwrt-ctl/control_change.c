/* SPDX-License-Identifier: ISC */
#include "control_change.h"

#include <stdio.h>

#include "control_rest.h"
#include "control_unix.h"
#include "passed.h"
#include "rest_conn.h"
#include "service.h"

static const json_t *un, *rest;

/* The two sections, of which at most one counts. 0, or -1 (logged). */
static int
sections_find(const json_t *config)
{
	int rc = 0;

	un = service_section(config, "ci_unix_domain", &rc);
	rest = service_section(config, "ci_rest", &rc);
	return rc;
}

int
control_open(const json_t *config)
{
	if (sections_find(config) == -1)
		return -1;
	if (un != NULL && rest != NULL)
		service_log(4,
		    "configuration: \"ci_unix_domain\" and \"ci_rest\": only "
		    "one interface runs, the Unix socket");
	if (un != NULL)
		return control_unix_open(un);
	passed_refuse();
	return rest != NULL ? control_rest_open(rest) : 0;
}

int
control_start(struct event_base *base)
{
	return control_unix_start(base) == 0 && control_rest_start(base) == 0
	    ? 0
	    : -1;
}

int
control_change(const json_t *config, char *why, size_t size)
{
	if (sections_find(config) == -1) {
		(void)snprintf(why, size, "the control sections are wrong");
		return -1;
	}
	rest_conn_sweep();
	if (un != NULL && control_unix_change(un, why, size) == -1)
		return -1;
	if (un == NULL && rest != NULL &&
	    control_rest_change(rest, why, size) == -1)
		return -1;
	if (un == NULL)
		control_unix_leave();
	if (un != NULL || rest == NULL)
		control_rest_close();
	return 0;
}

void
control_close(void)
{
	control_unix_close();
	control_rest_close();
}
