# SPDX-License-Identifier: ISC
"""OpenWrt's packages of sdk.py at work: a chroot with a router's folders,
busybox and stubs of rc.common and procd, in network namespaces."""

import json
import os
import re
import shutil
import subprocess

import pytest

from debs import Unavailable
from sdk import System

INITS = ("afwrt-guard", "afwrt")
UCI = """
config afwrt 'main'
	option enabled '1'
	option tun_ifname 'wrt0'
	option wan_ifname 'wan0'
	option killswitch '1'
	list backend 'file:/etc/afwrt/locations.json'

config device 'phone'
	option location 'de-berlin'
	list ip '192.168.1.20'

config control 'control'
"""


@pytest.fixture
def router(made):
    if shutil.which("busybox") is None:
        pytest.skip("busybox is not installed")
    try:
        system = System(made)
    except Unavailable as why:
        pytest.skip(str(why))
    with system:
        yield system


# Scripts


def test_the_scripts_are_ashs(router, made):
    ctl = made[2]
    scripts = ["/etc/init.d/" + name for name in INITS] + [
        "/usr/libexec/afwrt/uci-to-json"]
    router.write("tmp/prerm", ctl.part("prerm"))
    for shell in (("sh",), (router.path("bin/busybox"), "ash")):
        for name in scripts + ["/tmp/prerm"]:
            done = subprocess.run((*shell, "-n", router.path(name)),
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True,
                                  timeout=30, check=False)
            assert (done.returncode, done.stdout) == (0, ""), name
    for name in INITS:
        assert router.read("etc/init.d/" + name).startswith(
            "#!/bin/sh /etc/rc.common\n")


def test_enabled_at_its_place(router):
    for name in INITS:
        router.run("/etc/init.d/" + name, "enable")
    links = {n: os.readlink(router.path("etc/rc.d/" + n))
             for n in os.listdir(router.path("etc/rc.d"))}
    assert links == {
        "S18afwrt-guard": "../init.d/afwrt-guard",  # the firewall is S19
        "S95afwrt": "../init.d/afwrt", "K10afwrt": "../init.d/afwrt"}
    for name in INITS:
        router.run("/etc/init.d/" + name, "disable")
    assert os.listdir(router.path("etc/rc.d")) == []


INSTANCE = """service afwrt
instance instance1
command /usr/sbin/afwrt-ctl run /var/run/afwrt/afwrt-ci.conf
file /var/run/afwrt/afwrt-ci.conf
reload_signal 1
respawn 3600 5 0
term_timeout 60
env AFWRT_STDERR=syslog
stderr 1
end
reload on afwrt
set
"""


def said_to_procd(router):
    text = router.read("tmp/procd")
    os.unlink(router.path("tmp/procd"))
    return text


def test_procd(router):
    """Off as it is installed; then what procd is told, the same on a reload,
    with a configuration that the installed command finds good."""
    router.run("/etc/init.d/afwrt", "boot")
    assert said_to_procd(router) == "service afwrt\nreload on afwrt\nset\n"
    assert not os.path.exists(router.path("tmp/run/afwrt"))
    router.write("etc/config/afwrt", UCI, 0o600)
    router.run("/etc/init.d/afwrt", "start")
    assert said_to_procd(router) == INSTANCE
    conf = router.path("tmp/run/afwrt/afwrt-ci.conf")
    assert os.stat(conf).st_mode & 0o777 == 0o600
    router.write("etc/config/afwrt", UCI.replace("1.20", "1.21"), 0o600)
    router.run("/etc/init.d/afwrt", "reload")
    assert said_to_procd(router) == INSTANCE    # procd sees the file's change
    with open(conf, encoding="utf-8") as f:
        good = f.read()
    assert json.loads(good)["protected_ip_addrs"][0]["ip_addr"] == \
        "192.168.1.21"
    router.write("etc/config/afwrt", UCI + "\toption su_only '7'\n", 0o600)
    assert "control.su_only" in router.run("/etc/init.d/afwrt", "reload")
    assert said_to_procd(router) == INSTANCE
    with open(conf, encoding="utf-8") as f:
        assert f.read() == good                 # the last one goes on
    router.run("/etc/init.d/afwrt", "stop")
    assert said_to_procd(router) == "delete afwrt\n"


