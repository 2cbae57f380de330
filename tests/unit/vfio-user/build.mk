# SPDX-License-Identifier: MIT
# The server against a stand-in for the device core, and against the real one.
VU_TESTS := dma irq pci session function control mutations
VU_TEST_COMMON := tests/unit/vfio-user/client.c tests/unit/vfio-user/fake_core.c
$(foreach t,$(VU_TESTS),$(eval $(call unit_test,vfio-user-$(t),\
	tests/unit/vfio-user/test_$(t).c $(VU_TEST_COMMON),libenpu-vfio-user)))
$(eval $(call unit_test,vfio-user-device,tests/unit/vfio-user/test_device.c \
	tests/unit/vfio-user/client.c,libenpu-vfio-user enpu-device))
