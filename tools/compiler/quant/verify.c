// SPDX-License-Identifier: MIT
/*
 * Verification: see verify.h. The compiled model runs wherever the caller's runner runs
 * it. For the figures of every layer, the same int8 graph is compiled again with the
 * tensors between its operators as further outputs, some at a time.
 */
#include "verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../ir/builder.h"
#include "accuracy.h"
#include "rules.h"

#define LAYERS_AT_ONCE	32		/* a job has 64 regions, and each output is one */

/* A compiled model in the runner, with memory for its tensors. */
struct device {
	const struct graph *g;
	const struct enpu_blob *model;
	void *instance;
	void **inputs, **outputs;
	struct closeness *closeness;	/* by output */
};

struct checker {
	struct verification *v;
	struct arena *arena;
	const struct enpu_verify_options *how;
	struct reference *reference;	/* of the source or the teacher */
	struct device device;
	struct enpu_input_info *infos;	/* of the source's inputs */
	void **sample;
	uint32_t num_samples;
	bool in_sequence;		/* the model has variables */
	float *values;			/* room for the largest tensor */
	const struct tensor **watched;	/* of the teacher, by output of the device */
};

static int runner_error(const struct checker *k, int err, const char *what, const char *text)
{
	diag_error(k->v->made->diag, "%s: %s the compiled model: %s", k->v->made->file, what,
		   *text ? text : strerror(-err));
	return err;
}

static void unload(struct checker *k)
{
	if (k->device.instance)
		k->how->runner->unload(k->device.instance);
	k->device.instance = NULL;
}

/* A new instance has the first values of variables. */
static int begin(struct checker *k)
{
	const struct enpu_runner *runner = k->how->runner;
	char error[512] = "";
	int err;

	unload(k);
	err = runner->load(runner->arg, k->device.model, &k->device.instance, error,
			   sizeof(error));
	return err ? runner_error(k, err, "loading", error) : 0;
}

static int load(struct checker *k, const struct graph *g, const struct enpu_blob *model)
{
	struct device *d = &k->device;
	int err;

	d->model = model;
	err = begin(k);
	if (err)
		return err;
	d->g = g;
	d->inputs = arena_new(k->arena, void *, g->n_inputs);
	d->outputs = arena_new(k->arena, void *, g->n_outputs);
	d->closeness = arena_new(k->arena, struct closeness, g->n_outputs);
	for (unsigned int i = 0; i < g->n_inputs; i++)
		d->inputs[i] = arena_alloc(k->arena, tensor_bytes(g->inputs[i]), 1);
	for (unsigned int i = 0; i < g->n_outputs; i++)
		d->outputs[i] = arena_alloc(k->arena, tensor_bytes(g->outputs[i]), 1);
	return 0;
}

static struct scaling scaling_of_tensor(const struct tensor *t)
{
	return (struct scaling) {
		t->quant.scale[0], (int32_t)t->quant.zero_point[0], t->type == DTYPE_I16,
	};
}

/* The sample, as the compiled model wants it. */
static void fill_inputs(struct checker *k)
{
	for (unsigned int i = 0; i < k->device.g->n_inputs; i++) {
		const struct tensor *t = k->device.g->inputs[i];
		const float *from = k->sample[i];
		void *to = k->device.inputs[i];

		if (t->type != DTYPE_I8 && t->type != DTYPE_I16) {
			memcpy(to, from, tensor_bytes(t));
			continue;
		}
		for (int64_t n = 0; n < tensor_elements(t); n++) {
			int32_t q = quantize_value(from[n], scaling_of_tensor(t));

			if (t->type == DTYPE_I8)
				((int8_t *)to)[n] = (int8_t)q;
			else
				((int16_t *)to)[n] = (int16_t)q;
		}
	}
}

/* Sample @index through device and reference. */
static int run(struct checker *k, uint32_t index, reference_watch watch)
{
	char error[512] = "";
	int err = read_sample(k->v->source, k->how->samples, index, k->infos, k->sample);

	if (!err && k->in_sequence && begins_sequence(k->how->samples, index)) {
		reference_reset(k->reference);
		err = begin(k);
	}
	if (err)
		return err;
	fill_inputs(k);
	err = k->how->runner->run(k->device.instance, (const void *const *)k->device.inputs,
				  k->device.outputs, error, sizeof(error));
	if (err)
		return runner_error(k, err, "running", error);
	err = reference_run(k->reference, (const void *const *)k->sample, watch, k);
	if (err)
		diag_error(k->v->made->diag, "%s: the float reference failed: %s",
			   k->v->made->file, strerror(-err));
	return err;
}

