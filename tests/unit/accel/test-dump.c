// SPDX-License-Identifier: MIT
/* Device coredumps: what is printed of a whole one, and that no other does harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <enpu/cmd.h>
#include <enpu/coredump.h>
#include <enpu/regs.h>

#include "dump.h"

struct builder {
	uint8_t data[8192];
	size_t size;
};

static void add(struct builder *b, uint32_t type, const void *data, size_t size)
{
	struct enpu_coredump_section section = { .type = type, .size = size };

	memcpy(b->data + b->size, &section, sizeof(section));
	if (size)
		memcpy(b->data + b->size + sizeof(section), data, size);
	b->size += sizeof(section) + (size + 7) / 8 * 8;
}

/* A job of three commands, the last of which has written where nothing is */
static struct builder build(void)
{
	struct enpu_coredump_info info = {
		.reason = ENPU_COREDUMP_FAULT, .error = 14, .real_ns = 86400000000000,
		.boot_ns = 12345678901, .alive = 1, .device = "0000:01:00.0", .kernel = "6.12",
	};
	struct enpu_coredump_register registers[] = {
		{ ENPU_REG_STATUS, 1 },
		{ ENPU_REG_COUNTER(ENPU_COUNTER_FAULTS), 7 },
		{ ENPU_REG_VM_ROOT_HI(5), 2 },
		{ ENPU_REG_QUEUE(3) + ENPU_QUEUE_PRODUCER, 9 },
		{ 0x3ffffc, 0xabcd },
	};
	struct enpu_coredump_queue queue = {
		.label = "a \033[31mmodel", .slot = 3, .mode = 1, .priority = 2, .job = 8,
		.producer = 9, .timeout_ms = 500,
	};
	struct enpu_queue_status status = {
		.completed = 8, .state = ENPU_QUEUE_HALTED, .fault_cause = ENPU_FAULT_UNMAPPED,
		.fault_command = 2, .fault_addr = 0x20010, .fault_layer = 11, .fault_job = 8,
		.fault_opcode = ENPU_OP_CONV,
	};
	struct {
		struct enpu_coredump_ring ring;
		struct enpu_job jobs[2];
	} ring = {
		.ring = { .first = 7, .count = 2 },
		.jobs = { { .cookie = 1 }, { .cookie = 0xc00c1e, .stream_va = 0x1000 } },
	};
	struct {
		struct enpu_coredump_memory memory;
		struct enpu_cmd cmds[3];
	} stream = {
		.memory = { .va = 0x1000, .size = sizeof(stream.cmds) },
		.cmds = {
			{ ENPU_OP_NOP, ENPU_ENGINE_DMA0, sizeof(struct enpu_cmd), 9, { 0 } },
			{ ENPU_OP_NOP, ENPU_ENGINE_VECTOR, sizeof(struct enpu_cmd), 10, { 0 } },
			{ ENPU_OP_CONV, ENPU_ENGINE_MAC, sizeof(struct enpu_cmd), 11, { 0 } },
		},
	};
	struct {
		struct enpu_coredump_memory memory;
		struct enpu_region region;
	} regions = { .region = { .va = 0x2000, .size = 0x345 } };
	struct enpu_coredump_mapping mappings[] = {
		{ .va = 0x10000, .size = 0x10000, .bo_size = 0x10000, .bo = 1,
		  .flags = ENPU_COREDUMP_WRITE },
		{ .va = 0x40000, .size = 0x1000, .bo_offset = 0x2000, .bo_size = 0x9000, .bo = 2,
		  .flags = ENPU_COREDUMP_IMPORTED },
	};
	struct enpu_coredump_header header = {
		.magic = ENPU_COREDUMP_MAGIC, .version = ENPU_COREDUMP_VERSION,
		.header_size = sizeof(header),
	};
	struct builder b = { .size = sizeof(header) };

	add(&b, ENPU_COREDUMP_INFO, &info, sizeof(info));
	add(&b, 12345, "unknown", 7);
	add(&b, ENPU_COREDUMP_REGISTERS, registers, sizeof(registers));
	add(&b, ENPU_COREDUMP_QUEUE, &queue, sizeof(queue));
	add(&b, ENPU_COREDUMP_STATUS, &status, sizeof(status));
	add(&b, ENPU_COREDUMP_RING, &ring, sizeof(ring));
	add(&b, ENPU_COREDUMP_STREAM, &stream, sizeof(stream));
	add(&b, ENPU_COREDUMP_REGIONS, &regions, sizeof(regions));
	add(&b, ENPU_COREDUMP_VM, mappings, sizeof(mappings));
	header.size = b.size;
	memcpy(b.data, &header, sizeof(header));
	return b;
}

/* What is printed of a dump, to be freed. It is copied to where ASan sees its end. */
static char *print(const void *data, size_t size, const char **damage)
{
	uint8_t *copy = malloc(size ? size : 1);
	size_t length;
	char *text;
	FILE *to = open_memstream(&text, &length);

	assert_non_null(copy);
	assert_non_null(to);
	memcpy(copy, data, size);
	*damage = dump_print(copy, size, to);
	fclose(to);
	free(copy);
	return text;
}

