# SPDX-License-Identifier: MIT
# The driver's ioctls, valid and broken: a static program for the guest.
FUZZ_IOCTL := $(wildcard tests/fuzz/ioctl/*.c)

$(O)/kselftest/ioctl-fuzz: $(FUZZ_IOCTL) $(wildcard tests/fuzz/ioctl/*.h) uapi/drm/enpu_accel.h \
		uapi/enpu/regs.h uapi/enpu/cmd.h
	@mkdir -p $(@D)
	@echo "  CC      $@"
	@$(CC) $(CPPFLAGS) $(BASE_CFLAGS) -O2 -g $(shell pkg-config --cflags libdrm) -static \
		-o $@ $(FUZZ_IOCTL) -lpthread

.PHONY: check-fuzz-ioctl
check-fuzz-ioctl: $(O)/kselftest/ioctl-fuzz module-debug $(O)/bin/enpu-device ## make programs of valid and broken ioctls for a minute (debug kernel)
	@tests/fuzz/ioctl/run
