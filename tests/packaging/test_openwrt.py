# SPDX-License-Identifier: ISC
"""OpenWrt: the package's recipe, run by a stand-in for the buildroot
(sdk.py): what it builds, what each package has and depends on. It builds
natively; only the headers of the C library are OpenWrt's."""

import glob
import os
import re
import shutil
import subprocess

import pytest

import sdk as openwrt
from debs import TOP
from sdk import MAKEFILE, NAMES, dynamic

# Installed, and in no package for a router.
LEFT_OUT = {
    r"/usr/include/afwrt\.h": "for building: Build/InstallDev",
    r"/usr/lib/libafwrt-client\.so": "for building: Build/InstallDev",
    r"/usr/lib/pkgconfig/.*": "for building: Build/InstallDev",
    r"/usr/lib/libafwrt-client\.la": "libtool's; OpenWrt has none of them",
    r"/usr/man/.*": "a router has no pages",
    r"/usr/share/afwrt/schema/.*": "documentation",
    r"/usr/share/(bash-completion|fish|zsh)/.*": "a router has ash",
}
# soname: package; None: of OpenWrt's C library, which each package has.
PROVIDED_BY = {
    "libc": None, "ld-linux-x86-64": None, "libresolv": None,
    "libafwrt-client": "libafwrt-client", "libcap-ng": "libcap-ng",
    "libcrypto": "libopenssl", "libevent_core-2.1": "libevent2-core",
    "libevent_extra-2.1": "libevent2-extra", "libexpat": "libexpat",
    "libjansson": "jansson", "libmbedcrypto": "libmbedtls",
    "libmbedtls": "libmbedtls", "libmbedx509": "libmbedtls",
    "libmnl": "libmnl", "libnftnl": "libnftnl"}
# Needed otherwise than by linking.
OTHERWISE = {"afwrt-daemons", "kmod-tun", "kmod-nft-core", "kmod-nft-nat",
             "kmod-nft-bridge", "kmod-nf-conntrack-netlink"}


def read(name):
    with open(os.path.join(TOP, name), encoding="utf-8") as f:
        return f.read()


# The recipe


def test_nothing_in_it_is_undefined(sdk):
    with open(os.path.join(sdk, "log"), encoding="utf-8") as f:
        said = [l for l in f if "warning: undefined variable" in l]
    assert [l for l in said if MAKEFILE in l or "package.mk" in l] == []


def test_it_says_what_the_tree_says(made):
    """The version, and the users that the programs were built for."""
    configure = read("configure.ac")
    version = re.search(r"AC_INIT\(\[afwrt\], \[([^]]+)", configure)[1]
    assert {p.control["VERSION"] for p in made} == {version + "-r1"}
    wanted = set(re.findall(r"with_\w+_user=(_[\w-]+)", configure))
    users = {p.name: {u for u, _ in p.users() if u} for p in made}
    assert users == {"libafwrt-client": set(), "afwrt-daemons": wanted,
                     "afwrt-ctl": {"_afwrt"}}
    assert {g for p in made for _, g in p.users()} == \
        wanted | {"_afwrt", "afwrt"}
    soname, = dynamic(made[0].path("usr/lib/libafwrt-client.so.1"), "SONAME")
    assert soname == "libafwrt-client.so." + made[0].control["ABI_VERSION"]
    for package in made:
        assert package.part("description").strip()
        assert "@" in package.control["MAINTAINER"]
        for name in package.control["LICENSE_FILES"].split():
            assert os.path.exists(os.path.join(TOP, name)), name


def test_the_options_have_defaults_and_are_used():
    recipe = read("init/openwrt/Makefile")
    for option in re.findall(r"^\tconfig (\w+)$", recipe, re.M):
        assert re.search(r"\+%s:[\w-]+" % option, recipe), option
    for used in re.findall(r"\+(AFWRT_\w+):|CONFIG_(AFWRT_\w+)", recipe):
        assert "\tconfig %s\n" % "".join(used) in recipe


# What of this machine's headers has nothing of its C library in it.
HEADERS = ("asm", "asm-generic", "linux", "mtd", "cap-ng.h", "event2",
           "expat.h", "expat_config.h", "expat_external.h", "jansson.h",
           "jansson_config.h", "libmnl", "libnftnl", "mbedtls", "openssl",
           "psa")


def test_the_sources_are_good_for_musl(sdk, tmp_path):
    """OpenWrt's C library: no warning, nothing that it has not."""
    if shutil.which("musl-gcc") is None:
        pytest.skip("musl-gcc is not installed")
    source = os.path.join(sdk, "build_dir", os.listdir(
        os.path.join(sdk, "build_dir"))[0])
    multiarch = subprocess.run(("gcc", "-print-multiarch"), check=True,
                               stdout=subprocess.PIPE, text=True,
                               timeout=30).stdout.strip()
    flags = ["-I.", "-Iinclude", "-Ilib/compat"]
    for kind, base in (("any", "/usr/include"),
                       ("arch", "/usr/include/" + multiarch)):
        (tmp_path / kind).mkdir()
        flags += ["-isystem", str(tmp_path / kind)]
        for name in HEADERS:
            if os.path.exists(os.path.join(base, name)):
                os.symlink(os.path.join(base, name), tmp_path / kind / name)
    flags += ['-DAFWRT_%s="x"' % name for name in (
        "LIBEXECDIR", "CHROOT_DIR", "NET_USER", "TUN_USER", "AUTH_USER")]
    files = sorted(glob.glob(source + "/lib/*.c") + glob.glob(
        source + "/lib/*/*.c") + glob.glob(source + "/afwrt*/*.c"))
    assert len(files) > 200
    halves = [subprocess.Popen(
        ["musl-gcc", "-std=c11", "-D_GNU_SOURCE", "-DHAVE_CONFIG_H", "-Wall",
         "-Wextra", "-Werror", "-fsyntax-only", *flags, *files[i::2]],
        cwd=source, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True) for i in range(2)]
    said = [half.communicate(timeout=120)[1] for half in halves]
    assert said == ["", ""]


