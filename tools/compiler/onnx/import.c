// SPDX-License-Identifier: MIT
/* ONNX models to graphs: the model, its inputs and outputs, node after node. */
#include "importer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_UNKNOWN	8	/* nodes listed in messages */

void import_fail(struct importer *im, int err, const char *format, ...)
{
	char reason[512];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	diag_error(im->graph->diag, "%s: %s", im->graph->file, reason);
	im->err = err;
	longjmp(im->failed, 1);
}

static size_t hash(const char *name)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3;
	return h;
}

/* The name's slot, or a free one. */
static struct value *find_slot(struct importer *im, const char *name)
{
	size_t i = hash(name) & (im->n_slots - 1);

	while (im->values[i].name && strcmp(im->values[i].name, name))
		i = (i + 1) & (im->n_slots - 1);
	return &im->values[i];
}

static void grow_values(struct importer *im)
{
	struct value *old = im->values;
	size_t n = im->n_slots;

	im->n_slots = n ? 2 * n : 256;
	im->values = arena_new(im->graph->arena, struct value, im->n_slots);
	for (size_t i = 0; i < n; i++)
		if (old[i].name)
			*find_slot(im, old[i].name) = old[i];
}

struct tensor *import_lookup(struct importer *im, const char *name)
{
	return im->n_slots ? find_slot(im, name)->tensor : NULL;
}

void import_bind(struct importer *im, const char *name, struct tensor *t)
{
	struct value *slot;

	if (im->n_slots < 2 * (im->n_values + 1))
		grow_values(im);
	slot = find_slot(im, name);
	if (!slot->name)
		im->n_values++;
	*slot = (struct value){ name, t };
}

void import_initializers(struct importer *im, const Onnx__GraphProto *g)
{
	if (g->n_sparse_initializer)
		import_fail(im, -EOPNOTSUPP, "sparse initializers are not supported");
	for (size_t i = 0; i < g->n_initializer; i++) {
		const char *name = g->initializer[i]->name;

		if (!name || !*name)
			import_fail(im, -EINVAL, "initializer %zu has no name", i);
		if (import_lookup(im, name))
			import_fail(im, -EINVAL, "initializer %.80s is there twice", name);
		import_bind(im, name, import_tensor(im, g->initializer[i], name));
	}
}

static const struct enpu_input_shape *given_shape(const struct importer *im, const char *name)
{
	for (unsigned int i = 0; i < im->opts->n_shapes; i++)
		if (!strcmp(im->opts->shapes[i].name, name))
			return &im->opts->shapes[i];
	return NULL;
}

static const struct enpu_input_value *given_value(const struct importer *im, const char *name)
{
	for (unsigned int i = 0; i < im->opts->n_values; i++)
		if (!strcmp(im->opts->values[i].name, name))
			return &im->opts->values[i];
	return NULL;
}

/* "[batch,3,?,?]" */
static const char *shape_text(struct importer *im, const Onnx__TensorShapeProto *shape)
{
	struct arena *arena = im->graph->arena;
	const char *text = "[";

	for (size_t i = 0; i < shape->n_dim; i++) {
		const Onnx__TensorShapeProto__Dimension *d = shape->dim[i];

		if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE)
			text = arena_printf(arena, "%s%s%lld", text, i ? "," : "",
					    (long long)d->dim_value);
		else if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM)
			text = arena_printf(arena, "%s%s%.40s", text, i ? "," : "", d->dim_param);
		else
			text = arena_printf(arena, "%s%s?", text, i ? "," : "");
	}
	return arena_printf(arena, "%s]", text);
}

/* "--shape x=1x3x?x?", with what is known filled in */
static const char *shape_hint(struct importer *im, const char *name,
			      const Onnx__TensorShapeProto *shape)
{
	struct arena *arena = im->graph->arena;
	const char *text = arena_printf(arena, "--shape %.80s=", name);

	for (size_t i = 0; i < shape->n_dim; i++) {
		const Onnx__TensorShapeProto__Dimension *d = shape->dim[i];
		bool fixed = d->value_case ==
			     ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
			     d->dim_value > 0;

		text = fixed ? arena_printf(arena, "%s%s%lld", text, i ? "x" : "",
					    (long long)d->dim_value)
			     : arena_printf(arena, "%s%sN", text, i ? "x" : "");
	}
	return text;
}

/* Dimension @i as the file has it; 0: open. */
static int64_t file_dim(const Onnx__TensorShapeProto *shape, int i)
{
	const Onnx__TensorShapeProto__Dimension *d = shape->dim[i];

	return d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
	       d->dim_value > 0 ? d->dim_value : 0;
}

