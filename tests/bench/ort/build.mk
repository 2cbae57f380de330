# SPDX-License-Identifier: MIT
# The benchmarks' peer, ONNX Runtime. Its header comes with the download, so
# the program is built on demand, not with everything else.

ORT_CACHE := $(or $(ENPU_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/enpu)/oracle/onnxruntime

$(ORT_CACHE)/include/onnxruntime_c_api.h:
	@scripts/get-models oracle/onnxruntime >/dev/null

$(O)/bin/ort-bench: tests/bench/ort/ort_bench.c $(ORT_CACHE)/include/onnxruntime_c_api.h
	@mkdir -p $(@D)
	@echo "  CCLD    $@"
	@$(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(CFLAGS) -isystem $(ORT_CACHE)/include $(LDFLAGS) -o $@ $< -ldl

.PHONY: bench-ort
bench-ort: $(O)/bin/ort-bench ## time the models on ONNX Runtime, natively, on one thread
	@O=$(O) tests/bench/ort/run
