// SPDX-License-Identifier: MIT
/* Layers, or rows and channels of them, to commands. */
#include <stddef.h>
#include <string.h>

#include "schedule.h"

#define TILE(type, field, written)	{ offsetof(struct type, field), true, written }
#define REF(type, field, written)	{ offsetof(struct type, field), false, written }

static const struct operand_slots slots[] = {
	[ENPU_OP_DMA_COPY] = { 2, {
		REF(enpu_cmd_dma, src, false), REF(enpu_cmd_dma, dst, true) } },
	[ENPU_OP_DMA_FILL] = { 2, {
		REF(enpu_cmd_dma, src, false), REF(enpu_cmd_dma, dst, true) } },
	[ENPU_OP_CONV] = { 4, {
		TILE(enpu_cmd_conv, ifm, false), TILE(enpu_cmd_conv, ofm, true),
		REF(enpu_cmd_conv, weights, false), REF(enpu_cmd_conv, params, false) } },
	[ENPU_OP_DEPTHWISE] = { 4, {
		TILE(enpu_cmd_conv, ifm, false), TILE(enpu_cmd_conv, ofm, true),
		REF(enpu_cmd_conv, weights, false), REF(enpu_cmd_conv, params, false) } },
	[ENPU_OP_TRANSPOSE_CONV] = { 4, {
		TILE(enpu_cmd_conv, ifm, false), TILE(enpu_cmd_conv, ofm, true),
		REF(enpu_cmd_conv, weights, false), REF(enpu_cmd_conv, params, false) } },
	[ENPU_OP_MATMUL] = { 3, {
		TILE(enpu_cmd_matmul, a, false), TILE(enpu_cmd_matmul, b, false),
		TILE(enpu_cmd_matmul, ofm, true) } },
	[ENPU_OP_POOL] = { 2, {
		TILE(enpu_cmd_pool, ifm, false), TILE(enpu_cmd_pool, ofm, true) } },
	[ENPU_OP_ELEMENTWISE] = { 3, {
		TILE(enpu_cmd_elementwise, a, false), TILE(enpu_cmd_elementwise, b, false),
		TILE(enpu_cmd_elementwise, ofm, true) } },
	[ENPU_OP_LUT] = { 3, {
		TILE(enpu_cmd_lut, ifm, false), TILE(enpu_cmd_lut, ofm, true),
		REF(enpu_cmd_lut, table, false) } },
	[ENPU_OP_SOFTMAX] = { 3, {
		TILE(enpu_cmd_softmax, ifm, false), TILE(enpu_cmd_softmax, ofm, true),
		REF(enpu_cmd_softmax, table, false) } },
	[ENPU_OP_REDUCE] = { 2, {
		TILE(enpu_cmd_reduce, ifm, false), TILE(enpu_cmd_reduce, ofm, true) } },
	[ENPU_OP_RESIZE] = { 4, {
		TILE(enpu_cmd_resize, ifm, false), TILE(enpu_cmd_resize, ofm, true),
		REF(enpu_cmd_resize, rows, false), REF(enpu_cmd_resize, cols, false) } },
	[ENPU_OP_RESCALE] = { 2, {
		TILE(enpu_cmd_rescale, ifm, false), TILE(enpu_cmd_rescale, ofm, true) } },
};

const struct operand_slots *operand_slots(uint8_t opcode)
{
	return &slots[opcode];
}

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static uint64_t weight_bytes_of(uint8_t dtype, uint64_t count)
{
	return dtype == ENPU_S4 ? count / 2 : count;
}

uint64_t ref_bytes(const union command *c, unsigned int slot)
{
	const struct enpu_tile *ifm = &c->conv.ifm, *ofm = &c->conv.ofm;
	uint64_t taps = (uint64_t)c->conv.window.kernel_h * c->conv.window.kernel_w;

	switch (c->head.opcode) {
	case ENPU_OP_CONV:
	case ENPU_OP_TRANSPOSE_CONV:
		if (slot == 2)
			return weight_bytes_of(c->conv.weights.dtype, round_up(ofm->channels, 16) *
					       round_up(taps * ifm->channels, 4));
		return ofm->channels * sizeof(struct enpu_channel);
	case ENPU_OP_DEPTHWISE:
		if (slot == 2)
			return weight_bytes_of(c->conv.weights.dtype,
					       round_up(ofm->channels, 16) * taps);
		return ofm->channels * sizeof(struct enpu_channel);
	case ENPU_OP_LUT:
		return lut_entries(c->lut.ifm.dtype) * device_dtype_bytes(c->lut.ofm.dtype);
	case ENPU_OP_SOFTMAX:
		return 256 * sizeof(float);
	case ENPU_OP_RESIZE:
		return (slot == 2 ? c->resize.ofm.height : c->resize.ofm.width) *
		       sizeof(struct enpu_resize_tap);
	default:
		return 0;
	}
}

