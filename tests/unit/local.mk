# SPDX-License-Identifier: ISC
# Unit tests: one program a part, `check` for the cases.
if HAVE_CHECK
endif

# the client library: configuration text, event text, what it exports
EXTRA_DIST += tests/unit/symbols.sh tests/unit/header.sh \
	tests/install/tenlines.c tests/install/tenlines.sh
TESTS += tests/unit/symbols.sh tests/unit/header.sh tests/install/tenlines.sh
AM_TESTS_ENVIRONMENT = srcdir='$(srcdir)'; top_builddir='$(top_builddir)'; \
	CC='$(CC)'; SAN_CFLAGS='$(SAN_CFLAGS)'; \
	export srcdir top_builddir CC SAN_CFLAGS;
if HAVE_CHECK
check_PROGRAMS += tests/unit/check_config tests/unit/check_events
TESTS += tests/unit/check_config tests/unit/check_events
tests_unit_check_config_SOURCES = tests/unit/check_config.c
tests_unit_check_config_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_check_config_LDADD = lib/libafwclient.la $(CHECK_LIBS)
tests_unit_check_events_SOURCES = tests/unit/check_events.c
tests_unit_check_events_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_check_events_LDADD = lib/libafwclient.la $(CHECK_LIBS)
endif
