# SPDX-License-Identifier: MIT
#
# The driver on a kernel that looks for defects.

.PHONY: check-debug coverage

check-debug: ## run the driver's tests on the debug kernel (which is built, once)
	@tests/debug/run

coverage: ## print which lines of kernel/ those tests reach
	@tests/debug/run --coverage
