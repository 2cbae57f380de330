// SPDX-License-Identifier: MIT
/*
 * A device coredump, told to people. It comes from the kernel, but may have been cut
 * short or damaged since: nothing that it says of itself is believed before it was
 * compared with what is there.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <accel/job.h>
#include <enpu/cmd.h>
#include <enpu/coredump.h>
#include <enpu/regs.h>

#include "dump.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/* Commands that are shown before the failed one */
#define COMMANDS_BEFORE	4

struct section {
	const uint8_t *data;		/* NULL: the dump has none */
	__u64 size;
};

struct dump {
	FILE *to;
	struct section sections[ENPU_COREDUMP_VM + 1];
	struct enpu_coredump_info info;
	struct enpu_coredump_queue queue;
	struct enpu_queue_status status;
	struct enpu_job job;		/* the failed one */
	bool has_queue;
	bool has_status;
	bool has_job;
};

/* The name of a number, from a table that may have gaps */
static const char *name_of(const char *const *names, size_t count, __u64 number)
{
	return number < count && names[number] ? names[number] : "unknown";
}

#define NAME(names, number)	name_of(names, COUNT(names), number)

static const char *const engines[] = {
	[ENPU_ENGINE_DMA0] = "DMA0",
	[ENPU_ENGINE_DMA1] = "DMA1",
	[ENPU_ENGINE_MAC] = "MAC",
	[ENPU_ENGINE_VECTOR] = "VECTOR",
};

static const char *const priorities[] = {
	[ENPU_PRIORITY_LOW] = "low",
	[ENPU_PRIORITY_NORMAL] = "normal",
	[ENPU_PRIORITY_HIGH] = "high",
	[ENPU_PRIORITY_REALTIME] = "realtime",
};

/* enum drm_enpu_queue_mode, without libdrm's headers */
static const char *const modes[] = { "KERNEL", "USER" };

static const char *const states[] = {
	[ENPU_QUEUE_OFF] = "OFF",
	[ENPU_QUEUE_IDLE] = "IDLE",
	[ENPU_QUEUE_RUNNING] = "RUNNING",
	[ENPU_QUEUE_HALTED] = "HALTED",
	[ENPU_QUEUE_STOPPING] = "STOPPING",
	[ENPU_QUEUE_PAUSED] = "PAUSED",
};

static const char *const reasons[] = {
	[ENPU_COREDUMP_FAULT] = "a job's command failed",
	[ENPU_COREDUMP_HANG] = "a job made no progress for its queue's timeout",
	[ENPU_COREDUMP_STUCK] = "a queue did not stop, and the device was reset",
	[ENPU_COREDUMP_FATAL] = "the device reported a state that only a reset leaves",
	[ENPU_COREDUMP_TLB] = "an invalidation did not complete, and the device was reset",
};

static const struct {
	uint32_t offset;
	const char *name;
} device_registers[] = {
	{ ENPU_REG_VERSION, "VERSION" },
	{ ENPU_REG_IMPLEMENTATION, "IMPLEMENTATION" },
	{ ENPU_REG_CAPS, "CAPS" },
	{ ENPU_REG_STATUS, "STATUS" },
	{ ENPU_REG_EVENTS, "EVENTS" },
	{ ENPU_REG_EVENT_ENABLE, "EVENT_ENABLE" },
	{ ENPU_REG_TIME_LO, "TIME_LO" },
	{ ENPU_REG_TIME_HI, "TIME_HI" },
	{ ENPU_REG_TLB_DONE, "TLB_DONE" },
	{ ENPU_REG_TIME_SLICE, "TIME_SLICE" },
}, queue_registers[] = {
	{ ENPU_QUEUE_CTRL, "CTRL" },
	{ ENPU_QUEUE_STATE, "STATE" },
	{ ENPU_QUEUE_RING_LO, "RING_LO" },
	{ ENPU_QUEUE_RING_HI, "RING_HI" },
	{ ENPU_QUEUE_RING_ORDER, "RING_ORDER" },
	{ ENPU_QUEUE_STATUS_LO, "STATUS_LO" },
	{ ENPU_QUEUE_STATUS_HI, "STATUS_HI" },
	{ ENPU_QUEUE_VM, "VM" },
	{ ENPU_QUEUE_PRIORITY, "PRIORITY" },
	{ ENPU_QUEUE_VECTOR, "VECTOR" },
	{ ENPU_QUEUE_CONSUMER, "CONSUMER" },
	{ ENPU_QUEUE_PRODUCER, "PRODUCER" },
	{ ENPU_QUEUE_START_LO, "START_LO" },
	{ ENPU_QUEUE_START_HI, "START_HI" },
};

