# SPDX-License-Identifier: MIT
.PHONY: demo
demo: ## set up, build, and run real models on the NPU in a guest; PHOTO=FILE for one of yours
	@tests/demo/run $(if $(PHOTO),'$(PHOTO)')
