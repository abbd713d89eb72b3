#!/bin/bash
# SPDX-License-Identifier: ISC
# The library's own tests under valgrind: valgrind.sh BUILD-FOLDER. No byte is
# lost, no descriptor, nothing undefined is used.
set -eu
build=${1:-.}
command -v valgrind >/dev/null || { echo "valgrind is missing"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# The libc that dlmopen loads a second time is not one that valgrind knows: it
# reads strings in pieces of 32 bytes.
cat >"$tmp/supp" <<'END'
{
   strings of the second libc
   Memcheck:Addr32
   obj:*/libc.so.6
   obj:*/libc.so.6
   obj:*/libafwrt-client.so*
}
END
# valgrind does not know pidfd_open; what it says of that is left out.
watch()
{
	cd "$build" && CK_TIMEOUT_MULTIPLIER=10 ./libtool --mode=execute \
	    valgrind -q --error-exitcode=9 --leak-check=full \
	    --errors-for-leak-kinds=definite --suppressions="$tmp/supp" "$1" \
	    2>&1 | grep -v "^--[0-9]*-- "
	return "${PIPESTATUS[0]}"
}

# What mostly waits goes side by side: check_client by its cases.
pids=
for test in tests/unit/check_config tests/unit/check_events \
    tests/unit/check_msg tests/ipc/check_client:calls \
    tests/ipc/check_client:life tests/ipc/check_client:loop; do
	program=${test%%:*} log=$tmp/${test##*/}
	[ -x "$build/$program" ] || { echo "$program is not built"; exit 1; }
	case $test in
	*:*) export CK_RUN_CASE=${test##*:} ;;
	*) unset CK_RUN_CASE ;;
	esac
	watch "$program" >"$log" &
	pids="$pids $!:$log"
done
status=0
for pid in $pids; do
	wait "${pid%%:*}" || status=1
	echo "== $(basename "${pid#*:}")"
	cat "${pid#*:}"
done
exit $status
