# SPDX-License-Identifier: MIT
$(eval $(call program,storm,tests/storm/storm.c))

.PHONY: check-storm check-storm-debug
check-storm: build module ## three minutes of everything that can happen to a device and its users
	@tests/storm/run

check-storm-debug: build module-debug ## a minute of it on the debug kernel
	@tests/storm/run --kernel debug --seconds 60
