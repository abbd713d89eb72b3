#!/bin/sh
# SPDX-License-Identifier: ISC
# For make check: the table of statements, and that its checker can fail.
set -eu
src=$(cd "${srcdir:-.}" && pwd)
command -v python3 >/dev/null || exit 77
# A release archive has no laboratory, so not all of the tests.
[ -d "$src/tests/netns" ] || exit 77
check="python3 -B $src/tests/conformance/check_table.py"
$check "$src"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cp -R "$src/tests" "$tmp/tests"
chmod -R u+w "$tmp"
table=$tmp/tests/conformance/statements.tsv
cp "$table" "$tmp/good"

# broken NAME SED-SCRIPT: the checker must notice
broken()
{
	sed "$2" "$tmp/good" >"$table"
	! cmp -s "$tmp/good" "$table" || { echo "$1: nothing was broken"; exit 1; }
	$check --write "$tmp" >"$tmp/out" && { echo "$1: not noticed"; exit 1; }
	grep -q "$3" "$tmp/out" || { cat "$tmp/out"; exit 1; }
}
broken "no such test" 's/::rules_by_ip/::rules_by_io/' 'no test rules_by_io'
broken "no such file" 's/api_calls\.c::/api_cols.c::/' 'no file'
broken "no test" '2s/	[^	]*	proved$/	-	proved/' 'has no test'
broken "no reason" 's/n\/a: .*/n\/a: because/' 'without a reason'
broken "no status" '2s/	proved$/	fine/' 'unknown status'
broken "a gap" '5d' 'its number'
cp "$tmp/good" "$table"
echo >>"$tmp/tests/conformance/README"
if $check "$tmp" >"$tmp/out"; then
	echo "an old README: not noticed"
	exit 1
fi
