#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The table of the document's statements, and whether it is true.

    check_table.py [--write] [TREE]

Checks statements.tsv: every row has a test that exists in the tree, or is
pending, or says why it does not apply; and README, which is made of it, is up
to date.  --write makes README anew.
"""

import collections
import os
import re
import sys

COLUMNS = ["number", "statement", "section", "test", "status"]
PENDING = set()             # nothing waits for its code any more
Row = collections.namedtuple("Row", COLUMNS)

HEAD = """\
# Conformance

Each statement of the document about the C API, and the tests that prove it.
This page is made of `statements.tsv` by `check_table.py --write`.

A C test (`api_*.c`) is linked with the installed library and run in the
laboratory's router by `tests/netns/test_api.py`:

    AFWRT_STAGE=PREFIX python3 -m pytest tests/netns/test_api.py

"""


class Table:
    def __init__(self, tree):
        self.tree = tree
        self.folder = os.path.join(tree, "tests", "conformance")
        self.problems = []
        self.texts = {}
        self.rows = []

    def fault(self, where, text):
        self.problems.append("%s: %s" % (where, text))

    def read(self):
        path = os.path.join(self.folder, "statements.tsv")
        with open(path, encoding="utf-8") as f:
            lines = f.read().splitlines()
        if not lines or lines[0].split("\t") != COLUMNS:
            self.fault("line 1", "the columns are not " + " ".join(COLUMNS))
        for number, line in enumerate(lines[1:], 1):
            fields = line.split("\t")
            if len(fields) != len(COLUMNS) or not all(
                    x.strip() for x in fields):
                self.fault("line %d" % (number + 1),
                           "not %d filled columns" % len(COLUMNS))
                continue
            row = Row(*fields)
            if row.number != str(number):
                self.fault("line %d" % (number + 1), "its number is %s, not "
                           "%d" % (row.number, number))
            self.rows.append(row)

    def text(self, name):
        if name not in self.texts:
            path = os.path.join(self.tree, name)
            self.texts[name] = None
            if os.path.isfile(path):
                with open(path, encoding="utf-8") as f:
                    self.texts[name] = f.read()
        return self.texts[name]

    def test_exists(self, name):
        """None, or what is wrong with file::test."""
        file, _, test = name.partition("::")
        text = self.text(file)
        if text is None:
            return "there is no file " + file
        if file.endswith(".sh"):
            return "a script has no parts" if test else None
        if not test:
            return "no test of %s is named" % file
        if file.endswith(".py"):
            found = re.search(r"^def %s\(" % re.escape(test), text, re.M)
        else:
            # Defined, and part of what runs.
            found = re.search(r"^START_TEST\(%s\)" % re.escape(test), text,
                              re.M) and \
                re.search(r"(CONFORM\(|tcase_add_test\(\w+, )%s\b" %
                          re.escape(test), text)
        return None if found else "there is no test %s in %s" % (test, file)

    def check(self):
        for row in self.rows:
            where = "row " + row.number
            if row.status == "proved":
                for name in row.test.split(", "):
                    wrong = "it has no test" if name == "-" \
                        else self.test_exists(name)
                    if wrong:
                        self.fault(where, wrong)
            elif row.status.startswith("n/a:"):
                if len(row.status[4:].split()) < 4:
                    self.fault(where, "n/a without a reason")
            elif row.status not in PENDING:
                self.fault(where, "unknown status %r" % row.status)
        said = [(r.section, r.statement) for r in self.rows]
        for twice in {s for s in said if said.count(s) > 1}:
            self.fault("table", "twice: %s: %s" % twice)

    def count(self, prefix):
        return sum(r.status.startswith(prefix) for r in self.rows)

    def readme(self):
        parts = [HEAD, "%d statements: %d proved, %d pending, %d that do not "
                 "apply.\n" % (len(self.rows), self.count("proved"),
                               self.count("pending"), self.count("n/a"))]
        section = None
        for row in self.rows:
            if row.section != section:
                section = row.section
                parts.append("\n## %s\n\n| | statement | tests |\n"
                             "|---|---|---|\n" % section)
            if row.status == "proved":
                tests = "<br>".join("`%s`" % short(t)
                                    for t in row.test.split(", "))
            else:
                tests = row.status
            parts.append("| %s | %s | %s |\n" % (
                row.number, row.statement.replace("|", "\\|"), tests))
        return "".join(parts)

    def check_readme(self, write):
        path = os.path.join(self.folder, "README")
        wanted = self.readme()
        if write:
            with open(path, "w", encoding="utf-8") as f:
                f.write(wanted)
        elif self.text("tests/conformance/README") != wanted:
            self.fault("README", "not up to date: run check_table.py --write")


def short(test):
    return test.removeprefix("tests/").removeprefix("conformance/")


def main(argv):
    write = "--write" in argv
    trees = [a for a in argv if a != "--write"]
    table = Table(trees[0] if trees else os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    table.read()
    table.check()
    table.check_readme(write)
    for problem in table.problems:
        print("conformance: " + problem)
    pending = [r.number for r in table.rows
               if r.status.startswith("pending")]
    print("conformance: %d statements, %d proved, %d n/a" % (
        len(table.rows), table.count("proved"), table.count("n/a")))
    if pending:
        print("conformance: *** %d STATEMENTS ARE PENDING (type wireguard): "
              "%s ***" % (len(pending), ", ".join(pending)))
    return 1 if table.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
