/* SPDX-License-Identifier: ISC */
/*
 * lib/tls against real servers on loopback: gnutls-serv echoes, openssl
 * s_server sends large records. Our end is one side of a socketpair; the test
 * carries the bytes to the server, counts TLS records on the way, and can
 * hold them back so that sends are partial.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/tls/tls.h"

static char dir[] = "/tmp/check_tls.XXXXXX";

/* ---- certificates ------------------------------------------------------ */

static const char script[] =
    "set -e; cd %s; exec >/dev/null 2>&1\n"
    "ca() { openssl req -x509 -newkey rsa:2048 -nodes -keyout $1.key"
    " -out $1.pem -subj /CN=$1 -days 30; }\n"
    /* name, bits, subjectAltName, first and last day */
    "leaf() { openssl req -new -newkey rsa:$2 -nodes -keyout $1.key"
    " -out $1.csr -subj /CN=leaf; printf 'subjectAltName=%%s\\n' $3 >$1.ext;"
    " openssl ca -batch -config ca.cnf -in $1.csr -out $1.pem -notext"
    " -startdate $4 -enddate $5 -extfile $1.ext; }\n"
    "cat >ca.cnf <<E\n"
    "[ca]\ndefault_ca=d\n[d]\ndir=.\ndatabase=index\nserial=serial\n"
    "new_certs_dir=.\ncertificate=ca.pem\nprivate_key=ca.key\n"
    "default_md=sha256\npolicy=p\nunique_subject=no\n"
    "[p]\ncommonName=supplied\nE\n"
    "touch index; echo 01 >serial; ca ca; ca other\n"
    "leaf good 2048 DNS:node.test,IP:127.0.0.1,IP:::1"
    " 20200101000000Z 20490101000000Z\n"
    "leaf old 2048 DNS:node.test 20200101000000Z 20210101000000Z\n"
    "leaf new 2048 DNS:node.test 20480101000000Z 20490101000000Z\n"
    "leaf weak 1024 DNS:node.test 20200101000000Z 20490101000000Z\n"
    "head -c 300000 /dev/zero | tr '\\0' x >big\n";

static void
make_certs(void)
{
	char cmd[4096];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(cmd, sizeof(cmd), script, dir);
	ck_assert_msg(system(cmd) == 0, "openssl makes no certificates");
}

