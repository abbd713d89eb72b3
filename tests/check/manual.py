#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""The manual against the code: every function of afwrt.h has a page with all
of its errors, every key of lib/conf.c is in afwrt.conf(5) with its default,
range and words, and nothing is described that is not there."""

import glob
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
ERRNO = re.compile(r"\bE[A-Z]{3,}\b")
REQUIRED = ("tun_ifname", "wan_ifname")
# Not of the library's table: the service's own sections.
SERVICE = re.compile(r'service_section\(\w+, "(\w+)"')
# C's constants in the table of keys.
CONSTANTS = {"DAY": 86400, "UINT32_MAX": 2 ** 32 - 1, "LL": ""}


def read(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as f:
        return f.read()


def pages():
    return {os.path.basename(p): read(p) for p in
            glob.glob(os.path.join(TOP, "man", "*.[1-8]"))}


def names(page):
    """What a page's NAME has."""
    part = re.search(r"^\.Sh NAME\n(.*?)^\.Nd", page, re.M | re.S)
    return re.findall(r"^\.Nm ([\w.-]+)", part[1], re.M)


# Functions

def functions():
    """{name: text of the comment before it}"""
    found = {}
    for comment, code in re.findall(
            r"/\*\n((?:(?!\*/).)*)\*/\n((?:AFWRT_API[^;]*;\n)+)",
            read("include/afwrt.h"), re.S):
        for name in re.findall(r"(afwrt_\w+)\(", code):
            found.setdefault(name, comment)
    return found


def check_functions(manual):
    where = {}
    for file, page in manual.items():
        if file.endswith(".3") and file != "afwrt.3":
            if names(page)[0] + ".3" != file:
                yield "%s: its first name is %s" % (file, names(page)[0])
            where.update((name, (file, page)) for name in names(page))
    wanted = functions()
    for name in sorted(set(wanted) ^ set(where)):
        yield "%s: %s" % (name, "has no page" if name in wanted
                          else "has a page and is not in afwrt.h")
    for name in sorted(set(wanted) & set(where)):
        file, page = where[name]
        missing = set(ERRNO.findall(wanted[name])) - set(
            ERRNO.findall(page))
        if missing:
            yield "%s: %s without %s" % (file, name, ", ".join(missing))
        if not re.search(r"^\.Fn %s\b" % name, page, re.M):
            yield "%s: %s is not in the synopsis" % (file, name)
    for file, page in manual.items():
        for section in ("ERRORS", "RETURN VALUES", "EXAMPLES"):
            if file.endswith(".3") and ".Sh %s\n" % section not in page:
                yield "%s: no section %s" % (file, section)


# Configuration

def number(text):
    text = text.strip()
    if text in CONSTANTS:
        return CONSTANTS[text]
    if "<<" in text:
        return int(text.split("<<")[0]) << int(text.split("<<")[1])
    if "*" in text:
        return number(text.split("*")[0]) * number(text.split("*")[1])
    if text == "AFW_CONNS_MAX":
        return int(re.search(r"define AFW_CONNS_MAX\s+(\d+)",
                             read("lib/wire/msg.h"))[1])
    return int(text.rstrip("L"), 0)


def words(source, table):
    """{value in C: word}"""
    part = re.search(r"struct word %s\[\] = \{(.*?)\};" % table, source, re.S)
    return {value: word for word, value in
            re.findall(r'\{"([\w-]+)", (\w+)\}', part[1])}


def presets(source):
    """{field: what defaults() gives it, as text}"""
    part = source[source.index("\ndefaults("):source.index("\nconf_error(")]
    part = " ".join(part.split())
    found = dict(re.findall(r"\bm->(\w+) = (\w+);", part))
    found.update(re.findall(
        r'afw_str_set\( ?\w->(\w+), sizeof\([^)]*\), "([^"]*)"', part))
    found.update(re.findall(r'afw_addr_parse\(&m->(\w+), "([^"]*)"', part))
    found["url"] = re.search(r'\.url, \w+, "([^"]*)"', part)[1]
    return found


