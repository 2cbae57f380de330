// SPDX-License-Identifier: GPL-2.0-only
/* Address spaces: what the device finds where, by jobs that look. */
#include "enpu_test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define VA	GIB(8)
#define PAGE	4096ull
#define PEEKED	(CTX_DST + CTX_AREA / 2)

FIXTURE(spaces)
{
	struct ctx ctx;
};

FIXTURE_SETUP(spaces)
{
	ASSERT_EQ(0, ctx_init(&self->ctx, 0));
}

FIXTURE_TEARDOWN(spaces)
{
	ctx_fini(&self->ctx);
}

/* Has the device write to an address; 0 or what became of the job. */
static int poke(struct ctx *ctx, uint64_t va, uint8_t value, uint32_t length)
{
	int ret;

	ctx_restart(ctx);
	ctx->regions[REGION_DST] = (struct enpu_region){ va, length };
	stream_fill(&ctx->stream, REGION_DST, 0, value, length);
	ret = ctx_submit(ctx);
	return ret ? ret : ctx_wait(ctx);
}

/* After a fault: a new queue */
static int revive(struct ctx *ctx)
{
	int ret = queue_destroy(ctx->fd, ctx->queue);

	return ret ? ret : queue_create(ctx->fd, ctx->vm, 0, &ctx->queue);
}

/* Has the device read a byte; or what became of the job. */
static int peek(struct ctx *ctx, uint64_t va)
{
	int ret;

	ctx_restart(ctx);
	ctx->regions[REGION_SRC] = (struct enpu_region){ va, 1 };
	ctx->regions[REGION_DST] = (struct enpu_region){ CTX_VA + PEEKED, 1 };
	stream_copy(&ctx->stream, REGION_DST, 0, REGION_SRC, 0, 1);
	ret = ctx_submit(ctx);
	if (!ret)
		ret = ctx_wait(ctx);
	return ret ? ret : ctx->mem[PEEKED];
}

TEST_F(spaces, create_destroy)
{
	struct drm_enpu_vm_create create = { .flags = 1 };
	struct drm_enpu_vm_destroy destroy = {};
	uint32_t id;

	EXPECT_EQ(-EINVAL, enpu_ioctl(self->ctx.fd, DRM_IOCTL_ENPU_VM_CREATE, &create));
	ASSERT_EQ(0, vm_create(self->ctx.fd, &id));
	EXPECT_NE(0, id);
	destroy.id = id;
	destroy.pad = 1;
	EXPECT_EQ(-EINVAL, enpu_ioctl(self->ctx.fd, DRM_IOCTL_ENPU_VM_DESTROY, &destroy));
	EXPECT_EQ(0, vm_destroy(self->ctx.fd, id));
	EXPECT_EQ(-ENOENT, vm_destroy(self->ctx.fd, id));
	EXPECT_EQ(-ENOENT, vm_destroy(self->ctx.fd, 0));
}

TEST_F(spaces, exhaustion)
{
	uint32_t num = enpu_info(self->ctx.fd).num_vms;
	uint32_t ids[ENPU_MAX_VMS], i, n = 0;
	int ret;

	while (n < COUNT(ids) && !(ret = vm_create(self->ctx.fd, &ids[n])))
		n++;
	EXPECT_EQ(-ENOSPC, ret);
	EXPECT_EQ(num - 1, n);		/* the fixture has one */
	ASSERT_EQ(0, vm_destroy(self->ctx.fd, ids[n / 2]));
	EXPECT_EQ(0, vm_create(self->ctx.fd, &ids[n / 2]));
	for (i = 0; i < n; i++)
		EXPECT_EQ(0, vm_destroy(self->ctx.fd, ids[i]));
	EXPECT_EQ(0, ctx_check_copy(&self->ctx, 1));
}

