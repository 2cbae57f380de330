/* SPDX-License-Identifier: MIT */
/* ELF64 files in memory, nothing trusted: their sections with checked bounds. */
#ifndef LIBACCEL_ELF_H
#define LIBACCEL_ELF_H

#include <stddef.h>
#include <stdint.h>

#include <accel/error.h>

struct accel_elf {
	const char *file;		/* for errors */
	const unsigned char *data;
	size_t size;
	size_t table;			/* offset of the section headers */
	unsigned int num_sections;
	const char *names;		/* NUL at its end */
	size_t names_size;
};

struct accel_elf_section {
	const char *name;
	uint32_t type;
	uint32_t info;
	uint64_t align;
	uint64_t entry_size;
	const unsigned char *data;
	size_t offset;			/* in the file */
	size_t size;
};

/* -ENOEXEC: not an ELF file of this type and machine; -EBADMSG: a damaged one */
int accel_elf_open(struct accel_elf *elf, const char *file, const void *data, size_t size,
		   uint16_t type, uint16_t machine, struct accel_error *err);

/* Section @index < num_sections. Sections without bytes in the file have size 0. */
int accel_elf_section(const struct accel_elf *elf, unsigned int index,
		      struct accel_elf_section *section, struct accel_error *err);

/*
 * The descriptor of the note @name of type @type among those of a SHT_NOTE
 * section; *@desc is NULL if it isn't there.
 */
int accel_elf_note(const struct accel_elf *elf, const struct accel_elf_section *section,
		   const char *name, uint32_t type, const unsigned char **desc, size_t *size,
		   struct accel_error *err);

#endif
