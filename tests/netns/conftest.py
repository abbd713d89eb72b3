# SPDX-License-Identifier: ISC
"""Fixtures: one lab a module, one product a module where it can be shared."""

import os
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab.topology import Lab  # noqa: E402
from lab.util import tail  # noqa: E402


def pytest_configure(config):
    if os.geteuid() != 0:
        pytest.exit("the netns tests need root", 1)


@pytest.fixture(scope="module")
def lab():
    with Lab() as made:
        yield made
