# SPDX-License-Identifier: MIT
# Unit tests of the compiler. They stand on both sides of uapi/: what the compiler writes
# is verified here, and executed on the device core.

COMPILER_TEST := tests/unit/compiler
COMPILER_TEST_COMMON := $(addprefix $(COMPILER_TEST)/,\
	compiled.c execute.c model_file.c tflite_model.c verify.c)

$(eval $(call flags,$(COMPILER_TEST)/,-Itools/compiler -Itools/compiler/include \
	-I$(O)/generated/onnx))
$(eval $(call unit_test,compiler-tflite,\
	$(COMPILER_TEST)/test_tflite.c $(COMPILER_TEST)/tflite_model.c,libenpu-compiler))
$(eval $(call unit_test,compiler-operators,\
	$(COMPILER_TEST)/test_operators.c $(COMPILER_TEST_COMMON),\
	libenpu-compiler enpu-device))
$(eval $(call unit_test,compiler-schedule,\
	$(COMPILER_TEST)/test_schedule.c $(COMPILER_TEST_COMMON),\
	libenpu-compiler enpu-device))
$(eval $(call unit_test,compiler-builder,\
	$(COMPILER_TEST)/test_builder.c $(COMPILER_TEST)/graph_fixture.c,libenpu-compiler))
$(eval $(call unit_test,compiler-report,\
	$(COMPILER_TEST)/test_report.c $(COMPILER_TEST)/tflite_model.c,libenpu-compiler))
$(eval $(call unit_test,compiler-reference,\
	$(COMPILER_TEST)/test_reference.c $(COMPILER_TEST)/graph_fixture.c,libenpu-compiler))
$(eval $(call unit_test,compiler-onnx,\
	$(COMPILER_TEST)/test_onnx.c $(COMPILER_TEST)/graph_fixture.c,libenpu-compiler))
$(eval $(call unit_test,compiler-strides,\
	$(COMPILER_TEST)/test_strides.c $(COMPILER_TEST)/graph_fixture.c,libenpu-compiler))
