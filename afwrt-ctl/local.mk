# SPDX-License-Identifier: ISC
sbin_PROGRAMS += afwrt-ctl/afwrt-ctl
afwrt_ctl_afwrt_ctl_SOURCES = afwrt-ctl/main.c
afwrt_ctl_afwrt_ctl_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
afwrt_ctl_afwrt_ctl_LDADD = lib/libafwrt-client.la $(EVENT_LIBS) $(JANSSON_LIBS)