struct part whole_output(const struct layer *l)
{
	return (struct part) { 0, l->out.height, 0, l->out.channels };
}

bool input_rows(const struct layer *l, int i, uint32_t row, uint32_t rows,
		uint32_t *first, uint32_t *count)
{
	const struct enpu_window *w = &l->window;
	uint32_t height = l->in[i].height;
	int64_t from, to;

	*first = 0;
	*count = height;
	if (!l->in[i].buffer || !height)
		return false;
	switch (l->kind) {
	case LAYER_CONV:
	case LAYER_DEPTHWISE:
	case LAYER_POOL:
		from = (int64_t)row * w->stride_h - w->pad_top;
		to = from + (int64_t)(rows - 1) * w->stride_h +
		     (int64_t)(w->kernel_h - 1) * w->dilation_h + 1;
		/* a window that lies in the padding whole still gets a row to name */
		from = from < 0 ? 0 : from > height - 1 ? height - 1 : from;
		to = to > height ? height : to <= from ? from + 1 : to;
		*first = from;
		*count = to - from;
		return true;
	case LAYER_RESIZE:
	case LAYER_REDUCE:
	case LAYER_TRANSPOSE_CONV:
		return true;
	default:
		if (height > 1) {
			*first = row;
			*count = rows;
		}
		return true;
	}
}

int64_t weight_group_bytes(const struct layer *l)
{
	int64_t taps = (int64_t)l->window.kernel_h * l->window.kernel_w;

	if (l->kind == LAYER_DEPTHWISE)
		return weight_bytes_of(l->weights_dtype, taps * 16);
	return weight_bytes_of(l->weights_dtype, (taps * l->in[0].channels + 3) / 4 * 64);
}

/* Rows of a feature map as a tile; the object's own address is added by the emitter. */
static struct enpu_tile tile(const struct fm *fm, const struct place *p, uint32_t row,
			     uint32_t rows, uint32_t channel, uint32_t channels)
{
	return (struct enpu_tile) {
		.dtype = fm->dtype,
		.zero_point = fm->zero_point,
		.offset = p->offset + (row - p->first_row) * p->row_stride +
			  (int64_t)channel * device_dtype_bytes(fm->dtype),
		.height = rows,
		.width = fm->width,
		.channels = channels,
		.row_stride = p->row_stride,
		.col_stride = p->col_stride,
	};
}

/* An output channel depends on all of the input's. */
static bool mixes_channels(enum layer_kind kind)
{
	return kind == LAYER_CONV || kind == LAYER_TRANSPOSE_CONV || kind == LAYER_MATMUL;
}

static struct enpu_tile input_tile(const struct layer *l, int i, const struct operands *o,
				   struct part part)
{
	uint32_t first, rows, channel = 0, channels = l->in[i].channels;

	input_rows(l, i, part.row, part.rows, &first, &rows);
	/* channel by channel operators take the same channels of both sides */
	if (!mixes_channels(l->kind) && channels == l->out.channels && channels > 1) {
		channel = part.channel;
		channels = part.channels;
	}
	return tile(&l->in[i], &o->in[i], first, rows, channel, channels);
}

static struct enpu_tile output_tile(const struct layer *l, const struct operands *o,
				    struct part part)
{
	return tile(&l->out, &o->out, part.row, part.rows, part.channel, part.channels);
}

static struct enpu_ref ref(const struct object *object, int64_t offset, uint8_t dtype)
{
	if (!object)
		return (struct enpu_ref) { .region = ENPU_REGION_NONE };
	return (struct enpu_ref) { .dtype = dtype, .offset = offset };
}

/* The window of output rows from @row on, whose input tile starts where input_rows() says. */
static struct enpu_window part_window(const struct layer *l, struct part part)
{
	struct enpu_window w = l->window;
	uint32_t first, rows;

	input_rows(l, 0, part.row, part.rows, &first, &rows);
	w.pad_top = (int64_t)first - ((int64_t)part.row * w.stride_h - w.pad_top);
	return w;
}

static struct task conv_task(const struct layer *l, const struct operands *o, struct part part)
{
	static const uint8_t opcodes[LAYER_KINDS] = {
		[LAYER_CONV] = ENPU_OP_CONV, [LAYER_DEPTHWISE] = ENPU_OP_DEPTHWISE,
		[LAYER_TRANSPOSE_CONV] = ENPU_OP_TRANSPOSE_CONV,
	};
	struct task t = { .objects = { o->in[0].object, o->out.object, o->weights, o->params } };

