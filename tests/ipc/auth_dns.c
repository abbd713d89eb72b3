/* SPDX-License-Identifier: ISC */
#include "auth_dns.h"

#include <sys/socket.h>

#include <netinet/in.h>

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* Appends a record with the name at `owner` of the message. */
static size_t
dns_record(
    uint8_t *p, uint16_t owner, uint8_t type, const void *data, uint8_t len)
{
	const uint8_t head[] = {(uint8_t)(0xc0 | owner >> 8), (uint8_t)owner, 0,
	    type, 0, 1, 0, 0, 0, 60, 0, len};

	memcpy(p, head, sizeof(head));
	memcpy(p + sizeof(head), data, len);
	return sizeof(head) + len;
}

/* The answer by the first label of the name; its length. */
static size_t
dns_answer(uint8_t *m, size_t len, bool tcp)
{
	static const uint8_t local[4] = {127, 0, 0, 1};
	static const uint8_t alias[] = "\004else\004test"; /* and its 0 */
	const char *label = (const char *)m + 13;
	size_t at = len;
	bool a;

	m[2] = 0x81, m[3] = 0x80;
	a = m[len - 3] == 1; /* A, not AAAA */
	if (strncmp(label, "gone", 4) == 0) {
		m[3] |= 3;
	} else if (strncmp(label, "cut", 3) == 0 && !tcp) {
		m[2] |= 2;
	} else if (strncmp(label, "alias", 5) == 0) {
		m[7] = 1;
		at += dns_record(m + at, 12, 5, alias, sizeof(alias));
	} else if (strncmp(label, "chain", 5) == 0 && a) {
		m[7] = 2;
		at += dns_record(m + at, 12, 5, alias, sizeof(alias));
		at += dns_record(m + at, (uint16_t)(len + 12), 1, local, 4);
	} else if (a) {
		m[7] = 1;
		at += dns_record(m + at, 12, 1, local, 4);
	}
	return at;
}

static void
dns_udp(int fd)
{
	struct sockaddr_in from;
	socklen_t n = sizeof(from);
	uint8_t m[1024], forged[1024];
	ssize_t len = recvfrom(fd, m, 512, 0, (struct sockaddr *)&from, &n);
	size_t out;

	if (len < 17)
		return;
	if (memcmp(m + 13, "forged", 6) == 0) {
		/* first a lie with another id, then one for another name */
		memcpy(forged, m, (size_t)len);
		out = dns_answer(forged, (size_t)len, false);
		forged[out - 1] = 99;
		forged[0] ^= 0x55;
		(void)sendto(fd, forged, out, 0, (struct sockaddr *)&from, n);
		forged[0] ^= 0x55;
		forged[14] ^= 1;
		(void)sendto(fd, forged, out, 0, (struct sockaddr *)&from, n);
	}
	out = dns_answer(m, (size_t)len, false);
	(void)sendto(fd, m, out, 0, (struct sockaddr *)&from, n);
}

static void
dns_tcp(int fd)
{
	uint8_t m[1024];
	int c = accept(fd, NULL, NULL);
	size_t len;

	while (recv(c, m, 2, MSG_WAITALL) == 2) {
		len = (size_t)m[0] << 8 | m[1];
		if (len > 512 ||
		    recv(c, m + 2, len, MSG_WAITALL) != (ssize_t)len)
			break;
		len = dns_answer(m + 2, len, true);
		m[0] = (uint8_t)(len >> 8), m[1] = (uint8_t)len;
		/* in two pieces */
		(void)send(c, m, 1, MSG_NOSIGNAL);
		(void)send(c, m + 1, len + 1, MSG_NOSIGNAL);
	}
	(void)close(c);
}

pid_t
auth_dns_start(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(53)};
	struct pollfd p[2];
	int i, one = 1;
	pid_t pid;

	(void)inet_pton(AF_INET, AUTH_DNS_SERVER, &sin.sin_addr);
	for (i = 0; i < 2; i++) {
		p[i].events = POLLIN;
		p[i].fd = socket(AF_INET, i ? SOCK_STREAM : SOCK_DGRAM, 0);
		(void)setsockopt(
		    p[i].fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		ck_assert_int_eq(
		    bind(p[i].fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	}
	(void)listen(p[1].fd, 5);
	if ((pid = fork()) != 0) {
		(void)close(p[0].fd);
		(void)close(p[1].fd);
		return pid;
	}
	(void)signal(SIGTERM, SIG_DFL); /* not the test runner's */
	while (poll(p, 2, 60000) > 0) {
		if (p[0].revents != 0)
			dns_udp(p[0].fd);
		if (p[1].revents != 0)
			dns_tcp(p[1].fd);
	}
	_exit(0);
}
