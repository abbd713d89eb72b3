/* SPDX-License-Identifier: ISC */
#include "control_bind.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#include "async.h"
#include "service.h"

#define GROUP     "afwrt"
#define BACKLOG   64
#define SOCK_SIZE (sizeof(((struct sockaddr_un *)0)->sun_path))

int
control_settings_read(const json_t *section, struct control_settings *s)
{
	const json_t *v;
	const struct group *gr;

	*s = (struct control_settings){CTL_SOCKET, "", true, 0};
	if ((v = json_object_get(section, "sock")) != NULL &&
	    (s->sock = json_string_value(v)) == NULL)
		return service_config_error(
		    CONTROL_SECTION, "sock", "must be a string");
	if ((v = json_object_get(section, "async_sock")) != NULL &&
	    (s->async = json_string_value(v)) == NULL)
		return service_config_error(
		    CONTROL_SECTION, "async_sock", "must be a string");
	if (service_flag(section, CONTROL_SECTION, "su_only", &s->su_only) ==
	    -1)
		return -1;
	if (*s->sock != '/' || strlen(s->sock) >= SOCK_SIZE)
		return service_config_error(CONTROL_SECTION, "sock",
		    "must be an absolute path of at most 107 bytes");
	if (!async_path_valid(s->async))
		return service_config_error(CONTROL_SECTION, "async_sock",
		    "must be an absolute path of at most 107 bytes");
	if (s->su_only)
		return 0;
	if ((gr = getgrnam(GROUP)) == NULL)
		return service_config_error(CONTROL_SECTION, "su_only",
		    "is 0, but there is no group \"" GROUP "\"");
	s->group = gr->gr_gid;
	return 0;
}

/* A socket that nobody listens on any more is in the way. */
static int
stale_remove(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), rc, e;
	struct stat st;

	if (lstat(a->sun_path, &st) == -1) {
		(void)close(fd);
		return 0;
	}
	rc = connect(fd, (const void *)a, sizeof(*a));
	e = errno;
	(void)close(fd);
	if (rc == 0 || !S_ISSOCK(st.st_mode)) {
		service_log(3, "control: %s: %s", a->sun_path,
		    rc == 0 ? "another service is running"
			    : "is there and not a socket");
		errno = rc == 0 ? EADDRINUSE : EEXIST;
		return -1;
	}
	if (e == ECONNREFUSED)
		(void)unlink(a->sun_path);
	return 0;
}

/* The owner stays: root, or whom the service was started as. */
static int
mode_set(const struct control_settings *s)
{
	if (s->su_only)
		return chmod(s->sock, 0600);
	if (chown(s->sock, (uid_t)-1, s->group) == -1)
		return -1;
	return chmod(s->sock, 0660);
}

int
control_mode_set(const struct control_settings *s)
{
	if (mode_set(s) == 0)
		return 0;
	service_log(3, "control: %s: %s", s->sock, strerror(errno));
	return -1;
}

/* The file is nobody else's at any time. */
static int
address_take(
    int fd, const struct sockaddr_un *a, const struct control_settings *s)
{
	mode_t mask = umask(0177);
	int rc = bind(fd, (const void *)a, sizeof(*a)), e = errno;

	(void)umask(mask);
	if (rc == -1) {
		errno = e;
		return -1;
	}
	if ((s->su_only || mode_set(s) == 0) && listen(fd, BACKLOG) == 0)
		return 0;
	e = errno;
	(void)unlink(a->sun_path);
	errno = e;
	return -1;
}

int
control_bind(const struct control_settings *s)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd, e;

	(void)strcpy(a.sun_path, s->sock);
	if (stale_remove(&a) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd != -1 && address_take(fd, &a, s) == 0)
		return fd;
	e = errno;
	service_log(3, "control: %s: %s", a.sun_path, strerror(e));
	if (fd != -1)
		(void)close(fd);
	errno = e;
	return -1;
}
