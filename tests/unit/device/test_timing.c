// SPDX-License-Identifier: MIT
/*
 * The simulated clock: Documentation/cost-model.rst's equations on cases
 * worked by hand.
 *
 * enpu-256 has an array of 4 positions x 16 output channels x 4 inputs, 16
 * vector lanes, and ports of 16 (SRAM) and 3.75 (memory) bytes a cycle.
 */
#include "fixture.h"

#include "../../../tools/device/core/timing.h"

enum { IN, WEIGHTS, PARAMS, OUT };

static struct fixture *f;

static int setup(void **state)
{
	f = fixture_new("enpu-256");
	return 0;
}

static int teardown(void **state)
{
	fixture_free(f);
	return 0;
}

static const struct enpu_profile *profile(void)
{
	if (run(f) != ENPU_STEP_DONE)
		fail_msg("fault %u", enpu_exec_fault(f->exec)->cause);
	return enpu_exec_profile(f->exec);
}

static struct enpu_cmd_conv conv(unsigned int opcode, uint32_t side, uint32_t c, uint32_t o,
				 uint16_t k)
{
	struct enpu_cmd_conv cmd = {
		.cmd = header(opcode, ENPU_ENGINE_MAC, sizeof(cmd)),
		.ifm = dense_tile(ENPU_REGION_SRAM, ENPU_U8, side, side, c, 0),
		.ofm = dense_tile(ENPU_REGION_SRAM, ENPU_U8, side, side, o, 0),
		.weights = ref(ENPU_REGION_SRAM, ENPU_U8, 200000),
		.params = ref(PARAMS, 0, 0),
		.window = { k, k, 1, 1, 1, 1, (int16_t)(k / 2), (int16_t)(k / 2) },
		.clamp = { 0, 255 },
	};

	cmd.ofm.offset = 65536;
	return cmd;
}

static struct enpu_cmd_dma copy(unsigned int engine, unsigned int from, unsigned int to,
				uint32_t length)
{
	return (struct enpu_cmd_dma) {
		.cmd = header(ENPU_OP_DMA_COPY, engine, sizeof(struct enpu_cmd_dma)),
		.src = ref(from, 0, 0),
		.dst = ref(to, 0, 300000),
		.length = length,
		.count = { 1, 1, 1, 1 },
	};
}

/*
 * 8x8 positions, 3x3 over 64 channels to 32: 64 / 4 positions x 32 / 16 blocks
 * x 576 / 4 steps = 4608 cycles. 4096 + 2048 + 18432 bytes through the SRAM's
 * port are 1536 cycles, 512 of parameters from memory 137: the array is what
 * takes the time.
 */
static void test_conv_by_hand(void **state)
{
	struct enpu_cmd_conv cmd = conv(ENPU_OP_CONV, 8, 64, 32, 3);
	const struct enpu_profile *p;

	emit(f, &cmd, sizeof(cmd));
	p = profile();
	assert_int_equal(p->macs, 64 * 32 * 576);
	assert_int_equal(p->sram_read, 4096 + 18432);
	assert_int_equal(p->sram_written, 2048);
	assert_int_equal(p->dram_read, 512);
	assert_int_equal(p->dram_written, 0);
	assert_int_equal(p->engine_cycles[ENPU_ENGINE_MAC], ENPU_COST_ISSUE + 4608);
	assert_int_equal(p->cycles, ENPU_COST_ISSUE + 4608 + ENPU_COST_DRAM_LATENCY);
}

/* What does not fill the array is lost: 3 inputs of 4, 1 channel of 16, 1 position of 4 */
static void test_utilisation(void **state)
{
	struct enpu_cmd_conv cmd = conv(ENPU_OP_CONV, 1, 3, 1, 1);

	emit(f, &cmd, sizeof(cmd));
	/* One step of the array; the ports take longer: a burst of parameters, 64 / 3.75 */
	assert_int_equal(profile()->engine_cycles[ENPU_ENGINE_MAC], ENPU_COST_ISSUE + 18);
}

/* Depthwise uses one of the four inputs: 196 / 4 x 64 / 16 x 9 = 1764 cycles */
static void test_depthwise_by_hand(void **state)
{
	struct enpu_cmd_conv cmd = conv(ENPU_OP_DEPTHWISE, 14, 64, 64, 3);
	const struct enpu_profile *p;

	emit(f, &cmd, sizeof(cmd));
	p = profile();
	assert_int_equal(p->macs, 196 * 64 * 9);
	/* 12544 in, 12544 out, 576 weights: 25664 / 16 = 1604 < 1764 */
	assert_int_equal(p->engine_cycles[ENPU_ENGINE_MAC], ENPU_COST_ISSUE + 1764);
}

/* Weights that don't stay: 1024 positions are two times 512, so they are read twice */
static void test_weights_again(void **state)
{
	struct enpu_cmd_conv cmd = conv(ENPU_OP_CONV, 32, 16, 16, 1);

	emit(f, &cmd, sizeof(cmd));
	assert_int_equal(profile()->sram_read, 16384 + 2 * 256);
}

