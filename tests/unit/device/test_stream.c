// SPDX-License-Identifier: MIT
/*
 * What is wrong with a stream is said exactly, and no stream does harm.
 */
#include <time.h>

#include "fixture.h"

enum { IN, WEIGHTS, PARAMS, OUT };

#define MUTATIONS	10000
/* Hooks called before a mutated job is given up: some may run for minutes */
#define POLLS		100

static struct fixture *f;

static int setup(void **state)
{
	f = fixture_new("enpu-512");
	return 0;
}

static int teardown(void **state)
{
	fixture_free(f);
	return 0;
}

static struct enpu_cmd_dma copy_command(void)
{
	return (struct enpu_cmd_dma) {
		.cmd = header(ENPU_OP_DMA_COPY, ENPU_ENGINE_DMA0, sizeof(struct enpu_cmd_dma)),
		.src = ref(IN, 0, 0),
		.dst = ref(OUT, 0, 0),
		.length = 64,
		.count = { 1, 1, 1, 4 },
		.src_stride = { 0, 0, 0, 64 },
		.dst_stride = { 0, 0, 0, 128 },
	};
}

static struct enpu_cmd_conv conv_command(unsigned int opcode)
{
	return (struct enpu_cmd_conv) {
		.cmd = header(opcode, ENPU_ENGINE_MAC, sizeof(struct enpu_cmd_conv)),
		.ifm = dense_tile(IN, ENPU_U8, 6, 6, 8, 128),
		.ofm = dense_tile(OUT, ENPU_U8, 6, 6, 8, 3),
		.weights = ref(WEIGHTS, ENPU_S8, 0),
		.params = ref(PARAMS, 0, 0),
		.window = { 3, 3, 1, 1, 1, 1, 1, 1 },
		.clamp = { 0, 255 },
	};
}

static void expect(uint32_t cause, uint32_t command, uint64_t addr)
{
	const struct enpu_exec_fault *fault = enpu_exec_fault(f->exec);

	assert_int_equal(run(f), ENPU_STEP_FAULT);
	assert_int_equal(fault->cause, cause);
	assert_int_equal(fault->command, command);
	assert_int_equal(fault->addr, addr);
}

static void test_region(void **state)
{
	struct enpu_cmd_dma dma = copy_command();
	struct enpu_cmd_conv conv = conv_command(ENPU_OP_CONV);

	/* The last byte that fits, and one further */
	dma.src.offset = REGION_SIZE - 64 - 3 * 64;
	emit(f, &dma, sizeof(dma));
	assert_int_equal(run(f), ENPU_STEP_DONE);
	dma.src.offset++;
	emit(f, &dma, sizeof(dma));
	expect(ENPU_FAULT_REGION, 0, (uint64_t)IN << 56 | REGION_SIZE);
	dma.src.offset = 0;
	dma.dst.offset = REGION_SIZE + 5;
	emit(f, &dma, sizeof(dma));
	expect(ENPU_FAULT_REGION, 0, (uint64_t)OUT << 56 | (REGION_SIZE + 5));
	dma.dst.offset = UINT64_MAX;
	emit(f, &dma, sizeof(dma));
	expect(ENPU_FAULT_REGION, 0, (uint64_t)OUT << 56 | ((1ull << 56) - 1));

	/* The SRAM is a region too; a command before is counted, the layer told */
	conv.ofm.region = ENPU_REGION_SRAM;
	conv.ofm.offset = (384 << 10) - 36 * 8 + 1;
	conv.cmd.layer = 42;
	dma = copy_command();
	emit(f, &dma, sizeof(dma));
	emit(f, &conv, sizeof(conv));
	expect(ENPU_FAULT_REGION, 1, (uint64_t)ENPU_REGION_SRAM << 56 | 384 << 10);
	assert_int_equal(enpu_exec_fault(f->exec)->layer, 42);
	assert_int_equal(enpu_exec_fault(f->exec)->opcode, ENPU_OP_CONV);

	/* Strides whose sum wraps 64 bits */
	dma.count[0] = 1u << 31;
	dma.length = 1;
	dma.count[3] = 1;
	dma.src_stride[0] = UINT32_MAX;
	dma.src.offset = UINT64_MAX - 100;
	emit(f, &dma, sizeof(dma));
	assert_int_equal(run(f), ENPU_STEP_FAULT);
	assert_int_equal(enpu_exec_fault(f->exec)->cause, ENPU_FAULT_REGION);
}

