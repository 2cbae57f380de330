// SPDX-License-Identifier: MIT
/*
 * Is a compiled model sound: see verify.h.
 *
 * Of every byte a shadow knows the command that wrote it and, for each engine,
 * the last command that has read it since. Of every command a clock knows how
 * many commands of each engine are complete when it starts.
 */
#include "verify.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shadow {
	uint32_t writer;		/* ordinal in its engine, from 1; 0: none */
	uint32_t reader[ENPU_NUM_ENGINES];
	uint8_t engine;			/* of the writer */
	bool defined;			/* holds a value */
	uint32_t touched;		/* by this command (its number): as input */
};

struct memory {
	struct shadow *bytes;
	uint64_t size;
	bool read_only;
};

struct clock {
	uint32_t complete[ENPU_NUM_ENGINES];
};

struct verifier {
	const struct model_file *m;
	struct verdict *v;
	struct memory regions[ENPU_MAX_REGIONS], sram;
	struct clock *clocks[ENPU_NUM_ENGINES];	/* at the start of each command, from 1 */
	uint32_t issued[ENPU_NUM_ENGINES];
	const struct enpu_cmd *cmd;
	struct clock now;
	uint32_t number;		/* of the command in the stream */
	bool same_tile;			/* the command may write what it reads */
};

static int fail(struct verifier *x, const char *format, ...)
{
	char text[200];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!x->v->error[0])
		snprintf(x->v->error, sizeof(x->v->error), "command %u (opcode %u, layer %u): %s",
			 x->number, x->cmd ? x->cmd->opcode : 0, x->cmd ? x->cmd->layer : 0, text);
	return -1;
}

static const struct {
	uint16_t size;
	uint8_t engines;		/* bit mask */
} commands[] = {
	[ENPU_OP_NOP] = { sizeof(struct enpu_cmd), 0xf },
	[ENPU_OP_DMA_COPY] = { sizeof(struct enpu_cmd_dma), 0x3 },
	[ENPU_OP_DMA_FILL] = { sizeof(struct enpu_cmd_dma), 0x3 },
	[ENPU_OP_CONV] = { sizeof(struct enpu_cmd_conv), 0x4 },
	[ENPU_OP_DEPTHWISE] = { sizeof(struct enpu_cmd_conv), 0x4 },
	[ENPU_OP_TRANSPOSE_CONV] = { sizeof(struct enpu_cmd_conv), 0x4 },
	[ENPU_OP_MATMUL] = { sizeof(struct enpu_cmd_matmul), 0x4 },
	[ENPU_OP_POOL] = { sizeof(struct enpu_cmd_pool), 0x8 },
	[ENPU_OP_ELEMENTWISE] = { sizeof(struct enpu_cmd_elementwise), 0x8 },
	[ENPU_OP_LUT] = { sizeof(struct enpu_cmd_lut), 0x8 },
	[ENPU_OP_SOFTMAX] = { sizeof(struct enpu_cmd_softmax), 0x8 },
	[ENPU_OP_REDUCE] = { sizeof(struct enpu_cmd_reduce), 0x8 },
	[ENPU_OP_RESIZE] = { sizeof(struct enpu_cmd_resize), 0x8 },
	[ENPU_OP_RESCALE] = { sizeof(struct enpu_cmd_rescale), 0x8 },
};

static bool is_complete(const struct verifier *x, unsigned int engine, uint32_t ordinal)
{
	/* an engine executes its own commands in order */
	return engine == x->cmd->engine || ordinal <= x->now.complete[engine];
}

static int touch_byte(struct verifier *x, struct shadow *s, bool write)
{
	uint32_t ordinal = x->issued[x->cmd->engine] + 1;

	if (s->writer && !is_complete(x, s->engine, s->writer))
		return fail(x, "races with the writer, command %u of engine %u", s->writer,
			    s->engine);
	if (!write) {
		if (!s->defined)
			return fail(x, "reads a byte that nothing has written");
		s->reader[x->cmd->engine] = ordinal;
		s->touched = x->number + 1;
		return 0;
	}
	for (unsigned int e = 0; e < ENPU_NUM_ENGINES; e++)
		if (s->reader[e] && !is_complete(x, e, s->reader[e]))
			return fail(x, "overwrites what command %u of engine %u still reads",
				    s->reader[e], e);
	if (s->touched == x->number + 1 && !x->same_tile)
		return fail(x, "writes a byte that it reads");
	memset(s->reader, 0, sizeof(s->reader));
	s->writer = ordinal;
	s->engine = x->cmd->engine;
	s->defined = true;
	return 0;
}

