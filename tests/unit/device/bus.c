// SPDX-License-Identifier: MIT
/*
 * A device on a small bus: the test plays the driver.
 */
#include <time.h>

#include "bus.h"

#define WAIT_STEPS	20000		/* of a millisecond at most: far more than is needed */

static void dma_begin(void *host)
{
	struct bus *bus = host;

	assert_int_equal(atomic_fetch_add(&bus->nested, 1), 0);
}

static void dma_end(void *host)
{
	struct bus *bus = host;

	atomic_fetch_sub(&bus->nested, 1);
}

static void *dma_ptr(void *host, uint64_t addr, uint64_t *len, bool write)
{
	struct bus *bus = host;

	if (!atomic_load(&bus->master) || !atomic_load(&bus->nested) || addr >= BUS_SIZE)
		return NULL;
	if (*len > BUS_SIZE - addr)
		*len = BUS_SIZE - addr;
	if (addr - TRACE < 0x1000 && atomic_load(&bus->num_traced) < BUS_TRACE)
		atomic_store(&bus->trace[atomic_fetch_add(&bus->num_traced, 1)],
			     (uint16_t)(addr - TRACE));
	while (atomic_load(&bus->gate) && atomic_load(&bus->gate) == addr) {
		atomic_store(&bus->at_gate, addr);
		nap();
	}
	return bus->memory + addr;
}

static void irq(void *host, unsigned int vector)
{
	struct bus *bus = host;
	unsigned int n = atomic_load(&bus->num_irqs);

	/* One thread raises them while jobs run */
	if (n < BUS_IRQS)
		atomic_store(&bus->irq_order[n], (uint8_t)vector);
	atomic_store(&bus->num_irqs, n + 1);
	atomic_fetch_add(&bus->irqs[vector], 1);
}

static const struct enpu_host_ops host_ops = {
	.dma_begin = dma_begin,
	.dma_end = dma_end,
	.dma_ptr = dma_ptr,
	.irq = irq,
};

struct bus *bus_new(void)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	assert_non_null(bus);
	bus->memory = calloc(1, BUS_SIZE);
	assert_non_null(bus->memory);
	atomic_store(&bus->master, true);
	bus->dev = enpu_device_new(enpu_config_find("enpu-256"), &host_ops, bus);
	assert_non_null(bus->dev);
	return bus;
}

void bus_free(struct bus *bus)
{
	open_gate(bus);
	enpu_device_free(bus->dev);
	free(bus->memory);
	free(bus);
}

uint32_t reg(struct bus *bus, uint64_t offset)
{
	return enpu_device_read(bus->dev, offset);
}

void set_reg(struct bus *bus, uint64_t offset, uint32_t value)
{
	enpu_device_write(bus->dev, offset, value);
}

void set_reg64(struct bus *bus, uint64_t lo, uint64_t value)
{
	set_reg(bus, lo + 4, (uint32_t)(value >> 32));
	set_reg(bus, lo, (uint32_t)value);
}

static uint64_t *entry(struct bus *bus, uint64_t table, unsigned int level, uint64_t va)
{
	return (uint64_t *)(bus->memory + table) + (va >> (12 + 9 * level) & 511);
}

/* The table below an entry, made if there is none */
static uint64_t below(struct bus *bus, unsigned int vm, uint64_t *pte)
{
	if (!*pte)
		*pte = (TABLES(vm) + 0x1000 * ++bus->tables_used[vm]) | ENPU_PTE_VALID;
	return *pte & ENPU_PTE_ADDR;
}

static uint64_t second_level(struct bus *bus, unsigned int vm, uint64_t va)
{
	set_reg64(bus, ENPU_REG_VM_ROOT_LO(vm), TABLES(vm) | ENPU_VM_ROOT_VALID);
	return below(bus, vm, entry(bus, TABLES(vm), 2, va));
}

uint64_t *leaf(struct bus *bus, unsigned int vm, uint64_t va)
{
	uint64_t table = below(bus, vm, entry(bus, second_level(bus, vm, va), 1, va));

	return entry(bus, table, 0, va);
}

void map_page(struct bus *bus, unsigned int vm, uint64_t va, uint64_t addr, uint64_t flags)
{
	*leaf(bus, vm, va) = addr | flags | ENPU_PTE_VALID;
}

