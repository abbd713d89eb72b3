# SPDX-License-Identifier: ISC
# The message table, walked: every right case and every wrong one; channels
# and links between two ends in one process.
if HAVE_CHECK
check_PROGRAMS += tests/ipc/check_wire
TESTS += tests/ipc/check_wire
tests_ipc_check_wire_SOURCES = tests/ipc/check_wire.c \
	tests/ipc/payload.c tests/ipc/payload.h tests/ipc/vary.c \
	tests/ipc/raw.c tests/ipc/raw.h
tests_ipc_check_wire_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_wire_LDADD = lib/libafwwire.la $(CHECK_LIBS)

check_PROGRAMS += tests/ipc/check_queue
TESTS += tests/ipc/check_queue
tests_ipc_check_queue_SOURCES = tests/ipc/check_queue.c \
	tests/ipc/payload.h tests/ipc/raw.c tests/ipc/raw.h
tests_ipc_check_queue_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_queue_LDADD = lib/libafwwire.la $(CHECK_LIBS)
tests_ipc_check_queue_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=free

check_PROGRAMS += tests/ipc/check_link
TESTS += tests/ipc/check_link
tests_ipc_check_link_SOURCES = tests/ipc/check_link.c \
	tests/ipc/world.c tests/ipc/world.h
tests_ipc_check_link_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_link_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)

check_PROGRAMS += tests/ipc/check_link_end
TESTS += tests/ipc/check_link_end
tests_ipc_check_link_end_SOURCES = tests/ipc/check_link_end.c \
	tests/ipc/world.c tests/ipc/world.h \
	tests/ipc/payload.h tests/ipc/raw.c tests/ipc/raw.h
tests_ipc_check_link_end_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_link_end_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)

# the tunnel side of afwrt-tun against a real ocserv
check_PROGRAMS += tests/ipc/hydra_stub tests/ipc/check_hydra \
	tests/ipc/check_conns
TESTS += tests/ipc/check_hydra tests/ipc/check_conns
tests_ipc_hydra_stub_SOURCES = tests/ipc/hydra_stub.c
tests_ipc_hydra_stub_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
tests_ipc_hydra_stub_LDADD = afwrt-tun/libtun.la
tests_ipc_check_hydra_SOURCES = tests/ipc/check_hydra.c tests/ipc/hydra_case.h \
	tests/ipc/hydra_lab.c tests/ipc/hydra_lab.h \
	tests/ipc/hydra_nodes.c tests/ipc/hydra_proxy.c
tests_ipc_check_hydra_CPPFLAGS = $(AM_CPPFLAGS) \
	-DHYDRA_STUB='"$(abs_builddir)/tests/ipc/hydra_stub"' \
	-DAFWRT_TUN='"$(abs_builddir)/afwrt-tun/afwrt-tun"'
tests_ipc_check_hydra_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
tests_ipc_check_hydra_LDADD = lib/libafwdaemon.la $(CHECK_LIBS) $(EVENT_LIBS)
tests_ipc_check_conns_SOURCES = tests/ipc/check_conns.c tests/ipc/hydra_case.h \
	tests/ipc/hydra_lab.c tests/ipc/hydra_lab.h \
	tests/ipc/hydra_nodes.c tests/ipc/hydra_proxy.c
tests_ipc_check_conns_CPPFLAGS = $(AM_CPPFLAGS) \
	-DHYDRA_STUB='"$(abs_builddir)/tests/ipc/hydra_stub"' \
	-DAFWRT_TUN='"$(abs_builddir)/afwrt-tun/afwrt-tun"'
tests_ipc_check_conns_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
tests_ipc_check_conns_LDADD = lib/libafwdaemon.la $(CHECK_LIBS) $(EVENT_LIBS)
# afwrtd itself, with helpers that are not
check_PROGRAMS += tests/ipc/fake_helper
tests_ipc_fake_helper_SOURCES = tests/ipc/fake_helper.c
tests_ipc_fake_helper_LDADD = lib/libafwwire.la

check_PROGRAMS += tests/ipc/check_afwrtd
TESTS += tests/ipc/check_afwrtd
tests_ipc_check_afwrtd_SOURCES = tests/ipc/check_afwrtd.c \
	tests/ipc/player.c tests/ipc/player.h
