/* SPDX-License-Identifier: ISC */
/*
 * Frames in and out of an open hydra-tcp tunnel, dead-peer detection, keep
 * alive, the time to rekey, and the bye. One timer serves all of them; it is
 * never touched for a packet, but looks at the clock of the last byte when it
 * runs.
 */
#include "hydra_tcp.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#include "lib/daemon/log.h"

#define READ_BUDGET    64 /* records before others get their turn */
#define QUEUE_MAX      (256 * 1024)
#define DPD_DEFAULT    60 /* s, when the node names none */
#define DPD_MAX        3600
#define PROBE_WAIT_MS  5000
#define BYE_WAIT_MS    500
#define REKEY_AGAIN_MS 60000

static int64_t
now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
lost(struct hydra *h, const char *text)
{
	if (h->state == HYDRA_LEAVING)
		hydra_fail(h, AFW_REASON_NONE, AFW_WHY_LOST, "bye");
	else
		hydra_fail(h, AFW_REASON_CONNECT, AFW_WHY_LOST, "%s", text);
}

/* One frame into one record. False: the queue is full, or it is all over. */
static bool
frame_write(struct hydra *h, uint8_t type, const void *payload, size_t len)
{
	static uint8_t frame[CSTP_HEAD + CSTP_PAYLOAD_MAX];
	size_t n;

	if (h->state != HYDRA_OPEN || afw_tls_queued(h->tls) + len > QUEUE_MAX)
		return false;
	if ((n = cstp_build(frame, type, payload, len)) == 0)
		return false;
	if (afw_tls_write(h->tls, frame, n) == 0)
		return true;
	if (errno != ENOBUFS)
		lost(h, "cannot encrypt");
	return false;
}

/* What is asked carries a number, so that the answer to an old request is
 * not taken for that to a new one. */
static void
dpd_send(struct hydra *h, int64_t wait)
{
	uint8_t payload[4];

	h->dpd_number++;
	h->dpd_wait = wait;
	h->dpd_us = now_us();
	h->dpd_at = afw_now_ms();
	h->dpd_pending = true;
	memcpy(payload, &h->dpd_number, sizeof(payload));
	/* no room: whatever comes from the node proves as much */
	(void)frame_write(h, CSTP_DPD_REQUEST, payload, sizeof(payload));
	hydra_io_flush(&h->t);
}

static void
dpd_answered(struct hydra *h, const struct cstp_frame *f)
{
	uint32_t number = h->dpd_number;
	int64_t rtt = now_us() - h->dpd_us;
	bool drained = false;

	if (f->len >= sizeof(number)) /* some nodes do not echo */
		memcpy(&number, f->payload, sizeof(number));
	/* the drain's own number, or one that was asked for behind it */
	if (h->drain_number != 0 &&
	    h->dpd_number - number <= h->dpd_number - h->drain_number) {
		h->drain_number = 0;
		drained = true;
	}
	if (h->dpd_pending && number == h->dpd_number) {
		h->dpd_pending = false;
		h->t.rtt_us = rtt < 1
		    ? 1
		    : (uint32_t)(rtt > UINT32_MAX ? UINT32_MAX : rtt);
	}
	if (drained)
		h->t.owner->drained(h->t.arg);
}

/* False: nothing more is to be read. */
static bool
record_take(struct hydra *h, uint8_t *record, size_t len)
{
	struct cstp_frame f;
	const char *bad = cstp_parse(&f, record, len);

	if (bad != NULL) {
		hydra_fail(h, AFW_REASON_PROTOCOL, AFW_WHY_LOST, "%s", bad);
		return false;
	}
	switch (f.type) {
	case CSTP_DATA:
		h->t.owner->packet(h->t.arg, f.payload, f.len);
		break;
	case CSTP_DPD_REQUEST:
		(void)frame_write(h, CSTP_DPD_ANSWER, f.payload, f.len);
		break;
	case CSTP_DPD_ANSWER:
		dpd_answered(h, &f);
		break;
	case CSTP_DISCONNECT:
	case CSTP_TERMINATE:
		hydra_fail(
		    h, AFW_REASON_NONE, AFW_WHY_LOST, "ended by the node");
		break;
	}
	return h->state == HYDRA_OPEN;
}

