# SPDX-License-Identifier: MIT
# The backend plug-in of libaccel that simulates the device in-process.
$(eval $(call shared_library,libaccel-sim.so.1,$(sort $(wildcard tools/device/sim/*.c)),enpu-device,,tools/device/sim/libaccel-sim.map))