player_cppflags = $(AM_CPPFLAGS) \
	-DAFWRTD='"$(abs_builddir)/afwrtd/afwrtd"' \
	-DFAKE_HELPER='"$(abs_builddir)/tests/ipc/fake_helper"'
tests_ipc_check_afwrtd_CPPFLAGS = $(player_cppflags)
tests_ipc_check_afwrtd_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_afwrtd_LDADD = lib/libafwwire.la $(CHECK_LIBS)

check_PROGRAMS += tests/ipc/check_restart
TESTS += tests/ipc/check_restart
tests_ipc_check_restart_SOURCES = tests/ipc/check_restart.c \
	tests/ipc/player.c tests/ipc/player.h
tests_ipc_check_restart_CPPFLAGS = $(player_cppflags)
tests_ipc_check_restart_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_restart_LDADD = lib/libafwwire.la $(CHECK_LIBS)

check_PROGRAMS += tests/ipc/check_routes
TESTS += tests/ipc/check_routes
tests_ipc_check_routes_SOURCES = tests/ipc/check_routes.c \
	tests/ipc/player.c tests/ipc/player.h
tests_ipc_check_routes_CPPFLAGS = $(player_cppflags)
tests_ipc_check_routes_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_routes_LDADD = lib/libafwwire.la $(CHECK_LIBS)

check_PROGRAMS += tests/ipc/check_wg_routes
TESTS += tests/ipc/check_wg_routes
tests_ipc_check_wg_routes_SOURCES = tests/ipc/check_wg_routes.c \
	tests/ipc/wg_player.c tests/ipc/wg_player.h \
	tests/ipc/player.c tests/ipc/player.h
tests_ipc_check_wg_routes_CPPFLAGS = $(player_cppflags)
tests_ipc_check_wg_routes_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_wg_routes_LDADD = lib/libafwwire.la $(CHECK_LIBS)

check_PROGRAMS += tests/ipc/check_wg_life
TESTS += tests/ipc/check_wg_life
tests_ipc_check_wg_life_SOURCES = tests/ipc/check_wg_life.c \
	tests/ipc/wg_player.c tests/ipc/wg_player.h \
	tests/ipc/player.c tests/ipc/player.h
tests_ipc_check_wg_life_CPPFLAGS = $(player_cppflags)
tests_ipc_check_wg_life_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_wg_life_LDADD = lib/libafwwire.la $(CHECK_LIBS)

check_PROGRAMS += tests/ipc/check_relay
TESTS += tests/ipc/check_relay
tests_ipc_check_relay_SOURCES = tests/ipc/check_relay.c \
	tests/ipc/player.c tests/ipc/player.h
tests_ipc_check_relay_CPPFLAGS = $(player_cppflags)
tests_ipc_check_relay_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_relay_LDADD = lib/libafwwire.la $(CHECK_LIBS)
endif

# afwrt-net against the kernel, in network namespaces (root, else skipped)
if HAVE_CHECK
check_PROGRAMS += tests/ipc/check_net
TESTS += tests/ipc/check_net
tests_ipc_check_net_SOURCES = tests/ipc/check_net.c \
	tests/ipc/net_env.c tests/ipc/net_env.h
tests_ipc_check_net_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_net_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
EXTRA_tests_ipc_check_net_DEPENDENCIES = afwrt-net/afwrt-net
check_PROGRAMS += tests/ipc/check_priv
TESTS += tests/ipc/check_priv
tests_ipc_check_priv_SOURCES = tests/ipc/check_priv.c
tests_ipc_check_priv_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_priv_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
check_PROGRAMS += tests/ipc/check_daemon
TESTS += tests/ipc/check_daemon
tests_ipc_check_daemon_SOURCES = tests/ipc/check_daemon.c
tests_ipc_check_daemon_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_daemon_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
endif

