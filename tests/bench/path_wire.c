/* SPDX-License-Identifier: ISC */
/*
 * The packet path on real TUN devices, without tunnel, TLS or daemons: what
 * the path costs by itself, and what the kernel thinks of what it writes.
 *
 *   path_wire ROUTER-NETNS NODE-NETNS INNER4 INNER6 [MTU [plain]]
 *
 * makes TUN "wire0" in the one (virtio-net header, offload) and "wire1" in
 * the other (plain; the node), prints "ready", and carries packets between
 * them until its standard input ends; then it prints its counters. Sources
 * without a flow take the only route. "plain": no virtio-net header.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <net/if.h>

#include <linux/if_tun.h>

#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "afwrt-tun/forward.h"

static struct route route;
static int node;
static struct event_base *base;
static uint64_t batches;

struct route *
route_find(uint32_t id)
{
	return id == route.id ? &route : NULL;
}

bool
route_ready(const struct route *r)
{
	return r->state == AFW_ROUTE_CONNECTED;
}

void
route_want(struct route *r)
{
	(void)r;
}

bool
conn_send(struct conn *c, const uint8_t *packet, size_t len)
{
	if (len > c->mtu)
		errx(1, "%zu bytes to a tunnel of %u", len, c->mtu);
	return write(node, packet, len) == (ssize_t)len;
}

void
conn_send_flush(void)
{
	batches++;
}

static int
tun_open(const char *netns, const char *name, bool vnet)
{
	struct ifreq ifr = {0};
	int fd, ns = open(netns, O_RDONLY | O_CLOEXEC), size = 12;

	if (ns == -1 || setns(ns, CLONE_NEWNET) == -1)
		err(1, "%s", netns);
	(void)close(ns);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		err(1, "/dev/net/tun");
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_flags = (short)(IFF_TUN | IFF_NO_PI);
	if (vnet)
		ifr.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
	if (ioctl(fd, TUNSETIFF, &ifr) == -1 ||
	    (vnet && ioctl(fd, TUNSETVNETHDRSZ, &size) == -1))
		err(1, "%s", name);
	return fd;
}

static void
node_cb(evutil_socket_t fd, short what, void *arg)
{
	static uint8_t b[65536];
	ssize_t n;
	int i;

	(void)what;
	(void)arg;
	for (i = 0; i < 64 && (n = read(fd, b, sizeof(b))) > 0; i++)
		forward_from_node(&route.conns[0], b, (size_t)n);
	forward_from_node_flush(&route.conns[0]);
}

static void
end_cb(evutil_socket_t fd, short what, void *arg)
{
	char c[64];

	(void)what;
	(void)arg;
	if (read(fd, c, sizeof(c)) <= 0)
		(void)event_base_loopbreak(base);
}

static void
watch(int fd, event_callback_fn cb)
{
	struct event *e = event_new(base, fd, EV_READ | EV_PERSIST, cb, NULL);

	if (e == NULL || event_add(e, NULL) == -1)
		errx(1, "no event");
}

static void
answer_cb(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	forward_source_answer((uint32_t)(uintptr_t)arg, SOURCE_NONE);
}

bool
source_ask(const struct afw_addr *a, uint32_t n)
{
	static const struct timeval now;

	(void)a;
	return event_base_once(base, -1, EV_TIMEOUT, answer_cb,
		   (void *)(uintptr_t)n, &now) == 0;
}

int
main(int argc, char **argv)
{
	struct afw_m_device d = {.ifindex = 1, .mtu = 1500, .vnet_hdr = 12};
	struct conn *c = &route.conns[0];
	int fd, memfd = memfd_create("nat", MFD_CLOEXEC);

	if (argc < 5)
		errx(2,
		    "usage: path_wire ROUTER-NETNS NODE-NETNS INNER4 "
		    "INNER6 [MTU [plain]]");
	base = event_base_new();
	if (argc > 6)
		d.vnet_hdr = 0;
	fd = tun_open(argv[1], "wire0", d.vnet_hdr != 0);
	node = tun_open(argv[2], "wire1", false);
	c->r = &route;
	c->up = true;
	route.n_conns = 1;
	route.id = 1;
	route.state = AFW_ROUTE_CONNECTED;
	c->mtu = argc > 5 ? (uint32_t)atoi(argv[5]) : 1400;
	if (base == NULL || afw_addr_parse(&c->inner4, argv[3]) == -1 ||
	    afw_addr_parse(&c->inner6, argv[4]) == -1)
		errx(2, "an address is wrong");
	forward_init(base);
	if (nat_open(memfd, true) == -1)
		err(1, "nat");
	forward_default_set(route.id);
	forward_device_set(fd, &d);
	forward_conn_up(c);
	watch(node, node_cb);
	watch(STDIN_FILENO, end_cb);
	(void)printf("ready\n");
	(void)fflush(stdout);
	(void)event_base_dispatch(base);
	(void)printf("up %llu packets %llu bytes, down %llu packets %llu "
		     "bytes, dropped %llu, nat %u, batches %llu\n",
	    (unsigned long long)route.up_packets,
	    (unsigned long long)route.up_bytes,
	    (unsigned long long)route.down_packets,
	    (unsigned long long)route.down_bytes,
	    (unsigned long long)route.dropped, nat_count(1),
	    (unsigned long long)batches);
	forward_route_down(&route);
	forward_close();
	return 0;
}
