# SPDX-License-Identifier: ISC
"""Test programs of check(3), run in the guest and told apart again."""

import os
import re

# "FILE:LINE:P:TCASE:TEST:ITERATION: TEXT", P for passed, F failed, E error
LINE = re.compile(r"^[^\s:]+:\d+:([PFE]):[^:]*:(\w+):(\d+): ?(.*)$")
TOTAL = re.compile(r"^\d+%: Checks: \d+, Failures: \d+, Errors: \d+$",
                   re.MULTILINE)
START = re.compile(r"^START_TEST\((\w+)\)", re.MULTILINE)


def names(source):
    """Of the tests in a C file: known before the guest has run."""
    with open(source, encoding="utf-8") as f:
        return START.findall(f.read())


def script(programs, before=""):
    """Runs them all, each in turn; its exit status after its output."""
    return "export CK_VERBOSITY=verbose\n%s\n%s" % (before, "\n".join(
        "echo '@begin %s'; timeout %d %s; echo \"@end $?\"" % (
            os.path.basename(p), seconds, p) for p, seconds in programs))


def results(output):
    """{program: (status, {test: [text of a failure, ...]}, output)}

    Of a program that says only what failed, the others are not in it:
    ask failures().
    """
    found = {}
    for part in output.split("@begin ")[1:]:
        name, _, said = part.partition("\n")
        said, _, status = said.rpartition("@end ")
        tests = {}
        for line in said.splitlines():
            hit = LINE.match(line)
            if hit:
                bad = tests.setdefault(hit[2], [])
                if hit[1] != "P":
                    bad.append("%s (loop %s)" % (hit[4], hit[3]))
        found[name] = (int(status.split()[0]), tests, said)
    return found


def failures(program, name):
    """Of one test, from what results() gave for its program."""
    _, tests, said = program
    if name in tests:
        return tests[name]
    if TOTAL.search(said):
        return []
    return ["the program did not end in order:\n" + said]