static int input_shape(struct importer *im, const char *name, const Onnx__TensorShapeProto *shape,
		       int32_t *dims)
{
	const struct enpu_input_shape *given = given_shape(im, name);
	int rank = shape ? (int)shape->n_dim : given ? (int)given->rank : -1;

	if (rank < 0)
		import_fail(im, -EINVAL, "the number of dimensions of input %.80s is not known: say --shape %.80s=...",
			    name, name);
	if (rank > MAX_RANK)
		import_fail(im, -EOPNOTSUPP, "input %.80s has %d dimensions, at most %d are known",
			    name, rank, MAX_RANK);
	if (given && (int)given->rank != rank)
		import_fail(im, -EINVAL, "input %.80s has %d dimensions, %s: the given shape has %u",
			    name, rank, shape_text(im, shape), given->rank);
	for (int i = 0; i < rank; i++) {
		int64_t fixed = shape ? file_dim(shape, i) : 0;

		if (given && fixed && fixed != given->dims[i])
			import_fail(im, -EINVAL, "dimension %d of input %.80s is fixed in the model, %s: the given shape has %d",
				    i, name, shape_text(im, shape), given->dims[i]);
		if (given)
			fixed = given->dims[i];
		if (!fixed && !(given_value(im, name) && shape &&
				shape->dim[i]->value_case ==
				ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE))
			import_fail(im, -EINVAL, "input %.80s is %s, which leaves dimensions open: fix them with %s",
				    name, shape_text(im, shape), shape_hint(im, name, shape));
		dims[i] = fixed > INT32_MAX ? -1 : fixed;
	}
	return rank;
}

/* An integer input that the user fixes becomes a constant. */
static void fix_input(struct importer *im, struct tensor *t, const struct enpu_input_value *given)
{
	int64_t n = tensor_elements(t);
	uint8_t *data = arena_new(im->graph->arena, uint8_t, tensor_bytes(t) + 1);
	unsigned int width = dtype_bits(t->type) / 8;

	if (n != given->count)
		import_fail(im, -EINVAL, "input %.80s has %lld elements: %u values are given",
			    t->name, (long long)n, given->count);
	for (int64_t i = 0; i < n; i++) {
		double value = given->values[i];
		float single = value;
		int64_t whole = value >= 0x1p63 ? INT64_MAX :
				value > -0x1p63 ? (int64_t)value : INT64_MIN;

		if (t->type == DTYPE_F64)
			memcpy(data + 8 * i, &value, 8);
		else if (t->type == DTYPE_F32)
			memcpy(data + 4 * i, &single, 4);
		else
			memcpy(data + width * i, &whole, width);
	}
	t->data = data;
	t->data_bytes = tensor_bytes(t);
}