# The client library against an afwrtd that only talks.
if HAVE_CHECK
check_PROGRAMS += tests/ipc/check_client tests/ipc/fake_afwrtd
TESTS += tests/ipc/check_client
tests_ipc_fake_afwrtd_SOURCES = tests/ipc/fake_afwrtd.c
tests_ipc_fake_afwrtd_LDADD = lib/libafwwire.la
tests_ipc_check_client_SOURCES = tests/ipc/check_client.c \
	tests/ipc/client_calls.c tests/ipc/client_life.c \
	tests/ipc/client_loop.c tests/ipc/client_test.h
tests_ipc_check_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_client_CPPFLAGS = $(AM_CPPFLAGS) -include config.h \
	-DFAKE_AFWRTD='"$(abs_top_builddir)/tests/ipc/fake_afwrtd"' \
	-DLIBAFWRT='"$(abs_top_builddir)/lib/.libs/libafwrt-client.so.1"'
tests_ipc_check_client_LDADD = lib/libafwrt-client.la $(CHECK_LIBS) -ldl

check_PROGRAMS += tests/ipc/check_net_rules
TESTS += tests/ipc/check_net_rules
tests_ipc_check_net_rules_SOURCES = tests/ipc/check_net_rules.c \
	tests/ipc/net_env.c tests/ipc/net_env.h
tests_ipc_check_net_rules_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_net_rules_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
EXTRA_tests_ipc_check_net_rules_DEPENDENCIES = afwrt-net/afwrt-net

check_PROGRAMS += tests/ipc/check_net_wg
TESTS += tests/ipc/check_net_wg
wg_env = tests/ipc/wg_env.c tests/ipc/wg_env.h \
	tests/ipc/net_env.c tests/ipc/net_env.h
tests_ipc_check_net_wg_SOURCES = tests/ipc/check_net_wg.c \
	$(wg_env)
tests_ipc_check_net_wg_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_net_wg_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
EXTRA_tests_ipc_check_net_wg_DEPENDENCIES = afwrt-net/afwrt-net

check_PROGRAMS += tests/ipc/check_net_wg_managed
TESTS += tests/ipc/check_net_wg_managed
tests_ipc_check_net_wg_managed_SOURCES = tests/ipc/check_net_wg_managed.c \
	$(wg_env)
tests_ipc_check_net_wg_managed_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_net_wg_managed_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
EXTRA_tests_ipc_check_net_wg_managed_DEPENDENCIES = afwrt-net/afwrt-net

check_PROGRAMS += tests/ipc/check_net_neigh
TESTS += tests/ipc/check_net_neigh
neigh_env = tests/ipc/neigh_env.c tests/ipc/neigh_env.h \
	tests/ipc/net_env.c tests/ipc/net_env.h
tests_ipc_check_net_neigh_SOURCES = tests/ipc/check_net_neigh.c \
	$(neigh_env)
tests_ipc_check_net_neigh_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_net_neigh_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
EXTRA_tests_ipc_check_net_neigh_DEPENDENCIES = afwrt-net/afwrt-net

check_PROGRAMS += tests/ipc/check_net_ports
TESTS += tests/ipc/check_net_ports
tests_ipc_check_net_ports_SOURCES = tests/ipc/check_net_ports.c \
	$(neigh_env)
tests_ipc_check_net_ports_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_net_ports_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
EXTRA_tests_ipc_check_net_ports_DEPENDENCIES = afwrt-net/afwrt-net

check_PROGRAMS += tests/ipc/check_net_gateway
TESTS += tests/ipc/check_net_gateway
tests_ipc_check_net_gateway_SOURCES = tests/ipc/check_net_gateway.c \
	tests/ipc/net_env.c tests/ipc/net_env.h
tests_ipc_check_net_gateway_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_net_gateway_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
EXTRA_tests_ipc_check_net_gateway_DEPENDENCIES = afwrt-net/afwrt-net

check_PROGRAMS += tests/ipc/check_net_leak
TESTS += tests/ipc/check_net_leak
tests_ipc_check_net_leak_SOURCES = tests/ipc/check_net_leak.c \
	tests/ipc/net_env.c tests/ipc/net_env.h
tests_ipc_check_net_leak_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(MNL_CFLAGS)
tests_ipc_check_net_leak_LDADD = afwrt-net/libnet.la $(CHECK_LIBS)
EXTRA_tests_ipc_check_net_leak_DEPENDENCIES = afwrt-net/afwrt-net

