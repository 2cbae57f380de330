// SPDX-License-Identifier: MIT
/* The models of a task: see nets.h; nets_open.c opens one. */
#include "nets.h"

#include "cli.h"

int nets_open_if(struct nets *nets, const char *path, struct accel_net **net)
{
	*net = NULL;
	return path ? nets_open(nets, path, net) : CLI_OK;
}

void nets_close(struct nets *nets)
{
	while (nets->count)
		accel_net_release(nets->open[--nets->count]);
	accel_device_release(nets->dev);
	nets->dev = NULL;
}
