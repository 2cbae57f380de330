/* SPDX-License-Identifier: MIT */
/* Options that fix what an ONNX model leaves open: --shape and --value. */
#ifndef ACCEL_CLI_SHAPES_H
#define ACCEL_CLI_SHAPES_H

#include <enpu-compiler.h>

enum { OPT_SHAPE = 640, OPT_VALUE };

#define SHAPES_LONGS \
	{ "shape", required_argument, NULL, OPT_SHAPE }, \
	{ "value", required_argument, NULL, OPT_VALUE }

#define SHAPES_HELP \
	"      --shape NAME=1x3x640x640  dimensions of an input that an ONNX model leaves open\n" \
	"      --value NAME=16000[,...]  an input of an ONNX model that never changes\n"

struct shapes {
	struct enpu_input_shape *shapes;
	struct enpu_input_value *values;
	unsigned int n_shapes, n_values;
};

/* An option of SHAPES_LONGS with its argument. An exit code */
int shapes_option(struct shapes *s, int opt, const char *argument);
void shapes_set(const struct shapes *s, struct enpu_compile_options *opts);
void shapes_free(struct shapes *s);

#endif
