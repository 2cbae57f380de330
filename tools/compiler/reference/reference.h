/* SPDX-License-Identifier: MIT */
/*
 * The float reference: runs a float32 graph on the host, operator by operator, as the
 * truth that quantization is measured against. It is the teacher that calibration and
 * rounding listen to; nothing of it is in a compiled model.
 *
 * A reference may be used by one thread at a time.
 */
#ifndef ENPU_REFERENCE_H
#define ENPU_REFERENCE_H

#include "../ir/graph.h"

struct reference;

/*
 * Prepares the weights and primitives of @g, which must outlive the reference. NULL
 * after a message for each operator that it cannot run.
 */
struct reference *reference_new(const struct graph *g);

/*
 * Sees every variable before the first operator runs, and every tensor that an operator makes, as
 * soon as it is there, in execution order: dense, in the tensor's type. @data is valid during the
 * call, and may be changed.
 */
typedef void (*reference_watch)(void *arg, const struct tensor *t, void *data);

/* Variables have their first values again. */
void reference_reset(struct reference *r);

/*
 * One inference. @inputs: of the graph, in its order, dense, of the tensor's types; @watch may
 * be NULL. Variables keep what was assigned to them for the next one. 0, -ENOMEM, or -ERANGE when
 * an index in the data points outside of its tensor.
 */
int reference_run(struct reference *r, const void *const *inputs, reference_watch watch, void *arg);

/* Output @i of the last run, until the next. */
const void *reference_output(const struct reference *r, unsigned int i);

void reference_free(struct reference *r);

/* False: @op lacks inputs or outputs that its kind always has, or has too many. */
bool reference_has_operands(const struct op *op);

/*
 * One operator on constants, for passes that fold: whether that is possible, and its
 * results into memory for its outputs. 0, -ENOMEM, -ERANGE or -EOPNOTSUPP.
 */
bool reference_can_run(const struct graph *g, const struct op *op);
int reference_evaluate(const struct op *op, void *const *out);

#endif