/* 7500 bytes from memory: rounded up to 7552 in bursts of 64, at 3.75 a cycle 2014 */
static void test_dma_by_hand(void **state)
{
	struct enpu_cmd_dma cmd = copy(ENPU_ENGINE_DMA0, IN, ENPU_REGION_SRAM, 7500);
	const struct enpu_profile *p;

	emit(f, &cmd, sizeof(cmd));
	p = profile();
	assert_int_equal(p->dram_read, 7552);
	assert_int_equal(p->sram_written, 7504);
	assert_int_equal(p->engine_cycles[ENPU_ENGINE_DMA0], ENPU_COST_ISSUE + 2014);
	assert_int_equal(p->cycles, ENPU_COST_ISSUE + 2014 + ENPU_COST_DRAM_LATENCY);
}

/* Short runs cost whole bursts: 100 of 3 bytes are 100 x 64 */
static void test_bursts(void **state)
{
	struct enpu_cmd_dma cmd = copy(ENPU_ENGINE_DMA0, IN, ENPU_REGION_SRAM, 3);

	cmd.count[3] = 100;
	cmd.src_stride[3] = 10;
	cmd.dst_stride[3] = 3;
	emit(f, &cmd, sizeof(cmd));
	assert_int_equal(profile()->dram_read, 6400);
	assert_int_equal(enpu_exec_profile(f->exec)->sram_written, 304);
}

/* Engines overlap where tokens let them, and share the memory's port */
static void test_overlap(void **state)
{
	struct enpu_cmd_dma dma = copy(ENPU_ENGINE_DMA0, IN, ENPU_REGION_SRAM, 7500);
	struct enpu_cmd_conv mac = conv(ENPU_OP_CONV, 8, 64, 32, 3);
	uint64_t apart;

	/* Side by side: the longer of the two */
	emit(f, &mac, sizeof(mac));
	emit(f, &dma, sizeof(dma));
	assert_int_equal(profile()->cycles, ENPU_COST_ISSUE + 4608 + ENPU_COST_DRAM_LATENCY);

	/* One after the other */
	dma.cmd.wait[ENPU_ENGINE_MAC] = 1;
	emit(f, &mac, sizeof(mac));
	emit(f, &dma, sizeof(dma));
	apart = profile()->cycles;
	assert_int_equal(apart, ENPU_COST_ISSUE + 4608 + ENPU_COST_DRAM_LATENCY +
				ENPU_COST_ISSUE + 2014 + ENPU_COST_DRAM_LATENCY);

	/* Two DMA engines have one port: twice the transfer, one latency */
	dma.cmd.wait[ENPU_ENGINE_MAC] = 0;
	emit(f, &dma, sizeof(dma));
	dma.cmd.engine = ENPU_ENGINE_DMA1;
	emit(f, &dma, sizeof(dma));
	assert_int_equal(profile()->cycles,
			 ENPU_COST_ISSUE + 2 * 2014 + ENPU_COST_DRAM_LATENCY);
}

/* A transfer that may start early fills the gap before one that was placed later */
static void test_gaps(void **state)
{
	struct enpu_cmd_dma early = copy(ENPU_ENGINE_DMA0, IN, ENPU_REGION_SRAM, 7500);
	struct enpu_cmd_dma late = copy(ENPU_ENGINE_DMA1, IN, ENPU_REGION_SRAM, 7500);
	struct enpu_cmd_conv mac = conv(ENPU_OP_CONV, 8, 64, 32, 3);
	uint64_t cycles;

	late.cmd.wait[ENPU_ENGINE_MAC] = 1;
	emit(f, &mac, sizeof(mac));
	emit(f, &late, sizeof(late));
	cycles = profile()->cycles;
	emit(f, &mac, sizeof(mac));
	emit(f, &late, sizeof(late));
	emit(f, &early, sizeof(early));
	assert_int_equal(profile()->cycles, cycles);
}

/* Placing any transfers: none is lost, none shares a cycle, time never goes back */
static void test_many(void **state)
{
	struct enpu_timing timing;
	struct enpu_profile p = { 0 };
	uint64_t seed = 41, bytes = 0, before = 0;

	enpu_timing_start(&timing, enpu_config_find("enpu-256"));
	for (unsigned int i = 0; i < 20000; i++) {
		struct enpu_cmd cmd = header(ENPU_OP_DMA_COPY, rnd(&seed) % ENPU_NUM_ENGINES, 0);
		struct enpu_cost cost = { .dram_read = (uint64_t)rnd(&seed) % 5000,
					  .compute = rnd(&seed) % 3000 };

		for (unsigned int e = 0; e < ENPU_NUM_ENGINES; e++) {
			uint64_t issued = timing.engines[e].issued;

			cmd.wait[e] = (uint32_t)(issued ? issued - rnd(&seed) % issued % 4 : 0);
			if (rnd(&seed) % 2)
				cmd.wait[e] = 0;
		}
		enpu_timing_issue(&timing, &cmd, &cost, &p);
		bytes += cost.dram_read;
		assert_true(p.cycles >= before);
		assert_true(timing.dram.count < ENPU_PORT_INTERVALS);
		for (unsigned int n = 1; n < timing.dram.count; n++)
			assert_true(timing.dram.busy[n - 1].end < timing.dram.busy[n].start);
		before = p.cycles;
	}
	assert_int_equal(p.dram_read, bytes);
	assert_true(p.cycles >= bytes * 1024 / 3840);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conv_by_hand),
		cmocka_unit_test(test_utilisation),
		cmocka_unit_test(test_depthwise_by_hand),
		cmocka_unit_test(test_weights_again),
		cmocka_unit_test(test_dma_by_hand),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("device: cost model", tests, setup, teardown);
}
