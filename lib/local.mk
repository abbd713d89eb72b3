# SPDX-License-Identifier: ISC

# what every process links: messages and channels
noinst_LTLIBRARIES += lib/libafwwire.la
lib_libafwwire_la_SOURCES = \
	lib/wire/addr.c lib/wire/addr.h \
	lib/wire/blob.c lib/wire/blob.h \
	lib/wire/channel.c lib/wire/channel.h \
	lib/wire/error.c lib/wire/error.h \
	lib/wire/field.c lib/wire/msg.c lib/wire/msg.h lib/wire/msg_table.h

# what afwrtd and the service's keeper link
noinst_LTLIBRARIES += lib/libafwbeneath.la
lib_libafwbeneath_la_SOURCES = lib/daemon/beneath.c lib/daemon/beneath.h

# what the daemons link on top: event loop, log, privilege
noinst_LTLIBRARIES += lib/libafwdaemon.la
lib_libafwdaemon_la_SOURCES = \
	lib/daemon/daemon.c lib/daemon/daemon.h \
	lib/daemon/landlock.c lib/daemon/landlock.h \
	lib/daemon/link.c lib/daemon/link.h \
	lib/daemon/log.c lib/daemon/log.h \
	lib/daemon/priv.c lib/daemon/priv.h \
	lib/daemon/sandbox.c lib/daemon/sandbox.h \
	lib/daemon/usage.c lib/daemon/usage.h
lib_libafwdaemon_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(CAPNG_CFLAGS)
lib_libafwdaemon_la_LIBADD = lib/libafwwire.la $(EVENT_LIBS) $(CAPNG_LIBS)

# what afwrt-auth and afwrt-tun link on top: TLS
noinst_LTLIBRARIES += lib/libafwtls.la
tls_sources = lib/tls/error.c lib/tls/fast.c lib/tls/io.c lib/tls/record.h \
	lib/tls/tls.c lib/tls/tls.h lib/tls/tls_priv.h \
	lib/tls/verify.c lib/tls/verify.h
lib_libafwtls_la_SOURCES = $(tls_sources)
lib_libafwtls_la_CFLAGS = $(AM_CFLAGS) $(MBEDTLS_CFLAGS) $(CRYPTO_CFLAGS)
lib_libafwtls_la_LIBADD = $(MBEDTLS_LIBS) $(CRYPTO_LIBS)
if AEAD_OPENSSL
lib_libafwtls_la_SOURCES += lib/tls/record_openssl.c
else
lib_libafwtls_la_SOURCES += lib/tls/record_none.c
endif

# what afwrt-auth and afwrt-ctl link on top: wg-quick files
noinst_LTLIBRARIES += lib/libafwwgquick.la
lib_libafwwgquick_la_SOURCES = lib/wgquick/wgquick.c lib/wgquick/wgquick.h
lib_libafwwgquick_la_CFLAGS = $(AM_CFLAGS) $(MBEDTLS_CFLAGS)
lib_libafwwgquick_la_LIBADD = lib/libafwwire.la -lmbedcrypto

# the client library: all of it but the public functions, for tests too
noinst_LTLIBRARIES += lib/libafwclient.la
lib_libafwclient_la_SOURCES = \
	lib/client.c lib/client.h \
	lib/conf.c lib/conf.h lib/conf_list.c lib/conf_list.h \
	lib/conf_whole.c lib/conf_whole.h \
	lib/errors.c lib/errors.h \
	lib/events.c lib/events.h \
	lib/loop.c lib/loop.h \
	lib/notice.c lib/notice.h \
	lib/rules.c lib/rules.h \
	lib/spawn.c lib/spawn.h \
	lib/explain.c \
	lib/status.c lib/status.h \
	lib/suite.c lib/suite.h
lib_libafwclient_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
lib_libafwclient_la_LIBADD = lib/libafwwire.la $(JANSSON_LIBS)

lib_LTLIBRARIES += lib/libafwrt-client.la
lib_libafwrt_client_la_SOURCES = lib/api.c lib/api_account.c lib/api_rules.c
lib_libafwrt_client_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
lib_libafwrt_client_la_LIBADD = lib/libafwclient.la $(JANSSON_LIBS)
lib_libafwrt_client_la_LDFLAGS = $(AM_LDFLAGS) -version-info 1:0:0 \
	-Wl,--version-script=$(top_srcdir)/lib/afwrt-client.map -no-undefined
EXTRA_lib_libafwrt_client_la_DEPENDENCIES = lib/afwrt-client.map
EXTRA_DIST += lib/afwrt-client.map lib/compat/sys/queue.h
pkgconfig_DATA = lib/afwrt-client.pc

# --enable-compat-name: the name that applications of the original SDK need
install-exec-hook: install-compat-name
uninstall-hook: uninstall-compat-name
install-compat-name:
	test "$(COMPAT_NAME)" != yes || { cd "$(DESTDIR)$(libdir)" && \
	    rm -f libafwrt.so && $(LN_S) libafwrt-client.so.1 libafwrt.so; }
uninstall-compat-name:
	test "$(COMPAT_NAME)" != yes || rm -f "$(DESTDIR)$(libdir)/libafwrt.so"
.PHONY: install-compat-name uninstall-compat-name
