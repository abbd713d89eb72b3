/* SPDX-License-Identifier: ISC */
/*
 * What the design takes for granted of the kernel (architecture, "facts
 * checked"): if one of these fails, so does a part of the suite.
 */
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/in.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/daemon/priv.h"
#include "lib/wire/channel.h"
#include "net_env.h"

static int
tun_open(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	memcpy(ifr.ifr_name, name, strlen(name));
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(ioctl(fd, TUNSETIFF, &ifr), 0);
	ck_assert_int_eq(sh("ip link set %s up", name), 0);
	return fd;
}

/* Runs f without any privilege; its result. */
static int
unprivileged(int (*f)(int), int fd)
{
	pid_t pid;
	int st;

	ck_assert_int_eq(sh("mkdir -p " AFWRT_CHROOT_DIR), 0);
	ck_assert_int_ne(pid = fork(), -1);
	if (pid == 0) {
		afw_priv_drop("64731:64731", AFWRT_CHROOT_DIR, 0);
		_exit(f(fd));
	}
	ck_assert_int_eq(waitpid(pid, &st, 0), pid);
	ck_assert(WIFEXITED(st));
	return WEXITSTATUS(st);
}

static int
tun_read_write(int fd)
{
	uint8_t p[2048];
	ssize_t n = read(fd, p, sizeof(p));

	if (n < 28)
		return 1;
	return write(fd, p, (size_t)n) == n ? 0 : 2;
}

START_TEST(tun_fd_needs_no_capability)
{
	int fd;

	env_namespace();
	fd = tun_open("tst0");
	ck_assert_int_eq(sh("ip addr add 10.9.9.1/24 dev tst0; "
			    "bash -c 'echo x >/dev/udp/10.9.9.2/9'"),
	    0);
	ck_assert_int_eq(unprivileged(tun_read_write, fd), 0);
}
END_TEST

static int
mark_change(int fd)
{
	int mark = 0x77;
	socklen_t len = sizeof(mark);

	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0)
		return 1;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0) == 0)
		return 2; /* unbound by its holder */
	if (getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &len) == -1)
		return 3;
	return mark == 0x10 ? 0 : 4;
}

START_TEST(mark_and_binding_stay)
{
	int fd, mark = 0x10;

	env_namespace();
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
	ck_assert_int_eq(
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "wan0", 5), 0);
	ck_assert_int_eq(unprivileged(mark_change, fd), 0);
}
END_TEST

START_TEST(tun_lives_with_its_last_holder)
{
	int fd, other;

	env_namespace();
	fd = tun_open("tst0");
	ck_assert_int_eq(
	    sh("ip route add default dev tst0 table 47; "
	       "ip route add unreachable default metric 4294967295 table 47"),
	    0);
	ck_assert_int_ne(other = dup(fd), -1);
	(void)close(fd);
	ck_assert_ptr_nonnull(strstr(out("ip link show tst0"), "LOWER_UP"));
	(void)close(other);
	ck_assert_int_ne(sh("ip link show tst0 >/dev/null 2>&1"), 0);
	ck_assert_ptr_nonnull(
	    strstr(out("ip route show table 47"), "unreachable default"));
	ck_assert_ptr_null(strstr(out("ip route show table 47"), "tst0"));
}
END_TEST

START_TEST(deleted_tun_is_attached_again)
{
	struct ifreq ifr = {
	    .ifr_name = "tst0", .ifr_flags = IFF_TUN | IFF_NO_PI};
	uint8_t p[64];
	int fd, other;

	env_namespace();
	fd = tun_open("tst0");
	ck_assert_int_ne(other = dup(fd), -1);
	ck_assert_int_eq(sh("ip link del tst0"), 0);
	ck_assert_int_eq(read(other, p, sizeof(p)), -1);
	ck_assert_int_eq(errno, EBADFD);
	ck_assert_int_eq(ioctl(fd, TUNSETIFF, &ifr), 0);
	ck_assert_int_eq(sh("ip link set tst0 up"), 0);
	/* the duplicate works again, too (it may have read a packet) */
	ck_assert(read(other, p, sizeof(p)) >= 0 || errno == EAGAIN);
}
END_TEST

START_TEST(records_queue)
{
	static uint8_t big[256 * 1024];
	int sv[2], n = 0;

	ck_assert_int_eq(afw_chan_pair(sv), 0);
	while (n < 100000 && send(sv[0], big, 64, MSG_DONTWAIT) == 64)
		n++;
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_ge(n, 100);
	(void)close(sv[0]);
	(void)close(sv[1]);
	ck_assert_int_eq(afw_chan_pair(sv), 0);
	ck_assert_int_eq(
	    send(sv[0], big, 128 * 1024, MSG_DONTWAIT), 128 * 1024);
	ck_assert_int_eq(send(sv[0], big, 256 * 1024, MSG_DONTWAIT), -1);
	(void)close(sv[0]);
	(void)close(sv[1]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("assumptions");
	TCase *c = tcase_create("assumptions");
	SRunner *r = srunner_create(s);
	int failed;

	if (geteuid() != 0) {
		(void)fprintf(stderr, "SKIP: check_assumptions needs root\n");
		return 77;
	}
	tcase_set_timeout(c, 20);
	tcase_add_test(c, tun_fd_needs_no_capability);
	tcase_add_test(c, mark_and_binding_stay);
	tcase_add_test(c, tun_lives_with_its_last_holder);
	tcase_add_test(c, deleted_tun_is_attached_again);
	tcase_add_test(c, records_queue);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
