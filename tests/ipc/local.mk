# SPDX-License-Identifier: ISC
# The message table, walked: every right case and every wrong one.
if HAVE_CHECK
# a real afwrt-auth with a real node and backend
check_PROGRAMS += tests/ipc/check_auth
TESTS += tests/ipc/check_auth
tests_ipc_check_auth_SOURCES = tests/ipc/check_auth.c \
	tests/ipc/auth_dns.c tests/ipc/auth_dns.h \
	tests/ipc/auth_world.c tests/ipc/auth_world.h
tests_ipc_check_auth_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) \
	-DAFW_ABS_SRCDIR='"$(abs_top_srcdir)"'
tests_ipc_check_auth_LDADD = lib/libafwwire.la $(CHECK_LIBS)
endif
