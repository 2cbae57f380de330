// SPDX-License-Identifier: MIT
/*
 * TensorFlow Lite files to graphs: see import.h. Field numbers are those of
 * schema.fbs. Every index that the file holds is checked here, once, so that
 * the rest of the compiler may follow pointers.
 */
#include "import.h"

#include <errno.h>
#include <math.h>

#define MAX_TENSORS	65536
#define MAX_OPS		65536
#define MAX_OPERANDS	1024
#define MAX_ELEMENTS	((int64_t)1 << 30)

enum { MODEL_VERSION, MODEL_OPERATOR_CODES, MODEL_SUBGRAPHS, MODEL_DESCRIPTION, MODEL_BUFFERS };
enum { SUBGRAPH_TENSORS, SUBGRAPH_INPUTS, SUBGRAPH_OUTPUTS, SUBGRAPH_OPERATORS, SUBGRAPH_NAME };
enum {
	TENSOR_SHAPE, TENSOR_TYPE, TENSOR_BUFFER, TENSOR_NAME, TENSOR_QUANTIZATION,
	TENSOR_IS_VARIABLE, TENSOR_SPARSITY, TENSOR_SHAPE_SIGNATURE,
};
enum { QUANT_MIN, QUANT_MAX, QUANT_SCALE, QUANT_ZERO_POINT, QUANT_DETAILS_TYPE, QUANT_DETAILS,
	QUANT_DIMENSION };
enum { CODE_DEPRECATED, CODE_CUSTOM, CODE_VERSION, CODE_BUILTIN };
enum { OPERATOR_CODE, OPERATOR_INPUTS, OPERATOR_OUTPUTS };
enum { BUFFER_DATA, BUFFER_OFFSET, BUFFER_SIZE };

struct importer {
	struct fb fb;
	struct graph *graph;
	struct fb_vector codes, buffers, subgraphs;
	int err;			/* after a message in the diag */
};

static void read_shape(struct importer *im, const struct fb_table *table, struct tensor *t)
{
	struct fb_vector shape = fb_vector(table, TENSOR_SHAPE, 4, "shape");
	int64_t elements = 1;

	if (shape.count > MAX_RANK) {
		fb_fail(&im->fb, "tensor %d (%.60s) has %u dimensions, at most %d are known",
			t->index, t->name, shape.count, MAX_RANK);
		return;
	}
	t->rank = shape.count;
	for (int i = 0; i < t->rank; i++) {
		t->dims[i] = fb_vector_i32(&shape, i);
		if (t->dims[i] < 1) {
			fb_fail(&im->fb, "tensor %d (%.60s): dimension %d is %d: sizes must be known and positive",
				t->index, t->name, i, t->dims[i]);
			return;
		}
		elements *= t->dims[i];
		if (elements > MAX_ELEMENTS) {
			fb_fail(&im->fb, "tensor %d (%.60s) has more than %lld elements", t->index,
				t->name, (long long)MAX_ELEMENTS);
			return;
		}
	}
}

static void read_quant(struct importer *im, const struct fb_table *table, struct tensor *t)
{
	struct fb_vector scale, zero_point;
	struct fb_table q;
	int64_t *zp;
	float *s;

	if (!fb_child(table, TENSOR_QUANTIZATION, "QuantizationParameters", &q))
		return;
	scale = fb_vector(&q, QUANT_SCALE, 4, "scale");
	zero_point = fb_vector(&q, QUANT_ZERO_POINT, 8, "zero_point");
	t->quant.axis = fb_i32(&q, QUANT_DIMENSION, 0);
	if (fb_failed(&im->fb) || !scale.count)
		return;
	if (zero_point.count && zero_point.count != scale.count) {
		fb_fail(&im->fb, "tensor %d (%.60s) has %u scales, but %u zero points", t->index,
			t->name, scale.count, zero_point.count);
		return;
	}
	if (scale.count > 1 && (t->quant.axis < 0 || t->quant.axis >= t->rank ||
				(uint32_t)t->dims[t->quant.axis] != scale.count)) {
		fb_fail(&im->fb, "tensor %d (%.60s): %u scales do not fit dimension %d", t->index,
			t->name, scale.count, t->quant.axis);
		return;
	}
	s = arena_new(im->graph->arena, float, scale.count);
	zp = arena_new(im->graph->arena, int64_t, scale.count);
	for (uint32_t i = 0; i < scale.count; i++) {
		s[i] = fb_vector_f32(&scale, i);
		zp[i] = zero_point.count ? fb_vector_i64(&zero_point, i) : 0;
		if (!isfinite(s[i]) || s[i] <= 0) {
			fb_fail(&im->fb, "tensor %d (%.60s): scale %u is %g: a positive number is needed",
				t->index, t->name, i, s[i]);
			return;
		}
	}
	t->quant.count = scale.count;
	t->quant.scale = s;
	t->quant.zero_point = zp;
}

