/* SPDX-License-Identifier: ISC */
/*
 * What lib/tls costs: connects to a TLS server, writes so many MB in records
 * of 1400 bytes, or asks it for a file and reads that. Prints the CPU time of
 * this process, which is what a tunnel pays; the server is another process.
 * usage: tls_speed PORT CA.pem MB|FILE        (see tls_speed.sh)
 */
#include <sys/resource.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/tls/tls.h"

#define RECORD 1400
#define BATCH  45

static struct afw_tls *t;

static void
fail(const char *what)
{
	(void)fprintf(stderr, "tls_speed: %s: %s, %s\n", what,
	    t != NULL ? afw_tls_error(t) : "", strerror(errno));
	exit(1);
}

static void
wait_fd(void)
{
	struct pollfd p = {.fd = afw_tls_fd(t), .events = afw_tls_events(t)};

	if (poll(&p, 1, 10000) <= 0)
		fail("nothing moves");
}

static void
dial(const char *port, const char *ca)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	char pem[65536];
	int fd = open(ca, O_RDONLY | O_CLOEXEC), r;
	ssize_t n = read(fd, pem, sizeof(pem));

	if (n <= 0)
		fail(ca);
	(void)close(fd);
	sin.sin_port = htons((uint16_t)atoi(port));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		fail("connect");
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	if ((t = afw_tls_new(fd, "127.0.0.1", pem, (size_t)n)) == NULL)
		fail("tls");
	while ((r = afw_tls_handshake(t)) == 0)
		wait_fd();
	if (r == -1)
		fail("handshake");
}

static double
up(size_t bytes)
{
	static const char data[RECORD];
	size_t done = 0;
	int i, r;

	while (done < bytes) {
		for (i = 0; i < BATCH; i++, done += RECORD)
			if (afw_tls_write(t, data, RECORD) == -1)
				fail("write");
		while ((r = afw_tls_flush(t)) == 0)
			wait_fd();
		if (r == -1)
			fail("flush");
	}
	return (double)done;
}

static double
down(const char *file)
{
	char buf[65536];
	double done = 0;
	ssize_t n;
	int len = snprintf(buf, sizeof(buf), "GET /%s HTTP/1.0\r\n\r\n", file);

	if (afw_tls_write(t, buf, (size_t)len) == -1 || afw_tls_flush(t) == -1)
		fail("write");
	while ((n = afw_tls_read(t, buf, sizeof(buf))) != 0) {
		if (n == -1 && errno == EAGAIN)
			wait_fd();
		else if (n == -1)
			fail("read");
		else
			done += (double)n;
	}
	return done;
}

static double
seconds(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec / 1e6;
}

int
main(int argc, char **argv)
{
	struct rusage a, b;
	double done, user, sys;
	long mb;

	if (argc != 4)
		return 2;
	dial(argv[1], argv[2]);
	mb = strtol(argv[3], NULL, 10);
	(void)getrusage(RUSAGE_SELF, &a);
	done = mb > 0 ? up((size_t)mb * 1000000) : down(argv[3]);
	(void)getrusage(RUSAGE_SELF, &b);
	user = seconds(&b.ru_utime) - seconds(&a.ru_utime);
	sys = seconds(&b.ru_stime) - seconds(&a.ru_stime);
	(void)printf("%s: %.0f MB, user %.3f s, system %.3f s: %.0f MB/s of "
		     "user time, %.2f CPU s a GB\n",
	    mb > 0 ? "up" : "down", done / 1e6, user, sys, done / 1e6 / user,
	    (user + sys) * 1e9 / done);
	afw_tls_free(t);
	return 0;
}
