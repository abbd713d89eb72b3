# SPDX-License-Identifier: ISC
"""Managed routing: the same scenario, the same table, for every transport.

The kernel's WireGuard runs it in a guest where this kernel has none: see
tests/qemu/test_managed.py.
"""

import os
import signal

import pytest

from lab import scenario, wgnode

SCENARIOS = sorted(n[:-9] for n in os.listdir(scenario.FOLDER))
tables = {}


def perform(name, transport):
    if (name, transport) not in tables:
        signal.alarm(400)
        tables[name, transport] = scenario.perform(
            os.path.join(scenario.FOLDER, name + ".scenario"), transport)
    return tables[name, transport]


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("transport", ["userspace", "mixed", "kernel"])
def test_same_table(product, name, transport):
    why = wgnode.why_not()
    if why:
        pytest.skip(why)
    if transport == "kernel" and not wgnode.kernel_has_it():
        pytest.skip("this kernel has no WireGuard; tests/qemu has one")
    assert perform(name, transport) == perform(name, "hydra-tcp")
