// SPDX-License-Identifier: MIT
/*
 * Every ioctl of uapi/drm/enpu_accel.h, those of DRM's core that an accel node
 * has, and some other system calls on its file: their fields, what valid values
 * are, and what a wrong one must give. The contract in a form that a program can
 * break it by.
 *
 * Where fields depend on each other, a fill function has the last word.
 */
#include <fcntl.h>
#include <string.h>

#include <drm/enpu_accel.h>
#include <enpu/regs.h>

#include "calls.h"

#define FIELD(type, member, ...) \
	{ #member, offsetof(struct type, member), sizeof(((struct type *)0)->member), __VA_ARGS__ }
#define RANGE(low, high)	((uint64_t)(low) << 32 | (high))
#define END			{ NULL }

#define COMMON		(ERR(INVAL) | ERR(FAULT) | ERR(NOENT) | ERR(NOMEM) | ERR(NOTTY))
#define CORE		(COMMON | ERR(BADF) | ERR(OPNOTSUPP) | ERR(MFILE) | ERR(OVERFLOW) | \
			 ERR(BUSY) | ERR(AGAIN) | ERR(PERM) | ERR(ACCES) | ERR(NOSPC))

/* DEV_QUERY */

/* Larger than any answer, so that an answer may be cut at its end */
static const struct call_type query_answer = { .name = "answer", .size = 80 };

static const struct array_type dev_query_arrays[] = {
	{ .name = "pointer", .element = &query_answer, .stride = NO_FIELD, .count = NO_FIELD,
	  .pointer = offsetof(struct drm_enpu_dev_query, pointer), .min = 1, .out = true },
	END
};

static const struct field dev_query_fields[] = {
	FIELD(drm_enpu_dev_query, type, K_ENUM, DRM_ENPU_DEV_QUERY_TIMESTAMP),
	FIELD(drm_enpu_dev_query, size, K_ANY),
	END
};

static void fill_dev_query(struct generator *gen, struct call *call)
{
	struct drm_enpu_dev_query *query = (void *)call->bytes;

	query->size = 8 + gen_random(gen, query_answer.size - 7);
}

static const struct call_type dev_query = {
	.name = "DEV_QUERY", .request = DRM_IOCTL_ENPU_DEV_QUERY,
	.size = sizeof(struct drm_enpu_dev_query), .fields = dev_query_fields,
	.arrays = dev_query_arrays, .fill = fill_dev_query,
	.errors = COMMON, .weight = 2, .race = true,
};

/* Buffer objects */

static const struct field bo_create_fields[] = {
	FIELD(drm_enpu_bo_create, size, K_BO_SIZE),
	FIELD(drm_enpu_bo_create, flags, K_FLAGS, DRM_ENPU_BO_WRITE_COMBINE),
	FIELD(drm_enpu_bo_create, handle, K_MAKES),
	END
};

static const struct call_type bo_create = {
	.name = "BO_CREATE", .request = DRM_IOCTL_ENPU_BO_CREATE,
	.size = sizeof(struct drm_enpu_bo_create), .fields = bo_create_fields,
	.makes = O_BO, .errors = COMMON | ERR(NOSPC), .weight = 8,
};

static const struct field bo_mmap_offset_fields[] = {
	FIELD(drm_enpu_bo_mmap_offset, handle, K_OBJECT, O_BO, ERR(NOENT) | ERR(INVAL)),
	FIELD(drm_enpu_bo_mmap_offset, pad, K_PAD),
	FIELD(drm_enpu_bo_mmap_offset, offset, K_OUT),
	END
};

static const struct call_type bo_mmap_offset = {
	.name = "BO_MMAP_OFFSET", .request = DRM_IOCTL_ENPU_BO_MMAP_OFFSET,
	.size = sizeof(struct drm_enpu_bo_mmap_offset), .fields = bo_mmap_offset_fields,
	.errors = COMMON, .weight = 2,
};

static const struct field bo_madvise_fields[] = {
	FIELD(drm_enpu_bo_madvise, handle, K_OBJECT, O_GEM, ERR(NOENT)),
	FIELD(drm_enpu_bo_madvise, advice, K_ENUM, DRM_ENPU_MADV_DONTNEED),
	FIELD(drm_enpu_bo_madvise, retained, K_OUT),
	FIELD(drm_enpu_bo_madvise, pad, K_PAD),
	END
};

static const struct call_type bo_madvise = {
	.name = "BO_MADVISE", .request = DRM_IOCTL_ENPU_BO_MADVISE,
	.size = sizeof(struct drm_enpu_bo_madvise), .fields = bo_madvise_fields,
	.errors = COMMON | ERR(BUSY), .valid_errors = ERR(BUSY), .weight = 2,
};

