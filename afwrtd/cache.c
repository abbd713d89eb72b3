/* SPDX-License-Identifier: ISC */
/*
 * The last good list of locations in config_dir: replaced in one step, so that
 * a power cut leaves the old one or the new one, and not written at all when
 * it is the same, because flash wears out.
 */
#include "cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"
#include "lib/wire/blob.h"
#include "run.h"

#define NAME "locations.cache"
#define TEMP ".locations.cache.new"

void
cache_path(char *path, size_t size)
{
	(void)snprintf(path, size, "%s/" NAME, run_config()->config_dir);
}

static bool
is_same(int dir, const char *data, size_t len)
{
	char *old;
	size_t old_len;
	bool same = false;
	int fd =
	    openat(dir, NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd == -1)
		return false;
	if (afw_file_read(fd, AFW_BLOB_MAX, &old, &old_len) == 0) {
		same = old_len == len && memcmp(old, data, len) == 0;
		free(old);
	}
	(void)close(fd);
	return same;
}

static int
write_all(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, data, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd);
}

static int
replace(int dir, const char *data, size_t len)
{
	int fd, e;

	(void)unlinkat(dir, TEMP, 0);
	fd = openat(dir, TEMP,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return -1;
	if (write_all(fd, data, len) == -1 ||
	    renameat(dir, TEMP, dir, NAME) == -1) {
		e = errno;
		(void)close(fd);
		(void)unlinkat(dir, TEMP, 0);
		errno = e;
		return -1;
	}
	(void)close(fd);
	return fsync(dir);
}

int
cache_save(int fd, uint32_t len)
{
	char *data;
	size_t got;
	int dir, rc = -1, e;

	if (afw_blob_read(fd, AFW_BLOB_MAX, &data, &got) == -1)
		return -1;
	dir =
	    open(run_config()->config_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1)
		goto out;
	if (got != len)
		errno = EPROTO;
	else
		rc = is_same(dir, data, got) ? 0 : replace(dir, data, got);
out:
	e = errno;
	if (rc == -1)
		log_warn(
		    "%s/" NAME ": %s", run_config()->config_dir, strerror(e));
	if (dir != -1)
		(void)close(dir);
	free(data);
	errno = e;
	return rc;
}
