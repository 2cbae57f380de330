# SPDX-License-Identifier: MIT

# -fwrapv: the accumulators of the architecture wrap
$(eval $(call flags,tools/device/core/,-O3 -fwrapv))
$(eval $(call static_library,enpu-device,$(sort $(wildcard tools/device/core/*.c))))