static void test_no_effect(void **state)
{
	/* Checked whole before it starts: the last channel's parameters are bad */
	struct enpu_cmd_conv conv = conv_command(ENPU_OP_CONV);
	struct enpu_channel *ch = region(f, PARAMS);

	memset(region(f, OUT), 0xee, 288);
	ch[7].shift = 31;
	emit(f, &conv, sizeof(conv));
	expect(ENPU_FAULT_OPERAND, 0, 0);
	for (unsigned int i = 0; i < 288; i++)
		assert_int_equal(((uint8_t *)region(f, OUT))[i], 0xee);
	ch[7].shift = 0;
	ch[3].reserved = 1;
	emit(f, &conv, sizeof(conv));
	expect(ENPU_FAULT_OPERAND, 0, 0);
	ch[3].reserved = 0;
	ch[3].weight_zero_point = 128;
	emit(f, &conv, sizeof(conv));
	expect(ENPU_FAULT_OPERAND, 0, 0);
	ch[3].weight_zero_point = 0;
}

/* What a job leaves in the SRAM the next one does not see */
static void test_sram_is_private(void **state)
{
	struct enpu_cmd_dma dma = copy_command();
	const uint8_t *out = region(f, OUT);

	dma.count[3] = 1;
	dma.dst.region = ENPU_REGION_SRAM;
	memset(region(f, IN), 0x33, 64);
	emit(f, &dma, sizeof(dma));
	assert_int_equal(run(f), ENPU_STEP_DONE);
	dma.dst.region = OUT;
	dma.src.region = ENPU_REGION_SRAM;
	emit(f, &dma, sizeof(dma));
	assert_int_equal(run(f), ENPU_STEP_DONE);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(out[i], 0xa5);
}

static void test_tokens(void **state)
{
	struct enpu_cmd_dma dma = copy_command();

	dma.cmd.wait[ENPU_ENGINE_DMA0] = 1;
	emit(f, &dma, sizeof(dma));
	expect(ENPU_FAULT_TOKEN, 0, 0);
	dma.cmd.wait[ENPU_ENGINE_DMA0] = 0;
	emit(f, &dma, sizeof(dma));
	dma.cmd.wait[ENPU_ENGINE_DMA0] = 1;
	emit(f, &dma, sizeof(dma));
	dma.cmd.wait[ENPU_ENGINE_MAC] = 1;
	emit(f, &dma, sizeof(dma));
	expect(ENPU_FAULT_TOKEN, 2, 2 * sizeof(dma));
}

static void test_stream(void **state)
{
	struct enpu_cmd_dma dma = copy_command();
	struct enpu_cmd nop = header(ENPU_OP_NOP, ENPU_ENGINE_VECTOR, sizeof(nop));

	/* Truncated in the body, in the header */
	emit(f, &nop, sizeof(nop));
	emit(f, &dma, sizeof(dma) - 8);
	expect(ENPU_FAULT_STREAM, 1, sizeof(nop));
	emit(f, &nop, sizeof(nop));
	emit(f, &nop, sizeof(nop) - 8);
	expect(ENPU_FAULT_STREAM, 1, sizeof(nop));
	/* A size that is not the opcode's */
	nop.size += 8;
	emit(f, &nop, sizeof(nop));
	emit(f, &nop, sizeof(nop));
	expect(ENPU_FAULT_STREAM, 0, 0);
	/* Opcodes that are none */
	nop = header(7, ENPU_ENGINE_VECTOR, sizeof(nop));
	emit(f, &nop, sizeof(nop));
	expect(ENPU_FAULT_OPCODE, 0, 7);
	nop = header(255, ENPU_ENGINE_VECTOR, sizeof(nop));
	emit(f, &nop, sizeof(nop));
	expect(ENPU_FAULT_OPCODE, 0, 255);
	/* An engine that can't do it, or is none */
	dma.cmd.engine = ENPU_ENGINE_MAC;
	emit(f, &dma, sizeof(dma));
	expect(ENPU_FAULT_OPERAND, 0, 0);
	nop = header(ENPU_OP_NOP, ENPU_NUM_ENGINES, sizeof(nop));
	emit(f, &nop, sizeof(nop));
	expect(ENPU_FAULT_OPERAND, 0, 0);
}

