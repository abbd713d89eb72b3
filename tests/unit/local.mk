# SPDX-License-Identifier: ISC
# Unit tests: one program a part, `check` for the cases.
if HAVE_CHECK
# afwrt-auth and TLS
check_PROGRAMS += tests/unit/check_tls
TESTS += tests/unit/check_tls
tests_unit_check_tls_SOURCES = tests/unit/check_tls.c
tests_unit_check_tls_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_tls_LDADD = lib/libafwtls.la lib/libafwwire.la $(CHECK_LIBS)
# our own records, of a peer that is not well-behaved
check_PROGRAMS += tests/unit/check_tls_records
TESTS += tests/unit/check_tls_records
tests_unit_check_tls_records_SOURCES = tests/unit/check_tls_records.c \
	$(tls_sources)
tests_unit_check_tls_records_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) \
	$(MBEDTLS_CFLAGS)
tests_unit_check_tls_records_LDADD = lib/libafwwire.la $(MBEDTLS_LIBS) \
	$(CHECK_LIBS)
if AEAD_OPENSSL
# and the same with the records done by mbedTLS
check_PROGRAMS += tests/unit/check_tls_mbedtls
TESTS += tests/unit/check_tls_mbedtls
tests_unit_check_tls_mbedtls_SOURCES = tests/unit/check_tls.c \
	$(tls_sources) lib/tls/record_none.c
tests_unit_check_tls_mbedtls_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) \
	$(MBEDTLS_CFLAGS)
tests_unit_check_tls_mbedtls_LDADD = lib/libafwwire.la $(MBEDTLS_LIBS) \
	$(CHECK_LIBS)
endif

# what lib/tls costs, for tests/bench/tls_speed.sh
check_PROGRAMS += tests/bench/tls_speed
EXTRA_DIST += tests/bench/tls_speed.sh
tests_bench_tls_speed_SOURCES = tests/bench/tls_speed.c
tests_bench_tls_speed_LDADD = lib/libafwtls.la lib/libafwwire.la

# the tunnel side of afwrt-tun
check_PROGRAMS += tests/unit/check_cstp
TESTS += tests/unit/check_cstp
tests_unit_check_cstp_SOURCES = tests/unit/check_cstp.c \
	afwrt-tun/cstp.c afwrt-tun/cstp_head.c afwrt-tun/hold.c \
	afwrt-tun/retry.c
tests_unit_check_cstp_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_cstp_LDADD = lib/libafwwire.la $(CHECK_LIBS)
# lib/wgquick
check_PROGRAMS += tests/unit/check_wgquick
TESTS += tests/unit/check_wgquick
tests_unit_check_wgquick_SOURCES = tests/unit/check_wgquick.c
tests_unit_check_wgquick_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_wgquick_LDADD = lib/libafwwgquick.la $(CHECK_LIBS)

# lib/wire
check_PROGRAMS += tests/unit/check_addr
TESTS += tests/unit/check_addr
tests_unit_check_addr_SOURCES = tests/unit/check_addr.c
tests_unit_check_addr_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_addr_LDADD = lib/libafwwire.la $(CHECK_LIBS)

check_PROGRAMS += tests/unit/check_blob
TESTS += tests/unit/check_blob
tests_unit_check_blob_SOURCES = tests/unit/check_blob.c
tests_unit_check_blob_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_blob_LDADD = lib/libafwwire.la $(CHECK_LIBS)
tests_unit_check_blob_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=free \
	-Wl,--wrap=realloc

check_PROGRAMS += tests/unit/check_msg
TESTS += tests/unit/check_msg
tests_unit_check_msg_SOURCES = tests/unit/check_msg.c
tests_unit_check_msg_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_msg_LDADD = lib/libafwwire.la $(CHECK_LIBS)

# the service
check_PROGRAMS += tests/unit/check_rest_token
TESTS += tests/unit/check_rest_token
tests_unit_check_rest_token_SOURCES = tests/unit/check_rest_token.c \
	afwrt-ctl/rest_token.c afwrt-ctl/rest_token.h
tests_unit_check_rest_token_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_rest_token_LDADD = $(CHECK_LIBS)
tests_unit_check_rest_token_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_gettime

# lib/daemon
check_PROGRAMS += tests/unit/check_log
TESTS += tests/unit/check_log
tests_unit_check_log_SOURCES = tests/unit/check_log.c
tests_unit_check_log_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_log_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)

check_PROGRAMS += tests/unit/check_beneath
TESTS += tests/unit/check_beneath
tests_unit_check_beneath_SOURCES = tests/unit/check_beneath.c
tests_unit_check_beneath_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_beneath_LDADD = lib/libafwbeneath.la $(CHECK_LIBS)

