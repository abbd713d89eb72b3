# SPDX-License-Identifier: ISC
# Programs that run in the QEMU guest (pytest tests/qemu), not in make check.
if HAVE_CHECK
check_PROGRAMS += tests/qemu/wg_kernel_test
tests_qemu_wg_kernel_test_SOURCES = tests/qemu/wg_kernel_test.c \
	tests/ipc/net_env.c tests/ipc/net_env.h
tests_qemu_wg_kernel_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(MNL_CFLAGS)
tests_qemu_wg_kernel_test_LDADD = afwrt-net/libnet.la $(CHECK_LIBS)
check_PROGRAMS += tests/qemu/net_wg_test
tests_qemu_net_wg_test_SOURCES = tests/qemu/net_wg_test.c \
	tests/ipc/net_env.c tests/ipc/net_env.h
tests_qemu_net_wg_test_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_qemu_net_wg_test_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
EXTRA_tests_qemu_net_wg_test_DEPENDENCIES = afwrt-net/afwrt-net
endif
EXTRA_DIST += tests/qemu/checks.py tests/qemu/conftest.py tests/qemu/guest.py \
	tests/qemu/init tests/qemu/initramfs.py tests/qemu/kernel.py \
	tests/qemu/python.py tests/qemu/test_guest.py \
	tests/qemu/test_managed.py tests/qemu/test_net.py \
	tests/qemu/test_net_wg.py tests/qemu/test_wg.py
