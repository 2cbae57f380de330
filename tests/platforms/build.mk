# SPDX-License-Identifier: MIT
#
# The driver and its tests on other platforms than Debian's 6.12 for amd64: arm64,
# and IGT's tests. The runners are tests/kselftest/run and tests/platforms/igt.

ARM64_CC ?= aarch64-linux-gnu-gcc
KSELFTESTS_ARM64 := $(patsubst $(O)/kselftest/%,$(O)/kselftest-arm64/%,$(KSELFTESTS))

# of libdrm only headers are used, which are those of any architecture
$(KSELFTESTS_ARM64): $(O)/kselftest-arm64/%: tests/kselftest/%.c tests/kselftest/enpu_test.c \
		tests/kselftest/enpu_test.h uapi/drm/enpu_accel.h uapi/enpu/regs.h uapi/enpu/cmd.h \
		| $(O)/kselftest/include
	@mkdir -p $(@D)
	@echo "  CC      $@"
	@$(ARM64_CC) -std=gnu11 -O2 -g -D_GNU_SOURCE -Wall -Werror -Iuapi -I$(O)/kselftest/include \
		$(shell pkg-config --cflags libdrm) -static -o $@ $(filter %.c,$^) -lpthread

.PHONY: module-arm64 module-arm64-7.3 kselftest-arm64
.PHONY: check-kselftest-arm64 check-kselftest-arm64-7.3 check-igt
module-arm64: ## build enpu.ko for Debian's arm64 6.12 kernel
	@scripts/build-module "$$(scripts/get-kernel 6.12-arm64)" $(O)/kmod-6.12-arm64 $(KMOD_ARGS)

module-arm64-7.3: ## build enpu.ko for Debian's arm64 7.3 kernel
	@scripts/build-module "$$(scripts/get-kernel 7.3-arm64)" $(O)/kmod-7.3-arm64 $(KMOD_ARGS)

kselftest-arm64: $(KSELFTESTS_ARM64)

check-kselftest-arm64: kselftest-arm64 module-arm64 $(O)/bin/enpu-device ## run the driver's tests on arm64 (Debian's 6.12 kernel)
	@tests/kselftest/run 6.12-arm64

check-kselftest-arm64-7.3: kselftest-arm64 module-arm64-7.3 $(O)/bin/enpu-device ## run the driver's tests on arm64 (Debian's 7.3 kernel)
	@tests/kselftest/run 7.3-arm64

check-igt: module-debug $(O)/bin/enpu-device ## run IGT's generic tests on the NPU (debug kernel)
	@tests/platforms/igt
