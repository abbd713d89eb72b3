# SPDX-License-Identifier: ISC
# A stand-in for OpenWrt's rules.mk, of the documented interface only: what a
# package's Makefile may use before and in its recipes. It builds natively.
# The caller gives TOPDIR, SOURCE_DIR (the unpacked source) and OUT_DIR.
ifeq ($(and $(TOPDIR),$(SOURCE_DIR),$(OUT_DIR)),)
  $(error TOPDIR, SOURCE_DIR and OUT_DIR must be set)
endif

INCLUDE_DIR:=$(TOPDIR)/include
ROOT_DIR:=$(OUT_DIR)/root
INFO_DIR:=$(OUT_DIR)/info
STAGING_DIR:=$(OUT_DIR)/staging

TARGET_CFLAGS:=-Os -pipe
TARGET_CPPFLAGS:=
# Some distributions' compilers have --as-needed by default, OpenWrt's not.
TARGET_LDFLAGS:=-Wl,--no-as-needed

INSTALL_DIR:=install -d -m0755
INSTALL_BIN:=install -m0755
INSTALL_SUID:=install -m4755
INSTALL_DATA:=install -m0644
INSTALL_CONF:=install -m0600
CP:=cp -fpR
LN:=ln -sf
SED:=sed -i -e

SHELL:=/bin/sh
.DELETE_ON_ERROR:
