/* SPDX-License-Identifier: ISC */
#include "savefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/wire/blob.h"
#include "lib/wire/channel.h"
#include "run.h"

int
savefile_dir(void)
{
	return open(
	    run_config()->config_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool
is_same(int dir, const char *name, const void *data, size_t len)
{
	char *old;
	size_t old_len;
	bool same = false;
	int fd =
	    openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd == -1)
		return false;
	if (afw_file_read(fd, AFW_BLOB_MAX, &old, &old_len) == 0) {
		same = old_len == len && memcmp(old, data, len) == 0;
		afw_wipe(old, old_len);
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
replace(int dir, const char *name, const void *data, size_t len)
{
	char temp[NAME_MAX + 1];
	int fd, e;

	if ((size_t)snprintf(temp, sizeof(temp), ".%s.new", name) >=
	    sizeof(temp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	(void)unlinkat(dir, temp, 0);
	fd = openat(dir, temp,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return -1;
	if (write_all(fd, data, len) == -1 ||
	    renameat(dir, temp, dir, name) == -1) {
		e = errno;
		(void)close(fd);
		(void)unlinkat(dir, temp, 0);
		errno = e;
		return -1;
	}
	(void)close(fd);
	return fsync(dir);
}

int
savefile_replace(const char *name, const void *data, size_t len)
{
	int dir = savefile_dir(), rc, e;

	if (dir == -1)
		return -1;
	rc = is_same(dir, name, data, len) ? 0 : replace(dir, name, data, len);
	e = errno;
	(void)close(dir);
	errno = e;
	return rc;
}
