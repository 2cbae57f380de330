// SPDX-License-Identifier: MIT
/* Devices: ids, opening, what they are. One device is one address space. */
#include "device.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <enpu/regs.h>

#include "error.h"

struct listing {
	char (*ids)[ACCEL_DEVICE_ID_LEN];
	unsigned int room;
	unsigned int count;
};

static int list_backend(const struct accel_backend_ops *ops, void *arg)
{
	struct listing *list = arg;
	int count = ops->count();

	for (int i = 0; i < count; i++, list->count++)
		if (list->count < list->room)
			snprintf(list->ids[list->count], ACCEL_DEVICE_ID_LEN, "%s:%d", ops->name,
				 i);
	return 0;
}

int accel_device_list(char (*ids)[ACCEL_DEVICE_ID_LEN], unsigned int count)
{
	struct listing list = { .ids = ids, .room = count };

	accel_backend_foreach(list_backend, &list);
	return (int)list.count;
}

/* Splits BACKEND[:INDEX] */
static int parse_id(const char *id, char name[ACCEL_DEVICE_ID_LEN], unsigned int *index,
		    struct accel_error *err)
{
	size_t len = strcspn(id, ":");
	unsigned long value = 0;
	char *end;

	if (len == 0 || len >= ACCEL_DEVICE_ID_LEN)
		goto bad;
	memcpy(name, id, len);
	name[len] = '\0';
	if (id[len] == ':') {
		if (id[len + 1] < '0' || id[len + 1] > '9')
			goto bad;
		value = strtoul(id + len + 1, &end, 10);
		if (*end || value > INT_MAX)
			goto bad;
	}
	*index = (unsigned int)value;
	return 0;
bad:
	return accel_fail(err, -EINVAL,
			  "'%s' is not a device: expected BACKEND:INDEX, e.g. drm:0 or sim", id);
}

static int query(struct accel_device *dev, unsigned int index, struct accel_error *err)
{
	struct accel_backend_info info = { 0 };
	int ret = dev->ops->query(dev->dev, &info);

	if (ret)
		return accel_fail(err, ret, "%s:%u: query: %s", dev->ops->name, index,
				  strerror(-ret));
	if (info.arch_version >> 16 != ENPU_VERSION_1_0 >> 16)
		return accel_fail(err, -ENOTSUP,
				  "%s:%u: ENPU architecture %u.%u, this libaccel knows %u",
				  dev->ops->name, index, info.arch_version >> 16,
				  info.arch_version & 0xffff, ENPU_VERSION_1_0 >> 16);
	dev->info = (struct accel_device_info){
		.arch_version = info.arch_version,
		.caps = info.caps,
		.opcodes = info.opcodes,
		.macs = info.macs,
		.sram_bytes = info.sram_bytes,
		.sram_bandwidth = info.sram_bandwidth,
		.dram_bandwidth = info.dram_bandwidth,
		.clock_khz = info.clock_khz,
		.num_queues = info.num_queues,
	};
	snprintf(dev->info.id, sizeof(dev->info.id), "%.30s:%u", dev->ops->name, index);
	snprintf(dev->info.name, sizeof(dev->info.name), "%s", info.name);
	snprintf(dev->info.driver, sizeof(dev->info.driver), "%s", info.driver);
	accel_va_init(&dev->va, info.va_start, info.va_end);
	return 0;
}

static int open_vm(struct accel_device *dev, unsigned int index, struct accel_error *err)
{
	int ret = dev->ops->vm_create(dev->dev, &dev->vm);

	if (ret)
		dev->vm = NULL;
	if (ret == -ENOSPC)
		return accel_fail(err, ret, "%s:%u: all address spaces of the device are in use",
				  dev->ops->name, index);
	if (ret)
		return accel_fail(err, ret, "%s:%u: creating an address space: %s", dev->ops->name,
				  index, strerror(-ret));
	return 0;
}

static int open_backend_device(struct accel_device *dev, unsigned int index,
			       struct accel_error *err)
{
	struct accel_backend_error why = { "" };
	int ret = dev->ops->open(index, &dev->dev, &why);

	if (!ret)
		return 0;
	dev->dev = NULL;
	return accel_fail(err, ret, "%s:%u: %s", dev->ops->name, index,
			  why.text[0] ? why.text : strerror(-ret));
}

static void destroy(struct accel_device *dev)
{
	if (dev->vm)
		dev->ops->vm_destroy(dev->vm);
	if (dev->dev)
		dev->ops->close(dev->dev);
	accel_va_destroy(&dev->va);
	pthread_mutex_destroy(&dev->lock);
	accel_backend_unload(&dev->backend);
	free(dev);
}

int accel_device_open_backend(struct accel_backend backend, unsigned int index,
			      struct accel_device **out, struct accel_error *err)
{
	struct accel_device *dev = calloc(1, sizeof(*dev));
	int ret;

	if (!dev) {
		accel_backend_unload(&backend);
		return accel_fail(err, -ENOMEM, "out of memory");
	}
	dev->refs = 1;
	dev->backend = backend;
	dev->ops = backend.ops;
	pthread_mutex_init(&dev->lock, NULL);
	ret = open_backend_device(dev, index, err);
	if (!ret)
		ret = query(dev, index, err);
	if (!ret)
		ret = open_vm(dev, index, err);
	if (ret)
		destroy(dev);
	else
		*out = dev;
	return ret;
}

/* What the caller, the environment or the machine says; never sim by itself */
static const char *choose(const char *id)
{
	if (!id || !*id)
		id = secure_getenv("ACCEL_DEVICE");
	return id && *id ? id : NULL;
}

int accel_device_open(const char *id, struct accel_device **dev, struct accel_error *err)
{
	const char *chosen = choose(id);
	char name[ACCEL_DEVICE_ID_LEN];
	struct accel_backend backend;
	unsigned int index = 0;
	int ret;

	if (!chosen && accel_drm_ops.count() == 0)
		return accel_fail(err, -ENODEV,
				  "no NPU: no /dev/accel device of driver 'enpu'; load enpu.ko, or choose "
				  "the simulator with the device 'sim' or ACCEL_DEVICE=sim");
	ret = parse_id(chosen ? chosen : accel_drm_ops.name, name, &index, err);
	if (ret)
		return ret;
	ret = accel_backend_load(name, &backend, err);
	if (ret)
		return ret;
	return accel_device_open_backend(backend, index, dev, err);
}

struct accel_device *accel_device_ref(struct accel_device *dev)
{
	atomic_fetch_add(&dev->refs, 1);
	return dev;
}

void accel_device_release(struct accel_device *dev)
{
	if (dev && atomic_fetch_sub(&dev->refs, 1) == 1)
		destroy(dev);
}

const struct accel_device_info *accel_device_info(const struct accel_device *dev)
{
	return &dev->info;
}

const char *accel_cap_name(unsigned int bit)
{
	static const char *const names[] = {
		"int4-weights", "int16", "preemption", "profile",
	};

	return bit < sizeof(names) / sizeof(names[0]) ? names[bit] : NULL;
}
