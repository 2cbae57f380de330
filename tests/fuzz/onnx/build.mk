# SPDX-License-Identifier: MIT
# Broken ONNX models: 100,000 random mutations under ASan and UBSan, and an entry for libFuzzer.

FUZZ_ONNX := tests/fuzz/onnx

$(eval $(call flags,$(FUZZ_ONNX)/,-Itools/compiler -Itools/compiler/include -I$(O)/generated/onnx))
$(eval $(call program_in,$(O)/asan,$(O)/asan/tests/onnx-mutate,\
	tests/fuzz/mutations.c $(FUZZ_ONNX)/mutate.c $(FUZZ_ONNX)/one_input.c,libenpu-compiler))

.PHONY: check-fuzz-onnx fuzz-onnx
check-fuzz-onnx: $(O)/asan/tests/onnx-mutate ## feed 100,000 broken ONNX models to the compiler
	@$(FUZZ_ONNX)/run $< $(or $(FUZZ_COUNT),100000)

# As in ../tflite/build.mk.
FUZZ_ONNX_SRCS := tests/fuzz/tflite/fuzzer.c $(FUZZ_ONNX)/one_input.c
$(O)/asan/tests/onnx-fuzzer: $(FUZZ_ONNX_SRCS) $(O)/lib/libenpu-compiler.a
	@mkdir -p $(@D)
	@echo "  CLANG   $@"
	@clang $(CPPFLAGS) -Itools/compiler -Itools/compiler/include -I$(ONNX_GENERATED) \
		$(BASE_CFLAGS) -Wno-gnu-case-range -O1 -g -fsanitize=fuzzer,address,undefined \
		-o $@ $(FUZZ_ONNX_SRCS) $(COMPILER_SRCS) $(LIBS_libenpu-compiler) -lm

fuzz-onnx: $(O)/asan/tests/onnx-fuzzer ## search for broken ONNX models with clang's libFuzzer
	@mkdir -p $(O)/fuzz/onnx
	@$< -max_total_time=$(or $(FUZZ_SECONDS),60) -max_len=65536 $(O)/fuzz/onnx