	t.cmd.conv = (struct enpu_cmd_conv) {
		.cmd = { opcodes[l->kind], ENPU_ENGINE_MAC, sizeof(t.cmd.conv) },
		.ifm = input_tile(l, 0, o, part),
		.ofm = output_tile(l, o, part),
		.weights = ref(o->weights, o->weights_offset, l->weights_dtype),
		.params = ref(o->params, o->params_offset, 0),
		.window = part_window(l, part),
		.clamp = l->clamp,
		.requant = l->requant,
	};
	return t;
}

static struct task matmul_task(const struct layer *l, const struct operands *o, struct part part)
{
	struct task t = { .objects = { o->in[0].object, o->in[1].object, o->out.object } };

	t.cmd.matmul = (struct enpu_cmd_matmul) {
		.cmd = { ENPU_OP_MATMUL, ENPU_ENGINE_MAC, sizeof(t.cmd.matmul) },
		.a = input_tile(l, 0, o, part),
		.b = input_tile(l, 1, o, part),
		.ofm = output_tile(l, o, part),
		.scale = l->scale_out,
		.clamp = l->clamp,
		.requant = l->requant,
		.flags = l->operation,
	};
	return t;
}

static uint32_t float_bits(float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

static struct task pool_task(const struct layer *l, const struct operands *o, struct part part)
{
	struct task t = { .objects = { o->in[0].object, o->out.object } };

	t.cmd.pool = (struct enpu_cmd_pool) {
		.cmd = { ENPU_OP_POOL, ENPU_ENGINE_VECTOR, sizeof(t.cmd.pool) },
		.ifm = input_tile(l, 0, o, part),
		.ofm = output_tile(l, o, part),
		.window = part_window(l, part),
		.clamp = l->clamp,
		.op = l->operation,
		.flags = l->pool_flags,
	};
	t.cmd.pool.ifm.scale = float_bits(l->in_scale);
	t.cmd.pool.ofm.scale = float_bits(l->out_scale);
	return t;
}

static struct task elementwise_task(const struct layer *l, const struct operands *o,
				    struct part part)
{
	struct task t = { .objects = { o->in[0].object, o->in[1].object, o->out.object } };

	t.cmd.elementwise = (struct enpu_cmd_elementwise) {
		.cmd = { ENPU_OP_ELEMENTWISE, ENPU_ENGINE_VECTOR, sizeof(t.cmd.elementwise) },
		.a = input_tile(l, 0, o, part),
		.b = input_tile(l, 1, o, part),
		.ofm = output_tile(l, o, part),
		.scale_a = l->scale_a,
		.scale_b = l->scale_b,
		.scale_out = l->scale_out,
		.clamp = l->clamp,
		.op = l->operation,
		.left_shift = l->left_shift,
		.requant = l->requant,
	};
	return t;
}

static struct task lut_task(const struct layer *l, const struct operands *o, struct part part)
{
	struct task t = { .objects = { o->in[0].object, o->out.object, o->table } };

	t.cmd.lut = (struct enpu_cmd_lut) {
		.cmd = { ENPU_OP_LUT, ENPU_ENGINE_VECTOR, sizeof(t.cmd.lut) },
		.ifm = input_tile(l, 0, o, part),
		.ofm = output_tile(l, o, part),
		.table = ref(o->table, 0, l->out.dtype),
	};
	return t;
}

static struct task rescale_task(const struct layer *l, const struct operands *o, struct part part)
{
	struct task t = { .objects = { o->in[0].object, o->out.object } };

	t.cmd.rescale = (struct enpu_cmd_rescale) {
		.cmd = { ENPU_OP_RESCALE, ENPU_ENGINE_VECTOR, sizeof(t.cmd.rescale) },
		.ifm = input_tile(l, 0, o, part),
		.ofm = output_tile(l, o, part),
		.scale = l->scale_out,
		.clamp = l->clamp,
		.requant = l->requant,
	};
	return t;
}

static struct task softmax_task(const struct layer *l, const struct operands *o, struct part part)
{
	struct task t = { .objects = { o->in[0].object, o->out.object, o->table } };

	t.cmd.softmax = (struct enpu_cmd_softmax) {
		.cmd = { ENPU_OP_SOFTMAX, ENPU_ENGINE_VECTOR, sizeof(t.cmd.softmax) },
		.ifm = input_tile(l, 0, o, part),
		.ofm = output_tile(l, o, part),
		.table = ref(o->table, 0, ENPU_F32),
		.output_factor = float_bits(l->softmax_factor),
		.multiplier = l->softmax_multiplier,
		.diff_min = l->softmax_diff_min,
		.left_shift = l->left_shift,
		.mode = o->table ? ENPU_SOFTMAX_TABLE : ENPU_SOFTMAX_FIXED,
	};
	return t;
}

static struct task reduce_task(const struct layer *l, const struct operands *o, struct part part)
{
	struct task t = { .objects = { o->in[0].object, o->out.object } };

	t.cmd.reduce = (struct enpu_cmd_reduce) {
		.cmd = { ENPU_OP_REDUCE, ENPU_ENGINE_VECTOR, sizeof(t.cmd.reduce) },
		.ifm = input_tile(l, 0, o, part),
		.ofm = output_tile(l, o, part),
		.scale = l->scale_out,
		.clamp = l->clamp,
		.bias = l->reduce_bias,
		.op = l->operation,
		.axes = l->reduce_axes,
		.requant = l->requant,
	};
	return t;
}

static struct task resize_task(const struct layer *l, const struct operands *o, struct part part)
{
	struct task t = { .objects = { o->in[0].object, o->out.object, o->rows, o->cols } };

	t.cmd.resize = (struct enpu_cmd_resize) {
		.cmd = { ENPU_OP_RESIZE, ENPU_ENGINE_VECTOR, sizeof(t.cmd.resize) },
		.ifm = input_tile(l, 0, o, part),
		.ofm = output_tile(l, o, part),
		.rows = ref(o->rows, part.row * sizeof(struct enpu_resize_tap), 0),
		.cols = ref(o->cols, 0, 0),
		.mode = l->operation,
	};
	t.cmd.resize.ifm.scale = float_bits(l->in_scale);
	t.cmd.resize.ofm.scale = float_bits(l->out_scale);
	return t;
}

static struct task dma_task(unsigned int opcode, unsigned int engine, const struct object *from,
			    int64_t from_offset, const struct object *to, int64_t to_offset,
			    const struct block *b)
{
	struct task t = { .objects = { from, to } };

	t.cmd.dma = (struct enpu_cmd_dma) {
		.cmd = { opcode, engine, sizeof(t.cmd.dma) },
		.src = ref(from, from_offset, 0),
		.dst = ref(to, to_offset, 0),
		.length = b->length,
	};
	for (int i = 0; i < 4; i++) {
		t.cmd.dma.count[i] = b->count[i];
		t.cmd.dma.src_stride[i] = from ? b->src_stride[i] : 0;
		t.cmd.dma.dst_stride[i] = b->dst_stride[i];
	}
	return t;
}

struct task copy_task(uint32_t layer_index, unsigned int engine, const struct object *from,
		      int64_t from_offset, const struct object *to, int64_t to_offset,
		      const struct block *block)
{
	struct task t = dma_task(ENPU_OP_DMA_COPY, engine, from, from_offset, to, to_offset, block);

	t.cmd.head.layer = layer_index;
	return t;
}

static struct task move_task(const struct layer *l, const struct operands *o, struct part part)
{
	return dma_task(ENPU_OP_DMA_COPY, ENPU_ENGINE_DMA1, o->in[0].object, o->in[0].offset,
			o->out.object, o->out.offset, &l->block);
}

static struct task fill_task(const struct layer *l, const struct operands *o, struct part part)
{
	struct task t = dma_task(ENPU_OP_DMA_FILL, ENPU_ENGINE_DMA1, NULL, 0, o->out.object,
				 o->out.offset, &l->block);

	t.cmd.dma.value = l->fill;
	t.cmd.dma.fill_size = 1;
	return t;
}

struct task layer_task(const struct layer *l, uint32_t layer_index, const struct operands *o,
		       struct part part)
{
	static struct task (*const make[LAYER_KINDS])(const struct layer *l,
						      const struct operands *o,
						      struct part part) = {
		[LAYER_CONV] = conv_task, [LAYER_DEPTHWISE] = conv_task,
		[LAYER_TRANSPOSE_CONV] = conv_task, [LAYER_MATMUL] = matmul_task,
		[LAYER_POOL] = pool_task, [LAYER_ELEMENTWISE] = elementwise_task,
		[LAYER_LUT] = lut_task, [LAYER_SOFTMAX] = softmax_task,
		[LAYER_REDUCE] = reduce_task, [LAYER_RESIZE] = resize_task,
		[LAYER_RESCALE] = rescale_task, [LAYER_COPY] = move_task,
		[LAYER_FILL] = fill_task,
	};
	struct task t = make[l->kind](l, o, part);

	t.cmd.head.layer = layer_index;
	return t;
}
