# SPDX-License-Identifier: MIT
# Broken compiled models: random mutations under ASan and UBSan, and an entry for libFuzzer.
FUZZ_ENPU := tests/fuzz/enpu

$(eval $(call program_in,$(O)/asan,$(O)/asan/tests/enpu-mutate,\
	$(addprefix $(FUZZ_ENPU)/,mutate.c one_input.c),libaccel.so.1))

.PHONY: check-fuzz-enpu fuzz-enpu
check-fuzz-enpu: $(O)/asan/tests/enpu-mutate $(O)/asan/lib/libaccel-sim.so.1 $(O)/bin/accel ## feed 10,000 broken compiled models to libaccel and the NPU's model
	@$(FUZZ_ENPU)/run $(O)

$(eval $(call libfuzzer,enpu,$(addprefix $(FUZZ_ENPU)/,fuzzer.c one_input.c),libaccel,\
	$(LIBDRM_LIBS) -ldl))

fuzz-enpu: $(O)/fuzzer/enpu ## search for .enpu files that break the loader, with clang's libFuzzer
	@mkdir -p $(O)/fuzz/enpu/corpus
	@$< -max_total_time=$(or $(FUZZ_SECONDS),60) -max_len=65536 $(O)/fuzz/enpu/corpus
