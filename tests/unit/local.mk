# SPDX-License-Identifier: ISC
# Unit tests: one program a part, `check` for the cases.
if HAVE_CHECK
endif

# afwrt-net's parts that need no kernel
if HAVE_CHECK
check_PROGRAMS += tests/unit/check_net
TESTS += tests/unit/check_net
tests_unit_check_net_SOURCES = tests/unit/check_net.c
tests_unit_check_net_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(MNL_CFLAGS)
tests_unit_check_net_LDADD = afwrt-net/libnet.la $(CHECK_LIBS)
endif