static const struct field gem_close_fields[] = {
	FIELD(drm_gem_close, handle, K_OBJECT, O_GEM, ERR(INVAL) | ERR(NOENT)),
	END
};

static const struct call_type gem_close = {
	.name = "GEM_CLOSE", .request = DRM_IOCTL_GEM_CLOSE, .size = sizeof(struct drm_gem_close),
	.fields = gem_close_fields, .ends = O_GEM, .errors = CORE, .weight = 2,
};

static const struct field prime_export_fields[] = {
	FIELD(drm_prime_handle, handle, K_OBJECT, O_GEM, ERR(NOENT)),
	FIELD(drm_prime_handle, flags, K_FLAGS, O_CLOEXEC | O_RDWR),
	FIELD(drm_prime_handle, fd, K_MAKES),
	END
};

static const struct call_type prime_export = {
	.name = "PRIME_HANDLE_TO_FD", .request = DRM_IOCTL_PRIME_HANDLE_TO_FD,
	.size = sizeof(struct drm_prime_handle), .fields = prime_export_fields,
	.makes = O_DMABUF, .errors = CORE, .weight = 2,
};

static const struct field prime_import_fields[] = {
	FIELD(drm_prime_handle, handle, K_MAKES),
	FIELD(drm_prime_handle, flags, K_ANY),
	FIELD(drm_prime_handle, fd, K_OBJECT, O_DMABUF, ERR(BADF) | ERR(INVAL)),
	END
};

static const struct call_type prime_import = {
	.name = "PRIME_FD_TO_HANDLE", .request = DRM_IOCTL_PRIME_FD_TO_HANDLE,
	.size = sizeof(struct drm_prime_handle), .fields = prime_import_fields,
	.makes = O_BO, .errors = CORE, .weight = 2,
};

/* Address spaces */

static const struct field vm_create_fields[] = {
	FIELD(drm_enpu_vm_create, flags, K_PAD),
	FIELD(drm_enpu_vm_create, id, K_MAKES),
	END
};

static const struct call_type vm_create = {
	.name = "VM_CREATE", .request = DRM_IOCTL_ENPU_VM_CREATE,
	.size = sizeof(struct drm_enpu_vm_create), .fields = vm_create_fields, .makes = O_VM,
	.errors = COMMON | ERR(NOSPC), .weight = 3, .valid_errors = ERR(NOSPC),
};

static const struct field vm_destroy_fields[] = {
	FIELD(drm_enpu_vm_destroy, id, K_OBJECT, O_VM, ERR(NOENT)),
	FIELD(drm_enpu_vm_destroy, pad, K_PAD),
	END
};

static const struct call_type vm_destroy = {
	.name = "VM_DESTROY", .request = DRM_IOCTL_ENPU_VM_DESTROY,
	.size = sizeof(struct drm_enpu_vm_destroy), .fields = vm_destroy_fields, .ends = O_VM,
	.errors = COMMON, .weight = 1,
};

static const struct field bind_op_fields[] = {
	FIELD(drm_enpu_vm_bind_op, type, K_ENUM, DRM_ENPU_VM_BIND_UNMAP),
	FIELD(drm_enpu_vm_bind_op, flags, K_FLAGS, DRM_ENPU_VM_BIND_READ_ONLY),
	FIELD(drm_enpu_vm_bind_op, bo_handle, K_OBJECT_OR_0, O_GEM, ERR(NOENT) | ERR(INVAL)),
	FIELD(drm_enpu_vm_bind_op, pad, K_PAD),
	FIELD(drm_enpu_vm_bind_op, bo_offset, K_BO_OFFSET),
	FIELD(drm_enpu_vm_bind_op, va, K_VA),
	FIELD(drm_enpu_vm_bind_op, size, K_BIND_SIZE),
	END
};

/* The first byte behind the BO */
static uint64_t bind_limit(struct generator *gen, const struct call *call,
			   const struct field *field, const uint8_t *element)
{
	const struct drm_enpu_vm_bind_op *op = (const void *)element;
	struct slot *bo = gen_slot(gen, gen_ref_at(call, 1, (uint8_t *)&op->bo_handle -
						   call->arrays[0].data));

	if (!bo || (field->kind != K_BIND_SIZE && field->kind != K_BO_OFFSET))
		return 0;
	return field->kind == K_BIND_SIZE ? bo->size - op->bo_offset + PAGE : bo->size;
}

