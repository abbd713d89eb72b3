#!/bin/sh
# SPDX-License-Identifier: ISC
# What three shells really offer, with a command that answers as a service
# would. A machine without one of them skips it, after the others.
set -eu
src=$(cd "${srcdir:-.}" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

cat >afwrt-ctl <<'CTL'
#!/bin/sh
echo "$*" >>calls
case $* in
*" rules")
	echo '{"rules":[{"ip_addr":"10.0.0.7","location":"de-berlin"},' \
	    '{"mac_addr":"02:00:5e:10:00:07"},{"iface":"br-of-guests"}]}' ;;
*" locations")
	echo '{"locations":[{"name":"de-berlin"},{"name":"us-new-york"},' \
	    '{"name":"de$(touch${IFS}trapped)"}]}' ;;
*" status")
	echo '{"routes":[{"location":"de-berlin","name":"x"}]}' ;;
esac
CTL
chmod +x afwrt-ctl
PATH=$tmp:$PATH

: >a-file
sed -n "s/^		'\([a-z-]*\):.*/\1/p" "$src/share/completion/_afwrt-ctl" |
    tr '\n' ' ' >verbs
interfaces="br-of-guests $(ls /sys/class/net)"

# offers LINE WORD...: these and no others
offers()
{
	line=$1
	shift
	printf '%s\n' "$@" | sed '/^$/d' | sort -u >wanted
	timeout 20 "$src/tests/unit/complete.sh" "$shell" \
	    "$src/share/completion" "$line" >got || {
		echo "$shell: $line: status $?"
		: >failed
	}
	diff -u wanted got >diff || {
		echo "$shell: $line:"
		tail -n +3 diff
		: >failed
	}
}

all()
{
	# shellcheck disable=SC2046
	offers "afwrt-ctl " $(cat verbs)
	offers "afwrt-ctl pro" protect
	offers "afwrt-ctl --json unpro" unprotect
	offers "afwrt-ctl nonsense " ""
	offers "afwrt-ctl --so" --socket
	offers "afwrt-ctl rules --" --config --help --json --socket
	offers "afwrt-ctl login --" --config --help --json --socket \
	    --token-file --wait
	offers "afwrt-ctl verify-user me --p" --password-file
	offers "afwrt-ctl up --wait " ""
	offers "afwrt-ctl protect " ip mac iface
	offers "afwrt-ctl protect --wait 5 m" mac
	offers "afwrt-ctl unprotect ip " 10.0.0.7
	# shellcheck disable=SC2086
	offers "afwrt-ctl protect iface " $interfaces
	offers "afwrt-ctl unprotect iface " br-of-guests
	offers "afwrt-ctl protect ip 10.0.0.9 d" de-berlin
	offers "afwrt-ctl up " de-berlin us-new-york
	offers "afwrt-ctl down " de-berlin
	offers "afwrt-ctl explain 1" 10.0.0.7
	offers "afwrt-ctl login " anonymous
	offers "afwrt-ctl status " ""
	for line in "run " "check-config " "import " "support " \
	    "--config " "-c " "--socket " "login --token-file "; do
		offers "afwrt-ctl ${line}a-" a-file
	done
	# readline replaces what follows the colon only
	case $shell in
	bash) offers "afwrt-ctl unprotect mac 02:00:" 5e:10:00:07 ;;
	*) offers "afwrt-ctl unprotect mac 02:00:" 02:00:5e:10:00:07 ;;
	esac
	: >calls
	offers "afwrt-ctl --socket /there up us" us-new-york
	offers "afwrt-ctl -s /there up us" us-new-york
	test "$(cat calls)" = "--json --socket /there locations
--json --socket /there locations" || {
		echo "$shell: --socket is not passed on:"
		cat calls
		: >failed
	}
}

missing=
for shell in bash fish zsh; do
	if command -v "$shell" >/dev/null; then
		all
	else
		missing="$missing $shell"
	fi
done
if [ -e trapped ]; then
	echo "the name of a location was run"
	: >failed
fi
test ! -e failed
if [ -n "$missing" ]; then
	echo "SKIPPED: not installed:$missing"
	exit 77
fi