static void read_data(struct importer *im, const struct fb_table *table, struct tensor *t)
{
	uint32_t index = fb_i32(table, TENSOR_BUFFER, 0);
	struct fb_table buffer;
	struct fb_vector data;
	uint64_t offset, size;

	if (fb_failed(&im->fb))
		return;
	if (index >= im->buffers.count) {
		fb_fail(&im->fb, "tensor %d (%.60s) names buffer %u of %u", t->index, t->name,
			index, im->buffers.count);
		return;
	}
	buffer = fb_vector_table(&im->buffers, index, "Buffer");
	data = fb_vector(&buffer, BUFFER_DATA, 1, "data");
	offset = fb_u64(&buffer, BUFFER_OFFSET, 0);
	size = fb_u64(&buffer, BUFFER_SIZE, 0);
	if (fb_failed(&im->fb))
		return;
	if (!data.count && offset > 1) {	/* 0 and 1 mean: not kept outside */
		if (offset > im->fb.size || size > im->fb.size - offset) {
			fb_fail(&im->fb, "buffer %u lies outside the file", index);
			return;
		}
		data.pos = offset;
		data.count = size;
	}
	if (!data.count)
		return;
	if (dtype_bits(t->type) && tensor_bytes(t) != data.count) {
		fb_fail(&im->fb, "tensor %d (%.60s) needs %lld bytes, its buffer %u holds %u",
			t->index, t->name, (long long)tensor_bytes(t), index, data.count);
		return;
	}
	t->data = im->fb.data + data.pos;
	t->data_bytes = data.count;
}

static void read_tensor(struct importer *im, const struct fb_vector *tensors, uint32_t i)
{
	struct fb_table table = fb_vector_table(tensors, i, "Tensor");
	struct tensor *t = &im->graph->tensors[i];
	uint8_t type = fb_u8(&table, TENSOR_TYPE, DTYPE_F32);

	t->index = i;
	t->name = fb_string(&table, TENSOR_NAME, "tensor name");
	if (type >= DTYPE_COUNT) {
		fb_fail(&im->fb, "tensor %u (%.60s) has the unknown type %u", i, t->name, type);
		return;
	}
	t->type = type;
	if (fb_u8(&table, TENSOR_IS_VARIABLE, 0))
		fb_fail(&im->fb, "tensor %u (%.60s) is a variable: models with state are not supported",
			i, t->name);
	if (fb_has(&table, TENSOR_SPARSITY))
		fb_fail(&im->fb, "tensor %u (%.60s) is stored sparse: not supported", i, t->name);
	read_shape(im, &table, t);
	read_quant(im, &table, t);
	read_data(im, &table, t);
}

/* A list of tensor indices; -1 (an optional input left out) gives NULL. */
static struct tensor **read_operands(struct importer *im, const struct fb_table *table,
				     unsigned int field, const char *what, unsigned int *count)
{
	struct fb_vector v = fb_vector(table, field, 4, what);
	struct tensor **list;

	*count = 0;
	if (v.count > MAX_OPERANDS)
		fb_fail(&im->fb, "byte %u: %s has %u entries, at most %d are known", v.pos, what,
			v.count, MAX_OPERANDS);
	if (fb_failed(&im->fb))
		return NULL;
	list = arena_new(im->graph->arena, struct tensor *, v.count);
	for (uint32_t i = 0; i < v.count; i++) {
		int32_t index = fb_vector_i32(&v, i);

		if (index < -1 || index >= (int32_t)im->graph->n_tensors) {
			fb_fail(&im->fb, "byte %u: %s names tensor %d of %u", v.pos + 4 * i, what,
				index, im->graph->n_tensors);
			return NULL;
		}
		list[i] = index < 0 ? NULL : &im->graph->tensors[index];
	}
	*count = v.count;
	return list;
}

