/* SPDX-License-Identifier: ISC */
/*
 * One request, one answer over a socket pair: a struct each, with at most one
 * descriptor. All that the process may touch is opened or fixed before the
 * service parses its first request.
 */
#include "keeper.h"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/beneath.h"

#define FOLDER   "/etc/afwrt"
#define FOLDERS  3
#define LINK_FD  3
#define DUMP_MAX (2 * 1024 * 1024)
#define WAIT_S   5

enum op { OP_WRITE = 1, OP_CONNECT, OP_READ };

struct request {
	unsigned int op, number;
	char path[PATH_MAX];
};

/* number is the request's: one that came too late is nobody's. */
struct answer {
	unsigned int number;
	int err;
};

struct folder {
	char path[PATH_MAX];
	int fd;
};

/* The service's end; in the keeper its own. */
static int link_fd = -1;
static pid_t keeper;

/* The keeper's. */
static struct folder folders[FOLDERS];
static unsigned int n_folders;
static struct sockaddr_un async_address = {.sun_family = AF_UNIX};
static char control_path[sizeof(async_address.sun_path)];
static char config_path[PATH_MAX];
static struct stat control_stat;

/* ---- messages with a descriptor ----------------------------------------- */

static int
message_send(const void *data, size_t len, int fd)
{
	struct iovec v = {(void *)(uintptr_t)data, len};
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} c = {.room = {0}};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	if (fd != -1) {
		m.msg_control = c.room;
		m.msg_controllen = sizeof(c.room);
		c.h.cmsg_level = SOL_SOCKET;
		c.h.cmsg_type = SCM_RIGHTS;
		c.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	}
	return sendmsg(link_fd, &m, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -1;
}

/* The descriptor that came along is in *fd, or -1. */
static int
message_recv(void *data, size_t len, int *fd)
{
	struct iovec v = {data, len};
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} c;
	struct msghdr m = {.msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = c.room,
	    .msg_controllen = sizeof(c.room)};
	const struct cmsghdr *h;
	ssize_t n;

	*fd = -1;
	do
		n = recvmsg(link_fd, &m, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	h = CMSG_FIRSTHDR(&m);
	if (h != NULL && h->cmsg_level == SOL_SOCKET &&
	    h->cmsg_type == SCM_RIGHTS && h->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(h), sizeof(*fd));
	if (n == (ssize_t)len)
		return 0;
	errno = EPIPE;
	return -1;
}

/* ---- the keeper: writing ------------------------------------------------ */

static void
folder_add(const char *path)
{
	struct folder *f = &folders[n_folders];

	if (n_folders == FOLDERS || strlen(path) >= sizeof(f->path))
		return;
	f->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (f->fd == -1)
		return;
	(void)strcpy(f->path, path);
	n_folders++;
}

/* That of the file, as it was named and as it really is. */
static void
folders_open(const char *config)
{
	char real[PATH_MAX], named[PATH_MAX];

	folder_add(FOLDER);
	if (realpath(config, real) == NULL)
		return;
	*strrchr(real, '/') = '\0';
	folder_add(real[0] != '\0' ? real : "/");
	if (*config != '/' || strlen(config) >= sizeof(named))
		return;
	(void)strcpy(named, config);
	*strrchr(named, '/') = '\0';
	if (strcmp(named, real) != 0)
		folder_add(named[0] != '\0' ? named : "/");
}

/* The folder that a path lies in, opened without a way out of the three. */
static int
parent_open(const char *path, const char **name)
{
	char rest[PATH_MAX];
	unsigned int i;
	size_t n;

	for (i = 0; i < n_folders; i++) {
		n = strlen(folders[i].path);
		if (strncmp(path, folders[i].path, n) == 0 && path[n] == '/')
			break;
	}
	if (i == n_folders) {
		errno = EPERM;
		return -1;
	}
	*name = strrchr(path, '/') + 1;
	(void)snprintf(rest, sizeof(rest), ".%.*s",
	    (int)((size_t)(*name - path) - n), path + n);
	return afw_open_beneath(folders[i].fd, rest, O_PATH | O_DIRECTORY);
}

