#!/bin/sh
# SPDX-License-Identifier: ISC
# A verb that one place has and another has not: the command, its man page,
# the schemas of its answers, the completions of three shells.
set -eu
src=$(cd "${srcdir:-.}" && pwd)
ctl=${top_builddir:-.}/afwrt-ctl/afwrt-ctl
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# a pipe is a process of its own: the verdict is a file

# differs NAME: what it has, one a line, is on standard input
differs()
{
	sort -u >"$tmp/now"
	if ! diff -u "$tmp/verbs" "$tmp/now" >"$tmp/diff"; then
		echo "$1: not the verbs of afwrt-ctl:"
		cat "$tmp/diff"
		: >"$tmp/failed"
	fi
}

# the values of verbs= or "set -l verbs", continued lines joined
words()
{
	sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$1" | sed -n "$2" |
	    tr -s ' \t"' '\n' | sed '/^$/d'
}

"$ctl" --help | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p' | sort -u >"$tmp/verbs"
test "$(wc -l <"$tmp/verbs")" -ge 20

sed -n '/^The verbs are:/,/^\.Ss/s/^\.It Cm \([a-z-]*\).*/\1/p' \
    "$src/man/afwrt-ctl.8" | differs man/afwrt-ctl.8
# the service prints no answer
{ echo run; ls "$src/share/schema" | sed 's/\.json$//'; } |
    differs share/schema
words "$src/share/completion/afwrt-ctl.bash" 's/.*local verbs="//p' |
    differs bash
words "$src/share/completion/afwrt-ctl.fish" 's/^set -l verbs //p' |
    differs fish
sed -n "s/^		'\([a-z-]*\):.*/\1/p" "$src/share/completion/_afwrt-ctl" |
    differs zsh

# and the options
"$ctl" --help | grep -o -- '--[a-z-]*' | sort -u >"$tmp/options"
for option in $(cat "$tmp/options"); do
	grep -q -e "$option" "$src/share/completion/afwrt-ctl.bash" &&
	    grep -q -e "$option" "$src/share/completion/_afwrt-ctl" &&
	    grep -q -e "-l ${option#--} " \
		"$src/share/completion/afwrt-ctl.fish" &&
	    grep -q -e "Fl.* -${option#--}" "$src/man/afwrt-ctl.8" || {
		echo "$option: not in the man page and all completions"
		: >"$tmp/failed"
	}
done

bash -n "$src/share/completion/afwrt-ctl.bash" || : >"$tmp/failed"
for shell in "zsh _afwrt-ctl" "fish afwrt-ctl.fish"; do
	if command -v "${shell% *}" >/dev/null; then
		"${shell% *}" -n "$src/share/completion/${shell#* }" || : >"$tmp/failed"
	else
		echo "SKIPPED: there is no ${shell% *} to read ${shell#* }"
	fi
done
test ! -e "$tmp/failed"
