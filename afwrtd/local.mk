# SPDX-License-Identifier: ISC
noinst_LTLIBRARIES += afwrtd/libafwrtd.la
afwrtd_libafwrtd_la_SOURCES = afwrtd/afwrtd.c afwrtd/afwrtd.h
afwrtd_libafwrtd_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
afwrtd_libafwrtd_la_LIBADD = lib/libafwdaemon.la

pkglibexec_PROGRAMS += afwrtd/afwrtd
afwrtd_afwrtd_SOURCES = afwrtd/main.c
afwrtd_afwrtd_LDADD = afwrtd/libafwrtd.la
