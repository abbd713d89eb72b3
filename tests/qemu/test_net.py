# SPDX-License-Identifier: ISC
"""The selective routing of afwrt-net on this kernel: tests/ipc/check_net*.

An older kernel than most developers have: no owner and no persist flag of
nftables, so that what holds without them is tested here.
"""

import os

import pytest

import checks
from kernel import TOP

PROGRAMS = {"check_net": 240, "check_net_rules": 240, "check_net_leak": 120,
            "check_assumptions": 60}
NAMES = [(p, n) for p in PROGRAMS for n in checks.names(
    os.path.join(TOP, "tests/ipc", p + ".c"))]


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
        QUIET % net), [net, "/bin/bash", *programs.values()], seconds=500)
    print(result.output)
    return checks.results(result.output)


@pytest.mark.parametrize("program,name", NAMES)
def test_net(run, program, name):
    failed = checks.failures(run[program], name)
    assert not failed, failed