static int touch(struct verifier *x, unsigned int region, uint64_t offset, uint64_t bytes,
		 bool write)
{
	struct memory *mem = region == ENPU_REGION_SRAM ? &x->sram : &x->regions[region];

	if (region != ENPU_REGION_SRAM && region >= x->m->n_regions)
		return fail(x, "names region %u", region);
	if (offset > mem->size || bytes > mem->size - offset)
		return fail(x, "leaves region %u: %llu bytes at %llu of %llu", region,
			    (unsigned long long)bytes, (unsigned long long)offset,
			    (unsigned long long)mem->size);
	if (mem->read_only)
		return write ? fail(x, "writes to region %u", region) : 0;
	for (uint64_t i = offset; i < offset + bytes; i++)
		if (touch_byte(x, &mem->bytes[i], write))
			return fail(x, "region %u byte %llu", region, (unsigned long long)i);
	return 0;
}

static uint32_t element_bytes(const struct enpu_tile *t)
{
	return t->dtype == ENPU_S16 ? 2 : t->dtype == ENPU_S32 ? 4 : 1;
}

static int touch_tile(struct verifier *x, const struct enpu_tile *t, bool write)
{
	uint32_t element = element_bytes(t);

	if (!t->height || !t->width || !t->channels || t->height > 65536 || t->width > 65536 ||
	    t->channels > 65536 || t->reserved0)
		return fail(x, "has a tile of %ux%ux%u", t->height, t->width, t->channels);
	for (uint32_t row = 0; row < t->height; row++)
		for (uint32_t col = 0; col < t->width; col++)
			if (touch(x, t->region, t->offset + (uint64_t)row * t->row_stride +
				  (uint64_t)col * t->col_stride,
				  (uint64_t)t->channels * element, write))
				return -1;
	return 0;
}

static int touch_ref(struct verifier *x, const struct enpu_ref *r, uint64_t bytes)
{
	return touch(x, r->region, r->offset, bytes, false);
}

static uint64_t at(const __u32 *stride, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return a * stride[0] + b * stride[1] + c * stride[2] + d * stride[3];
}

static int touch_block(struct verifier *x, const struct enpu_ref *r, const struct enpu_cmd_dma *d,
		       const __u32 *stride, bool write)
{
	for (uint32_t a = 0; a < d->count[0]; a++)
		for (uint32_t b = 0; b < d->count[1]; b++)
			for (uint32_t c = 0; c < d->count[2]; c++)
				for (uint32_t e = 0; e < d->count[3]; e++)
					if (touch(x, r->region, r->offset + at(stride, a, b, c, e),
						  d->length, write))
						return -1;
	return 0;
}

static int verify_conv(struct verifier *x, const struct enpu_cmd_conv *c, bool depthwise)
{
	uint64_t taps = (uint64_t)c->window.kernel_h * c->window.kernel_w;
	uint64_t groups = (c->ofm.channels + 15) / 16;
	uint64_t weights = depthwise ? groups * 16 * taps :
				       groups * 64 * ((taps * c->ifm.channels + 3) / 4);

	if (c->weights.dtype == ENPU_S4)
		weights /= 2;
	if (c->weights.offset % 16 || c->params.offset % 8)
		return fail(x, "has weights or parameters that are not aligned");
	return touch_tile(x, &c->ifm, false) || touch_ref(x, &c->weights, weights) ||
	       touch_ref(x, &c->params, c->ofm.channels * sizeof(struct enpu_channel)) ||
	       touch_tile(x, &c->ofm, true);
}

static int verify_dma(struct verifier *x, const struct enpu_cmd_dma *d)
{
	bool fill = x->cmd->opcode == ENPU_OP_DMA_FILL;

	if (fill != (d->src.region == ENPU_REGION_NONE) || fill != (d->fill_size == 1))
		return fail(x, "mixes up filling and copying");
	if (!fill && touch_block(x, &d->src, d, d->src_stride, false))
		return -1;
	return touch_block(x, &d->dst, d, d->dst_stride, true);
}

static uint64_t table_bytes(const struct enpu_cmd_lut *lut)
{
	return (lut->ifm.dtype == ENPU_S16 ? 513 : 256) * element_bytes(&lut->ofm);
}

