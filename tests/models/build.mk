# SPDX-License-Identifier: MIT
# Real models and single operators against TensorFlow Lite's reference kernels.

$(eval $(call flags,tests/models/,-Itools/compiler -Itools/compiler/include))
$(eval $(call program,graph-compiler,tests/models/graph_compiler.c,libenpu-compiler,-lmd))

.PHONY: check-models check-models-drm check-oracle check-mutation
check-oracle: $(O)/bin/tflite-oracle ## show that the oracle runs TFLite's reference kernels
	@O=$(O) tests/oracle/check

check-models: build ## compare models and operators with TFLite byte for byte, on sim
	@tests/models/run --build $(O)

check-models-drm: build module ## the same on the driver in a QEMU guest
	@O=$(O) tests/models/run-guest

.PHONY: check-models-onnx
check-models-onnx: build ## compare quantized ONNX models with ONNX Runtime byte for byte, on sim
	@tests/models/run-onnx --build $(O)

.PHONY: check-listed
check-listed: build ## compile and run every model that the project names
	@tests/models/listed --build $(O)

.PHONY: check-models-onnx-drm
check-models-onnx-drm: build module ## the same on the driver in a QEMU guest
	@O=$(O) tests/models/run-guest --onnx

check-mutation: check-models ## show that a changed rounding is caught by check-models
	@tests/models/mutation $(O)
