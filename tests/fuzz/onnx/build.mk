# SPDX-License-Identifier: MIT
# Broken ONNX models: 100,000 random mutations under ASan and UBSan; see ../build.mk for
# libFuzzer.

FUZZ_ONNX := tests/fuzz/onnx
$(eval $(call flags,$(FUZZ_ONNX)/,-I$(O)/generated/onnx))
$(eval $(call model_fuzzer,onnx,$(addprefix $(FUZZ_ONNX)/,mutate.c one_input.c)))
$(foreach v,$(O)/asan $(O)/fuzzer,$(call objs,$(v),$(addprefix $(FUZZ_ONNX)/,mutate.c one_input.c))): \
	| $(O)/generated/onnx/onnx.pb-c.c

.PHONY: check-fuzz-onnx
check-fuzz-onnx: $(O)/asan/tests/onnx-mutate ## feed 100,000 broken ONNX models to the compiler
	@$(FUZZ_ONNX)/run $< $(or $(FUZZ_COUNT),100000)
