// SPDX-License-Identifier: MIT
/* The DMA: strides, fills, and more than is moved at a time. */
#include "fixture.h"

enum { IN, OUT = 3 };

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

static void test_dma_strides(void **state)
{
	/* 2 x 3 x 2 runs of 2 bytes, turned around, by way of the SRAM */
	struct enpu_cmd_dma cmd = {
		.cmd = header(ENPU_OP_DMA_COPY, ENPU_ENGINE_DMA0, sizeof(cmd)),
		.src = ref(IN, 0, 100),
		.dst = ref(ENPU_REGION_SRAM, 0, 7),
		.length = 2,
		.count = { 1, 2, 3, 2 },
		.src_stride = { 0, 6, 2, 12 },
		.dst_stride = { 0, 12, 4, 2 },
	};
	struct enpu_cmd_dma back = {
		.cmd = header(ENPU_OP_DMA_COPY, ENPU_ENGINE_DMA1, sizeof(cmd)),
		.src = ref(ENPU_REGION_SRAM, 0, 7),
		.dst = ref(OUT, 0, 0),
		.length = 24,
		.count = { 1, 1, 1, 1 },
	};
	const uint8_t want[] = {
		0, 1, 12, 13, 2, 3, 14, 15, 4, 5, 16, 17,
		6, 7, 18, 19, 8, 9, 20, 21, 10, 11, 22, 23,
	};
	uint8_t *in = region(f, IN);

	for (uint8_t i = 0; i < 24; i++)
		in[100 + i] = i;
	emit(f, &cmd, sizeof(cmd));
	run_ok(f, &back, sizeof(back));
	assert_memory_equal(region(f, OUT), want, sizeof(want));
}

static void test_dma_fill(void **state)
{
	struct enpu_cmd_dma cmd = {
		.cmd = header(ENPU_OP_DMA_FILL, ENPU_ENGINE_DMA0, sizeof(cmd)),
		.src = no_ref(),
		.dst = ref(OUT, 0, 1),
		.length = 6,
		.count = { 1, 1, 1, 2 },
		.dst_stride = { 0, 0, 0, 8 },
		.value = 0x5678abcd,
		.fill_size = 2,
	};
	const uint8_t want[] = {
		0, 0xcd, 0xab, 0xcd, 0xab, 0xcd, 0xab, 0, 0, 0xcd, 0xab, 0xcd, 0xab, 0xcd, 0xab, 0,
	};

	memset(region(f, OUT), 0, 16);
	run_ok(f, &cmd, sizeof(cmd));
	assert_memory_equal(region(f, OUT), want, sizeof(want));
}

static void test_dma_large(void **state)
{
	/* More than is moved at a time, in one run */
	struct enpu_cmd_dma cmd = {
		.cmd = header(ENPU_OP_DMA_COPY, ENPU_ENGINE_DMA0, sizeof(cmd)),
		.src = ref(IN, 0, 3),
		.dst = ref(OUT, 0, 1),
		.length = 700001,
		.count = { 1, 1, 1, 1 },
	};
	uint64_t seed = 26;

	rnd_fill(&seed, region(f, IN), REGION_SIZE);
	run_ok(f, &cmd, sizeof(cmd));
	assert_memory_equal((uint8_t *)region(f, IN) + 3, (uint8_t *)region(f, OUT) + 1, 700001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dma_strides),
		cmocka_unit_test(test_dma_fill),
		cmocka_unit_test(test_dma_large),
	};

	return cmocka_run_group_tests_name("device: DMA", tests, setup, teardown);
}