/* After the bye: only the end is of interest. */
static void
leaving_read(struct hydra *h)
{
	uint8_t buf[4096];
	ssize_t n = 1;
	int i;

	for (i = 0; i < READ_BUDGET && n > 0; i++)
		n = afw_tls_read(h->tls, buf, sizeof(buf));
	if (n > 0)
		event_active(h->rd, EV_READ, 0);
	else if (n == 0 || errno != EAGAIN)
		lost(h, "bye");
}

void
hydra_io_read(struct hydra *h)
{
	static uint8_t record[CSTP_HEAD + CSTP_PAYLOAD_MAX];
	size_t bytes = 0;
	ssize_t n = 1;
	int i, e;

	if (h->state == HYDRA_LEAVING) {
		leaving_read(h);
		return;
	}
	for (i = 0; i < READ_BUDGET; i++) {
		n = afw_tls_read(h->tls, record, sizeof(record));
		if (n <= 0 || !record_take(h, record, (size_t)n))
			break;
		bytes += (size_t)n;
	}
	e = errno;
	if (i > 0) {
		h->last_rx = afw_now_ms();
		h->t.owner->batch_end(h->t.arg);
	}
	if (h->state != HYDRA_OPEN)
		return;
	if (afw_tls_queued(h->tls) > 0)
		hydra_io_flush(&h->t);
	gather_read(&h->gather, bytes, now_us());
	if (n > 0) /* the kernel will not tell of what is decrypted already */
		event_active(h->rd, EV_READ, 0);
	else if (n == 0)
		lost(h, "closed by the node");
	else if (e != EAGAIN)
		lost(h, e == EPROTO ? "broken TLS record" : strerror(e));
}

bool
hydra_io_send(struct transport *t, const uint8_t *packet, size_t len)
{
	return frame_write((struct hydra *)t, CSTP_DATA, packet, len);
}

void
hydra_io_flush(struct transport *t)
{
	struct hydra *h = (struct hydra *)t;
	int rc;

	if (h->state < HYDRA_HEAD || h->state == HYDRA_DOWN)
		return;
	rc = afw_tls_flush(h->tls);
	if (rc == 0)
		(void)event_add(h->wr, NULL);
	else if (rc == -1)
		lost(h, "connection broke");
	else if (h->state == HYDRA_LEAVING)
		(void)shutdown(h->fd, SHUT_WR);
}

void
hydra_io_write(struct hydra *h)
{
	hydra_io_flush(&h->t);
}

static int64_t
min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Sets the timer for what is due next. */
static void
tick_arm(struct hydra *h, int64_t now)
{
	int64_t due = min64(h->keepalive_at, h->rekey_at);

	due = min64(due,
	    h->dpd_pending ? h->dpd_at + h->dpd_wait
			   : h->last_rx + h->params.dpd * 1000LL);
	hydra_timer_set(h, due - now);
}

void
hydra_io_tick(struct hydra *h)
{
	int64_t now = afw_now_ms(), dpd = h->params.dpd * 1000LL;

	if (h->dpd_pending && now >= h->dpd_at + h->dpd_wait) {
		if (h->last_rx <= h->dpd_at) {
			hydra_fail(h, AFW_REASON_TIMEOUT, AFW_WHY_LOST,
			    "no answer for %lld s",
			    (long long)(now - h->last_rx) / 1000);
			return;
		}
		h->dpd_pending = false;
	}
	if (!h->dpd_pending && now >= h->last_rx + dpd)
		dpd_send(h, dpd / 2);
	if (now >= h->keepalive_at) {
		h->keepalive_at = now + h->params.keepalive * 1000LL;
		(void)frame_write(h, CSTP_KEEPALIVE, NULL, 0);
		hydra_io_flush(&h->t);
	}
	if (now >= h->rekey_at) {
		h->rekey_at = now + REKEY_AGAIN_MS;
		h->t.owner->rekey(h->t.arg);
	}
	if (h->state == HYDRA_OPEN)
		tick_arm(h, now);
}

