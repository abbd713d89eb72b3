/* SPDX-License-Identifier: ISC */
/* The last good list of locations in config_dir. */
#include "cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/daemon/log.h"
#include "lib/wire/blob.h"
#include "run.h"
#include "savefile.h"

#define NAME "locations.cache"

void
cache_path(char *path, size_t size)
{
	(void)snprintf(path, size, "%s/" NAME, run_config()->config_dir);
}

int
cache_save(int fd, uint32_t len)
{
	char *data;
	size_t got;
	int rc = -1, e;

	if (afw_blob_read(fd, AFW_BLOB_MAX, &data, &got) == -1)
		return -1;
	if (got != len)
		errno = EPROTO;
	else
		rc = savefile_replace(NAME, data, got);
	e = errno;
	if (rc == -1)
		log_warn(
		    "%s/" NAME ": %s", run_config()->config_dir, strerror(e));
	free(data);
	errno = e;
	return rc;
}
