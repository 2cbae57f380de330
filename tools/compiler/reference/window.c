// SPDX-License-Identifier: MIT
/* Operators whose window slides over rows and columns: convolutions and poolings. */
#include <errno.h>

#include "kernel.h"

#define MAX_WINDOW	65536

/*
 * How a window of @kernel positions goes over @in positions to make @out of them, in one
 * direction. Of a transposed convolution @in and @out are exchanged.
 */
static const char *slide(const struct op_attrs *a, int axis, int32_t in, int32_t kernel,
			 int32_t out, struct dnn_window *w)
{
	int32_t stride = axis ? a->stride_w : a->stride_h;
	int32_t dilation = axis ? a->dilation_w : a->dilation_h;
	int64_t extent, made, before = 0, after = 0;

	if (stride < 1 || stride > MAX_WINDOW || dilation < 1 || dilation > MAX_WINDOW ||
	    kernel < 1 || kernel > MAX_WINDOW)
		return "window, strides and dilation must be 1 to 65536";
	extent = (int64_t)(kernel - 1) * dilation + 1;
	if (a->padding == PADDING_EXPLICIT) {
		before = a->pads[axis];
		after = a->pads[axis + 2];
		if (before < 0 || after < 0 || before > MAX_WINDOW || after > MAX_WINDOW)
			return "pads must be 0 to 65536";
	} else if (a->padding == PADDING_SAME) {
		made = ((int64_t)in + stride - 1) / stride;
		after = (made - 1) * stride + extent - in;
		after = after < 0 ? 0 : after;
		before = after / 2;
		after -= before;
	}
	if (in + before + after < extent)
		return "the window is larger than what it slides over";
	made = (in + before + after - extent) / stride + 1;
	if (made != out)
		return "the output has another size than window, strides and padding give";
	after = (made - 1) * stride + extent - in - before;
	w->kernel[axis] = kernel;
	w->stride[axis] = stride;
	w->dilation[axis] = dilation;
	w->before[axis] = before;
	w->after[axis] = after < 0 ? 0 : after;
	return NULL;
}

static const char *plan_window(const struct op_attrs *a, const int32_t *in, const int32_t *kernel,
			       const int32_t *out, struct dnn_window *w)
{
	const char *reason = slide(a, 0, in[1], kernel[0], out[1], w);

	return reason ? reason : slide(a, 1, in[2], kernel[1], out[2], w);
}

/* What the kinds of convolutions differ in. */
struct conv_operands {
	const struct tensor *in, *weights, *bias, *out;
};

static struct conv_operands conv_operands(const struct op *op)
{
	bool transposed = op->kind == OP_TRANSPOSE_CONV;
	unsigned int bias = transposed ? 3 : 2;

	return (struct conv_operands){
		.in = op->inputs[transposed ? 2 : 0], .weights = op->inputs[1],
		.bias = has_input(op, bias) ? op->inputs[bias] : NULL, .out = op->outputs[0],
	};
}

static void set_shapes(const struct conv_operands *o, struct dnn_conv *c)
{
	for (int i = 0; i < 4; i++) {
		c->in[i] = o->in->dims[i];
		c->out[i] = o->out->dims[i];
	}
	c->bias = o->bias;
}

/* Weights OHWI. */
static void set_ohwi(const struct tensor *w, struct dnn_conv *c)
{
	c->stride_i = 1;
	c->stride_w = w->dims[3];
	c->stride_h = w->dims[2] * c->stride_w;
	c->stride_o = w->dims[1] * c->stride_h;
}

static const char *check_operands(const struct conv_operands *o)
{
	if (o->in->type != DTYPE_F32 || o->weights->type != DTYPE_F32 ||
	    o->out->type != DTYPE_F32 || (o->bias && o->bias->type != DTYPE_F32))
		return "all tensors must be float32";
	if (o->in->rank != 4 || o->weights->rank != 4 || o->out->rank != 4)
		return "input, weights and output must have 4 dimensions";
	if (o->bias && tensor_elements(o->bias) != o->out->dims[3])
		return "the bias must have an element for each output channel";
	if (o->in->dims[0] != o->out->dims[0])
		return "input and output have different batches";
	return NULL;
}

static const char *plan_conv(const struct op *op, struct dnn_conv *c)
{
	struct conv_operands o = conv_operands(op);
	const char *reason = check_operands(&o);
	const struct tensor *w = o.weights;

	if (reason)
		return reason;
	set_shapes(&o, c);
	if (op->kind == OP_DEPTHWISE_CONV_2D) {
		c->groups = c->in[3];
		c->stride_o = c->stride_i = 1;
		c->stride_w = w->dims[3];
		c->stride_h = w->dims[2] * c->stride_w;
		if (w->dims[0] != 1 || w->dims[3] != c->out[3] || c->out[3] % c->groups)
			return "the weights do not fit the channels";
	} else {
		set_ohwi(w, c);
		if (w->dims[0] != c->out[3] || w->dims[3] < 1 || c->in[3] % w->dims[3])
			return "the weights do not fit the channels";
		c->groups = c->in[3] / w->dims[3];
		if (c->groups < 1 || c->out[3] % c->groups)
			return "the output channels do not divide into the groups";
	}
	return plan_window(&op->attrs, c->in, &w->dims[1], c->out, &c->window);
}

