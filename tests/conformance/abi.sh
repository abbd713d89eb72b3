#!/bin/sh
# SPDX-License-Identifier: ISC
# The record of the interface: each symbol with its version, each prototype,
# each constant of the header. What is in abi.txt must not change; what is new
# is added there by: tests/conformance/abi.sh --write
set -eu
src=$(cd "${srcdir:-.}" && pwd)
lib=${top_builddir:-.}/lib/.libs/libafwrt-client.so.1
record=$src/tests/conformance/abi.txt
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cc=${CC:-cc}

# one prototype a line, without attributes and argument names' line breaks
prototypes()
{
	# shellcheck disable=SC2086
	$cc -E -P -I "$src/include" -x c "$src/include/afwrt.h" |
	    tr '\n\t' '  ' | tr ';' '\n' |
	    sed 's/__attribute__((visibility("default")))//g; s/  */ /g
		s/^ *//; s/ *$//; s/( /(/g; s/ )/)/g' | grep afwrt_ | sort
}

{
	nm -D --defined-only "$lib" | awk '$2 != "A" { print "symbol", $3 }' |
	    sort
	prototypes | sed 's/^/prototype /'
	# the version's numbers change with each release
	sed -n 's/^#define \(AFWRT_VERSION_[A-Z]*\) .*/constant \1/p' \
	    "$src/include/afwrt.h" | sort
} >"$tmp/now"
test "$(grep -c '^symbol afwrt_.*@@AFWRT_1$' "$tmp/now")" -gt 15
test "$(grep -c ^prototype "$tmp/now")" = "$(grep -c ^symbol "$tmp/now")"
if [ "${1:-}" = --write ]; then
	cp "$tmp/now" "$record"
fi
diff -u "$record" "$tmp/now"

# The document's own declarations, as it writes them, are compatible.
cat >"$tmp/document.c" <<'END'
#include <afwrt.h>
int afwrt_init(const char *params_json,
    void (event_callback)(const char *event_str));
int afwrt_deinit(void);
int afwrt_start(void);
int afwrt_stop(void);
int afwrt_verify_user(const char *backend, const char *username,
    const char *password);
char* afwrt_get_locations(void);
int afwrt_protect_ip_addr(const char *ip_addr, const char *location);
int afwrt_unprotect_ip_addr(const char *ip_addr);
int afwrt_protect_mac_addr(const char *mac_addr, const char *location);
int afwrt_unprotect_mac_addr(const char *mac_addr);
int afwrt_protect_iface(const char *iface, const char *location);
int afwrt_unprotect_iface(const char *iface);
const char *afwrt_register_device(const char *auth_method,
    const char *auth_token);
int afwrt_set_access_token(const char *access_token);
int afwrt_setup_tunnel(const char *location, const char *iface_name);
int afwrt_teardown_tunnel(const char *location);
const char *afwrt_version();
END
$cc -std=c11 -Wall -Werror -Wno-strict-prototypes -Wno-deprecated-non-prototype \
    -Wno-unknown-warning-option -fsyntax-only -I "$src/include" \
    "$tmp/document.c"
