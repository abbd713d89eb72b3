/* SPDX-License-Identifier: ISC */
#include "chroot.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/log.h"
#include "lib/wire/msg.h"

static void
parents_make(const char *path)
{
	char part[AFW_PATH_SIZE];
	char *p;

	if ((size_t)snprintf(part, sizeof(part), "%s", path) >= sizeof(part))
		fatal_config("%s: path too long", path);
	for (p = strchr(part + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(part, 0755) == -1 && errno != EEXIST)
			fatal_config("%s: %s", part, strerror(errno));
		*p = '/';
	}
	if (mkdir(part, 0555) == -1 && errno != EEXIST)
		fatal_config("%s: %s", part, strerror(errno));
}

static bool
is_empty(int fd)
{
	DIR *d = fdopendir(fd);
	const struct dirent *e;
	bool empty = true;

	if (d == NULL)
		return false;
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			empty = false;
	(void)closedir(d);
	return empty;
}

void
chroot_prepare(const char *path)
{
	mode_t old = umask(0);
	struct stat st;
	int fd;

	parents_make(path);
	(void)umask(old);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1)
		fatal_config("%s: %s", path, strerror(errno));
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		fatal_config("%s: may be written by others than root", path);
	if (!is_empty(fd))
		fatal_config("%s: is not empty", path);
}