void map_block(struct bus *bus, unsigned int vm, uint64_t va, uint64_t addr, uint64_t flags)
{
	*entry(bus, second_level(bus, vm, va), 1, va) =
		addr | flags | ENPU_PTE_VALID | ENPU_PTE_BLOCK;
}

void start_queue(struct bus *bus, unsigned int q, unsigned int priority)
{
	uint64_t base = ENPU_REG_QUEUE(q);

	memset(bus->memory + STATUS(q), 0, sizeof(struct enpu_queue_status));
	bus->producer[q] = 0;
	set_reg64(bus, base + ENPU_QUEUE_RING_LO, RING(q));
	set_reg64(bus, base + ENPU_QUEUE_STATUS_LO, STATUS(q));
	set_reg(bus, base + ENPU_QUEUE_RING_ORDER, RING_ORDER);
	set_reg(bus, base + ENPU_QUEUE_VM, q);
	set_reg(bus, base + ENPU_QUEUE_PRIORITY, priority);
	set_reg(bus, base + ENPU_QUEUE_VECTOR, q);
	set_reg(bus, base + ENPU_QUEUE_CTRL, ENPU_QUEUE_CTRL_ENABLE);
	assert_int_equal(reg(bus, base + ENPU_QUEUE_STATE), ENPU_QUEUE_IDLE);
}

void stop_queue(struct bus *bus, unsigned int q)
{
	set_reg(bus, ENPU_REG_QUEUE(q) + ENPU_QUEUE_CTRL, 0);
	wait_state(bus, q, ENPU_QUEUE_OFF);
}

void push(struct bus *bus, unsigned int q, const struct enpu_job *job)
{
	struct enpu_job *ring = (struct enpu_job *)(bus->memory + RING(q));

	ring[bus->producer[q]++ % (1u << RING_ORDER)] = *job;
}

void ring_doorbell(struct bus *bus, unsigned int q)
{
	set_reg(bus, ENPU_DOORBELL_OFFSET + (uint64_t)q * ENPU_DOORBELL_STRIDE, bus->producer[q]);
}

#define LOAD(field)	__atomic_load_n(&(field), __ATOMIC_ACQUIRE)

struct enpu_queue_status status(struct bus *bus, unsigned int q)
{
	struct enpu_queue_status *page = (struct enpu_queue_status *)(bus->memory + STATUS(q));
	struct enpu_queue_status now = {
		.completed = LOAD(page->completed),
		.state = LOAD(page->state),
	};

	now.progress = LOAD(page->progress);
	now.busy_ns = LOAD(page->busy_ns);
	now.busy_cycles = LOAD(page->busy_cycles);
	if (now.state != ENPU_QUEUE_HALTED)
		return now;
	now.fault_cause = page->fault_cause;
	now.fault_command = page->fault_command;
	now.fault_addr = page->fault_addr;
	now.fault_job = page->fault_job;
	now.fault_layer = page->fault_layer;
	now.fault_opcode = page->fault_opcode;
	return now;
}

void nap(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	nanosleep(&ms, NULL);
}

#define WAIT_FOR(condition, ...) do {						\
	unsigned int _steps = WAIT_STEPS;					\
										\
	while (!(condition)) {							\
		if (!_steps--)							\
			fail_msg(__VA_ARGS__);					\
		nap();								\
	}									\
} while (0)

void wait_completed(struct bus *bus, unsigned int q, uint64_t completed)
{
	WAIT_FOR(status(bus, q).completed == completed,
		 "queue %u: %llu completed, state %u, fault %u at %llx", q,
		 (unsigned long long)status(bus, q).completed, status(bus, q).state,
		 status(bus, q).fault_cause, (unsigned long long)status(bus, q).fault_addr);
}

void wait_halted(struct bus *bus, unsigned int q)
{
	WAIT_FOR(status(bus, q).state == ENPU_QUEUE_HALTED, "queue %u does not halt", q);
}

void wait_reg(struct bus *bus, uint64_t offset, uint32_t value)
{
	WAIT_FOR(reg(bus, offset) == value, "register %llx is %u, not %u",
		 (unsigned long long)offset, reg(bus, offset), value);
}

void wait_state(struct bus *bus, unsigned int q, uint32_t state)
{
	wait_reg(bus, ENPU_REG_QUEUE(q) + ENPU_QUEUE_STATE, state);
}

