# SPDX-License-Identifier: ISC
# Unit tests: one program a part, `check` for the cases.
if HAVE_CHECK

# the packet path of afwrt-tun
path_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
path_ldadd = afwrt-tun/libtun.la $(CHECK_LIBS) $(EVENT_LIBS)
path_lab = tests/unit/path_lab.c tests/unit/path_lab.h
path_tests = tests/unit/check_adopt tests/unit/check_flow \
	tests/unit/check_forward tests/unit/check_nat
check_PROGRAMS += $(path_tests)
TESTS += $(path_tests)
tests_unit_check_flow_SOURCES = tests/unit/check_flow.c $(path_lab)
tests_unit_check_flow_CFLAGS = $(path_cflags)
tests_unit_check_flow_LDADD = $(path_ldadd)
tests_unit_check_nat_SOURCES = tests/unit/check_nat.c $(path_lab)
tests_unit_check_nat_CFLAGS = $(path_cflags)
tests_unit_check_nat_LDADD = $(path_ldadd)
tests_unit_check_adopt_SOURCES = tests/unit/check_adopt.c $(path_lab)
tests_unit_check_adopt_CFLAGS = $(path_cflags)
tests_unit_check_adopt_LDADD = $(path_ldadd)
tests_unit_check_forward_SOURCES = tests/unit/check_forward.c $(path_lab)
tests_unit_check_forward_CFLAGS = $(path_cflags)
tests_unit_check_forward_LDADD = $(path_ldadd)

endif
