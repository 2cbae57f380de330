// SPDX-License-Identifier: MIT
/*
 * oneDNN behind one face: see dnn.h. In API 2 a memory descriptor is a structure and a
 * primitive is described in two steps; in API 3 the descriptor is an object and there
 * is one step. Only the first part of this file knows.
 */
#include "dnn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <oneapi/dnnl/dnnl.h>

struct dnn {
	dnnl_engine_t engine;
	dnnl_stream_t stream;
};

enum operand { SRC, WEIGHTS, BIAS, DST, OPERANDS };

static const int operand_arg[OPERANDS] = {
	DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST,
};

struct dnn_op {
	dnnl_primitive_t primitive;
	dnnl_memory_t memory[OPERANDS];		/* NULL: not used */
	/* from the order in which weights come, where it is not the primitive's */
	dnnl_primitive_t reorder;
	dnnl_memory_t plain;
	void *weights;				/* in the primitive's order */
};

/* How an operand lies. */
struct layout {
	int rank;			/* 0: the operand is not used */
	dnnl_dims_t dims, strides;
	bool any;			/* the primitive chooses */
};

/* nothing here trains */
static const dnnl_prop_kind_t inference = dnnl_forward_inference;

struct geometry {
	dnnl_dims_t kernel, stride, dilation, before, after;
};

#if DNNL_VERSION_MAJOR >= 3

typedef dnnl_memory_desc_t descriptor;
typedef const_dnnl_memory_desc_t descriptor_ref;

static descriptor_ref ref(const descriptor *d)
{
	return *d;
}

static void drop(descriptor *d)
{
	if (*d)
		dnnl_memory_desc_destroy(*d);
}

static dnnl_status_t describe(descriptor *d, const struct layout *l)
{
	if (l->any)
		return dnnl_memory_desc_create_with_tag(d, l->rank, l->dims, dnnl_f32,
							dnnl_format_tag_any);
	return dnnl_memory_desc_create_with_strides(d, l->rank, l->dims, dnnl_f32, l->strides);
}

static dnnl_status_t describe_conv(dnnl_primitive_desc_t *pd, struct dnn *dnn, bool transposed,
				   const descriptor *d, bool bias, const struct geometry *g)
{
	descriptor_ref b = bias ? ref(&d[BIAS]) : NULL;

	if (transposed)
		return dnnl_deconvolution_forward_primitive_desc_create(pd, dnn->engine, inference,
									dnnl_deconvolution_direct,
									d[SRC], d[WEIGHTS], b,
									d[DST], g->stride,
									g->dilation, g->before,
									g->after, NULL);
	return dnnl_convolution_forward_primitive_desc_create(pd, dnn->engine, inference,
							      dnnl_convolution_direct, d[SRC],
							      d[WEIGHTS], b, d[DST], g->stride,
							      g->dilation, g->before, g->after,
							      NULL);
}

static dnnl_status_t describe_pool(dnnl_primitive_desc_t *pd, struct dnn *dnn,
				   dnnl_alg_kind_t kind, const descriptor *d,
				   const struct geometry *g)
{
	return dnnl_pooling_forward_primitive_desc_create(pd, dnn->engine, inference, kind,
							  d[SRC], d[DST], g->stride, g->kernel,
							  g->dilation, g->before, g->after, NULL);
}

static dnnl_status_t describe_matmul(dnnl_primitive_desc_t *pd, struct dnn *dnn,
				     const descriptor *d, bool bias)
{
	return dnnl_matmul_primitive_desc_create(pd, dnn->engine, d[SRC], d[WEIGHTS],
						 bias ? d[BIAS] : NULL, d[DST], NULL);
}

#else

typedef dnnl_memory_desc_t descriptor;
typedef const dnnl_memory_desc_t *descriptor_ref;

static descriptor_ref ref(const descriptor *d)
{
	return d;
}

static void drop(descriptor *d)
{
}

static dnnl_status_t describe(descriptor *d, const struct layout *l)
{
	if (l->any)
		return dnnl_memory_desc_init_by_tag(d, l->rank, l->dims, dnnl_f32,
						    dnnl_format_tag_any);
	return dnnl_memory_desc_init_by_strides(d, l->rank, l->dims, dnnl_f32, l->strides);
}

