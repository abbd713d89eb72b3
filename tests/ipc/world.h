/* SPDX-License-Identifier: ISC */
#ifndef TESTS_IPC_WORLD_H
#define TESTS_IPC_WORLD_H

#include "lib/daemon/link.h"

/*
 * Two links in one event loop: a is the supervisor and asks, b is afwrt-net or
 * another and answers. What happens is counted here.
 */
struct world {
	struct event_base *base;
	struct afw_link a, b;
	unsigned int closed_a, closed_b;
	char why_a[160], why_b[160];
	void (*on_closed)(struct world *w, struct afw_link *l);
	unsigned int replies;   /* callbacks of requests, all together */
	unsigned int codes[32]; /* of them, how many with this code */
	char text[192];         /* of the last one */
	uint16_t type;          /* row of its message, 0 none */
	unsigned int handled;   /* messages seen by b's handlers */
	uint32_t last_id;       /* of the last of them */
	void *extra;
};

void world_open(struct world *w, enum afw_role a, enum afw_role b,
    const struct afw_handler *handlers_b);
void world_close(struct world *w);
/* Runs the loop until *counter is at least n. */
void world_until(struct world *w, const unsigned int *counter, unsigned int n);
/* Runs what is due now, without waiting. */
void world_settle(struct world *w);
/* An afw_reply_cb that counts; arg is the world. */
void world_reply(
    void *arg, unsigned int code, const char *text, struct afw_msg *m);
/* PING from a to b, answered to world_reply. */
uint32_t world_ping(struct world *w, unsigned int timeout_ms);

/* Handlers of b for PING: answer, or keep silent. */
int ping_answer(void *arg, struct afw_link *l, struct afw_msg *m);
int ping_ignore(void *arg, struct afw_link *l, struct afw_msg *m);

#endif
