#!/bin/bash
# SPDX-License-Identifier: ISC
# Runs the named steps one after the other, each bounded in time and with a
# log of its own, and counts what passed, failed and was skipped in all.
set -u
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 1
. tests/check/common.sh

limit_of()
{
	case $1 in
	unit | distcheck | sanitize-unit | netns | qemu | packaging) echo 1500 ;;
	sanitize-netns) echo 2400 ;;
	*) echo 300 ;;
	esac
}

# The step writes "passed failed skipped" to its .count, reasons to .notes.
run_step()
{
	local name=$1 base=build/check/$1 started=$SECONDS status p f s

	printf '== %s\n' "$name"
	rm -f "$base.count" "$base.notes"
	timeout -k 30 "$(limit_of "$name")" tests/check/step.sh "$name" \
	    >"$base.log" 2>&1 </dev/null
	status=$?
	if [ -s "$base.count" ]; then
		read -r p f s <"$base.count"
	else
		p=0 f=0 s=0
	fi
	# A step that fails without counting a failure is one.
	if [ $status -ne 0 ] && [ "$f" -eq 0 ]; then
		f=1
		[ $status -lt 124 ] ||
		    echo "   ended by its time limit or a signal ($status)"
	fi
	if [ $((p + f + s)) -gt 0 ]; then
		:
	elif [ -s "$base.count" ]; then
		f=1
		echo "   not one test ran"
	else
		p=1
	fi
	[ ! -s "$base.notes" ] || sed 's/^/   /' "$base.notes"
	if [ "$f" -gt 0 ]; then
		tail -n 25 "$base.log" | sed 's/^/   | /'
	fi
	printf '   %d passed, %d failed, %d skipped in %d s (%s)\n' \
	    "$p" "$f" "$s" $((SECONDS - started)) "$base.log"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

passed=0 failed=0 skipped=0
mkdir -p build/check
for name; do
	run_step "$name"
done
printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed -eq 0 ]
