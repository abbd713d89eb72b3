/* SPDX-License-Identifier: ISC */
#include "blob.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"

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

static void
drop(char *buf, size_t have)
{
	if (buf == NULL)
		return;
	afw_wipe(buf, have); /* credentials are read this way too */
	free(buf);
}

/* As realloc, but leaves nothing behind when it moves. */
static char *
grow(char *buf, size_t have, size_t room)
{
	char *bigger = malloc(room);

	if (bigger == NULL)
		return NULL;
	if (have > 0)
		memcpy(bigger, buf, have);
	drop(buf, have);
	return bigger;
}

/* Reads on until the buffer is full. 1 it is, 0 end of file, -1 errno. */
static int
fill(int fd, char *buf, size_t *have, size_t room)
{
	ssize_t n;

	while (*have < room) {
		n = pread(fd, buf + *have, room - *have, (off_t)*have);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			errno = EIO;
			return -1;
		}
		if (n == 0)
			return 0;
		*have += (size_t)n;
	}
	return 1;
}

int
afw_file_read(int fd, size_t max, char **data, size_t *len)
{
	char *buf = NULL, *bigger;
	size_t have = 0, room = 2048;
	int rc, e;

	do {
		room = room * 2 > max ? max + 1 : room * 2;
		if ((bigger = grow(buf, have, room + 1)) == NULL)
			goto fail;
		buf = bigger;
		if ((rc = fill(fd, buf, &have, room)) == -1)
			goto fail;
		if (have > max) {
			errno = EFBIG;
			goto fail;
		}
	} while (rc == 1);
	buf[have] = '\0';
	*data = buf;
	*len = have;
	return 0;
fail:
	e = errno;
	drop(buf, have);
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
