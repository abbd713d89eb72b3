/* SPDX-License-Identifier: ISC */
/*
 * What afwrt-tun is told: the device, and the route of each address. For each
 * address there is what should be known (want) and what is (told); only the
 * difference is sent, the newest state of it, with a bounded number of
 * requests under way whatever there is to tell. A new afwrt-tun is told all,
 * between FLOW_SYNC_BEGIN and END once the supervisor has told all rules.
 */
#include "flows.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/daemon/log.h"
#include "list.h"
#include "seed.h"
#include "state.h"

#define ONE_TIMEOUT_MS  1000
#define MANY_TIMEOUT_MS 5000
#define WINDOW          64
#define HEADS           16384
#define NOT_KNOWN       UINT32_MAX

struct flows_wait {
	size_t left; /* flows, and one until flows_wait_go */
	unsigned int code;
	char text[160];
	flows_cb cb;
	void *arg;
};

/* A flow that somebody waits for. */
struct waiter {
	struct waiter *next;
	struct flows_wait *w;
};

struct flow {
	struct list in, queue;
	struct afw_addr addr;
	uint32_t want, told;
	uint32_t seq; /* of the request under way, 0 none */
	bool queued;
	bool replay; /* to be told, known or not */
	bool stale;  /* scratch of flows_all_ */
	struct waiter *waiters;
};

/* A request under way; what it was about may be gone when it is answered. */
struct sent {
	struct afw_addr addr;
	uint32_t route, seq;
};

static struct list heads[HEADS], queue;
static size_t n_flows, n_queued, under_way, replay_left;
static uint32_t seq;
static bool bracket; /* BEGIN was sent, END is owed */
static bool exact;   /* this tun was told "no others" */

static void pump(void);

static struct afw_link *
tun_link(void)
{
	struct afw_link *l = afw_daemon_peer(AFW_TUN);

	return afw_link_is_open(l) ? l : NULL;
}

static struct list *
head(const struct afw_addr *a)
{
	size_t i;

	if (queue.next == NULL) {
		for (i = 0; i < HEADS; i++)
			list_init(&heads[i]);
		list_init(&queue);
	}
	return &heads[seed_hash(a, sizeof(*a)) & (HEADS - 1)];
}

static struct flow *
find(const struct afw_addr *a)
{
	struct list *h = head(a), *x;

	for (x = h->next; x != h; x = x->next)
		if (afw_addr_equal(&LIST_OF(x, struct flow, in)->addr, a))
			return LIST_OF(x, struct flow, in);
	return NULL;
}

static struct flow *
make(const struct afw_addr *a)
{
	struct flow *f = calloc(1, sizeof(*f));

	if (f == NULL)
		fatal("flows: out of memory");
	f->addr = *a;
	list_add(head(a), &f->in);
	list_init(&f->queue);
	n_flows++;
	return f;
}

/* ---- those who wait ------------------------------------------------------ */

struct flows_wait *
flows_wait_new(flows_cb cb, void *arg)
{
	struct flows_wait *w = calloc(1, sizeof(*w));

	if (w == NULL)
		fatal("flows: out of memory");
	w->left = 1;
	w->cb = cb;
	w->arg = arg;
	return w;
}

static void
wait_note(struct flows_wait *w, unsigned int code, const char *text)
{
	if (code != AFW_OK && w->code == AFW_OK) {
		w->code = code;
		(void)snprintf(w->text, sizeof(w->text), "%s", text);
	}
	if (--w->left > 0)
		return;
	w->cb(w->arg, w->code, w->text);
	free(w);
}

void
flows_wait_go(struct flows_wait *w)
{
	wait_note(w, AFW_OK, NULL);
}

static void
wait_for(struct flow *f, struct flows_wait *w)
{
	struct waiter *x;

	if (w == NULL)
		return;
	if ((x = calloc(1, sizeof(*x))) == NULL)
		fatal("flows: out of memory");
	x->w = w;
	x->next = f->waiters;
	f->waiters = x;
	w->left++;
}

static void
waiters_run(struct waiter *x, unsigned int code, const char *text)
{
	struct waiter *next;

	for (; x != NULL; x = next) {
		next = x->next;
		wait_note(x->w, code, text);
		free(x);
	}
}

