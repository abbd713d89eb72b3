# SPDX-License-Identifier: ISC
"""Memory and CPU of the processes where /proc hides them from each other."""

import subprocess

import pytest

from lab import procs
from lab.suite import Suite
from lab.util import wait_for
from test_metrics import Metrics

BERLIN = "de-berlin"


def resident(pid):
    with open("/proc/%d/statm" % pid, encoding="ascii") as f:
        return int(f.read().split()[1]) * 4096


class Hidden(Suite):
    """Its /proc shows what the reader may trace only: afwrtd, which has no
    CAP_SYS_PTRACE, does not see the helpers. (hidepid=invisible does that
    where afwrtd is not in group 0.)"""

    def command(self, *argv):
        return ["sh", "-ec", "mount -t proc -o hidepid=ptraceable proc /proc;"
                " exec \"$@\"", "sh", *super().command(*argv)]


def test_processes_where_proc_hides_them(product, lab):
    with Hidden(lab, {"phone": BERLIN}) as suite:
        helper = suite.pid("afwrt-tun")
        denied = subprocess.run(
            ["nsenter", "-m", "-t", str(suite.process.pid), "setpriv",
             "--bounding-set", "-all", "--inh-caps", "-all", "cat",
             "/proc/%d/stat" % helper], capture_output=True, check=False)
        assert denied.returncode != 0       # the test's premise
        for name in ["afwrtd", *procs.HELPERS, "afwrt-ctl"]:
            pid = suite.process.pid if name == "afwrt-ctl" else \
                suite.pid(name)
            # a helper's is as old as its last answer, 5 s
            wait_for(lambda n=name, p=pid: Metrics(suite).get(
                "afwrt_process_resident_memory_bytes", process=n) ==
                pytest.approx(resident(p), rel=0.2), 10,
                "memory of " + name)
            assert Metrics(suite).get("afwrt_process_cpu_seconds_total",
                                      process=name) is not None
