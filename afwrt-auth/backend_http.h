/* SPDX-License-Identifier: ISC */
#ifndef AFWRT_AUTH_BACKEND_HTTP_H
#define AFWRT_AUTH_BACKEND_HTTP_H

#include "backend.h"
#include "url.h"

struct backend_http;

/* One try at one backend over HTTP(S). u and p are only read now. */
struct backend_http *backend_http_call(const struct url *u, enum call call,
    const struct params *p, backend_cb cb, void *arg);
void backend_http_cancel(struct backend_http *b);

#endif
