#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Counts of a test run: "passed failed skipped", then a line for each skip.

totals.py automake DIR   every .trs below DIR: automake's own results, TAP
                         results, or the totals that check(3) put in the log
totals.py junit PATH     what pytest --junitxml wrote, a file or a folder of them
"""

import os
import re
import sys
import xml.etree.ElementTree

CHECK = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)",
                   re.MULTILINE)
RESULT = re.compile(r"^:test-result: (\w+) ?(.*)$", re.MULTILINE)


def automake(folder):
    counts, notes = [0, 0, 0], []
    for base, _, files in os.walk(folder):
        for name in sorted(files):
            if name.endswith(".trs"):
                add_program(os.path.join(base, name), counts, notes)
    return counts, notes


def add_program(trs, counts, notes):
    with open(trs, encoding="utf-8", errors="replace") as f:
        results = RESULT.findall(f.read())
    log = trs[:-4] + ".log"
    text = ""
    if os.path.exists(log):
        with open(log, encoding="utf-8", errors="replace") as f:
            text = f.read()
    program = os.path.basename(trs[:-4])
    checks = CHECK.findall(text)
    if checks and len(results) == 1:
        bad = sum(int(f) + int(e) for _, f, e in checks)
        counts[0] += sum(int(c) for c, _, _ in checks) - bad
        if not bad and results[0][0] not in ("PASS", "XFAIL"):
            bad = 1             # it ended badly after its last test
            notes.append("FAILED: %s" % program)
        counts[1] += bad
        return
    for result, what in results:
        if result in ("PASS", "XFAIL"):
            counts[0] += 1
        elif result == "SKIP":
            counts[2] += 1
            last = text.strip().splitlines()[-1:] or ["no reason given"]
            notes.append("SKIPPED: %s: %s" % (program, what or last[0]))
        else:
            counts[1] += 1
            notes.append("FAILED: %s %s" % (program, what))


def junit(path):
    counts, notes = [0, 0, 0], []
    paths = [path]
    if os.path.isdir(path):
        paths = [os.path.join(path, name) for name in sorted(os.listdir(path))
                 if name.endswith(".xml")]
    for case in (case for name in paths for case in
                 xml.etree.ElementTree.parse(name).iter("testcase")):
        name = "%s::%s" % (case.get("classname", "").rsplit(".", 1)[-1],
                           case.get("name"))
        skipped = case.find("skipped")
        if case.find("failure") is not None or \
                case.find("error") is not None:
            counts[1] += 1
            notes.append("FAILED: " + name)
        elif skipped is not None:
            counts[2] += 1
            notes.append("SKIPPED: %s: %s" % (name, skipped.get("message")))
        else:
            counts[0] += 1
    return counts, fold(notes)


def fold(notes):
    """Skips of one reason in one line: the reason is what matters."""
    reasons, folded = {}, []
    for text in notes:
        kind, _, rest = text.partition(": ")
        name, _, why = rest.partition(": ")
        if kind != "SKIPPED":
            folded.append(text)
        else:
            reasons.setdefault(why, []).append(name)
    for why, names in reasons.items():
        folded.append("SKIPPED: %s (%s)" % (
            names[0] if len(names) == 1 else "%d tests, first %s" %
            (len(names), names[0]), why))
    return folded


def main(argv):
    counts, notes = {"automake": automake, "junit": junit}[argv[0]](argv[1])
    print(*counts)
    for text in notes:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
