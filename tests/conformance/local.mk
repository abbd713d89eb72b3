# SPDX-License-Identifier: ISC
# The document's statements and their proof. The programs are built here so
# that every compiler sees them; they run in the laboratory, linked with the
# installed library: tests/netns/test_api.py.
EXTRA_DIST += tests/conformance/README tests/conformance/abi.sh \
	tests/conformance/abi.txt tests/conformance/check_table.py \
	tests/conformance/check_table.sh tests/conformance/statements.tsv \
	tests/conformance/valgrind.sh
TESTS += tests/conformance/abi.sh tests/conformance/check_table.sh

if HAVE_CHECK
conform_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS) \
	$(EVENT_CFLAGS)
conform_ldadd = lib/libafwrt-client.la $(CHECK_LIBS) $(JANSSON_LIBS) \
	$(EVENT_LIBS) -ldl
conform_common = tests/conformance/conform.c tests/conformance/conform.h
check_PROGRAMS += tests/conformance/api_account
tests_conformance_api_account_SOURCES = tests/conformance/api_account.c \
	$(conform_common)
tests_conformance_api_account_CFLAGS = $(conform_cflags)
tests_conformance_api_account_LDADD = $(conform_ldadd)
check_PROGRAMS += tests/conformance/api_calls
tests_conformance_api_calls_SOURCES = tests/conformance/api_calls.c \
	$(conform_common)
tests_conformance_api_calls_CFLAGS = $(conform_cflags)
tests_conformance_api_calls_LDADD = $(conform_ldadd)
check_PROGRAMS += tests/conformance/api_config
tests_conformance_api_config_SOURCES = tests/conformance/api_config.c \
	$(conform_common)
tests_conformance_api_config_CFLAGS = $(conform_cflags)
tests_conformance_api_config_LDADD = $(conform_ldadd)
check_PROGRAMS += tests/conformance/api_events
tests_conformance_api_events_SOURCES = tests/conformance/api_events.c \
	$(conform_common)
tests_conformance_api_events_CFLAGS = $(conform_cflags)
tests_conformance_api_events_LDADD = $(conform_ldadd)
check_PROGRAMS += tests/conformance/api_life
tests_conformance_api_life_SOURCES = tests/conformance/api_life.c \
	$(conform_common)
tests_conformance_api_life_CFLAGS = $(conform_cflags)
tests_conformance_api_life_LDADD = $(conform_ldadd)
check_PROGRAMS += tests/conformance/api_loop
tests_conformance_api_loop_SOURCES = tests/conformance/api_loop.c \
	$(conform_common)
tests_conformance_api_loop_CFLAGS = $(conform_cflags)
tests_conformance_api_loop_LDADD = $(conform_ldadd)
check_PROGRAMS += tests/conformance/api_tunfd
tests_conformance_api_tunfd_SOURCES = tests/conformance/api_tunfd.c \
	$(conform_common)
tests_conformance_api_tunfd_CFLAGS = $(conform_cflags)
tests_conformance_api_tunfd_LDADD = $(conform_ldadd)
check_PROGRAMS += tests/conformance/api_wireguard
tests_conformance_api_wireguard_SOURCES = tests/conformance/api_wireguard.c \
	$(conform_common)
tests_conformance_api_wireguard_CFLAGS = $(conform_cflags)
tests_conformance_api_wireguard_LDADD = $(conform_ldadd)
endif