static dnnl_status_t describe_conv(dnnl_primitive_desc_t *pd, struct dnn *dnn, bool transposed,
				   const descriptor *d, bool bias, const struct geometry *g)
{
	descriptor_ref b = bias ? &d[BIAS] : NULL;
	dnnl_deconvolution_desc_t deconv;
	dnnl_convolution_desc_t conv;
	dnnl_status_t status;

	if (transposed) {
		status = dnnl_dilated_deconvolution_forward_desc_init(&deconv, inference,
								      dnnl_deconvolution_direct,
								      &d[SRC], &d[WEIGHTS], b,
								      &d[DST], g->stride,
								      g->dilation, g->before,
								      g->after);
		return status ? status : dnnl_primitive_desc_create(pd, &deconv, NULL,
								    dnn->engine, NULL);
	}
	status = dnnl_dilated_convolution_forward_desc_init(&conv, inference,
							    dnnl_convolution_direct, &d[SRC],
							    &d[WEIGHTS], b, &d[DST], g->stride,
							    g->dilation, g->before, g->after);
	return status ? status : dnnl_primitive_desc_create(pd, &conv, NULL, dnn->engine, NULL);
}

static dnnl_status_t describe_pool(dnnl_primitive_desc_t *pd, struct dnn *dnn,
				   dnnl_alg_kind_t kind, const descriptor *d,
				   const struct geometry *g)
{
	dnnl_pooling_v2_desc_t pool;
	dnnl_status_t status;

	status = dnnl_pooling_v2_forward_desc_init(&pool, inference, kind, &d[SRC], &d[DST],
						   g->stride, g->kernel, g->dilation, g->before,
						   g->after);
	return status ? status : dnnl_primitive_desc_create(pd, &pool, NULL, dnn->engine, NULL);
}

static dnnl_status_t describe_matmul(dnnl_primitive_desc_t *pd, struct dnn *dnn,
				     const descriptor *d, bool bias)
{
	dnnl_matmul_desc_t matmul;
	dnnl_status_t status = dnnl_matmul_desc_init(&matmul, &d[SRC], &d[WEIGHTS],
						     bias ? &d[BIAS] : NULL, &d[DST]);

	return status ? status : dnnl_primitive_desc_create(pd, &matmul, NULL, dnn->engine, NULL);
}

#endif

static int error_of(dnnl_status_t status)
{
	if (status == dnnl_success)
		return 0;
	return status == dnnl_out_of_memory ? -ENOMEM : -EOPNOTSUPP;
}

struct dnn *dnn_new(void)
{
	struct dnn *dnn = calloc(1, sizeof(*dnn));

	if (!dnn)
		return NULL;
	if (!dnnl_engine_create(&dnn->engine, dnnl_cpu, 0) &&
	    !dnnl_stream_create(&dnn->stream, dnn->engine, dnnl_stream_default_flags))
		return dnn;
	dnn_free(dnn);
	return NULL;
}

void dnn_free(struct dnn *dnn)
{
	if (!dnn)
		return;
	if (dnn->stream)
		dnnl_stream_destroy(dnn->stream);
	if (dnn->engine)
		dnnl_engine_destroy(dnn->engine);
	free(dnn);
}

void dnn_op_free(struct dnn_op *op)
{
	if (!op)
		return;
	for (int i = 0; i < OPERANDS; i++)
		if (op->memory[i])
			dnnl_memory_destroy(op->memory[i]);
	if (op->plain)
		dnnl_memory_destroy(op->plain);
	if (op->primitive)
		dnnl_primitive_destroy(op->primitive);
	if (op->reorder)
		dnnl_primitive_destroy(op->reorder);
	free(op->weights);
	free(op);
}

/* The primitive's own order of weights, and the way from @plain to it. */
static dnnl_status_t plan_weights(struct dnn *dnn, struct dnn_op *op, const descriptor *plain,
				  descriptor_ref own)
{
	size_t bytes = (dnnl_memory_desc_get_size(own) + 63) & ~(size_t)63;
	dnnl_primitive_desc_t pd;
	dnnl_status_t status;

	op->weights = aligned_alloc(64, bytes);
	if (!op->weights)
		return dnnl_out_of_memory;
	status = dnnl_memory_create(&op->memory[WEIGHTS], own, dnn->engine, op->weights);
	if (!status)
		status = dnnl_memory_create(&op->plain, ref(plain), dnn->engine, DNNL_MEMORY_NONE);
	if (status)
		return status;
	status = dnnl_reorder_primitive_desc_create(&pd, ref(plain), dnn->engine, own,
						    dnn->engine, NULL);
	if (status)
		return status;
	status = dnnl_primitive_create(&op->reorder, pd);
	dnnl_primitive_desc_destroy(pd);
	return status;
}

