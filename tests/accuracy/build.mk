# SPDX-License-Identifier: MIT
# The float side of the accuracy checks. The runtimes' headers come with the
# download, so the program is built on demand, not with everything else.

FLOAT_CACHE := $(or $(ENPU_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/enpu)/oracle
FLOAT_SRCS  := $(addprefix tests/accuracy/,accel-float.c ort_net.c save_net.c tflite_net.c) \
	$(addprefix tools/accel/,cli.c draw.c face.c font.c jpeg.c json.c nets.c ocr.c picture.c \
	png.c task.c)

$(FLOAT_CACHE)/tflite/include/tensorflow/lite/c/c_api.h:
	@scripts/get-models oracle/ >/dev/null

$(O)/bin/accel-float: $(FLOAT_SRCS) tests/accuracy/nets_float.h $(addprefix tools/accel/,nets.h task.h) \
		libaccel-tasks/include/accel/tasks.h $(O)/lib/libaccel-tasks.so.1 \
		$(FLOAT_CACHE)/onnxruntime/include/onnxruntime_c_api.h \
		$(FLOAT_CACHE)/tflite/include/tensorflow/lite/c/c_api.h
	@mkdir -p $(@D)
	@echo "  CCLD    $@"
	@$(CC) $(CPPFLAGS) -iquote tools/accel $(BASE_CFLAGS) $(CFLAGS) \
		-isystem $(FLOAT_CACHE)/onnxruntime/include -isystem $(FLOAT_CACHE)/tflite/include \
		$(LDFLAGS) -Wl,-rpath,'$$ORIGIN/../lib' -o $@ $(FLOAT_SRCS) \
		$(O)/lib/libaccel-tasks.so.1 $(O)/lib/libaccel.so.1 -ljpeg -lpng -ldl -lm

.PHONY: check-tasks
check-tasks: $(O)/bin/accel-float $(O)/bin/accel $(O)/bin/what-is-there $(O)/lib/libaccel-sim.so.1 ## the tasks' decoders on float models, against what pictures show
	@tests/accuracy/truth --build $(O)

# What quantization here loses: float models against what the compiler makes of them.
$(eval $(call flags,tests/accuracy/,-iquote tools/accel -O3))
$(eval $(call program,train,tests/accuracy/train.c))
$(eval $(call program,crops,tests/accuracy/crops.c $(addprefix tools/accel/,cli.c jpeg.c picture.c png.c preprocess.c),,-ljpeg -lpng))

.PHONY: check-accuracy check-accuracy-drm
check-accuracy-drm: override ACCURACY += --drm 6.12
check-accuracy-drm: module check-accuracy ## the same, and on the driver in the guest too
check-accuracy: $(O)/bin/accel $(O)/bin/train $(O)/bin/accel-float $(O)/bin/crops $(O)/lib/libaccel-sim.so.1 ## quantize float models and compare them with float, on held-out data
	@tests/accuracy/quantized --build $(O) $(ACCURACY)