static void test_job(void **state)
{
	struct enpu_cmd nop = header(ENPU_OP_NOP, ENPU_ENGINE_VECTOR, sizeof(nop));
	struct enpu_job job;

	emit(f, &nop, sizeof(nop));
	job = job_of(f);
	job.stream_va = UINT64_MAX - 7;
	assert_int_equal(run_job(f, &job), ENPU_STEP_FAULT);
	assert_int_equal(enpu_exec_fault(f->exec)->cause, ENPU_FAULT_STREAM);
	job = job_of(f);
	job.stream_size = 24;
	job.regions_va = 0x9000000;
	assert_int_equal(run_job(f, &job), ENPU_STEP_FAULT);
	assert_int_equal(enpu_exec_fault(f->exec)->cause, ENPU_FAULT_UNMAPPED);
	assert_int_equal(enpu_exec_fault(f->exec)->command, ENPU_FAULT_NO_COMMAND);
	/* No work: neither stream nor table is looked at */
	job.stream_size = 0;
	assert_int_equal(run_job(f, &job), ENPU_STEP_DONE);
}

union any {
	struct enpu_cmd cmd;
	struct enpu_cmd_dma dma;
	struct enpu_cmd_conv conv;
	struct enpu_cmd_matmul matmul;
	struct enpu_cmd_pool pool;
	struct enpu_cmd_elementwise elementwise;
	struct enpu_cmd_lut lut;
	struct enpu_cmd_softmax softmax;
	struct enpu_cmd_reduce reduce;
	struct enpu_cmd_resize resize;
	struct enpu_cmd_rescale rescale;
};

#define NUM_VALID	14

/* One command of every opcode, all of them valid */
static void make_valid(union any valid[NUM_VALID])
{
	struct enpu_cmd nop = header(ENPU_OP_NOP, ENPU_ENGINE_MAC, sizeof(nop));
	struct enpu_cmd_dma dma = copy_command(), fill = copy_command();
	struct enpu_cmd_conv conv = conv_command(ENPU_OP_CONV);
	struct enpu_cmd_conv depthwise = conv_command(ENPU_OP_DEPTHWISE);
	struct enpu_cmd_conv transpose = conv_command(ENPU_OP_TRANSPOSE_CONV);
	const struct enpu_tile in = conv.ifm, out = conv.ofm;
	struct enpu_cmd_matmul matmul = {
		.cmd = header(ENPU_OP_MATMUL, ENPU_ENGINE_MAC, sizeof(matmul)),
		.a = dense_tile(IN, ENPU_S8, 2, 5, 9, 0),
		.b = dense_tile(WEIGHTS, ENPU_S8, 2, 9, 7, 0),
		.ofm = dense_tile(OUT, ENPU_S8, 2, 5, 7, 0),
		.scale = { .multiplier = 1 << 30, .shift = -5 },
		.clamp = { -128, 127 },
	};
	struct enpu_cmd_pool pool = {
		.cmd = header(ENPU_OP_POOL, ENPU_ENGINE_VECTOR, sizeof(pool)),
		.ifm = in, .ofm = out, .window = conv.window, .clamp = { 0, 255 },
		.op = ENPU_POOL_AVERAGE,
	};
	struct enpu_cmd_elementwise elementwise = {
		.cmd = header(ENPU_OP_ELEMENTWISE, ENPU_ENGINE_VECTOR, sizeof(elementwise)),
		.a = in, .b = in, .ofm = out, .clamp = { 0, 255 }, .left_shift = 20,
		.scale_a = { .multiplier = 1 << 30 }, .scale_b = { .multiplier = 1 << 30 },
		.scale_out = { .multiplier = 1 << 30, .shift = -18 },
	};
	struct enpu_cmd_lut lut = {
		.cmd = header(ENPU_OP_LUT, ENPU_ENGINE_VECTOR, sizeof(lut)),
		.ifm = in, .ofm = out, .table = ref(WEIGHTS, ENPU_U8, 0),
	};
	struct enpu_cmd_softmax softmax = {
		.cmd = header(ENPU_OP_SOFTMAX, ENPU_ENGINE_VECTOR, sizeof(softmax)),
		.ifm = in, .ofm = out, .table = no_ref(), .multiplier = 1 << 30,
		.left_shift = 23, .diff_min = -248,
	};
	struct enpu_cmd_reduce reduce = {
		.cmd = header(ENPU_OP_REDUCE, ENPU_ENGINE_VECTOR, sizeof(reduce)),
		.ifm = in, .ofm = dense_tile(OUT, ENPU_U8, 1, 1, 8, 3),
		.scale = { .multiplier = 1 << 30, .shift = -5 }, .clamp = { 0, 255 },
		.axes = ENPU_AXIS_H | ENPU_AXIS_W,
	};
	struct enpu_cmd_resize resize = {
		.cmd = header(ENPU_OP_RESIZE, ENPU_ENGINE_VECTOR, sizeof(resize)),
		.ifm = in, .ofm = out, .rows = ref(4, 0, 0), .cols = ref(4, 0, 64),
	};
	struct enpu_cmd_rescale rescale = {
		.cmd = header(ENPU_OP_RESCALE, ENPU_ENGINE_VECTOR, sizeof(rescale)),
		.ifm = in, .ofm = out, .scale = { .multiplier = 1 << 30 }, .clamp = { 0, 255 },
	};

	fill.cmd.opcode = ENPU_OP_DMA_FILL;
	fill.src = no_ref();
	fill.src_stride[3] = 0;
	fill.fill_size = 4;
	memset(valid, 0, NUM_VALID * sizeof(*valid));
	valid[0].cmd = nop;
	valid[1].dma = dma;
	valid[2].dma = fill;
	valid[3].conv = conv;
	valid[4].conv = depthwise;
	valid[5].conv = transpose;
	valid[6].matmul = matmul;
	valid[7].pool = pool;
	valid[8].elementwise = elementwise;
	valid[9].lut = lut;
	valid[10].softmax = softmax;
	valid[11].reduce = reduce;
	valid[12].resize = resize;
	valid[13].rescale = rescale;
}

