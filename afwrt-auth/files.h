/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_FILES_H
#define AFWRT_AUTH_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/wire/msg.h"

struct afw_msg;
struct files_get;

/* A file that afwrtd gave us; text ends in NUL. */
struct file {
	char *text; /* NULL: not given, or could not be read */
	size_t len;
	uint32_t mode;
};

/* AUTH_FILE: takes the fd and reads it. */
void files_take(struct afw_msg *m);
const struct file *files_find(enum afw_file which);
/* From now on the file is this. */
void files_put(enum afw_file which, const char *text, size_t len);

/* A file beside the backend's own; f NULL: why says the reason. */
typedef void (*files_cb)(void *arg, const struct file *f, const char *why);
struct files_get *files_get(const char *name, files_cb cb, void *arg);
void files_cancel(struct files_get *g);

#endif
