/* SPDX-License-Identifier: ISC */
/*
 * What outlives everything about a WireGuard location: its key pair's private
 * half and the last timestamp that a handshake used. A helper that asks for
 * what is not its own is taken over, or might as well be.
 */
#include "state.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "lib/daemon/log.h"
#include "run.h"
#include "savefile.h"

#define NAME_SIZE (AFW_LOCATION_SIZE + 16)

static bool
may_have(const struct child *c, uint32_t kind)
{
	if (c->role == (kind == AFW_STATE_WG_KEY ? AFW_AUTH : AFW_TUN))
		return true;
	log_err("%s: asked for state of kind %u, which is not its own", c->prog,
	    kind);
	return false;
}

/* A location has letters, digits, '.', '_' and '-': the message's check. */
static void
name_of(char name[NAME_SIZE], uint32_t kind, const char *location)
{
	(void)snprintf(name, NAME_SIZE, "wg-%s.%s", location,
	    kind == AFW_STATE_WG_KEY ? "key" : "stamp");
}

/* NULL, or why the file is not to be believed. */
static const char *
refuses(const struct stat *st, size_t max)
{
	if (!S_ISREG(st->st_mode))
		return "is not an ordinary file";
	if (st->st_uid != geteuid() || (st->st_mode & 077) != 0)
		return "may be read or written by others than root; "
		       "check whom it was shown to, then chmod 600";
	if (st->st_size < 1 || (size_t)st->st_size > max)
		return "has not the size of what was saved";
	return NULL;
}

static int
file_open(const char *name)
{
	int dir = savefile_dir(), fd, e;

	if (dir == -1)
		return -1;
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	e = errno;
	(void)close(dir);
	errno = e;
	return fd;
}

/* 0, or -1 with errno and *why if there is more to say than errno does. */
static int
file_read(int fd, struct afw_m_state *s, const char **why)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) == -1)
		return -1;
	if ((*why = refuses(&st, sizeof(s->data))) != NULL) {
		errno = EACCES;
		return -1;
	}
	n = read(fd, s->data, sizeof(s->data));
	if (n <= 0) {
		errno = n == 0 ? EIO : errno;
		return -1;
	}
	s->len = (uint32_t)n;
	return 0;
}

static int
file_load(const char *name, struct afw_m_state *s)
{
	const char *why = NULL;
	int fd = file_open(name), rc = -1, e;

	if (fd != -1)
		rc = file_read(fd, s, &why);
	e = errno;
	if (rc == -1 && e != ENOENT)
		log_err("%s/%s: %s: not used", run_config()->config_dir, name,
		    why != NULL ? why : strerror(e));
	if (fd != -1)
		(void)close(fd);
	errno = e;
	return rc;
}

static void
failed(struct afw_link *l, const struct afw_msg *m, const char *name, int e)
{
	afw_link_status(
	    l, m->hdr.id, afw_error_from_errno(e), "%s: %s", name, strerror(e));
}

int
state_get_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_state_get *g = (const void *)m->payload;
	struct afw_m_state s = {.kind = g->kind};
	char name[NAME_SIZE];

	if (!may_have(arg, g->kind))
		return -1;
	if (!run_is_configured())
		return AFW_EINVAL;
	name_of(name, g->kind, g->location);
	memcpy(s.location, g->location, sizeof(s.location));
	if (file_load(name, &s) == -1)
		failed(l, m, name, errno);
	else
		(void)afw_link_send(l, AFW_MSG_STATE, m->hdr.id, &s, -1);
	afw_wipe(&s, sizeof(s));
	return 0;
}

int
state_save_handle(void *arg, struct afw_link *l, struct afw_msg *m)
{
	const struct afw_m_state *s = (const void *)m->payload;
	char name[NAME_SIZE];

	if (!may_have(arg, s->kind))
		return -1;
	if (!run_is_configured())
		return AFW_EINVAL;
	name_of(name, s->kind, s->location);
	if (savefile_replace(name, s->data, s->len) == 0) {
		afw_link_status(l, m->hdr.id, AFW_OK, NULL);
		return 0;
	}
	log_err("%s/%s: %s: not saved", run_config()->config_dir, name,
	    strerror(errno));
	failed(l, m, name, errno);
	return 0;
}
