# SPDX-License-Identifier: MIT
#
# The front door: `make help` lists what a person can ask for.
#
# Non-recursive: every folder that builds userspace code has a build.mk, which
# states what it makes with the macros below; this file knows how. Each object
# exists twice: plain, and under $(O)/asan with ASan and UBSan for the tests; what
# tests/fuzz asks for a third time, under $(O)/fuzzer by clang for libFuzzer.

O            ?= build
CC           ?= gcc
CLANG        ?= clang
AR           ?= ar
DESTDIR      ?=
PREFIX       ?= /usr/local
SHELL        := /bin/bash
.DELETE_ON_ERROR:
.SECONDARY:

CPPFLAGS     := -D_GNU_SOURCE -Iuapi -Ilibaccel/include -Ilibaccel-tasks/include
CFLAGS       ?= -O2 -g
BASE_CFLAGS  := -std=c11 -fPIC -fvisibility=hidden -ffp-contract=off \
		-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
		-Wvla -Wno-unused-parameter -Wno-missing-field-initializers -Werror
SANITIZE     := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
BASE_LDFLAGS := -Wl,--no-undefined -Wl,-z,relro,-z,now

FLAGGED      :=
PROGRAMS     :=
LIBRARIES    :=
UNIT_TESTS   :=

# $(call flags,PREFIX,EXTRA): compile what lies below PREFIX with EXTRA
define flags
$(O)/obj/$(1)%.o: EXTRA_CFLAGS += $(2)
$(O)/asan/obj/$(1)%.o: EXTRA_CFLAGS += $(2)
$(O)/fuzzer/obj/$(1)%.o: EXTRA_CFLAGS += $(2)
endef

objs   = $(patsubst %.c,$(1)/obj/%.o,$(2))
libfor = $(foreach l,$(2),$(if $(findstring .so.,$(l)),$(1)/lib/$(l),$(1)/lib/$(l).a))

define static_library
$(foreach v,$(O) $(O)/asan $(O)/fuzzer,$(call static_library_in,$(v),$(1),$(2)))
LIBRARIES += $(O)/lib/$(1).a
endef
define static_library_in
$(1)/lib/$(2).a: $(call objs,$(1),$(3))
	@mkdir -p $$(@D)
	@echo "  AR      $$@"
	@rm -f $$@ && $(AR) rcs $$@ $$^

endef

define program
$(foreach v,$(O) $(O)/asan,$(call program_in,$(v),$(v)/bin/$(1),$(2),$(3),$(4)))
PROGRAMS += $(O)/bin/$(1)
ASAN_PROGRAMS += $(O)/asan/bin/$(1)
endef
define unit_test
$(call program_in,$(O)/asan,$(O)/asan/tests/$(1),$(2),$(3),$(4) -lcmocka)
UNIT_TESTS += $(O)/asan/tests/$(1)
endef
# variant, output, sources, libraries of ours, -l flags; LIBS_x: those that our static
# library x needs
define program_in
$(2): $(call objs,$(1),$(3)) $(call libfor,$(1),$(4))
	@mkdir -p $$(@D)
	@echo "  LD      $$@"
	@$(CC) $(BASE_LDFLAGS) $(LDFLAGS) $(if $(filter %/asan,$(1)),$(SANITIZE)) -Wl,-rpath,'$$$$ORIGIN/../lib' \
		-o $$@ $$^ $(5) $$(foreach l,$(4),$$(LIBS_$$(l))) -lpthread -lm

endef

# $(call shared_library,NAME.so.N,SRCS,LIBS,LDLIBS,VERSION_SCRIPT)
define shared_library
$(foreach v,$(O) $(O)/asan,$(call shared_library_in,$(v),$(1),$(2),$(3),$(4),$(5)))
LIBRARIES += $(O)/lib/$(1)
endef
define shared_library_in
$(1)/lib/$(2): $(call objs,$(1),$(3)) $(call libfor,$(1),$(4)) $(6)
	@mkdir -p $$(@D)
	@echo "  LD      $$@"
	@$(CC) -shared $(BASE_LDFLAGS) $(LDFLAGS) $(if $(filter %/asan,$(1)),$(SANITIZE)) \
		-Wl,-soname,$(2) $(if $(findstring .so.,$(4)),-Wl$(comma)-rpath$(comma)'$$$$ORIGIN') $(if $(6),-Wl$(comma)--version-script=$(6)) \
		-o $$@ $$(filter %.o %.a %.so.1,$$^) $(5) -lpthread -lm
	@ln -sf $(2) $(1)/lib/$(basename $(2))

endef
comma := ,

all: build

.PHONY: help deps doctor clean
help: ## list the targets
	@awk -F ':[^#]*## ' '/^[a-z][a-z0-9.-]*:.*## / { printf "  %-16s %s\n", $$1, $$2 }' \
		Makefile $$(find libaccel libaccel-tasks tools examples tests scripts -name build.mk) | sort

deps: ## install the packages that are missing (as root)
	@scripts/setup

doctor: ## tell what is missing, change nothing
	@scripts/setup --check

clean: ## remove everything that was built (the download cache stays)
	rm -rf $(O)

# The fragments ask pkg-config when they are read: on a bare machine the packages
# are installed first, then make starts again.
ifeq ($(shell pkg-config --exists libdrm 2>/dev/null && echo there),)
BARE := $(filter-out help deps doctor clean,$(or $(MAKECMDGOALS),build))
ifneq ($(BARE),)
ifdef ENPU_WAS_BARE
$(error pkg-config does not find libdrm although libdrm-dev was installed)
endif
.PHONY: $(BARE)
$(BARE): deps
	@ENPU_WAS_BARE=1 $(MAKE) --no-print-directory $@
endif
else
include $(sort $(shell find libaccel libaccel-tasks tools examples tests scripts -name build.mk 2>/dev/null))

COMPILE = $(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(CFLAGS) $(EXTRA_CFLAGS) -MMD -MP
$(O)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(COMPILE) -c -o $@ $<
$(O)/asan/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC-SAN  $<"
	@$(COMPILE) -O1 $(SANITIZE) -c -o $@ $<
# gcc judges the code: what clang says of it would be noise
FUZZ_COVERAGE := -fsanitize=fuzzer-no-link
$(O)/fuzzer/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC-FUZZ $<"
	@$(CLANG) $(CPPFLAGS) $(filter-out -W%,$(BASE_CFLAGS)) $(CFLAGS) $(EXTRA_CFLAGS) -MMD -MP \
		-w -O1 $(SANITIZE) $(FUZZ_COVERAGE) -c -o $@ $<

-include $(shell find $(O) -name '*.d' 2>/dev/null)

.PHONY: all build check-unit
build: $(LIBRARIES) $(PROGRAMS) ## build libaccel and the tools into build/

.PHONY: unit-tests list-unit-tests
unit-tests: $(UNIT_TESTS)
list-unit-tests:
	@printf '%s\n' $(UNIT_TESTS)

check-unit: unit-tests ## run the host unit tests under ASan and UBSan
	@for t in $(UNIT_TESTS); do echo "# $$t"; $$t || exit 1; done
endif