static const char *const counters[] = {
	[ENPU_COUNTER_JOBS] = "JOBS",
	[ENPU_COUNTER_COMMANDS] = "COMMANDS",
	[ENPU_COUNTER_CYCLES] = "CYCLES",
	[ENPU_COUNTER_MAC_CYCLES] = "MAC_CYCLES",
	[ENPU_COUNTER_DRAM_READ] = "DRAM_READ",
	[ENPU_COUNTER_DRAM_WRITTEN] = "DRAM_WRITTEN",
	[ENPU_COUNTER_FAULTS] = "FAULTS",
	[ENPU_COUNTER_INTERRUPTS] = "INTERRUPTS",
};

static void register_name(uint32_t offset, char *name, size_t size)
{
	uint32_t queue = (offset - ENPU_REG_QUEUE(0)) / 0x100;
	uint32_t counter = (offset - ENPU_REG_COUNTER(0)) / 8;
	uint32_t vm = (offset - ENPU_REG_VM_ROOT_LO(0)) / 8;
	const char *half = offset % 8 ? "HI" : "LO";

	snprintf(name, size, "0x%x", offset);
	for (size_t i = 0; i < COUNT(device_registers); i++)
		if (device_registers[i].offset == offset)
			snprintf(name, size, "%s", device_registers[i].name);
	if (offset >= ENPU_REG_COUNTER(0) && counter < COUNT(counters))
		snprintf(name, size, "COUNTER_%s_%s", counters[counter], half);
	if (offset >= ENPU_REG_VM_ROOT_LO(0) && vm < ENPU_MAX_VMS)
		snprintf(name, size, "VM_ROOT(%u)_%s", vm, half);
	if (offset < ENPU_REG_QUEUE(0) || queue >= ENPU_MAX_QUEUES)
		return;
	for (size_t i = 0; i < COUNT(queue_registers); i++)
		if (queue_registers[i].offset == offset % 0x100)
			snprintf(name, size, "QUEUE(%u)_%s", queue,
				 queue_registers[i].name);
}

