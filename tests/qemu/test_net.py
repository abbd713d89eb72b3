# SPDX-License-Identifier: ISC
"""The selective routing of afwrt-net on this kernel: tests/ipc/check_net*.

An older kernel than most developers have: no owner and no persist flag of
nftables, so that what holds without them is tested here.
"""

import os

import pytest

import checks
from kernel import TOP

PROGRAMS = {"check_net": 240, "check_net_rules": 240, "check_net_leak": 240,
            "check_net_neigh": 240, "check_net_gateway": 240,
            "check_assumptions": 60}
NAMES = [(p, n) for p in PROGRAMS for n in checks.names(
    os.path.join(TOP, "tests/ipc", p + ".c"))]


# Not as on a kernel with owned tables that outlive their owner (6.9): there
# others cannot touch the table, here it is watched and put back.
KNOWN = {
    ("check_net", "table_of_another_shape"):
        "a foreign table of our name is not replaced without owned tables",
    ("check_net_rules", "restart_changes_nothing"):
        "a restart writes the rules anew (one transaction, no gap)",
    ("check_net_rules", "survives_flushes"):
        "a flushed table is made anew, with another handle",
    ("check_net_leak", "nothing_leaks"):
        "a flushed table is away until it is put back, some 20 ms",
}

# What the tests compare is still then: no link-local address that comes late.
QUIET = """
echo 1 >/proc/sys/net/core/devconf_inherit_init_net
echo 1 >/proc/sys/net/ipv6/conf/default/addr_gen_mode
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
export AFWRT_NET=%s
"""


@pytest.fixture(scope="module")
def run(guest, build):
    programs = {p: os.path.join(build, "tests/ipc", p) for p in PROGRAMS}
    net = os.path.join(build, "afwrt-net/afwrt-net")
    result = guest.run(checks.script(
        [(path, PROGRAMS[p]) for p, path in programs.items()],
        QUIET % net), [net, "/bin/bash", *programs.values()], seconds=700)
    print(result.output)
    return checks.results(result.output)


@pytest.mark.parametrize("program,name", NAMES)
def test_net(run, program, name):
    failed = checks.failures(run[program], name)
    if failed and (program, name) in KNOWN:
        pytest.xfail("%s: %s" % (KNOWN[program, name], failed[0]))
    assert not failed, failed
