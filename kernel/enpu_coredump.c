// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Coredump
 *
 * When a queue is banned or the device is reset, what is known of the failure is
 * left for people as a devcoredump, in the format of uapi/enpu/coredump.h. It is
 * made in two steps.
 *
 * Recovery takes a snapshot of what it is about to destroy: registers, if the device
 * answers, the status page, and the ring's entries around the failed job. It has fences
 * waiting behind it; so the snapshot has its place reserved from probe on, and is a few
 * kilobytes. A work item then adds what needs memory and locks: the job's stream and
 * region table, read through the address space, and the map of that. It begins when
 * the fences have been signalled, and holds queue and address space until then.
 *
 * There is one snapshot a device. A failure that comes while it is in use leaves no
 * dump, and no more does one while the dump before it was neither read nor dropped: the
 * first failure is the one that explains the others.
 *
 * The stream is not parsed here, nor is its address trusted: what can't be read is left
 * out. Tools find the failed command by walking through the stream.
 */

#include <linux/devcoredump.h>
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>

#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_managed.h>

#include <enpu/coredump.h>

#include "enpu_compat.h"
#include "enpu_coredump.h"
#include "enpu_gem.h"
#include "enpu_queue.h"
#include "enpu_vm.h"

#define ENPU_COREDUMP_JOBS		9
#define ENPU_COREDUMP_JOBS_BEFORE	4
#define ENPU_COREDUMP_MAX_REGISTERS	64
#define ENPU_COREDUMP_MAX_STREAM	SZ_256K
#define ENPU_COREDUMP_MAX_MAPPINGS	SZ_64K

/**
 * struct enpu_coredump - the snapshot of a failure
 *
 * From enpu_coredump_take_locked() until its work is done it is the work's; by the
 * hw_lock.
 */
struct enpu_coredump {
	/** @work: makes a dump of it */
	struct work_struct work;
	/** @enpu: the device */
	struct enpu_device *enpu;
	/** @busy: there is a failure in it */
	bool busy;
	/** @queue: the failed one, a reference; NULL: none */
	struct enpu_queue *queue;
	/** @vm: its address space, a reference */
	struct enpu_vm *vm;
	/** @info: section */
	struct enpu_coredump_info info;
	/** @num_registers: of @registers */
	unsigned int num_registers;
	/** @registers: section */
	struct enpu_coredump_register registers[ENPU_COREDUMP_MAX_REGISTERS];
	/** @queue_info: section */
	struct enpu_coredump_queue queue_info;
	/** @status: section */
	struct enpu_queue_status status;
	/** @ring: section, with @jobs */
	struct enpu_coredump_ring ring;
	/** @jobs: behind @ring */
	struct enpu_job jobs[ENPU_COREDUMP_JOBS];
};

/* A dump in the making; NULL @data: only its size is wanted */
struct enpu_coredump_writer {
	u8 *data;
	size_t size;
};

static void *enpu_coredump_add(struct enpu_coredump_writer *writer, u32 type, size_t size)
{
	struct enpu_coredump_section *section;
	void *data;

	section = (void *)(writer->data + writer->size);
	data = section + 1;
	section->type = type;
	section->size = size;
	writer->size += sizeof(*section) + ALIGN(size, 8);

	return data;
}

static void enpu_coredump_put(struct enpu_coredump_writer *writer, u32 type, const void *data,
			      size_t size)
{
	memcpy(enpu_coredump_add(writer, type, size), data, size);
}

static void enpu_coredump_read_register(struct enpu_coredump *dump, u32 offset)
{
	if (WARN_ON_ONCE(dump->num_registers == ARRAY_SIZE(dump->registers)))
		return;

	dump->registers[dump->num_registers++] = (struct enpu_coredump_register) {
		.offset = offset,
		.value = enpu_read(dump->enpu, offset),
	};
}

