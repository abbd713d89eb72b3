# SPDX-License-Identifier: ISC
"""Fixtures: the stage, the Debian packages, a Debian system with them.

Nothing is installed on this machine, and no service is started but in
namespaces, a chroot below build/packaging, or a guest in QEMU.
"""

import os
import signal
import sys

import pytest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
for folder in ("netns", "qemu", "packaging"):
    sys.path.insert(0, os.path.join(TESTS, folder))

import debs as debian  # noqa: E402
import root as system  # noqa: E402
import sdk as openwrt  # noqa: E402
from lab.topology import Lab  # noqa: E402

TEST_SECONDS = 800     # the first waits for the packages and the boot


def pytest_configure(config):
    if os.geteuid() != 0:
        pytest.exit("the packaging tests need root", 1)

    def ended(number, frame):
        raise KeyboardInterrupt("signal %d" % number)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ended)


@pytest.fixture(autouse=True)
def time_limit():
    def late(*_):
        raise TimeoutError("the test took more than %d s" % TEST_SECONDS)
    signal.signal(signal.SIGALRM, late)
    signal.alarm(TEST_SECONDS)
    yield
    signal.alarm(0)


@pytest.fixture(scope="session")
def stage():
    """AFWRT_STAGE: where `make install` put it."""
    prefix = os.environ.get("AFWRT_STAGE")
    if not prefix or not os.path.exists(prefix + "/sbin/afwrt-ctl"):
        pytest.skip("nothing is installed in AFWRT_STAGE=%s" % prefix)
    return os.path.abspath(prefix)


@pytest.fixture(scope="session")
def packages():
    """Folder with the .deb and .changes of this tree."""
    try:
        return debian.build()
    except debian.Unavailable as why:
        pytest.skip("no Debian packages: %s" % why)


@pytest.fixture(scope="session")
def installed(packages):
    """A Debian system in a folder, with the packages of this tree."""
    try:
        made = system.Root()
    except debian.Unavailable as why:
        pytest.skip("no Debian system: %s" % why)
    with made:
        made.install(debian.paths(packages))
        yield made


@pytest.fixture(scope="session")
def sdk(stage):
    try:
        return openwrt.build(stage)
    except debian.Unavailable as why:
        pytest.skip("no build: %s" % why)


@pytest.fixture(scope="session")
def made(sdk):
    return [openwrt.Package(sdk, name) for name in openwrt.NAMES]


@pytest.fixture(scope="module")
def lab():
    with Lab() as made:
        yield made
