# SPDX-License-Identifier: MIT
#
# Guest tests of the driver: static programs, so that the guest needs nothing else.

KSELFTESTS := $(filter-out %/enpu_test,$(patsubst tests/kselftest/%.c,$(O)/kselftest/%, \
	$(wildcard tests/kselftest/*.c)))

$(O)/kselftest/include:
	@mkdir -p $(@D)
	@ln -sfn "$$(scripts/get-kernel-source)/tools/testing/selftests" $@

$(KSELFTESTS): $(O)/kselftest/%: tests/kselftest/%.c tests/kselftest/enpu_test.c \
		tests/kselftest/enpu_test.h uapi/drm/enpu_accel.h uapi/enpu/regs.h uapi/enpu/cmd.h \
		| $(O)/kselftest/include
	@echo "  CC      $@"
	@$(CC) -std=gnu11 -O2 -g -D_GNU_SOURCE -Wall -Werror -Iuapi -I$(O)/kselftest/include \
		$(shell pkg-config --cflags libdrm) -static -o $@ $(filter %.c,$^) -lpthread

$(O)/kselftest/test_fail_nth $(O)/kselftest-arm64/test_fail_nth: $(wildcard tests/kselftest/fail_nth/*.[ch])

.PHONY: kselftest check-kselftest check-kselftest-7.3
kselftest: $(KSELFTESTS)

check-kselftest: kselftest module $(O)/bin/enpu-device ## run the driver's tests in the guest (Debian's 6.12 kernel)
	@tests/kselftest/run 6.12

check-kselftest-7.3: kselftest module-7.3 $(O)/bin/enpu-device ## the same with Debian's 7.3 kernel
	@tests/kselftest/run 7.3
