/* SPDX-License-Identifier: ISC */
#ifndef AFW_DAEMON_PRIV_H
#define AFW_DAEMON_PRIV_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

/*
 * Who a helper runs as: a user name, or "uid:gid" in digits where no such
 * account is wanted. 0, or -1 with errno ENOENT.
 */
int afw_user_lookup(const char *user, uid_t *uid, gid_t *gid);

/* Whether the process may use that capability now. */
bool afw_priv_has(unsigned int cap);

/*
 * Gives up root for good: empty root directory, user, groups, every capability
 * but `keep` (bits 1 << CAP_..., may be 0) out of all sets including the
 * bounding set, no_new_privs, Landlock, death with the parent. Then proves it
 * by trying to get root back. Without CAP_SYS_CHROOT there is no empty root
 * directory and Landlock must be there, without Landlock the other way round.
 * Exits (fatal) if any step fails.
 */
void afw_priv_drop(const char *user, const char *chroot_dir, uint64_t keep);

/*
 * For afwrtd, which stays who it is: cuts the bounding, permitted and effective
 * sets to what it has of `keep` and sets no_new_privs. If it is not root the
 * same become inheritable and ambient, for the helpers that it executes.
 */
void afw_priv_cut(uint64_t keep);

#endif