/* A short write is followed by one that says why. */
static int
write_all(int to, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		if ((n = write(to, data, len)) == -1)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Errors of write and of what makes it last. */
static int
copy(int from, int to)
{
	char buf[65536];
	size_t total = 0;
	ssize_t n;

	while ((n = pread(from, buf, sizeof(buf), (off_t)total)) > 0) {
		if (write_all(to, buf, (size_t)n) == -1)
			return -1;
		total += (size_t)n;
		if (total > DUMP_MAX) {
			errno = EFBIG;
			return -1;
		}
	}
	explicit_bzero(buf, sizeof(buf));
	return n == -1 ? -1 : fsync(to);
}

/* Nothing but a file is replaced: no folder, link, FIFO, device. */
static int
target_check(int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return errno == ENOENT ? 0 : -1;
	if (S_ISREG(st.st_mode))
		return 0;
	errno = S_ISDIR(st.st_mode) ? EISDIR : EEXIST;
	return -1;
}

/* The new name lasts. */
static int
folder_sync(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd == -1)
		return -1;
	rc = fsync(fd);
	(void)close(fd);
	return rc;
}

/* Beside the target, which is as it was until all of it is on the disk. What
 * a keeper that was killed has left there is replaced the next time. */
static int
file_replace(int dir, const char *name, int from)
{
	char temp[NAME_MAX + 1];
	int fd, rc, e;

	if (snprintf(temp, sizeof(temp), ".%s.new", name) >=
	    (int)sizeof(temp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (target_check(dir, name) == -1)
		return -1;
	(void)unlinkat(dir, temp, 0);
	fd = openat(dir, temp,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	rc = copy(from, fd);
	e = errno;
	if (close(fd) == -1 && rc == 0) {
		rc = -1;
		e = errno;
	}
	if (rc == 0 && renameat(dir, temp, dir, name) == 0)
		return folder_sync(dir);
	e = rc == 0 ? errno : e;
	(void)unlinkat(dir, temp, 0);
	errno = e;
	return -1;
}

static int
do_write(struct request *q, int from)
{
	const char *name;
	int dir, rc, e;

	q->path[sizeof(q->path) - 1] = '\0';
	if (from == -1 || (dir = parent_open(q->path, &name)) == -1)
		return -1;
	rc = file_replace(dir, name, from);
	e = errno;
	(void)close(dir);
	errno = e;
	return rc;
}

/* ---- the keeper: the rest ----------------------------------------------- */

static int
do_connect(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int e;

	if (fd == -1 ||
	    connect(fd, (void *)&async_address, sizeof(async_address)) == 0)
		return fd;
	e = errno;
	(void)close(fd);
	errno = e;
	return -1;
}

/* The file that the service was started with, as it is now. */
static int
do_read(void)
{
	struct stat st;
	int fd =
	    open(config_path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd == -1 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
		return fd;
	(void)close(fd);
	errno = EINVAL;
	return -1;
}

static void
serve(void)
{
	struct answer a;
	struct request q;
	int in, out;

	while (message_recv(&q, sizeof(q), &in) == 0) {
		out = -1;
		a.number = q.number;
		errno = EINVAL;
		if (q.op == OP_WRITE)
			a.err = do_write(&q, in) == 0 ? 0 : errno;
		else if (q.op == OP_CONNECT)
			a.err = (out = do_connect()) != -1 ? 0 : errno;
		else if (q.op == OP_READ)
			a.err = (out = do_read()) != -1 ? 0 : errno;
		else
			a.err = EINVAL;
		if (in != -1)
			(void)close(in);
		(void)message_send(&a, sizeof(a), out);
		if (out != -1)
			(void)close(out);
	}
}

/* Ours still, not that of a service that came after. */
static void
control_remove(void)
{
	struct stat st;

	if (control_path[0] != '\0' && lstat(control_path, &st) == 0 &&
	    st.st_dev == control_stat.st_dev &&
	    st.st_ino == control_stat.st_ino)
		(void)unlink(control_path);
}

/* What others own may be to be reached; nothing else is left of root. */
static void
privilege_cut(void)
{
	struct __user_cap_header_struct h = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {{0, 0, 0}, {0, 0, 0}};
	int c;

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	for (c = 0; c <= CAP_LAST_CAP; c++)
		if (c != CAP_DAC_OVERRIDE)
			(void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	if (syscall(SYS_capget, &h, d) == -1)
		_exit(1);
	/* a service manager may have taken it already */
	d[0].permitted &= UINT32_C(1) << CAP_DAC_OVERRIDE;
	d[0].effective = d[0].permitted;
	d[0].inheritable = 0;
	memset(&d[1], 0, sizeof(d[1]));
	if (syscall(SYS_capset, &h, d) == -1)
		_exit(1);
}

static void
fds_arrange(int fd)
{
	int i;

	if (dup2(fd, LINK_FD) == -1)
		_exit(1);
	link_fd = LINK_FD;
	if (syscall(SYS_close_range, LINK_FD + 1, ~0U, 0) == 0)
		return;
	for (i = LINK_FD + 1; i < 1024; i++)
		(void)close(i);
}

/* Ends with the service: its end of the pair is the only sign that counts. */
static void
keeper_main(int fd, const char *config)
{
	(void)prctl(PR_SET_NAME, "afwrt-keeper");
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	fds_arrange(fd);
	folders_open(config);
	(void)umask(077);
	if (chdir("/") == -1)
		_exit(1);
	privilege_cut();
	serve();
	control_remove();
	_exit(0);
}

/* ---- the service -------------------------------------------------------- */

int
keeper_start(const char *config, const char *control, const char *async)
{
	struct timeval wait = {.tv_sec = WAIT_S};
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1)
		return -1;
	(void)snprintf(control_path, sizeof(control_path), "%s", control);
	if (lstat(control, &control_stat) == -1)
		control_path[0] = '\0';
	(void)snprintf(async_address.sun_path, sizeof(async_address.sun_path),
	    "%s", async);
	(void)snprintf(config_path, sizeof(config_path), "%s", config);
	if ((keeper = fork()) == 0)
		keeper_main(sv[1], config);
	(void)close(sv[1]);
	if (keeper == -1) {
		(void)close(sv[0]);
		return -1;
	}
	link_fd = sv[0];
	(void)setsockopt(link_fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return 0;
}

/* 0 or -1 and errno; *out is what came with the answer. */
static int
ask(enum op op, const char *path, int fd, int *out)
{
	static unsigned int number;
	struct request q = {.op = op, .number = ++number};
	struct answer a;

	*out = -1;
	(void)snprintf(q.path, sizeof(q.path), "%s", path);
	if (link_fd == -1) {
		errno = EPIPE;
		return -1;
	}
	if (message_send(&q, sizeof(q), fd) == -1)
		return -1;
	do {
		if (*out != -1)
			(void)close(*out);
		if (message_recv(&a, sizeof(a), out) == -1)
			return -1;
	} while (a.number != number);
	errno = a.err;
	return a.err == 0 ? 0 : -1;
}

int
keeper_write(const char *path, const char *text, size_t len)
{
	int fd, out, rc, e;

	if (strlen(path) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((fd = memfd_create("afwrt-dump", MFD_CLOEXEC)) == -1)
		return -1;
	rc = write(fd, text, len) == (ssize_t)len
	    ? ask(OP_WRITE, path, fd, &out)
	    : -1;
	e = errno;
	(void)close(fd);
	errno = e;
	return rc;
}

int
keeper_connect(void)
{
	int fd;

	return ask(OP_CONNECT, "", -1, &fd) == 0 ? fd : -1;
}

int
keeper_read(void)
{
	int fd;

	return ask(OP_READ, "", -1, &fd) == 0 ? fd : -1;
}

void
keeper_stop(void)
{
	if (link_fd == -1)
		return;
	(void)close(link_fd);
	link_fd = -1;
	while (waitpid(keeper, NULL, 0) == -1 && errno == EINTR)
		;
}
