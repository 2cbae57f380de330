// SPDX-License-Identifier: MIT
/*
 * Guest memory: see dma.h for the model.
 *
 * A file is mapped once, whole, however many ranges lie in it: behind a virtual
 * IOMMU each guest page is a range, and mappings of a process are far fewer than
 * that. Only files sealed against shrinking are taken, because touching a page that
 * the client has truncated away is a SIGBUS; QEMU's memory-backend-memfd is sealed.
 *
 * `lock` protects the current table's identity, all reader counts and `retired`.
 * Backings belong to the writer's thread alone.
 */
#include "dma.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#define PAGE_MASK 4095ull

struct backing {
	struct backing *next;
	dev_t dev;
	ino_t ino;
	uint8_t *host;
	uint64_t size;
	unsigned int ranges;	/* how many lie in it */
};

struct range {
	uint64_t address;
	uint64_t size;
	uint8_t *host;		/* NULL: not accessible */
	struct backing *backing;
	bool writable;
};

struct vu_dma_table {
	unsigned int readers;
	unsigned int count;
	bool enabled;
	struct range ranges[];	/* by address, never overlapping */
};

struct vu_dma {
	pthread_mutex_t lock;
	pthread_cond_t drained;
	struct vu_dma_table *current;
	unsigned int retired;	/* older tables that still have readers */
	struct backing *backings;
};

static struct vu_dma_table *table_new(unsigned int count, bool enabled)
{
	struct vu_dma_table *table;

	table = calloc(1, sizeof(*table) + count * sizeof(table->ranges[0]));
	if (!table) {
		/* Going on would leave memory reachable that was taken back. */
		log_error("out of memory for the table of %u DMA ranges", count);
		exit(EXIT_FAILURE);
	}
	table->count = count;
	table->enabled = enabled;
	return table;
}

struct vu_dma *vu_dma_new(void)
{
	struct vu_dma *dma = calloc(1, sizeof(*dma));

	if (!dma)
		return NULL;
	dma->current = table_new(0, false);
	pthread_mutex_init(&dma->lock, NULL);
	pthread_cond_init(&dma->drained, NULL);
	return dma;
}

void vu_dma_free(struct vu_dma *dma)
{
	if (!dma)
		return;
	vu_dma_unmap_all(dma);
	free(dma->current);
	pthread_cond_destroy(&dma->drained);
	pthread_mutex_destroy(&dma->lock);
	free(dma);
}

const struct vu_dma_table *vu_dma_enter(struct vu_dma *dma)
{
	struct vu_dma_table *table;

	pthread_mutex_lock(&dma->lock);
	table = dma->current;
	table->readers++;
	pthread_mutex_unlock(&dma->lock);
	return table;
}

void vu_dma_leave(struct vu_dma *dma, const struct vu_dma_table *pinned)
{
	struct vu_dma_table *table = (struct vu_dma_table *)pinned;

	pthread_mutex_lock(&dma->lock);
	if (--table->readers == 0 && table != dma->current) {
		free(table);
		if (--dma->retired == 0)
			pthread_cond_signal(&dma->drained);
	}
	pthread_mutex_unlock(&dma->lock);
}

static void publish(struct vu_dma *dma, struct vu_dma_table *table)
{
	struct vu_dma_table *old;

	pthread_mutex_lock(&dma->lock);
	old = dma->current;
	dma->current = table;
	if (old->readers)
		dma->retired++;
	else
		free(old);
	pthread_mutex_unlock(&dma->lock);
}

/* Until nobody reads a table older than the current one. */
static void wait_for_readers(struct vu_dma *dma)
{
	struct timespec deadline;
	bool warned = false;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 1;
	pthread_mutex_lock(&dma->lock);
	while (dma->retired) {
		if (warned) {
			pthread_cond_wait(&dma->drained, &dma->lock);
		} else if (pthread_cond_timedwait(&dma->drained, &dma->lock, &deadline)) {
			log_error("the client waits for memory that a command has used for 1 s");
			warned = true;
		}
	}
	pthread_mutex_unlock(&dma->lock);
}

