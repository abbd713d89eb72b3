/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "files.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cache.h"
#include "child.h"
#include "lib/daemon/beneath.h"
#include "lib/daemon/log.h"
#include "relay.h"
#include "run.h"
#include "wg.h"

#define SYSTEM_CA "/etc/ssl/certs/ca-certificates.crt"
#define RESOLV    "/etc/resolv.conf"
#define HOSTS     "/etc/hosts"

/* Bytes that may wait for afwrt-auth before it gets no more files. */
#define FILES_QUEUE_MAX 4096

static char last_error[188];
static char verify_path[AFW_URL_SIZE];
static struct stat resolv_sent;
static int tun_fd = -1;    /* the TUN, kept for the next afwrt-net */
static int tun_given = -1; /* hydra_tun_fd: the application's */

const char *
files_last_error(void)
{
	return last_error;
}

static int
error_set(const char *path, int e)
{
	const struct passwd *pw = NULL;

	if (e == EACCES && geteuid() != 0)
		pw = getpwuid(geteuid());
	(void)snprintf(last_error, sizeof(last_error), "%.120s: %s%s%.32s",
	    path, strerror(e), pw != NULL ? " for user " : "",
	    pw != NULL ? pw->pw_name : "");
	errno = e;
	return -1;
}

const char *
files_url_path(const char *url)
{
	if (strncmp(url, "file:", 5) != 0)
		return NULL;
	url += 5;
	return strncmp(url, "///", 3) == 0 ? url + 2 : url;
}

/* An ordinary file; never waits for a FIFO or a device. */
static int
regular_open(const char *path, struct stat *st)
{
	int fd;

	if (path[0] != '/')
		return error_set(path, EINVAL);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1)
		return error_set(path, errno);
	if (fstat(fd, st) == -1 || !S_ISREG(st->st_mode)) {
		(void)close(fd);
		return error_set(path, EINVAL);
	}
	return fd;
}

int
files_check(const char *path)
{
	struct stat st;
	int fd = regular_open(path, &st);

	if (fd == -1)
		return -1;
	(void)close(fd);
	return 0;
}

static int
file_send(enum afw_file which, const char *path, struct stat *st)
{
	struct afw_m_auth_file f = {.which = which};
	int fd = regular_open(path, st);

	if (fd == -1)
		return -1;
	f.mode = st->st_mode;
	return afw_link_send(
	    &child_get(AFW_AUTH)->link, AFW_MSG_AUTH_FILE, 0, &f, fd);
}

int
files_send(enum afw_file which, const char *path)
{
	struct stat st;

	if (file_send(which, path, &st) == 0)
		return 0;
	log_warn("file %s", last_error);
	return -1;
}

static void
resolv_send(void)
{
	if (file_send(AFW_FILE_RESOLV, RESOLV, &resolv_sent) == -1)
		memset(&resolv_sent, 0, sizeof(resolv_sent));
}

void
files_send_all(void)
{
	const char *ca = run_is_configured() && run_config()->ca_file[0] != '\0'
	    ? run_config()->ca_file
	    : SYSTEM_CA;
	char cache[AFW_PATH_SIZE + 32];
	struct stat st;

	if (strcmp(ca, SYSTEM_CA) != 0)
		(void)files_send(AFW_FILE_CA, ca);
	else if (file_send(AFW_FILE_CA, ca, &st) == -1)
		log_info("file %s: servers without a ca_file are refused "
			 "(Debian: package ca-certificates)",
		    last_error);
	resolv_send();
	(void)file_send(AFW_FILE_HOSTS, HOSTS, &st);
	if (!run_is_configured())
		return;
	cache_path(cache, sizeof(cache));
	(void)file_send(AFW_FILE_CACHE, cache, &st);
}

/* By look, not by inotify: a bind mount or the target of a symbolic link
 * changes without an event in /etc. */
