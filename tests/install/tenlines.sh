#!/bin/sh
# SPDX-License-Identifier: ISC
# Installs into an empty prefix and builds a ten-line application against it
# with pkg-config alone. With an argument the program is left there.
set -eu
src=$(cd "${srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
command -v pkg-config >/dev/null || exit 77

MAKEFLAGS='' make -s -C "$build" install DESTDIR="$tmp/root" \
    COMPAT_NAME=yes >"$tmp/log" 2>&1 ||
    { cat "$tmp/log"; exit 1; }
pc=$(find "$tmp/root" -name afwrt-client.pc)
test -n "$pc"
PKG_CONFIG_PATH=$(dirname "$pc")
PKG_CONFIG_SYSROOT_DIR=$tmp/root
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
flags=$(pkg-config --cflags --libs afwrt-client)
# shellcheck disable=SC2086
${CC:-cc} -Wall -Wextra -Werror -o "$tmp/tenlines" \
    "$src/tests/install/tenlines.c" ${SAN_CFLAGS:-} $flags
libdir=$(dirname "$(dirname "$pc")")
test -e "$libdir/libafwrt-client.so.1"
test -e "$tmp/root$(sed -n 's/^includedir=\(.*\)/\1/p' "$pc" |
    sed "s|\${prefix}|$(sed -n 's/^prefix=//p' "$pc")|")/afwrt.h"
# it runs as far as it can without arguments
LD_LIBRARY_PATH=$libdir "$tmp/tenlines" 2>"$tmp/err" && exit 1
test -z "$(cat "$tmp/err")" || { cat "$tmp/err"; exit 1; }

# --enable-compat-name: a program that was linked with another libafwrt.so
mkdir "$tmp/other"
for name in init protect_ip_addr start last_error deinit; do
	echo "int afwrt_$name(void); int afwrt_$name(void) { return 7; }"
done >"$tmp/other.c"
# shellcheck disable=SC2086
${CC:-cc} -shared -fPIC -Wl,-soname,libafwrt.so \
    -o "$tmp/other/libafwrt.so" "$tmp/other.c"
# shellcheck disable=SC2086
${CC:-cc} -o "$tmp/old" "$src/tests/install/tenlines.c" ${SAN_CFLAGS:-} \
    $(pkg-config --cflags afwrt-client) -L"$tmp/other" -lafwrt
readelf -d "$tmp/old" | grep -q 'NEEDED.*\[libafwrt.so\]'
test "$(readlink "$libdir/libafwrt.so")" = libafwrt-client.so.1
LD_LIBRARY_PATH=$libdir "$tmp/old" '{' 192.168.1.5 us 2>"$tmp/err" && exit 1
grep -q . "$tmp/err" # the real afwrt_init's reason, not the other's 7

if [ $# -gt 0 ]; then
	cp "$tmp/tenlines" "$1"
fi