static void enpu_coredump_read_registers(struct enpu_coredump *dump)
{
	static const u32 device[] = {
		ENPU_REG_VERSION, ENPU_REG_IMPLEMENTATION, ENPU_REG_CAPS, ENPU_REG_STATUS,
		ENPU_REG_EVENTS, ENPU_REG_EVENT_ENABLE, ENPU_REG_TIME_LO, ENPU_REG_TIME_HI,
		ENPU_REG_TLB_DONE, ENPU_REG_TIME_SLICE,
	};
	static const u32 queue[] = {
		ENPU_QUEUE_CTRL, ENPU_QUEUE_STATE, ENPU_QUEUE_RING_LO, ENPU_QUEUE_RING_HI,
		ENPU_QUEUE_RING_ORDER, ENPU_QUEUE_STATUS_LO, ENPU_QUEUE_STATUS_HI, ENPU_QUEUE_VM,
		ENPU_QUEUE_PRIORITY, ENPU_QUEUE_VECTOR, ENPU_QUEUE_CONSUMER, ENPU_QUEUE_PRODUCER,
		ENPU_QUEUE_START_LO, ENPU_QUEUE_START_HI,
	};
	unsigned int i;

	dump->num_registers = 0;
	dump->info.alive = dump->enpu->hw_on && enpu_device_alive(dump->enpu);
	if (!dump->info.alive)
		return;

	for (i = 0; i < ARRAY_SIZE(device); i++)
		enpu_coredump_read_register(dump, device[i]);
	for (i = 0; i < ENPU_NUM_COUNTERS; i++) {
		enpu_coredump_read_register(dump, ENPU_REG_COUNTER(i));
		enpu_coredump_read_register(dump, ENPU_REG_COUNTER(i) + 4);
	}
	if (!dump->queue)
		return;
	enpu_coredump_read_register(dump, ENPU_REG_VM_ROOT_LO(dump->vm->number));
	enpu_coredump_read_register(dump, ENPU_REG_VM_ROOT_HI(dump->vm->number));
	for (i = 0; i < ARRAY_SIZE(queue); i++)
		enpu_coredump_read_register(dump, enpu_queue_reg(dump->queue, queue[i]));
}

static void enpu_coredump_read_queue(struct enpu_coredump *dump)
{
	struct enpu_queue *queue = dump->queue;
	u32 mask = BIT(queue->ring_order) - 1;
	u64 job, i;

	dump->status = *queue->status;
	job = dump->info.reason == ENPU_COREDUMP_FAULT ? dump->status.fault_job :
							 dump->status.completed;
	dump->queue_info = (struct enpu_coredump_queue) {
		.slot = queue->slot,
		.mode = queue->user ? DRM_ENPU_QUEUE_USER : DRM_ENPU_QUEUE_KERNEL,
		.priority = queue->priority,
		.vm = dump->vm->number,
		.ring_order = queue->ring_order,
		.timeout_ms = jiffies_to_msecs(queue->timeout),
		.producer = queue->producer,
		.job = job,
	};
	strscpy(dump->queue_info.label, queue->label);

	dump->ring.first = job - min(job, ENPU_COREDUMP_JOBS_BEFORE);
	dump->ring.count = min(ENPU_COREDUMP_JOBS, mask + 1);
	/* of a USER queue's ring the driver knows no end */
	if (!queue->user)
		dump->ring.count = clamp(queue->producer, dump->ring.first,
					 dump->ring.first + dump->ring.count) - dump->ring.first;
	for (i = 0; i < dump->ring.count; i++)
		dump->jobs[i] = queue->ring[(dump->ring.first + i) & mask];
}

/**
 * enpu_coredump_take_locked() - note what is known of a failure
 * @enpu: the device
 * @queue: that failed, not yet retired; NULL: none in particular
 * @reason: what happened
 * @error: negative errno that its job gets; 0: none
 *
 * Allocates nothing and waits for nobody.
 */
void enpu_coredump_take_locked(struct enpu_device *enpu, struct enpu_queue *queue,
			       enum enpu_coredump_reason reason, int error)
{
	struct enpu_coredump *dump = enpu->coredump;

	lockdep_assert_held(&enpu->hw_lock);

	if (dump->busy) {
		/* worse than what it was banned for */
		if (queue && queue == dump->queue)
			dump->info.reason = reason;
		return;
	}

	dump->busy = true;
	dump->info = (struct enpu_coredump_info) {
		.reason = reason,
		.error = -error,
		.real_ns = ktime_get_real_ns(),
		.boot_ns = ktime_get_boottime_ns(),
		.reset_count = enpu->info.reset_count,
	};
	strscpy(dump->info.device, dev_name(enpu->drm.dev));
	strscpy(dump->info.kernel, init_utsname()->release);

	drm_dev_get(&enpu->drm);
	dump->queue = queue;
	if (queue) {
		kref_get(&queue->ref);
		dump->vm = enpu_vm_get(queue->vm);
		enpu_coredump_read_queue(dump);
	}
	enpu_coredump_read_registers(dump);
	queue_work(system_dfl_wq, &dump->work);
}

/* The failed job, if the snapshot has it */
static const struct enpu_job *enpu_coredump_job(const struct enpu_coredump *dump)
{
	u64 index = dump->queue_info.job - dump->ring.first;

	return dump->queue && index < dump->ring.count ? &dump->jobs[index] : NULL;
}

