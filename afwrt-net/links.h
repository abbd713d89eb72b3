/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_LINKS_H
#define AFWRT_NET_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/wire/msg.h"
#include "list.h"
#include "netlink.h"

/* One interface, as far as rules by interface need it. */
struct links_if {
	struct list in;
	uint32_t ifindex;
	uint32_t master; /* it is a port of this bridge, 0 of none */
	uint32_t lower;  /* it is a VLAN on this one, 0 on none */
	bool seen;       /* scratch: met in a dump */
	char name[AFW_IFNAME_SIZE];
};

void links_init(void);
/* Looks at all. 0, or -1 and nl->text. */
int links_dump(struct netlink *nl);
/* RTM_NEWLINK or RTM_DELLINK. True: something a rule may depend on changed. */
bool links_event(const struct nlmsghdr *nlh);
/* NULL: there is none. */
const struct links_if *links_find(uint32_t ifindex);
const struct links_if *links_named(const char *name);
/* A walk: start with NULL; NULL at the end. */
const struct links_if *links_next(const struct links_if *l);

#endif
