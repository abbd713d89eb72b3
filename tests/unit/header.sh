#!/bin/sh
# SPDX-License-Identifier: ISC
# The public header alone, in each language that it promises to be clean in.
set -eu
src=${srcdir:-.}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cat >"$tmp/a.c" <<'END'
#include <afwrt.h>
static void on_event(const char *event) { (void)event; }
int main(void)
{
	int (*init)(const char *, void (*)(const char *)) = afwrt_init;
	const char *(*reg)(const char *, const char *) = afwrt_register_device;
	char *(*list)(void) = afwrt_get_locations;
	int (*up)(const char *, const char *) = afwrt_setup_tunnel;
	return init == 0 || reg == 0 || list == 0 || up == 0 || on_event == 0;
}
END
cp "$tmp/a.c" "$tmp/a.cc"
strict="-pedantic -Wall -Wextra -Werror -Wno-address -I$src/include -fsyntax-only"
tried=0
for cc in gcc clang; do
	command -v $cc >/dev/null || continue
	quiet=
	test $cc = clang && quiet=-Wno-tautological-pointer-compare
	for std in c99 c11 c17; do
		$cc -std=$std -Wstrict-prototypes $strict $quiet "$tmp/a.c"
		tried=$((tried + 1))
	done
done
for cxx in g++ clang++; do
	command -v $cxx >/dev/null || continue
	quiet=
	test $cxx = clang++ && quiet=-Wno-tautological-pointer-compare
	for std in c++11 c++17; do
		$cxx -std=$std -Wold-style-cast $strict $quiet "$tmp/a.cc"
		tried=$((tried + 1))
	done
done
test $tried -gt 0 || exit 77