static void emit_any(const union any *any)
{
	emit(f, any, any->cmd.size);
}

static void test_all_valid(void **state)
{
	union any valid[NUM_VALID];

	make_valid(valid);
	for (unsigned int i = 0; i < NUM_VALID; i++)
		emit_any(&valid[i]);
	if (run(f) != ENPU_STEP_DONE)
		fail_msg("opcode %u: fault %u", enpu_exec_fault(f->exec)->opcode,
			 enpu_exec_fault(f->exec)->cause);
	assert_int_equal(enpu_exec_profile(f->exec)->commands, NUM_VALID);
}

/* A value at the edge of something, or any */
static uint64_t nasty(uint64_t *seed)
{
	static const uint64_t values[] = {
		0, 1, 2, 3, 4, 7, 8, 16, 31, 32, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff,
		0x10000, 0x10001, REGION_SIZE - 1, REGION_SIZE, 0x7fffffff, 0x80000000,
		0xfffffffe, 0xffffffff, 0x100000000, 1ull << 56, 1ull << 63, UINT64_MAX - 1,
		UINT64_MAX,
	};
	uint32_t pick = rnd(seed) % (sizeof(values) / sizeof(values[0]) + 4);

	return pick < sizeof(values) / sizeof(values[0]) ? values[pick] :
	       (uint64_t)rnd(seed) << (rnd(seed) % 33);
}

/* Overwrite 1, 2, 4 or 8 bytes at a multiple of their number, or flip a bit */
static void mutate(uint64_t *seed, uint8_t *bytes, size_t size)
{
	size_t width = (size_t)1 << rnd(seed) % 4;
	size_t at = rnd(seed) % (size / width) * width;
	uint64_t value = nasty(seed);

	if (rnd(seed) % 4 == 0)
		bytes[at] ^= (uint8_t)(1u << rnd(seed) % 8);
	else
		memcpy(bytes + at, &value, width);
}

/*
 * 10,000 streams with one to three fields broken, sometimes the region table or
 * the parameters in memory as well: each job ends, and ASan and UBSan are silent.
 */
