# SPDX-License-Identifier: ISC
# The message table, walked: every right case and every wrong one.
if HAVE_CHECK
endif

# afwrt-net against the kernel, in network namespaces (root, else skipped)
if HAVE_CHECK
check_PROGRAMS += tests/ipc/check_net
TESTS += tests/ipc/check_net
tests_ipc_check_net_SOURCES = tests/ipc/check_net.c \
	tests/ipc/net_env.c tests/ipc/net_env.h
tests_ipc_check_net_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_net_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
EXTRA_tests_ipc_check_net_DEPENDENCIES = afwrt-net/afwrt-net

check_PROGRAMS += tests/ipc/check_net_rules
TESTS += tests/ipc/check_net_rules
tests_ipc_check_net_rules_SOURCES = tests/ipc/check_net_rules.c \
	tests/ipc/net_env.c tests/ipc/net_env.h
tests_ipc_check_net_rules_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_net_rules_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
EXTRA_tests_ipc_check_net_rules_DEPENDENCIES = afwrt-net/afwrt-net

check_PROGRAMS += tests/ipc/check_net_leak
TESTS += tests/ipc/check_net_leak
tests_ipc_check_net_leak_SOURCES = tests/ipc/check_net_leak.c \
	tests/ipc/net_env.c tests/ipc/net_env.h
tests_ipc_check_net_leak_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(MNL_CFLAGS)
tests_ipc_check_net_leak_LDADD = afwrt-net/libnet.la $(CHECK_LIBS)
EXTRA_tests_ipc_check_net_leak_DEPENDENCIES = afwrt-net/afwrt-net

check_PROGRAMS += tests/ipc/check_assumptions
TESTS += tests/ipc/check_assumptions
tests_ipc_check_assumptions_SOURCES = tests/ipc/check_assumptions.c \
	tests/ipc/net_env.c tests/ipc/net_env.h
tests_ipc_check_assumptions_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_assumptions_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
endif
