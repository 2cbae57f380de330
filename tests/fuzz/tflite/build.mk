# SPDX-License-Identifier: MIT
# Broken models: 10,000 random mutations under ASan and UBSan; see ../build.mk for libFuzzer.

FUZZ_TFLITE := tests/fuzz/tflite
$(eval $(call model_fuzzer,tflite,$(addprefix $(FUZZ_TFLITE)/,mutate.c one_input.c)))

.PHONY: check-fuzz-tflite
check-fuzz-tflite: $(O)/asan/tests/tflite-mutate ## feed 10,000 broken models to the compiler
	@$(FUZZ_TFLITE)/run $<