/*
 * Its reservation keeps a purgeable BO's pages. DRM's functions for those who hold that
 * are not for drivers on every kernel; what they call is.
 */
static bool enpu_coredump_read_bo(struct drm_gem_object *obj, u64 offset, void *data, size_t size)
{
	struct iosys_map map;
	bool readable;

	dma_resv_lock(obj->resv, NULL);
	readable = to_enpu_bo(obj)->shmem.madv >= 0 && !obj->funcs->vmap(obj, &map);
	if (readable) {
		iosys_map_memcpy_from(data, &map, offset, size);
		obj->funcs->vunmap(obj, &map);
	}
	dma_resv_unlock(obj->resv);

	return readable;
}

/* Reads what is mapped at an address, up to the first byte that isn't or can't be read. */
static size_t enpu_coredump_read_vm(struct enpu_vm *vm, u64 va, void *data, size_t size)
{
	struct drm_gpuva *mapping;
	size_t done = 0;

	guard(mutex)(&vm->lock);

	drm_gpuvm_for_each_va_range(mapping, &vm->gpuvm, va, va + size) {
		u64 inside = va + done - mapping->va.addr;
		size_t part;

		if (va + done < mapping->va.addr)
			break;
		part = min_t(u64, size - done, mapping->va.range - inside);
		if (!enpu_coredump_read_bo(mapping->gem.obj, mapping->gem.offset + inside,
					   data + done, part))
			break;
		done += part;
	}

	return done;
}

static void enpu_coredump_put_memory(struct enpu_coredump_writer *writer, u32 type,
				     struct enpu_vm *vm, u64 va, u64 size, size_t max)
{
	struct enpu_coredump_writer before = *writer;
	struct enpu_coredump_memory *memory;
	struct enpu_coredump_section *section;
	size_t done;

	max = min_t(u64, size, max);
	if (!max || va + max < va)
		return;
	section = (void *)(writer->data + writer->size);
	memory = enpu_coredump_add(writer, type, sizeof(*memory) + max);
	memory->va = va;
	memory->size = size;
	done = enpu_coredump_read_vm(vm, va, memory + 1, max);

	section->size = sizeof(*memory) + done;
	writer->size = before.size + sizeof(*section) + ALIGN(section->size, 8);
}

/*
 * A number that people meet elsewhere too, and tells nothing about the kernel: an inode's.
 * &drm_gem_object.dma_buf is no way to it: that goes with the last handle.
 */
static u32 enpu_coredump_bo_number(struct drm_gem_object *obj)
{
	struct file *file = drm_gem_is_imported(obj) ? obj->import_attach->dmabuf->file : obj->filp;

	return file_inode(file)->i_ino;
}

static unsigned int enpu_coredump_count_mappings(struct enpu_vm *vm)
{
	struct drm_gpuva *mapping;
	unsigned int count = 0;

	guard(mutex)(&vm->lock);

	drm_gpuvm_for_each_va(mapping, &vm->gpuvm)
		count++;

	return min(count, ENPU_COREDUMP_MAX_MAPPINGS);
}

static void enpu_coredump_put_mappings(struct enpu_coredump_writer *writer, struct enpu_vm *vm,
				       unsigned int max)
{
	struct enpu_coredump_mapping *out;
	struct enpu_coredump_section *section = (void *)(writer->data + writer->size);
	struct drm_gpuva *mapping;
	unsigned int count = 0;

	guard(mutex)(&vm->lock);

	out = enpu_coredump_add(writer, ENPU_COREDUMP_VM, 0);
	drm_gpuvm_for_each_va(mapping, &vm->gpuvm) {
		struct drm_gem_object *obj = mapping->gem.obj;

		if (count == max)
			break;
		out[count++] = (struct enpu_coredump_mapping) {
			.va = mapping->va.addr,
			.size = mapping->va.range,
			.bo_offset = mapping->gem.offset,
			.bo_size = obj->size,
			.bo = enpu_coredump_bo_number(obj),
			.flags = (enpu_mmu_lookup(&vm->mmu, mapping->va.addr) & ENPU_PTE_WRITE ?
				  ENPU_COREDUMP_WRITE : 0) |
				 (drm_gem_is_imported(obj) ? ENPU_COREDUMP_IMPORTED : 0),
		};
	}
	section->size = count * sizeof(*out);
	writer->size += section->size;
}

