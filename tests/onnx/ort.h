/* SPDX-License-Identifier: MIT */
/* ONNX Runtime as an oracle, loaded when it runs; float32 and integer tensors. */
#ifndef TESTS_ONNX_ORT_H
#define TESTS_ONNX_ORT_H

#include <stddef.h>
#include <stdint.h>

#define ORT_MAX_TENSORS	32
#define ORT_MAX_RANK	8

struct ort_tensor {
	const char *name;
	int type;			/* as in ONNX: 1 float32, 7 int64 ... */
	size_t rank;
	int64_t dims[ORT_MAX_RANK];
	void *data;
	size_t bytes;
};

struct ort;

/* Without optimizations that change bits, on one thread. NULL after a message. */
struct ort *ort_open(const char *library, const char *model);
/* Outputs in the model's order, until the next run. Their number, or -1 after a message. */
int ort_run(struct ort *o, const struct ort_tensor *inputs, size_t n_inputs,
	    struct ort_tensor *outputs);
void ort_close(struct ort *o);

#endif
