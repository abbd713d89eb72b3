/* SPDX-License-Identifier: ISC */
/* The way down: routes, system, helpers. Every step has a time limit. */
#include "stop.h"

#include <signal.h>

#include "afwrtd.h"
#include "ask.h"
#include "files.h"
#include "lib/daemon/log.h"
#include "routes.h"
#include "supervise.h"
#include "wg.h"

#define ROUTE_MS    3000
#define CLEAR_MS    5000
#define SHUTDOWN_MS 4000

static unsigned int routes_left;
static bool keep;
static void (*stop_done)(void);
static struct event *kill_timer;

static void
clear_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct route *r = NULL;

	(void)arg;
	(void)m;
	if (code != AFW_OK)
		log_err("net: the system was not cleaned: %s", text);
	child_get(AFW_NET)->configured = false;
	files_keep_close();
	while ((r = routes_next(r)) != NULL)
		wg_forget(r);
	stop_done();
}

static void
clear(void)
{
	struct afw_m_shutdown s = {.keep_blocked = keep};

	ask(AFW_NET, AFW_MSG_NET_CLEAR, &s, CLEAR_MS, false, clear_reply, NULL);
}

static void
route_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	/* by id: one that was on its way out is gone already */
	struct route *r = routes_find_id((uint32_t)(uintptr_t)arg);

	(void)m;
	if (r != NULL) {
		if (code != AFW_OK && code != AFW_ENOENT)
			log_warn("route %s: no goodbye: %s", r->location, text);
		routes_deleted(r);
		routes_collect(r);
	}
	if (--routes_left == 0)
		clear();
}

void
stop_start(bool keep_blocked, void (*done)(void))
{
	struct route *r = NULL;
	struct afw_m_route_id id;

	keep = keep_blocked;
	stop_done = done;
	routes_left = 0;
	while ((r = routes_next(r)) != NULL) {
		if (!r->set && !r->busy)
			continue;
		routes_left++;
		r->deleting = true;
		id.route = r->id;
		ask(AFW_TUN, AFW_MSG_ROUTE_DEL, &id, ROUTE_MS, false,
		    route_reply, (void *)(uintptr_t)r->id);
	}
	if (routes_left == 0)
		clear();
}

static void
shutdown_reply(
    void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct child *c = arg;

	(void)m;
	if (code != AFW_OK && code != AFW_EPIPE)
		log_warn("%s: did not end in order: %s", c->prog, text);
}

static void
kill_timer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	(void)event_base_loopbreak(afwrtd_base);
}

void
stop_limit(unsigned int ms)
{
	if (kill_timer == NULL)
		kill_timer = afwrtd_timer(kill_timer_cb, NULL);
	afwrtd_timer_set(kill_timer, ms);
}

void
stop_children(bool keep_blocked)
{
	struct afw_m_shutdown s = {.keep_blocked = keep_blocked};
	struct child *c;

	supervise_ending();
	CHILD_FOREACH(c)
	{
		if (c->state == CHILD_UP || c->state == CHILD_REPLAY)
			(void)afw_link_request(&c->link, AFW_MSG_SHUTDOWN, &s,
			    -1, SHUTDOWN_MS, false, shutdown_reply, c);
		else if (c->pid != 0)
			(void)kill(c->pid, SIGKILL);
	}
	if (child_all_gone()) {
		(void)event_base_loopbreak(afwrtd_base);
		return;
	}
	stop_limit(SHUTDOWN_MS + 500);
}
