# SPDX-License-Identifier: ISC
"""afwrt-net with the kernel's WireGuard: net_wg_test.c, on such a kernel."""

import os

import pytest

import checks

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = checks.names(os.path.join(HERE, "net_wg_test.c"))


@pytest.fixture(scope="module")
def run(guest, build):
    program = os.path.join(build, "tests/qemu/net_wg_test")
    if not os.path.exists(program):
        pytest.fail("%s is not built (make check TESTS=)" % program)
    net = os.path.join(build, "afwrt-net/afwrt-net")
    result = guest.run("export AFWRT_NET=%s\n" % net + checks.script(
        [(program, 250, "modprobe veth")]), [program, net], seconds=300)
    print(result.output)
    return checks.results(result.output)["net_wg_test"]


@pytest.mark.parametrize("name", NAMES)
def test_net_wg(run, name):
    _, tests, said = run
    assert name in tests, "it did not run:\n" + said
    assert not tests[name], tests[name]
