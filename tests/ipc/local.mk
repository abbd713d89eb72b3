# SPDX-License-Identifier: ISC
# The message table, walked: every right case and every wrong one.
if HAVE_CHECK

# the tunnel side of afwrt-tun against a real ocserv
check_PROGRAMS += tests/ipc/hydra_stub tests/ipc/check_hydra
TESTS += tests/ipc/check_hydra
tests_ipc_hydra_stub_SOURCES = tests/ipc/hydra_stub.c
tests_ipc_hydra_stub_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
tests_ipc_hydra_stub_LDADD = afwrt-tun/libtun.la
tests_ipc_check_hydra_SOURCES = tests/ipc/check_hydra.c \
	tests/ipc/hydra_lab.c tests/ipc/hydra_lab.h \
	tests/ipc/hydra_nodes.c tests/ipc/hydra_proxy.c
tests_ipc_check_hydra_CPPFLAGS = $(AM_CPPFLAGS) \
	-DHYDRA_STUB='"$(abs_builddir)/tests/ipc/hydra_stub"' \
	-DAFWRT_TUN='"$(abs_builddir)/afwrt-tun/afwrt-tun"'
tests_ipc_check_hydra_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
tests_ipc_check_hydra_LDADD = lib/libafwdaemon.la $(CHECK_LIBS) $(EVENT_LIBS)
endif
