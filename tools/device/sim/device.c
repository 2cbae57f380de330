// SPDX-License-Identifier: MIT
/*
 * Devices: one, of the configuration that the environment names.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim.h"

#define CONFIG_VARIABLE	"ACCEL_SIM_CONFIG"
#define DEFAULT_CONFIG	"enpu-512"

void sim_error(struct accel_backend_error *error, const char *format, ...)
{
	va_list args;

	if (!error)
		return;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
}

uint64_t sim_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int sim_count(void)
{
	return 1;
}

static const struct enpu_config *find_config(struct accel_backend_error *err)
{
	const char *name = getenv(CONFIG_VARIABLE);
	const struct enpu_config *config;
	char known[128] = "";
	size_t at = 0;

	if (!name || !*name)
		name = DEFAULT_CONFIG;
	config = enpu_config_find(name);
	if (config)
		return config;
	for (unsigned int i = 0; (config = enpu_config_at(i)); i++) {
		if (at < sizeof(known))
			at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s",
					       i ? ", " : "", config->name);
	}
	sim_error(err, "%s=%s: no such configuration; there are %s", CONFIG_VARIABLE, name, known);
	return NULL;
}

/* Waits are measured on the monotonic clock */
static void init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

int sim_open(unsigned int index, struct accel_backend_device **out,
	     struct accel_backend_error *err)
{
	struct accel_backend_device *dev;
	const struct enpu_config *config;
	int ret;

	if (index >= (unsigned int)sim_count()) {
		sim_error(err, "there is one simulated device, sim:0");
		return -ENODEV;
	}
	config = find_config(err);
	if (!config)
		return -EINVAL;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	atomic_store(&dev->refs, 1);
	dev->config = config;
	dev->contexts = enpu_contexts_new(config);
	if (!dev->contexts) {
		free(dev);
		return -ENOMEM;
	}
	pthread_mutex_init(&dev->lock, NULL);
	init_cond(&dev->wake);
	init_cond(&dev->progress);
	ret = pthread_create(&dev->worker, NULL, sim_worker, dev);
	if (ret) {
		sim_error(err, "can't start the simulator's thread: %s", strerror(ret));
		enpu_contexts_free(dev->contexts);
		free(dev);
		return -ret;
	}
	*out = dev;
	return 0;
}

void sim_device_ref(struct accel_backend_device *dev)
{
	atomic_fetch_add(&dev->refs, 1);
}

void sim_device_put(struct accel_backend_device *dev)
{
	if (atomic_fetch_sub(&dev->refs, 1) != 1)
		return;
	pthread_mutex_lock(&dev->lock);
	dev->quit = true;
	pthread_cond_signal(&dev->wake);
	pthread_mutex_unlock(&dev->lock);
	pthread_join(dev->worker, NULL);
	pthread_cond_destroy(&dev->progress);
	pthread_cond_destroy(&dev->wake);
	pthread_mutex_destroy(&dev->lock);
	enpu_contexts_free(dev->contexts);
	free(dev);
}

int sim_query(struct accel_backend_device *dev, struct accel_backend_info *info)
{
	*info = (struct accel_backend_info) {
		.driver = "sim 1.0",
		.arch_version = ENPU_VERSION_1_0,
		.caps = ENPU_EXEC_CAPS,
		.opcodes = enpu_exec_opcodes(),
		.macs = dev->config->macs,
		.sram_bytes = dev->config->sram_bytes,
		.sram_bandwidth = dev->config->sram_bandwidth,
		.dram_bandwidth = dev->config->dram_bandwidth,
		.clock_khz = dev->config->clock_khz,
		.num_queues = ENPU_MAX_QUEUES,
		.va_start = SIM_VA_START,
		.va_end = SIM_VA_END,
	};
	snprintf(info->name, sizeof(info->name), "ENPU simulator (%s)", dev->config->name);
	return 0;
}
