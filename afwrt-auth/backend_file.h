/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_BACKEND_FILE_H
#define AFWRT_AUTH_BACKEND_FILE_H

#include "backend.h"
#include "files.h"

struct backend_file;

/* Answers a call from a file: backend. p must stay until the answer. */
struct backend_file *backend_file_call(enum afw_file which, enum call call,
    const struct params *p, backend_cb cb, void *arg);
void backend_file_cancel(struct backend_file *b);

/* ---- backend_file_wg.c ------------------------------------------------- */

/*
 * Adds what the wg-quick file says to the answer: servers and wireguard. 0,
 * or -1 and why, of that size. name is for the log.
 */
int backend_file_wg(json_t *answer, const char *name, const struct file *f,
    char *why, size_t size);

#endif
