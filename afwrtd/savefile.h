/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_SAVEFILE_H
#define AFWRTD_SAVEFILE_H

#include <stddef.h>

/*
 * Replaces a file of config_dir in one step, so that a power cut leaves the
 * old one or the new one; root's only, mode 0600, no symbolic link followed.
 * A file that has these bytes already is not written, because flash wears
 * out. 0, or -1 and errno.
 */
int savefile_replace(const char *name, const void *data, size_t len);
/* The folder, for openat; -1 and errno. */
int savefile_dir(void);

#endif
