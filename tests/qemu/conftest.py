# SPDX-License-Identifier: ISC
"""Fixtures: the guest, or a skip that says why there is none; our programs."""

import os
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from guest import Guest, Unavailable  # noqa: E402
from kernel import TOP  # noqa: E402


@pytest.fixture(scope="session")
def guest():
    try:
        return Guest()
    except Unavailable as why:
        sys.stderr.write("\nSKIPPED: no QEMU guest: %s\n" % why)
        pytest.skip("no QEMU guest: %s" % why)


@pytest.fixture(scope="session")
def build():
    """AFWRT_BUILD: where make built the programs."""
    folder = os.environ.get("AFWRT_BUILD", os.path.join(TOP, "build/dev"))
    if not os.path.exists(os.path.join(folder, "afwrt-net/afwrt-net")):
        pytest.skip("nothing is built in AFWRT_BUILD=%s" % folder)
    return os.path.abspath(folder)
