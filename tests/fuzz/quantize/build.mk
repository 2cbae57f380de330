# SPDX-License-Identifier: MIT
# Float models, options and calibration files, all of them broken, through the CLI's reader
# of samples and the quantizer: see ../build.mk. An input is made of three: container.h.

FUZZ_QUANTIZE := tests/fuzz/quantize
$(eval $(call flags,$(FUZZ_QUANTIZE)/,-iquote tools/accel))
$(eval $(call libfuzzer,quantize,tests/fuzz/libfuzzer.c $(FUZZ_COMMON) \
	tests/fuzz/tflite/mutate.c tests/fuzz/onnx/mutate.c \
	$(addprefix $(FUZZ_QUANTIZE)/,mutate.c one_input.c runner.c) \
	$(addprefix tools/accel/,cli.c jpeg.c npy.c picture.c png.c preprocess.c samples.c),\
	libenpu-compiler,-ljpeg -lpng))
