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
endif
