# SPDX-License-Identifier: ISC
"""The guest itself: it boots, has what we need, and tells the truth."""

import pytest

from guest import GuestDied

LOOK = """
uname -r
nft add table inet t && nft list ruleset
ip tuntap add name tun7 mode tun && ip -br link show tun7
ip link add wg7 type wireguard && wg show wg7
ip link add v0 type veth peer name v1
ip netns add n1 && ip link set v1 netns n1 && ip -n n1 -br link show v1
tc qdisc add dev v0 root netem delay 5ms && tc qdisc show dev v0
exit 41
"""


def test_boots_and_has(guest):
    result = guest.run(LOOK)
    assert result.status == 41, result
    first = result.output.splitlines()[0]
    assert first == guest.kernel.version
    for part in ("table inet t", "tun7", "interface: wg7", "v1@",
                 "netem", "delay 5ms"):
        assert part in result.output, (part, result)


def test_files_and_status(guest, tmp_path):
    data = tmp_path / "data"
    data.write_text("from outside\n")
    result = guest.run("cat /opt/here", {"/opt/here": str(data)})
    assert (result.status, result.output.strip()) == (0, "from outside")


def test_script_that_hangs(guest):
    with pytest.raises(GuestDied, match="not done after 8 s"):
        guest.run("echo started; while :; do sleep 9; done", seconds=8)


def test_panic_is_told(guest):
    with pytest.raises(GuestDied, match="sysrq triggered crash"):
        guest.run("echo c >/proc/sysrq-trigger")
