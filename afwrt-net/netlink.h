/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_NET_NETLINK_H
#define AFWRT_NET_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

/* What went wrong: a code for the reply and a sentence for the reader. */
struct nerr {
	unsigned int code; /* enum afw_error */
	bool soon;         /* it may pass by itself: a dying process' */
	char text[184];
};

/* Fills e in; always -1, so that a caller can return it. */
int nerr_set(struct nerr *e, unsigned int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A netlink socket for requests. */
struct netlink {
	struct mnl_socket *sk;
	uint32_t port, seq;
	char text[128]; /* of the last failure, the kernel's own words in it */
};

typedef void (*netlink_cb)(const struct nlmsghdr *nlh, void *arg);

/* 0, or -1 and errno. */
int netlink_open(struct netlink *nl, int bus);
void netlink_close(struct netlink *nl);
/* For a monitor: non-blocking, and a member of these groups (ends with 0). */
int netlink_listen(struct netlink *nl, int bus, const unsigned int *groups);

/* Starts a message in buf; more room than any of ours needs: */
#define NETLINK_MSG_SIZE 4096
struct nlmsghdr *netlink_msg(void *buf, uint16_t type, uint16_t flags,
    const void *head, size_t head_len);

/*
 * One request, its ack awaited. 0, or -1 with errno as the kernel gave it
 * (ETIMEDOUT: it gave none) and text.
 */
int netlink_talk(struct netlink *nl, struct nlmsghdr *nlh);
/* One request answered by messages (or by one), each given to cb. */
int netlink_get(
    struct netlink *nl, struct nlmsghdr *nlh, netlink_cb cb, void *arg);
/*
 * A dump. When it was interrupted by a change it is repeated: again(arg), if
 * there is one, forgets what was collected so far.
 */
int netlink_dump(struct netlink *nl, struct nlmsghdr *nlh, netlink_cb cb,
    void (*again)(void *), void *arg);

/* An nftables transaction: taken whole by the kernel, or not at all. */
struct netlink_batch {
	uint8_t *buf;
	size_t len, size;
	size_t last;    /* where the last message stands */
	uint32_t first; /* sequence number of the opening */
};

/* Room for one message of up to 64 KiB at the end, and its number. */
void *netlink_batch_next(
    struct netlink *nl, struct netlink_batch *b, uint32_t *seq);
/* The message there is complete. */
void netlink_batch_add(struct netlink_batch *b, const struct nlmsghdr *nlh);
/* Sends, awaits the verdict, empties the batch. 0, or -1, errno and text. */
int netlink_batch_run(struct netlink *nl, struct netlink_batch *b);

#endif
