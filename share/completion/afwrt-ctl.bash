# SPDX-License-Identifier: ISC
# bash completion of afwrt-ctl: verbs, options, and of a service that runs
# its locations and rules. It is asked for a second at most.

_afwrt_ctl_ask()
{
	timeout 1 afwrt-ctl --json "${_afwrt_ctl_to[@]}" "$@" 2>/dev/null
}

# The values of a key in the answer, one a line. compgen expands its words as
# the shell does, and a backend's names are not to be run: no other characters.
_afwrt_ctl_values()
{
	grep -o "\"$1\":\"[A-Za-z0-9._:-]*\"" | cut -d '"' -f 4 | sort -u
}

_afwrt_ctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local verbs="run status locations countries protect unprotect rules up \
down login verify-user events metrics explain check-config dump-config guard \
import support unblock requests version"
	local -a words=() _afwrt_ctl_to=()
	local i word options="--config --help --json --socket" choices=
	local kind key

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-s | --socket)
			_afwrt_ctl_to=(--socket "${COMP_WORDS[++i]}") ;;
		-c | --config | -w | --wait | --token-file | --password-file)
			((i++)) ;;
		-*) ;;
		*)
			words+=("$word") ;;
		esac
	done
	case $prev in
	-c | --config | -s | --socket | --token-file | --password-file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	-w | --wait)
		return ;;
	esac
	case ${words[0]} in
	status | protect | up)
		options="$options --wait" ;;
	login)
		options="$options --wait --token-file" ;;
	verify-user)
		options="$options --password-file" ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		return
	fi
	case ${words[0]}/${#words[@]} in
	/0)
		choices=$verbs ;;
	protect/1 | unprotect/1)
		choices="ip mac iface" ;;
	protect/2 | unprotect/2)
		kind=${words[1]}
		case $kind in
		ip) key=ip_addr ;;
		mac) key=mac_addr ;;
		*) key=iface ;;
		esac
		choices=$(_afwrt_ctl_ask rules | _afwrt_ctl_values $key)
		[[ ${words[0]}/$kind == protect/iface ]] &&
			choices="$choices $(ls /sys/class/net |
			    grep -x "[A-Za-z0-9._:-]*")" ;;
	explain/1)
		choices=$(_afwrt_ctl_ask rules | _afwrt_ctl_values ip_addr) ;;
	protect/3 | up/1)
		choices=$(_afwrt_ctl_ask locations | _afwrt_ctl_values name) ;;
	down/1)
		choices=$(_afwrt_ctl_ask status | _afwrt_ctl_values location) ;;
	login/1)
		choices=anonymous ;;
	run/1 | check-config/1 | dump-config/1 | guard/1 | import/1 | support/1)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$cur")
	# a colon separates words: only what follows the last one is replaced
	if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
		COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*:}"}"}")
	fi
}

complete -F _afwrt_ctl afwrt-ctl
