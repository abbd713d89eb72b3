/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_CHILD_H
#define AFWRTD_CHILD_H

#include <sys/queue.h>
#include <sys/types.h>

#include "lib/daemon/link.h"
#include "lib/daemon/log.h"

enum child_state {
	CHILD_OFF,     /* never wanted, or ended in order */
	CHILD_HELLO,   /* started; its HELLO is awaited */
	CHILD_READY,   /* START was sent; READY is awaited */
	CHILD_REPLAY,  /* is being told what it has to know */
	CHILD_UP,      /* works */
	CHILD_DYING,   /* its link or its process is gone, the other not yet */
	CHILD_BACKOFF, /* will be started again */
	CHILD_FAILED   /* will not be started again; see fail_text */
};

struct ask;
TAILQ_HEAD(ask_list, ask);

/* One helper. The struct outlives its processes. */
struct child {
	enum afw_role role;
	const char *prog;
	enum child_state state;
	pid_t pid; /* 0: none, or reaped */
	int status;
	bool linked; /* the link is open */
	uint32_t log_level; /* that it was told */
	uint32_t gen;
	uint32_t restarts, violations;
	uint32_t missed; /* PINGs in a row */
	unsigned int backoff_ms;
	int64_t started_ms;
	struct afw_link link;
	struct afw_ratelimit lines;
	struct event *timer; /* what it means depends on the state */
	struct afw_m_usage usage; /* as the process said last */
	struct ask_list asks;
	bool configured;  /* this process has its configuration */
	bool replay_more; /* there was more to tell while it was told */
	unsigned int replay_left, replay_code;
	char replay_text[188];
	unsigned int fail_code;
	char fail_text[188];
};

/* The three of them; role is AFW_NET, AFW_TUN or AFW_AUTH. */
struct child *child_get(enum afw_role role);
void child_init(void);
/* Can it take requests, now or after a restart? */
bool child_is_wanted(const struct child *c);
/* No process of ours is left. */
bool child_all_gone(void);

#define CHILD_FOREACH(c) \
	for ((c) = child_get(AFW_NET); (c) != NULL; (c) = child_next(c))
struct child *child_next(const struct child *c);

#endif