/* Output @i of the device in real numbers; NULL: it has none. */
static const float *real_output(struct checker *k, unsigned int i)
{
	const struct tensor *t = k->device.g->outputs[i];
	const void *from = k->device.outputs[i];

	if (t->type == DTYPE_F32)
		return from;
	if (t->type != DTYPE_I8 && t->type != DTYPE_I16)
		return NULL;
	for (int64_t n = 0; n < tensor_elements(t); n++) {
		int32_t q = t->type == DTYPE_I8 ? ((const int8_t *)from)[n] :
						  ((const int16_t *)from)[n];

		k->values[n] = dequantize_value(q, scaling_of_tensor(t));
	}
	return k->values;
}

static void compare(struct checker *k, unsigned int i, const struct tensor *t, const void *truth)
{
	const float *real = real_output(k, i);

	if (real && t->type == DTYPE_F32)
		closeness_add(&k->device.closeness[i], truth, real, tensor_elements(t));
}

static void watch_layers(void *arg, const struct tensor *t, void *data)
{
	struct checker *k = arg;

	for (unsigned int i = 0; i < k->device.g->n_outputs; i++)
		if (k->watched[i] == t)
			compare(k, i, t, data);
}

static char *copy_text(const char *text)
{
	return strdup(text ? text : "");
}

