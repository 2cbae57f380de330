// SPDX-License-Identifier: MIT
/*
 * The .npy format (NumPy's format.py): a magic, a version, the length of a Python
 * dictionary with the keys descr, fortran_order and shape, that dictionary, the data.
 * Only what NumPy itself writes is understood.
 */
#include "npy.h"

#include <string.h>
#include <sys/stat.h>

#define MAX_HEADER	4096
#define MAX_BYTES	((uint64_t)1 << 40)

static const struct {
	char descr[8];
	char name[24];
	unsigned int size;
} types[] = {
	{ "<f4", "float32", 4 }, { "<f8", "float64", 8 }, { "|u1", "uint8", 1 },
	{ "|i1", "int8", 1 }, { "<i2", "int16", 2 }, { "<i4", "int32", 4 },
	{ "<i8", "int64", 8 }, { "|b1", "bool", 1 },
};

/* What follows 'key': in the dictionary; NULL: it has no such key. */
static const char *value_of(const char *text, const char *key)
{
	char quoted[32];
	const char *at;

	snprintf(quoted, sizeof(quoted), "'%s':", key);
	at = strstr(text, quoted);
	if (!at)
		return NULL;
	at += strlen(quoted);
	return at + strspn(at, " ");
}

static const char *read_type(const char *text, struct npy *npy)
{
	const char *descr = value_of(text, "descr");

	if (!descr || *descr++ != '\'')
		return "the header has no plain 'descr'";
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t length = strlen(types[i].descr);

		if (strncmp(descr, types[i].descr, length) || descr[length] != '\'')
			continue;
		strcpy(npy->type, types[i].name);
		npy->element_size = types[i].size;
		return NULL;
	}
	return "the type of the elements is not known: float32, float64, integers and bool are";
}

static const char *read_shape(const char *text, struct npy *npy)
{
	const char *at = value_of(text, "shape");

	if (!at || *at++ != '(')
		return "the header has no 'shape'";
	npy->elements = 1;
	for (at += strspn(at, " "); *at >= '0' && *at <= '9'; at += strspn(at, " ")) {
		uint64_t dim = 0;

		for (; *at >= '0' && *at <= '9'; at++) {
			dim = 10 * dim + (uint64_t)(*at - '0');
			if (dim > MAX_BYTES)
				return "the array is too large";
		}
		if (npy->rank == NPY_MAX_RANK)
			return "the array has more than 8 dimensions";
		npy->dims[npy->rank++] = dim;
		if (dim && npy->elements > MAX_BYTES / dim)
			return "the array is too large";
		npy->elements *= dim;
		at += strspn(at, " ");
		if (*at != ',')
			break;
		at++;
	}
	return *at == ')' ? NULL : "the header's 'shape' is malformed";
}

static const char *read_dictionary(const char *text, struct npy *npy)
{
	const char *order = value_of(text, "fortran_order"), *reason;

	if (!order || strncmp(order, "False", 5))
		return "the array is not in C order";
	reason = read_type(text, npy);
	return reason ? reason : read_shape(text, npy);
}

const char *npy_read_header(FILE *file, struct npy *npy)
{
	unsigned char head[12];
	char text[MAX_HEADER + 1];
	uint32_t length, prefix;
	const char *reason;
	struct stat st;

	memset(npy, 0, sizeof(*npy));
	if (fread(head, 1, 10, file) != 10 || memcmp(head, "\x93NUMPY", 6))
		return "not an .npy file";
	if (head[6] < 1 || head[6] > 3)
		return "a version of the .npy format that is not known";
	length = head[8] | (uint32_t)head[9] << 8;
	prefix = 10;
	if (head[6] > 1) {
		if (fread(head + 10, 1, 2, file) != 2)
			return "the file ends in its header";
		length |= (uint32_t)head[10] << 16 | (uint32_t)head[11] << 24;
		prefix = 12;
	}
	if (length > MAX_HEADER)
		return "the header is too long";
	if (fread(text, 1, length, file) != length)
		return "the file ends in its header";
	text[length] = '\0';
	reason = read_dictionary(text, npy);
	if (reason)
		return reason;
	npy->offset = (long)(prefix + length);
	if (fstat(fileno(file), &st) || !S_ISREG(st.st_mode))
		return "not a regular file";
	if ((uint64_t)st.st_size != (uint64_t)npy->offset + npy->elements * npy->element_size)
		return "the file's size is not what its header says";
	return NULL;
}
