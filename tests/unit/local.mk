# SPDX-License-Identifier: ISC
# Unit tests: one program a part, `check` for the cases.
if HAVE_CHECK
# lib/wire
check_PROGRAMS += tests/unit/check_addr
TESTS += tests/unit/check_addr
tests_unit_check_addr_SOURCES = tests/unit/check_addr.c
tests_unit_check_addr_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_addr_LDADD = lib/libafwwire.la $(CHECK_LIBS)
endif
