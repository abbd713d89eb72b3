/* SPDX-License-Identifier: ISC */
/*
 * afwrt-tun with a packet path for the test: the device is a SOCK_SEQPACKET
 * socket, each record is the number of a route and a packet. No NAT.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "afwrt-tun/flow.h"
#include "afwrt-tun/forward.h"
#include "afwrt-tun/hold.h"
#include "afwrt-tun/tun.h"

static struct event_base *base;
static struct event *readable;
static int device = -1;

void
forward_init(struct event_base *b)
{
	base = b;
}

/* There is no NAT: the source is the connection's address. */
static struct conn *
conn_of(struct route *r, const uint8_t *packet)
{
	unsigned int i;

	for (i = 0; i < r->n_conns; i++)
		if (memcmp(r->conns[i].inner4.b, packet + 12, 4) == 0)
			return &r->conns[i];
	return &r->conns[0];
}

static void
from_device(struct route *r, const uint8_t *packet, size_t len)
{
	if (!route_ready(r)) {
		if (r->forward == NULL)
			r->forward = calloc(1, sizeof(struct hold));
		(void)hold_push(r->forward, packet, len);
		route_want(r);
	} else if (conn_send(conn_of(r, packet), packet, len)) {
		r->up_packets++;
		r->up_bytes += len;
	} else {
		r->dropped++;
	}
}

static void
read_cb(evutil_socket_t fd, short what, void *arg)
{
	uint8_t buf[65536];
	struct route *r;
	uint32_t id;
	ssize_t n;

	(void)what;
	(void)arg;
	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 4) {
		memcpy(&id, buf, sizeof(id));
		if ((r = route_find(id)) != NULL)
			from_device(r, buf + 4, (size_t)n - 4);
	}
	if (n == 0)
		(void)event_del(readable);
	conn_send_flush();
}

void
forward_device_set(int fd, const struct afw_m_device *d)
{
	(void)d;
	device = fd;
	readable = event_new(base, fd, EV_READ | EV_PERSIST, read_cb, NULL);
	(void)event_add(readable, NULL);
}

void
forward_from_node(struct conn *c, uint8_t *packet, size_t len)
{
	uint8_t buf[65536];

	memcpy(buf, &c->r->id, 4);
	memcpy(buf + 4, packet, len);
	c->r->down_packets++;
	c->r->down_bytes += len;
	(void)send(device, buf, len + 4, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void
forward_from_node_flush(struct conn *c)
{
	(void)c;
}

void
forward_conn_up(struct conn *c)
{
	struct route *r = c->r;
	struct hold *h = r->forward;
	const uint8_t *packet;
	size_t len;

	for (; h != NULL && (packet = hold_front(h, &len)) != NULL; hold_pop(h))
		from_device(r, packet, len);
}

void
forward_conn_down(struct conn *c)
{
	(void)c;
}

void
forward_route_down(struct route *r)
{
	if (r->forward != NULL)
		(void)hold_clear(r->forward);
	free(r->forward);
	r->forward = NULL;
}

int
flow_set(const struct afw_addr *a, uint32_t route)
{
	(void)a;
	return route == 99 ? AFW_ENOSPC : 0;
}

void
flow_del(const struct afw_addr *a)
{
	(void)a;
}

void
flow_each(void (*fn)(uint32_t route, void *arg), void *arg)
{
	(void)fn;
	(void)arg;
}

void
flow_sync_begin(void)
{
}

void
flow_sync_end(void)
{
}

void
forward_default_set(uint32_t route)
{
	(void)route;
}

void
forward_source_flow(const struct afw_addr *a)
{
	(void)a;
}

void
forward_source_forget(void)
{
}

int
nat_open(int memfd, bool fresh)
{
	(void)fresh;
	return close(memfd);
}

uint32_t
nat_count(uint32_t route)
{
	(void)route;
	return 0;
}

void
nat_route_drop(uint32_t route)
{
	(void)route;
}

int
main(void)
{
	return tun_run();
}
