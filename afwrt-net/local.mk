# SPDX-License-Identifier: ISC
noinst_LTLIBRARIES += afwrt-net/libnet.la
afwrt_net_libnet_la_SOURCES = afwrt-net/net.c afwrt-net/net.h
afwrt_net_libnet_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(MNL_CFLAGS) $(NFTNL_CFLAGS)
afwrt_net_libnet_la_LIBADD = lib/libafwdaemon.la $(MNL_LIBS) $(NFTNL_LIBS)

pkglibexec_PROGRAMS += afwrt-net/afwrt-net
afwrt_net_afwrt_net_SOURCES = afwrt-net/main.c
afwrt_net_afwrt_net_LDADD = afwrt-net/libnet.la
