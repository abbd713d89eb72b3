/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_ASK_H
#define AFWRTD_ASK_H

#include "child.h"

/*
 * A request to a helper that may be in the middle of a restart: it waits until
 * the helper works, and is sent once more when the helper died over it. A
 * secret is held only until the helper has it and is then never sent again.
 *
 * cb runs exactly once (with many: until the STATUS), never before this
 * returns. Without an answer m is NULL and code is AFW_ETIMEDOUT (deadline),
 * AFW_EPIPE (the helper is gone; text says why) or AFW_EBUSY (too many wait).
 */
void ask(enum afw_role to, enum afw_msg_type type, const void *payload,
    unsigned int timeout_ms, bool many, afw_reply_cb cb, void *arg);
/* As ask; before it the file is opened and sent as AUTH_FILE of this kind. */
void ask_with_file(enum afw_file which, const char *path,
    enum afw_msg_type type, const void *payload, unsigned int timeout_ms,
    afw_reply_cb cb, void *arg);
/* NET_WG_SET, each time it is sent with the TUN of its route. */
void ask_with_tun(const struct afw_m_net_wg_set *set, unsigned int timeout_ms,
    afw_reply_cb cb, void *arg);

/* The helper works now, or never will again. */
void ask_flush(struct child *c);
void ask_fail(struct child *c);

#endif