static int verify_operands(struct verifier *x)
{
	const void *c = x->cmd;
	const struct enpu_cmd_matmul *matmul = c;
	const struct enpu_cmd_pool *pool = c;
	const struct enpu_cmd_elementwise *e = c;
	const struct enpu_cmd_lut *lut = c;
	const struct enpu_cmd_softmax *softmax = c;
	const struct enpu_cmd_reduce *reduce = c;
	const struct enpu_cmd_resize *resize = c;
	const struct enpu_cmd_rescale *rescale = c;
	uint64_t tap = sizeof(struct enpu_resize_tap);

	switch (x->cmd->opcode) {
	case ENPU_OP_DMA_COPY:
	case ENPU_OP_DMA_FILL:
		return verify_dma(x, c);
	case ENPU_OP_MATMUL:
		return touch_tile(x, &matmul->a, false) || touch_tile(x, &matmul->b, false) ||
		       touch_tile(x, &matmul->ofm, true);
	case ENPU_OP_CONV:
	case ENPU_OP_TRANSPOSE_CONV:
	case ENPU_OP_DEPTHWISE:
		return verify_conv(x, c, x->cmd->opcode == ENPU_OP_DEPTHWISE);
	case ENPU_OP_POOL:
		return touch_tile(x, &pool->ifm, false) || touch_tile(x, &pool->ofm, true);
	case ENPU_OP_ELEMENTWISE:
		return touch_tile(x, &e->a, false) || touch_tile(x, &e->b, false) ||
		       touch_tile(x, &e->ofm, true);
	case ENPU_OP_LUT:
		return touch_tile(x, &lut->ifm, false) ||
		       touch_ref(x, &lut->table, table_bytes(lut)) ||
		       touch_tile(x, &lut->ofm, true);
	case ENPU_OP_SOFTMAX:
		return touch_tile(x, &softmax->ifm, false) || touch_tile(x, &softmax->ofm, true);
	case ENPU_OP_REDUCE:
		return touch_tile(x, &reduce->ifm, false) || touch_tile(x, &reduce->ofm, true);
	case ENPU_OP_RESIZE:
		return touch_tile(x, &resize->ifm, false) ||
		       touch_ref(x, &resize->rows, resize->ofm.height * tap) ||
		       touch_ref(x, &resize->cols, resize->ofm.width * tap) ||
		       touch_tile(x, &resize->ofm, true);
	case ENPU_OP_RESCALE:
		return touch_tile(x, &rescale->ifm, false) || touch_tile(x, &rescale->ofm, true);
	default:
		return 0;
	}
}

static bool same_tile(const struct enpu_tile *a, const struct enpu_tile *b)
{
	return a->region == b->region && a->offset == b->offset &&
	       a->row_stride == b->row_stride && a->col_stride == b->col_stride &&
	       a->height == b->height && a->width == b->width && a->channels == b->channels;
}

/* In place: allowed where output and input are the same tile. */
static bool works_in_place(const struct enpu_cmd *cmd)
{
	const struct enpu_cmd_elementwise *e = (const void *)cmd;
	const struct enpu_cmd_lut *lut = (const void *)cmd;

	if (cmd->opcode == ENPU_OP_ELEMENTWISE)
		return same_tile(&e->a, &e->ofm) || same_tile(&e->b, &e->ofm);
	return cmd->opcode == ENPU_OP_LUT && same_tile(&lut->ifm, &lut->ofm);
}

/* What is complete when the command starts: its tokens, and what those waited for. */
static void tick(struct verifier *x)
{
	unsigned int engine = x->cmd->engine;

	memset(&x->now, 0, sizeof(x->now));
	for (unsigned int e = 0; e < ENPU_NUM_ENGINES; e++) {
		uint32_t n = e == engine ? x->issued[e] : x->cmd->wait[e];

		if (!n)
			continue;
		for (unsigned int i = 0; i < ENPU_NUM_ENGINES; i++)
			if (x->clocks[e][n].complete[i] > x->now.complete[i])
				x->now.complete[i] = x->clocks[e][n].complete[i];
		if (n > x->now.complete[e])
			x->now.complete[e] = n;
	}
	x->clocks[engine][x->issued[engine] + 1] = x->now;
}

static int verify_command(struct verifier *x, uint64_t left)
{
	const struct enpu_cmd *c = x->cmd;

	if (left < sizeof(*c) || c->size > left)
		return fail(x, "is cut off");
	if (c->opcode >= sizeof(commands) / sizeof(commands[0]) || !commands[c->opcode].size)
		return fail(x, "is unknown");
	if (c->size != commands[c->opcode].size || c->engine >= ENPU_NUM_ENGINES ||
	    !(commands[c->opcode].engines & 1 << c->engine))
		return fail(x, "has size %u on engine %u", c->size, c->engine);
	if (c->layer >= x->m->n_layers)
		return fail(x, "names layer %u of %u", c->layer, x->m->n_layers);
	for (unsigned int e = 0; e < ENPU_NUM_ENGINES; e++)
		if (c->wait[e] > x->issued[e])
			return fail(x, "waits for command %u of engine %u, %u were issued",
				    c->wait[e], e, x->issued[e]);
	tick(x);
	x->same_tile = works_in_place(c);
	if (verify_operands(x))
		return -1;
	x->issued[c->engine]++;
	return 0;
}

