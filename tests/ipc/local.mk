# SPDX-License-Identifier: ISC
# The message table, walked: every right case and every wrong one.
if HAVE_CHECK
endif

# The client library against an afwrtd that only talks.
if HAVE_CHECK
check_PROGRAMS += tests/ipc/check_client tests/ipc/fake_afwrtd
TESTS += tests/ipc/check_client
tests_ipc_fake_afwrtd_SOURCES = tests/ipc/fake_afwrtd.c
tests_ipc_fake_afwrtd_LDADD = lib/libafwwire.la
tests_ipc_check_client_SOURCES = tests/ipc/check_client.c \
	tests/ipc/client_calls.c tests/ipc/client_life.c \
	tests/ipc/client_loop.c tests/ipc/client_test.h
tests_ipc_check_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_client_CPPFLAGS = $(AM_CPPFLAGS) -include config.h \
	-DFAKE_AFWRTD='"$(abs_top_builddir)/tests/ipc/fake_afwrtd"' \
	-DLIBAFWRT='"$(abs_top_builddir)/lib/.libs/libafwrt-client.so.1"'
tests_ipc_check_client_LDADD = lib/libafwrt-client.la $(CHECK_LIBS) -ldl
endif
