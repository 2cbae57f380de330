// SPDX-License-Identifier: MIT
/* A net whose outputs a test computes. */
#include "fake_net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t product(const uint32_t *dims, uint32_t rank)
{
	size_t count = 1;

	for (uint32_t i = 0; i < rank; i++)
		count *= dims[i];
	return count;
}

static int run(struct accel_net *net, const float *input, struct accel_error *err)
{
	struct fake_net *fake = (struct fake_net *)net;

	if (fake->fails) {
		err->code = -EIO;
		strcpy(err->text, "broken");
		return -EIO;
	}
	memcpy(fake->last, input, net->input.count * sizeof(*input));
	fake->runs++;
	if (fake->compute)
		fake->compute(fake);
	return 0;
}

void fake_init(struct fake_net *fake, const uint32_t dims[4])
{
	*fake = (struct fake_net){ .net = { .name = "fake", .run = run } };
	fake->net.input = (struct accel_values){ .name = "in", .rank = 4,
						 .count = product(dims, 4) };
	memcpy(fake->net.input.dims, dims, 4 * sizeof(*dims));
	fake->last = calloc(fake->net.input.count + 1, sizeof(float));
	fake->input = fake->last;
}

float *fake_output(struct fake_net *fake, uint32_t rank, const uint32_t *dims)
{
	unsigned int i = fake->net.num_outputs++;
	struct accel_values *out = &fake->net.outputs[i];

	*out = (struct accel_values){ .name = "out", .rank = rank, .count = product(dims, rank) };
	memcpy(out->dims, dims, rank * sizeof(*dims));
	fake->data[i] = calloc(out->count + 1, sizeof(float));
	out->data = fake->data[i];
	return fake->data[i];
}

void fake_free(struct fake_net *fake)
{
	for (unsigned int i = 0; i < fake->net.num_outputs; i++)
		free(fake->data[i]);
	free(fake->last);
}