static void read_op_code(struct importer *im, uint32_t index, struct op *op)
{
	struct fb_table code;
	const char *custom;
	int32_t builtin;

	if (index >= im->codes.count) {
		fb_fail(&im->fb, "operator %d names operator code %u of %u", op->index, index,
			im->codes.count);
		return;
	}
	code = fb_vector_table(&im->codes, index, "OperatorCode");
	custom = fb_string(&code, CODE_CUSTOM, "custom_code");
	/* codes beyond 127 do not fit the deprecated byte: the larger one counts */
	builtin = fb_i32(&code, CODE_BUILTIN, 0);
	if (builtin < (int8_t)fb_u8(&code, CODE_DEPRECATED, 0))
		builtin = (int8_t)fb_u8(&code, CODE_DEPRECATED, 0);
	op->kind = tflite_op_kind(builtin, custom);
	op->name = tflite_op_name(builtin);
	if (!op->name)
		op->name = *custom ? custom
				   : arena_printf(im->graph->arena, "builtin operator %d", builtin);
}

static void read_op(struct importer *im, const struct fb_vector *operators, uint32_t i)
{
	struct fb_table table = fb_vector_table(operators, i, "Operator");
	struct op *op = &im->graph->ops[i];

	op->index = i;
	op->source = i;
	read_op_code(im, fb_i32(&table, OPERATOR_CODE, 0), op);
	op->inputs = read_operands(im, &table, OPERATOR_INPUTS, "operator inputs", &op->n_inputs);
	op->outputs = read_operands(im, &table, OPERATOR_OUTPUTS, "operator outputs",
				    &op->n_outputs);
	if (!fb_failed(&im->fb))
		tflite_read_options(&table, op);
}

/* Every tensor has one source. */
static void link_op(struct importer *im, struct op *op)
{
	for (unsigned int i = 0; i < op->n_inputs; i++)
		if (op->inputs[i])
			op->inputs[i]->consumers++;
	for (unsigned int i = 0; i < op->n_outputs; i++) {
		struct tensor *t = op->outputs[i];

		if (!t)
			fb_fail(&im->fb, "operator %d (%s): output %u is left out", op->index,
				op->name, i);
		else if (t->producer || t->data || t->is_input)
			fb_fail(&im->fb, "operator %d (%s) writes tensor %d (%.60s), which has a "
				"source already", op->index, op->name, t->index, t->name);
		else
			t->producer = op;
	}
}

static void mark_ends(struct importer *im)
{
	struct graph *g = im->graph;

	for (unsigned int i = 0; i < g->n_inputs && !fb_failed(&im->fb); i++) {
		struct tensor *t = g->inputs[i];

		if (!t || t->data || t->is_input)
			fb_fail(&im->fb, "input %u of the model is %s", i,
				!t ? "left out" : t->data ? "a constant" : "listed twice");
		else
			t->is_input = true;
	}
	for (unsigned int i = 0; i < g->n_outputs && !fb_failed(&im->fb); i++) {
		struct tensor *t = g->outputs[i];

		if (!t || t->is_output)
			fb_fail(&im->fb, "output %u of the model is %s", i,
				t ? "listed twice" : "left out");
		else
			t->is_output = true;
	}
}

