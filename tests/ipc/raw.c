/* SPDX-License-Identifier: ISC */
#include "raw.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define FDS_MAX 10

void
raw_open(struct raw *r, unsigned int from, unsigned int to, unsigned int phase)
{
	int sv[2];

	ck_assert_int_eq(afw_chan_pair(sv), 0);
	ck_assert_int_eq(afw_chan_init(&r->rx, sv[0], to, from), 0);
	r->tx = sv[1];
	r->rx.phase = (uint8_t)phase;
	r->rx.self_gen = RAW_SELF_GEN;
	r->rx.peer_gen = RAW_GEN;
	memset(&r->m, 0xa5, sizeof(r->m)); /* what is not filled in shows */
}

void
raw_close(struct raw *r)
{
	afw_chan_close(&r->rx);
	(void)close(r->tx);
}

struct afw_hdr
raw_header(const struct afw_row *row)
{
	struct afw_hdr h = {.type = row->type,
	    .flags = row->kind == AFW_RP ? AFW_F_REPLY : 0,
	    .id = row->kind == AFW_EV ? 0 : 17,
	    .gen = RAW_GEN,
	    .len = row->size};

	return h;
}

static void
iov_send(struct raw *r, struct iovec *iov, size_t n, unsigned int nfds)
{
	union {
		struct cmsghdr h;
		char buf[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} ctrl;
	struct msghdr mh = {.msg_iov = iov, .msg_iovlen = n};
	struct cmsghdr *cm;
	int fd[FDS_MAX];
	unsigned int i;

	for (i = 0; i < nfds; i++)
		fd[i] = r->tx;
	if (nfds > 0) {
		memset(&ctrl, 0, sizeof(ctrl));
		mh.msg_control = ctrl.buf;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(cm), fd, nfds * sizeof(int));
	}
	ck_assert_int_ge(sendmsg(r->tx, &mh, MSG_NOSIGNAL), 0);
}

void
raw_send(struct raw *r, const struct afw_hdr *h, const void *payload,
    size_t len, unsigned int nfds)
{
	struct iovec iov[2] = {
	    {.iov_base = (void *)(uintptr_t)h, .iov_len = sizeof(*h)},
	    {.iov_base = (void *)(uintptr_t)payload, .iov_len = len}};

	iov_send(r, iov, 2, nfds);
}

void
raw_bytes(struct raw *r, const void *data, size_t n, unsigned int nfds)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = n};

	iov_send(r, &iov, 1, nfds);
}

void
raw_accepted(struct raw *r, const struct afw_row *row, const char *what)
{
	int rc = afw_chan_recv(&r->rx, &r->m);

	ck_assert_msg(
	    rc == 1, "%s, %s: refused: %s", row->name, what, r->rx.why);
	ck_assert_ptr_eq(r->m.row, row);
	ck_assert_uint_eq((uintptr_t)r->m.payload % 8, 0);
}

/* True if the buffer still has what payload.c puts into secret rows. */
static bool
has_secret(const struct afw_msg *m)
{
	return memmem(m->payload, sizeof(m->payload), "secret-", 7) != NULL ||
	    memmem(m->payload, sizeof(m->payload), "tttttttt", 8) != NULL;
}

void
raw_refused(struct raw *r, const char *why, const char *what)
{
	int rc = afw_chan_recv(&r->rx, &r->m);
	int e = errno;

	ck_assert_msg(
	    rc == -1 && e == EPROTO, "%s: not refused (%d)", what, rc);
	ck_assert_msg(strstr(r->rx.why, why) != NULL,
	    "%s: \"%s\" is not about \"%s\"", what, r->rx.why, why);
	ck_assert_msg(r->m.fd == -1, "%s: fd delivered", what);
	ck_assert_msg(!has_secret(&r->m), "%s: secret left behind", what);
}

void
raw_stale(struct raw *r, const char *what)
{
	uint64_t before = r->rx.stale;
	int rc = afw_chan_recv(&r->rx, &r->m);

	ck_assert_msg(rc == 0, "%s: not dropped (%d)", what, rc);
	ck_assert_uint_eq(r->rx.stale, before + 1);
	ck_assert_msg(!has_secret(&r->m), "%s: secret left behind", what);
}

unsigned int
fds_open(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}
