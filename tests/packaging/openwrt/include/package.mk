# SPDX-License-Identifier: ISC
# A stand-in for OpenWrt's include/package.mk: builds the source with the
# defaults a package gets there, and makes of each BuildPackage a root folder
# ROOT_DIR/NAME and a description INFO_DIR/NAME. No archive is made.
ifeq ($(and $(PKG_NAME),$(PKG_VERSION),$(PKG_RELEASE)),)
  $(error PKG_NAME, PKG_VERSION or PKG_RELEASE is not set)
endif

PKG_BUILD_DIR?=$(SOURCE_DIR)
PKG_INSTALL_DIR?=$(OUT_DIR)/ipkg-install
PKG_JOBS:=$(if $(filter 1,$(PKG_BUILD_PARALLEL)),-j2)

CONFIGURE_PREFIX:=/usr
CONFIGURE_ARGS = --program-prefix= --program-suffix= \
	--prefix=$(CONFIGURE_PREFIX) --exec-prefix=$(CONFIGURE_PREFIX) \
	--bindir=$(CONFIGURE_PREFIX)/bin --sbindir=$(CONFIGURE_PREFIX)/sbin \
	--libexecdir=$(CONFIGURE_PREFIX)/lib --sysconfdir=/etc \
	--datadir=$(CONFIGURE_PREFIX)/share --localstatedir=/var \
	--mandir=$(CONFIGURE_PREFIX)/man --infodir=$(CONFIGURE_PREFIX)/info \
	--disable-nls
CONFIGURE_VARS = CFLAGS="$(TARGET_CFLAGS) $(EXTRA_CFLAGS)" \
	CPPFLAGS="$(TARGET_CPPFLAGS) $(EXTRA_CPPFLAGS)" \
	LDFLAGS="$(TARGET_LDFLAGS) $(EXTRA_LDFLAGS)"

define Build/Configure
	cd $(PKG_BUILD_DIR) && $(CONFIGURE_VARS) ./configure $(CONFIGURE_ARGS)
endef

define Build/Compile
	+$(MAKE) $(PKG_JOBS) -C $(PKG_BUILD_DIR) $(MAKE_FLAGS)
endef

define Build/Install
	$(if $(filter 1,$(PKG_INSTALL)),+$(MAKE) -C $(PKG_BUILD_DIR) \
		$(MAKE_FLAGS) DESTDIR="$(PKG_INSTALL_DIR)" install)
endef

# The fields a Package/NAME may set, empty before each.
PACKAGE_FIELDS:=SECTION CATEGORY SUBMENU TITLE URL DEPENDS PROVIDES CONFLICTS \
	USERID ABI_VERSION VARIANT HIDDEN EXTRA_DEPENDS
define newline


endef

define Sdk/Info
$(foreach field,$(PACKAGE_FIELDS),$(field): $(strip $($(field)))$(newline))\
VERSION: $(PKG_VERSION)-r$(PKG_RELEASE)
LICENSE: $(PKG_LICENSE)
LICENSE_FILES: $(PKG_LICENSE_FILES)
MAINTAINER: $(PKG_MAINTAINER)
SOURCE: $(PKG_SOURCE)
endef

define Sdk/Package
compile: package/$(1)
.PHONY: package/$(1)
package/$(1): install
	rm -rf $(ROOT_DIR)/$(1) && mkdir -p $(ROOT_DIR)/$(1)
	$(call Package/$(1)/install,$(ROOT_DIR)/$(1))
endef

define Sdk/Write
$(file >$(INFO_DIR)/$(1),$(Sdk/Info))
$(file >$(INFO_DIR)/$(1).conffiles,$(Package/$(1)/conffiles))
$(file >$(INFO_DIR)/$(1).description,$(Package/$(1)/description))
$(file >$(INFO_DIR)/$(1).postinst,$(Package/$(1)/postinst))
$(file >$(INFO_DIR)/$(1).prerm,$(Package/$(1)/prerm))
endef

define BuildPackage
$(foreach field,$(PACKAGE_FIELDS),$(eval $(field):=))
$(if $(value Package/$(1)),,$(error Package/$(1) is not defined))
$(eval $(Package/$(1)))
$(foreach field,SECTION CATEGORY TITLE,$(if $(strip $($(field))),,\
	$(error Package/$(1) is missing the $(field) field)))
$(if $(value Package/$(1)/install),,$(error Package/$(1)/install is missing))
$(if $(value Package/$(1)/description),,\
	$(error Package/$(1)/description is missing))
$(call Sdk/Write,$(1))
$(eval $(call Sdk/Package,$(1)))
endef

$(shell mkdir -p $(INFO_DIR))

.DEFAULT_GOAL:=compile
.PHONY: compile install
compile: dev

# Once, until the Makefile or these files change; changed sources come in a
# folder of their own.
$(PKG_BUILD_DIR)/.built: $(MAKEFILE_LIST)
	$(if $(wildcard $(PKG_BUILD_DIR)/Makefile),+$(MAKE) \
		-C $(PKG_BUILD_DIR) clean)
	$(Build/Configure)
	$(Build/Compile)
	touch $@

install: $(PKG_BUILD_DIR)/.built
	rm -rf $(PKG_INSTALL_DIR)
	$(Build/Install)

.PHONY: dev
dev: install
	rm -rf $(STAGING_DIR) && mkdir -p $(STAGING_DIR)
	$(call Build/InstallDev,$(STAGING_DIR))
