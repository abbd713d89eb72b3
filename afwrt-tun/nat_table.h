/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_TUN_NAT_TABLE_H
#define AFWRT_TUN_NAT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#define NAT_ENTRIES 65536
#define NAT_SHARE   (NAT_ENTRIES / 4) /* of one device */
#define NAT_NONE    UINT32_MAX

/* flags of an entry */
#define NAT_F_REPLY    0x01 /* the node's side has answered (TCP: SYN, ACK) */
#define NAT_F_UP       0x02 /* TCP: the handshake is complete */
#define NAT_F_FIN_LAN  0x04
#define NAT_F_FIN_NODE 0x08
#define NAT_F_RST      0x10
#define NAT_F_SHORT    0x20 /* UDP: has only asked a name server */
#define NAT_F_DNS      0x40 /* has asked the location's DNS server (dns.h) */
#define NAT_F_ALL      0x7f

/*
 * What an entry is found by, seen from one side. From the LAN: the device's
 * address and port; from the node: the inner address and the port there. The
 * remote end takes part for TCP only: a UDP or echo mapping is independent of
 * it (RFC 4787, RFC 5508). The LAN does not know which connection a flow goes
 * by; from the node it counts, as two may have the same address. Ports are in
 * host order, padding is zero.
 */
struct nat_key {
	uint32_t route;
	uint8_t family, proto;
	uint16_t port, remote_port;
	uint16_t conn; /* from the node: which connection; from the LAN 0 */
	uint16_t pad[2];
	uint8_t addr[16], remote[16];
};

/* As it lies in the memfd. */
struct nat_entry {
	uint32_t check; /* over all that never changes; 0: free */
	uint32_t used;  /* clock_now of the last packet that counts */
	struct nat_key lan;
	uint8_t inner[16]; /* the node's address for us when it was made */
	uint16_t port;     /* on the node's side */
	uint8_t flags;
	uint8_t conn; /* of the route, that it goes by */
	uint8_t pad[4];
};

/* Maps the memfd (taken), adopts what is in it. 0, or -1 and errno. */
int nat_table_open(int memfd, bool fresh);
void nat_table_close(void);

struct nat_entry *nat_table_find_lan(const struct nat_key *k);
struct nat_entry *nat_table_find_node(const struct nat_key *k);
/*
 * A new entry; when the device has its share or the table is full, an old one
 * goes. NULL: either key is taken.
 */
struct nat_entry *nat_table_add(const struct nat_key *lan, uint8_t conn,
    const uint8_t *inner, uint16_t port, uint8_t flags);
void nat_table_remove(struct nat_entry *e);
/* A packet that keeps it alive. */
void nat_table_touch(struct nat_entry *e);
/* Seconds it may be idle in its state. */
uint32_t nat_table_limit(const struct nat_entry *e);
/* Looks at the next n slots and removes what is over time. */
void nat_table_sweep(uint32_t n);

uint32_t nat_table_count(uint32_t route);
uint32_t nat_table_total(void);
/* Removes the entries of a route. */
void nat_table_drop(uint32_t route);
/* Those of one connection and family that have another inner address. */
void nat_table_drop_other(
    uint32_t route, uint8_t conn, uint8_t family, const uint8_t *inner);

#endif
