// SPDX-License-Identifier: MIT
/* The small parts of libaccel: device addresses, error texts, tensor values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <accel/accel.h>

#include "error.h"
#include "va.h"

#define PAGE	4096ull
#define BLOCK	(2ull << 20)

static uint64_t alloc(struct accel_va *va, uint64_t size)
{
	uint64_t addr = 0;

	assert_int_equal(accel_va_alloc(va, size, &addr), 0);
	return addr;
}

static void test_va(void **state)
{
	struct accel_va va;
	uint64_t addr;

	accel_va_init(&va, PAGE, 16 * BLOCK);
	assert_int_equal(alloc(&va, PAGE), PAGE);
	assert_int_equal(alloc(&va, 2 * PAGE), 3 * PAGE);	/* after a guard page */
	assert_int_equal(alloc(&va, BLOCK), BLOCK);		/* aligned */
	assert_int_equal(alloc(&va, BLOCK + PAGE), 4 * BLOCK / 2 + BLOCK);
	assert_int_equal(alloc(&va, PAGE), 6 * PAGE);		/* the gap before the blocks */
	accel_va_free(&va, 3 * PAGE);
	assert_int_equal(alloc(&va, 3 * PAGE), 8 * PAGE);	/* does not fit there */
	assert_int_equal(alloc(&va, PAGE), 3 * PAGE);
	assert_int_equal(accel_va_alloc(&va, 0, &addr), -ENOSPC);
	assert_int_equal(accel_va_alloc(&va, 16 * BLOCK, &addr), -ENOSPC);
	assert_int_equal(accel_va_alloc(&va, UINT64_MAX & ~(PAGE - 1), &addr), -ENOSPC);
	accel_va_destroy(&va);
}

/* Random use: ranges never touch, and all is free again in the end */
static void test_va_random(void **state)
{
	struct accel_va_range live[64] = { { 0, 0 } };
	struct accel_va va;

	accel_va_init(&va, 0, 64 * BLOCK);
	srand(1);
	for (int i = 0; i < 5000; i++) {
		struct accel_va_range *slot = &live[rand() % 64];
		uint64_t size = PAGE * (uint64_t)(1 + rand() % 1000), addr;

		if (slot->end) {
			accel_va_free(&va, slot->start);
			slot->end = 0;
		} else if (accel_va_alloc(&va, size, &addr) == 0) {
			assert_int_equal(addr % (size >= BLOCK ? BLOCK : PAGE), 0);
			assert_true(addr + size <= 64 * BLOCK);
			for (int j = 0; j < 64; j++)
				assert_true(!live[j].end || addr + size < live[j].start ||
					    live[j].end < addr);
			*slot = (struct accel_va_range){ addr, addr + size };
		}
	}
	for (int j = 0; j < 64; j++)
		if (live[j].end)
			accel_va_free(&va, live[j].start);
	assert_int_equal(va.count, 0);
	accel_va_destroy(&va);
}

static void test_error_text(void **state)
{
	struct accel_error err;
	char text[1000];

	assert_int_equal(accel_fail(NULL, -EIO, "x"), -EIO);
	assert_int_equal(accel_fail(&err, -EIO, "a %s\n\x7f%d", "b", 7), -EIO);
	assert_int_equal(err.code, -EIO);
	assert_string_equal(err.text, "a b??7");
	/* cut within a two-byte character: that goes as a whole */
	memset(text, 'x', sizeof(text));
	memcpy(text + sizeof(err.text) - 2, "\xc3\xa4", 2);
	text[999] = '\0';
	accel_fail(&err, -EIO, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 2);
}

static void test_values(void **state)
{
	const struct {
		struct accel_tensor tensor;
		union {
			uint8_t u8[8];
			int8_t s8[8];
			int16_t s16[4];
			int32_t s32[2];
			float f32[2];
			int64_t s64[1];
		} data;
		size_t index;
		double value;
	} cases[] = {
		{ { .dtype = ACCEL_U8, .scale = 0.5f, .zero_point = 3 },
		  { .u8 = { 0, 255 } }, 1, 126 },
		{ { .dtype = ACCEL_S8, .scale = 2, .zero_point = -1 },
		  { .s8 = { 0, -128 } }, 1, -254 },
		{ { .dtype = ACCEL_S16 }, { .s16 = { 0, -7 } }, 1, -7 },
		{ { .dtype = ACCEL_S32 }, { .s32 = { 0, -70000 } }, 1, -70000 },
		{ { .dtype = ACCEL_F32 }, { .f32 = { 0, 1.5f } }, 1, 1.5 },
		{ { .dtype = ACCEL_S64 }, { .s64 = { -5 } }, 0, -5 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(accel_tensor_value(&cases[i].tensor, &cases[i].data, cases[i].index) ==
			    cases[i].value);
	assert_int_equal(accel_dtype_size(ACCEL_S64), 8);
	assert_int_equal(accel_dtype_size((enum accel_dtype)5), 0);
	assert_string_equal(accel_dtype_name(ACCEL_F32), "float32");
	assert_string_equal(accel_dtype_name((enum accel_dtype)99), "unknown");
	assert_string_equal(accel_version(), "1.0.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_va),
		cmocka_unit_test(test_va_random),
		cmocka_unit_test(test_error_text),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests_name("libaccel parts", tests, NULL, NULL);
}
