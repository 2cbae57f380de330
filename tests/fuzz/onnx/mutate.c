// SPDX-License-Identifier: MIT
/*
 * Mutations of ONNX models that stay messages of ONNX's schema: most flipped bytes of a
 * protobuf file only break its framing.
 *
 * A mutation takes some field of some message, by protobuf-c's own description of it, and
 * changes, drops, doubles or exchanges it. One in four then has bytes flipped as well.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <onnx.pb-c.h>

#include "../mutations.h"

#define MAX_FIELDS	4096	/* of which one is drawn */

/* A field that is there. */
struct place {
	ProtobufCMessage *message;
	const ProtobufCFieldDescriptor *field;
};

static int64_t awkward(int64_t old)
{
	static const int64_t values[] = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 17, 64, 127, 128, 255, 256, 65535, 65536,
		-1, -2, -3, -5, INT32_MAX, INT32_MIN, (int64_t)INT32_MAX + 1, INT64_MAX, INT64_MIN,
		1 << 20, 1 << 30,
	};

	switch (below(3)) {
	case 0:
		return (int64_t)((uint64_t)old + below(5) - 2);
	default:
		return values[below(sizeof(values) / sizeof(values[0]))];
	}
}

static void *member(ProtobufCMessage *m, size_t offset)
{
	return (uint8_t *)m + offset;
}

static size_t count_of(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return *(size_t *)member(m, f->quantifier_offset);
	if (f->type == PROTOBUF_C_TYPE_MESSAGE || f->type == PROTOBUF_C_TYPE_STRING)
		return !!*(void **)member(m, f->offset);
	return 1;
}

static void *element(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, size_t i, size_t size)
{
	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return *(uint8_t **)member(m, f->offset) + i * size;
	return member(m, f->offset);
}

/* Every field of the message and of those in it. */
static void collect(ProtobufCMessage *m, struct place *places, size_t *n)
{
	for (unsigned int i = 0; i < m->descriptor->n_fields && *n < MAX_FIELDS; i++) {
		const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
		bool chosen = !(f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
			      *(uint32_t *)member(m, f->quantifier_offset) == f->id;
		size_t count = chosen ? count_of(m, f) : 0;

		if (!count || !strcmp(f->name, "doc_string"))
			continue;
		places[(*n)++] = (struct place){ m, f };
		for (size_t k = 0; k < count && f->type == PROTOBUF_C_TYPE_MESSAGE; k++)
			collect(*(ProtobufCMessage **)element(m, f, k, sizeof(void *)), places, n);
	}
}

static size_t element_size(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	default:
		return 4;
	}
}

static void change_number(void *at, size_t size)
{
	int64_t wide = 0;

	memcpy(&wide, at, size);
	wide = awkward(wide);
	memcpy(at, &wide, size);
}

static void change_bytes(uint8_t *data, size_t *size)
{
	if (*size && below(4))
		data[below(*size)] ^= 1u << below(8);
	else
		*size = below(*size + 1);
}

/* Another string of the model: a tensor's name, an operator's ... */
static void change_string(char **at, const struct place *places, size_t n)
{
	const struct place *other = &places[below(n)];
	size_t size = strlen(*at);

	if (other->field->type == PROTOBUF_C_TYPE_STRING && below(4)) {
		size_t i = below(count_of(other->message, other->field));
		char *text = *(char **)element(other->message, other->field, i, sizeof(char *));

		/* as long as it was, for its memory belongs to the message */
		if (strlen(text) <= size)
			memmove(*at, text, strlen(text) + 1);
		return;
	}
	change_bytes((uint8_t *)*at, &size);
	(*at)[size] = 0;
}

static void change_element(const struct place *p, size_t i, const struct place *places, size_t n)
{
	size_t size = element_size(p->field);
	uint8_t *at = element(p->message, p->field, i, size);
	ProtobufCBinaryData *bytes = (ProtobufCBinaryData *)at;

	switch (p->field->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		break;
	case PROTOBUF_C_TYPE_STRING:
		change_string((char **)at, places, n);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		change_bytes(bytes->data, &bytes->len);
		break;
	default:
		change_number(at, size);
	}
}

/* A list's elements change places, or its last one goes. */
static void change_list(const struct place *p, size_t count)
{
	size_t size = element_size(p->field), a = below(count), b = below(count);
	uint8_t swap[sizeof(ProtobufCBinaryData)];
	uint8_t *x = element(p->message, p->field, a, size);
	uint8_t *y = element(p->message, p->field, b, size);

	memcpy(swap, x, size);
	memcpy(x, y, size);
	memcpy(y, swap, size);
}

static void mutate_model(Onnx__ModelProto *model)
{
	static struct place places[MAX_FIELDS];
	size_t n = 0;

	collect(&model->base, places, &n);
	for (size_t left = 1 + below(3); left && n; left--) {
		const struct place *p = &places[below(n)];
		size_t count = count_of(p->message, p->field);

		if (!count)
			continue;
		if (p->field->label == PROTOBUF_C_LABEL_REPEATED && !below(3))
			change_list(p, count);
		else
			change_element(p, below(count), places, n);
	}
}

static uint8_t *mutated(const struct file *f, const struct file *other, size_t *size)
{
	Onnx__ModelProto *model = onnx__model_proto__unpack(NULL, f->size, f->data);
	uint8_t *out;

	if (!model)
		return NULL;
	mutate_model(model);
	*size = onnx__model_proto__get_packed_size(model);
	out = malloc(*size ? *size : 1);
	onnx__model_proto__pack(model, out);
	onnx__model_proto__free_unpacked(model, NULL);
	for (size_t n = below(4) ? 0 : 1 + below(4); n && *size; n--)
		out[below(*size)] ^= 1u << below(8);
	return out;
}

const struct mutator onnx_mutator = {
	.large_bytes = 64 << 10, .large_share = 256, .mutate = mutated,
};
