/* SPDX-License-Identifier: ISC */
#ifndef CTL_CONTROL_BIND_H
#define CTL_CONTROL_BIND_H

#include <sys/types.h>

#include <jansson.h>

#include <stdbool.h>

/* Where the control socket is and who may use it; the socket itself. */

#define CONTROL_SECTION "ci_unix_domain"

struct control_settings {
	const char *sock, *async; /* the section's */
	bool su_only;
	gid_t group;
};

/* 0, or -1 (logged). */
int control_settings_read(const json_t *section, struct control_settings *s);
/* A socket that listens, or -1 and errno (logged). */
int control_bind(const struct control_settings *s);
/* Of one that was passed and may have what a former configuration gave it. 0,
 * or -1 (logged). */
int control_mode_set(const struct control_settings *s);

#endif