/* How the primitive wants its weights. */
static descriptor_ref weights_of(dnnl_primitive_desc_t pd)
{
	return dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
}

static dnnl_status_t make_op(struct dnn *dnn, dnnl_primitive_desc_t pd, const descriptor *d,
			     const struct layout *l, const descriptor *plain, struct dnn_op **op)
{
	dnnl_status_t status;

	*op = calloc(1, sizeof(**op));
	if (!*op)
		return dnnl_out_of_memory;
	status = dnnl_primitive_create(&(*op)->primitive, pd);
	for (int i = 0; i < OPERANDS && !status; i++) {
		if (!l[i].rank)
			continue;
		if (l[i].any)
			status = plan_weights(dnn, *op, plain, weights_of(pd));
		else
			status = dnnl_memory_create(&(*op)->memory[i], ref(&d[i]), dnn->engine,
						    DNNL_MEMORY_NONE);
	}
	if (status) {
		dnn_op_free(*op);
		*op = NULL;
	}
	return status;
}

/* NHWC, in oneDNN's order of dimensions: batch, channels, height, width. */
static struct layout feature_map(const int32_t *dims)
{
	struct layout l = { .rank = 4, .dims = { dims[0], dims[3], dims[1], dims[2] } };

	l.strides[1] = 1;
	l.strides[3] = dims[3];
	l.strides[2] = (int64_t)dims[2] * dims[3];
	l.strides[0] = dims[1] * l.strides[2];
	return l;
}

static struct geometry window_geometry(const struct dnn_window *w)
{
	struct geometry g = { 0 };

	for (int i = 0; i < 2; i++) {
		g.kernel[i] = w->kernel[i];
		g.stride[i] = w->stride[i];
		g.dilation[i] = w->dilation[i] - 1;
		g.before[i] = w->before[i];
		g.after[i] = w->after[i];
	}
	return g;
}

static void drop_all(descriptor *d, const struct layout *l)
{
	for (int i = 0; i < OPERANDS; i++)
		if (l[i].rank)
			drop(&d[i]);
}

static dnnl_status_t describe_all(descriptor *d, const struct layout *l)
{
	dnnl_status_t status = dnnl_success;

	for (int i = 0; i < OPERANDS && !status; i++)
		if (l[i].rank)
			status = describe(&d[i], &l[i]);
	return status;
}

int dnn_convolution(struct dnn *dnn, const struct dnn_conv *conv, struct dnn_op **op)
{
	const struct dnn_window *w = &conv->window;
	int64_t o = conv->out[3] / conv->groups, i = conv->in[3] / conv->groups;
	struct layout plain = {
		.rank = 5,
		.dims = { conv->groups, o, i, w->kernel[0], w->kernel[1] },
		.strides = { o * conv->stride_o, conv->stride_o, conv->stride_i, conv->stride_h,
			     conv->stride_w },
	};
	struct layout l[OPERANDS] = {
		[SRC] = feature_map(conv->in), [DST] = feature_map(conv->out),
		[BIAS] = { .rank = conv->bias, .dims = { conv->out[3] }, .strides = { 1 } },
	};
	struct geometry g = window_geometry(w);
	descriptor d[OPERANDS] = { 0 }, plain_d = { 0 };
	dnnl_primitive_desc_t pd;
	dnnl_status_t status;

	*op = NULL;
	if (conv->groups == 1) {
		plain.rank = 4;
		memmove(plain.dims, plain.dims + 1, 4 * sizeof(plain.dims[0]));
		memmove(plain.strides, plain.strides + 1, 4 * sizeof(plain.strides[0]));
	}
	l[WEIGHTS] = plain;
	l[WEIGHTS].any = true;
	status = describe_all(d, l);
	if (!status)
		status = describe(&plain_d, &plain);
	if (!status)
		status = describe_conv(&pd, dnn, conv->transposed, d, conv->bias, &g);
	if (!status) {
		status = make_op(dnn, pd, d, l, &plain_d, op);
		dnnl_primitive_desc_destroy(pd);
	}
	drop(&plain_d);
	drop_all(d, l);
	return error_of(status);
}

