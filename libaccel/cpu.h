/* SPDX-License-Identifier: MIT */
/* Steps of a model that run on the CPU: a table of named operators. */
#ifndef LIBACCEL_CPU_H
#define LIBACCEL_CPU_H

#include <stddef.h>
#include <stdint.h>

struct accel_model_step;

struct accel_cpu_op {
	const char *name;
	/*
	 * When the model is loaded: whether the step's tensors and parameters fit
	 * together, so that run() need not look again. NULL, or what is wrong; static.
	 */
	const char *(*check)(const struct accel_model_step *step);
	/*
	 * @inputs and @outputs: the memory of the step's tensors. NULL, or why the
	 * values can't be processed; static. Takes no lock, keeps no state.
	 */
	const char *(*run)(const struct accel_model_step *step, const void *const *inputs,
			   void *const *outputs);
};

/* By enum enpu_cpu_op; NULL: not known */
const struct accel_cpu_op *accel_cpu_op(uint32_t op);

extern const struct accel_cpu_op accel_detection_op;
extern const struct accel_cpu_op accel_concatenation_op;
extern const struct accel_cpu_op accel_dequantize_op, accel_quantize_op, accel_quantize_even_op;
extern const struct accel_cpu_op accel_div_op, accel_layer_norm_op, accel_instance_norm_op;
extern const struct accel_cpu_op accel_l2_normalization_op, accel_topk_op;
extern const struct accel_cpu_op accel_cumsum_op;
extern const struct accel_cpu_op accel_f32_map_op, accel_f32_mean_op, accel_f32_transpose_op;
extern const struct accel_cpu_op accel_f32_max_pool_op, accel_f32_softmax_op;
extern const struct accel_cpu_op accel_log_softmax_op, accel_cast_op;

#endif
