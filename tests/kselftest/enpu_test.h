/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guest tests share: raw ioctls with negative errnos, command streams
 * of DMA commands, a context with everything that a job needs, and the fault
 * injection of the device model. No library of ours is used: these tests are the
 * uapi header's first reader.
 */
#ifndef ENPU_TEST_H
#define ENPU_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <drm/enpu_accel.h>
#include <enpu/cmd.h>
#include <enpu/regs.h>

#define KIB(n)		((uint64_t)(n) << 10)
#define MIB(n)		((uint64_t)(n) << 20)
#define GIB(n)		((uint64_t)(n) << 30)
#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define SECOND		1000000000ll

/* Generous: the machine may be emulated, and shared */
#define LONG		(60 * SECOND)

/* All return 0 (or what they name) or a negative errno. */
int enpu_open(void);
int enpu_open_wait(void);		/* waits until a device that was added is there */
int enpu_ioctl(int fd, unsigned long request, void *arg);
struct drm_enpu_dev_info enpu_info(int fd);

int bo_create(int fd, uint64_t size, uint32_t flags, uint32_t *handle);
void *bo_map(int fd, uint32_t handle, uint64_t size);	/* NULL: errno */
int bo_close(int fd, uint32_t handle);

/* As a dma-buf: its descriptor, or a negative errno */
int bo_export(int fd, uint32_t handle);
int bo_import(int fd, int dmabuf, uint32_t *handle);
int vm_create(int fd, uint32_t *id);
int vm_destroy(int fd, uint32_t id);
int vm_bind_op(int fd, uint32_t vm, const struct drm_enpu_vm_bind_op *op);
int vm_map(int fd, uint32_t vm, uint32_t handle, uint64_t offset, uint64_t va, uint64_t size,
	   uint32_t flags);
int vm_unmap(int fd, uint32_t vm, uint64_t va, uint64_t size);

int queue_create(int fd, uint32_t vm, uint32_t timeout_ms, uint32_t *id);
int queue_destroy(int fd, uint32_t id);
int queue_query(int fd, uint32_t id, struct drm_enpu_queue_query *query);

int submit(int fd, uint32_t queue, const struct drm_enpu_command *commands, uint32_t num_commands,
	   const struct drm_enpu_sync *syncs, uint32_t num_syncs);

int syncobj_create(int fd, uint32_t *handle);
int syncobj_destroy(int fd, uint32_t handle);
/* point 0: binary; timeout in ns from now */
int syncobj_wait(int fd, uint32_t handle, uint64_t point, int64_t timeout, uint32_t flags);
int syncobj_export_sync_file(int fd, uint32_t handle);
/* 1: signalled, 0: not yet, negative: the fence's error */
int sync_file_status(int sync_file);

/* A command stream under construction, in memory that the device sees */
struct stream {
	uint8_t *start;
	size_t size;
	uint32_t issued[ENPU_NUM_ENGINES];
};

/* Each waits for all before it. */
void stream_nop(struct stream *stream);
void stream_fill(struct stream *stream, uint8_t region, uint64_t offset, uint8_t value,
		 uint32_t length);
/* Takes some ms */
void stream_busy(struct stream *stream, uint8_t region);
/* So many times as long; a command moves less than 4 GiB. */
#define MOST_BUSY	16
void stream_busier(struct stream *stream, uint8_t region, unsigned int times);
void stream_copy(struct stream *stream, uint8_t dst, uint64_t dst_offset, uint8_t src,
		 uint64_t src_offset, uint32_t length);

/*
 * A client: file, VM, queue, and a BO with room for a stream, a region table, a
 * profile record and data, mapped for both sides.
 */
#define CTX_VA			0x10000000ull
#define CTX_STREAM		0
#define CTX_REGIONS		KIB(64)
#define CTX_PROFILE		KIB(68)
#define CTX_SRC			KIB(128)
#define CTX_DST			KIB(384)
#define CTX_AREA		KIB(256)
#define CTX_SIZE		KIB(640)
/* What the region table says, see ctx_init() */
enum { REGION_SRC, REGION_DST, REGION_UNMAPPED, REGION_EMPTY, CTX_NUM_REGIONS };
#define UNMAPPED_VA		0x7f00000000ull

struct ctx {
	int fd;
	uint32_t vm;
	uint32_t queue;
	uint32_t bo;
	uint32_t syncobj;
	uint32_t resets;	/* of the device, by then */
	uint8_t *mem;
	struct enpu_region *regions;
	struct stream stream;
};

int ctx_init(struct ctx *ctx, uint32_t timeout_ms);
void ctx_fini(struct ctx *ctx);
/* New stream; the old one must not be in use any more. */
void ctx_restart(struct ctx *ctx);
struct drm_enpu_command ctx_command(struct ctx *ctx);
/* Submit the stream with a binary syncobj behind it */
int ctx_submit(struct ctx *ctx);
int ctx_submit_to(struct ctx *ctx, uint32_t queue, uint32_t syncobj);
/* Wait for it: 0, -ETIME for a time-out, or what failed: the fence's error */
int ctx_wait(struct ctx *ctx);
int ctx_wait_for(struct ctx *ctx, uint32_t syncobj);
/* A whole job: fill SRC by the CPU, copy by the device, compare. 0, or -EBADMSG if wrong. */
int ctx_check_copy(struct ctx *ctx, uint8_t seed);

/* A USER queue, its mappings, and how many jobs it was given */
struct user {
	int fd;
	uint32_t id;
	uint32_t entries;
	uint32_t producer;
	struct enpu_job *ring;
	struct enpu_queue_status *status;
	uint32_t *doorbell;
	struct drm_enpu_queue_create args;
};

int user_create(struct user *user, int fd, uint32_t vm, uint32_t timeout_ms, uint32_t ring_order);
void user_unmap(struct user *user);
size_t user_ring_size(const struct user *user);
uint64_t user_completed(const struct user *user);
uint32_t user_state(const struct user *user);
/* The stream of a context as a job, with ENPU_JOB_* flags */
struct enpu_job ctx_job(struct ctx *ctx, uint32_t flags);
/* Into the ring; the device is not told */
void user_put(struct user *user, const struct enpu_job *job);
void user_ring_doorbell(const struct user *user, uint32_t value);
int queue_wait(int fd, uint32_t queue, uint64_t completed, int64_t timeout_ns);
/* For all that was put */
int user_wait(const struct user *user);
/* One job: 0, or what QUEUE_WAIT says */
int user_run(struct user *user, const struct enpu_job *job);
/*
 * A whole job: the device fills a part of DST with a value. 0, or -EBADMSG if it has
 * not written that, or something else.
 */
int user_check_fill(struct user *user, struct ctx *ctx, uint8_t value);

/* Tell the device model: "hang 1", "lose-irq 1", "fault-dma 1", "die" */
int control(const char *line);

/* sysfs: the PCI function of the device */
int pci_path(char *path, size_t size);
int write_file(const char *path, const char *text);
int run(const char *command);

/* A socket for the kernel's uevents; and a wait for one of an accel device with a variable */
int uevent_open(void);
int uevent_wait(int fd, const char *variable);

/* Memory that the kernel has for use, in KiB */
long mem_available(void);
/* Is it back, but for some KiB? It may take its time: freed pages wait in per-CPU lists. */
bool mem_is_back(long before, long slack);

int64_t now_ns(void);
void sleep_ms(unsigned int ms);

#endif
