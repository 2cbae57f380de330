// SPDX-License-Identifier: MIT
/* A model of a task, on the NPU: see nets.h. */
#include "nets.h"

#include "cli.h"
#include "source.h"

int nets_open(struct nets *nets, const char *path, struct accel_net **net)
{
	struct accel_model *model;
	struct accel_error err;
	int ret;

	if (nets->count == NETS_MAX)
		return cli_error("%s: more than %d models", path, NETS_MAX);
	if (!nets->dev && accel_device_open(nets->device, &nets->dev, &err))
		return cli_error("%s", err.text);
	ret = source_load(path, nets->config, nets->dev, &model);
	if (ret)
		return ret;
	if (accel_net_create(model, nets->dev, net, &err))
		ret = cli_error("%s", err.text);
	else
		nets->open[nets->count++] = *net;
	accel_model_release(model);
	return ret;
}
