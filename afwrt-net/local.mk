# SPDX-License-Identifier: ISC
noinst_LTLIBRARIES += afwrt-net/libnet.la
afwrt_net_libnet_la_SOURCES = \
	afwrt-net/addrs.c afwrt-net/addrs.h \
	afwrt-net/apply.c \
	afwrt-net/config.c \
	afwrt-net/conntrack.c afwrt-net/conntrack.h \
	afwrt-net/device.c afwrt-net/device.h \
	afwrt-net/effect.c afwrt-net/effect.h \
	afwrt-net/fdb.c afwrt-net/fdb.h \
	afwrt-net/flows.c afwrt-net/flows.h \
	afwrt-net/link.c afwrt-net/link.h \
	afwrt-net/links.c afwrt-net/links.h \
	afwrt-net/list.h \
	afwrt-net/monitor.c \
	afwrt-net/neigh.c afwrt-net/neigh.h \
	afwrt-net/net.c afwrt-net/net.h \
	afwrt-net/netlink.c afwrt-net/netlink.h \
	afwrt-net/nft.c afwrt-net/nft.h \
	afwrt-net/nft_expr.c afwrt-net/nft_expr.h \
	afwrt-net/nft_rules.c afwrt-net/nft_rules.h \
	afwrt-net/nft_set.c \
	afwrt-net/nft_wg.c \
	afwrt-net/plan.c afwrt-net/plan.h \
	afwrt-net/reconcile.c \
	afwrt-net/route.c afwrt-net/route.h \
	afwrt-net/rule.c afwrt-net/rule.h \
	afwrt-net/seed.c afwrt-net/seed.h \
	afwrt-net/sockets.c \
	afwrt-net/source.c afwrt-net/source.h \
	afwrt-net/state.h \
	afwrt-net/station.c afwrt-net/station.h \
	afwrt-net/tun.c afwrt-net/tun.h \
	afwrt-net/wan.c afwrt-net/wan.h \
	afwrt-net/wg_genl.c afwrt-net/wg_genl.h \
	afwrt-net/wg_iface.c afwrt-net/wg_iface.h \
	afwrt-net/wg_kernel.c afwrt-net/wg_kernel.h \
	afwrt-net/wg_link.c afwrt-net/wg_link.h \
	afwrt-net/wg_mark.c afwrt-net/wg_mark.h \
	afwrt-net/wg_request.c afwrt-net/wg_request.h \
	afwrt-net/wg_route.c afwrt-net/wg_route.h
afwrt_net_libnet_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(MNL_CFLAGS) $(NFTNL_CFLAGS)
afwrt_net_libnet_la_LIBADD = lib/libafwdaemon.la $(MNL_LIBS) $(NFTNL_LIBS)

pkglibexec_PROGRAMS += afwrt-net/afwrt-net
afwrt_net_afwrt_net_SOURCES = afwrt-net/main.c
afwrt_net_afwrt_net_LDADD = afwrt-net/libnet.la
