# SPDX-License-Identifier: MIT
# Downloads, the kernel module, the checks as a whole.

export O
export ENPU_CACHE

.PHONY: fetch module module-7.3 module-debug docs-operators lint check check-long shell

fetch: ## download QEMU, kernels, models and oracles into the cache, for work offline
	@scripts/get-models >/dev/null
	@tests/oracle/get-oracle >/dev/null
	@scripts/get-qemu >/dev/null
	@scripts/get-kernel 6.12 >/dev/null
	@scripts/get-kernel 7.3 >/dev/null
	@scripts/get-qemu aarch64 >/dev/null
	@scripts/get-guest-arm64 >/dev/null
	@scripts/get-kernel 6.12-arm64 >/dev/null
	@scripts/get-kernel 7.3-arm64 >/dev/null
	@scripts/get-igt >/dev/null
	@scripts/get-kernel-source >/dev/null

# W=1 and C=2 as for the kernel
KMOD_ARGS = $(if $(W),W=$(W)) $(if $(C),C=$(C))

module: ## build enpu.ko for Debian's 6.12 kernel
	@scripts/build-module "$$(scripts/get-kernel 6.12)" $(O)/kmod-6.12 $(KMOD_ARGS)

module-7.3: ## build enpu.ko for Debian's 7.3 kernel
	@scripts/build-module "$$(scripts/get-kernel 7.3)" $(O)/kmod-7.3 $(KMOD_ARGS)

module-debug: ## build the debug kernel (once) and enpu.ko for it
	@scripts/build-module "$$(scripts/get-kernel debug)" $(O)/kmod-debug ENPU_KUNIT=y $(KMOD_ARGS)

# Kept under version control: a change of what is supported shows in the diff.
docs-operators: $(O)/bin/accel ## write Documentation/operators.rst anew
	@scripts/operators-table $(O)/bin/accel >$(O)/operators.rst
	@mv $(O)/operators.rst Documentation/operators.rst

lint: ## static checks of everything: module, userspace, scripts, manual pages
	@scripts/setup build fetch test lint
	@scripts/lint $(CHECK)

# The stages are in tests/stages; CHECK="build unit" runs some of them.
check: deps ## set up, then run every test; ends with "N passed, N failed"
	@tests/report $(CHECK)

check-long: deps ## run the tests that take longer: those of tests/stages-long
	@tests/report --long $(CHECK)

shell: module ## boot the guest with an NPU and give a shell in it
	@tests/vm/run -i --timeout 86400 --device-may-die
