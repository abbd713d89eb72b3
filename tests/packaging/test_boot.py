# SPDX-License-Identifier: ISC
"""A Debian with the packages boots: systemd starts the guard before there is
a network, then the service; a protected device gets no packet out."""

import json
import re

import pytest

import debs
from boot import BootGuest
from kernel import Unavailable as NoKernel
from root import Root

# phone and tv behind a bridge, an uplink with something that answers.
NETWORK = """
for n in phone tv net; do ip netns add $n; ip -n $n link set lo up; done
ip link add br-lan type bridge
ip addr add 192.168.50.1/24 dev br-lan
ip link set br-lan up
i=10
for n in phone tv; do
	i=$((i + 1))
	ip link add p-$n type veth peer name eth0 netns $n
	ip link set p-$n master br-lan
	ip link set p-$n up
	ip -n $n addr add 192.168.50.$i/24 dev eth0
	ip -n $n link set eth0 up
	ip -n $n route add default via 192.168.50.1
done
ip link add wan0 type veth peer name eth0 netns net
ip -n net addr add 203.0.113.1/24 dev eth0
ip -n net link set eth0 up
ip -n net route add 192.168.50.0/24 via 203.0.113.2
echo 1 >/proc/sys/net/ipv4/ip_forward
ip addr add 203.0.113.2/24 dev wan0
ip link set wan0 up
ip route add default via 203.0.113.1
# once the bridge forwards: from then on only the guard is in the way
until ip netns exec tv ping -c 1 -W 1 203.0.113.1 >/dev/null; do :; done
ip netns exec phone ping -c 2 -W 1 203.0.113.1 >/run/early
echo "tv yes" >/run/early-tv
systemctl is-active afwrt.service >/run/early-service
"""
REPORT = """
say() { echo "@$1"; shift; "$@" 2>&1; echo "@status $?"; }
asked() { ip netns exec $1 ping -c 2 -W 1 203.0.113.1; }
say early cat /run/early
say early-tv cat /run/early-tv
say early-service cat /run/early-service
say guard systemctl is-active afwrt-guard.service
say service systemctl is-active afwrt.service
say show systemctl show -p NRestarts,SubState,StatusText,Type afwrt.service
say order systemctl show -p After afwrt-guard.service
say running afwrt-ctl --json status
say users ps_users
say addresses ip -4 -br addr
say phone asked phone
say tv asked tv
say security systemd-analyze security --no-pager afwrt.service
say reload systemctl reload afwrt.service
say dump afwrt-ctl dump-config
say stop systemctl stop afwrt.service
say after asked phone
say unblock afwrt-ctl unblock
say open asked phone
late() {
	ip link del wan0
	systemctl start --no-block afwrt.service
	until afwrt-ctl status >/dev/null 2>&1; do sleep 0.2; done
	ip link add wan0 type veth peer name eth0 netns net
	ip -n net addr add 203.0.113.1/24 dev eth0
	ip -n net link set eth0 up
	ip addr add 203.0.113.2/24 dev wan0
	ip link set wan0 up
	timeout 20 sh -c 'until [ "$(journalctl -o cat -u afwrt.service |
	    grep -cx running)" -eq 2 ]; do
		sleep 0.5
	done'
}
say late late
say journal journalctl --no-pager -o cat -u afwrt.service -u afwrt-guard.service
say kernel sh -c 'dmesg | grep -i -e sig=31 -e segfault'
exit 0
""".replace("ps_users", "sh -c 'for p in /proc/[0-9]*; do read c <$p/comm; "
            "case $c in afwrt*) echo $c $(stat -c %U $p);; esac; done'")
CONFIG = {
    "tun_ifname": "wrt0", "wan_ifname": "wan0", "killswitch": 1,
    "backend": "file:/etc/afwrt/locations.json",
    "protected_ip_addrs": [{"ip_addr": "192.168.50.11", "vl": "de-berlin"}],
    "ci_unix_domain": {"su_only": 0}}
LOCATIONS = {"optimal": ["de-berlin"], "locations": [
    # what is closed is refused at once: the log then shows how far it came
    {"name": "de-berlin", "labels": {"country": "de"}, "type": "hydra-tcp",
     "servers": [{"address": "203.0.113.1", "port": 443}],
     "username": "u", "password_file": "node.pass"}]}


@pytest.fixture(scope="module")
def said(packages):
    """{name: (status, lines)} of the report."""
    try:
        guest, made = BootGuest(), Root()
    except (NoKernel, debs.Unavailable) as why:
        pytest.skip("no guest: %s" % why)
    with made as root:
        root.install(debs.paths(packages))
        root.write("etc/afwrt/afwrt-ci.conf", json.dumps(CONFIG), 0o600)
        root.write("etc/afwrt/locations.json", json.dumps(LOCATIONS), 0o600)
        root.write("etc/afwrt/node.pass", "secret\n", 0o600)
        result = guest.start(root, NETWORK, REPORT)
        print(result.console)
        print(result.output)
    found = {}
    for part in re.split(r"^@(?!status)", result.output, flags=re.M)[1:]:
        name, _, text = part.partition("\n")
        text, _, status = text.rpartition("@status ")
        found[name] = (int(status), text)
    return found


def test_the_guard_was_there_before_the_network(said):
    assert said["early-tv"] == (0, "tv yes\n")
    assert said["early-service"][1] != "active\n"
    assert "0 received" in said["early"][1]
    assert said["guard"] == (0, "active\n")


def test_the_service_is_active(said):
    assert said["service"] == (0, "active\n"), said["journal"][1]
    assert "NRestarts=0" in said["show"][1]
    status = json.loads(said["running"][1])
    assert {p["name"] for p in status["processes"]} >= {
        "afwrt-net", "afwrt-tun", "afwrt-auth"}


def test_each_process_has_its_user(said):
    users = dict(line.split() for line in said["users"][1].splitlines())
    assert users == {
        "afwrtd": "_afwrtd", "afwrt-net": "_afwrt-net",
        "afwrt-respawn": "_afwrtd", "afwrt-keeper": "_afwrtd",
        "afwrt-tun": "_afwrt-tun", "afwrt-auth": "_afwrt-auth",
        "afwrt-ctl": "_afwrt"}


def test_what_is_protected_is_blocked(said):
    assert "0 received" in said["phone"][1]
    assert "2 received" in said["tv"][1]
    assert said["stop"][0] == 0
    assert "0 received" in said["after"][1]
    assert said["unblock"][0] == 0
    assert "2 received" in said["open"][1]


def test_an_uplink_that_comes_late(said):
    assert said["late"][0] == 0, said["journal"][1]


def test_files_within_the_sandbox(said):
    """Secrets of the file: backend are read, a dump is written."""
    assert said["dump"][0] == 0, said["dump"][1]
    assert "no server available" in said["journal"][1] or \
        "connection refused" in said["journal"][1].lower()


def test_reload(said):
    assert said["reload"][0] == 0, said["reload"][1]


def test_the_exposure_as_systemd_sees_it(said):
    found = re.search(r"exposure level for afwrt.service: ([\d.]+)",
                      said["security"][1])
    assert found and float(found[1]) <= 2.0, said["security"][1]


def test_nothing_hit_a_filter(said):
    assert said["kernel"][1] == ""
    assert not re.search(r"SIGSYS|denied|not permitted|not implemented", said["journal"][1])
