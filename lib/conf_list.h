/* SPDX-License-Identifier: ISC */
#ifndef AFW_CONF_LIST_H
#define AFW_CONF_LIST_H

#include <jansson.h>

#include "conf.h"

/* The keys with lists: backends and rules. 0, or -1 and the last error. */
int conf_list_backends(struct conf *c, const char *key, json_t *v);
int conf_list_ips(struct conf *c, const char *key, json_t *v);
int conf_list_macs(struct conf *c, const char *key, json_t *v);
int conf_list_ifaces(struct conf *c, const char *key, json_t *v);

#endif
