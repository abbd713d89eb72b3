# SPDX-License-Identifier: ISC
# Unit tests: one program a part, `check` for the cases.
if HAVE_CHECK
check_PROGRAMS += tests/unit/check_sandbox
TESTS += tests/unit/check_sandbox
tests_unit_check_sandbox_SOURCES = tests/unit/check_sandbox.c
tests_unit_check_sandbox_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_sandbox_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
endif
