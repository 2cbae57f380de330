# SPDX-License-Identifier: MIT
# The float reference, run on files, and its comparison with TensorFlow Lite.

$(eval $(call flags,tests/reference/,-Itests -Itools/compiler -Itools/compiler/include))
$(eval $(call program,reference-run,tests/reference/reference_run.c \
	tests/onnx/given.c,libenpu-compiler))


.PHONY: check-reference
check-reference: build ## compare the float reference with TFLite's float kernels
	@O=$(O) tests/reference/run
