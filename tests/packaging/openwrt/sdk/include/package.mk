# SPDX-License-Identifier: ISC
# A stand-in for OpenWrt's include/package.mk: unpacks the archive from DL_DIR,
# configures, builds and installs it as the default recipes do (the options of
# configure and the variables that make gets are those), calls Build/InstallDev
# for STAGING_DIR, and Package/NAME/install for BIN_DIR/NAME. What would be in a
# package's control file is in BIN_DIR/NAME.control. An option that the package
# does not define has no value, and a needed one that is missing is an error.
PKG_BUILD_DIR ?= $(BUILD_DIR)/$(PKG_NAME)-$(PKG_VERSION)
PKG_INSTALL_DIR ?= $(PKG_BUILD_DIR)/ipkg-install
PKG_BUILD_PARALLEL ?=
PKG_INSTALL ?=
PKG_FIXUP ?=
JOBS ?= 2
PKG_JOBS := $(if $(PKG_BUILD_PARALLEL),-j$(JOBS),-j1)

CONFIGURE_PREFIX := /usr
CONFIGURE_ARGS = \
	--program-prefix="" \
	--program-suffix="" \
	--prefix=$(CONFIGURE_PREFIX) \
	--exec-prefix=$(CONFIGURE_PREFIX) \
	--bindir=$(CONFIGURE_PREFIX)/bin \
	--sbindir=$(CONFIGURE_PREFIX)/sbin \
	--libexecdir=$(CONFIGURE_PREFIX)/lib \
	--sysconfdir=/etc \
	--datadir=$(CONFIGURE_PREFIX)/share \
	--localstatedir=/var \
	--mandir=$(CONFIGURE_PREFIX)/man \
	--infodir=$(CONFIGURE_PREFIX)/info \
	--disable-nls
CONFIGURE_VARS = \
	$(TARGET_CONFIGURE_OPTS) \
	CFLAGS="$(TARGET_CFLAGS)" \
	CPPFLAGS="$(TARGET_CPPFLAGS)" \
	LDFLAGS="$(TARGET_LDFLAGS)"
MAKE_VARS = \
	CFLAGS="$(TARGET_CFLAGS) $(TARGET_CPPFLAGS)" \
	LDFLAGS="$(TARGET_LDFLAGS)"
MAKE_FLAGS = $(TARGET_CONFIGURE_OPTS) CROSS="$(TARGET_CROSS)" ARCH="x86_64"

STAMP_PREPARED := $(PKG_BUILD_DIR)/.prepared
STAMP_CONFIGURED := $(PKG_BUILD_DIR)/.configured
STAMP_BUILT := $(PKG_BUILD_DIR)/.built
STAMP_STAGED := $(STAGING_DIR)/.staged

define Build/Prepare
	rm -rf $(PKG_BUILD_DIR)
	mkdir -p $(PKG_BUILD_DIR)
	xzcat $(DL_DIR)/$(PKG_SOURCE) | tar -C $(PKG_BUILD_DIR)/.. -xf -
endef

define Build/Configure
	$(if $(PKG_FIXUP),cd $(PKG_BUILD_DIR) && autoreconf -vif,:)
	cd $(PKG_BUILD_DIR) && $(CONFIGURE_VARS) ./configure $(CONFIGURE_ARGS)
endef

define Build/Compile
	$(MAKE_VARS) MAKEFLAGS= $(MAKE) $(PKG_JOBS) -C $(PKG_BUILD_DIR) $(MAKE_FLAGS)
endef

define Build/Install
	$(MAKE_VARS) MAKEFLAGS= $(MAKE) -C $(PKG_BUILD_DIR) $(MAKE_FLAGS) \
		DESTDIR="$(PKG_INSTALL_DIR)" install
endef

$(STAMP_PREPARED): $(DL_DIR)/$(PKG_SOURCE)
	$(Build/Prepare)
	touch $@
$(STAMP_CONFIGURED): $(STAMP_PREPARED)
	$(Build/Configure)
	touch $@
$(STAMP_BUILT): $(STAMP_CONFIGURED)
	$(Build/Compile)
	$(if $(PKG_INSTALL),$(Build/Install),:)
	touch $@
$(STAMP_STAGED): $(STAMP_BUILT)
	mkdir -p $(STAGING_DIR)
	$(call Build/InstallDev,$(STAGING_DIR))
	touch $@
all: $(STAMP_STAGED)

# ---- packages

define Package/Default
  SECTION :=
  CATEGORY :=
  SUBMENU :=
  TITLE :=
  URL :=
  DEPENDS :=
  USERID :=
  ABI_VERSION :=
  VERSION := $(PKG_VERSION)-r$(PKG_RELEASE)
  MAINTAINER := $(PKG_MAINTAINER)
  LICENSE_FILES := $(PKG_LICENSE_FILES)
endef

# $(1) of "+dep", "+SYMBOL:dep", "@SYMBOL": the package that is meant, if any
dep_symbol = $(firstword $(subst :, ,$(1)))
dep_name = $(if $(findstring :,$(1)),$(if $(CONFIG_$(call \
	dep_symbol,$(1))),$(lastword $(subst :, ,$(1)))),$(1))
depends = $(foreach dep,$(patsubst +%,%,$(filter-out @% +@%,$(1))),$(call \
	dep_name,$(dep)))
need = $(if $(strip $($(2))),,$(error Package/$(1) is missing $(2)))

$(shell mkdir -p $(BIN_DIR))
PARTS := description conffiles postinst prerm config
FIELDS := SECTION CATEGORY TITLE VERSION DEPENDS USERID ABI_VERSION \
	MAINTAINER LICENSE_FILES

define BuildPackage
  $(if $(filter undefined,$(origin Package/$(1))),$(error no Package/$(1)))
  $(eval $(Package/Default))
  $(eval $(Package/$(1)))
  $(foreach field,SECTION CATEGORY TITLE VERSION,$(call need,$(1),$(field)))
  $(foreach field,$(FIELDS),$(eval $(field)/$(1) := $($(field))))
  $(foreach part,$(PARTS),$(if $(filter undefined,$(origin \
	Package/$(1)/$(part))),$(eval Package/$(1)/$(part) :=)))
  all: install-$(1)
  .PHONY: install-$(1)
  install-$(1): $(STAMP_BUILT)
	rm -rf $(BIN_DIR)/$(1)
	mkdir -p $(BIN_DIR)/$(1)
	$$(call Package/$(1)/install,$(BIN_DIR)/$(1))
	$$(file >$(BIN_DIR)/$(1).control,Package: $(1)$$(ABI_VERSION/$(1)))
	$$(foreach field,$(FIELDS),$$(file >>$(BIN_DIR)/$(1).control,$$(field): $$(if \
		$$(filter DEPENDS,$$(field)),$$(call depends,$$(DEPENDS/$(1))),$$($$(field)/$(1)))))
	$$(foreach part,$(PARTS),$$(file >$(BIN_DIR)/$(1).$$(part),$$(Package/$(1)/$$(part))))
endef
