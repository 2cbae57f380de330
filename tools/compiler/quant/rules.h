/* SPDX-License-Identifier: MIT */
/* What the arithmetic of int8 operators wants of the scales of their tensors. */
#ifndef ENPU_QUANT_RULES_H
#define ENPU_QUANT_RULES_H

#include "quantizer.h"

enum rule {
	RULE_FREE,			/* every tensor has a scale of its own */
	RULE_SAME,			/* values are moved or chosen: one scale for all */
	RULE_FIXED,			/* the result's scale is prescribed */
	RULE_FLOAT,			/* runs on floats */
};

enum rule rule_of(enum op_kind kind);

/* Tensors of 8 and of 16 bits: see widths.c. */
enum widths {
	WIDTHS_NARROW,			/* only 8 bits */
	WIDTHS_UNIFORM,			/* all of its tensors have the width of its output */
	WIDTHS_ANY,			/* each has its own */
};

enum widths widths_of(const struct quantizer *q, const struct op *op);

#endif
