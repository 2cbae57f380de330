// SPDX-License-Identifier: MIT
/*
 * A net that writes each input that it is given to a .npy file: samples to
 * calibrate a model with that are just what its task shows it.
 */
#include "nets_float.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct save_net {
	struct accel_net net;		/* first */
	struct accel_net *inner;
	char *prefix;
	unsigned int count;
};

/* Version 1.0: magic, version, length of a header that is padded to 64 bytes, the header */
static int write_npy(const char *path, const struct accel_values *shape, const float *values)
{
	char header[118], dims[64];
	FILE *file = fopen(path, "wbe");
	int at = 0, ret;

	if (!file)
		return -1;
	for (uint32_t i = 0; i < shape->rank; i++)
		at += snprintf(dims + at, sizeof(dims) - (size_t)at, "%u, ", shape->dims[i]);
	at = snprintf(header, sizeof(header), "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }",
		      dims);
	memset(header + at, ' ', sizeof(header) - (size_t)at);
	header[sizeof(header) - 1] = '\n';
	fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, file);
	fwrite(header, 1, sizeof(header), file);
	fwrite(values, sizeof(*values), shape->count, file);
	ret = ferror(file);
	return fclose(file) || ret ? -1 : 0;
}

static int run(struct accel_net *net, const float *input, struct accel_error *err)
{
	struct save_net *n = (struct save_net *)net;
	char path[4096];
	int ret;

	snprintf(path, sizeof(path), "%s-%04u.npy", n->prefix, n->count++);
	if (write_npy(path, &net->input, input))
		return net_failed(err, path, strerror(errno));
	ret = n->inner->run(n->inner, input, err);
	memcpy(net->outputs, n->inner->outputs, sizeof(net->outputs));
	return ret;
}

static void release(struct accel_net *net)
{
	struct save_net *n = (struct save_net *)net;

	n->inner->release(n->inner);
	free(n->prefix);
	free(n);
}

int save_net_wrap(const char *directory, const char *path, struct accel_net **net,
		  struct accel_error *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct save_net *n = calloc(1, sizeof(*n));

	if (!n || asprintf(&n->prefix, "%s/%.*s", directory, (int)strcspn(name, "."), name) < 0) {
		free(n);
		return net_failed(err, path, "out of memory");
	}
	n->net = **net;
	n->net.run = run;
	n->net.release = release;
	n->inner = *net;
	*net = &n->net;
	return 0;
}