static int append(struct enpu_tensor_accuracy **list, uint32_t *count, const struct tensor *t,
		  const struct closeness *c)
{
	struct enpu_tensor_accuracy *more = realloc(*list, (*count + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	*list = more;
	more[*count] = (struct enpu_tensor_accuracy) {
		.name = copy_text(t->name), .type = copy_text(t->producer ? t->producer->name : ""),
		.sqnr_db = closeness_sqnr_db(c), .cosine = closeness_cosine(c),
		.least_cosine = c->least_cosine, .agreement = -1,
	};
	if (!more[*count].name || !more[*count].type) {
		free(more[*count].name);
		free(more[*count].type);
		return -ENOMEM;
	}
	(*count)++;
	return 0;
}

void enpu_accuracy_free(struct enpu_accuracy *accuracy)
{
	struct enpu_tensor_accuracy *lists[] = { accuracy->layers, accuracy->outputs };
	uint32_t counts[] = { accuracy->num_layers, accuracy->num_outputs };

	for (int l = 0; l < 2; l++) {
		for (uint32_t i = 0; i < counts[l]; i++) {
			free(lists[l][i].name);
			free(lists[l][i].type);
		}
		free(lists[l]);
	}
	memset(accuracy, 0, sizeof(*accuracy));
}

/* Scores of classes come out of a softmax, with nothing but moves behind it. */
static bool is_scores(const struct tensor *t)
{
	while (t->producer && rule_of(t->producer->kind) == RULE_SAME && t->producer->inputs[0])
		t = t->producer->inputs[0];
	return t->producer && t->producer->kind == OP_SOFTMAX;
}

static bool is_vector(const struct tensor *t)
{
	for (int d = 0; d < t->rank; d++)
		if (t->dims[d] > 1 && t->dims[d] == tensor_elements(t))
			return t->type == DTYPE_F32;
	return false;
}

/* Both versions of the first output against the label. */
static void count_correct(struct checker *k, uint32_t index)
{
	const struct enpu_samples *samples = k->how->samples;
	const struct tensor *t = k->v->source->outputs[0];
	int32_t label = samples->label ? samples->label(samples->arg, index) : -1;
	struct enpu_accuracy *a = k->v->opts->accuracy;
	size_t n = tensor_elements(t);
	const float *real = real_output(k, 0);

	if (label < 0 || !is_vector(t) || !real)
		return;
	a->labelled++;
	a->float_correct += largest_element(reference_output(k->reference, 0), n) == (size_t)label;
	a->npu_correct += largest_element(real, n) == (size_t)label;
}

static int report_outputs(struct checker *k)
{
	struct enpu_accuracy *a = k->v->opts->accuracy;

	for (unsigned int i = 0; i < k->v->source->n_outputs; i++) {
		const struct tensor *t = k->v->source->outputs[i];
		const struct closeness *c = &k->device.closeness[i];
		int err = append(&a->outputs, &a->num_outputs, t, c);

		if (err)
			return err;
		if (is_vector(t) && (is_scores(t) || (a->labelled && !i)))
			a->outputs[i].agreement = (double)c->agreed / c->samples;
	}
	a->samples = k->num_samples;
	return 0;
}

static int verify_outputs(struct checker *k)
{
	const struct graph *source = k->v->source;
	int err = load(k, k->v->made, k->v->model);

	for (uint32_t n = 0; n < k->num_samples && !err; n++) {
		report_progress(k->v->opts, "verifying", n, k->num_samples);
		err = run(k, n, NULL);
		if (err)
			break;
		for (unsigned int i = 0; i < source->n_outputs; i++)
			compare(k, i, source->outputs[i], reference_output(k->reference, i));
		count_correct(k, n);
	}
	if (!err)
		report_progress(k->v->opts, "verifying", k->num_samples, k->num_samples);
	return err ? err : report_outputs(k);
}

/* The float tensor that @t is the quantized version of. */
static const struct tensor *teacher_of(const struct graph *teacher, const struct tensor *t)
{
	if ((t->type != DTYPE_I8 && t->type != DTYPE_I16) || !t->producer)
		return NULL;
	for (unsigned int i = 0; i < teacher->n_tensors; i++) {
		const struct tensor *f = &teacher->tensors[i];

		if (is_float_activation(f) && same_shape(f, t) && !strcmp(f->name, t->name))
			return f;
	}
	return NULL;
}

/*
 * The graph with the results of operators from @first on as outputs instead; *@next: the
 * first one that is left over. How many there are, or a negative errno.
 */
static int expose(struct checker *k, struct graph *g, unsigned int first, unsigned int *next)
{
	struct builder b;
	unsigned int i;
	int err;

	*g = *k->v->made;
	builder_open(&b, g);
	b.n_outputs = 0;
	b.outputs = NULL;
	for (i = first; i < g->n_ops && b.n_outputs < LAYERS_AT_ONCE; i++) {
		struct tensor *t = g->ops[i].outputs[0];
		const struct tensor *f = teacher_of(k->v->teacher, t);

		if (!f)
			continue;
		k->watched[b.n_outputs] = f;
		*arena_push(b.arena, b.outputs, b.n_outputs) = t;
	}
	*next = i;
	err = b.n_outputs ? builder_finish(&b, g) : 0;
	return err ? err : (int)b.n_outputs;
}

static int verify_some_layers(struct checker *k, const struct graph *exposed,
			      const struct enpu_blob *model)
{
	struct enpu_accuracy *a = k->v->opts->accuracy;
	uint32_t count = k->num_samples;
	int err = load(k, exposed, model);

	if (count > k->how->layer_samples)
		count = k->how->layer_samples;
	for (uint32_t n = 0; n < count && !err; n++)
		err = run(k, n, watch_layers);
	for (unsigned int i = 0; i < exposed->n_outputs && !err; i++)
		err = append(&a->layers, &a->num_layers, exposed->outputs[i],
			     &k->device.closeness[i]);
	unload(k);
	return err;
}

static int verify_layers(struct checker *k)
{
	unsigned int next = 0, total = k->v->made->n_ops;
	int err = 0;

	k->watched = arena_new(k->arena, const struct tensor *, LAYERS_AT_ONCE);
	while (next < total && !err) {
		struct enpu_blob model = { 0 };
		struct graph exposed;
		int count;

		report_progress(k->v->opts, "verifying layers", next, total);
		count = expose(k, &exposed, next, &next);
		if (count <= 0)
			return count;
		err = k->v->compile(k->v, &exposed, &model);
		if (!err)
			err = verify_some_layers(k, &exposed, &model);
		enpu_blob_free(&model);
	}
	if (!err)
		report_progress(k->v->opts, "verifying layers", total, total);
	return err;
}

static int use_reference(struct checker *k, const struct graph *g)
{
	reference_free(k->reference);
	k->reference = reference_new(g);
	return k->reference ? 0 : -EOPNOTSUPP;
}

static int64_t largest_tensor(const struct graph *g)
{
	int64_t most = 0;

	for (unsigned int i = 0; i < g->n_tensors; i++)
		if (tensor_elements(&g->tensors[i]) > most)
			most = tensor_elements(&g->tensors[i]);
	return most;
}

static int run_checks(void *arg)
{
	struct checker *k = arg;
	int err;

	describe_inputs(k->arena, k->v->source, &k->infos, &k->sample);
	k->values = arena_new(k->arena, float, largest_tensor(k->v->made));
	k->in_sequence = has_variables(k->v->source);
	err = open_samples(k->v->source, k->how->samples, k->infos, &k->num_samples);
	if (!err)
		err = use_reference(k, k->v->source);
	if (!err)
		err = verify_outputs(k);
	unload(k);
	if (err || !k->how->layer_samples)
		return err;
	err = use_reference(k, k->v->teacher);
	return err ? err : verify_layers(k);
}

static void release(void *arg)
{
	struct checker *k = arg;

	unload(k);
	reference_free(k->reference);
	k->reference = NULL;
}

int verify_model(struct verification *v)
{
	struct checker k = { .v = v, .arena = v->made->arena, .how = v->opts->verify };

	if (!k.how->samples || !k.how->runner || !v->opts->accuracy) {
		diag_error(v->made->diag, "%s: there is nothing to verify with", v->made->file);
		return -EINVAL;
	}
	return arena_guard(k.arena, run_checks, release, &k);
}
