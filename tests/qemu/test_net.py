# SPDX-License-Identifier: ISC
"""The selective routing of afwrt-net on this kernel: tests/ipc/check_net*.

An older kernel than most developers have: no owner and no persist flag of
nftables, so that what holds without them is tested here.
"""

import os

import pytest

import checks
from kernel import TOP

# No link-local address that comes late: the whole system is compared there.
QUIET = """
echo 1 >/proc/sys/net/core/devconf_inherit_init_net
echo 1 >/proc/sys/net/ipv6/conf/default/addr_gen_mode
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
"""
# What is done before each; all that comes after QUIET is quiet.
PROGRAMS = {"check_net": "", "check_net_leak": "", "check_net_neigh": "",
            "check_net_ports": "", "check_net_gateway": "",
            "check_assumptions": "",
            "check_net_wg": "", "check_net_wg_managed": "",
            "check_net_rules": QUIET}
PROGRAM_SECONDS = 240
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
    ("check_net_ports", "rule_on_a_port"):
        "the table has no owner to be shown",
    ("check_net_gateway", "start_beside_another"):
        "refused for the table of routes, there is no owner to be named",
    ("check_net_rules", "cost_of_one_more"):
        "it measures time, which means little on an emulated processor",
}
# How many loops of a test are known to fail, from the first; else one.
LOOPS = {("check_net_leak", "nothing_leaks"): 2}


def known(program, name, failed):
    loops = ["(loop %d)" % i for i in range(LOOPS.get((program, name), 1))]
    return (program, name) in KNOWN and all(
        text.endswith(tuple(loops)) for text in failed)


@pytest.fixture(scope="module")
def run(guest, build):
    programs = {p: os.path.join(build, "tests/ipc", p) for p in PROGRAMS}
    net = os.path.join(build, "afwrt-net/afwrt-net")
    result = guest.run("export AFWRT_NET=%s\n" % net + checks.script(
        [(path, PROGRAM_SECONDS, PROGRAMS[p])
         for p, path in programs.items()]),
        [net, "/bin/bash", *programs.values()], seconds=700)
    print(result.output)
    return checks.results(result.output)


@pytest.mark.parametrize("program,name", NAMES)
def test_net(run, program, name):
    failed = checks.failures(run[program], name)
    if failed and known(program, name, failed):
        pytest.xfail("%s: %s" % (KNOWN[program, name], failed[0]))
    assert not failed, failed
