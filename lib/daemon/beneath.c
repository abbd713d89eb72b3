/* SPDX-License-Identifier: ISC */
/*
 * openat2(2) does it in one call. An older kernel has none, and a service
 * manager's filter may take it away (its flags are behind a pointer, which a
 * filter cannot follow): then each component is opened by itself.
 */
#include "config.h"

#include "beneath.h"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* The next component of *path in name, which is advanced; its length. */
static size_t
component_take(const char **path, char name[NAME_MAX + 1])
{
	size_t n;

	*path += strspn(*path, "/");
	n = strcspn(*path, "/");
	if (n <= NAME_MAX) {
		memcpy(name, *path, n);
		name[n] = '\0';
	}
	*path += n;
	return n;
}

/* A folder on the way; O_PATH opens a link itself, O_DIRECTORY refuses it. */
static int
folder_open(int dir, const char *name)
{
	struct stat st;
	int fd =
	    openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd == -1 && errno == ENOTDIR &&
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		errno = S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
	return fd;
}

/* The last one. With O_PATH alone a link would be opened, not followed. */
static int
end_open(int dir, const char *name, int flags)
{
	struct stat st;
	int fd;

	if ((flags & (O_PATH | O_DIRECTORY)) == (O_PATH | O_DIRECTORY))
		return folder_open(dir, name);
	fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || (flags & O_PATH) == 0)
		return fd;
	if (fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode))
		return fd;
	(void)close(fd);
	errno = ELOOP;
	return -1;
}

/* "a/" means a folder. */
static int
flags_of(int flags, const char *rest)
{
	return *rest == '/' ? flags | O_DIRECTORY : flags;
}

int
afw_open_beneath_walk(int dir, const char *path, int flags)
{
	char name[NAME_MAX + 1];
	int at = dir, next, e;
	size_t n;

	if (*path == '/' || *path == '\0') {
		errno = *path == '/' ? EXDEV : ENOENT;
		return -1;
	}
	for (;;) {
		n = component_take(&path, name);
		if (n > NAME_MAX || strcmp(name, "..") == 0) {
			errno = n > NAME_MAX ? ENAMETOOLONG : EXDEV;
			next = -1;
		} else if (path[strspn(path, "/")] == '\0') {
			next = end_open(at, name, flags_of(flags, path));
		} else {
			next = folder_open(at, name);
		}
		e = errno;
		if (at != dir)
			(void)close(at);
		errno = e;
		if (next == -1 || path[strspn(path, "/")] == '\0')
			return next;
		at = next;
	}
}

int
afw_open_beneath(int dir, const char *path, int flags)
{
	int fd = -1;
#ifdef SYS_openat2
	struct open_how how = {
	    .flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
	    .resolve =
		RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	if (fd != -1 || (errno != ENOSYS && errno != EPERM))
		return fd;
#endif
	fd = afw_open_beneath_walk(dir, path, flags);
	return fd;
}
