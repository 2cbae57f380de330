// SPDX-License-Identifier: MIT
/*
 * ASSIGN_VARIABLE: the value that a variable has in the next run goes where the variable lies.
 * The others that deal with variables are gone by then: see tflite/variables.c.
 */
#include "operator.h"

const char *check_assign(struct graph *g, struct op *op)
{
	const struct tensor *variable = op->inputs[0], *value = op->inputs[1];
	const char *reason = check_8bit(g, variable, "variable");

	if (!reason)
		reason = check_same_quant(g, variable, value);
	return reason ? reason : check_shape(g, value, variable->rank, variable->dims);
}

void lower_assign(struct program *p, const struct op *op)
{
	const struct tensor *variable = op->inputs[0], *value = op->inputs[1];

	lower_move(p, op, &p->views[value->index], &p->views[variable->index], variable->rank,
		   variable->dims);
}

const char *check_variable(struct graph *g, struct op *op)
{
	return "no subgraph that is run once gives variables their first values";
}
