# SPDX-License-Identifier: ISC
# The message table, walked: every right case and every wrong one.
if HAVE_CHECK
# afwrtd itself, with helpers that are not
check_PROGRAMS += tests/ipc/fake_helper
tests_ipc_fake_helper_SOURCES = tests/ipc/fake_helper.c
tests_ipc_fake_helper_LDADD = lib/libafwwire.la

check_PROGRAMS += tests/ipc/check_afwrtd
TESTS += tests/ipc/check_afwrtd
tests_ipc_check_afwrtd_SOURCES = tests/ipc/check_afwrtd.c \
	tests/ipc/player.c tests/ipc/player.h
player_cppflags = $(AM_CPPFLAGS) \
	-DAFWRTD='"$(abs_builddir)/afwrtd/afwrtd"' \
	-DFAKE_HELPER='"$(abs_builddir)/tests/ipc/fake_helper"'
tests_ipc_check_afwrtd_CPPFLAGS = $(player_cppflags)
tests_ipc_check_afwrtd_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_afwrtd_LDADD = lib/libafwwire.la $(CHECK_LIBS)

check_PROGRAMS += tests/ipc/check_restart
TESTS += tests/ipc/check_restart
tests_ipc_check_restart_SOURCES = tests/ipc/check_restart.c \
	tests/ipc/player.c tests/ipc/player.h
tests_ipc_check_restart_CPPFLAGS = $(player_cppflags)
tests_ipc_check_restart_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_restart_LDADD = lib/libafwwire.la $(CHECK_LIBS)

check_PROGRAMS += tests/ipc/check_relay
TESTS += tests/ipc/check_relay
tests_ipc_check_relay_SOURCES = tests/ipc/check_relay.c \
	tests/ipc/player.c tests/ipc/player.h
tests_ipc_check_relay_CPPFLAGS = $(player_cppflags)
tests_ipc_check_relay_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_relay_LDADD = lib/libafwwire.la $(CHECK_LIBS)
endif
