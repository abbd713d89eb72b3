/* SPDX-License-Identifier: ISC */
/*
 * Sealed memfds and files read whole. free() is wrapped by the linker to see
 * that what was read is not left behind in memory by the reading itself.
 */
#include "lib/wire/blob.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void __real_free(void *p);
void __wrap_free(void *p);
void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);

static volatile unsigned int left_behind;

static void
look(const void *p)
{
	if (p != NULL &&
	    memmem(p, malloc_usable_size((void *)(uintptr_t)p), "secret", 6) !=
		NULL)
		left_behind++;
}

void
__wrap_free(void *p)
{
	look(p);
	__real_free(p);
}

void *
__wrap_realloc(void *p, size_t n)
{
	look(p); /* it may move */
	return __real_realloc(p, n);
}

static char *
pattern(size_t n)
{
	char *p = malloc(n + 1);
	size_t i;

	ck_assert_ptr_nonnull(p);
	for (i = 0; i < n; i++)
		p[i] = "secret\0\n"[i % 8];
	return p;
}

/* So long, with a limit of so much: read whole, or EFBIG. */
static const struct {
	size_t len, max;
	bool ok;
} sizes[] = {
    {0, 0, true},
    {0, 10, true},
    {1, 0, false},
    {1, 1, true},
    {4095, 4095, true},
    {4096, 4096, true},
    {4096, 4095, false},
    {4097, 4096, false},
    {4097, 1 << 20, true},
    {8192, 8192, true},
    {100000, 1 << 20, true},
    {1 << 20, 1 << 20, true},
    {(1 << 20) + 1, 1 << 20, false},
};

START_TEST(reads_back)
{
	size_t n = sizes[_i].len, len = 4711;
	char *want = pattern(n), *got = NULL;
	int fd = afw_blob_make(want, n);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	left_behind = 0;
	errno = 0;
	ck_assert_int_eq(afw_blob_read(fd, sizes[_i].max, &got, &len),
	    sizes[_i].ok ? 0 : -1);
	ck_assert_uint_eq(left_behind, 0);
	if (sizes[_i].ok) {
		ck_assert_uint_eq(len, n);
		ck_assert_mem_eq(got, want, n);
		ck_assert_int_eq(got[n], '\0');
		/* the position of the fd does not matter, it stays open */
		ck_assert_int_eq(lseek(fd, 0, SEEK_END), (off_t)n);
		free(got);
		ck_assert_int_eq(
		    afw_blob_read(fd, sizes[_i].max, &got, &len), 0);
		ck_assert_uint_eq(len, n);
		free(got);
	} else {
		ck_assert_int_eq(errno, EFBIG);
		ck_assert_ptr_null(got);
	}
	free(want);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(is_sealed)
{
	int fd = afw_blob_make("abc", 3);

	ck_assert_int_eq(write(fd, "x", 1), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(pwrite(fd, "x", 1, 0), -1);
	ck_assert_int_eq(ftruncate(fd, 1), -1);
	ck_assert_int_eq(ftruncate(fd, 5), -1);
	ck_assert_ptr_eq(
	    mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
	    MAP_FAILED);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

static void
read_refused(int fd, int want)
{
	char *data = NULL;
	size_t len;

	errno = 0;
	ck_assert_int_eq(afw_blob_read(fd, 100, &data, &len), -1);
	ck_assert_int_eq(errno, want);
	ck_assert_ptr_null(data);
}

/* Each seal that could be missing, and what is no memfd at all. */
START_TEST(refuses_unsealed)
{
	static const int seals[] = {F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE};
	int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	int i, fd, p[2];

	for (i = 0; i < 3; i++) {
		fd = memfd_create("t", MFD_ALLOW_SEALING);
		ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, all & ~seals[i]), 0);
		read_refused(fd, EPROTO);
		ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals[i]), 0);
		ck_assert_int_eq(close(fd), 0);
	}
	fd = memfd_create("t", 0);
	read_refused(fd, EPROTO);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(pipe(p), 0);
	read_refused(p[0], EPROTO);
	ck_assert_int_eq(close(p[0]), 0);
	ck_assert_int_eq(close(p[1]), 0);
	fd = open("/dev/zero", O_RDONLY);
	read_refused(fd, EPROTO);
	ck_assert_int_eq(close(fd), 0);
	read_refused(-1, EPROTO);
}
END_TEST

START_TEST(reads_files)
{
	char *data = NULL;
	size_t len;
	int fd, p[2];

	fd = open("/proc/self/status", O_RDONLY); /* has no size */
	ck_assert_int_eq(afw_file_read(fd, 65536, &data, &len), 0);
	ck_assert_uint_eq(strlen(data), len);
	ck_assert_ptr_nonnull(strstr(data, "Name:\tcheck_blob"));
	free(data);
	data = NULL;
	ck_assert_int_eq(afw_file_read(fd, 10, &data, &len), -1);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_int_eq(close(fd), 0);
	fd = open("/dev/zero", O_RDONLY); /* has no end */
	ck_assert_int_eq(afw_file_read(fd, 65536, &data, &len), -1);
	ck_assert_int_eq(errno, EFBIG);
	ck_assert_int_eq(close(fd), 0);
	fd = open("/", O_RDONLY);
	ck_assert_int_eq(afw_file_read(fd, 65536, &data, &len), -1);
	ck_assert_int_eq(errno, EIO);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(pipe(p), 0); /* must not wait for a writer */
	ck_assert_int_eq(afw_file_read(p[0], 65536, &data, &len), -1);
	ck_assert_int_eq(errno, EIO);
	ck_assert_ptr_null(data);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("blob");
	TCase *t = tcase_create("blob");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, reads_back, 0, sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(t, is_sealed);
	tcase_add_test(t, refuses_unsealed);
	tcase_add_test(t, reads_files);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
