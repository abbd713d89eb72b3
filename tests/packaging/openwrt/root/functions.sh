# SPDX-License-Identifier: ISC
# What uci-to-json needs of OpenWrt's /lib/functions.sh, with the same names,
# arguments and variables: config_load reads a file of /etc/config (or
# $UCI_FILE), which is shell as `uci export` writes it.

config_cb() { :; }
option_cb() { :; }
list_cb() { :; }

sections=
here=

config_set()
{
	export -n "CONFIG_$1_$2=$3"
}

package() { :; }

config()
{
	count=$((${count:-0} + 1))
	here=${2:-cfg$count}
	sections="$sections $here"
	config_set "$here" TYPE "$1"
	config_cb "$1" "$here"
}

option()
{
	local name=$1
	shift
	config_set "$here" "$name" "$*"
	option_cb "$name" "$*"
}

list()
{
	local name=$1 length all
	shift
	config_get length "$here" "${name}_LENGTH" 0
	length=$((length + 1))
	config_set "$here" "${name}_ITEM$length" "$*"
	config_set "$here" "${name}_LENGTH" "$length"
	config_get all "$here" "$name"
	config_set "$here" "$name" "${all:+$all }$*"
	list_cb "$name" "$*"
}

config_get()
{
	case $2$3 in
	*[!A-Za-z0-9_]*) ;;
	*) eval "export -n -- \"$1=\${CONFIG_$2_$3:-\$4}\"" ;;
	esac
}

config_foreach()
{
	local function=$1 type=$2 section found
	shift 2
	for section in $sections; do
		config_get found "$section" TYPE
		[ "$found" != "$type" ] || "$function" "$section" "$@"
	done
}

config_list_foreach()
{
	local section=$1 option=$2 function=$3 i=1 length value
	shift 3
	config_get length "$section" "${option}_LENGTH" 0
	while [ $i -le "$length" ]; do
		config_get value "$section" "${option}_ITEM$i"
		"$function" "$value" "$@"
		i=$((i + 1))
	done
}

config_load()
{
	. "${UCI_FILE:-/etc/config/$1}"
	config_cb
}
