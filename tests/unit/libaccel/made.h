/* SPDX-License-Identifier: MIT */
/* A step on the CPU by itself, without a model: made right by a case, then spoiled. */
#ifndef TEST_MADE_H
#define TEST_MADE_H

#include "cpu.h"
#include "model.h"

struct made {
	struct accel_model_tensor tensors[4];	/* 0 and 1 are inputs, 2 and 3 outputs */
	struct accel_model_step step;
	union {
		struct enpu_norm_params norm;
		struct enpu_cumsum_params cumsum;
		struct enpu_f32_params function;
		struct enpu_mean_params mean;
		struct enpu_transpose_params transpose;
		struct enpu_pool_params pool;
		struct enpu_softmax_params softmax;
		unsigned char bytes[64];
	} params;
};

struct made_op {
	enum enpu_cpu_op op;
	void (*make)(struct made *m);
};

typedef void spoil(struct made *m);

/* All zero but for the step, which has @params bytes of parameters; tensors are the case's. */
void made_init(struct made *m, uint32_t inputs, uint32_t outputs, size_t params);
/* Fails the test unless each of @ops is taken as it is made, and refused after any spoil. */
void made_is_refused(const struct made_op *ops, size_t num_ops, spoil *const *spoils,
		     size_t num_spoils);

/* Spoils that no step takes */
void more_inputs(struct made *m);
void no_outputs(struct made *m);

#endif
