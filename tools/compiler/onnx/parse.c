// SPDX-License-Identifier: MIT
/*
 * From bytes to protobuf-c's structures, in the arena. protobuf-c follows nested
 * messages by recursion without an end, so the nesting is measured first.
 */
#include "importer.h"

#include <string.h>

#define MAX_NESTING	100	/* messages in messages */

/* Bytes of a protobuf message that are still to be read. */
struct wire {
	const uint8_t *at, *end;
};

enum { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_32 = 5 };

static bool read_varint(struct wire *w, uint64_t *value)
{
	*value = 0;
	for (unsigned int shift = 0; shift < 64 && w->at < w->end; shift += 7) {
		uint8_t byte = *w->at++;

		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

/* One field: its number, and its bytes if it has a length. */
static bool read_field(struct wire *w, uint32_t *field, struct wire *bytes)
{
	uint64_t key, length = 0;

	*bytes = (struct wire){ NULL, NULL };
	if (!read_varint(w, &key) || key >> 32)
		return false;
	*field = key >> 3;
	switch (key & 7) {
	case WIRE_VARINT:
		return read_varint(w, &length);
	case WIRE_64:
		length = 8;
		break;
	case WIRE_32:
		length = 4;
		break;
	case WIRE_BYTES:
		if (!read_varint(w, &length))
			return false;
		break;
	default:
		return false;
	}
	if (length > (uint64_t)(w->end - w->at))
		return false;
	if ((key & 7) == WIRE_BYTES)
		*bytes = (struct wire){ w->at, w->at + length };
	w->at += length;
	return true;
}

/* NULL: sound, and not nested too deep. The recursion ends at MAX_NESTING. */
static const char *check_nesting(const ProtobufCMessageDescriptor *type, struct wire w, int depth)
{
	if (depth > MAX_NESTING)
		return "messages are nested too deep";
	while (w.at < w.end) {
		const ProtobufCFieldDescriptor *field;
		struct wire bytes;
		uint32_t number;
		const char *why;

		if (!read_field(&w, &number, &bytes))
			return "it is damaged or cut off";
		field = protobuf_c_message_descriptor_get_field(type, number);
		if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE || !bytes.at)
			continue;
		why = check_nesting(field->descriptor, bytes, depth + 1);
		if (why)
			return why;
	}
	return NULL;
}

static void *arena_take(void *arena, size_t size)
{
	return arena_alloc(arena, 1, size);
}

static void arena_leave(void *arena, void *pointer)
{
}

ProtobufCAllocator onnx_allocator(struct arena *arena)
{
	return (ProtobufCAllocator){ arena_take, arena_leave, arena };
}

Onnx__ModelProto *onnx_parse(struct graph *g, const void *data, size_t size)
{
	ProtobufCAllocator allocator = onnx_allocator(g->arena);
	struct wire all = { data, (const uint8_t *)data + size };
	Onnx__ModelProto *model = NULL;
	const char *why = check_nesting(&onnx__model_proto__descriptor, all, 0);

	if (!why) {
		model = onnx__model_proto__unpack(&allocator, size, data);
		if (!model)
			why = "a field has a wrong type, or a required one is missing";
		else if (!model->graph)
			why = "it holds no graph";
	}
	if (!why)
		return model;
	diag_error(g->diag, "%s: not a model that ONNX's schema describes: %s", g->file, why);
	return NULL;
}

/* A ModelProto begins with its first fields; a graph (field 7) is somewhere. */
bool onnx_recognise(const void *data, size_t size)
{
	struct wire w = { data, (const uint8_t *)data + size };
	bool has_graph = false;

	while (w.at < w.end) {
		struct wire bytes;
		uint32_t number;

		if (!read_field(&w, &number, &bytes))
			break;
		if (!protobuf_c_message_descriptor_get_field(&onnx__model_proto__descriptor,
							     number))
			return false;
		has_graph |= number == 7 && bytes.at;
	}
	/* a file that was cut off is still to be called by its name */
	return has_graph || (size && ((const uint8_t *)data)[0] == 0x08 && w.at < w.end);
}