int dnn_pooling(struct dnn *dnn, enum dnn_pool kind, const int32_t *in, const int32_t *out,
		const struct dnn_window *window, struct dnn_op **op)
{
	static const dnnl_alg_kind_t kinds[] = {
		[DNN_POOL_MAX] = dnnl_pooling_max,
		[DNN_POOL_AVERAGE] = dnnl_pooling_avg_exclude_padding,
		[DNN_POOL_AVERAGE_PADDED] = dnnl_pooling_avg_include_padding,
	};
	struct layout l[OPERANDS] = { [SRC] = feature_map(in), [DST] = feature_map(out) };
	struct geometry g = window_geometry(window);
	descriptor d[OPERANDS] = { 0 };
	dnnl_primitive_desc_t pd;
	dnnl_status_t status = describe_all(d, l);

	*op = NULL;
	if (!status)
		status = describe_pool(&pd, dnn, kinds[kind], d, &g);
	if (!status) {
		status = make_op(dnn, pd, d, l, NULL, op);
		dnnl_primitive_desc_destroy(pd);
	}
	drop_all(d, l);
	return error_of(status);
}

static struct layout matrix(int rank, const int64_t *dims, const int64_t *strides)
{
	struct layout l = { .rank = rank };
	int64_t stride = 1;

	for (int i = rank - 1; i >= 0; i--) {
		l.dims[i] = dims[i];
		l.strides[i] = strides ? strides[i] : stride;
		stride *= dims[i];
	}
	return l;
}

int dnn_matmul(struct dnn *dnn, const struct dnn_matmul *m, struct dnn_op **op)
{
	struct layout l[OPERANDS] = {
		[SRC] = matrix(m->rank, m->a, m->a_strides),
		[WEIGHTS] = matrix(m->rank, m->b, m->b_strides),
		[DST] = matrix(m->rank, m->c, NULL),
	};
	int64_t row[DNN_MAX_RANK];
	descriptor d[OPERANDS] = { 0 };
	dnnl_primitive_desc_t pd;
	dnnl_status_t status;

	*op = NULL;
	if (m->bias) {
		for (int i = 0; i < m->rank; i++)
			row[i] = 1;
		row[m->rank - 1] = m->c[m->rank - 1];
		l[BIAS] = matrix(m->rank, row, NULL);
	}
	status = describe_all(d, l);
	if (!status)
		status = describe_matmul(&pd, dnn, d, m->bias);
	if (!status) {
		status = make_op(dnn, pd, d, l, NULL, op);
		dnnl_primitive_desc_destroy(pd);
	}
	drop_all(d, l);
	return error_of(status);
}

int dnn_set_weights(struct dnn *dnn, struct dnn_op *op, const float *weights)
{
	dnnl_exec_arg_t args[] = {
		{ DNNL_ARG_FROM, op->plain }, { DNNL_ARG_TO, op->memory[WEIGHTS] },
	};
	dnnl_status_t status = dnnl_memory_set_data_handle(op->plain, (void *)weights);

	if (!status)
		status = dnnl_primitive_execute(op->reorder, dnn->stream, 2, args);
	if (!status)
		status = dnnl_stream_wait(dnn->stream);
	return status ? -ENOMEM : 0;
}

int dnn_run(struct dnn *dnn, struct dnn_op *op, const float *in, const float *weights,
	    const float *bias, float *out)
{
	const void *data[OPERANDS] = { in, weights, bias, out };
	dnnl_exec_arg_t args[OPERANDS];
	dnnl_status_t status = dnnl_success;
	int n = 0;

	if (weights && op->reorder) {
		int err = dnn_set_weights(dnn, op, weights);

		if (err)
			return err;
		data[WEIGHTS] = NULL;
	}
	for (int i = 0; i < OPERANDS && !status; i++) {
		if (!op->memory[i])
			continue;
		if (data[i])
			status = dnnl_memory_set_data_handle(op->memory[i], (void *)data[i]);
		args[n++] = (dnnl_exec_arg_t){ operand_arg[i], op->memory[i] };
	}
	if (!status)
		status = dnnl_primitive_execute(op->primitive, dnn->stream, n, args);
	if (!status)
		status = dnnl_stream_wait(dnn->stream);
	return status ? -ENOMEM : 0;
}
