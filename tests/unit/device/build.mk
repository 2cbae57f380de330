# SPDX-License-Identifier: MIT
#
# Every test_NAME.c here is a test program of the device model; that of the
# plug-in links it as a library.

device-tests     := $(basename $(notdir $(sort $(wildcard tests/unit/device/test_*.c))))
device-test-srcs  = $(addprefix tests/unit/device/,$(1).c bus.c fixture.c)
device-test-libs  = enpu-device $(if $(filter test_sim,$(1)),libaccel-sim.so.1)
$(foreach t,$(device-tests),\
	$(eval $(call unit_test,device-$(t),$(call device-test-srcs,$(t)),$(call device-test-libs,$(t)))))
