# SPDX-License-Identifier: MIT
TEST_LIBACCEL := tests/unit/libaccel
TEST_LIBACCEL_LIBS := $(LIBDRM_LIBS) -ldl

$(eval $(call flags,tests/unit/libaccel/,-iquote libaccel))
$(eval $(call unit_test,libaccel-loader,$(addprefix $(TEST_LIBACCEL)/,test-loader.c image.c),\
	libaccel,$(TEST_LIBACCEL_LIBS)))
$(eval $(call unit_test,libaccel-instance,$(addprefix $(TEST_LIBACCEL)/,test-instance.c fake.c image.c),\
	libaccel,$(TEST_LIBACCEL_LIBS)))
$(eval $(call unit_test,libaccel-detection,$(TEST_LIBACCEL)/test-detection.c,\
	libaccel,$(TEST_LIBACCEL_LIBS)))
$(eval $(call unit_test,libaccel-steps,$(addprefix $(TEST_LIBACCEL)/,test-steps.c made.c),\
	libaccel,$(TEST_LIBACCEL_LIBS)))
$(eval $(call unit_test,libaccel-real,$(addprefix $(TEST_LIBACCEL)/,test-real.c made.c),\
	libaccel,$(TEST_LIBACCEL_LIBS)))
$(eval $(call unit_test,libaccel-parts,$(TEST_LIBACCEL)/test-parts.c,libaccel,$(TEST_LIBACCEL_LIBS)))
$(eval $(call unit_test,libaccel-with-sim,$(addprefix $(TEST_LIBACCEL)/,test-sim.c image.c),\
	libaccel,$(TEST_LIBACCEL_LIBS)))
# A plug-in: there when the test runs, not linked
$(O)/asan/tests/libaccel-with-sim: | $(O)/asan/lib/libaccel-sim.so.1
