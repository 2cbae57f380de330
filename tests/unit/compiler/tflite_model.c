// SPDX-License-Identifier: MIT
/*
 * Small TensorFlow Lite models for tests: see tflite_model.h.
 *
 * The writer goes forward only: a table is written with zeroes where offsets belong,
 * and each is filled in when its target is written behind.
 */
#include "tflite_model.h"

#include <stdlib.h>
#include <string.h>

#define POOL_BYTES	(4u << 20)

struct writer {
	uint8_t *data;
	size_t size, capacity;
};

static void put(struct writer *w, const void *data, size_t bytes)
{
	if (w->size + bytes > w->capacity) {
		w->capacity = 2 * (w->size + bytes);
		w->data = realloc(w->data, w->capacity);
	}
	if (data)
		memcpy(w->data + w->size, data, bytes);
	else
		memset(w->data + w->size, 0, bytes);
	w->size += bytes;
}

static void align(struct writer *w, size_t to)
{
	while (w->size % to)
		put(w, NULL, 1);
}

static void put_u32(struct writer *w, uint32_t value)
{
	put(w, &value, 4);
}

/* The offset stored at @at leads here. */
static void lead_here(struct writer *w, size_t at)
{
	uint32_t offset = w->size - at;

	memcpy(w->data + at, &offset, 4);
}

/* A table; @at receives the position of each field that is present. */
static void put_table(struct writer *w, size_t from, const struct tm_field *fields, int n,
		      size_t *at)
{
	uint16_t vtable[2 + TM_MAX_FIELDS] = { 4 + 2 * n, 4 };
	size_t vtable_at, table_at;

	for (int i = 0; i < n; i++) {
		if (!fields[i].bytes)
			continue;
		vtable[1] = (vtable[1] + fields[i].bytes - 1) / fields[i].bytes * fields[i].bytes;
		vtable[2 + i] = vtable[1];
		vtable[1] += fields[i].bytes;
	}
	align(w, 4);
	vtable_at = w->size;
	put(w, vtable, 4 + 2 * n);
	align(w, 4);
	lead_here(w, from);
	table_at = w->size;
	put_u32(w, table_at - vtable_at);
	put(w, NULL, vtable[1] - 4);
	for (int i = 0; i < n; i++) {
		memcpy(w->data + table_at + vtable[2 + i], &fields[i].bits,
		       fields[i].bytes ? fields[i].bytes : 0);
		if (at)
			at[i] = fields[i].bytes ? table_at + vtable[2 + i] : 0;
	}
}

static void put_vector(struct writer *w, size_t from, const void *data, size_t count,
		       size_t element_bytes)
{
	align(w, 4);
	if (element_bytes == 8 && (w->size + 4) % 8)
		put_u32(w, 0);
	lead_here(w, from);
	put_u32(w, count);
	put(w, data, count * element_bytes);
}

/* A vector of offsets: gives the position of the first. */
static size_t put_offsets(struct writer *w, size_t from, size_t count)
{
	put_vector(w, from, NULL, count, 4);
	return w->size - 4 * count;
}

static void put_string(struct writer *w, size_t from, const char *text)
{
	put_vector(w, from, text, strlen(text), 1);
	put(w, NULL, 1);
}

#define OFFSET	{ 4, 0 }
#define ABSENT	{ 0, 0 }

static void put_tensor(struct writer *w, size_t from, const struct tm_tensor *t, uint32_t buffer)
{
	struct tm_field fields[] = { OFFSET, TM_BYTE(t->type), TM_INT(buffer), OFFSET, OFFSET };
	struct tm_field quant[] = { ABSENT, ABSENT, OFFSET, OFFSET, ABSENT, ABSENT,
				    TM_INT(t->axis) };
	uint32_t n = t->n_scales ? t->n_scales : 1;
	int64_t *zero_points = calloc(n, sizeof(*zero_points));
	size_t at[5], quant_at[7];

	if (!t->scale && !t->n_scales)
		fields[4].bytes = 0;
	put_table(w, from, fields, 5, at);
	put_vector(w, at[0], t->dims, t->rank, 4);
	put_string(w, at[3], t->name);
	if (at[4]) {
		put_table(w, at[4], quant, 7, quant_at);
		put_vector(w, quant_at[2], t->n_scales ? t->scales : &t->scale, n, 4);
		zero_points[0] = t->zero_point;
		put_vector(w, quant_at[3], zero_points, n, 8);
	}
	free(zero_points);
}

