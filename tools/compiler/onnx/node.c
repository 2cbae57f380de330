// SPDX-License-Identifier: MIT
/* Inputs, outputs and attributes of the node that is translated. */
#include "importer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LISTED_INPUTS	8	/* in a message */

static void text_of_inputs(struct node *n, const char **text)
{
	struct arena *arena = n->im->graph->arena;

	*text = "";
	for (unsigned int i = 0; i < node_inputs(n) && i < LISTED_INPUTS; i++) {
		const char *name = n->proto->input[i];
		struct tensor *t = *name ? import_lookup(n->im, name) : NULL;

		*text = arena_printf(arena, "%s%s%s", *text, i ? ", " : "",
				     t || !*name ? tensor_text(arena, t) : name);
	}
}

void node_fail(struct node *n, const char *format, ...)
{
	struct graph *g = n->im->graph;
	const char *inputs, *label = n->proto->name;
	char reason[512];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	text_of_inputs(n, &inputs);
	diag_add(g->diag, ENPU_ERROR, n->index, "%s: node %d (%.40s%s%.80s) on (%s): %s", g->file,
		 n->index, n->proto->op_type, label && *label ? " " : "", label ? label : "",
		 inputs, reason);
	n->im->err = -EOPNOTSUPP;
	longjmp(n->im->failed, 1);
}

unsigned int node_inputs(const struct node *n)
{
	return n->proto->n_input;
}

unsigned int node_outputs(const struct node *n)
{
	return n->proto->n_output;
}

struct tensor *node_input(struct node *n, unsigned int i)
{
	struct tensor *t;

	if (i >= n->proto->n_input || !*n->proto->input[i])
		return NULL;
	t = import_lookup(n->im, n->proto->input[i]);
	if (!t)
		node_fail(n, "its input %u, %.80s, is made by no node before it", i,
			  n->proto->input[i]);
	return t;
}

struct tensor *node_need(struct node *n, unsigned int i)
{
	struct tensor *t = node_input(n, i);

	if (!t)
		node_fail(n, "its input %u is left out", i);
	return t;
}

struct tensor *node_need_float(struct node *n, unsigned int i)
{
	struct tensor *t = node_need(n, i);

	if (t->type != DTYPE_F32)
		node_fail(n, "its input %u is %s: float32 is needed", i, dtype_name(t->type));
	return t;
}

struct tensor *node_constant(struct node *n, unsigned int i, const char *what)
{
	struct tensor *t = node_need(n, i);

	if (!t->data)
		node_fail(n, "its %s (input %u, %.80s) is computed when the model runs: it must "
			  "be known", what, i, t->name);
	return t;
}

bool node_has_output(const struct node *n, unsigned int i)
{
	return i < n->proto->n_output && *n->proto->output[i];
}

void node_output(struct node *n, unsigned int i, struct tensor *t)
{
	if (!node_has_output(n, i))
		return;
	if (import_lookup(n->im, n->proto->output[i]))
		node_fail(n, "its output %u, %.80s, has a source already", i,
			  n->proto->output[i]);
	if (t->index == n->index + 1)
		t->name = n->proto->output[i];
	import_bind(n->im, n->proto->output[i], t);
}

const Onnx__AttributeProto *node_attr(struct node *n, const char *name)
{
	for (size_t i = 0; i < n->proto->n_attribute; i++)
		if (n->proto->attribute[i]->name && !strcmp(n->proto->attribute[i]->name, name))
			return n->proto->attribute[i];
	return NULL;
}

int64_t node_int(struct node *n, const char *name, int64_t def)
{
	const Onnx__AttributeProto *a = node_attr(n, name);

	if (!a)
		return def;
	if (!a->has_i && a->has_type && a->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT)
		node_fail(n, "its attribute %s is no integer", name);
	return a->i;
}

float node_float(struct node *n, const char *name, float def)
{
	const Onnx__AttributeProto *a = node_attr(n, name);

	if (!a)
		return def;
	if (!a->has_f && a->has_type && a->type != ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT)
		node_fail(n, "its attribute %s is no number", name);
	return a->f;
}

const char *node_string(struct node *n, const char *name, const char *def)
{
	const Onnx__AttributeProto *a = node_attr(n, name);

	if (!a)
		return def;
	if (!a->has_s)
		node_fail(n, "its attribute %s is no text", name);
	return arena_printf(n->im->graph->arena, "%.*s", a->s.len < 100 ? (int)a->s.len : 100,
			    (const char *)a->s.data);
}

struct int_list node_ints(struct node *n, const char *name)
{
	const Onnx__AttributeProto *a = node_attr(n, name);
	struct int_list list = { .given = a };

	if (!a)
		return list;
	if (a->n_ints > NODE_MAX_INTS)
		node_fail(n, "its attribute %s has %zu entries, at most %d are known", name,
			  a->n_ints, NODE_MAX_INTS);
	list.n = a->n_ints;
	for (int i = 0; i < list.n; i++)
		list.v[i] = a->ints[i];
	return list;
}

struct int_list node_ints_or_input(struct node *n, const char *name, unsigned int i)
{
	struct int_list list = node_ints(n, name);
	struct tensor *t;

	if (list.given || !node_input(n, i))
		return list;
	t = node_constant(n, i, name);
	if (t->type != DTYPE_I64 && t->type != DTYPE_I32)
		node_fail(n, "its %s (input %u) are %s, no integers", name, i,
			  dtype_name(t->type));
	if (t->rank > 1 || tensor_elements(t) > NODE_MAX_INTS)
		node_fail(n, "its %s (input %u) are no list of at most %d", name, i,
			  NODE_MAX_INTS);
	list.given = true;
	list.n = tensor_elements(t);
	for (int k = 0; k < list.n; k++)
		list.v[k] = tensor_int(t, k);
	return list;
}

void node_small_ints(struct node *n, const char *name, int count, int32_t def, int32_t *values)
{
	struct int_list list = node_ints(n, name);

	if (list.given && list.n != count)
		node_fail(n, "its attribute %s has %d entries, not %d", name, list.n, count);
	for (int i = 0; i < count; i++) {
		if (list.given && (list.v[i] < INT32_MIN || list.v[i] > INT32_MAX))
			node_fail(n, "its attribute %s is beyond all measure", name);
		values[i] = list.given ? list.v[i] : def;
	}
}

int node_axis(struct node *n, int64_t axis, int rank)
{
	if (axis < -rank || axis >= rank)
		node_fail(n, "it names dimension %lld of %d", (long long)axis, rank);
	return axis < 0 ? axis + rank : axis;
}
