# SPDX-License-Identifier: MIT
TEST_ACCEL := tests/unit/accel
TEST_ACCEL_CLI := $(addprefix tools/accel/,draw.c font.c input.c jpeg.c picture.c png.c)

$(eval $(call flags,tests/unit/accel/,-iquote tools/accel))
$(eval $(call unit_test,accel-picture,$(TEST_ACCEL)/test-picture.c $(TEST_ACCEL_CLI),\
	libaccel-tasks.so.1 libaccel.so.1,-ljpeg -lpng))
$(eval $(call unit_test,accel-cli,$(TEST_ACCEL)/test-cli.c \
	$(addprefix tools/accel/,cli.c json.c labels.c) tests/unit/libaccel/image.c))
$(O)/asan/tests/accel-cli: | $(O)/asan/bin/accel $(O)/asan/lib/libaccel-tasks.so.1 $(O)/asan/lib/libaccel-sim.so.1
$(eval $(call unit_test,accel-dump,$(TEST_ACCEL)/test-dump.c tools/accel/dump.c,libaccel.so.1))