# the packet path of afwrt-tun
path_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
path_ldadd = afwrt-tun/libtun.la $(CHECK_LIBS) $(EVENT_LIBS)
path_lab = tests/unit/path_lab.c tests/unit/path_lab.h tests/unit/path_packet.c
path_tests = tests/unit/check_adopt tests/unit/check_coalesce \
	tests/unit/check_device tests/unit/check_dns \
	tests/unit/check_gather \
	tests/unit/check_flow \
	tests/unit/check_wg_control \
	tests/unit/check_forward tests/unit/check_nat \
	tests/unit/check_packet tests/unit/check_probe \
	tests/unit/check_source \
	tests/unit/check_spread
check_PROGRAMS += $(path_tests)
TESTS += $(path_tests)
# a device of its own, so without the lab's
tests_unit_check_coalesce_SOURCES = tests/unit/check_coalesce.c \
	tests/unit/path_lab.h tests/unit/path_packet.c
tests_unit_check_coalesce_CFLAGS = $(path_cflags)
tests_unit_check_coalesce_LDADD = $(path_ldadd)
tests_unit_check_device_SOURCES = tests/unit/check_device.c $(path_lab)
tests_unit_check_device_CFLAGS = $(path_cflags)
tests_unit_check_device_LDADD = $(path_ldadd)
tests_unit_check_dns_SOURCES = tests/unit/check_dns.c $(path_lab)
tests_unit_check_dns_CFLAGS = $(path_cflags)
tests_unit_check_dns_LDADD = $(path_ldadd)
tests_unit_check_flow_SOURCES = tests/unit/check_flow.c $(path_lab)
tests_unit_check_flow_CFLAGS = $(path_cflags)
tests_unit_check_flow_LDADD = $(path_ldadd)
tests_unit_check_wg_control_SOURCES = tests/unit/check_wg_control.c
tests_unit_check_wg_control_CFLAGS = $(path_cflags)
tests_unit_check_wg_control_LDADD = $(path_ldadd)
tests_unit_check_gather_SOURCES = tests/unit/check_gather.c
tests_unit_check_gather_CFLAGS = $(path_cflags)
tests_unit_check_gather_LDADD = $(path_ldadd)
tests_unit_check_nat_SOURCES = tests/unit/check_nat.c $(path_lab)
tests_unit_check_nat_CFLAGS = $(path_cflags)
tests_unit_check_nat_LDADD = $(path_ldadd)
tests_unit_check_adopt_SOURCES = tests/unit/check_adopt.c $(path_lab)
tests_unit_check_adopt_CFLAGS = $(path_cflags)
tests_unit_check_adopt_LDADD = $(path_ldadd)
tests_unit_check_forward_SOURCES = tests/unit/check_forward.c $(path_lab)
tests_unit_check_forward_CFLAGS = $(path_cflags)
tests_unit_check_forward_LDADD = $(path_ldadd)
tests_unit_check_forward_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=device_takes_gso
tests_unit_check_packet_SOURCES = tests/unit/check_packet.c $(path_lab)
tests_unit_check_packet_CFLAGS = $(path_cflags)
tests_unit_check_packet_LDADD = $(path_ldadd)
tests_unit_check_probe_SOURCES = tests/unit/check_probe.c $(path_lab)
tests_unit_check_probe_CFLAGS = $(path_cflags)
tests_unit_check_probe_LDADD = $(path_ldadd)
tests_unit_check_spread_SOURCES = tests/unit/check_spread.c $(path_lab)
tests_unit_check_spread_CFLAGS = $(path_cflags)
tests_unit_check_spread_LDADD = $(path_ldadd)
tests_unit_check_source_SOURCES = tests/unit/check_source.c $(path_lab)
tests_unit_check_source_CFLAGS = $(path_cflags)
tests_unit_check_source_LDADD = $(path_ldadd)

# the path on real devices, for tests/bench/path_wire.sh
check_PROGRAMS += tests/bench/path_wire
EXTRA_DIST += tests/bench/connections.py tests/bench/many_rules.py \
	tests/bench/path_wire.sh tests/bench/ratio.py tests/bench/wg_ratio.py
tests_bench_path_wire_SOURCES = tests/bench/path_wire.c
tests_bench_path_wire_CFLAGS = $(path_cflags)
tests_bench_path_wire_LDADD = afwrt-tun/libtun.la $(EVENT_LIBS)

# libFuzzer, by hand: make fuzz-packet && ./fuzz-packet -max_total_time=60
EXTRA_DIST += tests/fuzz/fuzz_cstp.c tests/fuzz/fuzz_packet.c \
	tests/fuzz/fuzz_uapi.c tests/fuzz/fuzz_wg.c
