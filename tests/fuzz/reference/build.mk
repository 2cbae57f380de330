# SPDX-License-Identifier: MIT
# Broken float models, run by the float reference under ASan and UBSan.

FUZZ_REFERENCE := tests/fuzz/reference
$(eval $(call model_fuzzer,reference,tests/fuzz/tflite/mutate.c $(FUZZ_REFERENCE)/one_input.c))

.PHONY: check-fuzz-reference
check-fuzz-reference: $(O)/asan/tests/reference-mutate ## feed 20,000 broken float models to the reference
	@OMP_NUM_THREADS=1 $(FUZZ_REFERENCE)/run $<
