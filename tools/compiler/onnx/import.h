/* SPDX-License-Identifier: MIT */
/*
 * ONNX models to graphs of ir/graph.h: operator sets 7 to 20, all shapes known after
 * the import, constants folded, tensors still in ONNX's own layout: what works on images
 * (NCHW) stands between TRANSPOSEs, which passes/layout.c then removes.
 */
#ifndef ENPU_ONNX_IMPORT_H
#define ENPU_ONNX_IMPORT_H

#include "../ir/graph.h"

struct onnx_options {
	const char *folder;		/* where external data lies; NULL: nowhere */
	const struct enpu_input_shape *shapes;
	unsigned int n_shapes;
	const struct enpu_input_value *values;
	unsigned int n_values;
};

/* By content: has what every ONNX model has, and is no other format that is known. */
bool onnx_recognise(const void *data, size_t size);

/*
 * @data must stay as long as the graph. 0, or -EINVAL or -EOPNOTSUPP after messages that
 * name the node.
 */
int onnx_import(struct graph *g, const void *data, size_t size, const struct onnx_options *opts);

/* One line of the table of operators. */
struct onnx_operator_info {
	const char *name, *domain;
	int since;
	enum op_kind kind;		/* that it becomes; OP_UNKNOWN: no such one */
	const char *restrictions;
};

bool onnx_supported_operator(unsigned int index, struct onnx_operator_info *info);

#endif
