/* SPDX-License-Identifier: ISC */
#ifndef AFW_DAEMON_PRIV_H
#define AFW_DAEMON_PRIV_H

#include <sys/types.h>

#include <stdint.h>

/*
 * Who a helper runs as: a user name, or "uid:gid" in digits where no such
 * account is wanted. 0, or -1 with errno ENOENT.
 */
int afw_user_lookup(const char *user, uid_t *uid, gid_t *gid);

/*
 * Gives up root for good: empty root directory, user, groups, every capability
 * but `keep` (bits 1 << CAP_..., may be 0) out of all sets including the
 * bounding set, no_new_privs, death with the parent. Then proves it by trying
 * to get root back. Exits (fatal) if any step fails.
 */
void afw_priv_drop(const char *user, const char *chroot_dir, uint64_t keep);

/*
 * For afwrtd, which stays root: cuts the bounding, permitted and effective
 * sets to `keep` and sets no_new_privs.
 */
void afw_priv_cut(uint64_t keep);

#endif
