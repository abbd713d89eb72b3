/* SPDX-License-Identifier: ISC */
/*
 * One request, one answer over a socket pair. All that the process may touch is
 * opened or fixed before the service parses its first request, or stands in the
 * configuration file, which it reads itself.
 */
#include "keeper.h"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

#include "keeper_control.h"
#include "keeper_link.h"
#include "keeper_watch.h"
#include "lib/daemon/beneath.h"

#define FOLDER   "/etc/afwrt"
#define FOLDERS  3
#define LINK_FD  3
#define DUMP_MAX (2 * 1024 * 1024)
#define WAIT_S   5

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
do_write(struct keeper_request *q, int from)
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

/* ---- the keeper: requests ------------------------------------------------ */

/* *out: what goes back with the answer. 0, or -1 and errno. */
static int
request_do(struct keeper_request *q, int in, int *out)
{
	errno = EINVAL;
	switch (q->op) {
	case KEEPER_WRITE:
		return do_write(q, in);
	case KEEPER_CONNECT:
		return (*out = keeper_control_connect()) == -1 ? -1 : 0;
	case KEEPER_READ:
		return (*out = keeper_control_read()) == -1 ? -1 : 0;
	case KEEPER_LISTEN:
		return (*out = keeper_control_listen()) == -1 ? -1 : 0;
	case KEEPER_SWITCH:
		return keeper_control_switch();
	case KEEPER_MODE:
		return keeper_control_mode();
	case KEEPER_ASYNC:
		return keeper_control_async();
	default:
		return -1;
	}
}

static void
serve(void)
{
	struct keeper_answer a;
	struct keeper_request q;
	int in, out;

	while (keeper_watch_request(link_fd, &q.number) == 0 &&
	    keeper_link_recv(link_fd, &q, sizeof(q), &in) == 0) {
		out = -1;
		a.number = q.number;
		a.err = request_do(&q, in, &out) == 0 ? 0 : errno;
		if (in != -1)
			(void)close(in);
		(void)keeper_link_send(link_fd, &a, sizeof(a), out);
		if (out != -1)
			(void)close(out);
		keeper_watch_answered();
	}
}

/* What others own may be to be reached, and the control socket be given to its
 * group; nothing else is left of root. */
static void
privilege_cut(void)
{
	static const uint32_t kept =
	    UINT32_C(1) << CAP_DAC_OVERRIDE | UINT32_C(1) << CAP_CHOWN;
	struct __user_cap_header_struct h = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {{0, 0, 0}, {0, 0, 0}};
	int c;

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	for (c = 0; c <= CAP_LAST_CAP; c++)
		if (c != CAP_DAC_OVERRIDE && c != CAP_CHOWN)
			(void)prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	if (syscall(SYS_capget, &h, d) == -1)
		_exit(1);
	/* a service manager may have taken it already */
	d[0].permitted &= kept;
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
keeper_main(int fd, const char *config, const char *control, bool passed,
    const char *async)
{
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL);
	fds_arrange(fd);
	folders_open(config);
	(void)umask(077);
	if (keeper_control_begin(config, control, passed, async) == -1 ||
	    chdir("/") == -1)
		_exit(1);
	privilege_cut();
	keeper_watch(link_fd, serve);
	keeper_control_end();
	_exit(0);
}

/* ---- the service -------------------------------------------------------- */

int
keeper_start(
    const char *config, const char *control, bool passed, const char *async)
{
	struct timeval wait = {.tv_sec = WAIT_S};
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1)
		return -1;
	if ((keeper = fork()) == 0)
		keeper_main(sv[1], config, control, passed, async);
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
ask(enum keeper_op op, const char *path, int fd, int *out)
{
	static unsigned int number;
	struct keeper_request q = {.op = op, .number = ++number};
	struct keeper_answer a;

	*out = -1;
	(void)snprintf(q.path, sizeof(q.path), "%s", path);
	if (link_fd == -1) {
		errno = EPIPE;
		return -1;
	}
	if (keeper_link_send(link_fd, &q, sizeof(q), fd) == -1)
		return -1;
	do {
		if (*out != -1)
			(void)close(*out);
		if (keeper_link_recv(link_fd, &a, sizeof(a), out) == -1)
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
	    ? ask(KEEPER_WRITE, path, fd, &out)
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

	return ask(KEEPER_CONNECT, "", -1, &fd) == 0 ? fd : -1;
}

int
keeper_read(void)
{
	int fd;

	return ask(KEEPER_READ, "", -1, &fd) == 0 ? fd : -1;
}

int
keeper_listen(void)
{
	int fd;

	return ask(KEEPER_LISTEN, "", -1, &fd) == 0 ? fd : -1;
}

/* For what answers without a descriptor. */
static int
order(enum keeper_op op)
{
	int fd, rc = ask(op, "", -1, &fd);

	if (fd != -1)
		(void)close(fd);
	return rc;
}

int
keeper_switch(void)
{
	return order(KEEPER_SWITCH);
}

int
keeper_mode(void)
{
	return order(KEEPER_MODE);
}

int
keeper_async(void)
{
	return order(KEEPER_ASYNC);
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
