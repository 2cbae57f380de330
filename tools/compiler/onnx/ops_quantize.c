// SPDX-License-Identifier: MIT
/*
 * Quantized operators. A QLinear operator is its float operator between DEQUANTIZE and
 * QUANTIZE, so that both ways to write a quantized model become the same graph, which
 * passes/quantized.c makes integer operators of. A dequantized constant keeps its
 * integers (tensor->integers) through transposes and reshapes.
 */
#include "importer.h"

#include <math.h>
#include <string.h>

/* Scales and zero points, as the inputs of a node have them. */
static struct quant read_quant(struct node *n, unsigned int scale, unsigned int zero, int axis)
{
	struct tensor *s = node_constant(n, scale, "scale"), *z = node_input(n, zero);
	int64_t count = tensor_elements(s);
	float *scales = arena_new(n->im->graph->arena, float, count);
	int64_t *zeros = arena_new(n->im->graph->arena, int64_t, count);

	if (s->type != DTYPE_F32 || count < 1 || s->rank > 1)
		node_fail(n, "its scale must be float32, one or one for each channel");
	if (z && (!z->data || tensor_elements(z) != count))
		node_fail(n, "its zero point must be known, with as many elements as its scale");
	memcpy(scales, s->data, count * sizeof(*scales));
	for (int64_t i = 0; i < count; i++) {
		if (!(scales[i] > 0) || !isfinite(scales[i]))
			node_fail(n, "its scale %g is not a positive number", scales[i]);
		zeros[i] = z ? constant_int(z, i) : 0;
	}
	return (struct quant){ count, axis, scales, zeros };
}

static void check_channels(struct node *n, const struct tensor *t, const struct quant *q)
{
	if (q->count > 1 && (q->axis >= t->rank || t->dims[q->axis] != (int32_t)q->count))
		node_fail(n, "%u scales don't fit the dimensions of %.80s", q->count, t->name);
}

/* The real values of a constant, which keeps the integers. */
static struct tensor *dequantize_constant(struct node *n, struct tensor *t, const struct quant *q)
{
	int64_t elements = tensor_elements(t), inner = 1;
	float *data = arena_new(n->im->graph->arena, float, elements + 1);
	struct tensor *integers = arena_new(n->im->graph->arena, struct tensor, 1), *out;

	for (int i = q->axis + 1; q->count > 1 && i < t->rank; i++)
		inner *= t->dims[i];
	for (int64_t i = 0; i < elements; i++) {
		int64_t c = q->count > 1 ? i / inner % q->count : 0;

		data[i] = q->scale[c] * (float)(constant_int(t, i) - q->zero_point[c]);
	}
	*integers = *t;
	integers->quant = *q;
	out = builder_constant(&n->im->b, t->name, DTYPE_F32, t->rank, t->dims, data);
	out->integers = integers;
	return out;
}

static bool equal_quant(const struct quant *a, const struct quant *b)
{
	return a->count == b->count && (a->count < 2 || a->axis == b->axis) &&
	       !memcmp(a->scale, b->scale, a->count * sizeof(*a->scale)) &&
	       !memcmp(a->zero_point, b->zero_point, a->count * sizeof(*a->zero_point));
}

static struct tensor *dequantize(struct node *n, struct tensor *t, const struct quant *q)
{
	check_channels(n, t, q);
	if (t->type != DTYPE_U8 && t->type != DTYPE_I8 && !(t->type == DTYPE_I32 && t->data))
		node_fail(n, "it dequantizes %s: uint8, int8 or constants of int32 are supported",
			  dtype_name(t->type));
	if (t->data)
		return dequantize_constant(n, t, q);
	if (t->quant.count && !equal_quant(&t->quant, q))
		node_fail(n, "%.80s is quantized in two ways", t->name);
	t->quant = *q;
	return emit(n, OP_DEQUANTIZE, 1, &t, DTYPE_F32, t->rank, t->dims, NULL);
}

static struct tensor *quantize_constant(struct node *n, struct tensor *t, const struct quant *q,
					enum dtype type)
{
	int64_t elements = tensor_elements(t), inner = 1;
	uint8_t *data = arena_new(n->im->graph->arena, uint8_t, elements + 1);
	double least = type == DTYPE_I8 ? -128 : 0, most = least + 255;
	struct tensor *out;

