# SPDX-License-Identifier: MIT
# Every test links the server against a stand-in for the device core.
VU_TESTS := dma irq pci session function control mutations
VU_TEST_COMMON := tests/unit/vfio-user/client.c tests/unit/vfio-user/fake_core.c
$(foreach t,$(VU_TESTS),$(eval $(call unit_test,vfio-user-$(t),\
	tests/unit/vfio-user/test_$(t).c $(VU_TEST_COMMON),libenpu-vfio-user)))
