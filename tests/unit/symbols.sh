#!/bin/sh
# SPDX-License-Identifier: ISC
# The library exports what its map and its header say, and nothing else; its
# name is right, and it needs no more than it should.
set -eu
src=${srcdir:-.}
lib=${top_builddir:-.}/lib/.libs/libafwrt-client.so.1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

sed -n 's/^[[:space:]]*\(afwrt_[a-z_]*\);$/\1/p' "$src/lib/afwrt-client.map" |
    sort >"$tmp/map"
sed -n 's/^AFWRT_API.*[ *]\(afwrt_[a-z_]*\)(.*/\1/p' "$src/include/afwrt.h" |
    sort >"$tmp/header"
nm -D --defined-only "$lib" | awk '$2 != "A" { print $3 }' |
    sed 's/@@\{0,1\}AFWRT_1$//' | sort >"$tmp/exported"
test -s "$tmp/map"
diff -u "$tmp/map" "$tmp/header"
diff -u "$tmp/map" "$tmp/exported"

readelf -d "$lib" >"$tmp/dynamic"
grep -q 'SONAME.*\[libafwrt-client.so.1\]' "$tmp/dynamic"
needed=$(sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' "$tmp/dynamic" |
    grep -v '^libjansson\.\|^libc\.\|^libasan\.\|^libubsan\.\|^ld-\|^libm\.' ||
    true)
test -z "$needed" || { echo "needs $needed"; exit 1; }
