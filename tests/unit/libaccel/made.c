// SPDX-License-Identifier: MIT
/* See made.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "made.h"

void made_init(struct made *m, uint32_t inputs, uint32_t outputs, size_t params)
{
	memset(m, 0, sizeof(*m));
	m->step.num_inputs = inputs;
	m->step.num_outputs = outputs;
	m->step.params = params ? &m->params : NULL;
	m->step.params_size = params;
	/* as many as a spoil may ask for */
	for (unsigned int i = 0; i < 2; i++) {
		m->step.inputs[i] = &m->tensors[i];
		m->step.outputs[i] = &m->tensors[2 + i];
	}
}

void made_is_refused(const struct made_op *ops, size_t num_ops, spoil *const *spoils,
		     size_t num_spoils)
{
	for (size_t i = 0; i < num_ops; i++) {
		const struct accel_cpu_op *op = accel_cpu_op(ops[i].op);
		struct made m;

		assert_non_null(op);
		ops[i].make(&m);
		if (op->check(&m.step))
			fail_msg("%s: %s", op->name, op->check(&m.step));
		for (size_t s = 0; s < num_spoils; s++) {
			ops[i].make(&m);
			spoils[s](&m);
			if (!op->check(&m.step))
				fail_msg("%s takes what spoil %zu made", op->name, s);
		}
	}
}

void more_inputs(struct made *m)
{
	m->step.num_inputs++;
}

void no_outputs(struct made *m)
{
	m->step.num_outputs = 0;
}
