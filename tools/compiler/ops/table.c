// SPDX-License-Identifier: MIT
/* The table of operators: see operator.h. */
#include "../onnx/import.h"
#include "operator.h"

#define MANY	1024

#define U8_S8		"uint8, int8"
#define TO_S16		U8_S8 ", int16"

/* A function of one value: a table of 256 entries. */
#define LOOKUP(kind, restrictions)							\
	[OP_##kind] = { #kind, "NPU", U8_S8, restrictions, 1, 1, 1, 1, check_unary, lower_unary }

/* The same, which lines between 513 entries come close to; see unary16.c. */
#define SMOOTH(kind, restrictions)							\
	[OP_##kind] = { #kind, "NPU", TO_S16, restrictions "int16: quantized here", 1, 1, 1, 1,	\
			check_unary, lower_unary }

#define RESCALED(kind)									\
	[OP_##kind] = { #kind, "NPU", TO_S16, "", 1, 1, 1, 1, check_unary, lower_unary }

#define COMPARISON(kind)								\
	[OP_##kind] = { #kind, "NPU", U8_S8 ", bool outputs", "broadcasts; scales below 1",	\
			2, 2, 1, 1, check_comparison, lower_comparison }

static const struct operator_type operators[OP_KINDS] = {
	[OP_ADD] = { "ADD", "NPU", TO_S16, "broadcasts", 2, 2, 1, 1,
		     check_arithmetic, lower_arithmetic },
	[OP_SUB] = { "SUB", "NPU", TO_S16, "broadcasts", 2, 2, 1, 1,
		     check_arithmetic, lower_arithmetic },
	[OP_MUL] = { "MUL", "NPU", TO_S16, "broadcasts", 2, 2, 1, 1,
		     check_arithmetic, lower_arithmetic },
	[OP_SQUARED_DIFFERENCE] = { "SQUARED_DIFFERENCE", "NPU", U8_S8, "broadcasts", 2, 2, 1, 1,
				    check_arithmetic, lower_squared_difference },
	COMPARISON(EQUAL), COMPARISON(NOT_EQUAL), COMPARISON(GREATER), COMPARISON(GREATER_EQUAL),
	COMPARISON(LESS), COMPARISON(LESS_EQUAL),
	[OP_LOGICAL_AND] = { "LOGICAL_AND", "NPU", "bool", "broadcasts", 2, 2, 1, 1,
			     check_logic, lower_logic },
	[OP_LOGICAL_OR] = { "LOGICAL_OR", "NPU", "bool", "broadcasts", 2, 2, 1, 1,
			    check_logic, lower_logic },
	[OP_LOGICAL_NOT] = { "LOGICAL_NOT", "NPU", "bool", "", 1, 1, 1, 1,
			     check_logic, lower_logic },
	[OP_SELECT_V2] = { "SELECT_V2", "NPU", "bool, " U8_S8,
			   "broadcasts; both choices and the output quantized alike", 3, 3, 1, 1,
			   check_select, lower_select },
	[OP_AVERAGE_POOL_2D] = { "AVERAGE_POOL_2D", "NPU", TO_S16,
				 "input and output quantized alike", 1, 1, 1, 1,
				 check_pool, lower_pool },
	[OP_MAX_POOL_2D] = { "MAX_POOL_2D", "NPU", TO_S16, "input and output quantized alike",
			     1, 1, 1, 1, check_pool, lower_pool },
	[OP_CONCATENATION] = { "CONCATENATION", "NPU or CPU", TO_S16 ", float32",
			       "int8: all quantized alike; float32 on the CPU, up to 8; no fused "
			       "activation", 1, MANY, 1, 1,
			       check_concatenation, lower_concatenation },
	[OP_CONV_2D] = { "CONV_2D", "NPU", TO_S16,
			 "constant weights of the input's type (int16: int8), or int4, per tensor "
			 "or (int8) per channel; constant int32 bias (int16: or int64); sides, "
			 "strides, dilations and paddings up to 255",
			 2, 3, 1, 1, check_conv, lower_conv },
	[OP_DEPTHWISE_CONV_2D] = { "DEPTHWISE_CONV_2D", "NPU", TO_S16,
				   "constant weights of the input's type, per tensor or (int8) per "
				   "channel; constant int32 bias", 2, 3, 1, 1,
				   check_depthwise, lower_conv },
	[OP_FULLY_CONNECTED] = { "FULLY_CONNECTED", "NPU", TO_S16,
				 "constant weights of the input's type, per tensor or (int8) per "
				 "channel; constant int32 bias", 2, 3, 1, 1,
				 check_fully_connected, lower_fully_connected },
	[OP_TRANSPOSE_CONV] = { "TRANSPOSE_CONV", "NPU", TO_S16,
				"as CONV_2D, but one group", 3, 4, 1, 1,
				check_transpose_conv, lower_transpose_conv },
	[OP_BATCH_MATMUL] = { "BATCH_MATMUL", "NPU", TO_S16, "batches broadcast, unless adj_x",
			      2, 2, 1, 1, check_batch_matmul, lower_batch_matmul },
	[OP_SOFTMAX] = { "SOFTMAX", "NPU", U8_S8, "over the last dimension; output scale 1/256",
			 1, 1, 1, 1, check_softmax, lower_softmax },
	SMOOTH(ABS, ""), LOOKUP(CEIL, ""), SMOOTH(CLIP, ""), LOOKUP(COS, ""), SMOOTH(ELU, ""),
	SMOOTH(ERF, ""), SMOOTH(EXP, ""), LOOKUP(FLOOR, ""), SMOOTH(GELU, ""),
	SMOOTH(HARD_SIGMOID, ""), SMOOTH(HARD_SWISH, ""),
	SMOOTH(LEAKY_RELU, "alpha from -1 to 1; "),
	LOOKUP(LOG, ""), SMOOTH(LOGISTIC, ""), SMOOTH(MISH, ""), SMOOTH(NEG, ""),
	LOOKUP(RECIPROCAL, ""), RESCALED(RELU), RESCALED(RELU6), RESCALED(RELU_N1_TO_1),
	LOOKUP(ROUND, "halves to even"), LOOKUP(RSQRT, "what is negative gives the largest value"),
	SMOOTH(SELU, ""), LOOKUP(SIGN, ""), SMOOTH(SILU, ""), LOOKUP(SIN, ""), SMOOTH(SOFTPLUS, ""),
	SMOOTH(SOFTSIGN, ""), LOOKUP(SQRT, ""), LOOKUP(SQUARE, ""), SMOOTH(TANH, ""),
	[OP_POW] = { "POW", "NPU", U8_S8, "constant exponent, one for all", 2, 2, 1, 1,
		     check_unary, lower_unary },
	[OP_QUANTIZE] = { "QUANTIZE", "NPU or CPU", TO_S16 ", float32 inputs",
			  "float32 on the CPU",
			  1, 1, 1, 1, check_quantize, lower_quantize },
	[OP_DEQUANTIZE] = { "DEQUANTIZE", "CPU", TO_S16 ", float32 outputs",
			    "the result is an output, or for an operator on the CPU", 1, 1, 1, 1,
			    check_dequantize, lower_dequantize },
	[OP_PAD] = { "PAD", "NPU", TO_S16, "constant paddings", 2, 2, 1, 1, check_pad, lower_pad },
	[OP_MINIMUM] = { "MINIMUM", "NPU", TO_S16, "broadcasts; all quantized alike", 2, 2, 1, 1,
			 check_arithmetic, lower_arithmetic },
	[OP_MAXIMUM] = { "MAXIMUM", "NPU", TO_S16, "broadcasts; all quantized alike", 2, 2, 1, 1,
			 check_arithmetic, lower_arithmetic },
	[OP_PADV2] = { "PADV2", "NPU", U8_S8, "constant paddings and value", 3, 3, 1, 1,
		       check_pad, lower_pad },
	[OP_PACK] = { "PACK", "NPU", U8_S8, "", 1, MANY, 1, 1, check_pack, lower_pack },
	[OP_UNPACK] = { "UNPACK", "NPU", U8_S8, "", 1, 1, 1, MANY, check_unpack, lower_unpack },
	[OP_SPLIT_V] = { "SPLIT_V", "NPU", U8_S8, "constant sizes and axis", 3, 3, 1, MANY,
			 check_split_v, lower_split_v },
	[OP_GATHER] = { "GATHER", "NPU", U8_S8, "constant indices of one dimension or none",
			2, 2, 1, 1, check_gather, lower_gather },
	[OP_TILE] = { "TILE", "NPU", U8_S8, "constant multiples", 2, 2, 1, 1,
		      check_tile, lower_tile },
	[OP_REVERSE_V2] = { "REVERSE_V2", "NPU", U8_S8, "one constant axis", 2, 2, 1, 1,
			    check_reverse, lower_reverse },
	[OP_SPACE_TO_DEPTH] = { "SPACE_TO_DEPTH", "NPU", U8_S8, "", 1, 1, 1, 1,
				check_space_to_depth, lower_space_to_depth },
	[OP_DEPTH_TO_SPACE] = { "DEPTH_TO_SPACE", "NPU", U8_S8, "", 1, 1, 1, 1,
				check_depth_to_space, lower_depth_to_space },
	[OP_RESHAPE] = { "RESHAPE", "NPU", TO_S16, "", 1, 2, 1, 1, check_reshape, lower_reshape },
	[OP_SQUEEZE] = { "SQUEEZE", "NPU", TO_S16, "", 1, 1, 1, 1, check_reshape, lower_reshape },
	[OP_EXPAND_DIMS] = { "EXPAND_DIMS", "NPU", TO_S16, "", 2, 2, 1, 1,
			     check_reshape, lower_reshape },
	[OP_SLICE] = { "SLICE", "NPU", TO_S16, "constant begin and size", 3, 3, 1, 1,
		       check_slice, lower_slice },
	[OP_STRIDED_SLICE] = { "STRIDED_SLICE", "NPU", TO_S16,
			       "constant begin, end and positive strides; no ellipsis, no new axis",
			       4, 4, 1, 1, check_strided_slice, lower_slice },
	[OP_SPLIT] = { "SPLIT", "NPU", TO_S16, "constant axis", 2, 2, 1, MANY,
		       check_split, lower_split },
	[OP_TRANSPOSE] = { "TRANSPOSE", "NPU", TO_S16, "constant permutation", 2, 2, 1, 1,
			   check_transpose, lower_transpose },
	[OP_RESIZE_NEAREST_NEIGHBOR] = { "RESIZE_NEAREST_NEIGHBOR", "NPU", TO_S16, "constant size",
					 2, 2, 1, 1, check_resize, lower_resize },
	[OP_RESIZE_BILINEAR] = { "RESIZE_BILINEAR", "NPU", TO_S16, "constant size", 2, 2, 1, 1,
				 check_resize, lower_resize },
	[OP_MEAN] = { "MEAN", "NPU", TO_S16, "constant axes", 2, 2, 1, 1,
		      check_reduce, lower_reduce },
	[OP_SUM] = { "SUM", "NPU", TO_S16, "constant axes", 2, 2, 1, 1,
		     check_reduce, lower_reduce },
	[OP_REDUCE_MAX] = { "REDUCE_MAX", "NPU", TO_S16, "constant axes; quantized alike",
			    2, 2, 1, 1, check_reduce, lower_reduce },
	[OP_REDUCE_MIN] = { "REDUCE_MIN", "NPU", TO_S16, "constant axes; quantized alike",
			    2, 2, 1, 1, check_reduce, lower_reduce },
	[OP_ARG_MAX] = { "ARG_MAX", "NPU", U8_S8 ", int32 or int64 outputs",
			 "constant axis; the result is an output, or for CAST", 2, 2, 1, 1,
			 check_arg, lower_arg },
	[OP_ARG_MIN] = { "ARG_MIN", "NPU", U8_S8 ", int32 or int64 outputs",
			 "constant axis; the result is an output, or for CAST", 2, 2, 1, 1,
			 check_arg, lower_arg },
	[OP_MIRROR_PAD] = { "MIRROR_PAD", "NPU", U8_S8, "constant paddings", 2, 2, 1, 1,
			    check_mirror_pad, lower_mirror_pad },
	[OP_SPACE_TO_BATCH_ND] = { "SPACE_TO_BATCH_ND", "NPU", U8_S8,
				   "constant blocks and paddings; 4 dimensions", 3, 3, 1, 1,
				   check_space_to_batch, lower_space_to_batch },
	[OP_BATCH_TO_SPACE_ND] = { "BATCH_TO_SPACE_ND", "NPU", U8_S8,
				   "constant blocks and crops; 4 dimensions", 3, 3, 1, 1,
				   check_batch_to_space, lower_batch_to_space },
	[OP_PRELU] = { "PRELU", "NPU", TO_S16, "constant alpha, for each channel or for all",
		       2, 2, 1, 1, check_prelu, lower_prelu },
	[OP_DIV] = { "DIV", "NPU or CPU", U8_S8,
		     "broadcasts; no fused activation; int8 by one constant on the NPU", 2, 2, 1, 1,
		     check_divide, lower_divide },
	[OP_LAYER_NORM] = { "LAYER_NORM", "CPU", TO_S16, "constant scale and bias", 2, 3, 1, 1,
			    check_norm, lower_norm },
	[OP_INSTANCE_NORM] = { "INSTANCE_NORM", "CPU", TO_S16, "constant scale and bias",
			       2, 3, 1, 1, check_norm, lower_norm },
	[OP_L2_NORMALIZATION] = { "L2_NORMALIZATION", "CPU", U8_S8,
				  "output scale 1/128; no fused activation", 1, 1, 1, 1,
				  check_l2, lower_l2 },
	[OP_LOG_SOFTMAX] = { "LOG_SOFTMAX", "CPU", U8_S8,
			     "over the last dimension; output scale 1/16", 1, 1, 1, 1,
			     check_log_softmax, lower_log_softmax },
	[OP_CAST] = { "CAST", "CPU", TO_S16 ", int32, int64, float32; bool inputs",
		      "numbers as they are stored", 1, 1, 1, 1,
		      check_number_cast, lower_number_cast },
	[OP_TOPK_V2] = { "TOPK_V2", "CPU", U8_S8 ", int32 or int64 indices",
			 "constant k; the indices are an output of the model", 2, 2, 2, 2,
			 check_topk, lower_topk },
	[OP_CUMSUM] = { "CUMSUM", "CPU", U8_S8, "constant axis", 2, 2, 1, 1,
			check_cumsum, lower_cumsum },
	[OP_CALL_ONCE] = { "CALL_ONCE", "compiler", "", "assigns constants to variables",
			   0, 0, 0, 0,
			   check_variable, NULL },
	[OP_VAR_HANDLE] = { "VAR_HANDLE", "compiler", U8_S8, "", 0, 0, 1, 1,
			    check_variable, NULL },
	[OP_READ_VARIABLE] = { "READ_VARIABLE", "compiler", U8_S8, "", 1, 1, 1, 1,
			       check_variable, NULL },
	[OP_ASSIGN_VARIABLE] = { "ASSIGN_VARIABLE", "NPU", U8_S8,
				 "kept from run to run of an instance", 2, 2, 0, 1,
				 check_assign, lower_assign },
	[OP_DETECTION_POSTPROCESS] = { "TFLite_Detection_PostProcess", "CPU",
				       "uint8, float32, float32 outputs",
				       "constant anchors; its outputs are outputs of the model",
				       3, 3, 4, 4, check_detection, lower_detection },
};

const struct operator_type *operator_type(enum op_kind kind)
{
	return kind < OP_KINDS && operators[kind].name ? &operators[kind] : NULL;
}

bool enpu_supported_operator(unsigned int index, struct enpu_operator_info *info)
{
	for (unsigned int kind = 0; kind < OP_KINDS; kind++) {
		const struct operator_type *type = &operators[kind];

		if (!type->name || index--)
			continue;
		*info = (struct enpu_operator_info) {
			.name = type->name, .in_tflite = kind < OP_TFLITE_END,
			.runs_on = type->runs_on, .types = type->types,
			.restrictions = type->restrictions, .float_on_cpu = runs_real(kind),
		};
		return true;
	}
	return false;
}

bool enpu_supported_onnx_operator(unsigned int index, struct enpu_onnx_operator_info *info)
{
	const struct operator_type *type;
	struct onnx_operator_info op;

	if (!onnx_supported_operator(index, &op))
		return false;
	type = operator_type(op.kind);
	*info = (struct enpu_onnx_operator_info) {
		.name = op.name, .domain = op.domain, .since = op.since,
		.becomes = type ? type->name : "",
		.runs_on = type ? type->runs_on : op.kind == OP_UNKNOWN ? "compiler" : "nothing",
		.restrictions = op.restrictions,
	};
	return true;
}
