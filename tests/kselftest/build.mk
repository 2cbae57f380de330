# SPDX-License-Identifier: MIT
#
# Guest tests of the driver: static programs, so that the guest needs nothing else.

KSELFTEST_TESTS := $(patsubst tests/kselftest/%.c,$(O)/kselftest/%,$(wildcard tests/kselftest/test_*.c))

$(O)/kselftest/include:
	@mkdir -p $(@D)
	@ln -sfn "$$(scripts/get-kselftest)" $@

$(KSELFTEST_TESTS): $(O)/kselftest/%: tests/kselftest/%.c tests/kselftest/enpu_test.c \
		tests/kselftest/enpu_test.h uapi/drm/enpu_accel.h uapi/enpu/regs.h uapi/enpu/cmd.h \
		| $(O)/kselftest/include
	@echo "  CC      $@"
	@$(CC) -std=gnu11 -O2 -g -D_GNU_SOURCE -Wall -Werror -Iuapi -I$(O)/kselftest/include \
		$(shell pkg-config --cflags libdrm) -static -o $@ $(filter %.c,$^) -lpthread

.PHONY: kselftest
kselftest: $(KSELFTEST_TESTS)