TEST_F(spaces, bind_errors)
{
	struct drm_enpu_dev_info info = enpu_info(self->ctx.fd);
	struct drm_enpu_vm_bind_op good = {
		.type = DRM_ENPU_VM_BIND_MAP, .bo_handle = self->ctx.bo, .va = VA, .size = PAGE,
	};
	struct {
		const char *what;
		struct drm_enpu_vm_bind_op op;
		int error;
	} bad[] = {
		{ "type", good, -EINVAL },
		{ "flags", good, -EINVAL },
		{ "pad", good, -EINVAL },
		{ "no BO", good, -ENOENT },
		{ "size 0", good, -EINVAL },
		{ "size unaligned", good, -EINVAL },
		{ "va unaligned", good, -EINVAL },
		{ "offset unaligned", good, -EINVAL },
		{ "size past the BO", good, -EINVAL },
		{ "offset past the BO", good, -EINVAL },
		{ "offset wraps", good, -EINVAL },
		{ "va too low", good, -EINVAL },
		{ "va at the end", good, -EINVAL },
		{ "range past the end", good, -EINVAL },
		{ "range wraps", good, -EINVAL },
		{ "unmap with BO", good, -EINVAL },
		{ "unmap with flags", good, -EINVAL },
		{ "unmap with offset", good, -EINVAL },
	};
	unsigned int i = 0;

	bad[i++].op.type = 2;
	bad[i++].op.flags = 1u << 1;
	bad[i++].op.pad = 1;
	bad[i++].op.bo_handle = 999;
	bad[i++].op.size = 0;
	bad[i++].op.size = PAGE + 1;
	bad[i++].op.va = VA + 8;
	bad[i++].op.bo_offset = 2048;
	bad[i++].op.size = CTX_SIZE + PAGE;
	bad[i++].op.bo_offset = CTX_SIZE;
	bad[i++].op.bo_offset = -PAGE;
	bad[i++].op.va = info.va_start - PAGE;
	bad[i++].op.va = info.va_end;
	bad[i].op.va = info.va_end - PAGE;
	bad[i++].op.size = 2 * PAGE;
	bad[i].op.va = -2 * PAGE;
	bad[i++].op.size = 4 * PAGE;
	bad[i++].op.type = DRM_ENPU_VM_BIND_UNMAP;
	bad[i].op.bo_handle = 0;
	bad[i].op.flags = DRM_ENPU_VM_BIND_READ_ONLY;
	bad[i++].op.type = DRM_ENPU_VM_BIND_UNMAP;
	bad[i].op.bo_handle = 0;
	bad[i].op.bo_offset = PAGE;
	bad[i++].op.type = DRM_ENPU_VM_BIND_UNMAP;
	ASSERT_EQ(COUNT(bad), i);

	for (i = 0; i < COUNT(bad); i++) {
		EXPECT_EQ(bad[i].error, vm_bind_op(self->ctx.fd, self->ctx.vm, &bad[i].op))
			TH_LOG("%s", bad[i].what);
	}
	EXPECT_EQ(-ENOENT, vm_bind_op(self->ctx.fd, 77, &good));
	EXPECT_EQ(0, vm_bind_op(self->ctx.fd, self->ctx.vm, &good));
	/* the very ends of the range */
	EXPECT_EQ(0, vm_map(self->ctx.fd, self->ctx.vm, self->ctx.bo, 0, info.va_start, PAGE, 0));
	EXPECT_EQ(0, vm_map(self->ctx.fd, self->ctx.vm, self->ctx.bo, 0, info.va_end - PAGE, PAGE,
			    0));
	EXPECT_EQ(0, vm_unmap(self->ctx.fd, self->ctx.vm, info.va_start,
			      info.va_end - info.va_start));
}

