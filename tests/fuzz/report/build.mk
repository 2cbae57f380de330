# SPDX-License-Identifier: MIT
# The compiler's report against broken and hostile models: the same mutations as of
# tests/fuzz/tflite under ASan and UBSan; see ../build.mk for libFuzzer.

FUZZ_REPORT := tests/fuzz/report
$(eval $(call model_fuzzer,report,\
	tests/fuzz/tflite/mutate.c $(addprefix $(FUZZ_REPORT)/,one_input.c page_check.c)))

.PHONY: check-fuzz-report
check-fuzz-report: $(O)/asan/tests/report-mutate ## write reports of broken and hostile models
	@tests/fuzz/tflite/run $< $(or $(FUZZ_COUNT),6000)
