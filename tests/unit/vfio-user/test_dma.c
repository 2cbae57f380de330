// SPDX-License-Identifier: MIT
/*
 * Guest memory: what may be mapped, what translates to what, and that memory never
 * goes away under a reader.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../tools/device/vfio-user/dma.h"
#include "client.h"

#define PAGE 4096ull

static int setup(void **state)
{
	*state = vu_dma_new();
	vu_dma_enable(*state, true);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	vu_dma_free(*state);
	return 0;
}

/* As the device would: how many of @length bytes are contiguous at @address. 0: refused. */
static uint64_t reach(struct vu_dma *dma, uint64_t address, uint64_t length, bool write)
{
	const struct vu_dma_table *table = vu_dma_enter(dma);

	if (!vu_dma_translate(table, address, &length, write))
		length = 0;
	vu_dma_leave(dma, table);
	return length;
}

static void test_translates(void **state)
{
	struct vu_dma *dma = *state;
	const struct vu_dma_table *table;
	int fd = sealed_memory(8 * PAGE);
	uint8_t *mine = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	uint64_t length = 16;
	uint8_t *theirs;

	assert_ptr_not_equal(mine, MAP_FAILED);
	strcpy((char *)mine + 3 * PAGE + 40, "guest");
	assert_int_equal(vu_dma_map(dma, 0x100000, 4 * PAGE, fd, 2 * PAGE, true), 0);
	close(fd);

	table = vu_dma_enter(dma);
	theirs = vu_dma_translate(table, 0x100000 + PAGE + 40, &length, true);
	assert_non_null(theirs);
	assert_int_equal(length, 16);
	assert_string_equal((char *)theirs, "guest");
	strcpy((char *)theirs, "device");
	vu_dma_leave(dma, table);
	assert_string_equal((char *)mine + 3 * PAGE + 40, "device");

	assert_int_equal(reach(dma, 0x100000 + 4 * PAGE - 8, 64, true), 8);
	assert_int_equal(reach(dma, 0x100000 + 4 * PAGE - 1, ~0ull, false), 1);
	assert_int_equal(reach(dma, 0x100000 + 4 * PAGE, 1, false), 0);
	assert_int_equal(reach(dma, 0x100000 - 1, 2, false), 0);
	assert_int_equal(reach(dma, ~0ull, 1, false), 0);
	munmap(mine, 8 * PAGE);
}

/* Ranges in any order; neighbours join only where the host's memory does too. */
static void test_joins_neighbours(void **state)
{
	struct vu_dma *dma = *state;
	int fd = sealed_memory(8 * PAGE);

	assert_int_equal(vu_dma_map(dma, 5 * PAGE, PAGE, fd, 1 * PAGE, true), 0);
	assert_int_equal(vu_dma_map(dma, 4 * PAGE, PAGE, fd, 0, true), 0);
	assert_int_equal(vu_dma_map(dma, 6 * PAGE, PAGE, fd, 2 * PAGE, false), 0);
	assert_int_equal(vu_dma_map(dma, 7 * PAGE, PAGE, fd, 7 * PAGE, true), 0);
	assert_int_equal(reach(dma, 4 * PAGE, 100 * PAGE, false), 3 * PAGE);
	assert_int_equal(reach(dma, 4 * PAGE, 100 * PAGE, true), 2 * PAGE);
	assert_int_equal(reach(dma, 6 * PAGE, 1, true), 0);
	assert_int_equal(reach(dma, 7 * PAGE, 100 * PAGE, true), PAGE);
	close(fd);
}

static void test_refuses_bad_ranges(void **state)
{
	struct vu_dma *dma = *state;
	int fd = sealed_memory(4 * PAGE);

	assert_int_equal(vu_dma_map(dma, PAGE, 0, fd, 0, true), EINVAL);
	assert_int_equal(vu_dma_map(dma, PAGE + 1, PAGE, fd, 0, true), EINVAL);
	assert_int_equal(vu_dma_map(dma, PAGE, PAGE - 1, fd, 0, true), EINVAL);
	assert_int_equal(vu_dma_map(dma, PAGE, PAGE, fd, 8, true), EINVAL);
	assert_int_equal(vu_dma_map(dma, 0 - PAGE, 2 * PAGE, fd, 0, true), EINVAL);
	assert_int_equal(vu_dma_map(dma, 0, 5 * PAGE, fd, 0, true), EINVAL);
	assert_int_equal(vu_dma_map(dma, 0, PAGE, fd, 4 * PAGE, true), EINVAL);
	assert_int_equal(vu_dma_map(dma, 0, 2 * PAGE, fd, 0 - PAGE, true), EINVAL);
	/* The very last page of the address space is as good as any. */
	assert_int_equal(vu_dma_map(dma, 0 - PAGE, PAGE, fd, 0, true), 0);
	assert_int_equal(reach(dma, ~0ull, 1, true), 1);

	assert_int_equal(vu_dma_map(dma, 4 * PAGE, 2 * PAGE, fd, 0, true), 0);
	assert_int_equal(vu_dma_map(dma, 5 * PAGE, PAGE, fd, 0, true), EEXIST);
	assert_int_equal(vu_dma_map(dma, 3 * PAGE, 2 * PAGE, fd, 0, true), EEXIST);
	assert_int_equal(vu_dma_map(dma, 3 * PAGE, 4 * PAGE, fd, 0, true), EEXIST);
	assert_int_equal(vu_dma_map(dma, 3 * PAGE, PAGE, fd, 0, true), 0);
	assert_int_equal(vu_dma_map(dma, 6 * PAGE, PAGE, fd, 0, true), 0);
	close(fd);
}

