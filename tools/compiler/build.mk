# SPDX-License-Identifier: MIT
# The ONNX importer reads models by ONNX's own schema.

ONNX_PROTO ?= /usr/include/onnx/onnx.proto
ONNX_GENERATED := $(O)/generated/onnx

$(ONNX_GENERATED)/onnx.pb-c.c: $(ONNX_PROTO)
	@mkdir -p $(@D)
	@echo "  PROTOC  $(@:.c=.[ch])"
	@protoc-c --proto_path=$(<D) --c_out=$(@D) $(<F)

ONNX_SRCS := $(wildcard tools/compiler/onnx/*.c)
COMPILER_SRCS := $(wildcard tools/compiler/*.c tools/compiler/*/*.c) \
		 $(ONNX_GENERATED)/onnx.pb-c.c

$(foreach v,$(O) $(O)/asan $(O)/fuzzer,$(call objs,$(v),$(ONNX_SRCS))): | $(ONNX_GENERATED)/onnx.pb-c.c
$(eval $(call flags,tools/compiler/onnx/,-I$(ONNX_GENERATED)))
$(eval $(call flags,$(ONNX_GENERATED)/,-w))
$(eval $(call static_library,libenpu-compiler,$(COMPILER_SRCS)))
LIBS_libenpu-compiler := -lmd -ldnnl -lprotobuf-c

# page.c takes in files that the compiler's dependencies do not list
$(foreach v,$(O) $(O)/asan $(O)/fuzzer,$(call objs,$(v),tools/compiler/report/page.c)): \
	$(wildcard tools/compiler/report/page.*)
# its loops over taps and levels are what calibration waits for
$(eval $(call flags,tools/compiler/quant/,-O3))
