// SPDX-License-Identifier: MIT
/*
 * The table of ONNX's operators: one line each, with the operator set from which the line
 * holds, the function that translates it, and what it does not take. Everywhere: shapes
 * known, up to 6 dimensions, float32 where numbers are computed.
 */
#include "importer.h"

#include <string.h>

#define OP(name, since, function, kind, restrictions) \
	{ name, since, translate_##function, kind, restrictions, NULL }

/* Of ONNX Runtime. */
#define QLINEAR(name) \
	{ name, 1, translate_qlinear, OP_UNKNOWN, STATIC, "com.microsoft" }

#define STATIC		"constant scales and zero points"
#define SHAPES_KNOWN	"computed when the model is compiled"

static const struct onnx_operator operators[] = {
	OP("Abs", 6, unary, OP_ABS, ""),
	OP("Add", 7, binary, OP_ADD, ""),
	OP("And", 7, binary, OP_LOGICAL_AND, ""),
	OP("ArgMax", 1, arg_reduce, OP_ARG_MAX, ""),
	OP("ArgMin", 1, arg_reduce, OP_ARG_MIN, ""),
	OP("AveragePool", 1, pool, OP_AVERAGE_POOL_2D,
	   "one or two dimensions; ceil_mode without count_include_pad"),
	OP("BatchNormalization", 7, batch_norm, OP_UNKNOWN, "not in training"),
	OP("Cast", 6, cast, OP_CAST, "not to or from float16, bfloat16, text"),
	OP("CastLike", 15, cast_like, OP_CAST, "the same"),
	OP("Ceil", 6, unary, OP_CEIL, ""),
	OP("Celu", 12, celu, OP_ELU, "positive alpha"),
	OP("Clip", 6, clip, OP_CLIP, "constant bounds"),
	OP("Concat", 4, concat, OP_CONCATENATION, ""),
	OP("Constant", 1, constant, OP_UNKNOWN, "no text, nothing sparse"),
	OP("ConstantOfShape", 9, constant_of_shape, OP_UNKNOWN, "constant shape"),
	OP("Conv", 1, conv, OP_CONV_2D, "one or two dimensions; constant weights"),
	OP("ConvTranspose", 1, conv_transpose, OP_TRANSPOSE_CONV,
	   "one or two dimensions; constant weights; one group; no dilation"),
	OP("Cos", 7, unary, OP_COS, ""),
	OP("CumSum", 11, cumsum, OP_CUMSUM, "constant axis"),
	OP("DepthToSpace", 1, depth_to_space, OP_DEPTH_TO_SPACE, ""),
	OP("DequantizeLinear", 10, dequantize_linear, OP_DEQUANTIZE,
	   "uint8, int8 or a constant of int32; " STATIC),
	OP("Div", 7, binary, OP_DIV, ""),
	OP("Dropout", 7, identity, OP_UNKNOWN, "not in training"),
	OP("Elu", 6, alpha_unary, OP_ELU, ""),
	OP("Equal", 7, binary, OP_EQUAL, ""),
	OP("Erf", 9, unary, OP_ERF, ""),
	OP("Exp", 6, unary, OP_EXP, ""),
	OP("Expand", 8, expand, OP_TILE, "constant shape"),
	OP("EyeLike", 9, eye_like, OP_UNKNOWN, ""),
	OP("Flatten", 1, flatten, OP_RESHAPE, ""),
	OP("Floor", 6, unary, OP_FLOOR, ""),
	OP("Gather", 1, gather, OP_GATHER, ""),
	OP("Gelu", 20, gelu, OP_GELU, ""),
	OP("Gemm", 7, gemm, OP_FULLY_CONNECTED, ""),
	OP("GlobalAveragePool", 1, global_pool, OP_MEAN, ""),
	OP("GlobalMaxPool", 1, global_pool, OP_REDUCE_MAX, ""),
	OP("Greater", 7, binary, OP_GREATER, ""),
	OP("GreaterOrEqual", 12, binary, OP_GREATER_EQUAL, ""),
	OP("GroupNormalization", 18, group_norm, OP_LAYER_NORM, ""),
	OP("HardSigmoid", 6, hard_sigmoid, OP_HARD_SIGMOID, ""),
	OP("HardSwish", 14, unary, OP_HARD_SWISH, ""),
	OP("Identity", 1, identity, OP_UNKNOWN, ""),
	OP("If", 1, if, OP_UNKNOWN, "constant condition"),
	OP("InstanceNormalization", 6, instance_norm, OP_INSTANCE_NORM, "one or two dimensions"),
	OP("LRN", 1, lrn, OP_AVERAGE_POOL_2D, ""),
	OP("LSTM", 7, lstm, OP_LSTM, "the usual activations; layout 0"),
	OP("LayerNormalization", 17, layer_norm, OP_LAYER_NORM, ""),
	OP("LeakyRelu", 6, alpha_unary, OP_LEAKY_RELU, ""),
	OP("Less", 7, binary, OP_LESS, ""),
	OP("LessOrEqual", 12, binary, OP_LESS_EQUAL, ""),
	OP("Log", 6, unary, OP_LOG, ""),
	OP("LogSoftmax", 1, softmax, OP_LOG_SOFTMAX, ""),
	OP("LpNormalization", 1, lp_norm, OP_SQRT, ""),
	OP("MatMul", 1, matmul, OP_BATCH_MATMUL, ""),
	OP("Max", 6, variadic, OP_MAXIMUM, ""),
	OP("MaxPool", 1, pool, OP_MAX_POOL_2D, "one or two dimensions; without indices"),
	OP("Mean", 6, mean, OP_ADD, ""),
	OP("MeanVarianceNormalization", 9, mean_variance_norm, OP_MEAN, ""),
	OP("Min", 6, variadic, OP_MINIMUM, ""),
	OP("Mish", 18, unary, OP_MISH, ""),
	OP("Mod", 10, mod, OP_UNKNOWN, SHAPES_KNOWN "; int64"),
	OP("Mul", 7, binary, OP_MUL, ""),
	OP("Neg", 6, unary, OP_NEG, ""),
	OP("Not", 1, unary, OP_LOGICAL_NOT, ""),
	OP("Or", 7, binary, OP_LOGICAL_OR, ""),
	OP("PRelu", 7, prelu, OP_PRELU, ""),
	OP("Pad", 2, pad, OP_PAD, "constant pads and value"),
	OP("Pow", 7, pow, OP_POW, ""),
	OP("QLinearConv", 10, qlinear, OP_CONV_2D, STATIC),
	OP("QLinearMatMul", 10, qlinear, OP_FULLY_CONNECTED, STATIC),
	OP("QuantizeLinear", 10, quantize_linear, OP_QUANTIZE, "to uint8, int8; " STATIC),
	OP("Range", 11, range, OP_UNKNOWN, SHAPES_KNOWN),
	OP("Reciprocal", 6, unary, OP_RECIPROCAL, ""),
	OP("ReduceL1", 1, reduce_l1, OP_SUM, "constant axes"),
	OP("ReduceL2", 1, reduce_l2, OP_SUM, "constant axes"),
	OP("ReduceLogSum", 1, reduce_log_sum, OP_SUM, "constant axes"),
	OP("ReduceLogSumExp", 1, reduce_log_sum_exp, OP_SUM, "constant axes"),
	OP("ReduceMax", 1, reduce, OP_REDUCE_MAX, "constant axes"),
	OP("ReduceMean", 1, reduce, OP_MEAN, "constant axes"),
	OP("ReduceMin", 1, reduce, OP_REDUCE_MIN, "constant axes"),
	OP("ReduceProd", 1, reduce, OP_REDUCE_PROD, "constant axes"),
	OP("ReduceSum", 1, reduce, OP_SUM, "constant axes"),
	OP("ReduceSumSquare", 1, reduce_sum_square, OP_SUM, "constant axes"),
	OP("Relu", 6, unary, OP_RELU, ""),
	OP("Reshape", 5, reshape, OP_RESHAPE, "constant shape"),
	OP("Resize", 10, resize, OP_RESIZE_BILINEAR, "constant sizes or scales"),
	OP("Round", 11, unary, OP_ROUND, ""),
	OP("Selu", 6, selu, OP_SELU, ""),
	OP("Shape", 1, shape, OP_UNKNOWN, SHAPES_KNOWN),
	OP("Sigmoid", 6, unary, OP_LOGISTIC, ""),
	OP("Sign", 9, unary, OP_SIGN, ""),
	OP("Sin", 7, unary, OP_SIN, ""),
	OP("Size", 1, size, OP_UNKNOWN, SHAPES_KNOWN),
	OP("Slice", 1, slice, OP_SLICE, "constant bounds and steps"),
	OP("Softmax", 1, softmax, OP_SOFTMAX, ""),
	OP("Softplus", 1, unary, OP_SOFTPLUS, ""),
	OP("Softsign", 1, unary, OP_SOFTSIGN, ""),
	OP("SpaceToDepth", 1, space_to_depth, OP_SPACE_TO_DEPTH, ""),
	OP("Split", 2, split, OP_SLICE, "constant sizes"),
	OP("Sqrt", 6, unary, OP_SQRT, ""),
	OP("Squeeze", 1, squeeze, OP_RESHAPE, "constant axes"),
	OP("Sub", 7, binary, OP_SUB, ""),
	OP("Sum", 6, variadic, OP_ADD, ""),
	OP("Tanh", 6, unary, OP_TANH, ""),
	OP("ThresholdedRelu", 10, thresholded_relu, OP_SELECT_V2, ""),
	OP("Tile", 6, tile, OP_TILE, "constant repeats"),
	OP("TopK", 1, topk, OP_TOPK_V2, "constant k"),
	OP("Transpose", 1, transpose, OP_TRANSPOSE, ""),
	OP("Trilu", 14, trilu, OP_SELECT_V2, "constant k"),
	OP("Unsqueeze", 1, unsqueeze, OP_RESHAPE, "constant axes"),
	OP("Upsample", 7, upsample, OP_RESIZE_BILINEAR, "constant scales"),
	OP("Where", 9, where, OP_SELECT_V2, ""),
	OP("Xor", 7, binary, OP_NOT_EQUAL, ""),

	QLINEAR("QGemm"),
	QLINEAR("QLinearAdd"),
	QLINEAR("QLinearAveragePool"),
	{ "QLinearConcat", 1, translate_qlinear_concat, OP_CONCATENATION, STATIC, "com.microsoft" },
	QLINEAR("QLinearConv"),
	QLINEAR("QLinearGlobalAveragePool"),
	QLINEAR("QLinearLeakyRelu"),
	QLINEAR("QLinearMul"),
	QLINEAR("QLinearReduceMean"),
	QLINEAR("QLinearSigmoid"),
	QLINEAR("QLinearSoftmax"),
};

#define OPERATORS	(sizeof(operators) / sizeof(operators[0]))

static bool same_domain(const char *a, const char *b)
{
	if (!a || !*a || !strcmp(a, "ai.onnx"))
		return !b;
	return b && !strcmp(a, b);
}

const struct onnx_operator *onnx_find_operator(const char *domain, const char *name)
{
	for (size_t i = 0; i < OPERATORS; i++)
		if (!strcmp(operators[i].name, name) && same_domain(domain, operators[i].domain))
			return &operators[i];
	return NULL;
}

bool onnx_supported_operator(unsigned int index, struct onnx_operator_info *info)
{
	if (index >= OPERATORS)
		return false;
	*info = (struct onnx_operator_info){
		.name = operators[index].name, .domain = operators[index].domain,
		.since = operators[index].since, .kind = operators[index].kind,
		.restrictions = operators[index].restrictions,
	};
	return true;
}
