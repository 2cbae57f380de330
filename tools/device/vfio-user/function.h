/* SPDX-License-Identifier: MIT */
/*
 * The NPU as a PCI function: joins the device core with configuration space,
 * guest memory and MSI-X, and shows them to a vfio-user client.
 */
#ifndef ENPU_FUNCTION_H
#define ENPU_FUNCTION_H

struct enpu_config;
struct enpu_device;
struct enpu_function;
struct vu_device;

/* NULL: errno. */
struct enpu_function *enpu_function_new(const struct enpu_config *config);
void enpu_function_free(struct enpu_function *function);

/* Both live as long as the function. The first is for one session at a time. */
const struct vu_device *enpu_function_device(const struct enpu_function *function);
struct enpu_device *enpu_function_core(const struct enpu_function *function);

#endif
