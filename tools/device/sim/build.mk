# SPDX-License-Identifier: MIT
# The backend plug-in of libaccel that simulates the device in-process.
$(eval $(call shared_library,libaccel-sim.so.1,$(sort $(wildcard tools/device/sim/*.c)),enpu-device,,tools/device/sim/libaccel-sim.map))

.PHONY: install install-sim
install: install-sim
install-sim: $(O)/lib/libaccel-sim.so.1
	install -D -m 644 $< $(DESTDIR)$(PREFIX)/lib/accel/libaccel-sim.so