static void test_refuses_bad_files(void **state)
{
	struct vu_dma *dma = *state;
	char path[64];
	int fd, readonly;

	/* One that could be cut short under our feet */
	fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_int_equal(vu_dma_map(dma, 0, PAGE, fd, 0, true), EPERM);
	close(fd);
	fd = open("/dev/zero", O_RDWR | O_CLOEXEC);
	assert_int_equal(vu_dma_map(dma, 0, PAGE, fd, 0, true), EPERM);
	close(fd);
	fd = sealed_memory(PAGE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	readonly = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(readonly >= 0);
	assert_int_equal(vu_dma_map(dma, 0, PAGE, readonly, 0, true), EPERM);
	close(readonly);
	close(fd);
	/* No file at all: there, taken, and not accessible */
	assert_int_equal(vu_dma_map(dma, 0, PAGE, -1, 0, false), 0);
	assert_int_equal(reach(dma, 0, 1, false), 0);
	assert_int_equal(vu_dma_unmap(dma, 0, PAGE), 0);
}

static void test_unmaps(void **state)
{
	struct vu_dma *dma = *state;
	int fd = sealed_memory(8 * PAGE);
	unsigned int i;

	for (i = 0; i < 4; i++)
		assert_int_equal(vu_dma_map(dma, i * 2 * PAGE, 2 * PAGE, fd, i * 2 * PAGE,
					    true), 0);
	close(fd);
	assert_int_equal(vu_dma_unmap(dma, 0, PAGE), EINVAL);
	assert_int_equal(vu_dma_unmap(dma, PAGE, 3 * PAGE), EINVAL);
	assert_int_equal(vu_dma_unmap(dma, 8 * PAGE, PAGE), 0);
	assert_int_equal(vu_dma_unmap(dma, 0, 0), EINVAL);
	assert_int_equal(vu_dma_unmap(dma, 2 * PAGE, 0 - PAGE), EINVAL);
	assert_int_equal(vu_dma_unmap(dma, 8 * PAGE, 0 - 8 * PAGE), 0);
	assert_int_equal(reach(dma, 0, 8 * PAGE, true), 8 * PAGE);

	assert_int_equal(vu_dma_unmap(dma, 2 * PAGE, 4 * PAGE), 0);
	assert_int_equal(reach(dma, 0, 8 * PAGE, true), 2 * PAGE);
	assert_int_equal(reach(dma, 2 * PAGE, 1, true), 0);
	assert_int_equal(reach(dma, 6 * PAGE, 8 * PAGE, true), 2 * PAGE);
	vu_dma_unmap_all(dma);
	assert_int_equal(reach(dma, 0, 1, true), 0);
	assert_int_equal(vu_dma_unmap(dma, 0, 2 * PAGE), 0);
}

static void test_bus_master(void **state)
{
	struct vu_dma *dma = *state;
	int fd = sealed_memory(PAGE);

	assert_int_equal(vu_dma_map(dma, 0, PAGE, fd, 0, true), 0);
	assert_int_equal(reach(dma, 0, 1, false), 1);
	vu_dma_enable(dma, false);
	assert_int_equal(reach(dma, 0, 1, false), 0);
	assert_int_equal(vu_dma_unmap(dma, 0, PAGE), 0);
	assert_int_equal(vu_dma_map(dma, PAGE, PAGE, fd, 0, true), 0);
	assert_int_equal(reach(dma, PAGE, 1, false), 0);
	vu_dma_enable(dma, true);
	assert_int_equal(reach(dma, PAGE, 1, false), 1);
	close(fd);
}

/* Behind a virtual IOMMU every page is a range: far more than a process may have mappings. */
static void test_many_ranges(void **state)
{
	struct vu_dma *dma = *state;
	int fd = sealed_memory(2 * PAGE);
	uint64_t i;

	for (i = 0; i < 4000; i++)
		assert_int_equal(vu_dma_map(dma, (i * 7919 % 4000) * PAGE, PAGE, fd, (i & 1) * PAGE,
					    true), 0);
	for (i = 0; i < 4000; i++)
		assert_int_equal(reach(dma, i * PAGE + 5, 1, true), 1);
	assert_int_equal(vu_dma_unmap(dma, 0, 4000 * PAGE), 0);
	close(fd);
}

struct unmapper {
	struct vu_dma *dma;
	int err;
	atomic_bool done;
};

static void *unmap_thread(void *opaque)
{
	struct unmapper *u = opaque;

	u->err = vu_dma_unmap(u->dma, 0, PAGE);
	atomic_store(&u->done, true);
	return NULL;
}

static void test_unmap_waits_for_readers(void **state)
{
	struct unmapper u = { .dma = *state };
	const struct vu_dma_table *old, *new;
	int fd = sealed_memory(PAGE);
	uint64_t length = 1;
	atomic_uchar *byte;
	pthread_t thread;

	assert_int_equal(vu_dma_map(u.dma, 0, PAGE, fd, 0, true), 0);
	close(fd);
	old = vu_dma_enter(u.dma);
	byte = vu_dma_translate(old, 0, &length, true);
	assert_non_null(byte);
	pthread_create(&thread, NULL, unmap_thread, &u);

	/* As soon as the range has gone for newcomers the unmap is under way, and held up by us. */
	for (;;) {
		new = vu_dma_enter(u.dma);
		length = 1;
		if (!vu_dma_translate(new, 0, &length, true))
			break;
		vu_dma_leave(u.dma, new);
		usleep(100);
	}
	usleep(20000);
	assert_false(atomic_load(&u.done));
	*byte = 1;
	vu_dma_leave(u.dma, old);
	pthread_join(thread, NULL);
	assert_int_equal(u.err, 0);
	vu_dma_leave(u.dma, new);
}

struct reader {
	struct vu_dma *dma;
	atomic_bool stop;
	atomic_ulong hits;
};

/* Whatever translates must be the page that belongs there, for as long as it is pinned. */
static void *reader_thread(void *opaque)
{
	struct reader *r = opaque;
	unsigned int seed = 1;

	while (!atomic_load(&r->stop)) {
		const struct vu_dma_table *table = vu_dma_enter(r->dma);
		unsigned int i, page;

		for (i = 0; i < 16; i++) {
			uint64_t length = PAGE;
			atomic_uchar *p;

			page = (unsigned int)rand_r(&seed) % 16;
			p = vu_dma_translate(table, page * PAGE, &length, true);
			if (!p)
				continue;
			if (*p != page)
				abort();
			atomic_fetch_add(&r->hits, 1);
		}
		vu_dma_leave(r->dma, table);
	}
	return NULL;
}

static void test_readers_and_changes(void **state)
{
	struct reader r = { .dma = *state };
	pthread_t threads[2];
	unsigned int i, page;
	int fds[16];

	/* A file for each page: when its range goes, the mapping goes too. */
	for (i = 0; i < 16; i++) {
		uint8_t number = (uint8_t)i;

		fds[i] = sealed_memory(PAGE);
		assert_int_equal(pwrite(fds[i], &number, 1, 0), 1);
		assert_int_equal(vu_dma_map(r.dma, i * PAGE, PAGE, fds[i], 0, true), 0);
	}
	for (i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, reader_thread, &r);
	for (i = 0; i < 4000 || atomic_load(&r.hits) < 10000; i++) {
		page = i * 7 % 16;
		assert_int_equal(vu_dma_unmap(r.dma, page * PAGE, PAGE), 0);
		if (i % 64 == 0)
			vu_dma_enable(r.dma, false);
		assert_int_equal(vu_dma_map(r.dma, page * PAGE, PAGE, fds[page], 0, true), 0);
		vu_dma_enable(r.dma, true);
	}
	atomic_store(&r.stop, true);
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < 16; i++)
		close(fds[i]);
}

#define DMA_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DMA_TEST(test_translates),
		DMA_TEST(test_joins_neighbours),
		DMA_TEST(test_refuses_bad_ranges),
		DMA_TEST(test_refuses_bad_files),
		DMA_TEST(test_unmaps),
		DMA_TEST(test_bus_master),
		DMA_TEST(test_many_ranges),
		DMA_TEST(test_unmap_waits_for_readers),
		DMA_TEST(test_readers_and_changes),
	};

	return cmocka_run_group_tests_name("vfio-user: dma", tests, NULL, NULL);
}
