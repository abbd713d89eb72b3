# SPDX-License-Identifier: ISC
# Unit tests: one program a part, `check` for the cases.
if HAVE_CHECK
# afwrt-auth and TLS
check_PROGRAMS += tests/unit/check_tls
TESTS += tests/unit/check_tls
tests_unit_check_tls_SOURCES = tests/unit/check_tls.c
tests_unit_check_tls_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_tls_LDADD = lib/libafwtls.la lib/libafwwire.la $(CHECK_LIBS)

# the tunnel side of afwrt-tun
check_PROGRAMS += tests/unit/check_cstp
TESTS += tests/unit/check_cstp
tests_unit_check_cstp_SOURCES = tests/unit/check_cstp.c \
	afwrt-tun/cstp.c afwrt-tun/cstp_head.c afwrt-tun/hold.c \
	afwrt-tun/retry.c
tests_unit_check_cstp_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_cstp_LDADD = lib/libafwwire.la $(CHECK_LIBS)
endif
