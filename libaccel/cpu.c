// SPDX-License-Identifier: MIT
/* The table of operators that libaccel runs on the CPU. */
#include "cpu.h"

#include <enpu/model.h>

const struct accel_cpu_op *accel_cpu_op(uint32_t op)
{
	static const struct accel_cpu_op *const table[] = {
		[ENPU_CPU_DETECTION_POSTPROCESS] = &accel_detection_op,
		[ENPU_CPU_DEQUANTIZE] = &accel_dequantize_op,
		[ENPU_CPU_QUANTIZE] = &accel_quantize_op,
		[ENPU_CPU_QUANTIZE_EVEN] = &accel_quantize_even_op,
		[ENPU_CPU_DIV] = &accel_div_op,
		[ENPU_CPU_LAYER_NORM] = &accel_layer_norm_op,
		[ENPU_CPU_INSTANCE_NORM] = &accel_instance_norm_op,
		[ENPU_CPU_L2_NORMALIZATION] = &accel_l2_normalization_op,
		[ENPU_CPU_TOPK] = &accel_topk_op,
		[ENPU_CPU_CUMSUM] = &accel_cumsum_op,
		[ENPU_CPU_CONCATENATION] = &accel_concatenation_op,
		[ENPU_CPU_F32_MAP] = &accel_f32_map_op,
		[ENPU_CPU_F32_MEAN] = &accel_f32_mean_op,
		[ENPU_CPU_F32_TRANSPOSE] = &accel_f32_transpose_op,
		[ENPU_CPU_F32_MAX_POOL] = &accel_f32_max_pool_op,
		[ENPU_CPU_F32_SOFTMAX] = &accel_f32_softmax_op,
		[ENPU_CPU_LOG_SOFTMAX] = &accel_log_softmax_op,
		[ENPU_CPU_CAST] = &accel_cast_op,
	};

	return op < sizeof(table) / sizeof(table[0]) ? table[op] : NULL;
}
