/* SPDX-License-Identifier: MIT */
/*
 * A device: an NPU of some backend, and this process's address space on it.
 *
 * A device has an id, BACKEND:INDEX. "drm" is built in: NPUs behind the kernel
 * driver. Other backends are plug-ins, libaccel-NAME.so, looked for in the
 * directories of $ACCEL_PLUGIN_PATH (colon-separated), then in the directory
 * of libaccel itself, then in accel/ below it. "sim" is the NPU's model run
 * inside this process.
 */
#ifndef ACCEL_DEVICE_H
#define ACCEL_DEVICE_H

#include <stdint.h>

#include <accel/error.h>
#include <accel/version.h>

#ifdef __cplusplus
extern "C" {
#endif

struct accel_device;

#define ACCEL_DEVICE_ID_LEN	48

/*
 * accel_device_list() - the ids of all devices of all backends
 * @ids: room for @count ids, may be NULL if @count is 0
 *
 * Returns how many there are, which may be more than @count. drm devices come
 * first. A plug-in that can't be loaded is left out: opening it says why.
 */
ACCEL_API int accel_device_list(char (*ids)[ACCEL_DEVICE_ID_LEN], unsigned int count);

/*
 * accel_device_open() - open a device
 * @id: "drm:0", "sim:0"; without an index the first one: "sim". NULL: what
 *	$ACCEL_DEVICE names, else the first drm device. sim is never chosen silently.
 *
 * -EINVAL: not an id; -ENOENT: no such backend; -ENODEV: no such device.
 */
ACCEL_API int accel_device_open(const char *id, struct accel_device **dev,
				struct accel_error *err);
ACCEL_API struct accel_device *accel_device_ref(struct accel_device *dev);
ACCEL_API void accel_device_release(struct accel_device *dev);

/* Constant, valid while the device is held; may grow at the end */
struct accel_device_info {
	char id[ACCEL_DEVICE_ID_LEN];
	char name[64];			/* for people */
	char driver[32];		/* driver or plug-in, and its version */
	uint32_t arch_version;		/* major << 16 | minor */
	uint32_t caps;			/* capability bits, see accel_cap_name() */
	uint64_t opcodes;		/* bit n: command opcode n is implemented */
	uint32_t macs;			/* multiply-accumulates per cycle */
	uint32_t sram_bytes;
	uint32_t sram_bandwidth;	/* bytes per 1024 cycles */
	uint32_t dram_bandwidth;	/* bytes per 1024 cycles */
	uint32_t clock_khz;
	uint32_t num_queues;		/* instances at a time, of all processes */
};

ACCEL_API const struct accel_device_info *accel_device_info(const struct accel_device *dev);

/* The name of capability bit @bit, e.g. "int16"; NULL: none that this library knows; static */
ACCEL_API const char *accel_cap_name(unsigned int bit);

#ifdef __cplusplus
}
#endif

#endif
