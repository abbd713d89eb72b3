/* SPDX-License-Identifier: ISC */
#ifndef CTL_KEEPER_LINK_H
#define CTL_KEEPER_LINK_H

#include <limits.h>
#include <stddef.h>

/* Between the service and the keeper: a struct each, at most one descriptor. */

enum keeper_op {
	KEEPER_WRITE = 1,
	KEEPER_CONNECT,
	KEEPER_READ,
	KEEPER_LISTEN,
	KEEPER_SWITCH,
	KEEPER_MODE,
	KEEPER_ASYNC
};

struct keeper_request {
	unsigned int op, number;
	char path[PATH_MAX];
};

/* number is the request's: one that came too late is nobody's. */
struct keeper_answer {
	unsigned int number;
	int err;
};

/* 0, or -1 and errno. */
int keeper_link_send(int link_fd, const void *data, size_t len, int fd);
/* The same; the descriptor that came along is in *fd, or -1. */
int keeper_link_recv(int link_fd, void *data, size_t len, int *fd);

#endif
