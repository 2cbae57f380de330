// SPDX-License-Identifier: MIT
/*
 * The plug-in's one export: its table of functions.
 */
#include "sim.h"

static const struct accel_backend_ops ops = {
	.abi = ACCEL_BACKEND_ABI,
	.size = sizeof(ops),
	.name = "sim",
	.count = sim_count,
	.open = sim_open,
	.close = sim_device_put,
	.query = sim_query,
	.bo_create = sim_bo_create,
	.bo_destroy = sim_bo_put,
	.bo_map = sim_bo_map,
	.vm_create = sim_vm_create,
	.vm_destroy = sim_vm_put,
	.vm_bind = sim_vm_bind,
	.vm_unbind = sim_vm_unbind,
	.queue_create = sim_queue_create,
	.queue_destroy = sim_queue_destroy,
	.submit = sim_submit,
	.wait = sim_wait,
	.fence_fd = sim_fence_fd,
	.queue_fault = sim_queue_fault,
};

__attribute__((visibility("default")))
const struct accel_backend_ops *accel_backend_entry(void)
{
	return &ops;
}
