# SPDX-License-Identifier: ISC
"""WireGuard in the kernel: wg_kernel_test.c, on a kernel that has it."""

import os

import pytest

import checks

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = checks.names(os.path.join(HERE, "wg_kernel_test.c"))
# First with a kernel that may not load the module, then with one that may.
SCRIPT = """
modprobe veth
modprobe=$(cat /proc/sys/kernel/modprobe)
echo /bin/false >/proc/sys/kernel/modprobe
CK_RUN_CASE=without timeout 30 %(program)s
echo "$modprobe" >/proc/sys/kernel/modprobe
CK_RUN_CASE=with timeout 250 %(program)s
"""


@pytest.fixture(scope="module")
def run(guest, build):
    program = os.path.join(build, "tests/qemu/wg_kernel_test")
    if not os.path.exists(program):
        pytest.fail("%s is not built (make check TESTS=)" % program)
    result = guest.run("export CK_VERBOSITY=verbose\necho @begin wg" +
                       SCRIPT % {"program": program} + "echo @end $?",
                       [program], seconds=300)
    print(result.output)
    return checks.results(result.output)["wg"]


@pytest.mark.parametrize("name", NAMES)
def test_wg(run, name):
    _, tests, said = run
    assert name in tests, "it did not run:\n" + said
    assert not tests[name], tests[name]
