/* SPDX-License-Identifier: MIT */
/*
 * Just enough of FlexBuffers for the parameters of custom operators: a root map
 * from names to booleans, integers and floats. Bounds-checked like flatbuffer.h.
 */
#ifndef ENPU_FLEXBUFFER_H
#define ENPU_FLEXBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flex_map {
	const uint8_t *data;
	size_t size;
	size_t values;			/* position of the first value */
	unsigned int value_bytes;
	size_t keys;			/* position of the first key's offset */
	unsigned int key_bytes;
	uint64_t count;
};

/* 0, or -EINVAL when the bytes hold no map. */
int flex_map_open(struct flex_map *map, const void *data, size_t size);

/* False when the key is missing, its value damaged or not a number. */
bool flex_map_number(const struct flex_map *map, const char *key, double *value);

#endif
