/* SPDX-License-Identifier: ISC */
/*
 * Paths come from the configuration file, read here as root left it, never from
 * the service. What was made of them is in memory that the next keeper sees as
 * well, so that a socket is removed also after a keeper was killed.
 */
#include "keeper_control.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control_bind.h"
#include "service.h"

#define PATH_SIZE (sizeof(((struct sockaddr_un *)0)->sun_path))

/* A socket that we made: another one at its path is not ours. */
struct made {
	char path[PATH_SIZE]; /* "": none */
	dev_t dev;
	ino_t ino;
	bool passed; /* it is the service manager's to remove */
};

struct state {
	struct made control, next;
	char async[PATH_SIZE];
};

static char config_path[PATH_MAX];
static struct state *state;

static void
made_note(struct made *m, const char *path)
{
	struct stat st;

	m->path[0] = '\0';
	if (lstat(path, &st) == -1)
		return;
	m->passed = false;
	m->dev = st.st_dev;
	m->ino = st.st_ino;
	(void)snprintf(m->path, sizeof(m->path), "%s", path);
}

static void
made_remove(struct made *m)
{
	struct stat st;

	if (m->path[0] != '\0' && !m->passed && lstat(m->path, &st) == 0 &&
	    st.st_dev == m->dev && st.st_ino == m->ino)
		(void)unlink(m->path);
	m->path[0] = '\0';
}

int
keeper_control_begin(
    const char *config, const char *control, bool passed, const char *async)
{
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (state == MAP_FAILED)
		return -1;
	made_note(&state->control, control);
	state->control.passed = passed;
	(void)snprintf(state->async, sizeof(state->async), "%s", async);
	(void)snprintf(config_path, sizeof(config_path), "%s", config);
	return 0;
}

void
keeper_control_end(void)
{
	made_remove(&state->next);
	made_remove(&state->control);
}

/* ---- what was there before ---------------------------------------------- */

/* The file that the service was started with, as it is now. */
int
keeper_control_read(void)
{
	struct stat st;
	int fd =
	    open(config_path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd == -1 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
		return fd;
	(void)close(fd);
	errno = EINVAL;
	return -1;
}

int
keeper_control_connect(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int e;

	(void)strcpy(to.sun_path, state->async);
	if (fd == -1 || connect(fd, (void *)&to, sizeof(to)) == 0)
		return fd;
	e = errno;
	(void)close(fd);
	errno = e;
	return -1;
}

/* ---- changes ------------------------------------------------------------ */

/* fn with the section as it is now. 0 or a descriptor, or -1 and errno. */
static int
with_section(int (*fn)(const struct control_settings *))
{
	struct control_settings s;
	const json_t *section;
	json_t *config;
	int fd = keeper_control_read(), rc = 0, e;

	if (fd == -1)
		return -1;
	errno = EINVAL;
	if ((config = service_config_read(fd, config_path)) == NULL)
		return -1;
	section = service_section(config, CONTROL_SECTION, &rc);
	if (section == NULL || rc == -1 ||
	    control_settings_read(section, &s) == -1) {
		e = EINVAL;
		rc = -1;
	} else {
		rc = fn(&s);
		e = errno;
	}
	json_decref(config);
	errno = e;
	return rc;
}

/* One that nobody switched to is given up. */
static int
listen_at(const struct control_settings *s)
{
	int fd;

	made_remove(&state->next);
	if ((fd = control_bind(s)) != -1)
		made_note(&state->next, s->sock);
	return fd;
}

int
keeper_control_listen(void)
{
	return with_section(listen_at);
}

/* Killed in between, it is the next keeper that finds the new one's name twice:
 * removal looks at the file. */
int
keeper_control_switch(void)
{
	struct made former = state->control;

	state->control = state->next;
	made_remove(&former);
	state->next.path[0] = '\0';
	return 0;
}

static int
mode_set(const struct control_settings *s)
{
	const struct made *m = &state->control;
	char self[32];
	struct stat st;
	int fd = open(m->path, O_PATH | O_NOFOLLOW | O_CLOEXEC), rc = -1, e;

	if (fd == -1)
		return -1;
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (fstat(fd, &st) == -1 || st.st_dev != m->dev || st.st_ino != m->ino)
		errno = ESTALE;
	else if (chmod(self, 0600) == 0 &&
	    fchownat(fd, "", (uid_t)-1, s->su_only ? getegid() : s->group,
		AT_EMPTY_PATH) == 0 &&
	    chmod(self, s->su_only ? 0600 : 0660) == 0)
		rc = 0;
	e = errno;
	(void)close(fd);
	errno = e;
	return rc;
}

int
keeper_control_mode(void)
{
	return with_section(mode_set);
}

static int
async_take(const struct control_settings *s)
{
	(void)strcpy(state->async, s->async);
	return 0;
}

int
keeper_control_async(void)
{
	return with_section(async_take);
}
