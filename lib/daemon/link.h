/* SPDX-License-Identifier: ISC */
#ifndef AFW_DAEMON_LINK_H
#define AFW_DAEMON_LINK_H

#include <event2/event.h>

#include "lib/wire/channel.h"

/*
 * A channel in a libevent loop: reads and dispatches by a handler table,
 * writes what is queued, matches replies to requests, times requests out.
 */
struct afw_link;
struct afw_pending;

/*
 * A handler does meaning only; form has been checked. It returns 0 done (for
 * a request: it has replied or will), a positive AFW_E code (a request is
 * answered with that STATUS), or -1: violation, the link is closed. The
 * payload is valid during the call only. An fd is taken by afw_msg_take_fd.
 */
struct afw_handler {
	uint16_t type;
	int (*fn)(void *arg, struct afw_link *l, struct afw_msg *m);
};

/*
 * The answer to a request. m is the reply (its row tells which), or NULL when
 * there is none: code is then AFW_ETIMEDOUT, or AFW_EPIPE when the link was
 * closed. For a STATUS reply code and text are taken from it; for other
 * replies code is AFW_OK and, if the conversation has more items to come, the
 * callback runs again for each: it ends with the STATUS (requests for which
 * `many` was said) or with this one reply.
 */
typedef void (*afw_reply_cb)(void *arg, unsigned int code, const char *text,
    struct afw_msg *m);

struct afw_link {
	struct afw_chan chan;
	struct event_base *base;
	struct event *rd, *wr, *timer;
	const struct afw_handler *handlers; /* ends with type 0 */
	void *arg;
	/* the link is dead: violation (why is set) or end of file (why "");
	 * called once, from the loop, never from within send */
	void (*closed)(void *arg, struct afw_link *l, const char *why);
	struct afw_pending *pending, **tail; /* oldest first */
	int64_t due; /* when the timer fires, 0 never */
	uint32_t next_id;
	bool dead; /* closed() is due or done */
	/* everything that waited for a slow peer is sent; may be NULL, set it
	 * after afw_link_open */
	void (*drained)(void *arg, struct afw_link *l);
};

/*
 * Takes fd in every case. 0, or -1 and errno. The struct must stay where it
 * is; a callback may close the link, but only closed() may also free it.
 */
int afw_link_open(struct afw_link *l, struct event_base *base, int fd,
    enum afw_role self, enum afw_role peer, const struct afw_handler *handlers,
    void (*closed)(void *, struct afw_link *, const char *), void *arg);
/* Closes and frees; pending requests are answered with AFW_EPIPE first. */
void afw_link_close(struct afw_link *l);
bool afw_link_is_open(const struct afw_link *l);

/*
 * An event or reply with a payload (NULL for none); fd is taken. 0, or -1 and
 * errno as of afw_chan_send: EPIPE on a link that is closed or was never open.
 */
int afw_link_send(struct afw_link *l, enum afw_msg_type type, uint32_t id,
    const void *payload, int fd);
/*
 * A request; cb runs exactly once (with many: until the STATUS), from the
 * loop or from afw_link_close, never before this returns. fd is taken. With
 * many, each item gives new time, up to four times timeout_ms in all.
 * Returns the id, or 0 on failure: then cb does not run.
 */
uint32_t afw_link_request(struct afw_link *l, enum afw_msg_type type,
    const void *payload, int fd, unsigned int timeout_ms, bool many,
    afw_reply_cb cb, void *arg);
/* Forget the callbacks of requests made with this arg. */
void afw_link_cancel(struct afw_link *l, const void *arg);
/* Answers request id with a STATUS; text may be NULL for the code's own. */
void afw_link_status(struct afw_link *l, uint32_t id, unsigned int code,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Writes out what is queued, waiting up to timeout_ms; for the way out. */
void afw_link_drain(struct afw_link *l, int timeout_ms);

#endif
