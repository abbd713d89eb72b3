# SPDX-License-Identifier: ISC
# The message table, walked: every right case and every wrong one; channels
# and links between two ends in one process.
if HAVE_CHECK
check_PROGRAMS += tests/ipc/check_wire
TESTS += tests/ipc/check_wire
tests_ipc_check_wire_SOURCES = tests/ipc/check_wire.c \
	tests/ipc/payload.c tests/ipc/payload.h tests/ipc/vary.c \
	tests/ipc/raw.c tests/ipc/raw.h
tests_ipc_check_wire_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_wire_LDADD = lib/libafwwire.la $(CHECK_LIBS)

check_PROGRAMS += tests/ipc/check_queue
TESTS += tests/ipc/check_queue
tests_ipc_check_queue_SOURCES = tests/ipc/check_queue.c \
	tests/ipc/payload.h tests/ipc/raw.c tests/ipc/raw.h
tests_ipc_check_queue_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_queue_LDADD = lib/libafwwire.la $(CHECK_LIBS)
tests_ipc_check_queue_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=free

check_PROGRAMS += tests/ipc/check_link
TESTS += tests/ipc/check_link
tests_ipc_check_link_SOURCES = tests/ipc/check_link.c \
	tests/ipc/world.c tests/ipc/world.h
tests_ipc_check_link_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_link_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)

check_PROGRAMS += tests/ipc/check_link_end
TESTS += tests/ipc/check_link_end
tests_ipc_check_link_end_SOURCES = tests/ipc/check_link_end.c \
	tests/ipc/world.c tests/ipc/world.h \
	tests/ipc/payload.h tests/ipc/raw.c tests/ipc/raw.h
tests_ipc_check_link_end_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_link_end_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)

check_PROGRAMS += tests/ipc/check_daemon
TESTS += tests/ipc/check_daemon
tests_ipc_check_daemon_SOURCES = tests/ipc/check_daemon.c
tests_ipc_check_daemon_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_daemon_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
endif
