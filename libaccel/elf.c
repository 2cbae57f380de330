// SPDX-License-Identifier: MIT
/* ELF64, little endian: header, section headers, section names, notes. */
#include "elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "error.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "compiled models are little endian, and this reader copies them as they are"
#endif

static int damaged(const struct accel_elf *elf, const char *reason, struct accel_error *err)
{
	return accel_fail(err, -EBADMSG, "%s: ELF header: %s", elf->file, reason);
}

static int check_ident(const struct accel_elf *elf, const Elf64_Ehdr *head, uint16_t type,
		       uint16_t machine, struct accel_error *err)
{
	const char *reason = NULL;

	if (head->e_ident[EI_CLASS] != ELFCLASS64)
		reason = "an ELF file, but not a 64-bit one";
	else if (head->e_ident[EI_DATA] != ELFDATA2LSB)
		reason = "an ELF file, but not a little-endian one";
	else if (head->e_ident[EI_VERSION] != EV_CURRENT || head->e_version != EV_CURRENT)
		reason = "an ELF file of an unknown version";
	else if (head->e_machine != machine)
		reason = "an ELF file for another machine";
	else if (head->e_type != type)
		reason = "an ELF file of another type";
	if (reason)
		return accel_fail(err, -ENOEXEC, "%s: not a compiled model: %s", elf->file, reason);
	return 0;
}

static int check_table(struct accel_elf *elf, const Elf64_Ehdr *head, struct accel_error *err)
{
	if (head->e_ehsize != sizeof(Elf64_Ehdr))
		return damaged(elf, "e_ehsize: not 64", err);
	if (head->e_shentsize != sizeof(Elf64_Shdr))
		return damaged(elf, "e_shentsize: not 64", err);
	if (head->e_shnum == 0)
		return damaged(elf, "e_shnum: no sections", err);
	if (head->e_shoff % 8)
		return damaged(elf, "e_shoff: not a multiple of 8", err);
	if (head->e_shoff > elf->size ||
	    elf->size - head->e_shoff < (size_t)head->e_shnum * sizeof(Elf64_Shdr))
		return damaged(elf, "e_shoff: section headers lie outside the file", err);
	if (head->e_shstrndx >= head->e_shnum)
		return damaged(elf, "e_shstrndx: no such section", err);
	elf->table = head->e_shoff;
	elf->num_sections = head->e_shnum;
	return 0;
}

static int open_names(struct accel_elf *elf, unsigned int index, struct accel_error *err)
{
	struct accel_elf_section names;
	int ret = accel_elf_section(elf, index, &names, err);

	if (ret)
		return ret;
	if (names.type != SHT_STRTAB)
		return damaged(elf, "e_shstrndx: not a string table", err);
	if (names.size == 0 || names.data[names.size - 1] != '\0')
		return damaged(elf, "section names: not NUL-terminated", err);
	elf->names = (const char *)names.data;
	elf->names_size = names.size;
	return 0;
}

int accel_elf_open(struct accel_elf *elf, const char *file, const void *data, size_t size,
		   uint16_t type, uint16_t machine, struct accel_error *err)
{
	Elf64_Ehdr head;
	int ret;

	*elf = (struct accel_elf){ .file = file, .data = data, .size = size };
	if (size < SELFMAG || memcmp(data, ELFMAG, SELFMAG))
		return accel_fail(err, -ENOEXEC, "%s: not a compiled model: not an ELF file", file);
	if (size < sizeof(head))
		return damaged(elf, "truncated", err);
	memcpy(&head, data, sizeof(head));
	ret = check_ident(elf, &head, type, machine, err);
	if (!ret)
		ret = check_table(elf, &head, err);
	if (!ret)
		ret = open_names(elf, head.e_shstrndx, err);
	return ret;
}

int accel_elf_section(const struct accel_elf *elf, unsigned int index,
		      struct accel_elf_section *section, struct accel_error *err)
{
	Elf64_Shdr head;

	memcpy(&head, elf->data + elf->table + (size_t)index * sizeof(head), sizeof(head));
	if (elf->names && head.sh_name >= elf->names_size)
		return accel_fail(err, -EBADMSG, "%s: section %u: sh_name: outside the string table",
				  elf->file, index);
	*section = (struct accel_elf_section){
		.name = elf->names ? elf->names + head.sh_name : "",
		.type = head.sh_type,
		.info = head.sh_info,
		.align = head.sh_addralign,
		.entry_size = head.sh_entsize,
		.data = elf->data,
	};
	if (head.sh_type == SHT_NULL || head.sh_type == SHT_NOBITS)
		return 0;
	if (head.sh_offset > elf->size || elf->size - head.sh_offset < head.sh_size)
		return accel_fail(err, -EBADMSG, "%s: section %u (%s): lies outside the file",
				  elf->file, index, section->name);
	section->offset = head.sh_offset;
	section->size = head.sh_size;
	section->data = elf->data + head.sh_offset;
	return 0;
}

/*
 * Name and descriptor of a note are padded to 4 bytes, or to 8 if the section
 * is so aligned. Sizes are 32 bits wide: nothing overflows.
 */
static uint64_t note_align(const struct accel_elf_section *section, uint64_t size)
{
	uint64_t align = section->align == 8 ? 8 : 4;

	return (size + align - 1) & ~(align - 1);
}

int accel_elf_note(const struct accel_elf *elf, const struct accel_elf_section *section,
		   const char *name, uint32_t type, const unsigned char **desc, size_t *size,
		   struct accel_error *err)
{
	uint64_t at = 0;
	Elf64_Nhdr head;

	*desc = NULL;
	while (at < section->size && section->size - at >= sizeof(head)) {
		const unsigned char *note = section->data + at;
		uint64_t left = section->size - at;
		uint64_t body;

		memcpy(&head, note, sizeof(head));
		body = note_align(section, sizeof(head) + (uint64_t)head.n_namesz);
		if (left < body || left - body < head.n_descsz)
			return accel_fail(err, -EBADMSG, "%s: section %s: note lies outside the section",
					  elf->file, section->name);
		if (head.n_type == type && head.n_namesz == strlen(name) + 1 &&
		    memcmp(note + sizeof(head), name, head.n_namesz) == 0) {
			*desc = note + body;
			*size = head.n_descsz;
			return 0;
		}
		at += note_align(section, body + head.n_descsz);
	}
	return 0;
}