static void put_op(struct writer *w, size_t from, const struct tm_op *op, uint32_t code)
{
	struct tm_field fields[] = { TM_INT(code), OFFSET, OFFSET, TM_BYTE(op->options_type),
				     OFFSET, OFFSET };
	size_t at[6];

	if (!op->options_type)
		fields[4].bytes = 0;
	if (!op->custom_options)
		fields[5].bytes = 0;
	put_table(w, from, fields, 6, at);
	put_vector(w, at[1], op->in, op->n_in, 4);
	put_vector(w, at[2], op->out, op->n_out, 4);
	if (at[4])
		put_table(w, at[4], op->fields, op->n_fields, NULL);
	if (at[5])
		put_vector(w, at[5], op->custom_options, op->custom_bytes, 1);
}

static void put_subgraph(struct writer *w, size_t from, const struct test_model *m)
{
	struct tm_field fields[] = { OFFSET, OFFSET, OFFSET, OFFSET, OFFSET };
	size_t at[5], list;

	put_table(w, from, fields, 5, at);
	put_string(w, at[4], "main");
	put_vector(w, at[1], m->inputs, m->n_inputs, 4);
	put_vector(w, at[2], m->outputs, m->n_outputs, 4);
	list = put_offsets(w, at[0], m->n_tensors);
	for (int i = 0; i < m->n_tensors; i++)
		put_tensor(w, list + 4 * i, &m->tensors[i], m->tensors[i].data ? i + 1 : 0);
	list = put_offsets(w, at[3], m->n_ops);
	for (int i = 0; i < m->n_ops; i++)
		put_op(w, list + 4 * i, &m->ops[i], i);
}

static void put_codes(struct writer *w, size_t from, const struct test_model *m)
{
	size_t list = put_offsets(w, from, m->n_ops), at[4];

	for (int i = 0; i < m->n_ops; i++) {
		struct tm_field fields[] = { TM_BYTE(m->ops[i].builtin), OFFSET, TM_INT(1),
					     TM_INT(m->ops[i].builtin) };

		if (!m->ops[i].custom)
			fields[1].bytes = 0;
		put_table(w, list + 4 * i, fields, 4, at);
		if (at[1])
			put_string(w, at[1], m->ops[i].custom);
	}
}

/* Buffer 0 is empty, buffer i + 1 has the data of tensor i. */
static void put_buffers(struct writer *w, size_t from, const struct test_model *m)
{
	size_t list = put_offsets(w, from, m->n_tensors + 1), at;

	for (int i = 0; i <= m->n_tensors; i++) {
		struct tm_field data = OFFSET;
		const struct tm_tensor *t = i ? &m->tensors[i - 1] : NULL;

		if (!t || !t->data)
			data.bytes = 0;
		put_table(w, list + 4 * i, &data, 1, &at);
		if (at)
			put_vector(w, at, t->data, t->bytes, 1);
	}
}

uint8_t *tm_write(const struct test_model *m, size_t *size)
{
	struct tm_field fields[] = { TM_INT(3), OFFSET, OFFSET, OFFSET, OFFSET };
	struct writer w = { 0 };
	size_t at[5], list;

	put_u32(&w, 0);
	put(&w, "TFL3", 4);
	put_table(&w, 0, fields, 5, at);
	put_codes(&w, at[1], m);
	list = put_offsets(&w, at[2], 1);
	put_subgraph(&w, list, m);
	put_string(&w, at[3], "test");
	put_buffers(&w, at[4], m);
	*size = w.size;
	return w.data;
}

void tm_init(struct test_model *m)
{
	memset(m, 0, sizeof(*m));
	m->pool = malloc(POOL_BYTES);
	m->seed = 12345;
}

void tm_free(struct test_model *m)
{
	free(m->pool);
}

int tm_tensor(struct test_model *m, const char *name, int type, float scale,
	      int64_t zero_point, int rank, const int32_t *dims)
{
	struct tm_tensor *t = &m->tensors[m->n_tensors];

	*t = (struct tm_tensor) { .name = name, .type = type, .rank = rank, .scale = scale,
				  .zero_point = zero_point };
	memcpy(t->dims, dims, rank * sizeof(*dims));
	return m->n_tensors++;
}

int tm_nhwc(struct test_model *m, const char *name, float scale, int64_t zero_point, int h,
	    int w, int c)
{
	return tm_tensor(m, name, TM_U8, scale, zero_point, 4, (int32_t[]) { 1, h, w, c });
}

static uint32_t next_random(struct test_model *m)
{
	m->seed = m->seed * 1664525 + 1013904223;
	return m->seed >> 8;
}

int tm_random(struct test_model *m, const char *name, int type, float scale,
	      int64_t zero_point, int rank, const int32_t *dims)
{
	int index = tm_tensor(m, name, type, scale, zero_point, rank, dims);
	struct tm_tensor *t = &m->tensors[index];
	uint8_t *data = m->pool + m->pool_used;
	size_t n = 1;

	for (int i = 0; i < rank; i++)
		n *= dims[i];
	t->data = data;
	t->bytes = type == TM_I32 ? 4 * n : n;
	m->pool_used += (t->bytes + 7) / 8 * 8;
	for (size_t i = 0; i < n; i++) {
		int32_t bias = (int32_t)(next_random(m) % 8000) - 4000;

		if (type == TM_I32)
			memcpy(data + 4 * i, &bias, 4);
		else
			data[i] = next_random(m);
	}
	return index;
}

int tm_ints(struct test_model *m, const char *name, int count, const int32_t *values)
{
	int index = tm_tensor(m, name, TM_I32, 0, 0, 1, &count);

	m->tensors[index].data = memcpy(m->pool + m->pool_used, values, 4 * count);
	m->tensors[index].bytes = 4 * count;
	m->pool_used += (4 * count + 7) / 8 * 8;
	return index;
}

struct tm_op *tm_op(struct test_model *m, int builtin, int n_in, const int32_t *in, int out)
{
	struct tm_op *op = &m->ops[m->n_ops++];

	*op = (struct tm_op) { .builtin = builtin, .n_in = n_in, .n_out = 1, .out = { out } };
	memcpy(op->in, in, n_in * sizeof(*in));
	return op;
}

static void set_options(struct tm_op *op, uint8_t type, int n, const struct tm_field *fields)
{
	op->options_type = type;
	op->n_fields = n;
	memcpy(op->fields, fields, n * sizeof(*fields));
}

int tm_conv(struct test_model *m, int in, int out, int kernel, int stride, int padding,
	    int activation)
{
	int32_t ic = m->tensors[in].dims[3], oc = m->tensors[out].dims[3];
	int w = tm_random(m, "weights", TM_U8, 0.01f, 121, 4,
			  (int32_t[]) { oc, kernel, kernel, ic });
	int b = tm_random(m, "bias", TM_I32, m->tensors[in].scale * 0.01f, 0, 1, &oc);
	struct tm_op *op = tm_op(m, TM_CONV_2D, 3, (int32_t[]) { in, w, b }, out);

	set_options(op, 1, 6, (struct tm_field[]) {
		TM_BYTE(padding), TM_INT(stride), TM_INT(stride), TM_BYTE(activation), TM_INT(1),
		TM_INT(1) });
	return op - m->ops;
}

int tm_depthwise(struct test_model *m, int in, int out, int kernel, int stride, int padding)
{
	int32_t oc = m->tensors[out].dims[3];
	int w = tm_random(m, "weights", TM_U8, 0.01f, 121, 4,
			  (int32_t[]) { 1, kernel, kernel, oc });
	int b = tm_random(m, "bias", TM_I32, m->tensors[in].scale * 0.01f, 0, 1, &oc);
	struct tm_op *op = tm_op(m, TM_DEPTHWISE_CONV_2D, 3, (int32_t[]) { in, w, b }, out);

	set_options(op, 2, 7, (struct tm_field[]) {
		TM_BYTE(padding), TM_INT(stride), TM_INT(stride), TM_INT(1), TM_BYTE(0), TM_INT(1),
		TM_INT(1) });
	return op - m->ops;
}

int tm_add(struct test_model *m, int a, int b, int out)
{
	struct tm_op *op = tm_op(m, TM_ADD, 2, (int32_t[]) { a, b }, out);

	set_options(op, 11, 1, (struct tm_field[]) { TM_BYTE(0) });
	return op - m->ops;
}

int tm_concat(struct test_model *m, int n, const int32_t *in, int axis, int out)
{
	struct tm_op *op = tm_op(m, TM_CONCATENATION, n, in, out);

	set_options(op, 10, 2, (struct tm_field[]) { TM_INT(axis), TM_BYTE(0) });
	return op - m->ops;
}

int tm_unary(struct test_model *m, int builtin, int in, int out)
{
	return tm_op(m, builtin, 1, &in, out) - m->ops;
}