static const struct call_type bind_op = {
	.name = "op", .size = sizeof(struct drm_enpu_vm_bind_op), .fields = bind_op_fields,
	.limit = bind_limit,
};

static const struct array_type vm_bind_arrays[] = {
	{ .name = "ops", .element = &bind_op, .limit = NO_LIMIT,
	  .pointer = offsetof(struct drm_enpu_vm_bind, ops.array),
	  .count = offsetof(struct drm_enpu_vm_bind, ops.count),
	  .stride = offsetof(struct drm_enpu_vm_bind, ops.stride) },
	END
};

static const struct field vm_bind_fields[] = {
	FIELD(drm_enpu_vm_bind, vm_id, K_OBJECT, O_VM, ERR(NOENT)),
	FIELD(drm_enpu_vm_bind, flags, K_PAD),
	END
};

/* Around the borders of tables: 4 KiB, 2 MiB, 1 GiB, and the end */
static uint64_t bind_address(struct generator *gen, uint64_t size)
{
	static const uint64_t near[] = {
		0x100000, 0x10000000, 0x10200000, 0x40000000, 0x80000000, 0x4000000000,
		1ull << ENPU_VA_BITS,
	};
	uint64_t va = near[gen_random(gen, COUNT(near))];

	if (gen_random(gen, 3))
		va += PAGE * (gen_random(gen, 16) - 8);
	if (va > (1ull << ENPU_VA_BITS) - size)
		va = (1ull << ENPU_VA_BITS) - size;
	return va < 0x100000 ? 0x100000 : va;
}

static void fill_map(struct generator *gen, struct call *call, struct drm_enpu_vm_bind_op *op,
		     int vm, int bo)
{
	uint64_t pages = gen_slot(gen, bo)->size / PAGE;

	op->type = DRM_ENPU_VM_BIND_MAP;
	op->bo_offset = gen_random(gen, 2) ? PAGE * gen_random(gen, pages) : 0;
	op->size = gen_slot(gen, bo)->size - op->bo_offset;
	if (gen_random(gen, 2))
		op->size = PAGE * (1 + gen_random(gen, op->size / PAGE));
	op->va = bind_address(gen, op->size);
	if (!op->bo_offset && !op->flags)
		gen_note_mapping(gen, vm, op->va, op->size, bo);
	gen_ref(call, 1, (uint8_t *)&op->bo_handle - call->arrays[0].data, 4, bo);
}

static void fill_vm_bind(struct generator *gen, struct call *call)
{
	int vm = gen_ref_at(call, 0, offsetof(struct drm_enpu_vm_bind, vm_id));
	unsigned int i;

	for (i = 0; i < call->arrays[0].count; i++) {
		struct drm_enpu_vm_bind_op *op =
			(void *)(call->arrays[0].data + i * call->arrays[0].stride);
		int bo = gen_pick(gen, O_GEM, call->file);

		op->bo_handle = 0;
		if (bo >= 0 && gen_random(gen, 4)) {
			fill_map(gen, call, op, vm, bo);
			continue;
		}
		*op = (struct drm_enpu_vm_bind_op){ .type = DRM_ENPU_VM_BIND_UNMAP };
		op->size = PAGE * (1 + gen_random(gen, gen_random(gen, 2) ? 4 : 600));
		op->va = bind_address(gen, op->size);
	}
}

static const struct call_type vm_bind = {
	.name = "VM_BIND", .request = DRM_IOCTL_ENPU_VM_BIND,
	.size = sizeof(struct drm_enpu_vm_bind), .fields = vm_bind_fields,
	.arrays = vm_bind_arrays, .fill = fill_vm_bind, .errors = COMMON,
	.weight = 16, .race = true,
};

/* Queues */

static const struct field queue_create_fields[] = {
	FIELD(drm_enpu_queue_create, vm_id, K_OBJECT, O_VM, ERR(NOENT)),
	FIELD(drm_enpu_queue_create, mode, K_ENUM, DRM_ENPU_QUEUE_USER),
	FIELD(drm_enpu_queue_create, priority, K_ENUM, DRM_ENPU_PRIORITY_REALTIME),
	FIELD(drm_enpu_queue_create, ring_order, K_RANGE,
	      RANGE(ENPU_MIN_RING_ORDER, ENPU_MAX_RING_ORDER)),
	FIELD(drm_enpu_queue_create, timeout_ms, K_RANGE, RANGE(1, 120000)),
	FIELD(drm_enpu_queue_create, flags, K_PAD),
	FIELD(drm_enpu_queue_create, label, K_LABEL),
	FIELD(drm_enpu_queue_create, id, K_MAKES),
	FIELD(drm_enpu_queue_create, pad, K_PAD),
	FIELD(drm_enpu_queue_create, ring_offset, K_OUT),
	FIELD(drm_enpu_queue_create, status_offset, K_OUT),
	FIELD(drm_enpu_queue_create, doorbell_offset, K_OUT),
	FIELD(drm_enpu_queue_create, ring_entries, K_OUT),
	FIELD(drm_enpu_queue_create, pad2, K_PAD),
	END
};