	for (int i = q->axis + 1; q->count > 1 && i < t->rank; i++)
		inner *= t->dims[i];
	for (int64_t i = 0; i < elements; i++) {
		int64_t c = q->count > 1 ? i / inner % q->count : 0;
		float real = (float)constant_number(t, i);
		double value = (double)rintf(real / q->scale[c]) + (double)q->zero_point[c];

		value = value > least ? value : least;
		data[i] = (uint8_t)(int32_t)(value < most ? value : most);
	}
	out = builder_constant(&n->im->b, t->name, type, t->rank, t->dims, data);
	out->quant = *q;
	return out;
}

static struct tensor *quantize(struct node *n, struct tensor *t, const struct quant *q,
			       enum dtype type)
{
	struct op_attrs attrs = { .numerics = NUMERICS_ORT };
	struct tensor *out;

	check_channels(n, t, q);
	if (type != DTYPE_U8 && type != DTYPE_I8)
		node_fail(n, "it quantizes to %s: only 8 bits are supported", dtype_name(type));
	if (t->data)
		return quantize_constant(n, t, q, type);
	out = emit(n, OP_QUANTIZE, 1, &t, type, t->rank, t->dims, &attrs);
	out->quant = *q;
	return out;
}

static enum dtype zero_point_type(struct node *n, unsigned int i)
{
	const struct tensor *z = node_input(n, i);

	return z ? z->type : DTYPE_U8;
}

static int channel_axis(struct node *n, const struct tensor *t)
{
	return t->rank ? node_axis(n, node_int(n, "axis", t->rank > 1 ? 1 : 0), t->rank) : 0;
}

void translate_quantize_linear(struct node *n)
{
	struct tensor *t = node_need_float(n, 0);
	struct quant q = read_quant(n, 1, 2, channel_axis(n, t));

	if (node_int(n, "block_size", 0))
		node_fail(n, "scales of blocks are not supported");
	node_output(n, 0, quantize(n, t, &q, zero_point_type(n, 2)));
}

void translate_dequantize_linear(struct node *n)
{
	struct tensor *t = node_need(n, 0);
	struct quant q = read_quant(n, 1, 2, channel_axis(n, t));

	if (node_int(n, "block_size", 0))
		node_fail(n, "scales of blocks are not supported");
	node_output(n, 0, dequantize(n, t, &q));
}

/* Where a reshape leaves a dimension: the one with the same size and as much before it. */
static int reshaped_axis(const struct tensor *from, const struct tensor *to, int axis)
{
	int64_t before = 1, outer = 1;

	for (int i = 0; i < axis; i++)
		before *= from->dims[i];
	for (int i = 0; i < to->rank; i++) {
		if (outer == before && to->dims[i] == from->dims[axis])
			return i;
		outer *= to->dims[i];
	}
	return -1;
}

void carry_integers(struct node *n, const struct op *op)
{
	const struct tensor *from = op->inputs[0]->integers;
	struct tensor *to = op->outputs[0], *inputs[2], *moved;
	struct op same = *op;
	int axis;

	if (!from || (op->kind != OP_TRANSPOSE && op->kind != OP_RESHAPE))
		return;
	axis = from->quant.axis;
	if (from->quant.count > 1 && op->kind == OP_RESHAPE)
		axis = reshaped_axis(from, to, axis);
	for (int i = 0; from->quant.count > 1 && op->kind == OP_TRANSPOSE && i < to->rank; i++)
		if (tensor_int(op->inputs[1], i) == from->quant.axis)
			axis = i;
	if (axis < 0)
		return;
	moved = arena_new(n->im->graph->arena, struct tensor, 1);
	*moved = *to;
	moved->type = from->type;
	moved->data = NULL;		/* the floats' */
	moved->quant = from->quant;
	moved->quant.axis = axis;
	inputs[0] = arena_new(n->im->graph->arena, struct tensor, 1);
	*inputs[0] = *from;
	inputs[1] = op->inputs[1];
	same.inputs = inputs;
	same.outputs = &moved;
	if (fold_constant(n->im->graph->arena, &same))
		to->integers = moved;
}

/* A QLinear operator: where it has its operands, and what it is with floats. */
struct qlinear {
	const char *name, *as;
	int8_t operands;		/* each with scale and zero point, from input 0 on */
	int8_t bias;			/* int32, scaled as the product of both operands; or -1 */
	int8_t result;			/* scale and zero point */
};

