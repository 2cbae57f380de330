// SPDX-License-Identifier: MIT
/*
 * FlexBuffers maps: see flexbuffer.h.
 *
 * A buffer ends with [root value][root's packed type][root's width in bytes]. A
 * map is a vector of values, followed by one packed type each, and preceded by
 * its length, the width of its key vector, and the offset back to that vector,
 * whose entries are offsets back to zero-ended names.
 */
#include "flexbuffer.h"

#include <errno.h>
#include <string.h>

enum {
	FLEX_INT = 1, FLEX_UINT = 2, FLEX_FLOAT = 3, FLEX_INDIRECT_INT = 6,
	FLEX_INDIRECT_UINT = 7, FLEX_INDIRECT_FLOAT = 8, FLEX_MAP = 9, FLEX_BOOL = 26,
};

static bool load(const struct flex_map *m, size_t pos, unsigned int bytes, uint64_t *value)
{
	if (pos > m->size || bytes > m->size - pos)
		return false;
	*value = 0;
	for (unsigned int i = 0; i < bytes; i++)
		*value |= (uint64_t)m->data[pos + i] << (8 * i);
	return true;
}

/* Follow the backward offset that is stored at @pos. */
static bool follow(const struct flex_map *m, size_t pos, unsigned int bytes, size_t *target)
{
	uint64_t back;

	if (!load(m, pos, bytes, &back) || back > pos)
		return false;
	*target = pos - back;
	return true;
}

static bool valid_width(uint64_t bytes)
{
	return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

int flex_map_open(struct flex_map *map, const void *data, size_t size)
{
	struct flex_map m = { .data = data, .size = size };
	uint64_t key_bytes, key_count;
	uint8_t type, root_bytes;

	if (size < 3)
		return -EINVAL;
	root_bytes = m.data[size - 1];
	type = m.data[size - 2];
	if (!valid_width(root_bytes) || size < 2u + root_bytes || type >> 2 != FLEX_MAP)
		return -EINVAL;
	m.value_bytes = 1u << (type & 3);
	if (!follow(&m, size - 2 - root_bytes, root_bytes, &m.values) ||
	    m.values < 3 * m.value_bytes)
		return -EINVAL;
	if (!load(&m, m.values - m.value_bytes, m.value_bytes, &m.count) ||
	    !load(&m, m.values - 2 * m.value_bytes, m.value_bytes, &key_bytes) ||
	    !valid_width(key_bytes) ||
	    !follow(&m, m.values - 3 * m.value_bytes, m.value_bytes, &m.keys))
		return -EINVAL;
	m.key_bytes = key_bytes;
	if (m.keys < m.key_bytes ||
	    !load(&m, m.keys - m.key_bytes, m.key_bytes, &key_count) || key_count != m.count)
		return -EINVAL;
	/* values and their types lie inside the buffer: no later product can overflow */
	if (m.count > (size - m.values) / (m.value_bytes + 1) ||
	    m.count > (size - m.keys) / m.key_bytes)
		return -EINVAL;
	*map = m;
	return 0;
}

static bool key_matches(const struct flex_map *m, uint64_t i, const char *key)
{
	size_t pos, len = strlen(key);

	return follow(m, m->keys + i * m->key_bytes, m->key_bytes, &pos) &&
	       len < m->size - pos && !memcmp(m->data + pos, key, len + 1);
}

static double signed_value(uint64_t bits, unsigned int bytes)
{
	unsigned int unused = 64 - 8 * bytes;

	return (double)((int64_t)(bits << unused) >> unused);
}

static bool float_value(uint64_t bits, unsigned int bytes, double *value)
{
	uint32_t low = bits;
	float single;

	if (bytes == 8) {
		memcpy(value, &bits, sizeof(*value));
		return true;
	}
	if (bytes != 4)
		return false;
	memcpy(&single, &low, sizeof(single));
	*value = single;
	return true;
}

static bool read_number(const struct flex_map *m, uint64_t i, double *value)
{
	size_t pos = m->values + i * m->value_bytes;
	unsigned int bytes = m->value_bytes, type;
	uint64_t packed, bits;

	if (!load(m, m->values + m->count * m->value_bytes + i, 1, &packed))
		return false;
	type = packed >> 2;
	if (type >= FLEX_INDIRECT_INT && type <= FLEX_INDIRECT_FLOAT) {
		if (!follow(m, pos, bytes, &pos))
			return false;
		bytes = 1u << (packed & 3);
	}
	if (!load(m, pos, bytes, &bits))
		return false;
	switch (type) {
	case FLEX_INT:
	case FLEX_INDIRECT_INT:
		*value = signed_value(bits, bytes);
		return true;
	case FLEX_UINT:
	case FLEX_INDIRECT_UINT:
	case FLEX_BOOL:
		*value = bits;
		return true;
	case FLEX_FLOAT:
	case FLEX_INDIRECT_FLOAT:
		return float_value(bits, bytes, value);
	default:
		return false;
	}
}

bool flex_map_number(const struct flex_map *map, const char *key, double *value)
{
	for (uint64_t i = 0; i < map->count; i++)
		if (key_matches(map, i, key))
			return read_number(map, i, value);
	return false;
}