def default(key, kind, entry, source):
    """The text after "default is", or None where that is not in C."""
    preset = presets(source)
    field = re.search(r"\((?:[\w.]+\.)?(\w+)\)", entry)
    value = preset.get(field[1] if field else "", "0")
    if kind == "FLAG":
        flag = re.search(r"flag = (\w+)", entry)[1]
        return "1" if flag in preset["flags"] else "0"
    if kind == "CHOICE":
        return words(source, re.search(r"words = (\w+)", entry)[1])[value]
    if kind in ("NUMBER", "MASK"):
        return {"UINT32_MAX": "0xffffffff"}.get(value, value)
    if key == "backend":
        return preset["url"]
    return None if value == "0" else value


def keys():
    """{key: strings that its description must have}"""
    source = read("lib/conf.c")
    table = re.search(r"struct key keys\[\] = \{(.*?)\n\};", source, re.S)[1]
    found = {}
    for entry in re.findall(r'\{("\w+",.*?)\},\n', table, re.S):
        key, kind = re.match(r'"(\w+)", (\w+)', entry).groups()
        need = []
        if kind in ("NUMBER", "MASK"):
            need = [hex(number(n)) if kind == "MASK" else str(number(n))
                    for n in re.search(r"RANGE\((.*)\)", entry)[1].split(",")
                    if number(n) > 1]
        if kind == "CHOICE":
            need = list(words(source, re.search(r"words = (\w+)",
                                                entry)[1]).values())
        if key not in REQUIRED:
            value = default(key, kind, entry, source)
            need.append("default is " + value if value else "default is")
        found[key] = need
    return found


def service_keys():
    return {key for path in glob.glob(os.path.join(TOP, "afwrt-ctl", "*.c"))
            for key in SERVICE.findall(read(path))}


def plain(text):
    """mdoc without its macros, on one line."""
    lines = [re.sub(r"^\.\w+ ", "", line) for line in text.splitlines()
             if not re.match(r"^\.(Pp|El|Ss)\b", line)]
    return " ".join(lines).replace("\\-", "-").replace("Dq ", "")


def described(page):
    part = page[:page.index(".Sh FILES")]
    found = re.split(r"^\.It Cm (\w+)", part, flags=re.M)[1:]
    return dict(zip(found[::2], map(plain, found[1::2])))


def check_keys(manual):
    page, wanted = described(manual["afwrt.conf.5"]), keys()
    for key in sorted((set(wanted) | service_keys()) ^ set(page)):
        yield "afwrt.conf.5: %s is %s" % (
            key, "described and unknown to lib/conf.c" if key in page
            else "missing")
    for key in sorted(set(wanted) & set(page)):
        for text in wanted[key]:
            if not re.search(r"(?<!\w)%s(?!\w)" % re.escape(text),
                             page[key]):
                yield "afwrt.conf.5: %s: \"%s\" is not in it: %s" % (
                    key, text, page[key][:70])


# Pages

def check_references(manual):
    known = set(manual)
    for file, page in manual.items():
        if file.endswith(".3"):
            known.update(name + ".3" for name in names(page))
    for file, page in manual.items():
        for name, section in re.findall(
                r"\.?Xr (afwrt[\w.-]*) (\d)", page):
            if "%s.%s" % (name, section) not in known:
                yield "%s: there is no %s(%s)" % (file, name, section)
    listed = set(re.findall(r"man/([\w.-]+\.\d)", read("man/local.mk")))
    for file in sorted(listed ^ set(manual)):
        yield "%s: it is %s" % (file, "not in man/local.mk"
                                if file in manual else "not there")


def main():
    manual = pages()
    said = [line for check in (check_functions, check_keys, check_references)
            for line in check(manual)]
    print(*said or ["%d pages, %d functions, %d keys" % (
        len(manual), len(functions()), len(keys()))], sep="\n")
    return bool(said)


if __name__ == "__main__":
    sys.exit(main())