static void import_input(struct importer *im, const Onnx__ValueInfoProto *info)
{
	const char *name = info->name ? info->name : "";
	const struct enpu_input_value *given = given_value(im, name);
	const Onnx__TypeProto__Tensor *type;
	int32_t dims[MAX_RANK];
	enum dtype dtype;
	struct tensor *t;
	int rank;

	if (import_lookup(im, name))
		return;		/* an initializer that may be given anew: it isn't */
	if (!info->type || info->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
		import_fail(im, -EOPNOTSUPP, "input %.80s is no tensor", name);
	type = info->type->tensor_type;
	dtype = onnx_dtype(type->elem_type);
	if (dtype == DTYPE_COUNT || dtype == DTYPE_F16)
		import_fail(im, -EOPNOTSUPP, "input %.80s: elements of ONNX's type %d are not supported",
			    name, type->elem_type);
	rank = input_shape(im, name, type->shape, dims);
	if (checked_elements(rank, dims) < (given ? 0 : 1))
		import_fail(im, -EINVAL, "input %.80s has impossible dimensions", name);
	t = builder_tensor(&im->b, name, dtype, rank, dims);
	import_bind(im, name, t);
	if (given)
		fix_input(im, t, given);
	else
		*arena_push(im->b.arena, im->b.inputs, im->b.n_inputs) = t;
}

/* What is given must be there. */
static void check_given(struct importer *im)
{
	const char *name = NULL;

	for (unsigned int i = 0; i < im->opts->n_shapes; i++)
		if (!import_lookup(im, im->opts->shapes[i].name))
			name = im->opts->shapes[i].name;
	for (unsigned int i = 0; i < im->opts->n_values; i++)
		if (!import_lookup(im, im->opts->values[i].name))
			name = im->opts->values[i].name;
	if (name)
		import_fail(im, -EINVAL, "the model has no input %.80s", name);
}

/* All nodes that no line of the table is for, before any is translated. */
static void check_known(struct importer *im, const Onnx__GraphProto *g)
{
	unsigned int unknown = 0;

	for (size_t i = 0; i < g->n_node; i++) {
		const Onnx__NodeProto *p = g->node[i];
		const char *type = p->op_type ? p->op_type : "";
		const char *domain = p->domain && *p->domain ? p->domain : NULL;

		if (onnx_find_operator(p->domain, type))
			continue;
		if (++unknown > MAX_UNKNOWN)
			continue;
		diag_add(im->graph->diag, ENPU_ERROR, im->n_nodes + (int)i,
			 "%s: node %d (%.40s%s%.40s%s%.80s): %s%.60s is not supported",
			 im->graph->file, im->n_nodes + (int)i, type, domain ? " of " : "",
			 domain ? domain : "", p->name && *p->name ? " " : "",
			 p->name ? p->name : "", *type ? "the operator " : "an operator without a name",
			 type);
	}
	if (unknown > MAX_UNKNOWN)
		diag_error(im->graph->diag, "%s: %u more nodes are not supported",
			   im->graph->file, unknown - MAX_UNKNOWN);
	if (unknown) {
		im->err = -EOPNOTSUPP;
		longjmp(im->failed, 1);
	}
}

void import_nodes(struct importer *im, const Onnx__GraphProto *g)
{
	check_known(im, g);
	for (size_t i = 0; i < g->n_node; i++) {
		const Onnx__NodeProto *p = g->node[i];
		struct node n = {
			.im = im, .proto = p, .index = im->n_nodes,
			.type = onnx_find_operator(p->domain, p->op_type),
		};

		if (im->n_nodes++ >= ONNX_MAX_NODES)
			import_fail(im, -EFBIG, "the model has more than %d nodes", ONNX_MAX_NODES);
		n.type->translate(&n);
	}
}

/* An output is made by an operator, by one of its own. */
static struct tensor *own_output(struct importer *im, struct tensor *t, const char *name)
{
	struct tensor *own = builder_tensor(&im->b, name, t->type, t->rank, t->dims);
	struct op *op = builder_op(&im->b, OP_RESHAPE, "Identity", 2, 1);
	int32_t dims[MAX_RANK];

	memcpy(dims, t->dims, sizeof(dims));
	own->quant = t->quant;
	op->label = name;
	op->inputs[0] = t;
	op->inputs[1] = builder_ints(&im->b, name, t->rank, dims);
	op->outputs[0] = own;
	return own;
}

static void import_outputs(struct importer *im, const Onnx__GraphProto *g)
{
	for (size_t i = 0; i < g->n_output; i++) {
		const char *name = g->output[i]->name ? g->output[i]->name : "";
		struct tensor *t = import_lookup(im, name);

		if (!t)
			import_fail(im, -EINVAL, "output %.80s is made by no node", name);
		if (checked_elements(t->rank, t->dims) < 1)
			import_fail(im, -EINVAL, "output %.80s is empty", name);
		if (t->data || strcmp(t->name, name) || t->is_input || t->is_output)
			t = own_output(im, t, name);
		t->is_output = true;
		*arena_push(im->b.arena, im->b.outputs, im->b.n_outputs) = t;
	}
	if (!g->n_output)
		import_fail(im, -EINVAL, "the model has no outputs");
}

static void check_opsets(struct importer *im, const Onnx__ModelProto *model)
{
	im->opset = 1;
	for (size_t i = 0; i < model->n_opset_import; i++) {
		const Onnx__OperatorSetIdProto *set = model->opset_import[i];

		if (!set->domain || !*set->domain || !strcmp(set->domain, "ai.onnx"))
			im->opset = set->version;
	}
	if (im->opset < ONNX_OPSET_MIN || im->opset > ONNX_OPSET_MAX)
		import_fail(im, -EOPNOTSUPP, "the model uses ONNX's operator set %lld: %d to %d are known",
			    (long long)im->opset, ONNX_OPSET_MIN, ONNX_OPSET_MAX);
}

static void import_model(struct importer *im, const Onnx__ModelProto *model)
{
	const Onnx__GraphProto *g = model->graph;

	check_opsets(im, model);
	if (model->n_functions)
		import_fail(im, -EOPNOTSUPP, "the model defines functions of its own: not supported");
	im->graph->name = g->name ? g->name : "";
	import_initializers(im, g);
	for (size_t i = 0; i < g->n_input; i++)
		import_input(im, g->input[i]);
	check_given(im);
	for (size_t i = 0; i < im->b.n_inputs; i++)
		im->b.inputs[i]->is_input = true;
	import_nodes(im, g);
	import_outputs(im, g);
}

int onnx_import(struct graph *g, const void *data, size_t size, const struct onnx_options *opts)
{
	static const struct onnx_options none;
	const Onnx__ModelProto *model = onnx_parse(g, data, size);
	struct importer *im = arena_new(g->arena, struct importer, 1);

	if (!model)
		return -EINVAL;
	im->graph = g;
	im->opts = opts ? opts : &none;
	im->b.arena = g->arena;
	if (setjmp(im->failed))
		return im->err;
	import_model(im, model);
	return builder_finish(&im->b, g);
}
