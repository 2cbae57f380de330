/* SPDX-License-Identifier: MIT */
/*
 * Small TensorFlow Lite models for tests, described in C and written as FlatBuffers.
 * A model is put together with the functions below and turned into bytes at the end;
 * tensors and operators are named by the index that their function gives.
 */
#ifndef TEST_TFLITE_MODEL_H
#define TEST_TFLITE_MODEL_H

#include <stddef.h>
#include <stdint.h>

#define TM_MAX_TENSORS	64
#define TM_MAX_OPS	32
#define TM_MAX_OPERANDS	8
#define TM_MAX_FIELDS	12

enum tm_type { TM_F32 = 0, TM_I32 = 2, TM_U8 = 3, TM_I16 = 7, TM_I8 = 9 };

/* Builtin operators, and the members of BuiltinOptions that belong to them. */
enum tm_builtin {
	TM_ADD = 0, TM_AVERAGE_POOL_2D = 1, TM_CONCATENATION = 2, TM_CONV_2D = 3,
	TM_DEPTHWISE_CONV_2D = 4, TM_FULLY_CONNECTED = 9, TM_L2_POOL_2D = 12, TM_LOGISTIC = 14,
	TM_MAX_POOL_2D = 17, TM_MUL = 18, TM_RELU = 19, TM_RESHAPE = 22, TM_SOFTMAX = 25,
	TM_TANH = 28, TM_CUSTOM = 32, TM_PAD = 34, TM_TRANSPOSE = 39, TM_STRIDED_SLICE = 45,
	TM_SPLIT = 49, TM_RESIZE_NEAREST_NEIGHBOR = 97,
};

/* One field of a table: its size in bytes (1, 4; 0: absent) and its bits. */
struct tm_field {
	uint8_t bytes;
	uint32_t bits;
};

#define TM_BYTE(v)	{ 1, (v) }
#define TM_INT(v)	{ 4, (uint32_t)(v) }

struct tm_tensor {
	const char *name;
	int type, rank;
	int32_t dims[8];
	float scale;			/* 0: not quantized */
	int64_t zero_point;
	const float *scales;		/* per channel: n_scales of them along axis */
	uint32_t n_scales;
	int32_t axis;
	const void *data;
	size_t bytes;
};

struct tm_op {
	int builtin;
	const char *custom;
	int n_in, n_out;
	int32_t in[TM_MAX_OPERANDS], out[TM_MAX_OPERANDS];
	uint8_t options_type;
	int n_fields;
	struct tm_field fields[TM_MAX_FIELDS];
	const void *custom_options;
	size_t custom_bytes;
};

struct test_model {
	int n_tensors, n_ops, n_inputs, n_outputs;
	struct tm_tensor tensors[TM_MAX_TENSORS];
	struct tm_op ops[TM_MAX_OPS];
	int32_t inputs[TM_MAX_OPERANDS], outputs[TM_MAX_OPERANDS];
	uint8_t *pool;			/* constants made by tm_random() */
	size_t pool_used;
	uint32_t seed;
};

void tm_init(struct test_model *m);
void tm_free(struct test_model *m);

/* Tensors; @type TM_U8 or TM_I8 with per-tensor quantization. */
int tm_tensor(struct test_model *m, const char *name, int type, float scale,
	      int64_t zero_point, int rank, const int32_t *dims);
int tm_nhwc(struct test_model *m, const char *name, float scale, int64_t zero_point, int h,
	    int w, int c);
/* A constant of pseudo-random bytes (or int32 biases of a few thousands). */
int tm_random(struct test_model *m, const char *name, int type, float scale,
	      int64_t zero_point, int rank, const int32_t *dims);
int tm_ints(struct test_model *m, const char *name, int count, const int32_t *values);

/* Operators with the usual attributes. */
struct tm_op *tm_op(struct test_model *m, int builtin, int n_in, const int32_t *in, int out);
int tm_conv(struct test_model *m, int in, int out, int kernel, int stride, int padding,
	    int activation);
int tm_depthwise(struct test_model *m, int in, int out, int kernel, int stride, int padding);
int tm_add(struct test_model *m, int a, int b, int out);
int tm_concat(struct test_model *m, int n, const int32_t *in, int axis, int out);
int tm_unary(struct test_model *m, int builtin, int in, int out);

/* malloc()ed bytes of the file. */
uint8_t *tm_write(const struct test_model *m, size_t *size);

#endif
