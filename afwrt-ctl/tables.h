/* SPDX-License-Identifier: ISC */
#ifndef CTL_TABLES_H
#define CTL_TABLES_H

#include <stdio.h>

/*
 * The kernel's tables as far as the suite is concerned, read by netlink: no
 * program has to be there. Each prints what could not be read.
 */

void tables_links(FILE *f);
void tables_addrs(FILE *f);
/* Of all tables but "local". */
void tables_routes(FILE *f);
void tables_rules(FILE *f);
/* Chains and rules of the suite's own tables. */
void tables_nft(FILE *f);

#endif
