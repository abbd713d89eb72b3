#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Runs pytest once for each test file, some at a time.

parallel.py JOBS DIR PATH...  the test_*.py of each PATH, one process each;
                              DIR gets a junit file and a log for each

A process of its own for each file: the tests set signal handlers and alarms,
which belong to a main thread, and pytest-xdist's workers do not promise one.
Exit status: 0 if every file's was (no tests collected counts as an error).
"""

import concurrent.futures
import glob
import os
import shutil
import subprocess
import sys
import threading
import time

OPTIONS = ["-p", "no:cacheprovider", "-v", "-rs", "--durations=3"]
printing = threading.Lock()


def test_files(paths):
    """The biggest first, so that the longest do not start last."""
    found = []
    for path in paths:
        found += glob.glob(os.path.join(path, "test_*.py")) \
            if os.path.isdir(path) else [path]
    return sorted(found, key=os.path.getsize, reverse=True)


def run(path, folder):
    name = path.replace(os.sep, ".")[:-3]
    report = os.path.join(folder, name + ".xml")
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", *OPTIONS,
         "--junitxml=" + report, path],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    with printing:
        print("== %s: exit %d after %.0f s" %
              (path, done.returncode, time.monotonic() - started))
        print(done.stdout, flush=True)
    if not os.path.exists(report):
        with open(report, "w", encoding="utf-8") as f:
            f.write('<testsuite><testcase classname="%s" name="(the run)">'
                    '<error message="pytest ended with %d"/></testcase>'
                    '</testsuite>' % (name, done.returncode))
    return done.returncode


def main(argv):
    jobs, folder, paths = int(argv[0]), argv[1], argv[2:]
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    files = test_files(paths)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(lambda path: run(path, folder), files))
    failed = [path for path, code in zip(files, results) if code]
    if failed:
        print("files with failures: " + " ".join(failed))
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
