# SPDX-License-Identifier: MIT
# The oracle: what TensorFlow Lite computes. It is loaded at run time, nothing of it is linked.

$(eval $(call program,tflite-oracle,tests/oracle/tflite_oracle.c tests/oracle/expose.c,,-ldl))

# ONNX Runtime's header comes with its download (tests/bench/ort/build.mk), so this is built on demand.
$(O)/bin/ort-oracle: tests/oracle/ort_oracle.c $(ORT_CACHE)/include/onnxruntime_c_api.h
	@mkdir -p $(@D)
	@echo "  CCLD    $@"
	@$(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(CFLAGS) -isystem $(ORT_CACHE)/include $(LDFLAGS) -o $@ $< -ldl
