# SPDX-License-Identifier: ISC
"""init/openwrt/Makefile, run by a stand-in of ours for OpenWrt's rules.mk and
package.mk (openwrt/): what is in each package, and what each depends on. It
builds natively; nothing here says that a cross build works."""

import glob
import json
import os
import re
import shutil
import subprocess

import pytest

import debs
from debs import TOP, run

HERE = os.path.dirname(os.path.abspath(__file__))
RECIPE = os.path.join(TOP, "init/openwrt")
BUSYBOX = shutil.which("busybox")
BUILD_SECONDS = 300

DAEMONS = ("afwrtd", "afwrt-net", "afwrt-tun", "afwrt-auth")
PACKAGES = {
    "libafwrt-client": {
        "usr/lib/libafwrt-client.so.1", "usr/lib/libafwrt-client.so.1.0.0"},
    "afwrt-daemons": {"usr/libexec/afwrt/" + name for name in DAEMONS},
    "afwrt-ctl": {
        "usr/sbin/afwrt-ctl", "usr/sbin/afwrt-ci",
        "usr/libexec/afwrt/uci-to-json", "etc/init.d/afwrt",
        "etc/init.d/afwrt-guard", "etc/config/afwrt",
        "usr/share/nftables.d/chain-pre/forward/afwrt.nft"},
}
DEV = {"usr/include/afwrt.h", "usr/lib/libafwrt-client.so",
       "usr/lib/pkgconfig/afwrt-client.pc"}
# What `make install` installs and a router does without.
LEFT_OUT = ("usr/man/", "usr/share/man/", "usr/share/bash-completion/",
            "usr/share/zsh/", "usr/share/fish/", "usr/share/afwrt/")
LEFT_OUT_FILES = {"usr/lib/libafwrt-client.la"}

# soname without its version: OpenWrt's package
LIBRARIES = {
    "libevent_core-2.1": "libevent2-core",
    "libevent_extra-2.1": "libevent2-extra",
    "libjansson": "jansson", "libmnl": "libmnl", "libnftnl": "libnftnl",
    "libcap-ng": "libcap-ng", "libexpat": "libexpat",
    "libmbedtls": "libmbedtls", "libmbedx509": "libmbedtls",
    "libmbedcrypto": "libmbedtls", "libcrypto": "libopenssl",
    "libafwrt-client": "libafwrt-client",
}
# of the C library and the compiler; musl's libc has the resolver in it
ALWAYS = {"libc", "libresolv", "libpthread", "libgcc_s", "ld-linux-x86-64",
          "ld-linux-aarch64"}
KERNEL = {"kmod-tun", "kmod-nft-core", "kmod-nft-nat", "kmod-nft-bridge",
          "kmod-nf-conntrack-netlink"}


class Sdk:
    """The packages, each in a folder of its own."""

    def __init__(self, out):
        self.out = out
        self.installed = files(os.path.join(out, "ipkg-install"))
        self.dev = files(os.path.join(out, "staging"))

    def root(self, name, path=""):
        return os.path.join(self.out, "root", name, path)

    def info(self, name):
        with open(os.path.join(self.out, "info", name),
                  encoding="utf-8") as f:
            return {key.strip(): value.strip() for key, _, value in
                    (line.partition(":") for line in f if ":" in line)}

    def text(self, name, what):
        with open(os.path.join(self.out, "info", name + "." + what),
                  encoding="utf-8") as f:
            return f.read()

    def depends(self, name):
        """The packages that come with it, without conditions."""
        words = self.info(name)["DEPENDS"].split()
        assert all(re.fullmatch(r"\+[a-z0-9-]+", w) for w in words), words
        assert len(words) == len(set(words)), words
        return {w[1:] for w in words}

    def all_depends(self, name):
        found = set()
        for other in self.depends(name):
            found.add(other)
            if other in PACKAGES:
                found |= self.all_depends(other)
        return found


def files(folder):
    """What is in it that is no folder, relative to it."""
    return {os.path.relpath(os.path.join(base, name), folder)
            for base, folders, names in os.walk(folder)
            for name in names + [f for f in folders if os.path.islink(
                os.path.join(base, f))]}