static void test_hostile(void **state)
{
	union any valid[NUM_VALID];
	uint8_t table[NUM_REGIONS * sizeof(struct enpu_region)];
	uint8_t *low_table = f->low + TABLE_VA;
	uint64_t seed = 31;
	unsigned int ends[4] = { 0 };
	struct timespec a, b;

	make_valid(valid);
	memcpy(table, low_table, sizeof(table));
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (unsigned int i = 0; i < MUTATIONS; i++) {
		unsigned int fields = 1 + rnd(&seed) % 3;

		for (unsigned int n = 0; n < 3; n++)
			emit_any(&valid[rnd(&seed) % NUM_VALID]);
		for (unsigned int n = 0; n < fields; n++)
			mutate(&seed, f->low + STREAM_VA, f->stream_size);
		if (i % 8 == 0)
			mutate(&seed, low_table, sizeof(table));
		if (i % 8 == 1)
			mutate(&seed, region(f, PARAMS), 8 * sizeof(struct enpu_channel));
		if (i % 16 == 2)
			f->stream_size = rnd(&seed) % f->stream_size & ~7u;
		f->polls_left = POLLS;
		ends[run(f)]++;
		memcpy(low_table, table, sizeof(table));
		memset(region(f, PARAMS), 0, 8 * sizeof(struct enpu_channel));
		/* Taps of RESIZE stay inside */
		memset(region(f, 4), 0, 4096);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	print_message("%d mutations: %u done, %u faults, %u given up, %ld s\n", MUTATIONS,
		      ends[ENPU_STEP_DONE], ends[ENPU_STEP_FAULT], ends[ENPU_STEP_ABANDONED],
		      (long)(b.tv_sec - a.tv_sec));
	assert_true(ends[ENPU_STEP_DONE] > 100 && ends[ENPU_STEP_FAULT] > MUTATIONS / 2);
	f->polls_left = UINT64_MAX;
}

static double ms_since(const struct timespec *a)
{
	struct timespec b;

	clock_gettime(CLOCK_MONOTONIC, &b);
	return (double)(b.tv_sec - a->tv_sec) * 1e3 + (double)(b.tv_nsec - a->tv_nsec) / 1e6;
}

/* The largest commands can be given up soon: between two polls lies little work */
static void test_polls_are_frequent(void **state)
{
	struct enpu_cmd_conv conv = conv_command(ENPU_OP_CONV);
	struct enpu_cmd_conv depthwise = conv_command(ENPU_OP_DEPTHWISE);
	struct enpu_cmd_dma dma = copy_command();
	struct enpu_region *regions = (struct enpu_region *)(f->low + TABLE_VA);
	enum { N = 20 };
	struct timespec a;

	/* Tiles that overlap themselves, so that they fit the memory that there is */
	regions[IN].size = regions[OUT].size = regions[WEIGHTS].size = 1ull << 40;
	conv.ifm = dense_tile(IN, ENPU_U8, 8, 16, 8192, 0);
	conv.ofm = dense_tile(OUT, ENPU_U8, 16, 16, 4096, 0);
	conv.ofm.row_stride = conv.ofm.col_stride = conv.ifm.row_stride = conv.ifm.col_stride = 1;
	conv.window.kernel_w = 2;
	conv.window.kernel_h = 1;
	depthwise.ifm = conv.ofm;
	depthwise.ifm.region = IN;
	depthwise.ofm = conv.ofm;
	depthwise.window.kernel_h = depthwise.window.kernel_w = 8;
	dma.length = 1 << 18;
	dma.count[3] = 1 << 13;
	dma.src_stride[3] = dma.dst_stride[3] = 1;

	f->polls_left = N;
	clock_gettime(CLOCK_MONOTONIC, &a);
	emit(f, &conv, sizeof(conv));
	assert_int_equal(run(f), ENPU_STEP_ABANDONED);
	f->polls_left = N;
	emit(f, &depthwise, sizeof(depthwise));
	assert_int_equal(run(f), ENPU_STEP_ABANDONED);
	f->polls_left = N;
	emit(f, &dma, sizeof(dma));
	assert_int_equal(run(f), ENPU_STEP_ABANDONED);
	/* Instrumented code on a busy machine: 200 ms a poll would still be far off the goal */
	assert_true(ms_since(&a) < 3 * N * 200.0);
	f->polls_left = UINT64_MAX;
	regions[IN].size = regions[OUT].size = regions[WEIGHTS].size = REGION_SIZE;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_region),
		cmocka_unit_test(test_no_effect),
		cmocka_unit_test(test_sram_is_private),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_job),
		cmocka_unit_test(test_all_valid),
		cmocka_unit_test(test_polls_are_frequent),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests_name("device: streams, good and bad", tests, setup, teardown);
}