static void test_whole(void **state)
{
	static const char *const wanted[] = {
		"what: a job's command failed (Bad address)\n",
		"when: 1970-01-02 00:00:00 UTC, 12.345 s after boot\n",
		"where: 0000:01:00.0, kernel 6.12, 0 device resets before\n",
		"queue: \"a ?[31mmodel\", hardware queue 3, USER, priority high, VM 0, timeout 500 ms\n",
		"job: 9 of 9, cookie 0xc00c1e\n",
		"status page: HALTED, 8 jobs",
		"command: 2, CONV, of layer 11\n",
		"cause: unmapped address\naddress: 0x20010\n",
		"0x10 behind 0x0000010000-0x0000020000 rw BO 0x1 + 0x0 of 0x10000\n",
		"0x1fff0 before 0x0000040000-0x0000041000 r- BO 0x2 + 0x2000 of 0x9000, imported\n",
		"\n>     2  0x000030  CONV           MAC    layer 11\n",
		"\n      1  0x000018  NOP            VECTOR layer 10\n",
		"   0  0x0000002000  0x345 bytes\n",
		">     9  stream 0x1000 + 0x0, 0 regions",
		"  STATUS                   0x00000001\n",
		"  COUNTER_FAULTS_LO        0x00000007\n",
		"  VM_ROOT(5)_HI            0x00000002\n",
		"  QUEUE(3)_PRODUCER        0x00000009\n",
		"  0x3ffffc                 0x0000abcd\n",
	};
	struct builder b = build();
	const char *damage;
	char *text = print(b.data, b.size, &damage);

	assert_null(damage);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!strstr(text, wanted[i]))
			fail_msg("no '%s' in\n%s", wanted[i], text);
	assert_null(strchr(text, '\033'));
	free(text);
}

/* Inside a mapping, and with none at all */
static void test_places(void **state)
{
	struct enpu_queue_status status = {
		.fault_cause = ENPU_FAULT_READ_ONLY, .fault_addr = 0x40008,
	};
	struct builder b = build();
	const char *damage;
	char *text;

	add(&b, ENPU_COREDUMP_STATUS, &status, sizeof(status));
	text = print(b.data, b.size, &damage);
	assert_null(damage);
	assert_non_null(strstr(text, "  at 0x8 in 0x0000040000-0x0000041000 r- BO 0x2"));
	free(text);

	add(&b, ENPU_COREDUMP_VM, NULL, 0);
	text = print(b.data, b.size, &damage);
	assert_non_null(strstr(text, "the dump has no mappings"));
	free(text);

	status = (struct enpu_queue_status){
		.fault_cause = ENPU_FAULT_REGION, .fault_addr = 3ull << 56 | 0x77,
	};
	add(&b, ENPU_COREDUMP_STATUS, &status, sizeof(status));
	text = print(b.data, b.size, &damage);
	assert_non_null(strstr(text, "region 3, offset 0x77\n"));
	free(text);
}

static void test_refused(void **state)
{
	struct builder b = build();
	const char *damage;

	free(print("", 0, &damage));
	assert_string_equal(damage, "too short for a coredump");
	b.data[0] ^= 1;
	free(print(b.data, b.size, &damage));
	assert_string_equal(damage, "not a coredump of an ENPU");
	b = build();
	((struct enpu_coredump_header *)b.data)->version = 2;
	free(print(b.data, b.size, &damage));
	assert_string_equal(damage, "a coredump of a version that is not known");
	b = build();
	((struct enpu_coredump_header *)b.data)->header_size = (uint32_t)b.size + 1;
	free(print(b.data, b.size, &damage));
	assert_string_equal(damage, "damaged header");
}

/* Every way to be cut short is told, and what is there is printed. */
static void test_cut(void **state)
{
	struct builder b = build();
	const char *damage;

	for (size_t size = 0; size < b.size; size++) {
		char *text = print(b.data, size, &damage);

		assert_non_null(damage);
		if (size > 300)
			assert_non_null(strstr(text, "what: a job's command failed"));
		free(text);
	}
}

/* Whatever the bytes are, it comes to an end and stays within them. */
static void test_garbage(void **state)
{
	const char *damage;
	uint64_t seed = 1;

	for (unsigned int round = 0; round < 5000; round++) {
		struct builder b = build();

		for (unsigned int i = 0; i < 1 + round % 16; i++) {
			static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
			size_t at;

			seed = seed * 6364136223846793005 + 1442695040888963407;
			at = sizeof(uint64_t) + (seed >> 33) % (b.size - sizeof(uint64_t));
			b.data[at] = values[(seed >> 24) % sizeof(values)];
		}
		free(print(b.data, b.size, &damage));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests_name("accel: coredumps", tests, NULL, NULL);
}
