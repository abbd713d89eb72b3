# SPDX-License-Identifier: ISC
"""Managed routing by the kernel's WireGuard: the scenarios of tests/netns, in
a guest whose kernel has it, give the same table as hydra-tcp does here."""

import json
import os
import re
import sys

import pytest

import python
from kernel import TOP

sys.path.insert(0, os.path.join(TOP, "tests", "netns"))

from lab import scenario  # noqa: E402
from lab.suite import stage  # noqa: E402

SCRIPT = """
export AFWRT_STAGE=%(stage)s
timeout %(seconds)d python3 -B \
    %(top)s/tests/netns/lab/scenario.py %(words)s 2>&1
"""
SECONDS = 420
tables = {}


@pytest.fixture(scope="module")
def product():
    if stage() is None:
        pytest.fail("no installation in AFWRT_STAGE")
    return stage()


def here(name):
    if name not in tables:
        tables[name] = scenario.perform(os.path.join(
            scenario.FOLDER, name + ".scenario"), "hydra-tcp")
    return [list(row) for row in tables[name]]


@pytest.mark.parametrize("words", [
    "rules kernel",                     # against wireguard-go
    "rules kernel kernel-nodes",
    "rules userspace kernel-nodes",
    "meddlers kernel kernel-nodes",
    "default kernel kernel-nodes"])
def test_same_table(guest, product, words):
    result = guest.run(
        SCRIPT % {"stage": product, "top": TOP, "words": words,
                  "seconds": SECONDS},
        seconds=SECONDS + 60,
        more=lambda archive: (python.add(archive),
                              python.add_tree(archive, product, ())))
    found = re.search(r"^@table (.*)$", result.output, re.MULTILINE)
    assert result.status == 0 and found, "%s\n%s" % (
        result.output[-6000:], result.console[-1500:])
    assert json.loads(found[1]) == here(words.split()[0])
