/* SPDX-License-Identifier: ISC */
#include "afwrt-tun/stamp_store.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "afwrt-tun/wg_stamp.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"

#define PLACES_MAX 128
#define LOAD_MS    5000
#define SAVE_MS    10000
#define AHEAD_S    60 /* how far behind the saved one may be */

struct place {
	char location[AFW_LOCATION_SIZE]; /* "": free */
	bool known;                       /* what was used before us, too */
	bool asking;
	uint8_t last[WG_STAMP];
	uint8_t saved[WG_STAMP];
	uint64_t used; /* for making room */
};

struct waiter {
	struct waiter *next;
	struct place *place;
	void (*fn)(void *, const uint8_t *);
	void *arg;
};

static struct place places[PLACES_MAX];
static struct waiter *waiters;
static uint64_t uses;

/* That of a location; the one not used for longest makes room: what afwrtd
 * has of it is good for it too. */
static struct place *
place_find(const char *location)
{
	struct place *p, *old = NULL;

	for (p = places; p < places + PLACES_MAX; p++) {
		if (strcmp(p->location, location) == 0) {
			p->used = ++uses;
			return p;
		}
		if (!p->asking && (old == NULL || p->used < old->used))
			old = p;
	}
	if (old == NULL) /* more waiters than routes: cannot be */
		fatal("wireguard: too many timestamps are waited for");
	memset(old, 0, sizeof(*old));
	(void)afw_str_set(old->location, sizeof(old->location), location);
	old->used = ++uses;
	return old;
}

/* Everybody who waits for this place. */
static void
waiters_tell(struct place *p)
{
	struct waiter **wp = &waiters, *w, *now = NULL;

	p->known = true;
	p->asking = false;
	while ((w = *wp) != NULL) {
		if (w->place != p) {
			wp = &w->next;
			continue;
		}
		*wp = w->next;
		w->next = now;
		now = w;
	}
	while ((w = now) != NULL) {
		now = w->next;
		w->fn(w->arg, p->last);
		free(w);
	}
}

static bool
state_take(struct place *p, const struct afw_m_state *s)
{
	if (s->kind != AFW_STATE_WG_STAMP || s->len != WG_STAMP ||
	    strcmp(s->location, p->location) != 0)
		return false;
	memcpy(p->saved, s->data, WG_STAMP);
	memcpy(p->last, s->data, WG_STAMP);
	wg_stamp_forward(p->last, AHEAD_S);
	return true;
}

static void
load_cb(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct place *p = arg;
	bool ok = code == AFW_ENOENT;

	if (m != NULL && m->hdr.type == AFW_MSG_STATE)
		ok = state_take(p, (const void *)m->payload);
	if (!ok)
		log_warn("wireguard %s: last timestamp is unknown: %s",
		    p->location, m != NULL ? "unusable" : text);
	waiters_tell(p);
}

void
stamp_store_load(
    const char *location, void (*fn)(void *, const uint8_t *), void *arg)
{
	struct afw_m_state_get g = {.kind = AFW_STATE_WG_STAMP};
	struct place *p = place_find(location);
	struct waiter *w;

	if (p->known) {
		fn(arg, p->last);
		return;
	}
	if ((w = malloc(sizeof(*w))) == NULL)
		fatal("%s: out of memory", afw_log_name());
	*w = (struct waiter){waiters, p, fn, arg};
	waiters = w;
	if (p->asking)
		return;
	p->asking = true;
	memcpy(g.location, p->location, sizeof(g.location));
	if (afw_link_request(afw_daemon_sup(), AFW_MSG_STATE_GET, &g, -1,
		LOAD_MS, false, load_cb, p) == 0)
		load_cb(p, AFW_EPIPE, "no supervisor", NULL);
}

void
stamp_store_cancel(const void *arg)
{
	struct waiter **wp = &waiters, *w;

	while ((w = *wp) != NULL) {
		if (w->arg != arg) {
			wp = &w->next;
			continue;
		}
		*wp = w->next;
		free(w);
	}
}

static void
save_cb(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	static struct afw_ratelimit limit;
	struct place *p = arg;

	(void)m;
	if (code == AFW_OK)
		return;
	memset(p->saved, 0, sizeof(p->saved)); /* with the next one */
	if (afw_ratelimit_ok(&limit, 1))
		log_warn("wireguard %s: timestamp is not saved: %s",
		    p->location, text);
}

void
stamp_store_used(const char *location, const uint8_t stamp[WG_STAMP])
{
	struct afw_m_state s = {.kind = AFW_STATE_WG_STAMP, .len = WG_STAMP};
	struct place *p = place_find(location);
	uint8_t enough[WG_STAMP];

	if (wg_stamp_after(stamp, p->last))
		memcpy(p->last, stamp, WG_STAMP);
	memcpy(enough, p->saved, WG_STAMP);
	wg_stamp_forward(enough, AHEAD_S - 1);
	if (!wg_stamp_after(p->last, enough))
		return;
	memcpy(p->saved, p->last, WG_STAMP);
	memcpy(s.location, p->location, sizeof(s.location));
	memcpy(s.data, p->last, WG_STAMP);
	(void)afw_link_request(afw_daemon_sup(), AFW_MSG_STATE_SAVE, &s, -1,
	    SAVE_MS, false, save_cb, p);
}