static void fill_queue_create(struct generator *gen, struct call *call)
{
	struct drm_enpu_queue_create *create = (void *)call->bytes;

	create->mode = call->type->makes == O_QUEUE ? DRM_ENPU_QUEUE_KERNEL : DRM_ENPU_QUEUE_USER;
	if (gen_random(gen, 4))
		create->timeout_ms = 0;
	if (gen_random(gen, 4))
		create->ring_order = gen_random(gen, 2) ? 0 : 2 + gen_random(gen, 3);
}

static const struct call_type queue_create = {
	.name = "QUEUE_CREATE", .request = DRM_IOCTL_ENPU_QUEUE_CREATE,
	.size = sizeof(struct drm_enpu_queue_create), .fields = queue_create_fields,
	.fill = fill_queue_create, .makes = O_QUEUE, .errors = COMMON | ERR(NOSPC) | ERR(ACCES),
	.valid_errors = ERR(NOSPC), .weight = 5,
};

static const struct call_type user_queue_create = {
	.name = "QUEUE_CREATE(user)", .request = DRM_IOCTL_ENPU_QUEUE_CREATE,
	.size = sizeof(struct drm_enpu_queue_create), .fields = queue_create_fields,
	.fill = fill_queue_create, .makes = O_USER_QUEUE,
	.errors = COMMON | ERR(NOSPC) | ERR(ACCES), .valid_errors = ERR(NOSPC), .weight = 3,
};

static const struct field queue_wait_fields[] = {
	FIELD(drm_enpu_queue_wait, id, K_OBJECT, O_USER_QUEUE, ERR(NOENT) | ERR(INVAL)),
	FIELD(drm_enpu_queue_wait, flags, K_PAD),
	FIELD(drm_enpu_queue_wait, completed, K_RANGE, RANGE(0, 3), ANYTHING),
	FIELD(drm_enpu_queue_wait, timeout_ns, K_TIMEOUT),
	END
};

static const struct call_type queue_wait = {
	.name = "QUEUE_WAIT", .request = DRM_IOCTL_ENPU_QUEUE_WAIT,
	.size = sizeof(struct drm_enpu_queue_wait), .fields = queue_wait_fields,
	.errors = COMMON | ERR(TIME) | ERR(IO) | ERR(INTR),
	.valid_errors = ERR(TIME) | ERR(IO), .weight = 3,
};

static const struct field queue_destroy_fields[] = {
	FIELD(drm_enpu_queue_destroy, id, K_OBJECT, O_ANY_QUEUE, ERR(NOENT)),
	FIELD(drm_enpu_queue_destroy, pad, K_PAD),
	END
};

static const struct call_type queue_destroy = {
	.name = "QUEUE_DESTROY", .request = DRM_IOCTL_ENPU_QUEUE_DESTROY,
	.size = sizeof(struct drm_enpu_queue_destroy), .fields = queue_destroy_fields,
	.ends = O_ANY_QUEUE, .errors = COMMON, .weight = 1,
};

static const struct field queue_query_fields[] = {
	FIELD(drm_enpu_queue_query, id, K_OBJECT, O_ANY_QUEUE, ERR(NOENT)),
	FIELD(drm_enpu_queue_query, pad, K_PAD),
	FIELD(drm_enpu_queue_query, state, K_OUT),
	FIELD(drm_enpu_queue_query, fault_addr, K_OUT),
	FIELD(drm_enpu_queue_query, busy_cycles, K_OUT),
	END
};

static const struct call_type queue_query = {
	.name = "QUEUE_QUERY", .request = DRM_IOCTL_ENPU_QUEUE_QUERY,
	.size = sizeof(struct drm_enpu_queue_query), .fields = queue_query_fields,
	.errors = COMMON, .weight = 3,
};

/* SUBMIT */

static const struct field command_fields[] = {
	FIELD(drm_enpu_command, stream_va, K_ALIGNED),
	FIELD(drm_enpu_command, stream_size, K_ALIGNED),
	FIELD(drm_enpu_command, num_regions, K_RANGE, RANGE(0, ENPU_MAX_REGIONS)),
	FIELD(drm_enpu_command, regions_va, K_ALIGNED),
	FIELD(drm_enpu_command, profile_va, K_ALIGNED),
	FIELD(drm_enpu_command, cookie, K_ANY),
	FIELD(drm_enpu_command, flags, K_PAD),
	FIELD(drm_enpu_command, pad, K_PAD),
	END
};