/* Tensors and operators: what a subgraph has beside inputs and outputs. */
static void read_inside(struct importer *im, const struct fb_table *table)
{
	struct fb_vector tensors = fb_vector(table, SUBGRAPH_TENSORS, 4, "tensors");
	struct fb_vector operators = fb_vector(table, SUBGRAPH_OPERATORS, 4, "operators");
	struct graph *g = im->graph;

	if (tensors.count > MAX_TENSORS || operators.count > MAX_OPS)
		fb_fail(&im->fb, "%u tensors and %u operators: at most %d and %d are known",
			tensors.count, operators.count, MAX_TENSORS, MAX_OPS);
	if (fb_failed(&im->fb))
		return;
	g->name = fb_string(table, SUBGRAPH_NAME, "subgraph name");
	g->tensors = arena_new(g->arena, struct tensor, tensors.count);
	g->n_tensors = tensors.count;
	g->ops = arena_new(g->arena, struct op, operators.count);
	g->n_ops = operators.count;
	for (uint32_t i = 0; i < tensors.count && !fb_failed(&im->fb); i++)
		read_tensor(im, &tensors, i);
	g->inputs = read_operands(im, table, SUBGRAPH_INPUTS, "model inputs", &g->n_inputs);
	g->outputs = read_operands(im, table, SUBGRAPH_OUTPUTS, "model outputs", &g->n_outputs);
	mark_ends(im);
	for (uint32_t i = 0; i < operators.count && !fb_failed(&im->fb); i++) {
		read_op(im, &operators, i);
		if (!fb_failed(&im->fb))
			link_op(im, &g->ops[i]);
	}
}

/* The subgraph that is the model. */
static void read_main(struct importer *im, const struct fb_table *table)
{
	struct graph *g = im->graph;

	read_inside(im, table);
	if (!fb_failed(&im->fb) && (!g->n_inputs || !g->n_outputs))
		fb_fail(&im->fb, "the model has no %s", g->n_inputs ? "outputs" : "inputs");
	for (unsigned int i = 0; i < g->n_outputs && !fb_failed(&im->fb); i++)
		if (!g->outputs[i]->producer)
			fb_fail(&im->fb, "output %u of the model, tensor %d (%.60s), is written by no operator",
				i, g->outputs[i]->index, g->outputs[i]->name);
}

/* What the first operator calls once, if that is all there is beside the model itself. */
static void read_once(struct importer *im)
{
	struct graph *g = im->graph, init = { .arena = g->arena, .diag = g->diag, .file = g->file };
	struct fb_table table;

	if (!g->n_ops || g->ops[0].kind != OP_CALL_ONCE || g->ops[0].attrs.subgraph != 1) {
		fb_fail(&im->fb, "the model has 2 subgraphs, and the first operator is no CALL_ONCE "
			"of the second: not supported");
		return;
	}
	table = fb_vector_table(&im->subgraphs, 1, "SubGraph");
	im->graph = &init;
	read_inside(im, &table);
	im->graph = g;
	if (!fb_failed(&im->fb))
		im->err = tflite_link_variables(&im->fb, g, &init);
}

static void read_model(struct importer *im)
{
	struct fb_table root = fb_root(&im->fb, "TFL3", "Model"), subgraph;
	int32_t version = fb_i32(&root, MODEL_VERSION, 0);

	if (!fb_failed(&im->fb) && version != 3)
		fb_fail(&im->fb, "schema version %d: only version 3 is known", version);
	im->codes = fb_vector(&root, MODEL_OPERATOR_CODES, 4, "operator_codes");
	im->buffers = fb_vector(&root, MODEL_BUFFERS, 4, "buffers");
	im->subgraphs = fb_vector(&root, MODEL_SUBGRAPHS, 4, "subgraphs");
	if (!fb_failed(&im->fb) && (im->subgraphs.count < 1 || im->subgraphs.count > 2))
		fb_fail(&im->fb, "the model has %u subgraphs: one is supported, and one that is "
			"called once", im->subgraphs.count);
	subgraph = fb_vector_table(&im->subgraphs, 0, "SubGraph");
	if (!fb_failed(&im->fb))
		read_main(im, &subgraph);
	if (!fb_failed(&im->fb) && im->subgraphs.count == 2)
		read_once(im);
}

int tflite_import(struct graph *graph, const void *data, size_t size)
{
	struct importer im = { .fb = { .data = data, .size = size }, .graph = graph };

	read_model(&im);
	if (!fb_failed(&im.fb))
		return im.err;
	diag_error(graph->diag, "%s: %s", graph->file, im.fb.error);
	return -EINVAL;
}
