// SPDX-License-Identifier: MIT
/* What is known when the model is compiled: constants, shapes, ranges, branches. */
#include "importer.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static struct tensor *known(struct node *n, enum dtype type, int rank, const int32_t *dims,
			    const void *data)
{
	return builder_constant(&n->im->b, n->proto->n_output ? n->proto->output[0] : "", type,
				rank, dims, data);
}

void translate_constant(struct node *n)
{
	const Onnx__AttributeProto *a = n->proto->n_attribute ? n->proto->attribute[0] : NULL;
	struct importer *im = n->im;
	int32_t count;

	if (!a || !a->name)
		node_fail(n, "it has no value");
	if (a->t && !strcmp(a->name, "value")) {
		node_output(n, 0, import_tensor(im, a->t, n->proto->n_output ? n->proto->output[0]
									     : ""));
	} else if (!strcmp(a->name, "value_float")) {
		node_output(n, 0, known(n, DTYPE_F32, 0, NULL, &a->f));
	} else if (!strcmp(a->name, "value_int")) {
		node_output(n, 0, known(n, DTYPE_I64, 0, NULL, &a->i));
	} else if (!strcmp(a->name, "value_floats") && a->n_floats <= INT32_MAX) {
		count = a->n_floats;
		node_output(n, 0, known(n, DTYPE_F32, 1, &count, count ? (void *)a->floats : ""));
	} else if (!strcmp(a->name, "value_ints") && a->n_ints <= INT32_MAX) {
		count = a->n_ints;
		node_output(n, 0, known(n, DTYPE_I64, 1, &count, count ? (void *)a->ints : ""));
	} else {
		node_fail(n, "its %.40s is no tensor of numbers", a->name);
	}
}

/* @count elements of @type, of which each is @bits. */
static struct tensor *filled(struct node *n, enum dtype type, int rank, const int32_t *dims,
			     const uint8_t *element)
{
	int64_t count = checked_elements(rank, dims);
	unsigned int width = dtype_bits(type) / 8;
	uint8_t *data;

	if (count < 0 || count > ONNX_MAX_ELEMENTS / 16)
		node_fail(n, "a tensor of it has impossible dimensions");
	data = arena_new(n->im->graph->arena, uint8_t, count * width + 1);
	for (int64_t i = 0; i < count; i++)
		memcpy(data + i * width, element, width);
	return known(n, type, rank, dims, data);
}

void translate_constant_of_shape(struct node *n)
{
	const Onnx__AttributeProto *a = node_attr(n, "value");
	struct int_list shape = node_ints_or_input(n, "shape", 0);
	static const uint8_t zero[8];
	int32_t dims[MAX_RANK];
	struct tensor *value;

	if (shape.n > MAX_RANK)
		node_fail(n, "%d dimensions: at most %d are known", shape.n, MAX_RANK);
	for (int i = 0; i < shape.n; i++)
		dims[i] = shape.v[i] < 0 || shape.v[i] > INT32_MAX ? -1 : shape.v[i];
	if (!a || !a->t) {
		node_output(n, 0, filled(n, DTYPE_F32, shape.n, dims, zero));
		return;
	}
	value = import_tensor(n->im, a->t, "value");
	if (tensor_elements(value) != 1)
		node_fail(n, "its value has %lld elements", (long long)tensor_elements(value));
	node_output(n, 0, filled(n, value->type, shape.n, dims, value->data));
}

void translate_shape(struct node *n)
{
	struct tensor *in = node_need(n, 0);
	int64_t start = node_int(n, "start", 0), end = node_int(n, "end", in->rank);
	int64_t *data = arena_new(n->im->graph->arena, int64_t, MAX_RANK);
	int32_t count = 0;

	start = start < -in->rank ? 0 : start < 0 ? start + in->rank : start;
	end = end < 0 ? end + in->rank : end > in->rank ? in->rank : end;
	for (int64_t i = start; i < end; i++)
		data[count++] = in->dims[i];
	node_output(n, 0, known(n, DTYPE_I64, 1, &count, data));
}

void translate_size(struct node *n)
{
	int64_t *data = arena_new(n->im->graph->arena, int64_t, 1);

	*data = tensor_elements(node_need(n, 0));
	node_output(n, 0, known(n, DTYPE_I64, 0, NULL, data));
}

void translate_range(struct node *n)
{
	struct tensor *start = node_constant(n, 0, "start"), *limit = node_constant(n, 1, "limit");
	struct tensor *delta = node_constant(n, 2, "delta"), *t;
	double first, step, exact;
	int32_t count;
	double *data;

	if (tensor_elements(start) != 1 || tensor_elements(limit) != 1 ||
	    tensor_elements(delta) != 1)
		node_fail(n, "three numbers are needed");
	first = constant_number(start, 0);
	step = constant_number(delta, 0);
	exact = ceil((constant_number(limit, 0) - first) / step);
	if (!(exact < (double)ONNX_MAX_ELEMENTS / 16))
		node_fail(n, "it goes on too long");
	count = exact > 0 ? (int32_t)exact : 0;
	data = arena_new(n->im->graph->arena, double, count + 1);
	for (int32_t i = 0; i < count; i++)
		data[i] = first + i * step;
	t = known(n, DTYPE_F64, 1, &count, data);
	node_output(n, 0, emit_cast(n, t, start->type));
}

void translate_eye_like(struct node *n)
{
	struct tensor *in = node_need(n, 0), *t;
	int64_t shift = node_int(n, "k", 0), to = node_int(n, "dtype", 0);
	enum dtype type = to > 0 && to < 100 ? onnx_dtype(to) : in->type;
	float *data;

	if (in->rank != 2 || type == DTYPE_COUNT || type == DTYPE_F16 ||
	    tensor_elements(in) > ONNX_MAX_ELEMENTS / 16)
		node_fail(n, "a matrix, of a type that is known, is needed");
	data = arena_new(n->im->graph->arena, float, tensor_elements(in));
	for (int32_t y = 0; y < in->dims[0]; y++)
		for (int32_t x = 0; x < in->dims[1]; x++)
			data[(int64_t)y * in->dims[1] + x] = x - y == shift;
	t = known(n, DTYPE_F32, 2, in->dims, data);
	node_output(n, 0, emit_cast(n, t, type));
}

/* The branch that a known condition takes; its nodes see all names around it. */
void translate_if(struct node *n)
{
	struct tensor *condition = node_constant(n, 0, "condition");
	const Onnx__AttributeProto *a;
	const Onnx__GraphProto *g;

	if (condition->type != DTYPE_BOOL || tensor_elements(condition) != 1)
		node_fail(n, "its condition is no single bool");
	a = node_attr(n, constant_int(condition, 0) ? "then_branch" : "else_branch");
	g = a ? a->g : NULL;
	if (!g || g->n_output != n->proto->n_output)
		node_fail(n, "its branch has not the node's outputs");
	if (++n->im->depth > ONNX_MAX_DEPTH)
		node_fail(n, "branches in branches in branches");
	import_initializers(n->im, g);
	import_nodes(n->im, g);
	n->im->depth--;
	for (unsigned int i = 0; i < g->n_output; i++) {
		const char *name = g->output[i]->name ? g->output[i]->name : "";
		struct tensor *t = import_lookup(n->im, name);

		if (!t)
			node_fail(n, "output %.80s of its branch is made by no node", name);
		if (!t->data && !t->is_input && node_has_output(n, i))
			t->name = n->proto->output[i];
		node_output(n, i, t);
	}
}
