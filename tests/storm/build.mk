# SPDX-License-Identifier: MIT
$(eval $(call program,storm,tests/storm/storm.c))

.PHONY: check-storm
check-storm: build module ## three minutes of everything that can happen to a device and its users
	@tests/storm/run