/* ---- one flow ------------------------------------------------------------ */

static void
enqueue(struct flow *f)
{
	if (f->queued || f->seq != 0)
		return; /* its turn comes, or comes again with the answer */
	f->queued = true;
	n_queued++;
	list_add(&queue, &f->queue);
}

static void
dequeue(struct flow *f)
{
	if (!f->queued)
		return;
	f->queued = false;
	n_queued--;
	list_del(&f->queue);
}

static bool
dirty(const struct flow *f)
{
	return f->want != f->told || f->replay;
}

/* Nothing more to do about it for now; f may be gone afterwards. */
static void
settle(struct flow *f, unsigned int code, const char *text)
{
	struct waiter *x = f->waiters;

	f->waiters = NULL;
	dequeue(f);
	if (f->want == 0 && f->seq == 0 && f->told == 0) {
		list_del(&f->in);
		free(f);
		n_flows--;
	}
	waiters_run(x, code, text);
}

static void
sent_cb(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	static struct afw_ratelimit limit;
	struct sent *s = arg;
	struct flow *f = find(&s->addr);
	char name[AFW_ADDR_TEXT];

	(void)m;
	under_way--;
	if (f != NULL && f->seq == s->seq) {
		f->seq = 0;
		f->told =
		    code == AFW_OK || s->route == 0 ? s->route : NOT_KNOWN;
		if (code != AFW_OK && code != AFW_EPIPE && f->waiters == NULL &&
		    afw_ratelimit_ok(&limit, 5))
			log_warn("flow of %s: tun refused it: %s",
			    afw_addr_print(&s->addr, name, sizeof(name)), text);
		/* refused as it is wanted: no use in saying it again */
		if (f->want == s->route && !f->replay)
			settle(f, code, text);
		else
			enqueue(f);
	}
	free(s);
	pump();
}

/* False: tun is gone. */
static bool
send_one(struct afw_link *l, struct flow *f)
{
	struct afw_m_flow m = {.addr = f->addr, .route = f->want};
	struct sent *s = calloc(1, sizeof(*s));

	if (s == NULL)
		fatal("flows: out of memory");
	if (++seq == 0)
		seq = 1;
	*s = (struct sent){.addr = f->addr, .route = f->want, .seq = seq};
	if (afw_link_request(l,
		f->want != 0 ? AFW_MSG_FLOW_SET : AFW_MSG_FLOW_DEL, &m, -1,
		n_queued > WINDOW ? MANY_TIMEOUT_MS : ONE_TIMEOUT_MS, false,
		sent_cb, s) == 0) {
		free(s);
		return false;
	}
	f->seq = seq;
	under_way++;
	if (f->replay)
		replay_left--;
	f->replay = false;
	return true;
}

/* Without a tun nobody waits in vain: its successor is told everything. */
static void
give_up(void)
{
	struct flow *f;

	bracket = exact = false;
	while (!list_empty(&queue)) {
		f = LIST_OF(queue.next, struct flow, queue);
		if (f->replay)
			replay_left--;
		f->replay = false;
		f->told = 0;
		settle(f, AFW_EPIPE, "afwrt-tun is not there");
	}
}

static void
pump(void)
{
	struct afw_link *l = tun_link();
	struct flow *f;

	while (l != NULL && queue.next != NULL && !list_empty(&queue) &&
	    under_way < WINDOW) {
		f = LIST_OF(queue.next, struct flow, queue);
		if (!dirty(f)) {
			settle(f, AFW_OK, NULL);
			continue;
		}
		dequeue(f);
		if (!send_one(l, f)) {
			enqueue(f);
			l = NULL;
		}
	}
	if (l == NULL && queue.next != NULL)
		give_up();
	if (l != NULL && bracket && replay_left == 0) {
		bracket = false;
		(void)afw_link_send(l, AFW_MSG_FLOW_SYNC_END, 0, NULL, -1);
	}
}

void
flows_want(const struct afw_addr *a, uint32_t route, struct flows_wait *w)
{
	struct flow *f = find(a);

	if (f == NULL && route == 0)
		return;
	if (f == NULL)
		f = make(a);
	f->stale = false;
	f->want = route;
	if (!dirty(f) && f->seq == 0 && !f->queued)
		return;
	wait_for(f, w);
	enqueue(f);
	pump();
}

