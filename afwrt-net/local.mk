# SPDX-License-Identifier: ISC
noinst_LTLIBRARIES += afwrt-net/libnet.la
afwrt_net_libnet_la_SOURCES = \
	afwrt-net/apply.c \
	afwrt-net/conntrack.c afwrt-net/conntrack.h \
	afwrt-net/device.c afwrt-net/device.h \
	afwrt-net/flows.c \
	afwrt-net/link.c afwrt-net/link.h \
	afwrt-net/monitor.c \
	afwrt-net/net.c afwrt-net/net.h \
	afwrt-net/netlink.c afwrt-net/netlink.h \
	afwrt-net/nft.c afwrt-net/nft_rules.c afwrt-net/nft_set.c \
	afwrt-net/nft.h \
	afwrt-net/plan.h \
	afwrt-net/reconcile.c \
	afwrt-net/route.c afwrt-net/route.h \
	afwrt-net/rule.c afwrt-net/rule.h \
	afwrt-net/sockets.c \
	afwrt-net/state.h \
	afwrt-net/wan.c afwrt-net/wan.h \
	afwrt-net/wg_genl.c afwrt-net/wg_genl.h \
	afwrt-net/wg_kernel.c afwrt-net/wg_kernel.h \
	afwrt-net/wg_link.c afwrt-net/wg_link.h
afwrt_net_libnet_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(MNL_CFLAGS) $(NFTNL_CFLAGS)
afwrt_net_libnet_la_LIBADD = lib/libafwdaemon.la $(MNL_LIBS) $(NFTNL_LIBS)

pkglibexec_PROGRAMS += afwrt-net/afwrt-net
afwrt_net_afwrt_net_SOURCES = afwrt-net/main.c
afwrt_net_afwrt_net_LDADD = afwrt-net/libnet.la