static const struct call_type submit_command = {
	.name = "command", .size = sizeof(struct drm_enpu_command), .fields = command_fields,
};

static const struct field sync_fields[] = {
	FIELD(drm_enpu_sync, handle, K_OBJECT, O_ANY_SYNCOBJ, ERR(NOENT)),
	FIELD(drm_enpu_sync, flags, K_FLAGS, DRM_ENPU_SYNC_SIGNAL),
	FIELD(drm_enpu_sync, point, K_ANY),
	END
};

static const struct call_type submit_sync = {
	.name = "sync", .size = sizeof(struct drm_enpu_sync), .fields = sync_fields,
};

static const struct array_type submit_arrays[] = {
	{ .name = "commands", .element = &submit_command, .limit = 1u << ENPU_MAX_RING_ORDER,
	  .pointer = offsetof(struct drm_enpu_submit, commands.array),
	  .count = offsetof(struct drm_enpu_submit, commands.count),
	  .stride = offsetof(struct drm_enpu_submit, commands.stride) },
	{ .name = "syncs", .element = &submit_sync, .limit = 1024,
	  .pointer = offsetof(struct drm_enpu_submit, syncs.array),
	  .count = offsetof(struct drm_enpu_submit, syncs.count),
	  .stride = offsetof(struct drm_enpu_submit, syncs.stride) },
	END
};

static const struct field submit_fields[] = {
	FIELD(drm_enpu_submit, queue_id, K_OBJECT, O_QUEUE, ERR(NOENT) | ERR(INVAL)),
	FIELD(drm_enpu_submit, flags, K_PAD),
	END
};

/* Some jobs are good, some fault, most have nothing to do */
static void fill_command(struct generator *gen, struct slot *queue,
			 struct drm_enpu_command *command)
{
	uint64_t size = 0, va;

	*command = (struct drm_enpu_command){ .cookie = gen_random(gen, UINT64_MAX) };
	if (gen_random(gen, 3) == 0)
		return;

	va = gen_mapping(gen, queue->of, &size);
	queue->risky = true;
	command->stream_va = va;
	command->stream_size = gen_random(gen, 4) ? STREAM_SIZE : 8 * gen_random(gen, 64);
	command->num_regions = gen_random(gen, 4) ? 4 : gen_random(gen, ENPU_MAX_REGIONS + 1);
	command->regions_va = va + STREAM_REGIONS;
	if (gen_random(gen, 3) == 0)
		command->profile_va = va + STREAM_REGIONS + 1024;
}

static void fill_sync(struct generator *gen, struct call *call, struct drm_enpu_sync *sync)
{
	struct slot *slot = gen_slot(gen, gen_ref_at(call, 2, (uint8_t *)sync -
						     call->arrays[1].data));

	/* what nobody signals yet cannot be waited for */
	if (!slot->point)
		sync->flags |= DRM_ENPU_SYNC_SIGNAL;
	if (sync->flags & DRM_ENPU_SYNC_SIGNAL)
		slot->point += 1 + gen_random(gen, 3);
	sync->point = slot->kind == O_TIMELINE ? slot->point : 0;
}

static void fill_submit(struct generator *gen, struct call *call)
{
	struct slot *queue = gen_slot(gen, gen_ref_at(call, 0, offsetof(struct drm_enpu_submit,
									 queue_id)));
	unsigned int i;

	for (i = 0; i < call->arrays[0].count; i++)
		fill_command(gen, queue, (void *)(call->arrays[0].data +
						  i * call->arrays[0].stride));
	for (i = 0; i < call->arrays[1].count; i++)
		fill_sync(gen, call, (void *)(call->arrays[1].data + i * call->arrays[1].stride));
	if (queue->risky)
		call->errors |= ERR(IO);
}

static const struct call_type submit = {
	.name = "SUBMIT", .request = DRM_IOCTL_ENPU_SUBMIT, .size = sizeof(struct drm_enpu_submit),
	.fields = submit_fields, .arrays = submit_arrays, .fill = fill_submit,
	.errors = COMMON | ERR(IO), .weight = 16, .race = true,
};

/* Syncobjs: DRM's core, with our fences in them */

static const struct field syncobj_create_fields[] = {
	FIELD(drm_syncobj_create, handle, K_MAKES),
	FIELD(drm_syncobj_create, flags, K_FLAGS, DRM_SYNCOBJ_CREATE_SIGNALED),
	END
};

