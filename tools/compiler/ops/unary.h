/* SPDX-License-Identifier: MIT */
/* Tables of 256 entries: functions of one 8-bit value. */
#ifndef ENPU_UNARY_H
#define ENPU_UNARY_H

#include "operator.h"

/* Output value of input value i + lowest value of the input's type. */
struct table {
	int32_t entry[256];
};

/* HARD_SWISH of a value from which the zero point was taken. */
int32_t hard_swish(const struct op *op, int32_t value);
const char *check_hard_swish(struct graph *g, const struct op *op);

/* RSQRT of int8, of a value from which the zero point was taken. */
int32_t inverse_sqrt_table_entry(const struct op *op, int32_t value);

/* Functions without a kernel in TFLite, of an input's quantized value. */
bool has_function(const struct op *op);
int32_t apply_function(const struct op *op, int32_t q);
double function_value(const struct op *op, double x);
/* The quantized value of a real one, not yet clamped. */
int32_t quantized_real(const struct tensor *out, double y);
/* Element @i of a constant as a real number. */
double real_constant(const struct tensor *t, int64_t i);
const char *check_real_constant(struct graph *g, const struct tensor *t, const char *what);

/* Functions of one value where the input or the output has 16 bits. */
bool has_16_bits(const struct op *op);
const char *check_unary16(struct graph *g, struct op *op);
void lower_unary16(struct program *p, const struct op *op);
/* All of @in, seen through @from, times @factor; @to has @in's dimensions. */
void lower_rescale(struct program *p, const struct op *op, double factor, struct enpu_clamp clamp,
		   const struct tensor *in, const struct view *from, const struct tensor *out,
		   const struct view *to);

/* What CONCATENATION @op makes of its input @in. */
void concatenation_table(const struct op *op, const struct tensor *in, struct table *table);

/*
 * @table, whose values @op makes, becomes the table of all operators that were
 * folded into @op as well. Returns the tensor that is written in the end.
 */
const struct tensor *apply_followers(const struct program *p, const struct op *op,
				     struct table *table);

/* Look up all of @in, into the part of @out that @to shows. */
void lower_lookup(struct program *p, const struct op *op, const struct table *table,
		  const struct tensor *in, const struct tensor *out, const struct view *to);

/* The same between views of the shape @dims; the tensors give types and zero points. */
void lower_lookup_view(struct program *p, const struct op *op, const struct table *table,
		       const struct tensor *in, const struct view *from, const struct tensor *out,
		       const struct view *to, const int32_t *dims);

#endif
