# SPDX-License-Identifier: MIT
TEST_LIBACCEL := tests/unit/libaccel
TEST_LIBACCEL_LIBS := $(LIBDRM_LIBS) -ldl

$(eval $(call flags,tests/unit/libaccel/,-iquote libaccel))
$(eval $(call unit_test,libaccel-loader,$(addprefix $(TEST_LIBACCEL)/,test-loader.c image.c),\
	libaccel,$(TEST_LIBACCEL_LIBS)))
$(eval $(call unit_test,libaccel-instance,$(addprefix $(TEST_LIBACCEL)/,test-instance.c fake.c image.c),\
	libaccel,$(TEST_LIBACCEL_LIBS)))
