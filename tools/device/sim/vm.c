// SPDX-License-Identifier: MIT
/*
 * Address spaces: a sorted array of mappings, which is the engines' address
 * space here, where the hardware has page tables.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

struct mapping {
	uint64_t va;
	uint64_t size;
	struct accel_backend_bo *bo;
	uint64_t offset;
	bool read_only;
};

struct accel_backend_vm {
	struct enpu_space space;	/* first: the space is the VM */
	atomic_uint refs;
	struct accel_backend_device *dev;
	pthread_mutex_t lock;		/* held during the engines' copies too */
	struct mapping *maps;		/* by va, disjoint */
	size_t count;
	size_t room;
};

static struct accel_backend_vm *to_vm(struct enpu_space *space)
{
	return (struct accel_backend_vm *)space;
}

static void space_begin(struct enpu_space *space)
{
	pthread_mutex_lock(&to_vm(space)->lock);
}

static void space_end(struct enpu_space *space)
{
	pthread_mutex_unlock(&to_vm(space)->lock);
}

/* Index of the first mapping that ends behind va */
static size_t find(const struct accel_backend_vm *vm, uint64_t va)
{
	size_t lo = 0, hi = vm->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (vm->maps[mid].va + vm->maps[mid].size <= va)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void *space_ptr(struct enpu_space *space, uint64_t va, uint64_t *len, bool write,
		       struct enpu_access_fault *fault)
{
	const struct accel_backend_vm *vm = to_vm(space);
	size_t i = find(vm, va);
	const struct mapping *map = &vm->maps[i];
	uint64_t skip;

	fault->addr = va;
	if (i == vm->count || va < map->va) {
		fault->cause = ENPU_FAULT_UNMAPPED;
		return NULL;
	}
	if (write && map->read_only) {
		fault->cause = ENPU_FAULT_READ_ONLY;
		return NULL;
	}
	skip = va - map->va;
	if (*len > map->size - skip)
		*len = map->size - skip;
	return (uint8_t *)map->bo->map + map->offset + skip;
}

static const struct enpu_space_ops space_ops = {
	.begin = space_begin,
	.end = space_end,
	.ptr = space_ptr,
};

int sim_vm_create(struct accel_backend_device *dev, struct accel_backend_vm **out)
{
	struct accel_backend_vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return -ENOMEM;
	vm->space.ops = &space_ops;
	atomic_store(&vm->refs, 1);
	vm->dev = dev;
	sim_device_ref(dev);
	pthread_mutex_init(&vm->lock, NULL);
	*out = vm;
	return 0;
}

void sim_vm_ref(struct accel_backend_vm *vm)
{
	atomic_fetch_add(&vm->refs, 1);
}

void sim_vm_put(struct accel_backend_vm *vm)
{
	if (atomic_fetch_sub(&vm->refs, 1) != 1)
		return;
	for (size_t i = 0; i < vm->count; i++)
		sim_bo_put(vm->maps[i].bo);
	free(vm->maps);
	pthread_mutex_destroy(&vm->lock);
	sim_device_put(vm->dev);
	free(vm);
}

struct accel_backend_device *sim_vm_device(struct accel_backend_vm *vm)
{
	return vm->dev;
}

struct enpu_space *sim_vm_space(struct accel_backend_vm *vm)
{
	return &vm->space;
}

static int reserve(struct accel_backend_vm *vm, size_t more)
{
	size_t room = vm->room ? vm->room : 8;
	struct mapping *maps;

	while (room < vm->count + more)
		room *= 2;
	if (room == vm->room)
		return 0;
	maps = realloc(vm->maps, room * sizeof(*maps));
	if (!maps)
		return -ENOMEM;
	vm->maps = maps;
	vm->room = room;
	return 0;
}

static void insert(struct accel_backend_vm *vm, size_t at, const struct mapping *map)
{
	memmove(&vm->maps[at + 1], &vm->maps[at], (vm->count - at) * sizeof(*map));
	vm->maps[at] = *map;
	vm->count++;
	sim_bo_ref(map->bo);
}

static void erase(struct accel_backend_vm *vm, size_t at)
{
	sim_bo_put(vm->maps[at].bo);
	vm->count--;
	memmove(&vm->maps[at], &vm->maps[at + 1], (vm->count - at) * sizeof(*vm->maps));
}

static void cut_front(struct mapping *map, uint64_t bytes)
{
	map->va += bytes;
	map->offset += bytes;
	map->size -= bytes;
}

/* Remove [va, end), splitting what reaches over; there is room for one more mapping */
static void clear_range(struct accel_backend_vm *vm, uint64_t va, uint64_t end)
{
	size_t i = find(vm, va);

	while (i < vm->count && vm->maps[i].va < end) {
		struct mapping *map = &vm->maps[i];
		uint64_t map_end = map->va + map->size;

		if (map->va >= va && map_end <= end) {
			erase(vm, i);
			continue;
		}
		if (map->va >= va) {
			cut_front(map, end - map->va);
			return;
		}
		if (map_end > end) {
			struct mapping rest = *map;

			cut_front(&rest, end - rest.va);
			insert(vm, i + 1, &rest);
		}
		vm->maps[i].size = va - vm->maps[i].va;
		i++;
	}
}

static bool range_ok(uint64_t va, uint64_t size)
{
	return size && !((va | size) % SIM_PAGE) && va >= SIM_VA_START && size <= SIM_VA_END &&
	       va <= SIM_VA_END - size;
}

int sim_vm_bind(struct accel_backend_vm *vm, uint64_t va, struct accel_backend_bo *bo,
		uint64_t offset, uint64_t size, uint32_t flags)
{
	struct mapping map = {
		.va = va,
		.size = size,
		.bo = bo,
		.offset = offset,
		.read_only = flags & ACCEL_BACKEND_BIND_READ_ONLY,
	};
	int ret;

	if (!range_ok(va, size) || offset % SIM_PAGE || offset > bo->size ||
	    size > bo->size - offset || flags & ~ACCEL_BACKEND_BIND_READ_ONLY)
		return -EINVAL;

	pthread_mutex_lock(&vm->lock);
	ret = reserve(vm, 2);
	if (!ret) {
		clear_range(vm, va, va + size);
		insert(vm, find(vm, va), &map);
	}
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

int sim_vm_unbind(struct accel_backend_vm *vm, uint64_t va, uint64_t size)
{
	int ret;

	if (!range_ok(va, size))
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	ret = reserve(vm, 1);
	if (!ret)
		clear_range(vm, va, va + size);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}