static const struct call_type syncobj_create = {
	.name = "SYNCOBJ_CREATE", .request = DRM_IOCTL_SYNCOBJ_CREATE,
	.size = sizeof(struct drm_syncobj_create), .fields = syncobj_create_fields,
	.makes = O_SYNCOBJ, .errors = CORE, .weight = 4,
};

static const struct call_type timeline_create = {
	.name = "SYNCOBJ_CREATE(timeline)", .request = DRM_IOCTL_SYNCOBJ_CREATE,
	.size = sizeof(struct drm_syncobj_create), .fields = syncobj_create_fields,
	.makes = O_TIMELINE, .errors = CORE, .weight = 3,
};

static const struct field syncobj_destroy_fields[] = {
	FIELD(drm_syncobj_destroy, handle, K_OBJECT, O_ANY_SYNCOBJ, ERR(INVAL) | ERR(NOENT)),
	FIELD(drm_syncobj_destroy, pad, K_PAD),
	END
};

static const struct call_type syncobj_destroy = {
	.name = "SYNCOBJ_DESTROY", .request = DRM_IOCTL_SYNCOBJ_DESTROY,
	.size = sizeof(struct drm_syncobj_destroy), .fields = syncobj_destroy_fields,
	.ends = O_ANY_SYNCOBJ, .errors = CORE, .weight = 1,
};

static const struct field syncobj_export_fields[] = {
	FIELD(drm_syncobj_handle, handle, K_OBJECT, O_ANY_SYNCOBJ, ERR(INVAL) | ERR(NOENT)),
	FIELD(drm_syncobj_handle, flags, K_FLAGS, 3),
	FIELD(drm_syncobj_handle, fd, K_MAKES),
	FIELD(drm_syncobj_handle, pad, K_PAD),
	END
};

static void fill_syncobj_export(struct generator *gen, struct call *call)
{
	struct drm_syncobj_handle *handle = (void *)call->bytes;

	handle->flags = call->type->makes == O_SYNC_FILE ?
			DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE : 0;
}

static const struct call_type syncobj_export = {
	.name = "SYNCOBJ_HANDLE_TO_FD", .request = DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD,
	.size = sizeof(struct drm_syncobj_handle), .fields = syncobj_export_fields,
	.makes = O_SYNC_FD, .fill = fill_syncobj_export, .errors = CORE, .weight = 2,
};

static const struct call_type sync_file_export = {
	.name = "SYNCOBJ_HANDLE_TO_FD(sync file)", .request = DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD,
	.size = sizeof(struct drm_syncobj_handle), .fields = syncobj_export_fields,
	.makes = O_SYNC_FILE, .fill = fill_syncobj_export, .errors = CORE,
	.valid_errors = ERR(INVAL), .weight = 2,
};

static const struct field syncobj_import_fields[] = {
	FIELD(drm_syncobj_handle, handle, K_MAKES),
	FIELD(drm_syncobj_handle, fd, K_OBJECT, O_SYNC_FD, ERR(BADF) | ERR(INVAL)),
	FIELD(drm_syncobj_handle, pad, K_PAD),
	END
};

static const struct call_type syncobj_import = {
	.name = "SYNCOBJ_FD_TO_HANDLE", .request = DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE,
	.size = sizeof(struct drm_syncobj_handle), .fields = syncobj_import_fields,
	.makes = O_SYNCOBJ, .errors = CORE, .weight = 3,
};

static const struct field handle_fields[] = {
	{ "handle", 0, 4, K_OBJECT, O_ANY_SYNCOBJ, ERR(NOENT) | ERR(INVAL) },
	END
};

static const struct call_type handle = { .name = "handle", .size = 4, .fields = handle_fields };

static const struct field point_fields[] = { { "point", 0, 8, K_ANY }, END };
static const struct call_type point = { .name = "point", .size = 8, .fields = point_fields };

#define HANDLES(type) \
	{ .name = "handles", .element = &handle, .stride = NO_FIELD, .limit = NO_LIMIT, .min = 1, \
	  .pointer = offsetof(struct type, handles), .count = offsetof(struct type, count_handles) }
#define POINTS(type, ...) \
	{ .name = "points", .element = &point, .stride = NO_FIELD, .count = NO_FIELD, .min = 1, \
	  .pointer = offsetof(struct type, points), .same_count = true, __VA_ARGS__ }