/* Between steps everything is complete. */
static void forget_order(struct verifier *x)
{
	memset(x->issued, 0, sizeof(x->issued));
	for (unsigned int r = 0; r < x->m->n_regions; r++)
		for (uint64_t i = 0; x->regions[r].bytes && i < x->regions[r].size; i++) {
			struct shadow *s = &x->regions[r].bytes[i];

			*s = (struct shadow) { .defined = s->defined };
		}
	memset(x->sram.bytes, 0, x->sram.size * sizeof(struct shadow));
}

static int verify_stream(struct verifier *x, const struct enpu_model_step *step)
{
	uint64_t at = 0;

	if (step->offset % 8 || step->offset > x->m->stream_size ||
	    step->size > x->m->stream_size - step->offset)
		return fail(x, "a stream lies outside its section");
	for (unsigned int e = 0; e < ENPU_NUM_ENGINES; e++)
		x->clocks[e] = calloc(step->size / sizeof(struct enpu_cmd) + 2,
				      sizeof(struct clock));
	for (x->number = 0; at < step->size; x->number++) {
		x->cmd = (const void *)(x->m->stream + step->offset + at);
		if (verify_command(x, step->size - at))
			break;
		at += x->cmd->size;
	}
	for (unsigned int e = 0; e < ENPU_NUM_ENGINES; e++)
		free(x->clocks[e]);
	return x->v->error[0] ? -1 : 0;
}

static int check_tensor(struct verifier *x, unsigned int i)
{
	const struct enpu_model_tensor *t = &x->m->tensors[i];
	const struct memory *mem;

	if (i >= x->m->n_tensors || t->region >= x->m->n_regions ||
	    t->name >= x->m->strings_size)
		return fail(x, "tensor %u is damaged", i);
	mem = &x->regions[t->region];
	if (t->offset > mem->size || t->size > mem->size - t->offset)
		return fail(x, "tensor %u leaves its region", i);
	return 0;
}

static int check_written(struct verifier *x, unsigned int i)
{
	const struct enpu_model_tensor *t = &x->m->tensors[i];
	const struct memory *mem = &x->regions[t->region];

	for (uint64_t b = t->offset; mem->bytes && b < t->offset + t->size; b++)
		if (!mem->bytes[b].defined)
			return fail(x, "tensor %u: byte %llu is never written", i,
				    (unsigned long long)b);
	return 0;
}

static int verify_cpu_step(struct verifier *x, const struct enpu_model_step *step)
{
	if (step->num_inputs > ENPU_STEP_MAX_TENSORS || step->num_outputs > ENPU_STEP_MAX_TENSORS)
		return fail(x, "a step has too many tensors");
	for (unsigned int i = 0; i < step->num_inputs; i++)
		if (check_tensor(x, step->inputs[i]) || check_written(x, step->inputs[i]))
			return -1;
	for (unsigned int i = 0; i < step->num_outputs; i++) {
		const struct enpu_model_tensor *t;
		struct memory *mem;

		if (check_tensor(x, step->outputs[i]))
			return -1;
		t = &x->m->tensors[step->outputs[i]];
		mem = &x->regions[t->region];
		if (mem->read_only)
			return fail(x, "a step on the CPU writes to region %u", t->region);
		for (uint64_t b = t->offset; b < t->offset + t->size; b++)
			mem->bytes[b].defined = true;
	}
	return 0;
}

static int verify_tensors(struct verifier *x)
{
	for (unsigned int i = 0; i < x->m->n_tensors; i++)
		if (check_tensor(x, i) || check_written(x, i))
			return -1;
	return 0;
}

int verify_streams(const struct model_file *m, struct verdict *v)
{
	struct verifier x = { .m = m, .v = v };

	v->error[0] = 0;
	for (unsigned int r = 0; r < m->n_regions; r++) {
		enum enpu_region_role role = m->regions[r].role;

		x.regions[r].size = m->regions[r].size;
		x.regions[r].read_only = role == ENPU_ROLE_CONSTANT || role == ENPU_ROLE_INPUT;
		if (!x.regions[r].read_only)
			x.regions[r].bytes = calloc(m->regions[r].size, sizeof(struct shadow));
		/* what a variable holds before the run */
		for (uint64_t b = 0; role == ENPU_ROLE_STATE && b < m->content_size[r]; b++)
			x.regions[r].bytes[b].defined = true;
	}
	x.sram.size = m->info->sram_bytes;
	x.sram.bytes = calloc(x.sram.size + 1, sizeof(struct shadow));
	for (unsigned int i = 0; i < m->n_steps && !v->error[0]; i++) {
		forget_order(&x);
		if (m->steps[i].kind == ENPU_STEP_NPU)
			verify_stream(&x, &m->steps[i]);
		else
			verify_cpu_step(&x, &m->steps[i]);
	}
	if (!v->error[0])
		verify_tensors(&x);
	for (unsigned int r = 0; r < m->n_regions; r++)
		free(x.regions[r].bytes);
	free(x.sram.bytes);
	return v->error[0] ? -1 : 0;
}
