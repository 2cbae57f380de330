# SPDX-License-Identifier: MIT
#
# Every test_NAME.c here is a test program of the device model.

device-test-srcs = $(addprefix tests/unit/device/,$(1).c bus.c fixture.c)
$(foreach t,$(basename $(notdir $(sort $(wildcard tests/unit/device/test_*.c)))),\
	$(eval $(call unit_test,device-$(t),$(call device-test-srcs,$(t)),enpu-device)))