# The programs


def test_the_command(router, made):
    version = re.match(r"[\d.]+", made[0].control["VERSION"])[0]
    assert version in router.run("afwrt-ctl", "version", env={
        "PATH": "/usr/sbin:/bin"})
    router.write("tmp/conf", json.dumps({
        "tun_ifname": "wrt0", "wan_ifname": "auto", "ci_unix_domain": {}}))
    assert router.run("/usr/sbin/afwrt-ctl", "check-config", "/tmp/conf") == \
        "the configuration is good\n"


TABLES = "nft list tables | sed 's/^/table: /'\n"


def test_guard_and_removal(router, made):
    """The killswitch from before the network on, until the package goes."""
    if shutil.which("nft") is None:
        pytest.skip("nft is not installed")
    router.write("etc/config/afwrt", UCI, 0o600)
    router.write("tmp/prerm", made[2].part("prerm"), 0o755)
    said = router.netns(
        "in_root /etc/init.d/afwrt-guard boot\n"
        "nft list ruleset | grep -o 192.168.1.20 | sort -u\n" + TABLES +
        "echo removal\n"
        "PKG_UPGRADE=1 in_root /tmp/prerm\n" + TABLES +
        "echo not an upgrade\n"
        "in_root /tmp/prerm\n" + TABLES)
    guarded, upgraded, removed = re.split("removal|not an upgrade", said)
    assert "192.168.1.20" in guarded and "table: " in guarded, said
    assert "table: " in upgraded, said
    assert removed.strip() == "", said
    assert sorted(os.listdir(router.path("tmp/run/afwrt"))) in (
        [], ["empty"])
    assert said_to_procd(router) == "delete afwrt\n"


RUN = """
ip link set lo up
ip link add wan0 type veth peer name node0
ip link set wan0 up
ip link set node0 up
ip addr add 192.0.2.2/24 dev wan0
ip route add default via 192.0.2.1
chroot "$ROOT" afwrt-ctl run /var/run/afwrt/afwrt-ci.conf >"$ROOT/tmp/log" 2>&1 &
service=$!
in_root afwrt-ctl --wait 10 status
in_root afwrt-ctl rules
in_root sh -c 'grep -h -e ^Name: -e ^Uid: /proc/[0-9]*/status'
kill $service
wait $service
echo ended
"""


def test_the_service(router):
    """As procd would start it; each process as its own user."""
    router.write("etc/config/afwrt", UCI, 0o600)
    router.write("etc/afwrt/node.pass", "secret\n", 0o600)
    router.write("etc/afwrt/locations.json", json.dumps({
        "optimal": ["de-berlin"], "locations": [{
            "name": "de-berlin", "type": "hydra-tcp", "username": "alice",
            "password_file": "node.pass",
            "servers": [{"address": "192.0.2.9", "port": 443}]}]}), 0o600)
    router.run("/etc/init.d/afwrt", "start")
    said = router.netns(RUN)
    log = router.read("tmp/log")
    assert said.endswith("\nended\n") and "192.168.1.20" in said, said + log
    users = {number: user for user, number in router.users.items()}
    running = {(users[int(number)], name) for name, number in re.findall(
        r"^Name:\s+(afwrt\S+)\nUid:\s+(\d+)", said, re.M)}
    assert running >= {("root", "afwrtd"), ("_afwrt-net", "afwrt-net"),
                       ("_afwrt-tun", "afwrt-tun"), ("_afwrt", "afwrt-ctl"),
                       ("_afwrt-auth", "afwrt-auth")}, said
    assert "no user" not in log and "error" not in log
