/* SPDX-License-Identifier: ISC */
/*
 * Landlock, the sandbox that needs no privilege: a ruleset that handles all
 * that this kernel knows and has no rule allows nothing. A descriptor that
 * somebody else opened keeps the rights it was opened with.
 *
 * The interface is the kernel's, Documentation/userspace-api/landlock.rst;
 * the headers of a system may be older than its kernel, so the numbers are
 * here.
 */
#include "config.h"

#include "landlock.h"

#include <sys/syscall.h>

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* The same on every architecture but alpha. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif
#ifndef LANDLOCK_CREATE_RULESET_VERSION
#define LANDLOCK_CREATE_RULESET_VERSION (1U << 0)
#endif

/* struct landlock_ruleset_attr; an older kernel takes it with zeros. */
struct ruleset {
	uint64_t fs, net, scoped;
};

#define BITS(n) ((UINT64_C(1) << (n)) - 1)

/* What came with which version of the interface. */
static const struct {
	long abi;
	struct ruleset adds;
} versions[] = {
    {1, {.fs = BITS(13)}},          /* EXECUTE to MAKE_SYM */
    {2, {.fs = UINT64_C(1) << 13}}, /* REFER */
    {3, {.fs = UINT64_C(1) << 14}}, /* TRUNCATE */
    {4, {.net = UINT64_C(1) << 0}}, /* BIND_TCP */
    {5, {.fs = UINT64_C(1) << 15}}, /* IOCTL_DEV */
    {6, {.scoped = UINT64_C(3)}},   /* ABSTRACT_UNIX_SOCKET, SIGNAL */
};

bool
afw_landlock(void)
{
	struct ruleset r = {0, 0, 0};
	long abi, fd, rc;
	size_t i;
	int e;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return false;
	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		if (versions[i].abi > abi)
			break;
		r.fs |= versions[i].adds.fs;
		r.net |= versions[i].adds.net;
		r.scoped |= versions[i].adds.scoped;
	}
	fd = syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0);
	if (fd == -1)
		return false;
	rc = syscall(SYS_landlock_restrict_self, (int)fd, 0);
	e = errno;
	(void)close((int)fd);
	errno = e;
	return rc == 0;
}
