# SPDX-License-Identifier: ISC
# A stand-in for OpenWrt's buildroot, written from what it documents: the
# names of rules.mk that a package's Makefile may use, for this machine as the
# target. The rest is in include/package.mk.
INCLUDE_DIR := $(TOPDIR)/include
DL_DIR ?= $(TOPDIR)/dl
BUILD_DIR ?= $(TOPDIR)/build_dir
STAGING_DIR ?= $(TOPDIR)/staging_dir
# in place of bin/packages: a folder a package, in place of an archive
BIN_DIR ?= $(TOPDIR)/bin

TARGET_CROSS :=
TARGET_CC ?= gcc
TARGET_CFLAGS ?= -O0 -pipe
TARGET_CPPFLAGS :=
# Some distributions' compilers have --as-needed by default, OpenWrt's not.
TARGET_LDFLAGS := -Wl,--no-as-needed
TARGET_CONFIGURE_OPTS = AR=gcc-ar AS="$(TARGET_CC) -c $(TARGET_CFLAGS)" \
	LD=ld NM=gcc-nm CC="$(TARGET_CC)" GCC="$(TARGET_CC)" CXX=g++ \
	RANLIB=gcc-ranlib STRIP=strip OBJCOPY=objcopy OBJDUMP=objdump SIZE=size

INSTALL_DIR := install -d -m0755
INSTALL_BIN := install -m0755
INSTALL_DATA := install -m0644
INSTALL_CONF := install -m0600
CP := cp -fpR
LN := ln -sf
SED := sed -i -e

all:
