// SPDX-License-Identifier: MIT
/* What the lowering of all operators shares: feature maps from views, and moves of bytes. */
#include <string.h>

#include "operator.h"
#include "quantize.h"

uint8_t device_dtype(enum dtype type)
{
	switch (type) {
	case DTYPE_I16:
		return ENPU_S16;
	case DTYPE_I8:
		return ENPU_S8;
	case DTYPE_I4:
		return ENPU_S4;
	default:
		return ENPU_U8;
	}
}

struct enpu_clamp device_clamp(const struct tensor *out, enum activation act)
{
	struct range r = activation_range(out, act);

	return (struct enpu_clamp) { .min = r.min, .max = r.max };
}

static struct fm tensor_fm(const struct tensor *t, const struct view *view)
{
	return (struct fm) {
		.buffer = view->buffer, .offset = view->offset, .dtype = device_dtype(t->type),
		.zero_point = t->quant.count ? t->quant.zero_point[0] : 0,
	};
}

struct fm view_fm(const struct tensor *t, const struct view *view, const int32_t *dims, int32_t n)
{
	struct fm fm = tensor_fm(t, view);

	fm.offset += n * view->strides[0];
	fm.height = dims[1];
	fm.width = dims[2];
	fm.channels = dims[3];
	fm.row_stride = view->strides[1];
	fm.col_stride = view->strides[2];
	return fm;
}

struct fm image_fm(const struct program *p, const struct tensor *t, int32_t n)
{
	return view_fm(t, &p->views[t->index], t->dims, n);
}

struct view scratch_view(struct program *p, const char *name, int rank, const int32_t *dims,
			 int bytes)
{
	struct view view = { .element = bytes };
	int64_t stride = bytes;

	for (int d = rank - 1; d >= 0; d--) {
		view.strides[d] = stride;
		stride *= dims[d];
	}
	view.buffer = program_buffer(p, HOME_SCRATCH, stride, name);
	return view;
}

struct fm flat_fm(const struct program *p, const struct tensor *t, uint32_t width,
		  uint32_t channels)
{
	struct fm fm = tensor_fm(t, &p->views[t->index]);

	fm.height = 1;
	fm.width = width;
	fm.channels = channels;
	fm.col_stride = (int64_t)channels * device_dtype_bytes(fm.dtype);
	fm.row_stride = width * fm.col_stride;
	return fm;
}

void fm_set_add(struct fm_set *set, const struct tensor *t, const struct view *view)
{
	set->fm[set->n] = tensor_fm(t, view);
	memcpy(set->strides[set->n], view->strides, sizeof(view->strides));
	set->n++;
}

static void drop_dim(struct fm_set *set, int d)
{
	set->rank--;
	for (int i = d; i < set->rank; i++)
		set->dims[i] = set->dims[i + 1];
	for (unsigned int n = 0; n < set->n; n++)
		for (int i = d; i < set->rank; i++)
			set->strides[n][i] = set->strides[n][i + 1];
}

static void insert_dim(struct fm_set *set, int d)
{
	for (int i = set->rank; i > d; i--)
		set->dims[i] = set->dims[i - 1];
	set->dims[d] = 1;
	for (unsigned int n = 0; n < set->n; n++) {
		for (int i = set->rank; i > d; i--)
			set->strides[n][i] = set->strides[n][i - 1];
		set->strides[n][d] = 0;
	}
	set->rank++;
}

/* Dimensions d and d + 1 are one to all of the set. */
static bool mergeable(const struct fm_set *set, int d)
{
	for (unsigned int n = 0; n < set->n; n++)
		if (set->strides[n][d] != set->strides[n][d + 1] * set->dims[d + 1])
			return false;
	return true;
}

static void merge_dims(struct fm_set *set, int d)
{
	set->dims[d + 1] *= set->dims[d];
	drop_dim(set, d);
}

static int64_t element_bytes(const struct fm_set *set, unsigned int n)
{
	return device_dtype_bytes(set->fm[n].dtype);
}

/* The innermost dimension can be channels: neighbours in memory, or one value for all. */
static bool has_channels(const struct fm_set *set)
{
	for (unsigned int n = 0; n < set->n; n++)
		if (set->rank < 1 || (set->strides[n][set->rank - 1] &&
				      set->strides[n][set->rank - 1] != element_bytes(set, n)))
			return false;
	/* the last of the set is written: it cannot broadcast */
	return set->rank > 0 && set->strides[set->n - 1][set->rank - 1];
}

/* Bring the set to height, width, channels, as far as merging can. */
static void normalize(struct fm_set *set)
{
	for (int d = 0; d < set->rank && set->rank > 3;)
		if (set->dims[d] == 1)
			drop_dim(set, d);
		else
			d++;
	for (int d = 0; d + 1 < set->rank && set->rank > 3;)
		if (mergeable(set, d))
			merge_dims(set, d);
		else
			d++;
	if (!has_channels(set) && set->rank < MAX_RANK)
		insert_dim(set, set->rank);
	while (set->rank < 3)
		insert_dim(set, 0);
}

/* Sides of a tile that commands can have: a power of two below the limit, for even parts. */
#define MAX_SIDE	32768

static void advance(struct fm_set *set, int d, int64_t by)
{
	for (unsigned int n = 0; n < set->n; n++)
		set->fm[n].offset += by * set->strides[n][d];
}

static void emit_part(struct fm_set *set, const int32_t *sides,
		      void (*emit)(void *arg, const struct fm *fm), void *arg)
{
	int inner = set->rank - 3;

	for (unsigned int n = 0; n < set->n; n++) {
		struct fm *fm = &set->fm[n];

		fm->height = sides[0];
		fm->width = sides[1];
		fm->channels = set->strides[n][inner + 2] ? sides[2] : 1;
		fm->row_stride = set->strides[n][inner];
		fm->col_stride = set->strides[n][inner + 1];
	}
	emit(arg, set->fm);
}

/* Outer dimensions one by one, inner ones in parts that fit a command. */
static void emit_slices(struct fm_set *set, int d, int32_t *sides,
			void (*emit)(void *arg, const struct fm *fm), void *arg)
{
	int inner = set->rank - 3;
	int32_t step = d < inner ? 1 : MAX_SIDE;

	if (d == set->rank) {
		emit_part(set, sides, emit, arg);
		return;
	}
	for (int32_t i = 0; i < set->dims[d]; i += step) {
		int32_t left = set->dims[d] - i;

		if (d >= inner)
			sides[d - inner] = left < step ? left : step;
		advance(set, d, i);
		emit_slices(set, d + 1, sides, emit, arg);
		advance(set, d, -(int64_t)i);
	}
}

void fm_for_each(struct fm_set *set, void (*emit)(void *arg, const struct fm *fm), void *arg)
{
	int32_t sides[3];

	normalize(set);
	emit_slices(set, 0, sides, emit, arg);
}

struct view sub_view(const struct view *view, int rank, const int32_t *begin)
{
	struct view sub = *view;

	for (int d = 0; d < rank; d++)
		sub.offset += begin[d] * view->strides[d];
	return sub;
}

#define DMA_DIMS	4

/* A move in the making: outermost dimension first. */
struct move {
	int rank;
	int64_t dims[MAX_RANK + 1], src[MAX_RANK + 1], dst[MAX_RANK + 1];
};

static void push_dim(struct move *m, int64_t size, int64_t src, int64_t dst)
{
	int last = m->rank - 1;

	if (size == 1)
		return;
	if (last >= 0 && m->src[last] == src * size && m->dst[last] == dst * size) {
		m->dims[last] *= size;
		m->src[last] = src;
		m->dst[last] = dst;
		return;
	}
	m->dims[m->rank] = size;
	m->src[m->rank] = src;
	m->dst[m->rank] = dst;
	m->rank++;
}

/* One command for the inner dimensions from @d on. */
static void fill_block(const struct move *m, int d, struct block *b)
{
	int inner = m->rank;

	b->length = 1;
	if (inner > d && m->src[inner - 1] == 1 && m->dst[inner - 1] == 1)
		b->length = m->dims[--inner];
	for (int i = 0; i < DMA_DIMS; i++) {
		int from = inner - DMA_DIMS + i;

		b->count[i] = from >= d ? m->dims[from] : 1;
		b->src_stride[i] = from >= d ? m->src[from] : 0;
		b->dst_stride[i] = from >= d ? m->dst[from] : 0;
	}
}

static int block_dims(const struct move *m)
{
	bool contiguous = m->rank && m->src[m->rank - 1] == 1 && m->dst[m->rank - 1] == 1;

	return DMA_DIMS + (contiguous ? 1 : 0);
}

static void emit_moves(struct program *p, struct layer *l, const struct move *m, int d)
{
	struct layer *copy;

	if (m->rank - d > block_dims(m)) {
		struct layer at = *l;

		for (int64_t i = 0; i < m->dims[d]; i++) {
			emit_moves(p, &at, m, d + 1);
			at.in[0].offset += m->src[d];
			at.out.offset += m->dst[d];
		}
		return;
	}
	copy = program_layer(p, l->kind, l->op);
	*copy = *l;
	fill_block(m, d, &copy->block);
}

bool same_place(const struct view *a, const struct view *b, int rank, const int32_t *dims)
{
	if (a->buffer != b->buffer || a->offset != b->offset)
		return false;
	for (int d = 0; d < rank; d++)
		if (dims[d] > 1 && a->strides[d] != b->strides[d])
			return false;
	return true;
}

void lower_move(struct program *p, const struct op *op, const struct view *from,
		const struct view *to, int rank, const int32_t *dims)
{
	struct move m = { 0 };
	struct layer l = {
		.kind = LAYER_COPY, .op = op,
		.in = { { .buffer = from->buffer, .offset = from->offset } },
		.out = { .buffer = to->buffer, .offset = to->offset },
	};

	if (same_place(from, to, rank, dims))
		return;
	for (int d = 0; d < rank; d++)
		push_dim(&m, dims[d], from->strides[d], to->strides[d]);
	push_dim(&m, to->element, 1, 1);
	emit_moves(p, &l, &m, 0);
}

void lower_fill(struct program *p, const struct op *op, uint8_t value, const struct view *to,
		int rank, const int32_t *dims)
{
	struct move m = { 0 };
	struct layer l = {
		.kind = LAYER_FILL, .op = op, .fill = value,
		.out = { .buffer = to->buffer, .offset = to->offset },
	};

	for (int d = 0; d < rank; d++) {
		if (!dims[d])
			return;
		push_dim(&m, dims[d], to->strides[d], to->strides[d]);
	}
	push_dim(&m, to->element, 1, 1);
	emit_moves(p, &l, &m, 0);
}
