/* SPDX-License-Identifier: ISC */
/* Files of the system: opened by afwrtd, which may; read here. */
#include "files.h"

#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/daemon.h"
#include "lib/daemon/log.h"
#include "lib/wire/blob.h"
#include "resolve.h"

#define FILE_LIMIT   (1024 * 1024)
#define FILE_TIMEOUT 5000 /* ms */

struct files_get {
	files_cb cb;
	void *arg;
};

static struct file files[AFW_FILE_MAX];

static const char *const names[AFW_FILE_MAX] = {
    [AFW_FILE_CA] = "trust anchors",
    [AFW_FILE_RESOLV] = "resolv.conf",
    [AFW_FILE_BACKEND] = "backend file",
    [AFW_FILE_CACHE] = "cached locations",
    [AFW_FILE_HOSTS] = "hosts",
    [AFW_FILE_VERIFY] = "backend file to verify with",
};

static void
file_clear(struct file *f)
{
	if (f->text != NULL)
		afw_wipe(f->text, f->len);
	free(f->text);
	memset(f, 0, sizeof(*f));
}

const struct file *
files_find(enum afw_file which)
{
	return &files[which];
}

void
files_put(enum afw_file which, const char *text, size_t len)
{
	struct file *f = &files[which];

	file_clear(f);
	if ((f->text = malloc(len + 1)) == NULL)
		fatal("auth: out of memory");
	memcpy(f->text, text, len);
	f->text[len] = '\0';
	f->len = len;
	f->mode = 0600;
}

void
files_take(struct afw_msg *m)
{
	const struct afw_m_auth_file *p = (const void *)m->payload;
	struct file *f = &files[p->which];
	int fd = afw_msg_take_fd(m);

	file_clear(f);
	if (afw_file_read(fd, FILE_LIMIT, &f->text, &f->len) == -1) {
		log_warn(
		    "%s: cannot be read: %s", names[p->which], strerror(errno));
		f->text = NULL;
	}
	f->mode = p->mode;
	(void)close(fd);
	if (f->text != NULL && p->which == AFW_FILE_RESOLV)
		resolve_set_resolv_conf(f->text);
	if (f->text != NULL && p->which == AFW_FILE_HOSTS)
		resolve_set_hosts(f->text);
}

static void
files_reply(void *arg, unsigned int code, const char *text, struct afw_msg *m)
{
	struct files_get *g = arg, copy = *g;
	struct file f = {.text = NULL};
	const char *why = text;
	struct stat st;
	int fd;

	free(g);
	if (code == AFW_OK && m != NULL && m->hdr.type == AFW_MSG_FILE) {
		fd = afw_msg_take_fd(m);
		if (fstat(fd, &st) == -1 ||
		    afw_file_read(fd, FILE_LIMIT, &f.text, &f.len) == -1)
			why = strerror(errno);
		else
			f.mode = st.st_mode;
		(void)close(fd);
	}
	copy.cb(copy.arg, f.text != NULL ? &f : NULL, why);
	file_clear(&f);
}

struct files_get *
files_get(const char *name, files_cb cb, void *arg)
{
	struct files_get *g = calloc(1, sizeof(*g));
	struct afw_m_filename p;

	if (g == NULL)
		fatal("auth: out of memory");
	g->cb = cb;
	g->arg = arg;
	if (afw_str_set(p.name, sizeof(p.name), name) == -1 ||
	    afw_link_request(afw_daemon_sup(), AFW_MSG_FILE_GET, &p, -1,
		FILE_TIMEOUT, false, files_reply, g) == 0) {
		free(g);
		return NULL;
	}
	return g;
}

void
files_cancel(struct files_get *g)
{
	afw_link_cancel(afw_daemon_sup(), g);
	free(g);
}
