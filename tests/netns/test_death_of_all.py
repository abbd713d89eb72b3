# SPDX-License-Identifier: ISC
"""The supervisor or the application dies, and with it the whole suite."""

import os
import signal

import pytest

from lab import traffic
from lab.capture import no_leak
from lab.suite import Suite, expected_exit
from lab.util import alive, wait_for


def test_the_supervisor_dies(product, lab):
    """Blocked, not open; the next start sets it right."""
    with Suite(lab, {"phone": "de-berlin"}) as suite:
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        family = suite.family()
        with no_leak(lab, "phone"):
            os.kill(family["afwrtd"], signal.SIGKILL)
            wait_for(lambda: not any(alive(p) for p in family.values()), 10,
                     "the helpers end with their supervisor")
            suite.process.wait(10)
            for version in (4, 6):
                assert traffic.seen_address(lab, "phone", version,
                                            1) is None
            # Traffic that can be seen, so that the capture proves itself.
            assert traffic.seen_address(lab, "laptop") == expected_exit(None)
        suite.kill()
        with no_leak(lab, "phone"), \
                Suite(lab, {"phone": "de-berlin"}) as second:
            traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
            assert second.stop() == 0
    traffic.await_seen(lab, "phone", expected_exit(None))


@pytest.mark.parametrize("killswitch", [0, 1])
def test_the_application_dies(product, lab, killswitch):
    with Suite(lab, {"phone": "de-berlin"}, killswitch=killswitch) as suite:
        traffic.await_seen(lab, "phone", expected_exit("de-berlin"))
        family = suite.family()
        os.kill(suite.process.pid, signal.SIGKILL)
        wait_for(lambda: not any(alive(p) for p in family.values()), 10,
                 "the suite ends with its application")
        if killswitch:
            with no_leak(lab, "phone"):
                for version in (4, 6):
                    assert traffic.seen_address(lab, "phone", version,
                                                1) is None
                assert traffic.seen_address(lab, "laptop") == \
                    expected_exit(None)
            suite.ctl("unblock")
        traffic.await_seen(lab, "phone", expected_exit(None))
