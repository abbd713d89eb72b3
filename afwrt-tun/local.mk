# SPDX-License-Identifier: ISC
noinst_LTLIBRARIES += afwrt-tun/libtun.la
afwrt_tun_libtun_la_SOURCES = \
	afwrt-tun/attempt.c afwrt-tun/attempt.h \
	afwrt-tun/conn.c \
	afwrt-tun/cstp.c afwrt-tun/cstp.h \
	afwrt-tun/cstp_head.c afwrt-tun/cstp_head.h \
	afwrt-tun/gather.c afwrt-tun/gather.h \
	afwrt-tun/goodbye.c afwrt-tun/goodbye.h \
	afwrt-tun/handover.c \
	afwrt-tun/hold.c afwrt-tun/hold.h \
	afwrt-tun/hydra_io.c \
	afwrt-tun/hydra_tcp.c afwrt-tun/hydra_tcp.h \
	afwrt-tun/probe.c afwrt-tun/probe.h \
	afwrt-tun/retry.c afwrt-tun/retry.h \
	afwrt-tun/route.c afwrt-tun/route.h \
	afwrt-tun/route_private.h \
	afwrt-tun/route_state.c \
	afwrt-tun/session.c afwrt-tun/session.h \
	afwrt-tun/source_ask.c \
	afwrt-tun/standby.c afwrt-tun/standby.h \
	afwrt-tun/stats.c afwrt-tun/stats.h \
	afwrt-tun/transport.h \
	afwrt-tun/tun.c afwrt-tun/tun.h \
	afwrt-tun/wg_control.c afwrt-tun/wg_control.h \
	afwrt-tun/wg_device.c afwrt-tun/wg_device.h \
	afwrt-tun/wg_kernel.c \
	afwrt-tun/wg_transport.c afwrt-tun/wg_transport.h
afwrt_tun_libtun_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(MBEDTLS_CFLAGS)
afwrt_tun_libtun_la_LIBADD = lib/libafwdaemon.la lib/libafwtls.la

pkglibexec_PROGRAMS += afwrt-tun/afwrt-tun
afwrt_tun_afwrt_tun_SOURCES = afwrt-tun/main.c
afwrt_tun_afwrt_tun_LDADD = afwrt-tun/libtun.la

# the packet path: between the TUN and the routes
path_sources = \
	afwrt-tun/answer.c afwrt-tun/answer.h \
	afwrt-tun/checksum.c afwrt-tun/checksum.h \
	afwrt-tun/clock.c afwrt-tun/clock.h \
	afwrt-tun/coalesce.c afwrt-tun/coalesce.h \
	afwrt-tun/device.c afwrt-tun/device.h \
	afwrt-tun/dns.c afwrt-tun/dns.h \
	afwrt-tun/flow.c afwrt-tun/flow.h \
	afwrt-tun/forward.c afwrt-tun/forward.h \
	afwrt-tun/fragment.c afwrt-tun/fragment.h \
	afwrt-tun/hash.c afwrt-tun/hash.h \
	afwrt-tun/held.c afwrt-tun/held.h \
	afwrt-tun/icmp.c afwrt-tun/icmp.h \
	afwrt-tun/mss.c afwrt-tun/mss.h \
	afwrt-tun/nat.c afwrt-tun/nat.h \
	afwrt-tun/nat_adopt.c afwrt-tun/nat_adopt.h \
	afwrt-tun/nat_icmp.c afwrt-tun/nat_icmp.h \
	afwrt-tun/nat_port.c afwrt-tun/nat_port.h \
	afwrt-tun/nat_rewrite.c afwrt-tun/nat_rewrite.h \
	afwrt-tun/nat_table.c afwrt-tun/nat_table.h \
	afwrt-tun/nat_user.c afwrt-tun/nat_user.h \
	afwrt-tun/packet.c afwrt-tun/packet.h \
	afwrt-tun/segment.c afwrt-tun/segment.h \
	afwrt-tun/source.c afwrt-tun/source.h \
	afwrt-tun/spread.c afwrt-tun/spread.h
afwrt_tun_libtun_la_SOURCES += $(path_sources)

# the WireGuard engine, which knows nothing of the rest
wg_sources = \
	afwrt-tun/wg.h afwrt-tun/wg_private.h \
	afwrt-tun/wg_batch.c afwrt-tun/wg_batch.h \
	afwrt-tun/wg_cookie.c afwrt-tun/wg_cookie.h \
	afwrt-tun/wg_crypto.c afwrt-tun/wg_crypto.h \
	afwrt-tun/wg_data.c \
	afwrt-tun/wg_handshake.c \
	afwrt-tun/wg_noise.c afwrt-tun/wg_noise.h \
	afwrt-tun/wg_peer.c \
	afwrt-tun/wg_queue.c afwrt-tun/wg_queue.h \
	afwrt-tun/wg_session.c afwrt-tun/wg_session.h \
	afwrt-tun/wg_stamp.c afwrt-tun/wg_stamp.h \
	afwrt-tun/wg_timers.c \
	afwrt-tun/wg_xchacha.c
if WG_ENGINE
noinst_LTLIBRARIES += afwrt-tun/libwg.la
afwrt_tun_libwg_la_SOURCES = $(wg_sources)
afwrt_tun_libwg_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
afwrt_tun_libwg_la_LIBADD = $(CRYPTO_LIBS)

# WireGuard in userspace: the engine as the transport of a route
afwrt_tun_libtun_la_SOURCES += \
	afwrt-tun/stamp_store.c afwrt-tun/stamp_store.h \
	afwrt-tun/wg_allowed.c afwrt-tun/wg_allowed.h \
	afwrt-tun/wg_change.c \
	afwrt-tun/wg_path.c \
	afwrt-tun/wg_socket.c afwrt-tun/wg_socket.h \
	afwrt-tun/wg_uapi.c afwrt-tun/wg_uapi.h \
	afwrt-tun/wg_udp.c afwrt-tun/wg_udp.h
afwrt_tun_libtun_la_LIBADD += afwrt-tun/libwg.la
endif
