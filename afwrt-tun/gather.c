/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/gather.h"

#include <sys/socket.h>

#define WINDOW_US 5000        /* a measurement */
#define IDLE_US   50000       /* too old to say anything */
#define AHEAD_US  250         /* what is waited for */
#define LOWAT_MIN 6000        /* less than some records: not worth it */
#define LOWAT_MAX (24 * 1024) /* one read takes it all */
#define LATE_US   500         /* the loop makes it a millisecond */

void
gather_init(struct gather *g, int fd, struct event *late)
{
	g->fd = fd;
	g->late = late;
}

static void
lowat_set(struct gather *g, int lowat)
{
	int value = lowat == 0 ? 1 : lowat;

	if (lowat == g->lowat)
		return;
	/* where it cannot be had the stream is just read more often */
	if (setsockopt(g->fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value)) ==
	    -1)
		lowat = 0;
	g->lowat = lowat;
}

static void
measured(struct gather *g, int64_t took_us)
{
	int64_t lowat = (int64_t)g->bytes * AHEAD_US / took_us;

	if (took_us > IDLE_US || lowat < LOWAT_MIN)
		lowat = 0;
	else if (lowat > LOWAT_MAX)
		lowat = LOWAT_MAX;
	lowat_set(g, (int)lowat / 2048 * 2048);
}

void
gather_read(struct gather *g, size_t bytes, int64_t now_us)
{
	static const struct timeval late = {0, LATE_US};

	if (bytes == 0) { /* it is over, as far as one can see */
		lowat_set(g, 0);
		return;
	}
	g->bytes += bytes;
	if (now_us - g->since_us >= WINDOW_US) {
		measured(g, now_us - g->since_us);
		g->since_us = now_us;
		g->bytes = 0;
	}
	if (g->lowat != 0)
		(void)evtimer_add(g->late, &late);
}
