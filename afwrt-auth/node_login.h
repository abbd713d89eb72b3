/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_NODE_LOGIN_H
#define AFWRT_AUTH_NODE_LOGIN_H

#include "fail.h"

struct node_login;

/* A node and who we are there. Text is copied. */
struct node_opts {
	const char *address;  /* what is connected to; "": address6 only */
	const char *address6; /* "": none */
	uint16_t port;
	enum afw_v4v6 policy;
	const char *host; /* SNI, certificate, Host header */
	const char *ca;   /* PEM */
	size_t ca_len;
	const char *username, *password;
	const char *group; /* NULL: the one the node suggests */
};

/*
 * why NULL: cookie is what the tunnel shall send, addr the node's address.
 * permanent: the node refused who we are.
 */
typedef void (*node_login_cb)(void *arg, const char *cookie,
    const struct afw_addr *addr, const struct fail *why);

struct node_login *node_login_start(
    const struct node_opts *o, node_login_cb cb, void *arg);
void node_login_cancel(struct node_login *l);

#endif
