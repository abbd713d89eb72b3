# SPDX-License-Identifier: ISC
"""Fixtures: one lab a module, one product a module where it can be shared."""

import os
import signal
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab.suite import Suite, stage  # noqa: E402
from lab.topology import Lab  # noqa: E402

TEST_SECONDS = 90
RULES = {"phone": "de-berlin", "tv": "us-new-york"}


def pytest_configure(config):
    if os.geteuid() != 0:
        pytest.exit("the netns tests need root", 1)

    def ended(number, frame):
        raise KeyboardInterrupt("signal %d" % number)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ended)    # so that the labs are taken down


@pytest.fixture(autouse=True)
def time_limit():
    """No test may hang the whole run."""
    def late(*_):
        raise TimeoutError("the test took more than %d s" % TEST_SECONDS)
    signal.signal(signal.SIGALRM, late)
    signal.alarm(TEST_SECONDS)
    yield
    signal.alarm(0)


@pytest.fixture(scope="module")
def lab():
    with Lab() as made:
        yield made


@pytest.fixture(scope="session")
def product():
    """The installation under test; without one its tests are skipped."""
    prefix = stage()
    if prefix is None:
        pytest.skip("the product is not there: no afwrt-ctl below "
                    "AFWRT_STAGE=%r" % os.environ.get("AFWRT_STAGE"))
    return prefix


@pytest.fixture(scope="module")
def suite(request, product, lab):
    """One suite for the module: phone to Berlin, tv to New York.

    A module's LOCATIONS are known to the backend before the suite starts;
    they have no servers until a test gives them some.
    """
    for name in getattr(request.module, "LOCATIONS", ()):
        lab.admin.location(name, labels={"country": "de", "city": "Test"},
                           servers=[])
    with Suite(lab, RULES) as started:
        yield started
        troubles = started.trouble()
    assert not troubles, troubles


@pytest.fixture(autouse=True)
def log_on_failure(request):
    """The end of the product's log goes with a failure."""
    yield
    report = getattr(request.node, "report_call", None)
    if report is not None and report.failed:
        for value in request.node.funcargs.values():
            if isinstance(value, Suite):
                print("-- end of the suite's log\n" + value.log_tail(60))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, "report_" + call.when, outcome.get_result())
