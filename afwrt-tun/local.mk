# SPDX-License-Identifier: ISC
noinst_LTLIBRARIES += afwrt-tun/libtun.la
afwrt_tun_libtun_la_SOURCES = afwrt-tun/tun.c afwrt-tun/tun.h
afwrt_tun_libtun_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(MBEDTLS_CFLAGS)
afwrt_tun_libtun_la_LIBADD = lib/libafwdaemon.la lib/libafwtls.la

pkglibexec_PROGRAMS += afwrt-tun/afwrt-tun
afwrt_tun_afwrt_tun_SOURCES = afwrt-tun/main.c
afwrt_tun_afwrt_tun_LDADD = afwrt-tun/libtun.la