void
files_resolv_check(void)
{
	struct stat st;

	if (child_get(AFW_AUTH)->state != CHILD_UP || stat(RESOLV, &st) == -1)
		return;
	if (st.st_dev == resolv_sent.st_dev &&
	    st.st_ino == resolv_sent.st_ino &&
	    st.st_size == resolv_sent.st_size &&
	    st.st_mtim.tv_sec == resolv_sent.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == resolv_sent.st_mtim.tv_nsec)
		return;
	log_debug("%s: changed", RESOLV);
	resolv_send();
}

void
files_verify_path_set(const char *path)
{
	(void)afw_str_set(
	    verify_path, sizeof(verify_path), path != NULL ? path : "");
}

/* ---- the TUN ------------------------------------------------------------- */

int
files_keep_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_keep *k = (const void *)m->payload;

	(void)arg;
	(void)l;
	if (k->route != 0) {
		wg_tun_keep(k->route, afw_msg_take_fd(m));
		return 0;
	}
	files_keep_close();
	tun_fd = afw_msg_take_fd(m);
	return 0;
}

void
files_keep_close(void)
{
	if (tun_fd != -1)
		(void)close(tun_fd);
	tun_fd = -1;
}

void
files_tun_given_set(int fd)
{
	if (tun_given != -1)
		(void)close(tun_given);
	tun_given = fd;
}

int
files_tun_open_new(void)
{
	const char *path = run_config()->tun_dev_path;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd != -1 ? fd : error_set(path, errno);
}

int
files_tun_open(void)
{
	int held = tun_fd != -1 ? tun_fd : tun_given;

	return held != -1 ? fcntl(held, F_DUPFD_CLOEXEC, 0)
			  : files_tun_open_new();
}

/* ---- FILE_GET ------------------------------------------------------------ */

/* Opens name below the folder of the file at path: no way up, no links. */
static int
beside_open(const char *path, const char *name)
{
	char dir[AFW_URL_SIZE];
	struct stat st;
	int dirfd, fd, e;

	(void)snprintf(dir, sizeof(dir), "%s", path);
	*(strrchr(dir, '/') + 1) = '\0';
	if ((dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
		return -1;
	fd = afw_open_beneath(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	e = errno;
	(void)close(dirfd);
	errno = e;
	if (fd != -1 && (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))) {
		(void)close(fd);
		errno = EACCES;
		return -1;
	}
	return fd;
}

/* Beside any file: backend that is configured, or the one of VERIFY_USER. */
static int
name_open(const char *name)
{
	const struct afw_m_backend *b;
	const char *path;
	unsigned int i;
	int fd = -1;

	errno = ENOENT;
	for (i = 0; i < AFW_BACKENDS_MAX && fd == -1; i++) {
		b = relay_backend(i);
		path = b != NULL ? files_url_path(b->url) : NULL;
		if (path != NULL && path[0] == '/')
			fd = beside_open(path, name);
	}
	if (fd == -1 && verify_path[0] == '/')
		fd = beside_open(verify_path, name);
	return fd;
}

int
files_get_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_filename *f = (const void *)m->payload;
	int fd;

	(void)arg;
	if (l->chan.queued > FILES_QUEUE_MAX) /* each holds a descriptor */
		return AFW_EBUSY;
	fd = name_open(f->name);
	if (fd == -1) {
		int e = errno;

		(void)error_set(f->name, e);
		afw_link_status(
		    l, m->hdr.id, afw_error_from_errno(e), "%s", last_error);
		return 0;
	}
	(void)afw_link_send(l, AFW_MSG_FILE, m->hdr.id, NULL, fd);
	return 0;
}

int
files_save_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_blob *b = (const void *)m->payload;

	(void)arg;
	if (!run_is_configured())
		return AFW_EINVAL;
	if (cache_save(m->fd, b->len) == -1)
		afw_link_status(l, m->hdr.id, afw_error_from_errno(errno),
		    "%s: %s", "locations.cache", strerror(errno));
	else
		afw_link_status(l, m->hdr.id, AFW_OK, NULL);
	return 0;
}
