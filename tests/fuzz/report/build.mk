# SPDX-License-Identifier: MIT
# The compiler's report against broken and hostile models: the same mutations as of
# tests/fuzz/tflite under ASan and UBSan, and an entry for libFuzzer.

FUZZ_REPORT := tests/fuzz/report
FUZZ_REPORT_SRCS := $(FUZZ_REPORT)/one_input.c $(FUZZ_REPORT)/page_check.c

$(eval $(call flags,$(FUZZ_REPORT)/,-Itools/compiler/include))
$(eval $(call program_in,$(O)/asan,$(O)/asan/tests/report-mutate,\
	tests/fuzz/mutations.c tests/fuzz/tflite/mutate.c $(FUZZ_REPORT_SRCS),libenpu-compiler))

.PHONY: check-fuzz-report fuzz-report
check-fuzz-report: $(O)/asan/tests/report-mutate ## write reports of broken and hostile models
	@tests/fuzz/tflite/run $< $(or $(FUZZ_COUNT),6000)

REPORT_FUZZER_SRCS := tests/fuzz/tflite/fuzzer.c $(FUZZ_REPORT_SRCS)
$(O)/asan/tests/report-fuzzer: $(REPORT_FUZZER_SRCS) $(O)/lib/libenpu-compiler.a
	@mkdir -p $(@D)
	@echo "  CLANG   $@"
	@clang $(CPPFLAGS) -Itools/compiler/include -I$(ONNX_GENERATED) $(BASE_CFLAGS) -O1 -g \
		-fsanitize=fuzzer,address,undefined -o $@ $(REPORT_FUZZER_SRCS) $(COMPILER_SRCS) \
		$(LIBS_libenpu-compiler) -lm

fuzz-report: $(O)/asan/tests/report-fuzzer ## search for models that break reports with clang's libFuzzer
	@mkdir -p $(O)/fuzz/report
	@$< -max_total_time=$(or $(FUZZ_SECONDS),60) -max_len=65536 $(O)/fuzz/report \
		$$(scripts/get-models slices/)/slices
