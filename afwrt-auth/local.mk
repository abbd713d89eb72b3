# SPDX-License-Identifier: ISC
noinst_LTLIBRARIES += afwrt-auth/libauth.la
afwrt_auth_libauth_la_SOURCES = \
	afwrt-auth/answer.c afwrt-auth/answer.h \
	afwrt-auth/attempt.c afwrt-auth/attempt_wg.c \
	afwrt-auth/auth.c afwrt-auth/auth.h \
	afwrt-auth/backend.c afwrt-auth/backend.h \
	afwrt-auth/backend_file.c afwrt-auth/backend_file.h \
	afwrt-auth/backend_file_wg.c \
	afwrt-auth/backend_http.c afwrt-auth/backend_http.h \
	afwrt-auth/conn.c afwrt-auth/conn.h \
	afwrt-auth/dial.c afwrt-auth/dial.h \
	afwrt-auth/dns.c afwrt-auth/dns.h \
	afwrt-auth/fail.c afwrt-auth/fail.h \
	afwrt-auth/files.c afwrt-auth/files.h \
	afwrt-auth/http.c afwrt-auth/http.h \
	afwrt-auth/http_parse.c afwrt-auth/http_parse.h \
	afwrt-auth/locations.c afwrt-auth/locations.h \
	afwrt-auth/node_cookies.c afwrt-auth/node_cookies.h \
	afwrt-auth/node_login.c afwrt-auth/node_login.h \
	afwrt-auth/node_xml.c afwrt-auth/node_xml.h \
	afwrt-auth/params.c afwrt-auth/params.h \
	afwrt-auth/provide.c afwrt-auth/provide.h \
	afwrt-auth/provide_wg.c \
	afwrt-auth/renewal.c afwrt-auth/reply.c \
	afwrt-auth/resolve.c afwrt-auth/resolve.h \
	afwrt-auth/resolve_cache.c afwrt-auth/resolve_cache.h \
	afwrt-auth/resolve_system.c afwrt-auth/resolve_system.h \
	afwrt-auth/session.h \
	afwrt-auth/sessions.c afwrt-auth/sessions.h \
	afwrt-auth/sock.c afwrt-auth/sock.h \
	afwrt-auth/tokens.c afwrt-auth/tokens.h \
	afwrt-auth/url.c afwrt-auth/url.h \
	afwrt-auth/wg_key.c afwrt-auth/wg_key.h
afwrt_auth_libauth_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(MBEDTLS_CFLAGS) $(JANSSON_CFLAGS) $(EXPAT_CFLAGS)
afwrt_auth_libauth_la_LIBADD = lib/libafwdaemon.la lib/libafwtls.la lib/libafwwgquick.la $(JANSSON_LIBS) $(EXPAT_LIBS) -lresolv

pkglibexec_PROGRAMS += afwrt-auth/afwrt-auth
afwrt_auth_afwrt_auth_SOURCES = afwrt-auth/main.c
afwrt_auth_afwrt_auth_LDADD = afwrt-auth/libauth.la