TEST_F(spaces, bind_array)
{
	struct drm_enpu_vm_bind_op ops[3] = {
		{ .type = DRM_ENPU_VM_BIND_MAP, .bo_handle = self->ctx.bo, .va = VA, .size = PAGE },
		{ .type = DRM_ENPU_VM_BIND_MAP, .bo_handle = 999, .va = VA, .size = PAGE },
		{ .type = DRM_ENPU_VM_BIND_UNMAP, .va = VA, .size = PAGE },
	};
	struct drm_enpu_vm_bind args = {
		.vm_id = self->ctx.vm,
		.ops = { sizeof(ops[0]), COUNT(ops), (uintptr_t)ops },
	};
	struct { struct drm_enpu_vm_bind_op op; uint64_t more; } newer[2] = {
		{ ops[0], 0 }, { ops[0], 1 },
	};
	int fd = self->ctx.fd;

	/* what was before the error stays done, and is counted */
	EXPECT_EQ(-ENOENT, enpu_ioctl(fd, DRM_IOCTL_ENPU_VM_BIND, &args));
	EXPECT_EQ(1, args.ops.count);
	EXPECT_EQ(0, poke(&self->ctx, VA, 1, PAGE));

	/* a newer program's elements are fine as long as what we don't know is 0 */
	args.ops = (struct drm_enpu_array){ sizeof(newer[0]), 2, (uintptr_t)newer };
	EXPECT_EQ(-EINVAL, enpu_ioctl(fd, DRM_IOCTL_ENPU_VM_BIND, &args));
	EXPECT_EQ(1, args.ops.count);

	args.ops = (struct drm_enpu_array){ sizeof(ops[0]) - 8, 1, (uintptr_t)ops };
	EXPECT_EQ(-EINVAL, enpu_ioctl(fd, DRM_IOCTL_ENPU_VM_BIND, &args));
	args.ops = (struct drm_enpu_array){ 1u << 20, 1, (uintptr_t)ops };
	EXPECT_EQ(-EINVAL, enpu_ioctl(fd, DRM_IOCTL_ENPU_VM_BIND, &args));
	args.ops = (struct drm_enpu_array){ sizeof(ops[0]), 1, 16 };
	EXPECT_EQ(-EFAULT, enpu_ioctl(fd, DRM_IOCTL_ENPU_VM_BIND, &args));
	args.ops = (struct drm_enpu_array){ sizeof(ops[0]), 1, (uintptr_t)ops };
	args.flags = 1;
	EXPECT_EQ(-EINVAL, enpu_ioctl(fd, DRM_IOCTL_ENPU_VM_BIND, &args));
	args.flags = 0;
	args.ops = (struct drm_enpu_array){};
	EXPECT_EQ(0, enpu_ioctl(fd, DRM_IOCTL_ENPU_VM_BIND, &args));
}

TEST_F(spaces, map_unmap)
{
	struct ctx *ctx = &self->ctx;

	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, ctx->bo, CTX_DST, VA, 4 * PAGE, 0));
	ASSERT_EQ(0, poke(ctx, VA + PAGE, 0xab, PAGE));
	EXPECT_EQ(0, ctx->mem[CTX_DST + PAGE - 1]);
	EXPECT_EQ(0xab, ctx->mem[CTX_DST + PAGE]);
	EXPECT_EQ(0xab, ctx->mem[CTX_DST + 2 * PAGE - 1]);
	EXPECT_EQ(0, ctx->mem[CTX_DST + 2 * PAGE]);

	ASSERT_EQ(0, vm_unmap(ctx->fd, ctx->vm, VA, 4 * PAGE));
	EXPECT_EQ(-EFAULT, poke(ctx, VA + PAGE, 0xcd, PAGE));
	EXPECT_EQ(0xab, ctx->mem[CTX_DST + PAGE]);

	/* what is not mapped can be unmapped */
	EXPECT_EQ(0, vm_unmap(ctx->fd, ctx->vm, VA, 4 * PAGE));
}

TEST_F(spaces, read_only)
{
	struct ctx *ctx = &self->ctx;
	struct drm_enpu_queue_query query;

	ctx->mem[CTX_DST] = 0x42;
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, ctx->bo, CTX_DST, VA, PAGE,
			    DRM_ENPU_VM_BIND_READ_ONLY));
	EXPECT_EQ(0x42, peek(ctx, VA));
	EXPECT_EQ(-EFAULT, poke(ctx, VA, 0x43, 16));
	ASSERT_EQ(0, queue_query(ctx->fd, ctx->queue, &query));
	EXPECT_EQ(ENPU_FAULT_READ_ONLY, query.fault_cause);
	EXPECT_EQ(VA, query.fault_addr);
}

