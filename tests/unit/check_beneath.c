/* SPDX-License-Identifier: ISC */
/* One table of paths, opened by openat2 and without it. */
#include "lib/daemon/beneath.h"

#include <sys/stat.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char top[] = "/tmp/beneath-XXXXXX";
static int dir;

static const struct {
	const char *path;
	int flags, err; /* 0: it opens */
} table[] = {
    {"file", O_RDONLY, 0},
    {"./file", O_RDONLY, 0},
    {"sub/deep/file", O_RDONLY, 0},
    {"sub//deep/./file", O_RDONLY, 0},
    {"sub", O_PATH | O_DIRECTORY, 0},
    {"sub/deep/", O_PATH | O_DIRECTORY, 0},
    {".", O_PATH | O_DIRECTORY, 0},
    {"./", O_PATH | O_DIRECTORY, 0},
    {"file", O_PATH, 0},
    {"", O_RDONLY, ENOENT},
    {"none", O_RDONLY, ENOENT},
    {"none/file", O_RDONLY, ENOENT},
    {"/etc/passwd", O_RDONLY, EXDEV},
    {"/", O_RDONLY, EXDEV},
    {"..", O_RDONLY, EXDEV},
    {"../outside", O_RDONLY, EXDEV},
    {"sub/../../outside", O_RDONLY, EXDEV},
    {"link", O_RDONLY, ELOOP},
    {"link", O_PATH, ELOOP},
    {"out/file", O_RDONLY, ELOOP},
    {"out", O_PATH | O_DIRECTORY, ELOOP},
    {"sub/up/file", O_RDONLY, ELOOP},
    {"file/", O_RDONLY, ENOTDIR},
    {"file/more", O_RDONLY, ENOTDIR},
    {"file", O_PATH | O_DIRECTORY, ENOTDIR},
};

static void
file_make(const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(close(fd), 0);
}

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(top));
	ck_assert_int_ne(dir = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC), -1);
	file_make("outside");
	ck_assert_int_eq(mkdirat(dir, "in", 0700), 0);
	ck_assert_int_ne(
	    dir = openat(dir, "in", O_PATH | O_DIRECTORY | O_CLOEXEC), -1);
	ck_assert_int_eq(mkdirat(dir, "sub", 0700), 0);
	ck_assert_int_eq(mkdirat(dir, "sub/deep", 0700), 0);
	file_make("file");
	file_make("sub/deep/file");
	ck_assert_int_eq(symlinkat("file", dir, "link"), 0);
	ck_assert_int_eq(symlinkat("sub/deep", dir, "out"), 0);
	ck_assert_int_eq(symlinkat("..", dir, "sub/up"), 0);
}

static void
teardown(void)
{
	char command[100];

	(void)snprintf(command, sizeof(command), "rm -r %s", top);
	ck_assert_int_eq(system(command), 0);
}

static void
one(int (*fn)(int, const char *, int), int i)
{
	int fd = fn(dir, table[i].path, table[i].flags);
	int e = fd == -1 ? errno : 0;

	ck_assert_msg(e == table[i].err, "\"%s\": %s, not %s", table[i].path,
	    strerror(e), strerror(table[i].err));
	if (fd == -1)
		return;
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(close(fd), 0);
}

START_TEST(by_openat2)
{
	one(afw_open_beneath, _i);
}
END_TEST

START_TEST(by_walk)
{
	one(afw_open_beneath_walk, _i);
}
END_TEST

START_TEST(no_descriptor_is_left)
{
	int before = dup(0), i, fd;

	(void)close(before);
	for (i = 0; i < (int)(sizeof(table) / sizeof(table[0])); i++)
		one(afw_open_beneath_walk, i);
	ck_assert_int_eq(fd = dup(0), before);
	(void)close(fd);
}
END_TEST

int
main(void)
{
	const int n = sizeof(table) / sizeof(table[0]);
	Suite *s = suite_create("beneath");
	TCase *t = tcase_create("beneath");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, by_openat2, 0, n);
	tcase_add_loop_test(t, by_walk, 0, n);
	tcase_add_test(t, no_descriptor_is_left);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