CLEANFILES += fuzz-cstp fuzz-packet fuzz-uapi fuzz-wg
fuzz_cc = @command -v clang >/dev/null || \
	    { echo "$@: clang is missing" >&2; exit 1; }; set -x; \
	clang -g -O1 -std=c11 -fsanitize=fuzzer,address,undefined \
	    -fno-sanitize-recover=undefined -DLAB_FUZZ $(DEFS) \
	    $(DEFAULT_INCLUDES) $(AM_CPPFLAGS) $(EVENT_CFLAGS) \
	    $(CRYPTO_CFLAGS) -o $@ $(filter %.c,$^) $(EVENT_LIBS)
fuzz-packet: tests/fuzz/fuzz_packet.c tests/unit/path_lab.c \
		tests/unit/path_packet.c \
		$(path_sources) lib/daemon/log.c lib/wire/addr.c
	$(fuzz_cc)
fuzz-cstp: tests/fuzz/fuzz_cstp.c afwrt-tun/cstp.c afwrt-tun/cstp_head.c \
		lib/wire/addr.c
	$(fuzz_cc)
fuzz-uapi: tests/fuzz/fuzz_uapi.c afwrt-tun/wg_uapi.c lib/wire/addr.c
	$(fuzz_cc)
fuzz-wg: tests/fuzz/fuzz_wg.c tests/unit/wg_lab.c $(wg_sources)
	$(fuzz_cc) $(CRYPTO_LIBS)

# the parsers of what comes from outside: make fuzz-parsers && ./fuzz-xml ...
fuzz_wire = lib/wire/addr.c lib/wire/blob.c lib/wire/channel.c \
	lib/wire/error.c lib/wire/field.c lib/wire/msg.c
fuzz_parser = clang -g -O1 -std=c11 -fsanitize=fuzzer,address,undefined \
	$(DEFS) $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) \
	$(EXPAT_CFLAGS) $(MBEDTLS_CFLAGS)
fuzz_programs = fuzz-wire fuzz-http fuzz-dns fuzz-xml fuzz-wgquick \
	fuzz-conf fuzz-blob
EXTRA_DIST += tests/fuzz/fuzz_parsers.c
CLEANFILES += $(fuzz_programs)
fuzz-parsers: $(fuzz_programs)
$(fuzz_programs): tests/fuzz/fuzz_parsers.c $(fuzz_wire)
fuzz-http: afwrt-auth/http_parse.c
fuzz-dns: afwrt-auth/dns.c
fuzz-xml: afwrt-auth/node_xml.c lib/daemon/log.c
fuzz-wgquick: lib/wgquick/wgquick.c
fuzz-conf: lib/conf.c lib/conf_list.c lib/conf_whole.c lib/errors.c \
	lib/notice.c lib/rules.c
fuzz-blob: afwrt-auth/answer.c afwrt-auth/fail.c
$(fuzz_programs):
	@command -v clang >/dev/null || \
	    { echo "$@: clang is missing" >&2; exit 1; }
	$(fuzz_parser) -DFUZZ_$$(echo $@ | sed 's/fuzz-//' | tr a-z A-Z) \
	    -o $@ $(filter %.c,$^) $(EXPAT_LIBS) $(JANSSON_LIBS) \
	    -lmbedcrypto -lresolv

check_PROGRAMS += tests/unit/check_sandbox
TESTS += tests/unit/check_sandbox
tests_unit_check_sandbox_SOURCES = tests/unit/check_sandbox.c
tests_unit_check_sandbox_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_sandbox_LDADD = lib/libafwdaemon.la $(CHECK_LIBS)
endif

# afwrt-net's parts that need no kernel
if HAVE_CHECK
check_PROGRAMS += tests/unit/check_net
TESTS += tests/unit/check_net
tests_unit_check_net_SOURCES = tests/unit/check_net.c
tests_unit_check_net_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(MNL_CFLAGS)
tests_unit_check_net_LDADD = afwrt-net/libnet.la $(CHECK_LIBS)
check_PROGRAMS += tests/unit/check_wg_mark
TESTS += tests/unit/check_wg_mark
tests_unit_check_wg_mark_SOURCES = tests/unit/check_wg_mark.c
tests_unit_check_wg_mark_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(MNL_CFLAGS)
tests_unit_check_wg_mark_LDADD = afwrt-net/libnet.la $(CHECK_LIBS)
endif