def source():
    """A copy of the tree with a configure, as `make dist` has it; one for
    as long as the tree is the same, with what was compiled in it."""
    listed = debs.tree()
    folder = os.path.join(debs.WORK, "openwrt-" + debs.digest(
        [p for p in listed if not p.startswith(("debian/", "init/"))]))
    if not os.path.exists(os.path.join(folder, "ready")):
        for old in glob.glob(os.path.join(debs.WORK, "openwrt-*")):
            shutil.rmtree(old)
        copy(listed, os.path.join(folder, "afwrt"))
        if not os.path.exists(os.path.join(folder, "afwrt/configure")):
            run("./bootstrap", cwd=os.path.join(folder, "afwrt"),
                seconds=BUILD_SECONDS)
        with open(os.path.join(folder, "ready"), "w", encoding="ascii"):
            pass
    copy([p for p in listed if p.startswith("init/")],
         os.path.join(folder, "afwrt"))
    return folder


def copy(paths, target):
    for path in paths:
        to = os.path.join(target, path)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copy2(os.path.join(TOP, path), to)


@pytest.fixture(scope="module")
def sdk():
    try:
        debs.need("make", "autoconf", "libtoolize", "readelf")
    except debs.Unavailable as why:
        pytest.skip(str(why))
    folder = source()
    out = os.path.join(folder, "out")
    shutil.rmtree(out, ignore_errors=True)
    run("make", "-f", os.path.join(RECIPE, "Makefile"), "compile",
        "TOPDIR=" + os.path.join(HERE, "openwrt"),
        "SOURCE_DIR=" + os.path.join(folder, "afwrt"), "OUT_DIR=" + out,
        cwd=RECIPE, seconds=BUILD_SECONDS, log=os.path.join(folder, "log"))
    return Sdk(out)


def configure_ac():
    with open(os.path.join(TOP, "configure.ac"), encoding="utf-8") as f:
        return f.read()


def elf_needs(path):
    """The sonames, without versions; None if it is no ELF file."""
    with open(path, "rb") as f:
        if f.read(4) != b"\x7fELF":
            return None
    found = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", path))
    return {re.sub(r"\.so(\.[0-9.]*)?$", "", name) for name in found}


def package_needs(sdk, name):
    """The OpenWrt packages its ELF files need, but itself."""
    found = set()
    for path in PACKAGES[name]:
        needs = elf_needs(sdk.root(name, path)) or set()
        for soname in needs - ALWAYS:
            assert soname in LIBRARIES, "%s needs %s" % (path, soname)
            found.add(LIBRARIES[soname])
    return found - {name}


def test_packages_are_those(sdk):
    assert set(os.listdir(sdk.root(""))) == set(PACKAGES)


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_files(sdk, name):
    assert files(sdk.root(name)) == PACKAGES[name]


def test_dev_files(sdk):
    assert sdk.dev - PACKAGES["libafwrt-client"] == DEV


def test_each_file_is_in_one_package(sdk):
    packed = [path for name in PACKAGES for path in files(sdk.root(name))]
    assert len(packed) == len(set(packed))
    missing = {path for path in sdk.installed - set(packed) - DEV
               if not path.startswith(LEFT_OUT)} - LEFT_OUT_FILES
    assert not missing


def test_nothing_of_systemd(sdk):
    assert not [p for p in sdk.installed if "systemd" in p or
                "sysusers" in p or "tmpfiles" in p]


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_libraries_are_dependencies(sdk, name):
    needs = package_needs(sdk, name)
    depends = sdk.depends(name)
    assert needs - depends == set()
    # and none is named for nothing
    libraries = set(LIBRARIES.values()) - set(PACKAGES)
    assert depends & libraries - needs == set()
    known = set(LIBRARIES.values()) | set(PACKAGES) | KERNEL
    assert depends - known == set()


def test_what_runs_together_comes_together(sdk):
    """The command starts the processes, by the library."""
    assert sdk.all_depends("afwrt-ctl") >= set(PACKAGES) - {"afwrt-ctl"}


def test_kernel_modules(sdk):
    assert {d for d in sdk.depends("afwrt-daemons")
            if d.startswith("kmod-")} == KERNEL


def test_users(sdk):
    """Those of configure.ac have a group of the same name."""
    built_in = set(re.findall(r"with_(?:net|tun|auth)_user=(_[a-z-]+)",
                              configure_ac()))
    assert len(built_in) == 3
    pairs = sdk.info("afwrt-daemons")["USERID"].split()
    assert set(pairs) == {"%s:%s" % (u, u) for u in built_in}
    # a name as OpenWrt takes it, with or without a number
    name = r"[a-z_][a-z0-9_-]*(=[0-9]+)?"
    for pair in pairs + sdk.info("afwrt-ctl")["USERID"].split():
        assert re.fullmatch("(%s)?:%s" % (name, name), pair), pair


