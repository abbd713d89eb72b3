# SPDX-License-Identifier: ISC
noinst_LTLIBRARIES += afwrt-auth/libauth.la
afwrt_auth_libauth_la_SOURCES = afwrt-auth/auth.c afwrt-auth/auth.h
afwrt_auth_libauth_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(MBEDTLS_CFLAGS) $(JANSSON_CFLAGS) $(EXPAT_CFLAGS)
afwrt_auth_libauth_la_LIBADD = lib/libafwdaemon.la lib/libafwtls.la $(JANSSON_LIBS) $(EXPAT_LIBS)

pkglibexec_PROGRAMS += afwrt-auth/afwrt-auth
afwrt_auth_afwrt_auth_SOURCES = afwrt-auth/main.c
afwrt_auth_afwrt_auth_LDADD = afwrt-auth/libauth.la