/* A mapping over another one leaves what is on both sides. */
TEST_F(spaces, replace_and_split)
{
	struct ctx *ctx = &self->ctx;
	uint8_t *other;
	uint32_t handle;
	unsigned int i;

	ASSERT_EQ(0, bo_create(ctx->fd, 8 * PAGE, 0, &handle));
	other = bo_map(ctx->fd, handle, 8 * PAGE);
	ASSERT_NE(NULL, other);
	for (i = 0; i < 8; i++) {
		other[i * PAGE] = 0x80 + i;
		ctx->mem[CTX_SRC + i * PAGE] = 0x10 + i;
	}
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, ctx->bo, CTX_SRC, VA, 8 * PAGE, 0));
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, handle, PAGE, VA + 3 * PAGE, 2 * PAGE, 0));
	for (i = 0; i < 8; i++)
		EXPECT_EQ(i == 3 || i == 4 ? 0x80 + i - 2 : 0x10 + i, peek(ctx, VA + i * PAGE));

	/* a hole in the middle; the ends stay */
	ASSERT_EQ(0, vm_unmap(ctx->fd, ctx->vm, VA + PAGE, 5 * PAGE));
	EXPECT_EQ(0x10, peek(ctx, VA));
	EXPECT_EQ(0x16, peek(ctx, VA + 6 * PAGE));
	EXPECT_EQ(-EFAULT, peek(ctx, VA + PAGE));
	ASSERT_EQ(0, revive(ctx));
	EXPECT_EQ(-EFAULT, peek(ctx, VA + 5 * PAGE));
	ASSERT_EQ(0, revive(ctx));
	EXPECT_EQ(0x17, peek(ctx, VA + 7 * PAGE));
	munmap(other, 8 * PAGE);
}

/* A mapping keeps its BO. */
TEST_F(spaces, bo_closed_while_mapped)
{
	struct ctx *ctx = &self->ctx;
	uint32_t handle;

	ASSERT_EQ(0, bo_create(ctx->fd, PAGE, 0, &handle));
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, handle, 0, VA, PAGE, 0));
	ASSERT_EQ(0, bo_close(ctx->fd, handle));
	EXPECT_EQ(0, poke(ctx, VA, 0x99, PAGE));
	EXPECT_EQ(0x99, peek(ctx, VA + PAGE - 1));
}

/* The same pages at many places, in two address spaces */
TEST_F(spaces, aliases)
{
	struct ctx *ctx = &self->ctx;
	uint32_t vm, queue;
	unsigned int i;

	ASSERT_EQ(0, vm_create(ctx->fd, &vm));
	ASSERT_EQ(0, queue_create(ctx->fd, vm, 0, &queue));
	for (i = 0; i < 16; i++)
		ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, ctx->bo, CTX_DST, VA + i * GIB(3), PAGE, 0));
	ASSERT_EQ(0, vm_map(ctx->fd, vm, ctx->bo, 0, CTX_VA, CTX_SIZE, 0));

	ASSERT_EQ(0, poke(ctx, VA + 5 * GIB(3), 0x61, PAGE));
	EXPECT_EQ(0x61, peek(ctx, VA + 15 * GIB(3)));
	/* in the other one, VA is not mapped */
	ctx->regions[REGION_SRC] = (struct enpu_region){ VA, 1 };
	ASSERT_EQ(0, ctx_submit_to(ctx, queue, ctx->syncobj));
	EXPECT_EQ(-EFAULT, ctx_wait(ctx));
	/* and the first queue does not mind */
	EXPECT_EQ(0x61, peek(ctx, VA));
}

/* Queues keep their VM; its id is free at once. */
TEST_F(spaces, destroyed_with_queue)
{
	struct ctx *ctx = &self->ctx;

	ASSERT_EQ(0, vm_destroy(ctx->fd, ctx->vm));
	EXPECT_EQ(-ENOENT, vm_map(ctx->fd, ctx->vm, ctx->bo, 0, VA, PAGE, 0));
	EXPECT_EQ(0, ctx_check_copy(ctx, 9));
}