/* The first range that ends above @address, or count. */
static unsigned int find(const struct vu_dma_table *table, uint64_t address)
{
	unsigned int low = 0, high = table->count;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;
		const struct range *r = &table->ranges[middle];

		if (r->address + (r->size - 1) < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void *vu_dma_translate(const struct vu_dma_table *table, uint64_t address, uint64_t *length,
		       bool write)
{
	unsigned int i = find(table, address);
	const struct range *r = &table->ranges[i];
	uint64_t into, got;
	uint8_t *host;

	if (!table->enabled || i == table->count || r->address > address)
		return NULL;
	if (!r->host || (write && !r->writable))
		return NULL;
	into = address - r->address;
	host = r->host + into;
	got = r->size - into;
	/* Pages behind an IOMMU are ranges of their own: go on while they join up. */
	while (got < *length && ++i < table->count) {
		const struct range *next = &table->ranges[i];

		if (next->address != address + got || next->host != host + got ||
		    (write && !next->writable))
			break;
		got += next->size;
	}
	if (got < *length)
		*length = got;
	return host;
}

static struct backing *backing_find(struct vu_dma *dma, const struct stat *st, uint64_t end)
{
	struct backing *b;

	for (b = dma->backings; b; b = b->next)
		if (b->dev == st->st_dev && b->ino == st->st_ino && b->size >= end)
			return b;
	return NULL;
}

static int backing_new(struct vu_dma *dma, int fd, const struct stat *st, struct backing **out)
{
	struct backing *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return ENOMEM;
	b->dev = st->st_dev;
	b->ino = st->st_ino;
	b->size = (uint64_t)st->st_size;
	b->host = mmap(NULL, b->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (b->host == MAP_FAILED) {
		err = errno;
		free(b);
		return err;
	}
	b->next = dma->backings;
	dma->backings = b;
	*out = b;
	return 0;
}

static int backing_get(struct vu_dma *dma, int fd, uint64_t offset, uint64_t size,
		       struct backing **out)
{
	struct stat st;
	int seals, flags;

	flags = fcntl(fd, F_GETFL);
	seals = fcntl(fd, F_GET_SEALS);
	if (flags < 0 || seals < 0 || !(seals & F_SEAL_SHRINK) || (flags & O_ACCMODE) != O_RDWR)
		return EPERM;
	if (fstat(fd, &st) < 0)
		return errno;
	if (offset > (uint64_t)st.st_size || size > (uint64_t)st.st_size - offset)
		return EINVAL;
	*out = backing_find(dma, &st, offset + size);
	return *out ? 0 : backing_new(dma, fd, &st, out);
}

/* Drop those that no range lies in; no reader may be left in them. */
static void backings_trim(struct vu_dma *dma)
{
	struct backing **link = &dma->backings, *b;

	while ((b = *link)) {
		if (b->ranges) {
			link = &b->next;
			continue;
		}
		*link = b->next;
		munmap(b->host, b->size);
		free(b);
	}
}

int vu_dma_map(struct vu_dma *dma, uint64_t address, uint64_t size, int fd, uint64_t offset,
	       bool writable)
{
	const struct vu_dma_table *old = dma->current;
	struct vu_dma_table *table;
	struct backing *backing = NULL;
	unsigned int at;
	int err;

	if (!size || ((address | size | offset) & PAGE_MASK) || address + (size - 1) < address)
		return EINVAL;
	at = find(old, address);
	if (at < old->count && old->ranges[at].address <= address + (size - 1))
		return EEXIST;
	if (old->count == VU_DMA_MAX_RANGES)
		return ENOSPC;
	if (fd >= 0) {
		err = backing_get(dma, fd, offset, size, &backing);
		if (err)
			return err;
	}
	table = table_new(old->count + 1, old->enabled);
	memcpy(table->ranges, old->ranges, at * sizeof(old->ranges[0]));
	table->ranges[at] = (struct range){
		.address = address,
		.size = size,
		.host = backing ? backing->host + offset : NULL,
		.backing = backing,
		.writable = writable,
	};
	memcpy(&table->ranges[at + 1], &old->ranges[at],
	       (old->count - at) * sizeof(old->ranges[0]));
	if (backing)
		backing->ranges++;
	publish(dma, table);
	return 0;
}

/* Take out ranges [first, last): the new table is published before anything goes. */
static void remove_ranges(struct vu_dma *dma, unsigned int first, unsigned int last)
{
	const struct vu_dma_table *old = dma->current;
	struct vu_dma_table *table = table_new(old->count - (last - first), old->enabled);
	unsigned int i;

	memcpy(table->ranges, old->ranges, first * sizeof(old->ranges[0]));
	memcpy(&table->ranges[first], &old->ranges[last],
	       (old->count - last) * sizeof(old->ranges[0]));
	for (i = first; i < last; i++)
		if (old->ranges[i].backing)
			old->ranges[i].backing->ranges--;
	publish(dma, table);
	wait_for_readers(dma);
	backings_trim(dma);
}

int vu_dma_unmap(struct vu_dma *dma, uint64_t address, uint64_t size)
{
	const struct vu_dma_table *table = dma->current;
	unsigned int first, last;
	uint64_t end;

	if (!size || address + (size - 1) < address)
		return EINVAL;
	end = address + (size - 1);
	first = find(table, address);
	for (last = first; last < table->count && table->ranges[last].address <= end; last++) {
		const struct range *r = &table->ranges[last];

		if (r->address < address || r->address + (r->size - 1) > end)
			return EINVAL;
	}
	if (first < last)
		remove_ranges(dma, first, last);
	return 0;
}

void vu_dma_unmap_all(struct vu_dma *dma)
{
	if (dma->current->count)
		remove_ranges(dma, 0, dma->current->count);
}

void vu_dma_enable(struct vu_dma *dma, bool on)
{
	const struct vu_dma_table *old = dma->current;
	struct vu_dma_table *table;

	if (old->enabled == on)
		return;
	table = table_new(old->count, on);
	memcpy(table->ranges, old->ranges, old->count * sizeof(old->ranges[0]));
	publish(dma, table);
	if (!on)
		wait_for_readers(dma);
}
