/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_FORWARD_H
#define AFWRT_TUN_FORWARD_H

#include <event2/event.h>

#include "afwrt-tun/route.h"
#include "afwrt-tun/source.h"

/*
 * The packet path between the TUN device and the routes: parse, flow table,
 * MSS clamp, NAT, ICMP errors; and back.
 */
void forward_init(struct event_base *base);
/* The way out: closes the device, frees its events. */
void forward_close(void);
/* The TUN; takes fd, replaces an older one. */
void forward_device_set(int fd, const struct afw_m_device *d);

/* One packet out of the TUN; device.c calls it, and the fuzzer. */
struct device_meta;
void forward_from_device(
    uint8_t *packet, size_t len, const struct device_meta *m);

/* Which route a source address takes; afwrt-net says. */
int flow_set(const struct afw_addr *a, uint32_t route); /* 0 or AFW_E code */
void flow_del(const struct afw_addr *a);
void flow_sync_begin(void); /* what is not set until the end is dropped */
void flow_sync_end(void);

/* The route of sources that no rule is about; 0: they are dropped. */
void forward_default_set(uint32_t route);
/* This source has a flow from now on; the answer to question n about one. */
void forward_source_flow(const struct afw_addr *a);
void forward_source_answer(uint32_t n, enum source_answer answer);
/* Asks about every source anew. */
void forward_source_forget(void);

/*
 * The NAT table lives in this memfd (taken), which outlives the process;
 * fresh: it is new and empty. A table that does not hold water is emptied.
 * 0, or -1 and errno.
 */
int nat_open(int memfd, bool fresh);
/* Entries of a route, for the statistics; and all of them gone. */
uint32_t nat_count(uint32_t route);
void nat_route_drop(uint32_t route);

/* One IP packet from the node by c, to be checked, translated and delivered
 * to the device; the buffer may be changed. */
void forward_from_node(struct conn *c, uint8_t *packet, size_t len);
/* The end of a batch of those. */
void forward_from_node_flush(struct conn *c);

/* The connection went up: packets that were held for its route go out now. */
void forward_conn_up(struct conn *c);
/* It went down or has other addresses now. */
void forward_conn_down(struct conn *c);
/* The route went down or is deleted: held packets are dropped. */
void forward_route_down(struct route *r);

#endif
