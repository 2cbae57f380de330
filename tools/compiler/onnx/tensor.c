// SPDX-License-Identifier: MIT
/*
 * Constants of ONNX models: initializers and attributes, with their elements in
 * raw_data, in a typed list, or in a file beside the model.
 */
#include "importer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum dtype onnx_dtype(int32_t type)
{
	static const struct {
		int32_t onnx;
		enum dtype type;
	} types[] = {
		{ ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, DTYPE_F32 },
		{ ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE, DTYPE_F64 },
		{ ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16, DTYPE_F16 },
		{ ONNX__TENSOR_PROTO__DATA_TYPE__INT64, DTYPE_I64 },
		{ ONNX__TENSOR_PROTO__DATA_TYPE__INT32, DTYPE_I32 },
		{ ONNX__TENSOR_PROTO__DATA_TYPE__INT16, DTYPE_I16 },
		{ ONNX__TENSOR_PROTO__DATA_TYPE__INT8, DTYPE_I8 },
		{ ONNX__TENSOR_PROTO__DATA_TYPE__UINT64, DTYPE_U64 },
		{ ONNX__TENSOR_PROTO__DATA_TYPE__UINT32, DTYPE_U32 },
		{ ONNX__TENSOR_PROTO__DATA_TYPE__UINT16, DTYPE_U16 },
		{ ONNX__TENSOR_PROTO__DATA_TYPE__UINT8, DTYPE_U8 },
		{ ONNX__TENSOR_PROTO__DATA_TYPE__BOOL, DTYPE_BOOL },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].onnx == type)
			return types[i].type;
	return DTYPE_COUNT;
}

int64_t checked_elements(int rank, const int32_t *dims)
{
	int64_t elements = 1;

	for (int i = 0; i < rank; i++) {
		if (dims[i] < 0)
			return -1;
		elements *= dims[i];
		if (elements > ONNX_MAX_ELEMENTS)
			return -1;
	}
	return elements;
}

/*
 * A path that stays beside the model: relative, and without "..". A symbolic link
 * is the user's own doing, but the last component must be a regular file.
 */
static bool stays_inside(const char *path)
{
	const char *at = path;

	if (*path == '/' || !*path)
		return false;
	while (at) {
		if (!strncmp(at, "..", 2) && (at[2] == '/' || !at[2]))
			return false;
		at = strchr(at, '/');
		if (at)
			at++;
	}
	return true;
}

static const char *external_entry(const Onnx__TensorProto *proto, const char *key)
{
	for (size_t i = 0; i < proto->n_external_data; i++)
		if (proto->external_data[i]->key && !strcmp(proto->external_data[i]->key, key))
			return proto->external_data[i]->value;
	return NULL;
}

static uint64_t external_number(struct importer *im, const Onnx__TensorProto *proto,
				const char *key, uint64_t def)
{
	const char *text = external_entry(proto, key);
	unsigned long long value;
	char *end;

	if (!text)
		return def;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-')
		import_fail(im, -EINVAL, "tensor %.80s: the %s of its external data, '%.40s', is no number",
			    proto->name ? proto->name : "", key, text);
	return value;
}

/* NULL: fine; else why not. */
static const char *read_at(int fd, uint64_t offset, uint8_t *to, size_t size)
{
	struct stat st;

	if (fstat(fd, &st))
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "not a regular file";
	if (offset > (uint64_t)st.st_size || size > (uint64_t)st.st_size - offset)
		return "it ends before the data";
	while (size) {
		ssize_t got = pread(fd, to, size, offset);

		if (got <= 0)
			return got ? strerror(errno) : "it became shorter";
		to += got;
		offset += got;
		size -= got;
	}
	return NULL;
}

static const uint8_t *read_external(struct importer *im, const Onnx__TensorProto *proto,
				    const struct tensor *t)
{
	const char *location = external_entry(proto, "location"), *path, *why;
	uint64_t bytes = tensor_bytes(t);
	uint64_t offset = external_number(im, proto, "offset", 0);
	uint64_t length = external_number(im, proto, "length", bytes);
	uint8_t *data;
	int fd;

	if (!location || !stays_inside(location))
		import_fail(im, -EINVAL, "tensor %.80s: its data lies in '%.100s': only files beside the model are read",
			    t->name, location ? location : "");
	if (!im->opts->folder)
		import_fail(im, -EINVAL, "tensor %.80s: its data lies in the file '%.100s': compile from a file, too",
			    t->name, location);
	if (length != bytes)
		import_fail(im, -EINVAL, "tensor %.80s needs %llu bytes, its external data has %llu",
			    t->name, (unsigned long long)bytes, (unsigned long long)length);
	data = arena_new(im->graph->arena, uint8_t, bytes + 1);
	path = arena_printf(im->graph->arena, "%s/%s", im->opts->folder, location);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	why = fd < 0 ? strerror(errno) : read_at(fd, offset, data, bytes);
	if (fd >= 0)
		close(fd);
	if (why)
		import_fail(im, -EINVAL, "tensor %.80s: its data in %s: %s", t->name, path, why);
	return data;
}