static void
remove_certs(void)
{
	char cmd[128];

	(void)snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static char *
slurp(const char *name, size_t *len)
{
	char path[256], *p = malloc(65536);
	int fd;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_ne(fd = open(path, O_RDONLY), -1);
	ck_assert_int_gt(n = read(fd, p, 65536), 0);
	(void)close(fd);
	*len = (size_t)n;
	return p;
}

/* ---- the server -------------------------------------------------------- */

static pid_t server;
static uint16_t port;

static int
listen_any(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	port = ntohs(sin.sin_port);
	return fd;
}

/* Starts argv (with a port in it) in dir; returns when it says `ready`. */
static void
server_start(const char *ready, const char *const argv[])
{
	char buf[4096];
	size_t have = 0;
	int p[2];
	ssize_t n;

	ck_assert_int_eq(pipe(p), 0);
	if ((server = fork()) == 0) {
		(void)dup2(p[1], 1);
		(void)dup2(p[1], 2);
		(void)close(p[0]);
		if (chdir(dir) == 0)
			(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)close(p[1]);
	for (buf[0] = '\0'; strstr(buf, ready) == NULL; have += (size_t)n) {
		n = read(p[0], buf + have, sizeof(buf) - 1 - have);
		ck_assert_msg(n > 0, "%s did not start: %s", argv[0], buf);
		buf[have + (size_t)n] = '\0';
	}
	/* p[0] stays open: the server must not die of SIGPIPE */
}

static void
server_stop(void)
{
	if (server > 0) {
		(void)kill(server, SIGKILL);
		(void)waitpid(server, NULL, 0);
	}
	server = 0;
}

static void
start_echo(const char *cert, const char *prio)
{
	char crt[64], key[64], num[16];
	const char *argv[] = {"gnutls-serv", "--echo", "--disable-client-cert",
	    "--x509certfile", crt, "--x509keyfile", key, "--port", num,
	    "--priority", prio, NULL};

	(void)close(listen_any());
	(void)snprintf(crt, sizeof(crt), "%s.pem", cert);
	(void)snprintf(key, sizeof(key), "%s.key", cert);
	(void)snprintf(num, sizeof(num), "%u", port);
	server_start("done\n", argv);
}

static void
start_openssl(const char *mode, const char *cipher)
{
	char num[32];
	const char *argv[] = {"openssl", "s_server", "-accept", num, "-cert",
	    "good.pem", "-key", "good.key", mode, "-cipher", cipher, NULL};

	(void)close(listen_any());
	(void)snprintf(num, sizeof(num), "127.0.0.1:%u", port);
	server_start("ACCEPT", argv);
}

/* ---- the way between --------------------------------------------------- */

static struct afw_tls *t;
static int far_end, net; /* the other end of t's socket, the server */
static size_t records, skip, head_have; /* application data records sent */
static uint8_t head[5];
static bool hold; /* nothing is carried towards the server */
static int flip;  /* 1: spoil the end of what the server says, 2: its start */

static void
count_records(const uint8_t *p, size_t len)
{
	while (len > 0) {
		if (skip > 0) {
			size_t n = skip < len ? skip : len;
			skip -= n, p += n, len -= n;
			continue;
		}
		head[head_have++] = *p++, len--;
		if (head_have == 5) {
			head_have = 0;
			skip = (size_t)head[3] << 8 | head[4];
			records += head[0] == 23;
		}
	}
}

static void
carry(int from, int to, bool count)
{
	uint8_t buf[65536];
	ssize_t n = recv(from, buf, sizeof(buf), MSG_DONTWAIT);
	size_t done = 0;

	if (n == 0 || (n == -1 && errno != EAGAIN))
		(void)shutdown(to, SHUT_WR);
	if (n <= 0)
		return;
	if (count)
		count_records(buf, (size_t)n);
	else if (flip != 0)
		buf[flip == 1 ? n - 1 : 0] ^= 1;
	while (done < (size_t)n) {
		ssize_t w =
		    send(to, buf + done, (size_t)n - done, MSG_NOSIGNAL);
		if (w == -1)
			return;
		done += (size_t)w;
	}
}

/* Waits until something can move, moves it. */
static void
turn(void)
{
	struct pollfd p[] = {
	    {.fd = far_end, .events = hold ? 0 : POLLIN},
	    {.fd = net, .events = POLLIN},
	    {.fd = afw_tls_fd(t), .events = afw_tls_events(t)},
	};

	if (poll(p, 3, 5000) <= 0)
		ck_abort_msg("nothing moves");
	if ((p[0].revents & POLLIN) != 0)
		carry(far_end, net, true);
	if (p[1].revents != 0)
		carry(net, far_end, false);
}

static void
dial(const char *host, const char *ca)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_port = htons(port)};
	int sp[2], size = 65536;
	size_t len;
	char *pem = slurp(ca, &len);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	net = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(net, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sp), 0);
	(void)setsockopt(sp[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	(void)fcntl(sp[0], F_SETFL, O_NONBLOCK);
	far_end = sp[1];
	records = skip = head_have = 0;
	hold = false;
	flip = 0;
	t = afw_tls_new(sp[0], host, pem, len);
	ck_assert_ptr_nonnull(t);
	free(pem);
}

static int
shake(void)
{
	int r;

	while ((r = afw_tls_handshake(t)) == 0)
		turn();
	return r;
}

static void
hang_up(void)
{
	afw_tls_free(t);
	(void)close(far_end);
	(void)close(net);
}

/* Reads exactly len bytes. */
static void
expect(char *buf, size_t len)
{
	size_t have = 0;
	ssize_t n;

	while (have < len) {
		n = afw_tls_read(t, buf + have, len - have);
		if (n == -1 && errno == EAGAIN) {
			ck_assert_int_ne(afw_tls_flush(t), -1);
			turn();
			continue;
		}
		ck_assert_msg(n > 0, "read: %zd, %s", n, afw_tls_error(t));
		have += (size_t)n;
	}
}

static void
refused(const char *host, const char *ca, const char *why)
{
	dial(host, ca);
	ck_assert_int_eq(shake(), -1);
	ck_assert_str_eq(afw_tls_error(t), why);
	/* it stays that way */
	ck_assert_int_eq(afw_tls_handshake(t), -1);
	ck_assert_int_eq(afw_tls_write(t, "x", 1), -1);
	hang_up();
}

static void
accepted(const char *host)
{
	char buf[8];

	dial(host, "ca.pem");
	ck_assert_msg(shake() == 1, "%s: %s", host, afw_tls_error(t));
	ck_assert_int_eq(afw_tls_write(t, "hello\n", 6), 0);
	expect(buf, 6);
	ck_assert_mem_eq(buf, "hello\n", 6);
	hang_up();
}

/* The suites of TLS 1.2 that we speak, by openssl's names. */
static const char *const ciphers[] = {"ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"};

/* ---- cases ------------------------------------------------------------- */

START_TEST(good)
{
	start_echo("good", "NORMAL");
	accepted("node.test");
	accepted("127.0.0.1");
	accepted("::1");
}
END_TEST

START_TEST(names)
{
	start_echo("good", "NORMAL");
	refused("other.test", "ca.pem", "wrong name");
	refused("127.0.0.2", "ca.pem", "wrong name");
	refused("::2", "ca.pem", "wrong name");
	refused("leaf", "ca.pem", "wrong name"); /* CN is not looked at */
	refused("node.test", "other.pem", "unknown authority");
	refused("127.0.0.1", "other.pem", "unknown authority");
}
END_TEST

START_TEST(dates)
{
	start_echo("old", "NORMAL");
	refused("node.test", "ca.pem", "expired");
	server_stop();
	start_echo("new", "NORMAL");
	refused("node.test", "ca.pem", "not yet valid");
}
END_TEST

START_TEST(weak)
{
	start_echo("weak", "NORMAL:%PROFILE_VERY_WEAK");
	refused("node.test", "ca.pem", "weak key");
}
END_TEST

START_TEST(old_protocols)
{
	start_echo(
	    "good", "NORMAL:-VERS-ALL:+VERS-TLS1.1:+SHA1:%PROFILE_VERY_WEAK");
	dial("node.test", "ca.pem");
	ck_assert_int_eq(shake(), -1);
	hang_up();
	server_stop();
	start_echo("good",
	    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-AES-256-GCM:"
	    "-AES-128-GCM:-CHACHA20-POLY1305");
	dial("node.test", "ca.pem");
	ck_assert_int_eq(shake(), -1);
	hang_up();
	server_stop();
	start_echo("good",
	    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-AES-256-GCM:"
	    "-AES-128-GCM");
	accepted("node.test");
}
END_TEST

START_TEST(no_ca)
{
	int sp[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sp), 0);
	ck_assert_ptr_null(afw_tls_new(sp[0], "a", "rubbish", 7));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(fcntl(sp[0], F_GETFD), -1); /* closed */
	ck_assert_ptr_null(afw_tls_new(sp[1], "a", "", 0));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* Servers that are none: what they say, and why that is refused. */
static const struct {
	const char *say, *why;
} fakes[] = {
    {"HTTP/1.1 400 Bad Request\r\n\r\n", "not a tls server"},
    {"", "connection closed"},
    {"\x16\x03\x03\x00\x10", "connection closed"},
    {"\x15\x03\x03\x00\x02\x02\x28", "refused by the server"},
    {"\x16\x03\x03\xff\xff", "handshake failed"},
};
static const size_t fake_len[] = {28, 0, 5, 7, 5};

START_TEST(fake)
{
	int fd = listen_any(), c;

	dial("node.test", "ca.pem");
	ck_assert_int_ne(c = accept(fd, NULL, NULL), -1);
	ck_assert_int_eq(afw_tls_handshake(t), 0);
	ck_assert_int_eq(
	    send(c, fakes[_i].say, fake_len[_i], 0), (ssize_t)fake_len[_i]);
	(void)shutdown(c, SHUT_WR);
	ck_assert_int_eq(shake(), -1);
	ck_assert_str_eq(afw_tls_error(t), fakes[_i].why);
	hang_up();
	(void)close(c);
	(void)close(fd);
}
END_TEST

START_TEST(close_notify)
{
	char buf[8];
	ssize_t n;

	start_echo("good", "NORMAL");
	dial("node.test", "ca.pem");
	ck_assert_int_eq(shake(), 1);
	afw_tls_bye(t);
	/* the server answers ours with its own */
	while (
	    (n = afw_tls_read(t, buf, sizeof(buf))) == -1 && errno == EAGAIN) {
		ck_assert_int_ne(afw_tls_flush(t), -1);
		turn();
	}
	ck_assert_msg(n == 0, "%s", afw_tls_error(t));
	hang_up();
}
END_TEST

START_TEST(cut_off)
{
	char buf[8];
	ssize_t n;

	start_echo("good", "NORMAL");
	dial("node.test", "ca.pem");
	ck_assert_int_eq(shake(), 1);
	server_stop();
	while ((n = afw_tls_read(t, buf, sizeof(buf))) == -1 && errno == EAGAIN)
		turn();
	ck_assert_int_eq(n, -1);
	ck_assert_int_eq(errno, ECONNRESET);
	hang_up();
}
END_TEST

START_TEST(large_records)
{
	static char buf[300000];
	size_t body;
	ssize_t n;
	bool full = false;

	start_openssl("-HTTP", ciphers[_i]);
	dial("node.test", "ca.pem");
	ck_assert_int_eq(shake(), 1);
	ck_assert_int_eq(afw_tls_write(t, "GET /big HTTP/1.0\r\n\r\n", 21), 0);
	/* 200 line and a full file, then close_notify */
	for (body = 0;;) {
		static char rec[20000];

		n = afw_tls_read(t, rec, sizeof(rec));
		if (n == -1 && errno == EAGAIN) {
			ck_assert_int_ne(afw_tls_flush(t), -1);
			turn();
			continue;
		}
		if (n <= 0)
			break;
		full = full || n == 16384;
		for (ssize_t i = 0; i < n; i++)
			body += rec[i] == 'x';
	}
	/* s_server -HTTP sends the file and nothing else */
	ck_assert_uint_eq(body, sizeof(buf));
	ck_assert_msg(full, "no record of 16 KiB was seen");
	hang_up();
}
END_TEST

START_TEST(many_records)
{
	static char sent[4000 * 32], got[4000 * 32];
	size_t i;

	start_openssl("-rev", ciphers[_i]); /* echoes each line, reversed */
	dial("node.test", "ca.pem");
	ck_assert_int_eq(shake(), 1);
	for (i = 0; i < sizeof(sent); i++)
		sent[i] = i % 32 == 31 ? '\n' : (char)('a' + i / 32 % 26);
	hold = true;
	for (i = 0; i < 4000; i++)
		ck_assert_int_eq(afw_tls_write(t, sent + i * 32, 32), 0);
	ck_assert_uint_gt(afw_tls_queued(t), 4000 * 32);
	/* nobody reads: the socket is full before all is out */
	ck_assert_int_eq(afw_tls_flush(t), 0);
	ck_assert_uint_gt(afw_tls_queued(t), 0);
	ck_assert_int_eq(afw_tls_events(t), POLLIN | POLLOUT);
	hold = false;
	expect(got, sizeof(got));
	ck_assert_mem_eq(sent, got, sizeof(sent));
	ck_assert_uint_eq(records, 4000);
	ck_assert_int_eq(afw_tls_events(t), POLLIN);
	hang_up();
}
END_TEST

/* A record larger than what is asked for comes in pieces. */
START_TEST(small_reads)
{
	char line[8000], got[8000];
	size_t i;

	start_openssl("-rev", ciphers[_i]);
	dial("node.test", "ca.pem");
	ck_assert_int_eq(shake(), 1);
	for (i = 0; i < sizeof(line); i++)
		line[i] = (char)('a' + i % 26);
	line[sizeof(line) - 1] = '\n';
	ck_assert_int_eq(afw_tls_write(t, line, sizeof(line)), 0);
	for (i = 0; i < sizeof(got); i += 16) {
		ck_assert(i == 0 || afw_tls_pending(t));
		expect(got + i, 16);
	}
	for (i = 0; i < sizeof(line) - 1; i++)
		ck_assert_int_eq(line[i], got[sizeof(line) - 2 - i]);
	ck_assert(!afw_tls_pending(t));
	ck_assert_int_eq(afw_tls_read(t, got, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	hang_up();
}
END_TEST

START_TEST(spoiled)
{
	char buf[16];
	ssize_t n;

	start_openssl("-rev", ciphers[_i % 3]);
	dial("node.test", "ca.pem");
	ck_assert_int_eq(shake(), 1);
	flip = 1 + _i / 3;
	ck_assert_int_eq(afw_tls_write(t, "abc\n", 4), 0);
	ck_assert_int_eq(afw_tls_flush(t), 1);
	while ((n = afw_tls_read(t, buf, sizeof(buf))) == -1 && errno == EAGAIN)
		turn();
	ck_assert_int_eq(n, -1);
	ck_assert_int_eq(errno, EPROTO);
	ck_assert_str_eq(afw_tls_error(t), "bad record");
	/* and nothing works any more */
	ck_assert_int_eq(afw_tls_read(t, buf, sizeof(buf)), -1);
	ck_assert_int_eq(afw_tls_write(t, "x", 1), -1);
	hang_up();
}
END_TEST

START_TEST(output_bounded)
{
	static char rec[16385];
	size_t n = 0;

	start_echo("good", "NORMAL");
	dial("node.test", "ca.pem");
	ck_assert_int_eq(shake(), 1);
	ck_assert_int_eq(afw_tls_write(t, rec, 16385), -1);
	ck_assert_int_eq(errno, EPROTO);
	while (afw_tls_write(t, rec, 16384) == 0)
		ck_assert_uint_lt(n++, 40);
	ck_assert_int_eq(errno, ENOBUFS);
	ck_assert_uint_eq(n, 31);
	ck_assert_uint_le(afw_tls_queued(t), 512 * 1024);
	hang_up();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tls");
	TCase *tc = tcase_create("servers");
	SRunner *sr;
	int failed;

	(void)signal(SIGPIPE, SIG_IGN);
	tcase_add_unchecked_fixture(tc, make_certs, remove_certs);
	tcase_add_checked_fixture(tc, NULL, server_stop);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, good);
	tcase_add_test(tc, names);
	tcase_add_test(tc, dates);
	tcase_add_test(tc, weak);
	tcase_add_test(tc, old_protocols);
	tcase_add_test(tc, no_ca);
	tcase_add_loop_test(tc, fake, 0, 5);
	tcase_add_test(tc, close_notify);
	tcase_add_test(tc, cut_off);
	tcase_add_loop_test(tc, large_records, 0, 3);
	tcase_add_loop_test(tc, many_records, 0, 3);
	tcase_add_loop_test(tc, small_reads, 0, 3);
	tcase_add_loop_test(tc, spoiled, 0, 6);
	tcase_add_test(tc, output_bounded);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
