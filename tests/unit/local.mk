# SPDX-License-Identifier: ISC
# Unit tests: one program a part, `check` for the cases.
if HAVE_CHECK
# afwrt-auth and TLS
check_PROGRAMS += tests/unit/check_tls
TESTS += tests/unit/check_tls
tests_unit_check_tls_SOURCES = tests/unit/check_tls.c
tests_unit_check_tls_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_tls_LDADD = lib/libafwtls.la lib/libafwwire.la $(CHECK_LIBS)
check_PROGRAMS += tests/unit/check_auth_parts
TESTS += tests/unit/check_auth_parts
tests_unit_check_auth_parts_SOURCES = tests/unit/check_auth_parts.c
tests_unit_check_auth_parts_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_check_auth_parts_LDADD = afwrt-auth/libauth.la $(CHECK_LIBS)
endif
