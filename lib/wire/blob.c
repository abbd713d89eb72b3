/* SPDX-License-Identifier: ISC */
#include "blob.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int
afw_blob_make(const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;
	int fd, e;

	fd = memfd_create("afwrt-blob", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd == -1)
		return -1;
	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			goto fail;
		p += n;
		len -= (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == -1)
		goto fail;
	return fd;
fail:
	e = errno;
	(void)close(fd);
	errno = e;
	return -1;
}

int
afw_file_read(int fd, size_t max, char **data, size_t *len)
{
	char *buf = NULL, *bigger;
	size_t have = 0, room = 0;
	ssize_t n;
	int e;

	for (;;) {
		if (have == room) {
			if (room > max) {
				errno = EFBIG;
				goto fail;
			}
			room = room == 0 ? 4096 : room * 2;
			if (room > max + 1)
				room = max + 1;
			if ((bigger = realloc(buf, room + 1)) == NULL)
				goto fail;
			buf = bigger;
		}
		n = pread(fd, buf + have, room - have, (off_t)have);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			errno = EIO;
			goto fail;
		}
		if (n == 0)
			break;
		have += (size_t)n;
		if (have > max) {
			errno = EFBIG;
			goto fail;
		}
	}
	buf[have] = '\0';
	*data = buf;
	*len = have;
	return 0;
fail:
	e = errno;
	free(buf);
	errno = e;
	return -1;
}

int
afw_blob_read(int fd, size_t max, char **data, size_t *len)
{
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals == -1 || (seals & SEALS) != SEALS) {
		errno = EPROTO;
		return -1;
	}
	return afw_file_read(fd, max, data, len);
}