check_PROGRAMS += tests/ipc/check_assumptions
TESTS += tests/ipc/check_assumptions
tests_ipc_check_assumptions_SOURCES = tests/ipc/check_assumptions.c \
	tests/ipc/net_env.c tests/ipc/net_env.h
tests_ipc_check_assumptions_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_assumptions_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)

check_PROGRAMS += tests/ipc/check_net_managed tests/ipc/check_net_managed_life
TESTS += tests/ipc/check_net_managed tests/ipc/check_net_managed_life
managed_env = tests/ipc/managed_env.c tests/ipc/managed_env.h \
	tests/ipc/net_env.c tests/ipc/net_env.h
tests_ipc_check_net_managed_SOURCES = tests/ipc/check_net_managed.c \
	$(managed_env)
tests_ipc_check_net_managed_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_ipc_check_net_managed_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
EXTRA_tests_ipc_check_net_managed_DEPENDENCIES = afwrt-net/afwrt-net
tests_ipc_check_net_managed_life_SOURCES = \
	tests/ipc/check_net_managed_life.c $(managed_env)
tests_ipc_check_net_managed_life_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) \
	$(MNL_CFLAGS)
tests_ipc_check_net_managed_life_LDADD = afwrt-net/libnet.la $(CHECK_LIBS)
EXTRA_tests_ipc_check_net_managed_life_DEPENDENCIES = afwrt-net/afwrt-net

# a real afwrt-auth with a real node and backend
auth_nodes = tests/ipc/auth_nodes.c tests/ipc/auth_nodes.h \
	tests/ipc/auth_dns.c tests/ipc/auth_dns.h \
	tests/ipc/auth_world.c tests/ipc/auth_world.h
check_PROGRAMS += tests/ipc/check_auth tests/ipc/check_auth_backend \
	tests/ipc/check_auth_wg
TESTS += tests/ipc/check_auth tests/ipc/check_auth_backend \
	tests/ipc/check_auth_wg
tests_ipc_check_auth_wg_SOURCES = tests/ipc/check_auth_wg.c $(auth_nodes)
tests_ipc_check_auth_wg_CFLAGS = $(tests_ipc_check_auth_CFLAGS)
tests_ipc_check_auth_wg_LDADD = lib/libafwwgquick.la $(CHECK_LIBS)
tests_ipc_check_auth_SOURCES = tests/ipc/check_auth.c $(auth_nodes)
tests_ipc_check_auth_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) \
	-DAFW_ABS_SRCDIR='"$(abs_top_srcdir)"'
tests_ipc_check_auth_LDADD = lib/libafwwire.la $(CHECK_LIBS)
tests_ipc_check_auth_backend_SOURCES = \
	tests/ipc/check_auth_backend.c $(auth_nodes)
tests_ipc_check_auth_backend_CFLAGS = $(tests_ipc_check_auth_CFLAGS)
tests_ipc_check_auth_backend_LDADD = $(tests_ipc_check_auth_LDADD)
endif

# the WireGuard engine on a TUN and a socket, for tests/netns/test_wg_engine.py
if WG_ENGINE
noinst_PROGRAMS += tests/ipc/wg_stub
tests_ipc_wg_stub_SOURCES = tests/ipc/wg_stub.c
tests_ipc_wg_stub_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(CRYPTO_CFLAGS)
tests_ipc_wg_stub_LDADD = afwrt-tun/libwg.la $(EVENT_LIBS) $(CRYPTO_LIBS)

# afwrt-tun with a WireGuard route, for tests/netns/test_wg_route.py
noinst_PROGRAMS += tests/ipc/wg_route_stub
tests_ipc_wg_route_stub_SOURCES = tests/ipc/wg_route_stub.c
tests_ipc_wg_route_stub_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
tests_ipc_wg_route_stub_LDADD = lib/libafwdaemon.la $(EVENT_LIBS)

# by hand: tests/bench/wg_bench
check_PROGRAMS += tests/bench/wg_bench
tests_bench_wg_bench_SOURCES = tests/bench/wg_bench.c
tests_bench_wg_bench_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_bench_wg_bench_LDADD = afwrt-tun/libwg.la $(CRYPTO_LIBS)
endif