static const struct qlinear *find_qlinear(const char *name)
{
	static const struct qlinear table[] = {
		{ "QGemm", "Gemm", 2, 6, 7 },
		{ "QLinearAdd", "Add", 2, -1, 6 },
		{ "QLinearAveragePool", "AveragePool", 1, -1, 3 },
		{ "QLinearConv", "Conv", 2, 8, 6 },
		{ "QLinearGlobalAveragePool", "GlobalAveragePool", 1, -1, 3 },
		{ "QLinearLeakyRelu", "LeakyRelu", 1, -1, 3 },
		{ "QLinearMatMul", "MatMul", 2, -1, 6 },
		{ "QLinearMul", "Mul", 2, -1, 6 },
		{ "QLinearReduceMean", "ReduceMean", 1, -1, 3 },
		{ "QLinearSigmoid", "Sigmoid", 1, -1, 3 },
		{ "QLinearSoftmax", "Softmax", 1, -1, 3 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

/* The float operator in the node's place: same attributes, inputs and output of its own. */
struct float_node {
	struct node node;
	Onnx__NodeProto proto;
	unsigned int n_inputs;
};

static struct float_node *float_node(struct node *n, const char *as, unsigned int max_inputs)
{
	struct arena *arena = n->im->graph->arena;
	struct float_node *f = arena_new(arena, struct float_node, 1);

	f->proto = *n->proto;
	f->proto.input = arena_new(arena, char *, max_inputs);
	f->proto.n_input = 0;
	f->proto.output = arena_new(arena, char *, 1);
	f->proto.output[0] = arena_printf(arena, "%.80s (real)", n->proto->output[0]);
	f->proto.n_output = 1;
	f->node = *n;
	f->node.proto = &f->proto;
	f->node.type = onnx_find_operator(NULL, as);
	return f;
}

static void add_input(struct float_node *f, struct tensor *t)
{
	struct arena *arena = f->node.im->graph->arena;
	char *name = arena_printf(arena, "%.80s, operand %zu", f->proto.output[0],
				  f->proto.n_input);

	f->proto.input[f->proto.n_input++] = name;
	import_bind(f->node.im, name, t);
}

static void finish_float_node(struct node *n, struct float_node *f, unsigned int result)
{
	struct quant q = read_quant(n, result, result + 1, 0);

	f->node.type->translate(&f->node);
	node_output(n, 0, quantize(n, import_lookup(n->im, f->proto.output[0]), &q,
				   zero_point_type(n, result + 1)));
}

/* Weights of convolutions are quantized along their first dimension, of products the last. */
static int operand_axis(struct node *n, const struct tensor *t, const char *as)
{
	bool first = !strcmp(as, "Conv") || node_int(n, "transB", 0);

	return first || t->rank < 1 ? 0 : t->rank - 1;
}

static struct tensor *product_bias(struct node *n, struct tensor *bias, const struct quant *a,
				   const struct quant *b)
{
	float *scales = arena_new(n->im->graph->arena, float, b->count);
	int64_t *zeros = arena_new(n->im->graph->arena, int64_t, b->count);
	struct quant q = { b->count, bias->rank ? bias->rank - 1 : 0, scales, zeros };

	if (bias->type != DTYPE_I32 || !bias->data)
		node_fail(n, "its bias must be a constant of int32");
	for (uint32_t i = 0; i < b->count; i++)
		scales[i] = a->scale[0] * b->scale[i];
	return dequantize(n, bias, &q);
}

void translate_qlinear(struct node *n)
{
	const struct qlinear *type = find_qlinear(n->proto->op_type);
	struct float_node *f = float_node(n, type->as, 3);
	int64_t opset = n->im->opset;
	struct quant q[2] = { 0 };

	if (node_int(n, "channels_last", 0))
		node_fail(n, "only channels first are supported");
	for (int i = 0; i < type->operands; i++) {
		struct tensor *t = node_need(n, 3 * i);

		q[i] = read_quant(n, 3 * i + 1, 3 * i + 2, operand_axis(n, t, type->as));
		add_input(f, dequantize(n, t, &q[i]));
	}
	if (type->bias >= 0 && node_input(n, type->bias))
		add_input(f, product_bias(n, node_input(n, type->bias), &q[0], &q[1]));
	n->im->opset = node_int(n, "opset", opset);
	finish_float_node(n, f, type->result);
	n->im->opset = opset;
}

/* Scale and zero point of the result come first. */
void translate_qlinear_concat(struct node *n)
{
	struct float_node *f = float_node(n, "Concat", node_inputs(n));

	for (unsigned int i = 2; i + 2 < node_inputs(n); i += 3) {
		struct quant q = read_quant(n, i + 1, i + 2, 0);

		add_input(f, dequantize(n, node_need(n, i), &q));
	}
	if (!f->proto.n_input)
		node_fail(n, "it has no inputs");
	finish_float_node(n, f, 0);
}