static const char *plan_transposed(const struct op *op, struct dnn_conv *c)
{
	struct conv_operands o = conv_operands(op);
	const char *reason = check_operands(&o);
	const struct tensor *w = o.weights;
	struct op_attrs a = op->attrs;

	if (reason)
		return reason;
	set_shapes(&o, c);
	set_ohwi(w, c);
	c->transposed = true;
	if (w->dims[0] != c->out[3] || w->dims[3] < 1 || c->in[3] % w->dims[3])
		return "the weights do not fit the channels";
	c->groups = c->in[3] / w->dims[3];
	if (c->groups < 1 || c->out[3] % c->groups)
		return "the output channels do not divide into the groups";
	/* TensorFlow Lite's operator has no dilation */
	a.dilation_h += !a.dilation_h;
	a.dilation_w += !a.dilation_w;
	return plan_window(&a, c->out, &w->dims[1], c->in, &c->window);
}

const char *check_window_conv(const struct op *op)
{
	struct dnn_conv c = { 0 };

	return plan_conv(op, &c);
}

const char *check_window_transposed(const struct op *op)
{
	struct dnn_conv c = { 0 };

	return plan_transposed(op, &c);
}

static int make_conv(struct dnn *dnn, const struct op *op, const struct dnn_conv *c, void **state)
{
	struct conv_operands o = conv_operands(op);
	struct dnn_op *conv;
	int err = dnn_convolution(dnn, c, &conv);

	*state = conv;
	if (!err && o.weights->data)
		err = dnn_set_weights(dnn, conv, (const void *)o.weights->data);
	return err;
}

int prepare_conv(struct dnn *dnn, const struct op *op, void **state)
{
	struct dnn_conv c = { 0 };

	plan_conv(op, &c);
	return make_conv(dnn, op, &c, state);
}

int prepare_transposed(struct dnn *dnn, const struct op *op, void **state)
{
	struct dnn_conv c = { 0 };

	plan_transposed(op, &c);
	return make_conv(dnn, op, &c, state);
}

int run_conv(const struct call *c)
{
	struct conv_operands o = conv_operands(c->op);
	bool transposed = c->op->kind == OP_TRANSPOSE_CONV;
	int err = dnn_run(c->dnn, c->state, c->in[transposed ? 2 : 0],
			  o.weights->data ? NULL : c->in[1],
			  o.bias ? c->in[transposed ? 3 : 2] : NULL, c->out[0]);

	activate(c->op->attrs.activation, c->out[0], tensor_elements(o.out));
	return err;
}

void release_dnn(void *state)
{
	dnn_op_free(state);
}

/* From a window's first position to its last. */
static int64_t reach(const struct dnn_window *w, int axis)
{
	return (int64_t)(w->kernel[axis] - 1) * w->dilation[axis];
}

static const char *plan_pool(const struct op *op, struct dnn_window *w)
{
	const struct tensor *in = op->inputs[0], *out = op->outputs[0];
	int32_t kernel[2] = { op->attrs.filter_h, op->attrs.filter_w };
	struct op_attrs a = op->attrs;
	const char *reason = check_floats(op);

	if (reason)
		return reason;
	if (in->rank != 4 || out->rank != 4)
		return "input and output must have 4 dimensions";
	if (in->dims[0] != out->dims[0] || in->dims[3] != out->dims[3])
		return "input and output differ in batch or channels";
	/* only ONNX's poolings have dilation */
	a.dilation_h += !a.dilation_h;
	a.dilation_w += !a.dilation_w;
	reason = plan_window(&a, in->dims, kernel, out->dims, w);
	for (int i = 0; i < 2 && !reason; i++)
		if (w->before[i] > reach(w, i) || w->after[i] > reach(w, i))
			reason = "a window lies in the padding alone";
	return reason;
}

const char *check_window_pool(const struct op *op)
{
	struct dnn_window w;

	return plan_pool(op, &w);
}

int prepare_pool(struct dnn *dnn, const struct op *op, void **state)
{
	enum dnn_pool kind = op->kind == OP_MAX_POOL_2D ? DNN_POOL_MAX :
			     op->attrs.count_pads ? DNN_POOL_AVERAGE_PADDED : DNN_POOL_AVERAGE;
	struct dnn_window w;
	struct dnn_op *pool;
	int err;

	plan_pool(op, &w);
	err = dnn_pooling(dnn, kind, op->inputs[0]->dims, op->outputs[0]->dims, &w, &pool);
	*state = pool;
	return err;
}

int run_pool(const struct call *c)
{
	int err = dnn_run(c->dnn, c->state, c->in[0], NULL, NULL, c->out[0]);

	activate(c->op->attrs.activation, c->out[0], tensor_elements(c->op->outputs[0]));
	return err;
}
