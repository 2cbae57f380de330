// SPDX-License-Identifier: MIT
/* Element types of host tensors. */
#include <accel/tensor.h>

#include <assert.h>
#include <string.h>

#include <enpu/cmd.h>

static_assert((int)ACCEL_U8 == ENPU_U8 && (int)ACCEL_S8 == ENPU_S8 &&
	      (int)ACCEL_S16 == ENPU_S16 && (int)ACCEL_S32 == ENPU_S32 &&
	      (int)ACCEL_F32 == ENPU_F32 && (int)ACCEL_S64 == ENPU_S64,
	      "the types of a compiled model are those of the library");

static const struct {
	const char *name;
	size_t size;
} dtypes[] = {
	[ACCEL_U8]  = { "uint8", 1 },
	[ACCEL_S8]  = { "int8", 1 },
	[ACCEL_S16] = { "int16", 2 },
	[ACCEL_S32] = { "int32", 4 },
	[ACCEL_F32] = { "float32", 4 },
	[ACCEL_S64] = { "int64", 8 },
};

size_t accel_dtype_size(enum accel_dtype dtype)
{
	return (size_t)dtype < sizeof(dtypes) / sizeof(dtypes[0]) ? dtypes[dtype].size : 0;
}

const char *accel_dtype_name(enum accel_dtype dtype)
{
	return accel_dtype_size(dtype) ? dtypes[dtype].name : "unknown";
}

static double raw_value(enum accel_dtype dtype, const unsigned char *at)
{
	int16_t s16;
	int32_t s32;
	int64_t s64;
	float f32;

	switch (dtype) {
	case ACCEL_U8:
		return *at;
	case ACCEL_S8:
		return (int8_t)*at;
	case ACCEL_S16:
		memcpy(&s16, at, sizeof(s16));
		return s16;
	case ACCEL_S32:
		memcpy(&s32, at, sizeof(s32));
		return s32;
	case ACCEL_F32:
		memcpy(&f32, at, sizeof(f32));
		return f32;
	case ACCEL_S64:
		memcpy(&s64, at, sizeof(s64));
		return (double)s64;
	}
	return 0;
}

double accel_tensor_value(const struct accel_tensor *tensor, const void *data, size_t index)
{
	size_t at = index * accel_dtype_size(tensor->dtype);
	double value = raw_value(tensor->dtype, (const unsigned char *)data + at);

	if (tensor->scale == 0)
		return value;
	return (double)tensor->scale * (value - tensor->zero_point);
}