/* Text that somebody else wrote: at most size bytes, and nothing that a terminal obeys */
static void print_text(FILE *to, const char *text, size_t size)
{
	for (size_t i = 0; i < size && text[i]; i++)
		fputc(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?', to);
}

/* Copies an element out of a section, be it aligned or not; false: there is none. */
static bool get(const struct dump *dump, uint32_t type, __u64 offset, void *out, size_t size)
{
	const struct section *s = &dump->sections[type];

	if (!s->data || offset > s->size || size > s->size - offset)
		return false;
	memcpy(out, s->data + offset, size);
	return true;
}

static bool get_mapping(const struct dump *dump, __u64 i, struct enpu_coredump_mapping *map)
{
	return get(dump, ENPU_COREDUMP_VM, i * sizeof(*map), map, sizeof(*map));
}

static void print_mapping(const struct dump *dump, const struct enpu_coredump_mapping *map)
{
	fprintf(dump->to, "0x%010llx-0x%010llx %s BO 0x%x + 0x%llx of 0x%llx%s\n", map->va,
		map->va + map->size, map->flags & ENPU_COREDUMP_WRITE ? "rw" : "r-", map->bo,
		map->bo_offset, map->bo_size, map->flags & ENPU_COREDUMP_IMPORTED ? ", imported" : "");
}

/* Which mapping an address lies in, or those it lies between */
static void print_place(const struct dump *dump, __u64 va)
{
	struct enpu_coredump_mapping map, below = { 0 }, above = { .va = UINT64_MAX };

	for (__u64 i = 0; get_mapping(dump, i, &map); i++) {
		if (va >= map.va && va - map.va < map.size) {
			fprintf(dump->to, "  at 0x%llx in ", va - map.va);
			print_mapping(dump, &map);
			return;
		}
		if (map.va <= va && map.size && map.va >= below.va)
			below = map;
		if (map.va > va && map.va < above.va)
			above = map;
	}
	if (below.size) {
		fprintf(dump->to, "  0x%llx behind ", va - (below.va + below.size));
		print_mapping(dump, &below);
	}
	if (above.va != UINT64_MAX) {
		fprintf(dump->to, "  0x%llx before ", above.va - va);
		print_mapping(dump, &above);
	}
	if (!below.size && above.va == UINT64_MAX)
		fputs("  the dump has no mappings\n", dump->to);
}

static void print_address(const struct dump *dump)
{
	__u64 addr = dump->status.fault_addr;

	switch (dump->status.fault_cause) {
	case ENPU_FAULT_UNMAPPED:
	case ENPU_FAULT_READ_ONLY:
		fprintf(dump->to, "address: 0x%llx\n", addr);
		print_place(dump, addr);
		break;
	case ENPU_FAULT_BUS:
		fprintf(dump->to, "bus address: 0x%llx\n", addr);
		break;
	case ENPU_FAULT_REGION:
		fprintf(dump->to, "region %llu, offset 0x%llx\n", addr >> 56,
			addr & ((1ull << 56) - 1));
		break;
	case ENPU_FAULT_OPCODE:
		fprintf(dump->to, "opcode: %llu\n", addr);
		break;
	case ENPU_FAULT_JOB:
		fprintf(dump->to, "ring entry: %llu\n", addr);
		break;
	default:
		fprintf(dump->to, "offset in the stream: 0x%llx\n", addr);
	}
}

static void print_failure(const struct dump *dump)
{
	const struct enpu_queue_status *status = &dump->status;

	if (!dump->has_status || dump->info.reason != ENPU_COREDUMP_FAULT)
		return;
	if (status->fault_command == ENPU_FAULT_NO_COMMAND)
		fputs("command: none, before the first\n", dump->to);
	else
		fprintf(dump->to, "command: %u, %s, of layer %u\n",
			status->fault_command, accel_opcode_name(status->fault_opcode),
			status->fault_layer);
	fprintf(dump->to, "cause: %s\n", accel_fault_cause_text(status->fault_cause));
	print_address(dump);
}

static void print_info(const struct dump *dump)
{
	const struct enpu_coredump_info *info = &dump->info;
	time_t seconds = (time_t)(info->real_ns / 1000000000);
	char when[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	fprintf(dump->to, "what: %s", NAME(reasons, info->reason));
	if (info->error)
		fprintf(dump->to, " (%s)", strerror((int)info->error));
	fprintf(dump->to, "\nwhen: %s, %llu.%03llu s after boot\nwhere: ", when,
		info->boot_ns / 1000000000, info->boot_ns / 1000000 % 1000);
	print_text(dump->to, info->device, sizeof(info->device));
	fputs(", kernel ", dump->to);
	print_text(dump->to, info->kernel, sizeof(info->kernel));
	fprintf(dump->to, ", %u device resets before\n", info->reset_count);
}

static void print_queue(const struct dump *dump)
{
	const struct enpu_coredump_queue *queue = &dump->queue;

	if (!dump->has_queue)
		return;
	fputs("queue: \"", dump->to);
	print_text(dump->to, queue->label, sizeof(queue->label));
	fprintf(dump->to, "\", hardware queue %u, %s, priority %s, VM %u, timeout %u ms\n",
		queue->slot, NAME(modes, queue->mode), NAME(priorities, queue->priority),
		queue->vm, queue->timeout_ms);
	fprintf(dump->to, "job: %llu of %llu", queue->job + 1, queue->producer);
	if (dump->has_job)
		fprintf(dump->to, ", cookie 0x%llx", dump->job.cookie);
	fputc('\n', dump->to);
	if (dump->has_status)
		fprintf(dump->to, "status page: %s, %llu jobs and %llu commands complete\n",
			NAME(states, dump->status.state), dump->status.completed,
			dump->status.progress);
}

/* The commands before the failed one, and that; of a hang, from the start */
static void print_stream(const struct dump *dump)
{
	uint32_t failed = dump->info.reason == ENPU_COREDUMP_FAULT && dump->has_status ?
			  dump->status.fault_command : ENPU_FAULT_NO_COMMAND;
	__u64 offset = sizeof(struct enpu_coredump_memory);
	struct enpu_coredump_memory memory;
	struct enpu_cmd cmd;

	if (!get(dump, ENPU_COREDUMP_STREAM, 0, &memory, sizeof(memory)))
		return;
	fprintf(dump->to, "\nstream: 0x%llx bytes at 0x%llx, 0x%llx in the dump\n", memory.size,
		memory.va, dump->sections[ENPU_COREDUMP_STREAM].size - sizeof(memory));
	for (uint32_t i = 0; get(dump, ENPU_COREDUMP_STREAM, offset, &cmd, sizeof(cmd)); i++) {
		bool shown = failed == ENPU_FAULT_NO_COMMAND ? i <= COMMANDS_BEFORE :
			     i <= failed && failed - i <= COMMANDS_BEFORE;

		if (shown)
			fprintf(dump->to, "%c %5u  0x%06llx  %-14s %-6s layer %u\n",
				i == failed ? '>' : ' ', i, offset - sizeof(memory),
				accel_opcode_name(cmd.opcode), NAME(engines, cmd.engine),
				cmd.layer);
		if (cmd.size < sizeof(cmd) || i == failed)
			break;
		offset += cmd.size;
	}
}

static void print_regions(const struct dump *dump)
{
	const __u64 first = sizeof(struct enpu_coredump_memory);
	struct enpu_region region;

	if (dump->sections[ENPU_COREDUMP_REGIONS].size <= first)
		return;
	fputs("\nregions:\n", dump->to);
	for (__u64 i = 0; get(dump, ENPU_COREDUMP_REGIONS, first + i * sizeof(region), &region,
			      sizeof(region)); i++)
		fprintf(dump->to, "  %2llu  0x%010llx  0x%llx bytes\n", i, region.va, region.size);
}

static void print_ring(const struct dump *dump)
{
	struct enpu_coredump_ring ring;
	struct enpu_job job;

	if (!get(dump, ENPU_COREDUMP_RING, 0, &ring, sizeof(ring)) || !ring.count)
		return;
	fputs("\nring:\n", dump->to);
	for (__u64 i = 0; i < ring.count && get(dump, ENPU_COREDUMP_RING,
						sizeof(ring) + i * sizeof(job), &job,
						sizeof(job)); i++)
		fprintf(dump->to, "%c %5llu  stream 0x%llx + 0x%x, %u regions at 0x%llx, flags 0x%x\n",
			dump->has_queue && ring.first + i == dump->queue.job ? '>' : ' ',
			ring.first + i + 1, job.stream_va, job.stream_size, job.num_regions,
			job.regions_va, job.flags);
}

static void print_vm(const struct dump *dump)
{
	struct enpu_coredump_mapping map;

	if (!dump->sections[ENPU_COREDUMP_VM].size)
		return;
	fputs("\naddress space:\n", dump->to);
	for (__u64 i = 0; get_mapping(dump, i, &map); i++) {
		fputs("  ", dump->to);
		print_mapping(dump, &map);
	}
}

static void print_registers(const struct dump *dump)
{
	struct enpu_coredump_register reg;
	char name[40];

	fprintf(dump->to, "\nregisters:%s\n", dump->info.alive ? "" : " the device did not answer");
	for (__u64 i = 0; get(dump, ENPU_COREDUMP_REGISTERS, i * sizeof(reg), &reg, sizeof(reg));
	     i++) {
		register_name(reg.offset, name, sizeof(name));
		fprintf(dump->to, "  %-24s 0x%08x\n", name, reg.value);
	}
}

/* Finds the sections; unknown ones are skipped. */
static const char *parse(struct dump *dump, const uint8_t *data, size_t size)
{
	struct enpu_coredump_header header;
	__u64 at;

	if (size < sizeof(header))
		return "too short for a coredump";
	memcpy(&header, data, sizeof(header));
	if (header.magic != ENPU_COREDUMP_MAGIC)
		return "not a coredump of an ENPU";
	if (header.version != ENPU_COREDUMP_VERSION)
		return "a coredump of a version that is not known";
	if (header.header_size < sizeof(header) || header.header_size > size)
		return "damaged header";

	for (at = header.header_size; size - at >= sizeof(struct enpu_coredump_section);) {
		struct enpu_coredump_section s;

		memcpy(&s, data + at, sizeof(s));
		at += sizeof(s);
		if (s.size > size - at)
			return "cut short within a section";
		if (s.type < COUNT(dump->sections))
			dump->sections[s.type] = (struct section){ data + at, s.size };
		/* the last one may lack what it is filled up with */
		at += s.size + (8 - s.size % 8) % 8;
		if (at > size)
			at = size;
	}
	return header.size > size ? "cut short" : NULL;
}

static void find_job(struct dump *dump)
{
	struct enpu_coredump_ring ring;
	__u64 i;

	if (!dump->has_queue || !get(dump, ENPU_COREDUMP_RING, 0, &ring, sizeof(ring)))
		return;
	i = dump->queue.job - ring.first;
	if (i < ring.count && i < 1ull << ENPU_MAX_RING_ORDER)
		dump->has_job = get(dump, ENPU_COREDUMP_RING, sizeof(ring) + i * sizeof(dump->job),
				    &dump->job, sizeof(dump->job));
}

const char *dump_print(const void *data, size_t size, FILE *to)
{
	struct dump dump = { .to = to };
	const char *damage = parse(&dump, data, size);

	if (!get(&dump, ENPU_COREDUMP_INFO, 0, &dump.info, sizeof(dump.info)))
		return damage ? damage : "it does not say what it is about";

	dump.has_queue = get(&dump, ENPU_COREDUMP_QUEUE, 0, &dump.queue, sizeof(dump.queue));
	dump.has_status = get(&dump, ENPU_COREDUMP_STATUS, 0, &dump.status, sizeof(dump.status));
	find_job(&dump);

	print_info(&dump);
	print_queue(&dump);
	print_failure(&dump);
	print_stream(&dump);
	print_regions(&dump);
	print_ring(&dump);
	print_vm(&dump);
	print_registers(&dump);
	return damage;
}
