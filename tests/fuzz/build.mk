# SPDX-License-Identifier: MIT
# libFuzzer, clang's: inputs that reach new code become ancestors of others; half of their
# mutations are the formats' own (mutate.c). Beside it, programs that need no clang feed the
# same mutations of known files to the same one_input.c: see the folders.

# What the fuzzers of the compiler have in common
FUZZ_COMMON := tests/fuzz/random.c tests/fuzz/judge.c \
	       $(addprefix tests/unit/compiler/,model_file.c verify.c)
$(eval $(call flags,tests/fuzz/,-Itools/compiler -Itools/compiler/include))

# Loops over bytes and bins, in which new ways are of no interest: watching them takes most of
# the time.
$(O)/fuzzer/obj/tests/% \
$(addprefix $(O)/fuzzer/obj/tools/compiler/quant/,histogram.o range.o range_search.o): FUZZ_COVERAGE :=

# $(call libfuzzer,NAME,SRCS,LIBS,-l flags)
define libfuzzer
$(O)/fuzzer/$(1): $(call objs,$(O)/fuzzer,$(2)) $(call libfor,$(O)/fuzzer,$(3))
	@mkdir -p $$(@D)
	@echo "  LD-FUZZ $$@"
	@$(CLANG) $(SANITIZE) -fsanitize=fuzzer -o $$@ $$^ $(4) $$(foreach l,$(3),$$(LIBS_$$(l))) \
		-lpthread -lm

endef

# $(call model_fuzzer,NAME,SRCS): both kinds for a format of the compiler's
define model_fuzzer
$(call program_in,$(O)/asan,$(O)/asan/tests/$(1)-mutate,\
	tests/fuzz/mutations.c $(FUZZ_COMMON) $(2),libenpu-compiler)
$(call libfuzzer,$(1),tests/fuzz/libfuzzer.c $(FUZZ_COMMON) $(2),libenpu-compiler)
endef

LIBFUZZERS ?= tflite onnx quantize report reference
.PHONY: check-libfuzzer fuzz-libfuzzer
check-libfuzzer: $(addprefix $(O)/fuzzer/,$(LIBFUZZERS)) ## broken inputs that once were fatal, and a minute of libFuzzer
	@tests/fuzz/run-libfuzzer --fixed $(O) $(or $(FUZZ_COUNT),500) $(LIBFUZZERS)

fuzz-libfuzzer: $(addprefix $(O)/fuzzer/,$(LIBFUZZERS)) ## search for fatal inputs: FUZZ_COUNT (100000) for each of LIBFUZZERS
	@tests/fuzz/run-libfuzzer $(O) $(or $(FUZZ_COUNT),100000) $(LIBFUZZERS)
