/* SPDX-License-Identifier: MIT */
/*
 * A device's MSI-X vectors: the client binds each to an eventfd and may mask it
 * (SET_IRQS); the guest enables and masks them all together (MSI-X control, bus
 * master). What is raised while masked stays pending, once, and fires when the last
 * mask goes. Bindings belong to the client and outlive a reset of the device.
 *
 * Every function may be called from any thread and none blocks.
 */
#ifndef VU_IRQ_H
#define VU_IRQ_H

#include <stdbool.h>
#include <stdint.h>

#define VU_IRQ_MAX 32u

struct vu_irqs;

/* @count vectors, at most VU_IRQ_MAX. NULL without memory. */
struct vu_irqs *vu_irqs_new(unsigned int count);
void vu_irqs_free(struct vu_irqs *irqs);
unsigned int vu_irqs_count(const struct vu_irqs *irqs);

/* Vectors below count only. Takes fd, and closes the one before; -1 leaves none. */
void vu_irqs_bind(struct vu_irqs *irqs, unsigned int vector, int fd);
void vu_irqs_mask(struct vu_irqs *irqs, unsigned int vector, bool masked);
/* The client has gone or disables all: no bindings, no masks, nothing pending. */
void vu_irqs_unbind_all(struct vu_irqs *irqs);

/* The guest's side. Not enabled: raising is without effect. Blocked: it is kept pending. */
void vu_irqs_control(struct vu_irqs *irqs, bool enabled, bool blocked);
void vu_irqs_raise(struct vu_irqs *irqs, unsigned int vector);
/* One bit a vector: the pending bit array. */
uint32_t vu_irqs_pending(struct vu_irqs *irqs);

#endif
