# SPDX-License-Identifier: ISC
# OpenWrt's /lib/functions/procd.sh as far as an init script sees it: what
# would go to procd by ubus is written to /tmp/procd, a line a call. What procd
# does not know is an error here (there it is ignored).

procd_say()
{
	echo "$*" >>/tmp/procd
}

procd_open_service() { procd_say "service $1"; }
procd_close_service() { procd_say "$1"; }
procd_open_instance() { procd_say "instance ${1:-instance1}"; }
procd_close_instance() { procd_say "end"; }
procd_kill() { procd_say "delete $1"; }

procd_set_param()
{
	case $1 in
	command | netdev | file | respawn | watch | watchdog | env | data | \
	limits | nice | term_timeout | pidfile | user | group | stdout | \
	stderr | seccomp | capabilities | no_new_privs | facility | error)
		procd_say "$*"
		;;
	reload_signal)
		procd_say "reload_signal $(kill -l "$2")"
		;;
	*)
		echo "procd: no parameter $1" >&2
		exit 1
		;;
	esac
}

# PACKAGE...: the script is called with `reload` when one of them changes
procd_add_reload_trigger() { procd_say "reload on $*"; }
