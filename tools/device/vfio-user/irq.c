// SPDX-License-Identifier: MIT
/*
 * MSI-X vectors by eventfd: see irq.h. One lock, held for a system call at most;
 * descriptors are made non-blocking, so that a client that lets one fill up cannot
 * stop the device.
 */
#include "irq.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct vu_irqs {
	pthread_mutex_t lock;
	unsigned int count;
	int fd[VU_IRQ_MAX];
	uint32_t masked;	/* by the client, one bit a vector */
	uint32_t pending;
	bool enabled;
	bool blocked;
};

struct vu_irqs *vu_irqs_new(unsigned int count)
{
	struct vu_irqs *irqs = calloc(1, sizeof(*irqs));
	unsigned int i;

	if (!irqs)
		return NULL;
	pthread_mutex_init(&irqs->lock, NULL);
	irqs->count = count < VU_IRQ_MAX ? count : VU_IRQ_MAX;
	for (i = 0; i < VU_IRQ_MAX; i++)
		irqs->fd[i] = -1;
	return irqs;
}

void vu_irqs_free(struct vu_irqs *irqs)
{
	if (!irqs)
		return;
	vu_irqs_unbind_all(irqs);
	pthread_mutex_destroy(&irqs->lock);
	free(irqs);
}

unsigned int vu_irqs_count(const struct vu_irqs *irqs)
{
	return irqs->count;
}

/* Fire what is pending and no longer held back. */
static void deliver(struct vu_irqs *irqs)
{
	static const uint64_t one = 1;
	uint32_t ready;
	unsigned int i;

	if (!irqs->enabled)
		irqs->pending = 0;
	if (irqs->blocked)
		return;
	ready = irqs->pending & ~irqs->masked;
	irqs->pending &= ~ready;
	for (i = 0; i < irqs->count; i++) {
		if (!(ready & (1u << i)) || irqs->fd[i] < 0)
			continue;
		/* A full eventfd is signalled already; a dead one is the client's loss. */
		if (write(irqs->fd[i], &one, sizeof(one)) < 0)
			continue;
	}
}

static void bind_locked(struct vu_irqs *irqs, unsigned int vector, int fd)
{
	if (irqs->fd[vector] >= 0)
		close(irqs->fd[vector]);
	irqs->fd[vector] = fd;
}

void vu_irqs_bind(struct vu_irqs *irqs, unsigned int vector, int fd)
{
	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	pthread_mutex_lock(&irqs->lock);
	bind_locked(irqs, vector, fd);
	pthread_mutex_unlock(&irqs->lock);
}

void vu_irqs_mask(struct vu_irqs *irqs, unsigned int vector, bool masked)
{
	pthread_mutex_lock(&irqs->lock);
	if (masked)
		irqs->masked |= 1u << vector;
	else
		irqs->masked &= ~(1u << vector);
	deliver(irqs);
	pthread_mutex_unlock(&irqs->lock);
}

void vu_irqs_unbind_all(struct vu_irqs *irqs)
{
	unsigned int i;

	pthread_mutex_lock(&irqs->lock);
	for (i = 0; i < irqs->count; i++)
		bind_locked(irqs, i, -1);
	irqs->masked = 0;
	irqs->pending = 0;
	pthread_mutex_unlock(&irqs->lock);
}

void vu_irqs_control(struct vu_irqs *irqs, bool enabled, bool blocked)
{
	pthread_mutex_lock(&irqs->lock);
	irqs->enabled = enabled;
	irqs->blocked = blocked;
	deliver(irqs);
	pthread_mutex_unlock(&irqs->lock);
}

void vu_irqs_raise(struct vu_irqs *irqs, unsigned int vector)
{
	if (vector >= irqs->count)
		return;
	pthread_mutex_lock(&irqs->lock);
	irqs->pending |= 1u << vector;
	deliver(irqs);
	pthread_mutex_unlock(&irqs->lock);
}

uint32_t vu_irqs_pending(struct vu_irqs *irqs)
{
	uint32_t pending;

	pthread_mutex_lock(&irqs->lock);
	pending = irqs->pending;
	pthread_mutex_unlock(&irqs->lock);
	return pending;
}