static void
clocks_start(struct hydra *h)
{
	struct cstp_params *p = &h->params;
	int64_t now = afw_now_ms();
	int timeout;

	if (p->dpd == 0)
		p->dpd = DPD_DEFAULT;
	else if (p->dpd > DPD_MAX)
		p->dpd = DPD_MAX;
	timeout = (int)(p->dpd * 1500);
	if (setsockopt(h->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout,
		sizeof(timeout)) == -1)
		log_debug("socket: user timeout: %s", strerror(errno));
	h->last_rx = now;
	h->keepalive_at =
	    p->keepalive == 0 ? INT64_MAX : now + p->keepalive * 1000LL;
	h->rekey_at = p->rekey == 0 ? INT64_MAX : now + p->rekey * 1000LL;
	dpd_send(h, p->dpd * 500LL); /* for the round-trip time */
	if (h->state == HYDRA_OPEN)
		tick_arm(h, now);
}

void
hydra_io_open(struct hydra *h, uint8_t *rest, size_t len)
{
	const struct cstp_params *p = &h->params;
	struct transport_params tp = {.inner4 = p->inner4,
	    .inner6 = p->inner6,
	    .dns4 = p->dns4,
	    .dns6 = p->dns6,
	    .mtu = p->mtu};

	log_debug("hydra-tcp: %s: mtu %u dpd %u keepalive %u rekey %u idle %u",
	    p->server, p->mtu, p->dpd, p->keepalive, p->rekey, p->idle);
	if (tp.mtu == 0)
		tp.mtu = cstp_head_mtu(h->link_mtu);
	h->state = HYDRA_OPEN;
	h->session = NULL;
	gather_init(&h->gather, h->fd, h->late);
	clocks_start(h);
	if (h->state != HYDRA_OPEN)
		return;
	h->t.owner->opened(h->t.arg, &tp);
	if (len > 0 && record_take(h, rest, len))
		h->t.owner->batch_end(h->t.arg);
}

void
hydra_io_drain(struct transport *t)
{
	struct hydra *h = (struct hydra *)t;

	if (h->state != HYDRA_OPEN)
		return;
	dpd_send(h, h->params.dpd * 500LL);
	h->drain_number = h->dpd_number;
	if (h->state == HYDRA_OPEN)
		tick_arm(h, afw_now_ms());
}

void
hydra_io_probe(struct transport *t)
{
	struct hydra *h = (struct hydra *)t;

	if (h->state != HYDRA_OPEN)
		return;
	dpd_send(h, min64(h->params.dpd * 500LL, PROBE_WAIT_MS));
	if (h->state == HYDRA_OPEN)
		tick_arm(h, afw_now_ms());
}

void
hydra_io_bye(struct transport *t, const char *text)
{
	struct hydra *h = (struct hydra *)t;
	uint8_t payload[64] = {CSTP_BYE_USER};
	size_t len = strlen(text);

	if (h->state != HYDRA_OPEN) {
		hydra_fail(h, AFW_REASON_NONE, AFW_WHY_LOST, "bye");
		return;
	}
	if (len > sizeof(payload) - 1)
		len = sizeof(payload) - 1;
	memcpy(payload + 1, text, len);
	if (!frame_write(h, CSTP_DISCONNECT, payload, len + 1))
		log_debug("hydra-tcp: no room for the bye");
	if (h->state != HYDRA_OPEN)
		return;
	afw_tls_bye(h->tls);
	h->state = HYDRA_LEAVING;
	hydra_timer_set(h, BYE_WAIT_MS);
	hydra_io_flush(t);
}
