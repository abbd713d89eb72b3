/* SPDX-License-Identifier: ISC */
#ifndef AFW_DAEMON_SANDBOX_H
#define AFW_DAEMON_SANDBOX_H

#include "lib/wire/msg.h"

/*
 * The kernel's own fence around a helper, entered after privilege was dropped
 * and before the first byte from outside. Does nothing for AFW_LIB and
 * AFW_SUP, and nothing in builds with sanitizers. With AFWRT_SECCOMP=log in
 * the environment the kernel only writes down what it would have ended the
 * process for.
 */
void afw_sandbox(enum afw_role role);

#endif
