/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_BACKEND_FILE_H
#define AFWRT_AUTH_BACKEND_FILE_H

#include "backend.h"

struct backend_file;

/* Answers a call from a file: backend. p must stay until the answer. */
struct backend_file *backend_file_call(enum afw_file which, enum call call,
    const struct params *p, backend_cb cb, void *arg);
void backend_file_cancel(struct backend_file *b);

#endif