void wait_irqs(struct bus *bus, unsigned int vector, unsigned int n)
{
	WAIT_FOR(atomic_load(&bus->irqs[vector]) >= n, "vector %u: %u interrupts, not %u", vector,
		 atomic_load(&bus->irqs[vector]), n);
}

void assert_irq_order(struct bus *bus, const uint8_t *vectors, unsigned int n)
{
	WAIT_FOR(atomic_load(&bus->num_irqs) >= n, "%u interrupts, not %u",
		 atomic_load(&bus->num_irqs), n);
	for (unsigned int i = 0; i < n; i++)
		if (atomic_load(&bus->irq_order[i]) != vectors[i])
			fail_msg("interrupt %u is of vector %u, not %u", i,
				 atomic_load(&bus->irq_order[i]), vectors[i]);
}

void assert_trace(struct bus *bus, const uint16_t *offsets, unsigned int n)
{
	WAIT_FOR(atomic_load(&bus->num_traced) >= n, "%u traced accesses, not %u",
		 atomic_load(&bus->num_traced), n);
	for (unsigned int i = 0; i < n; i++)
		if (atomic_load(&bus->trace[i]) != offsets[i])
			fail_msg("access %u is to %x, not %x", i, atomic_load(&bus->trace[i]),
				 offsets[i]);
	assert_int_equal(atomic_load(&bus->num_traced), n);
}

void close_gate(struct bus *bus, uint64_t addr)
{
	atomic_store(&bus->at_gate, 0);
	atomic_store(&bus->gate, addr);
}

void wait_gate(struct bus *bus)
{
	WAIT_FOR(atomic_load(&bus->at_gate) == atomic_load(&bus->gate), "nobody comes to %llx",
		 (unsigned long long)atomic_load(&bus->gate));
}

void open_gate(struct bus *bus)
{
	atomic_store(&bus->gate, 0);
}

void make_vm(struct bus *bus, unsigned int vm)
{
	struct enpu_region *regions = (struct enpu_region *)(bus->memory + PAGE(vm, 1));

	map_page(bus, vm, VA_STREAM, PAGE(vm, 0), 0);
	map_page(bus, vm, VA_REGIONS, PAGE(vm, 1), 0);
	map_page(bus, vm, VA_PROFILE, PAGE(vm, 2), ENPU_PTE_WRITE);
	map_page(bus, vm, VA_DATA, PAGE(vm, 3), ENPU_PTE_WRITE);
	map_page(bus, vm, VA_DATA + 0x1000, PAGE(vm, 4), ENPU_PTE_WRITE);
	regions[0] = (struct enpu_region) { VA_DATA, 0x2000 };
	regions[1] = (struct enpu_region) { VA_BLOCK, 1 << 21 };
	regions[2] = (struct enpu_region) { VA_STREAM, 0x1000 };
	/* With the bits above cut off it would be the data's */
	regions[3] = (struct enpu_region) { (1ull << 39) + VA_DATA, 0x1000 };
}

struct enpu_cmd_dma copy(unsigned int from, uint64_t src, unsigned int to, uint64_t dst,
			 uint32_t length)
{
	return (struct enpu_cmd_dma) {
		.cmd = header(ENPU_OP_DMA_COPY, ENPU_ENGINE_DMA0, sizeof(struct enpu_cmd_dma)),
		.src = ref(from, 0, src),
		.dst = ref(to, 0, dst),
		.length = length,
		.count = { 1, 1, 1, 1 },
	};
}

struct enpu_job job_with(struct bus *bus, unsigned int vm, const void *stream, size_t size)
{
	memcpy(bus->memory + PAGE(vm, 0), stream, size);
	return (struct enpu_job) {
		.stream_va = VA_STREAM,
		.stream_size = (uint32_t)size,
		.flags = ENPU_JOB_IRQ,
		.regions_va = VA_REGIONS,
		.num_regions = 4,
	};
}

void submit(struct bus *bus, unsigned int q, const struct enpu_job *job)
{
	push(bus, q, job);
	ring_doorbell(bus, q);
}

void assert_fault(struct bus *bus, unsigned int q, uint32_t cause, uint32_t command,
		  uint64_t addr)
{
	assert_int_equal(status(bus, q).fault_cause, cause);
	assert_int_equal(status(bus, q).fault_command, command);
	assert_int_equal(status(bus, q).fault_addr, addr);
}
