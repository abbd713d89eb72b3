/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_CHROOT_H
#define AFWRTD_CHROOT_H

/* Makes the empty directory that helpers are locked into, and its parents;
 * exits with the reason when it cannot be trusted. */
void chroot_prepare(const char *path);

#endif