# the client library: configuration text, event text, what it exports
EXTRA_DIST += tests/unit/symbols.sh tests/unit/header.sh tests/unit/verbs.sh \
	tests/unit/complete.sh tests/unit/completion.sh \
	tests/install/tenlines.c tests/install/tenlines.sh
TESTS += tests/unit/symbols.sh tests/unit/header.sh tests/unit/verbs.sh \
	tests/unit/completion.sh tests/install/tenlines.sh
AM_TESTS_ENVIRONMENT = srcdir='$(srcdir)'; top_builddir='$(top_builddir)'; \
	CC='$(CC)'; SAN_CFLAGS='$(SAN_CFLAGS)'; \
	export srcdir top_builddir CC SAN_CFLAGS;
if HAVE_CHECK
check_PROGRAMS += tests/unit/check_config tests/unit/check_events
TESTS += tests/unit/check_config tests/unit/check_events
tests_unit_check_config_SOURCES = tests/unit/check_config.c
tests_unit_check_config_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_check_config_LDADD = lib/libafwclient.la $(CHECK_LIBS)
tests_unit_check_events_SOURCES = tests/unit/check_events.c
tests_unit_check_events_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_check_events_LDADD = lib/libafwclient.la $(CHECK_LIBS)
check_PROGRAMS += tests/unit/check_auth_parts
TESTS += tests/unit/check_auth_parts
tests_unit_check_auth_parts_SOURCES = tests/unit/check_auth_parts.c
tests_unit_check_auth_parts_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_check_auth_parts_LDADD = afwrt-auth/libauth.la $(CHECK_LIBS)
check_PROGRAMS += tests/unit/check_auth_wiped
TESTS += tests/unit/check_auth_wiped
tests_unit_check_auth_wiped_SOURCES = tests/unit/check_auth_wiped.c
tests_unit_check_auth_wiped_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_check_auth_wiped_LDADD = afwrt-auth/libauth.la $(CHECK_LIBS)
endif

# the WireGuard engine
EXTRA_DIST += tests/unit/wg_vectors.py
if WG_ENGINE
if HAVE_CHECK
wg_tests = tests/unit/check_wg_crypto tests/unit/check_wg_fuzz \
	tests/unit/check_wg_noise tests/unit/check_wg_peer \
	tests/unit/check_wg_refuse
wg_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS) $(CRYPTO_CFLAGS)
wg_ldadd = afwrt-tun/libwg.la $(CHECK_LIBS) $(CRYPTO_LIBS)
wg_lab = tests/unit/wg_lab.c tests/unit/wg_lab.h
check_PROGRAMS += $(wg_tests)
TESTS += $(wg_tests)
# the engine as the transport of a route
check_PROGRAMS += tests/unit/check_wg_route
TESTS += tests/unit/check_wg_route
tests_unit_check_wg_route_SOURCES = tests/unit/check_wg_route.c
tests_unit_check_wg_route_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_check_wg_route_LDADD = afwrt-tun/libtun.la $(CHECK_LIBS)
check_PROGRAMS += tests/unit/check_wg_ecn
TESTS += tests/unit/check_wg_ecn
tests_unit_check_wg_ecn_SOURCES = tests/unit/check_wg_ecn.c
tests_unit_check_wg_ecn_CFLAGS = $(path_cflags)
tests_unit_check_wg_ecn_LDADD = $(path_ldadd)
tests_unit_check_wg_crypto_SOURCES = tests/unit/check_wg_crypto.c
tests_unit_check_wg_crypto_CFLAGS = $(wg_cflags)
tests_unit_check_wg_crypto_LDADD = $(wg_ldadd)
tests_unit_check_wg_fuzz_SOURCES = tests/unit/check_wg_fuzz.c $(wg_lab)
tests_unit_check_wg_fuzz_CFLAGS = $(wg_cflags)
tests_unit_check_wg_fuzz_LDADD = $(wg_ldadd)
tests_unit_check_wg_noise_SOURCES = tests/unit/check_wg_noise.c $(wg_lab) \
	tests/unit/wg_vectors.h
tests_unit_check_wg_noise_CFLAGS = $(wg_cflags)
tests_unit_check_wg_noise_LDADD = $(wg_ldadd)
tests_unit_check_wg_peer_SOURCES = tests/unit/check_wg_peer.c $(wg_lab)
tests_unit_check_wg_peer_CFLAGS = $(wg_cflags)
tests_unit_check_wg_peer_LDADD = $(wg_ldadd)
tests_unit_check_wg_refuse_SOURCES = tests/unit/check_wg_refuse.c $(wg_lab)
tests_unit_check_wg_refuse_CFLAGS = $(wg_cflags)
tests_unit_check_wg_refuse_LDADD = $(wg_ldadd)
endif
endif