def test_conffiles_exist(sdk):
    for name in PACKAGES:
        for path in sdk.text(name, "conffiles").split():
            assert os.path.exists(sdk.root(name, path.lstrip("/"))), path
    assert "/etc/config/afwrt" in sdk.text("afwrt-ctl", "conffiles").split()


def test_modes(sdk):
    """The configuration may have a token: for root only."""
    def mode(path):
        return os.stat(sdk.root("afwrt-ctl", path)).st_mode & 0o777
    assert mode("etc/config/afwrt") == 0o600
    for path in ("etc/init.d/afwrt", "etc/init.d/afwrt-guard",
                 "usr/libexec/afwrt/uci-to-json", "usr/sbin/afwrt-ctl"):
        assert mode(path) == 0o755, path


def test_version_and_license(sdk):
    version = re.search(r"AC_INIT\(\[afwrt\], \[([^]]+)\]",
                        configure_ac()).group(1)
    for name in PACKAGES:
        info = sdk.info(name)
        assert info["VERSION"].split("-r")[0] == version
        assert info["SOURCE"] == "afwrt-%s.tar.xz" % version
        for path in info["LICENSE_FILES"].split():
            assert os.path.exists(os.path.join(TOP, path)), path
        assert info["LICENSE"] and "@" in info["MAINTAINER"]
        assert sdk.text(name, "description").strip()


def test_abi_version_is_that_of_the_library(sdk):
    listed = run("readelf", "-d", sdk.root(
        "libafwrt-client", "usr/lib/libafwrt-client.so.1"))
    soname = re.search(r"\(SONAME\).*\[libafwrt-client\.so\.(\d+)\]", listed)
    assert sdk.info("libafwrt-client")["ABI_VERSION"] == soname.group(1)


@pytest.mark.skipif(BUSYBOX is None, reason="busybox is not installed")
@pytest.mark.parametrize("path", (
    "etc/init.d/afwrt", "etc/init.d/afwrt-guard",
    "usr/libexec/afwrt/uci-to-json"))
def test_scripts_are_shell(sdk, path):
    run(BUSYBOX, "sh", "-n", sdk.root("afwrt-ctl", path))


def test_paths_of_procd_are_those_of_the_packages(sdk):
    """What an init script runs is there."""
    for name in ("afwrt", "afwrt-guard"):
        with open(sdk.root("afwrt-ctl", "etc/init.d/" + name),
                  encoding="utf-8") as f:
            found = set(re.findall(r"/usr/[a-z/-]+", f.read()))
        assert found and {p.lstrip("/") for p in found} <= \
            PACKAGES["afwrt-ctl"]


def ctl(sdk, *argv):
    env = dict(os.environ, LD_LIBRARY_PATH=sdk.root("libafwrt-client",
                                                    "usr/lib"))
    return subprocess.run(
        [sdk.root("afwrt-ctl", "usr/sbin/afwrt-ctl")] + list(argv), env=env,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=20, text=True, check=False)


def test_packaged_command_runs(sdk, tmp_path):
    done = ctl(sdk, "version")
    assert done.returncode == 0, done.stdout
    assert sdk.info("afwrt-ctl")["VERSION"].split("-r")[0] in done.stdout
    locations = os.path.join(TOP, "init/examples/locations.json")
    config = tmp_path / "afwrt-ci.conf"
    config.write_text(json.dumps({
        "tun_ifname": "wrt0", "wan_ifname": "auto",
        "backend": ["file:" + locations]}))
    done = ctl(sdk, "check-config", str(config))
    assert done.returncode == 0, done.stdout
    config.write_text('{"backend": 7}')
    assert ctl(sdk, "check-config", str(config)).returncode != 0


def test_daemons_are_of_the_same_paths(sdk):
    """The library starts afwrtd from where the package has it."""
    with open(sdk.root("libafwrt-client", "usr/lib/libafwrt-client.so.1"),
              "rb") as f:
        assert b"/usr/libexec/afwrt" in f.read()
    with open(sdk.root("afwrt-daemons", "usr/libexec/afwrt/afwrtd"),
              "rb") as f:
        assert b"/var/run/afwrt/empty" in f.read()
