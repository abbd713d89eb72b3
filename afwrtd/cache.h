/* SPDX-License-Identifier: ISC */
#ifndef AFWRTD_CACHE_H
#define AFWRTD_CACHE_H

#include <stddef.h>
#include <stdint.h>

/* config_dir/locations.cache */
void cache_path(char *path, size_t size);
/* Replaces it by the bytes of a blob. 0, or -1 and errno. */
int cache_save(int fd, uint32_t len);

#endif