void
flows_all_begin(void)
{
	struct list *x;
	size_t i;

	(void)head(&(struct afw_addr){.family = 0});
	for (i = 0; i < HEADS; i++)
		for (x = heads[i].next; x != &heads[i]; x = x->next)
			LIST_OF(x, struct flow, in)->stale = true;
}

void
flows_all_end(struct flows_wait *w)
{
	struct list *x;
	struct flow *f;
	size_t i;

	for (i = 0; i < HEADS; i++)
		for (x = heads[i].next; x != &heads[i]; x = x->next) {
			f = LIST_OF(x, struct flow, in);
			if (!f->stale)
				continue;
			f->want = 0;
			wait_for(f, w);
			enqueue(f);
		}
	pump();
}

void
flows_tell(const struct afw_addr *a, uint32_t route)
{
	struct flow *f = find(a);
	struct afw_link *l = tun_link();

	if (l == NULL)
		return;
	if (f == NULL)
		f = make(a);
	f->want = route;
	dequeue(f);
	if (!send_one(l, f))
		enqueue(f);
}

/* ---- all ----------------------------------------------------------------- */

static void
replay(struct afw_link *l)
{
	struct list *x;
	struct flow *f;
	size_t i;

	(void)head(&(struct afw_addr){.family = 0});
	if (net.synced && !bracket) {
		bracket = exact =
		    afw_link_send(l, AFW_MSG_FLOW_SYNC_BEGIN, 0, NULL, -1) == 0;
	}
	for (i = 0; i < HEADS; i++)
		for (x = heads[i].next; x != &heads[i]; x = x->next) {
			f = LIST_OF(x, struct flow, in);
			f->told = NOT_KNOWN;
			if (!f->replay)
				replay_left++;
			f->replay = true;
			/* what is under way may have gone before BEGIN */
			f->seq = 0;
			enqueue(f);
		}
	pump();
}

void
flows_exact(void)
{
	struct afw_link *l = tun_link();

	if (l != NULL && !exact)
		replay(l);
}

static void
device_tell(struct afw_link *l)
{
	struct afw_m_device m = {.ifindex = net.tun.ifindex,
	    .mtu = net.tun.mtu,
	    .vnet_hdr = net.tun.vnet_hdr};
	int fd;

	if ((net.cfg.flags & AFW_C_NO_SOCKET_SETUP) == 0)
		m.addr = net.cfg.tun_addr;
	if ((fd = fcntl(net.tun.fd, F_DUPFD_CLOEXEC, 0)) == -1)
		log_err("interface %s: descriptor not copied", net.tun.name);
	else
		(void)afw_link_send(l, AFW_MSG_DEVICE, 0, &m, fd);
}

void
flows_device(struct afw_link *l)
{
	if (!afw_link_is_open(l) || net.mode != NET_ON ||
	    (net.tun.fd == -1 && net_hydra()))
		return;
	if (net.tun.fd != -1)
		device_tell(l);
	if (net.synced || n_flows > 0)
		replay(l);
}

void
flows_forget(void)
{
	struct list *x, *next;
	struct flow *f;
	struct waiter *w;
	size_t i;

	(void)head(&(struct afw_addr){.family = 0});
	for (i = 0; i < HEADS; i++)
		for (x = heads[i].next; x != &heads[i]; x = next) {
			next = x->next;
			f = LIST_OF(x, struct flow, in);
			dequeue(f);
			list_del(&f->in);
			w = f->waiters;
			free(f);
			n_flows--;
			waiters_run(
			    w, AFW_EBUSY, "everything was cleared meanwhile");
		}
	replay_left = 0;
	if (tun_link() == NULL)
		return;
	if (!bracket)
		(void)afw_link_send(
		    tun_link(), AFW_MSG_FLOW_SYNC_BEGIN, 0, NULL, -1);
	bracket = true;
	pump();
}

void
flows_down(void)
{
	if (queue.next != NULL)
		give_up();
}

size_t
flows_count(void)
{
	return n_flows;
}
