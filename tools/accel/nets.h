/* SPDX-License-Identifier: MIT */
/* The models of a task, open on one device. */
#ifndef ACCEL_CLI_NETS_H
#define ACCEL_CLI_NETS_H

#include <accel/tasks.h>

#define NETS_MAX	8

/* All zero but the first two: nothing open yet */
struct nets {
	const char *device;		/* as for accel_device_open() */
	const char *config;		/* for models that are compiled on the fly; or NULL */
	struct accel_device *dev;
	struct accel_net *open[NETS_MAX];
	unsigned int count;
};

/* A model file, compiled or of a framework. CLI_OK, or CLI_FAILED after a message */
int nets_open(struct nets *nets, const char *path, struct accel_net **net);
/* The same, and nothing for @path NULL */
int nets_open_if(struct nets *nets, const char *path, struct accel_net **net);
void nets_close(struct nets *nets);

#endif
