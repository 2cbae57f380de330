# SPDX-License-Identifier: MIT
# The driver's ioctls, valid and broken: a static program for the guest.
FUZZ_IOCTL := $(wildcard tests/fuzz/ioctl/*.c)

$(O)/kselftest/ioctl-fuzz: $(FUZZ_IOCTL) $(wildcard tests/fuzz/ioctl/*.h) uapi/drm/enpu_accel.h \
		uapi/enpu/regs.h uapi/enpu/cmd.h
	@mkdir -p $(@D)
	@echo "  CC      $@"
	@$(CC) $(CPPFLAGS) $(BASE_CFLAGS) -O2 -g $(shell pkg-config --cflags libdrm) -static \
		-o $@ $(FUZZ_IOCTL) -lpthread

.PHONY: check-fuzz-ioctl fuzz-ioctl
check-fuzz-ioctl: $(O)/kselftest/ioctl-fuzz module-debug $(O)/bin/enpu-device ## make programs of valid and broken ioctls for a minute (debug kernel)
	@tests/fuzz/ioctl/run --seed 1 --seconds 60

fuzz-ioctl: $(O)/kselftest/ioctl-fuzz module-debug $(O)/bin/enpu-device ## the same for FUZZ_SECONDS (600) from FUZZ_SEED (today's date)
	@tests/fuzz/ioctl/run --seed $(or $(FUZZ_SEED),$(shell date +%Y%m%d)) \
		--seconds $(or $(FUZZ_SECONDS),600)