static const struct array_type wait_arrays[] = { HANDLES(drm_syncobj_wait), END };
static const struct array_type timeline_wait_arrays[] = {
	HANDLES(drm_syncobj_timeline_wait), POINTS(drm_syncobj_timeline_wait), END
};
static const struct array_type reset_arrays[] = { HANDLES(drm_syncobj_array), END };
static const struct array_type query_arrays[] = {
	HANDLES(drm_syncobj_timeline_array), POINTS(drm_syncobj_timeline_array, .out = true), END
};
static const struct array_type timeline_signal_arrays[] = {
	HANDLES(drm_syncobj_timeline_array), POINTS(drm_syncobj_timeline_array), END
};

static const struct field wait_fields[] = {
	FIELD(drm_syncobj_wait, timeout_nsec, K_TIMEOUT),
	FIELD(drm_syncobj_wait, flags, K_FLAGS, 0xf),
	FIELD(drm_syncobj_wait, first_signaled, K_OUT),
	END
};

static const struct field timeline_wait_fields[] = {
	FIELD(drm_syncobj_timeline_wait, timeout_nsec, K_TIMEOUT),
	FIELD(drm_syncobj_timeline_wait, flags, K_FLAGS, 0xf),
	FIELD(drm_syncobj_timeline_wait, first_signaled, K_OUT),
	END
};

static const struct field array_fields[] = {
	FIELD(drm_syncobj_array, pad, K_PAD),
	END
};

static const struct field query_fields[] = {
	FIELD(drm_syncobj_timeline_array, flags, K_FLAGS, 1),
	END
};

static const struct field timeline_signal_fields[] = {
	FIELD(drm_syncobj_timeline_array, flags, K_PAD),
	END
};

/* What core's syncobjs say depends on what is in them, and is not our concern. */
#define SYNCOBJ(id, type, which, ...) { \
	.name = "SYNCOBJ_" #id, .request = DRM_IOCTL_SYNCOBJ_ ## id, .size = sizeof(struct type), \
	.fields = which ## _fields, .errors = CORE | ERR(TIME) | ERR(INTR), \
	.valid_errors = ERR(TIME) | ERR(INVAL) | ERR(NOENT), .weight = 1, __VA_ARGS__ }

static const struct call_type syncobj_wait =
	SYNCOBJ(WAIT, drm_syncobj_wait, wait, .arrays = wait_arrays);
static const struct call_type syncobj_timeline_wait =
	SYNCOBJ(TIMELINE_WAIT, drm_syncobj_timeline_wait, timeline_wait,
		.arrays = timeline_wait_arrays);
static const struct call_type syncobj_reset =
	SYNCOBJ(RESET, drm_syncobj_array, array, .arrays = reset_arrays);
static const struct call_type syncobj_signal =
	SYNCOBJ(SIGNAL, drm_syncobj_array, array, .arrays = reset_arrays);
static const struct call_type syncobj_query =
	SYNCOBJ(QUERY, drm_syncobj_timeline_array, query, .arrays = query_arrays);
static const struct call_type syncobj_timeline_signal =
	SYNCOBJ(TIMELINE_SIGNAL, drm_syncobj_timeline_array, timeline_signal,
		.arrays = timeline_signal_arrays);

static const struct field transfer_fields[] = {
	FIELD(drm_syncobj_transfer, src_handle, K_OBJECT, O_ANY_SYNCOBJ, ERR(NOENT)),
	FIELD(drm_syncobj_transfer, dst_handle, K_OBJECT, O_ANY_SYNCOBJ, ERR(NOENT) | ERR(INVAL)),
	/* signalling brings timelines to points of any size, so that larger ones may be there */
	FIELD(drm_syncobj_transfer, src_point, K_RANGE, RANGE(0, 8), ANYTHING),
	FIELD(drm_syncobj_transfer, dst_point, K_ANY),
	FIELD(drm_syncobj_transfer, pad, K_PAD),
	END
};

static const struct call_type syncobj_transfer =
	SYNCOBJ(TRANSFER, drm_syncobj_transfer, transfer);

/* Other system calls on the file and its mappings; they check nothing, the kernel does */

static const struct field mmap_fields[] = {
	FIELD(action_map, bo, K_OBJECT, O_BO, ANYTHING),
	FIELD(action_map, flags, K_FLAGS, 3, ANYTHING),
	FIELD(action_map, length, K_ANY, 0, ANYTHING),
	FIELD(action_map, offset, K_ANY, 0, ANYTHING),
	END
};

static void fill_mmap(struct generator *gen, struct call *call)
{
	struct action_map *map = (void *)call->bytes;

	map->length = map->offset = 0;
}