/* What is read now: the address space may have changed, but for the better. */
static void enpu_coredump_put_vm(struct enpu_coredump_writer *writer, struct enpu_coredump *dump,
				 unsigned int max_mappings)
{
	const struct enpu_job *job = enpu_coredump_job(dump);

	if (job) {
		enpu_coredump_put_memory(writer, ENPU_COREDUMP_STREAM, dump->vm, job->stream_va,
					 job->stream_size, ENPU_COREDUMP_MAX_STREAM);
		enpu_coredump_put_memory(writer, ENPU_COREDUMP_REGIONS, dump->vm, job->regions_va,
					 (u64)job->num_regions * sizeof(struct enpu_region),
					 ENPU_MAX_REGIONS * sizeof(struct enpu_region));
	}
	enpu_coredump_put_mappings(writer, dump->vm, max_mappings);
}

static void enpu_coredump_make(struct enpu_coredump *dump)
{
	struct enpu_device *enpu = dump->enpu;
	struct enpu_coredump_writer writer = {};
	struct enpu_coredump_header *header;
	unsigned int max_mappings = 0;
	size_t size;
	int idx;

	size = sizeof(*header) + sizeof(*dump) +
	       (ENPU_COREDUMP_VM + 1) * (sizeof(struct enpu_coredump_section) + 8);
	if (dump->vm) {
		max_mappings = enpu_coredump_count_mappings(dump->vm);
		size += 2 * sizeof(struct enpu_coredump_memory) + ENPU_COREDUMP_MAX_STREAM +
			ENPU_MAX_REGIONS * sizeof(struct enpu_region) +
			max_mappings * sizeof(struct enpu_coredump_mapping);
	}
	writer.data = vzalloc(size);
	if (!writer.data)
		return;

	header = (void *)writer.data;
	writer.size = sizeof(*header);
	enpu_coredump_put(&writer, ENPU_COREDUMP_INFO, &dump->info, sizeof(dump->info));
	enpu_coredump_put(&writer, ENPU_COREDUMP_REGISTERS, dump->registers,
			  dump->num_registers * sizeof(dump->registers[0]));
	if (dump->queue) {
		enpu_coredump_put(&writer, ENPU_COREDUMP_QUEUE, &dump->queue_info,
				  sizeof(dump->queue_info));
		enpu_coredump_put(&writer, ENPU_COREDUMP_STATUS, &dump->status,
				  sizeof(dump->status));
		/* the two follow each other in the struct, too */
		enpu_coredump_put(&writer, ENPU_COREDUMP_RING, &dump->ring,
				  sizeof(dump->ring) + dump->ring.count * sizeof(dump->jobs[0]));
	}
	/* Page tables go when the device is unplugged. */
	if (dump->vm && drm_dev_enter(&enpu->drm, &idx)) {
		enpu_coredump_put_vm(&writer, dump, max_mappings);
		drm_dev_exit(idx);
	}

	*header = (struct enpu_coredump_header) {
		.magic = ENPU_COREDUMP_MAGIC,
		.version = ENPU_COREDUMP_VERSION,
		.header_size = sizeof(*header),
		.size = writer.size,
	};
	dev_coredumpv(enpu->drm.dev, writer.data, writer.size, GFP_KERNEL);
}

static void enpu_coredump_work(struct work_struct *work)
{
	struct enpu_coredump *dump = container_of(work, struct enpu_coredump, work);
	struct enpu_device *enpu = dump->enpu;
	struct enpu_queue *queue = dump->queue;
	struct enpu_vm *vm = dump->vm;

	/* until recovery is through with it */
	mutex_lock(&enpu->hw_lock);
	mutex_unlock(&enpu->hw_lock);
	enpu_coredump_make(dump);

	mutex_lock(&enpu->hw_lock);
	dump->queue = NULL;
	dump->vm = NULL;
	dump->busy = false;
	mutex_unlock(&enpu->hw_lock);

	if (vm)
		enpu_vm_put(vm);
	if (queue)
		enpu_queue_put(queue);
	drm_dev_put(&enpu->drm);
}

/**
 * enpu_coredump_init() - prepare for failures
 * @enpu: the device
 *
 * Return: 0 or -ENOMEM.
 */
int enpu_coredump_init(struct enpu_device *enpu)
{
	struct enpu_coredump *dump = drmm_kzalloc(&enpu->drm, sizeof(*dump), GFP_KERNEL);

	if (!dump)
		return -ENOMEM;

	dump->enpu = enpu;
	INIT_WORK(&dump->work, enpu_coredump_work);
	enpu->coredump = dump;

	return 0;
}

/**
 * enpu_coredump_fini() - wait for the last dump
 * @enpu: the device, off
 */
void enpu_coredump_fini(struct enpu_device *enpu)
{
	flush_work(&enpu->coredump->work);
}
