/* SPDX-License-Identifier: ISC */
#include "path_lab.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>

#include "afwrt-tun/nat_table.h"

struct lab_sent lab_sent[LAB_SENT_MAX];
size_t lab_n_sent, lab_wanted, lab_flushed;
size_t lab_n_asked, lab_asked;
bool lab_queue_full, lab_net_down, lab_net_silent;

static struct route *routes;
static bool ready[256];
static struct event_base *base;
static int far_end = -1;
static unsigned int header_size;

/* ---- routes -------------------------------------------------------------- */

struct route *
lab_route(uint32_t id, const char *inner4, const char *inner6)
{
	struct route *r = calloc(1, sizeof(*r));

	ck_assert_ptr_nonnull(r);
	r->id = id;
	lab_conn(r, inner4, inner6);
	r->next = routes;
	routes = r;
	lab_route_state(r, AFW_ROUTE_CONNECTED, true);
	return r;
}

struct conn *
lab_conn(struct route *r, const char *inner4, const char *inner6)
{
	struct conn *c = &r->conns[r->n_conns];

	ck_assert_uint_lt(r->n_conns, AFW_CONNS_MAX);
	c->r = r;
	c->index = r->n_conns++;
	c->up = true;
	c->mtu = 1400;
	if (inner4 != NULL)
		c->inner4 = lab_addr(inner4);
	if (inner6 != NULL)
		c->inner6 = lab_addr(inner6);
	return c;
}

void
lab_route_state(struct route *r, uint32_t state, bool is_ready)
{
	r->state = state;
	ready[r->id] = is_ready;
}

struct route *
route_find(uint32_t id)
{
	struct route *r;

	for (r = routes; r != NULL && r->id != id;)
		r = r->next;
	return r;
}

bool
route_ready(const struct route *r)
{
	return ready[r->id];
}

void
route_want(struct route *r)
{
	(void)r;
	lab_wanted++;
}

bool
conn_send(struct conn *c, const uint8_t *packet, size_t len)
{
	struct lab_sent *s = &lab_sent[lab_n_sent % LAB_SENT_MAX];

	if (lab_queue_full)
		return false;
	ck_assert(route_ready(c->r) && c->up);
	ck_assert_uint_le(len, c->mtu);
	s->route = c->r->id;
	s->conn = c->index;
	s->len = len;
	memcpy(s->b, packet, len < sizeof(s->b) ? len : sizeof(s->b));
	lab_n_sent++;
	return true;
}

void
conn_send_flush(void)
{
	lab_flushed++;
}

/* ---- afwrt-net ----------------------------------------------------------- */

static uint32_t asked[SOURCE_ASKS];

bool
source_ask(const struct afw_addr *a, uint32_t n)
{
	(void)a;
	if (lab_net_down)
		return false;
	ck_assert(lab_n_asked < SOURCE_ASKS);
	asked[lab_n_asked++] = n;
	lab_asked++;
	return true;
}

void
lab_answer(enum source_answer answer)
{
	while (lab_n_asked > 0)
		forward_source_answer(asked[--lab_n_asked], answer);
}

/* ---- device -------------------------------------------------------------- */

int
lab_memfd(void)
{
	int fd = memfd_create("nat", MFD_CLOEXEC);

	ck_assert_int_ne(fd, -1);
	return fd;
}

void
lab_device(unsigned int vnet_hdr)
{
	struct afw_m_device d = {.ifindex = 1, .mtu = 1500};
	int sv[2], size = 4 * 1024 * 1024;

	d.vnet_hdr = header_size = vnet_hdr;
	d.addr = lab_addr("10.99.0.1");
	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sv), 0);
	(void)setsockopt(sv[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	forward_device_set(sv[0], &d);
	far_end = sv[1];
}

int
lab_device_take(void)
{
	int fd = far_end;

	far_end = -1;
	return fd;
}

void
lab_open(unsigned int vnet_hdr)
{
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	forward_init(base);
	ck_assert_int_eq(nat_open(lab_memfd(), true), 0);
	lab_device(vnet_hdr);
	lab_n_sent = lab_wanted = lab_flushed = 0;
	lab_asked = 0;
	lab_queue_full = lab_net_down = lab_net_silent = false;
}

void
lab_close(void)
{
	struct route *r;

	while ((r = routes) != NULL) {
		lab_route_down(r);
		routes = r->next;
		free(r);
	}
	flow_sync_begin();
	flow_sync_end();
	lab_answer(SOURCE_LATE);
	forward_default_set(0);
	nat_table_close();
	forward_close();
	if (far_end != -1)
		(void)close(far_end);
	event_base_free(base);
}

void
lab_from_lan(const struct lab_packet *p)
{
	uint8_t b[LAB_MAX + 12] = {0};

	memcpy(b + header_size, p->b, p->len);
	ck_assert_int_eq(send(far_end, b, p->len + header_size, 0),
	    (ssize_t)(p->len + header_size));
	ck_assert_int_eq(
	    event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK), 0);
	if (!lab_net_silent)
		lab_answer(SOURCE_NONE);
}

void
lab_turn(void)
{
	ck_assert_int_ne(
	    event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK), -1);
}

bool
lab_to_lan(struct lab_packet *p)
{
	uint8_t b[LAB_MAX + 12];
	ssize_t n = recv(far_end, b, sizeof(b), MSG_DONTWAIT);

	if (n <= 0)
		return false;
	ck_assert_int_gt(n, header_size);
	p->len = (size_t)n - header_size;
	memcpy(p->b, b + header_size, p->len);
	return true;
}

void
lab_route_up(struct route *r)
{
	forward_conn_up(&r->conns[0]);
}

void
lab_route_down(struct route *r)
{
	unsigned int i;

	for (i = 0; i < r->n_conns; i++)
		forward_conn_down(&r->conns[i]);
	forward_route_down(r);
}

void
lab_from_node(struct route *r, const struct lab_packet *p)
{
	lab_from_conn(&r->conns[0], p);
}

void
lab_from_conn(struct conn *c, const struct lab_packet *p)
{
	uint8_t *b = malloc(p->len); /* its end is guarded by the sanitizer */

	ck_assert_ptr_nonnull(b);
	memcpy(b, p->b, p->len);
	forward_from_node(c, b, p->len);
	forward_from_node_flush(c);
	free(b);
}

void
lab_flow(const char *addr, uint32_t route)
{
	struct afw_addr a = lab_addr(addr);

	ck_assert_int_eq(flow_set(&a, route), 0);
}
