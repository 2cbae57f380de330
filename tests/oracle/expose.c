// SPDX-License-Identifier: MIT
/*
 * The edit behind --dump-all.
 *
 * A flatbuffer refers forward by unsigned offsets, so a longer vector of
 * outputs can be appended to the file and the subgraph's field pointed at it.
 * Positions are checked against the file; zero stands for "absent".
 */
#include "expose.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Field numbers of TFLite's schema. */
enum {
	MODEL_SUBGRAPHS = 2,
	SUBGRAPH_OUTPUTS = 2,
	SUBGRAPH_OPERATORS = 3,
	OPERATOR_OUTPUTS = 2,
};

struct file {
	const unsigned char *bytes;
	size_t size;
};

static uint32_t word(const struct file *file, size_t at)
{
	uint32_t value;

	if (at > file->size || file->size - at < sizeof(value))
		return 0;
	memcpy(&value, file->bytes + at, sizeof(value));
	return value;
}

static uint16_t half(const struct file *file, size_t at)
{
	uint16_t value;

	if (at > file->size || file->size - at < sizeof(value))
		return 0;
	memcpy(&value, file->bytes + at, sizeof(value));
	return value;
}

static size_t field(const struct file *file, size_t table, unsigned int number)
{
	size_t vtable = table - (size_t)(int32_t)word(file, table);
	uint16_t offset;

	if (!table || half(file, vtable) < 4 + 2 * number + 2)
		return 0;
	offset = half(file, vtable + 4 + 2 * number);
	return offset ? table + offset : 0;
}

/* The position of what the offset at @at refers to. */
static size_t follow(const struct file *file, size_t at)
{
	uint32_t offset = at ? word(file, at) : 0;

	return offset && offset < file->size - at ? at + offset : 0;
}

static size_t element(const struct file *file, size_t vector, uint32_t index)
{
	return follow(file, vector + 4 + 4 * (size_t)index);
}

static uint32_t count_outputs(const struct file *file, size_t operators, uint32_t *indices)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < word(file, operators); i++) {
		size_t outputs = follow(file, field(file, element(file, operators, i),
						    OPERATOR_OUTPUTS));
		uint32_t count = outputs ? word(file, outputs) : 0;

		if (count > file->size / 4)
			return 0;
		for (uint32_t j = 0; indices && j < count; j++)
			indices[total + j] = word(file, outputs + 4 + 4 * (size_t)j);
		total += count;
	}
	return total;
}

int expose_all_tensors(unsigned char **model, size_t *size)
{
	struct file file = { *model, *size };
	size_t graphs = follow(&file, field(&file, word(&file, 0), MODEL_SUBGRAPHS));
	size_t graph = graphs && word(&file, graphs) ? element(&file, graphs, 0) : 0;
	size_t operators = follow(&file, field(&file, graph, SUBGRAPH_OPERATORS));
	size_t outputs = field(&file, graph, SUBGRAPH_OUTPUTS);
	size_t end = (*size + 3) & ~(size_t)3;
	uint32_t count, offset;
	unsigned char *edited;

	if (!operators || !outputs)
		return -1;
	count = count_outputs(&file, operators, NULL);
	if (!count)
		return -1;
	edited = calloc(1, end + 4 + 4 * (size_t)count);
	if (!edited)
		return -1;
	memcpy(edited, *model, *size);
	memcpy(edited + end, &count, sizeof(count));
	count_outputs(&file, operators, (uint32_t *)(void *)(edited + end + 4));
	offset = (uint32_t)(end - outputs);
	memcpy(edited + outputs, &offset, sizeof(offset));
	free(*model);
	*model = edited;
	*size = end + 4 + 4 * (size_t)count;
	return 0;
}