/* Elements of the typed list as little-endian ones of @t's type. */
static const uint8_t *read_list(struct importer *im, const Onnx__TensorProto *proto,
				const struct tensor *t)
{
	size_t width = dtype_bits(t->type) / 8, n = tensor_elements(t), have;
	uint8_t *data = arena_new(im->graph->arena, uint8_t, n * width + 1);

	switch (t->type) {
	case DTYPE_F32:
		have = proto->n_float_data;
		break;
	case DTYPE_F64:
		have = proto->n_double_data;
		break;
	case DTYPE_I64:
		have = proto->n_int64_data;
		break;
	case DTYPE_U64:
	case DTYPE_U32:
		have = proto->n_uint64_data;
		break;
	default:
		have = proto->n_int32_data;
		break;
	}
	if (have != n)
		import_fail(im, -EINVAL, "tensor %.80s has %zu elements, but data of %zu", t->name,
			    n, have);
	for (size_t i = 0; i < n; i++) {
		uint64_t bits;

		if (t->type == DTYPE_F32)
			memcpy(data + 4 * i, &proto->float_data[i], 4);
		else if (t->type == DTYPE_F64)
			memcpy(data + 8 * i, &proto->double_data[i], 8);
		if (t->type == DTYPE_F32 || t->type == DTYPE_F64)
			continue;
		if (t->type == DTYPE_I64)
			bits = proto->int64_data[i];
		else if (t->type == DTYPE_U64 || t->type == DTYPE_U32)
			bits = proto->uint64_data[i];
		else
			bits = (int64_t)proto->int32_data[i];
		memcpy(data + width * i, &bits, width);
	}
	return data;
}

static float half_to_float(uint16_t h)
{
	uint32_t sign = (uint32_t)(h >> 15) << 31, exponent = h >> 10 & 31, mantissa = h & 1023;
	uint32_t bits;
	float value;

	if (!exponent) {
		value = (float)mantissa / (1 << 24);
		return sign ? -value : value;
	}
	bits = sign | (exponent == 31 ? 255 : exponent + 112) << 23 | mantissa << 13;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* The IR computes in float32. */
static void widen(struct importer *im, struct tensor *t)
{
	int64_t n = tensor_elements(t);
	float *wide = arena_new(im->graph->arena, float, n + 1);

	for (int64_t i = 0; i < n; i++) {
		uint16_t half;

		memcpy(&half, t->data + 2 * i, sizeof(half));
		wide[i] = half_to_float(half);
	}
	t->type = DTYPE_F32;
	t->data = (const uint8_t *)wide;
	t->data_bytes = tensor_bytes(t);
}

struct tensor *import_tensor(struct importer *im, const Onnx__TensorProto *proto,
			     const char *name)
{
	enum dtype type = onnx_dtype(proto->data_type);
	const char *shown = name ? name : "";
	int32_t dims[MAX_RANK];
	struct tensor *t;

	if (type == DTYPE_COUNT)
		import_fail(im, -EOPNOTSUPP, "tensor %.80s: elements of ONNX's type %d are not supported",
			    shown, proto->data_type);
	if (proto->n_dims > MAX_RANK)
		import_fail(im, -EOPNOTSUPP, "tensor %.80s has %zu dimensions, at most %d are known",
			    shown, proto->n_dims, MAX_RANK);
	for (size_t i = 0; i < proto->n_dims; i++)
		dims[i] = proto->dims[i] < 0 || proto->dims[i] > INT32_MAX ? -1 : proto->dims[i];
	if (checked_elements(proto->n_dims, dims) < 0)
		import_fail(im, -EINVAL, "tensor %.80s has impossible dimensions", shown);
	t = builder_tensor(&im->b, arena_printf(im->graph->arena, "%s", shown), type,
			   proto->n_dims, dims);
	if (proto->has_data_location &&
	    proto->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) {
		t->data = read_external(im, proto, t);
	} else if (proto->has_raw_data && proto->raw_data.len) {
		if (proto->raw_data.len != (size_t)tensor_bytes(t))
			import_fail(im, -EINVAL, "tensor %.80s needs %lld bytes, but has %zu",
				    shown, (long long)tensor_bytes(t), proto->raw_data.len);
		t->data = proto->raw_data.data;
	} else {
		t->data = read_list(im, proto, t);
	}
	t->data_bytes = tensor_bytes(t);
	if (type == DTYPE_F16)
		widen(im, t);
	return t;
}
