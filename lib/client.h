/* SPDX-License-Identifier: ISC */
#ifndef AFW_CLIENT_H
#define AFW_CLIENT_H

#include <pthread.h>
#include <stdbool.h>

#include "lib/wire/channel.h"

/* How long an answer may take, in ms: of the suite, of the backend. */
#define CLIENT_WAIT_MS    5000
#define CLIENT_BACKEND_MS 40000

/*
 * An answer, once (for QUERY: each item with its message, then the STATUS).
 * Runs with the lock held, in whatever thread reads; m is NULL when there is
 * no answer, code then AFW_EPIPE or AFW_ETIMEDOUT.
 */
typedef void (*client_reply_cb)(
    void *arg, unsigned int code, const char *text, struct afw_msg *m);

struct client_pending;

/*
 * The library's end of channel A, used by any number of threads. Whoever
 * waits reads for all: one at a time (`reading`), the others wait for
 * `changed`. Everything here is guarded by `lock`.
 */
struct client {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* CLOCK_MONOTONIC */
	struct afw_chan chan;
	struct client_pending *pending;
	uint32_t next_id;
	bool reading;
	int dead; /* errno once the suite is gone: EPIPE, EPROTO */
	char why[192];
	int epfd;   /* readable when there is something to read; -1 none */
	bool epout; /* it waits for room to write too */
	pid_t pid;  /* of afwrtd, as it said; 0 not known */
	int pidfd;  /* the same, or -1 */
	/* a message that is no answer; with the lock held */
	void (*event)(void *arg, struct afw_msg *m);
	void *arg;
};

/* Starts afwrtd and shakes hands. 0, or -1, errno and the last error; the
 * client is closed then. epfd (or -1) stays the caller's. */
int client_open(struct client *c, int epfd,
    void (*event)(void *, struct afw_msg *), void *arg);
/* Half-closes and waits for afwrtd's end; kills it after timeout_ms. 0, or
 * -1 and ETIMEDOUT. No other thread may be inside. */
int client_close(struct client *c, int timeout_ms);
/* Half-closes only: every waiting thread will see the end. */
void client_hangup(struct client *c);

/* Asks and waits. what names the request in the last error. 0, or -1, errno
 * and the last error. cb (may be NULL) gets items and answers that are no
 * STATUS; code and text of a STATUS are turned into the error. fd is taken. */
int client_call(struct client *c, enum afw_msg_type type, const void *payload,
    int fd, int timeout_ms, const char *what, client_reply_cb cb, void *arg);

/* ---- with the lock held ------------------------------------------------ */

/* A request whose answer is not waited for here; cb may be NULL. 0 or -1. */
int client_post(struct client *c, enum afw_msg_type type, const void *payload,
    int fd, client_reply_cb cb, void *arg);
/* An event. 0 or -1. */
int client_send(struct client *c, enum afw_msg_type type, const void *payload);
/* Waits until *done is not zero (1) or timeout_ms have passed (0). */
int client_wait(struct client *c, const unsigned int *done, int timeout_ms);
/* Waits until no more than bytes are queued. 0, or -1: dead or too late. */
int client_drain(struct client *c, size_t bytes, int timeout_ms);
/* Reads all there is, unless another thread is about to. */
void client_read(struct client *c);
/* Forgets the callbacks of requests with this arg. */
void client_forget(struct client *c, const void *arg);

#endif
