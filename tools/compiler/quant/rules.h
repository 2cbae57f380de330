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

#endif