/* Large pages, where the kernel gives them: mapped as blocks, split and joined */
TEST_F(spaces, blocks)
{
	const char *knob = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
	struct ctx *ctx = &self->ctx;
	uint64_t size = MIB(8), i;
	uint32_t handle;
	uint8_t *mem;

	if (write_file(knob, "force"))
		SKIP(return, "no transparent huge pages for shmem");
	ASSERT_EQ(0, bo_create(ctx->fd, size, 0, &handle));
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, handle, 0, VA, size, 0));
	ASSERT_EQ(0, write_file(knob, "never"));
	mem = bo_map(ctx->fd, handle, size);
	ASSERT_NE(NULL, mem);

	for (i = 0; i < size; i += KIB(512))
		mem[i] = i / KIB(512) + 1;
	for (i = 0; i < size; i += KIB(512))
		EXPECT_EQ(i / KIB(512) + 1, peek(ctx, VA + i));
	ASSERT_EQ(0, poke(ctx, VA + MIB(3), 0x21, MIB(2)));
	EXPECT_EQ(0x21, mem[MIB(5) - 1]);

	/* a page out of the middle of the second block */
	ASSERT_EQ(0, vm_unmap(ctx->fd, ctx->vm, VA + MIB(3), PAGE));
	EXPECT_EQ(0x21, peek(ctx, VA + MIB(3) + PAGE));
	EXPECT_EQ(mem[MIB(2)], peek(ctx, VA + MIB(2)));
	EXPECT_EQ(-EFAULT, peek(ctx, VA + MIB(3)));
	ASSERT_EQ(0, revive(ctx));

	/* and whole again; then another BO's page into the first */
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, handle, 0, VA, size, 0));
	EXPECT_EQ(0x21, peek(ctx, VA + MIB(3)));
	ctx->mem[CTX_SRC] = 0x55;
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, ctx->bo, CTX_SRC, VA + PAGE, PAGE, 0));
	EXPECT_EQ(0x55, peek(ctx, VA + PAGE));
	EXPECT_EQ(1, peek(ctx, VA));
	/* not aligned to blocks on the device's side */
	ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, handle, MIB(2), VA + MIB(1), MIB(4), 0));
	EXPECT_EQ(mem[MIB(4)], peek(ctx, VA + MIB(3)));
	ASSERT_EQ(0, vm_unmap(ctx->fd, ctx->vm, VA, size));
	EXPECT_EQ(-EFAULT, peek(ctx, VA + MIB(4)));
	munmap(mem, size);
}

/* A long history of maps and unmaps: the last one counts everywhere. */
TEST_F(spaces, churn)
{
	enum { PAGES = 32 };
	struct ctx *ctx = &self->ctx;
	int what[PAGES];		/* page of the BO that is mapped, or -1 */
	uint32_t rng = 12345;
	unsigned int i, n;

	for (i = 0; i < PAGES; i++) {
		what[i] = -1;
		ctx->mem[CTX_SRC + i * PAGE] = 0x40 + i;
	}
	for (n = 0; n < 500; n++) {
		unsigned int at, from, count;

		rng = rng * 1103515245 + 12345;
		at = rng >> 8 & 31;
		from = rng >> 14 & 31;
		count = 1 + (rng >> 20) % (PAGES - (at > from ? at : from));
		if (rng >> 28 & 1) {
			ASSERT_EQ(0, vm_map(ctx->fd, ctx->vm, ctx->bo, CTX_SRC + from * PAGE,
					    VA + at * PAGE, count * PAGE, 0));
			for (i = 0; i < count; i++)
				what[at + i] = from + i;
		} else {
			ASSERT_EQ(0, vm_unmap(ctx->fd, ctx->vm, VA + at * PAGE, count * PAGE));
			for (i = 0; i < count; i++)
				what[at + i] = -1;
		}
		i = rng >> 16 & 31;
		if (what[i] >= 0)
			ASSERT_EQ(0x40 + what[i], peek(ctx, VA + i * PAGE));
	}
	for (i = 0; i < PAGES; i++) {
		EXPECT_EQ(what[i] < 0 ? -EFAULT : 0x40 + what[i], peek(ctx, VA + i * PAGE));
		if (what[i] < 0)
			ASSERT_EQ(0, revive(ctx));
	}
}

TEST_HARNESS_MAIN