# The packages


def test_each_package_has_what_it_should(made):
    library, daemons, ctl = ({f for f in p.files} for p in made)
    assert library == {"/usr/lib/libafwrt-client.so.1",
                       "/usr/lib/libafwrt-client.so.1.0.0"}
    assert daemons == {"/usr/libexec/afwrt/" + p for p in
                       ("afwrt-auth", "afwrt-net", "afwrt-tun", "afwrtd")}
    assert ctl == {
        "/etc/config/afwrt", "/etc/init.d/afwrt", "/etc/init.d/afwrt-guard",
        "/usr/libexec/afwrt/uci-to-json", "/usr/sbin/afwrt-ci",
        "/usr/sbin/afwrt-ctl",
        "/usr/share/nftables.d/chain-pre/forward/afwrt.nft"}


def test_nothing_installed_is_lost(sdk, made):
    tree = os.path.join(sdk, "build_dir", "afwrt-" + re.match(
        r"[\d.]+", made[0].control["VERSION"])[0], "ipkg-install")
    lost = openwrt.below(tree) - set().union(*(p.files for p in made))
    assert {f for f in lost if not any(
        re.fullmatch(pattern, f) for pattern in LEFT_OUT)} == set()
    for pattern in LEFT_OUT:
        assert any(re.fullmatch(pattern, f) for f in lost), pattern
    assert len(set().union(*(p.files for p in made))) == \
        sum(len(p.files) for p in made)     # none twice


def test_modes(made):
    for package in made:
        for name in package.files:
            mode = os.stat(package.path(name)).st_mode & 0o7777
            if name == "/etc/config/afwrt":     # it may have a token
                assert mode == 0o600
            elif name.endswith(".nft"):
                assert mode == 0o644
            else:
                assert mode == 0o755, name


def test_what_is_linked_is_depended_on(made):
    for package in made:
        needed = {re.sub(r"\.so(\.\d+)*$", "", name)
                  for elf in package.elves()
                  for name in dynamic(package.path(elf), "NEEDED")}
        unknown = needed - set(PROVIDED_BY)
        assert not unknown, "no package is known for %s" % unknown
        linked = {PROVIDED_BY[name] for name in needed} - {None}
        assert linked == set(package.depends) - OTHERWISE, package.name


def test_what_runs_together_comes_together(made):
    """The command starts the processes, by the library."""
    depends = {p.name: set(p.depends) & set(NAMES) for p in made}
    assert depends == {"afwrt-ctl": {"libafwrt-client"}, "afwrt-daemons":
                       set(), "libafwrt-client": {"afwrt-daemons"}}


def test_no_program_looks_for_libraries_elsewhere(made):
    for package in made:
        for elf in package.elves():
            for tag in ("RPATH", "RUNPATH"):
                assert dynamic(package.path(elf), tag) == [], elf


def test_conffiles(made):
    assert [p.name for p in made if p.part("conffiles").strip()] == [
        "afwrt-ctl"]
    ctl = made[2]
    for name in ctl.part("conffiles").split():
        assert os.path.exists(ctl.path(name)), name
    etc = [f for f in ctl.files if f.startswith("/etc/")]
    for name in etc:
        assert name.startswith("/etc/init.d/") or \
            name in ctl.part("conffiles").split()


def test_what_the_init_scripts_run_is_there(made):
    ctl = made[2]
    for name in ("afwrt", "afwrt-guard"):
        with open(ctl.path("/etc/init.d/" + name), encoding="utf-8") as f:
            found = set(re.findall(r"/usr/[a-z/-]+", f.read()))
        assert found and found <= ctl.files


def test_the_library_for_others(sdk, made, tmp_path):
    """A program of another package, built against the staging folder."""
    staging = os.path.join(sdk, "staging_dir")
    source = tmp_path / "v.c"
    source.write_text("#include <afwrt.h>\n#include <stdio.h>\n"
                      "int main(void) { return puts(afwrt_version()) < 0; }")
    flags = subprocess.run(
        ("pkg-config", "--define-variable=prefix=%s/usr" % staging,
         "--define-variable=exec_prefix=%s/usr" % staging, "--cflags",
         "--libs", "afwrt-client"), stdout=subprocess.PIPE, text=True,
        check=True, timeout=30, env=dict(
            os.environ, PKG_CONFIG_PATH=staging + "/usr/lib/pkgconfig")
    ).stdout.split()
    subprocess.run(("cc", "-o", tmp_path / "v", source, *flags), check=True,
                   timeout=60)
    said = subprocess.run((tmp_path / "v",), stdout=subprocess.PIPE, text=True,
                          check=True, timeout=30, env=dict(
                              os.environ, LD_LIBRARY_PATH=made[0].path(
                                  "usr/lib"))).stdout
    assert said.strip() + "-r1" == made[0].control["VERSION"]


# The firewall


def test_the_firewalls_rules(tmp_path):
    """As firewall4 includes them; --check loads nothing."""
    if shutil.which("nft") is None:
        pytest.skip("nft is not installed")
    path = tmp_path / "rules"
    path.write_text("table inet fw4 {\nchain forward {\ntype filter hook "
                    "forward priority filter; policy drop;\n%s}\n}\n" %
                    read("init/openwrt/afwrt.nft"))
    subprocess.run(("unshare", "--net", "nft", "--check", "-f", str(path)),
                   check=True, timeout=30)
