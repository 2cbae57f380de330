# SPDX-License-Identifier: MIT
# ONNX models: what the importer makes of them, beside ONNX Runtime and ONNX's node vectors.

ONNX_TEST := tests/onnx

$(eval $(call flags,$(ONNX_TEST)/,-Itools/compiler -Itools/compiler/include -I$(O)/generated/onnx))
$(eval $(call program,onnx-graph,$(addprefix $(ONNX_TEST)/,graph_dump.c given.c),libenpu-compiler))
$(eval $(call program,onnx-vectors,$(addprefix $(ONNX_TEST)/,vectors.c given.c),libenpu-compiler))

# ONNX Runtime's header is fetched: tests/bench/ort/build.mk has it, and the rule for it.
ONNX_COMPARE_SRCS := $(addprefix $(ONNX_TEST)/,model_compare.c given.c ort.c)
$(call objs,$(O),$(ONNX_TEST)/ort.c): $(ORT_CACHE)/include/onnxruntime_c_api.h
$(call objs,$(O),$(ONNX_TEST)/ort.c): EXTRA_CFLAGS += -isystem $(ORT_CACHE)/include
$(eval $(call program_in,$(O),$(O)/bin/onnx-compare,$(ONNX_COMPARE_SRCS),libenpu-compiler))
