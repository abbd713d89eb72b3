/* SPDX-License-Identifier: ISC */
#include "setup.h"

#include <stdio.h>
#include <stdlib.h>

#include "afwrtd.h"
#include "ask.h"
#include "run.h"
#include "types.h"
#include "wg.h"

struct setup {
	struct route *r;
	int64_t deadline;
	bool force;
	unsigned int code; /* of ROUTE_DEL */
	char text[188];
	afw_reply_cb cb;
	void *arg;
};

static struct setup *
setup_new(struct route *r, unsigned int ms, afw_reply_cb cb, void *arg)
{
	struct setup *s = afwrtd_alloc(sizeof(*s));

	s->r = r;
	r->held++;
	s->deadline = afw_now_ms() + ms;
	s->cb = cb;
	s->arg = arg;
	return s;
}

static unsigned int
left(const struct setup *s)
{
	int64_t ms = s->deadline - afw_now_ms();

	return ms > 0 ? (unsigned int)ms : 1;
}

static void
setup_end(
    struct setup *s, unsigned int code, const char *text, struct afw_msg *m)
{
	s->r->held--;
	s->cb(s->arg, code, text, m);
	free(s);
}

/* ---- there ----------------------------------------------------------------
 */

static void
route_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct setup *s = arg;
	struct route *r = s->r;

	if (code == AFW_OK) {
		r->set = true;
	} else if (r->wg && !r->set && m != NULL) {
		wg_down(r, left(s), NULL, NULL);
		wg_forget(r);
	}
	setup_end(s, code, text, m);
}

static void
route_send(struct setup *s)
{
	struct afw_m_route set;

	routes_message(s->r, &set);
	ask(AFW_TUN, AFW_MSG_ROUTE_SET, &set, left(s), false, route_reply, s);
}

static void
wg_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct setup *s = arg;

	if (code == AFW_OK && run_is_stopping()) /* NET_CLEAR takes it away */
		setup_end(s, AFW_EPIPE, "the suite is stopping", NULL);
	else if (code == AFW_OK)
		route_send(s);
	else
		setup_end(s, code, text, m);
}

void
setup_route(struct route *r, unsigned int ms, afw_reply_cb cb, void *arg)
{
	struct setup *s = setup_new(r, ms, cb, arg);

	if (types_is_wg(r) && !r->wg)
		wg_up(r, ms, wg_reply, s);
	else
		route_send(s);
}

/* ---- and away -------------------------------------------------------------
 */

static void
wg_gone(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct setup *s = arg;

	if (code == AFW_ENOENT && m != NULL)
		code = AFW_OK;
	if (s->code == AFW_OK && code != AFW_OK) {
		s->code = code;
		(void)snprintf(s->text, sizeof(s->text), "%s", text);
	}
	wg_forget(s->r);
	setup_end(s, s->code, s->text, m);
}

static void
del_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct setup *s = arg;

	if (code == AFW_ENOENT && m != NULL)
		code = AFW_OK;
	if (!s->r->wg || (m == NULL && !s->force)) {
		setup_end(s, code, text, m);
		return;
	}
	s->code = code;
	(void)snprintf(s->text, sizeof(s->text), "%s", text);
	wg_down(s->r, left(s), wg_gone, s);
}

void
setup_remove(
    struct route *r, unsigned int ms, bool force, afw_reply_cb cb, void *arg)
{
	struct setup *s = setup_new(r, ms, cb, arg);
	struct afw_m_route_id id = {.route = r->id};

	s->force = force;
	ask(AFW_TUN, AFW_MSG_ROUTE_DEL, &id, ms, false, del_reply, s);
}
