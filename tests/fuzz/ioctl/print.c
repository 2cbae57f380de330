// SPDX-License-Identifier: MIT
/* A program as text, one line a call: what is found when it was the last one. */
#include <errno.h>
#include <string.h>

#include "calls.h"

static const struct {
	int code;
	const char *name;
} errors[NUM_ERRORS] = {
	[E_INVAL] = { EINVAL, "EINVAL" }, [E_FAULT] = { EFAULT, "EFAULT" },
	[E_NOENT] = { ENOENT, "ENOENT" }, [E_NOMEM] = { ENOMEM, "ENOMEM" },
	[E_NOSPC] = { ENOSPC, "ENOSPC" }, [E_IO] = { EIO, "EIO" },
	[E_ACCES] = { EACCES, "EACCES" }, [E_BADF] = { EBADF, "EBADF" },
	[E_BUSY] = { EBUSY, "EBUSY" }, [E_TIME] = { ETIME, "ETIME" },
	[E_INTR] = { EINTR, "EINTR" }, [E_NOTTY] = { ENOTTY, "ENOTTY" },
	[E_OPNOTSUPP] = { EOPNOTSUPP, "EOPNOTSUPP" }, [E_AGAIN] = { EAGAIN, "EAGAIN" },
	[E_OVERFLOW] = { EOVERFLOW, "EOVERFLOW" }, [E_MFILE] = { EMFILE, "EMFILE" },
	[E_PERM] = { EPERM, "EPERM" }, [E_STALE] = { ESTALE, "ESTALE" },
};

uint32_t error_bit(int code)
{
	unsigned int i;

	for (i = 0; i < NUM_ERRORS; i++)
		if (errors[i].code == code)
			return 1u << i;
	return 0;
}

void print_errors(FILE *out, uint32_t set)
{
	const char *separator = "";
	unsigned int i;

	for (i = 0; i < NUM_ERRORS; i++) {
		if (set & 1u << i) {
			fprintf(out, "%s%s", separator, errors[i].name);
			separator = ", ";
		}
	}
}

static const char *kind_name(uint32_t kind)
{
	static const struct {
		uint32_t kind;
		const char *name;
	} names[] = {
		{ O_BO, "bo" }, { O_FOREIGN, "foreign" }, { O_VM, "vm" }, { O_QUEUE, "queue" },
		{ O_USER_QUEUE, "uqueue" }, { O_SYNCOBJ, "syncobj" }, { O_TIMELINE, "timeline" },
		{ O_DMABUF, "dmabuf" }, { O_SYNC_FD, "syncfd" }, { O_SYNC_FILE, "syncfile" },
		{ O_MAP, "map" },
	};
	unsigned int i;

	for (i = 0; i < COUNT(names); i++)
		if (names[i].kind == kind)
			return names[i].name;
	return "?";
}

static void print_fields(FILE *out, const struct program *program, const struct call *call,
			 const struct field *field, unsigned int where, unsigned int offset)
{
	const uint8_t *start = where ? call->arrays[where - 1].data : call->bytes;
	const char *separator = "";
	unsigned int i;

	for (; field && field->name; field++) {
		int slot = NO_SLOT;

		if (field->kind == K_OUT || field->kind == K_MAKES)
			continue;
		fprintf(out, "%s%s=", separator, field->name);
		separator = " ";
		for (i = 0; i < call->num_refs; i++)
			if (call->refs[i].where == where &&
			    call->refs[i].offset == offset + field->offset)
				slot = call->refs[i].slot;
		if (slot >= 0)
			fprintf(out, "%s#%d", kind_name(program->slots[slot].kind), slot);
		else if (field->kind == K_LABEL)
			fprintf(out, "(%zu)", strnlen((const char *)start + offset + field->offset,
						      field->size));
		else
			fprintf(out, "0x%llx", (unsigned long long)
				get(start + offset + field->offset, field->size));
	}
}

void call_print(FILE *out, const struct program *program, unsigned int index)
{
	static const char *const modes[] = {
		[M_ONCE] = "", [M_REPEAT] = " again and again", [M_RACE] = " racing",
	};
	const struct call *call = &program->calls[index];
	unsigned int i, j;

	fprintf(out, "%2u%s %s[%u](", index, index >= program->parallel ? "*" : " ",
		call->type->name, call->file);
	print_fields(out, program, call, call->type->fields, 0, 0);
	for (i = 0; call->type->arrays && call->type->arrays[i].name; i++) {
		const struct array *array = &call->arrays[i];

		fprintf(out, " %s/%u=", call->type->arrays[i].name, array->stride);
		for (j = 0; j < array->count; j++) {
			fputs("{", out);
			print_fields(out, program, call, call->type->arrays[i].element->fields,
				     i + 1, j * array->stride);
			fputs("}", out);
		}
	}
	fprintf(out, ")%s", modes[call->mode]);
	if (call->makes >= 0)
		fprintf(out, " -> %s#%d", kind_name(program->slots[call->makes].kind),
			call->makes);
	if (call->broken[0])
		fprintf(out, "  <- %s", call->broken);
	fputs("\n", out);
}

void program_print(FILE *out, const struct program *program)
{
	unsigned int i;

	fprintf(out, "program %llu:%llu%s\n", (unsigned long long)program->seed,
		(unsigned long long)program->number,
		program->unprivileged ? ", without privileges" : "");
	for (i = 0; i < program->num_calls; i++)
		call_print(out, program, i);
}