static const struct field munmap_fields[] = {
	FIELD(action_number, number, K_OBJECT, O_MAP, ANYTHING),
	END
};

static const struct field touch_fields[] = {
	FIELD(action_touch, map, K_OBJECT, O_MAP, ANYTHING),
	FIELD(action_touch, advice, K_RANGE, RANGE(0, 7), ANYTHING),
	FIELD(action_touch, offset, K_ANY, 0, ANYTHING),
	END
};

static const struct field stream_fields[] = {
	FIELD(action_stream, bo, K_OBJECT, O_BO, ANYTHING),
	FIELD(action_stream, what, K_RANGE, RANGE(0, 5), ANYTHING),
	FIELD(action_stream, va, K_ANY, 0, ANYTHING),
	END
};

static void fill_stream(struct generator *gen, struct call *call)
{
	struct action_stream *stream = (void *)call->bytes;
	uint64_t size;

	stream->va = gen_mapping(gen, NO_SLOT, &size);
}

static const struct field jobs_fields[] = {
	FIELD(action_jobs, queue, K_OBJECT, O_USER_QUEUE, ANYTHING),
	FIELD(action_jobs, how, K_RANGE, RANGE(0, 31), ANYTHING),
	FIELD(action_jobs, va, K_ANY, 0, ANYTHING),
	FIELD(action_jobs, doorbell, K_ANY, 0, ANYTHING),
	END
};

static void fill_jobs(struct generator *gen, struct call *call)
{
	struct action_jobs *jobs = (void *)call->bytes;
	struct slot *queue = gen_slot(gen, gen_ref_at(call, 0, 0));
	uint64_t size;

	jobs->va = gen_mapping(gen, queue->of, &size);
	jobs->doorbell = gen_random(gen, 4);
}

static const struct field close_fields[] = {
	FIELD(action_number, number, K_OBJECT, O_FD, ANYTHING),
	END
};

static const struct field number_fields[] = {
	FIELD(action_number, number, K_RANGE, RANGE(0, 7), ANYTHING),
	END
};

#define ACTION_TYPE(action, type, which, ...) { \
	.name = #action, .perform = action_ ## action, .size = sizeof(struct type), \
	.fields = which ## _fields, .errors = ANYTHING, __VA_ARGS__ }

static const struct call_type do_mmap =
	ACTION_TYPE(mmap, action_map, mmap, .makes = O_MAP, .weight = 4, .fill = fill_mmap);
static const struct call_type do_munmap =
	ACTION_TYPE(munmap, action_number, munmap, .ends = O_MAP, .weight = 1);
static const struct call_type do_touch = ACTION_TYPE(touch, action_touch, touch, .weight = 4);
static const struct call_type do_stream =
	ACTION_TYPE(stream, action_stream, stream, .weight = 6, .fill = fill_stream);
static const struct call_type do_jobs =
	ACTION_TYPE(jobs, action_jobs, jobs, .weight = 6, .fill = fill_jobs);
static const struct call_type do_fork =
	ACTION_TYPE(fork, action_number, number, .weight = 1);
static const struct call_type do_dup =
	ACTION_TYPE(dup, action_number, number, .weight = 1);
static const struct call_type do_close =
	ACTION_TYPE(close, action_number, close, .weight = 1, .ends = O_FD);
static const struct call_type do_udmabuf =
	ACTION_TYPE(udmabuf, action_number, number, .weight = 1, .makes = O_DMABUF,
		    .valid_errors = ANYTHING);
static const struct call_type do_file_ops =
	ACTION_TYPE(file_ops, action_number, number, .weight = 1);
static const struct call_type do_reclaim =
	ACTION_TYPE(reclaim, action_number, number, .weight = 1, .valid_errors = ERR(PERM));

const struct call_type *const call_types[] = {
	&bo_create, &vm_create, &queue_create, &vm_bind, &syncobj_create, &timeline_create,
	&bo_madvise, &submit, &user_queue_create, &queue_wait, &do_jobs, &dev_query,
	&bo_mmap_offset, &gem_close, &prime_export, &prime_import, &vm_destroy, &queue_destroy,
	&queue_query, &syncobj_destroy, &syncobj_export,
	&sync_file_export, &syncobj_import, &syncobj_wait, &syncobj_timeline_wait,
	&syncobj_reset, &syncobj_signal, &syncobj_query, &syncobj_timeline_signal,
	&syncobj_transfer, &do_mmap, &do_munmap, &do_touch, &do_stream, &do_fork, &do_dup,
	&do_close, &do_udmabuf, &do_file_ops, &do_reclaim,
};

const unsigned int num_call_types = COUNT(call_types);
