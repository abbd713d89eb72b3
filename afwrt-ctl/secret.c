/* SPDX-License-Identifier: ISC */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ctl.h"

static int
failed(const char *path, const char *why, int rc)
{
	(void)fprintf(stderr, "afwrt-ctl: %s: %s\n", path, why);
	return rc;
}

/* Byte by byte, so that nothing of it stays in a buffer of stdio. Its length
 * without the end of the line; -1 and errno, E2BIG: too long. */
static ssize_t
line_read(int fd, char buf[SECRET_SIZE])
{
	size_t n = 0;
	ssize_t got;
	char c;

	for (;;) {
		if ((got = read(fd, &c, 1)) == -1 && errno == EINTR)
			continue;
		if (got == -1)
			return -1;
		if (got == 0 || c == '\n')
			break;
		if (n == SECRET_SIZE - 1) {
			errno = E2BIG;
			return -1;
		}
		buf[n++] = c;
	}
	if (n > 0 && buf[n - 1] == '\r')
		n--;
	memset(buf + n, 0, SECRET_SIZE - n);
	return (ssize_t)n;
}

static ssize_t
terminal_read(const char *what, char buf[SECRET_SIZE])
{
	struct termios was, quiet;
	bool set = tcgetattr(STDIN_FILENO, &was) == 0;
	ssize_t n;

	(void)fprintf(stderr, "%s: ", what);
	if (set) {
		quiet = was;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	n = line_read(STDIN_FILENO, buf);
	if (set)
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	(void)fputc('\n', stderr);
	return n;
}

int
secret_read(const char *path, const char *what, char buf[SECRET_SIZE])
{
	const char *name = path != NULL ? path : "standard input";
	int fd = STDIN_FILENO;
	ssize_t n;

	if (path != NULL && (fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return failed(path, strerror(errno),
		    errno == EACCES ? CTL_NO_PERMISSION : CTL_FAILED);
	if (path == NULL && isatty(STDIN_FILENO))
		n = terminal_read(what, buf);
	else
		n = line_read(fd, buf);
	if (path != NULL)
		(void)close(fd);
	if (n > 0 && memchr(buf, '\0', (size_t)n) == NULL)
		return CTL_DONE;
	explicit_bzero(buf, SECRET_SIZE);
	if (n == -1)
		return failed(name,
		    errno == E2BIG ? "the first line is too long"
				   : strerror(errno),
		    CTL_FAILED);
	return failed(name,
	    n == 0 ? "the first line is empty" : "it has a NUL byte",
	    CTL_FAILED);
}
