/* SPDX-License-Identifier: MIT */
/*
 * A tensor: what an input or output of a model looks like. The bytes are in
 * an instance or a buffer.
 */
#ifndef ACCEL_TENSOR_H
#define ACCEL_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include <accel/version.h>

#ifdef __cplusplus
extern "C" {
#endif

enum accel_dtype {
	ACCEL_U8,
	ACCEL_S8,
	ACCEL_S16,
	ACCEL_S32,
	ACCEL_F32,
	ACCEL_S64 = 6,
};

#define ACCEL_MAX_RANK	6

/* Dense, row major, host byte order. Constant, valid while its model is held; may grow */
struct accel_tensor {
	const char *name;
	enum accel_dtype dtype;
	uint32_t rank;
	uint32_t dims[ACCEL_MAX_RANK];	/* past rank: 1 */
	float scale;			/* value = scale * (q - zero_point); 0: not quantized */
	int32_t zero_point;
	size_t size;			/* bytes: elements * accel_dtype_size(dtype) */
	size_t elements;
};

ACCEL_API size_t accel_dtype_size(enum accel_dtype dtype);
/* "uint8", "int8", "int16", "int32", "float32", "int64"; static */
ACCEL_API const char *accel_dtype_name(enum accel_dtype dtype);
/* The real value of element @index of @data, which holds a tensor like @tensor */
ACCEL_API double accel_tensor_value(const struct accel_tensor *tensor, const void *data,
				    size_t index);

#ifdef __cplusplus
}
#endif

#endif
