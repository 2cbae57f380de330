// SPDX-License-Identifier: MIT
/* Model files of all formats to graphs: see import.h. */
#include "import.h"

#include <errno.h>
#include <string.h>

#include "onnx/import.h"
#include "passes/rewrite.h"
#include "reference/reference.h"
#include "tflite/import.h"

#define TFLITE_MARK	"TFL3"
#define TFLITE_MARK_AT	4

static int import_onnx(struct graph *g, const void *data, size_t size, const char *folder,
		       const struct enpu_compile_options *opts)
{
	struct onnx_options onnx = { .folder = folder };
	int err;

	if (opts) {
		onnx.shapes = opts->input_shapes;
		onnx.n_shapes = opts->n_input_shapes;
		onnx.values = opts->input_values;
		onnx.n_values = opts->n_input_values;
	}
	err = onnx_import(g, data, size, &onnx);
	if (!err)
		err = merge_quantization(g);
	if (!err)
		err = simplify_layout(g);
	/* what layout left behind conversions is better before them */
	return err ? err : merge_quantization(g);
}

static int import_file(struct graph *g, const void *data, size_t size, const char *folder,
		       const struct enpu_compile_options *opts)
{
	bool tflite = size >= TFLITE_MARK_AT + strlen(TFLITE_MARK) &&
		      !memcmp((const char *)data + TFLITE_MARK_AT, TFLITE_MARK,
			      strlen(TFLITE_MARK));

	if (!tflite && onnx_recognise(data, size))
		return import_onnx(g, data, size, folder, opts);
	if (opts && (opts->n_input_shapes || opts->n_input_values)) {
		diag_error(g->diag, "%s: shapes and values of inputs can be given for ONNX models only",
			   g->file);
		return -EINVAL;
	}
	return tflite_import(g, data, size);
}

/* Passes rely on that; what is missing is for the checkers to say. */
static bool operands_are_there(const struct graph *g)
{
	for (unsigned int i = 0; i < g->n_ops; i++)
		if (!reference_has_operands(&g->ops[i]))
			return false;
	return true;
}

static int simplify(struct graph *g)
{
	int err = fold_constants(g);

	if (!err)
		err = fold_strides(g);
	if (!err)
		err = fold_patterns(g);
	return err ? err : fold_affine(g);
}

int import_model(struct graph *g, const void *data, size_t size, const char *folder,
		 const struct enpu_compile_options *opts)
{
	int err = import_file(g, data, size, folder, opts);

	return err || !operands_are_there(g) ? err : simplify(g);
}
