# SPDX-License-Identifier: MIT
# Broken models: 10,000 random mutations under ASan and UBSan, and an entry for libFuzzer.

FUZZ_TFLITE := tests/fuzz/tflite
FUZZ_TFLITE_SRCS := $(FUZZ_TFLITE)/one_input.c \
		    $(addprefix tests/unit/compiler/,model_file.c verify.c)

$(eval $(call flags,$(FUZZ_TFLITE)/,-Itools/compiler/include))
$(eval $(call program_in,$(O)/asan,$(O)/asan/tests/tflite-mutate,\
	tests/fuzz/mutations.c $(FUZZ_TFLITE)/mutate.c $(FUZZ_TFLITE_SRCS),libenpu-compiler))

.PHONY: check-fuzz-tflite fuzz-tflite
check-fuzz-tflite: $(O)/asan/tests/tflite-mutate ## feed 10,000 broken models to the compiler
	@$(FUZZ_TFLITE)/run $<

# The compiler's sources again, for clang; tools/compiler/build.mk, read later, names them.
FUZZER_SRCS := $(FUZZ_TFLITE)/fuzzer.c $(FUZZ_TFLITE_SRCS)
$(O)/asan/tests/tflite-fuzzer: $(FUZZER_SRCS) $(O)/lib/libenpu-compiler.a
	@mkdir -p $(@D)
	@echo "  CLANG   $@"
	@clang $(CPPFLAGS) -Itools/compiler/include -I$(ONNX_GENERATED) $(BASE_CFLAGS) -O1 -g \
		-fsanitize=fuzzer,address,undefined -o $@ $(FUZZER_SRCS) $(COMPILER_SRCS) \
		$(LIBS_libenpu-compiler) -lm

fuzz-tflite: $(O)/asan/tests/tflite-fuzzer ## search for broken models with clang's libFuzzer
	@mkdir -p $(O)/fuzz/tflite
	@$< -max_total_time=$(or $(FUZZ_SECONDS),60) -max_len=65536 $(O)/fuzz/tflite
