// SPDX-License-Identifier: MIT
/* A compiled model as the tests look at it: see model_file.h. */
#include "model_file.h"

#include <elf.h>
#include <string.h>

static const char *take_section(struct model_file *m, const Elf64_Shdr *s, const char *name)
{
	const uint8_t *at = m->data + s->sh_offset;

	if (s->sh_addralign && s->sh_offset % s->sh_addralign)
		return "a section is misaligned";
	switch (s->sh_type) {
	case ENPU_SHT_STREAM:
		m->stream = at;
		m->stream_size = s->sh_size;
		break;
	case ENPU_SHT_PARAMS:
		m->params = at;
		m->params_size = s->sh_size;
		break;
	case ENPU_SHT_DATA:
		if (s->sh_offset % 4096)
			return "a content does not start on a page";
		if (s->sh_info >= ENPU_MAX_REGIONS || m->contents[s->sh_info])
			return "a content is of no region, or of one that has another";
		m->contents[s->sh_info] = at;
		m->content_size[s->sh_info] = s->sh_size;
		break;
	case ENPU_SHT_REGIONS:
		m->regions = (const void *)at;
		m->n_regions = s->sh_size / sizeof(*m->regions);
		break;
	case ENPU_SHT_TENSORS:
		m->tensors = (const void *)at;
		m->n_tensors = s->sh_size / sizeof(*m->tensors);
		break;
	case ENPU_SHT_STEPS:
		m->steps = (const void *)at;
		m->n_steps = s->sh_size / sizeof(*m->steps);
		break;
	case ENPU_SHT_LAYERS:
		m->layers = (const void *)at;
		m->n_layers = s->sh_size / sizeof(*m->layers);
		break;
	case SHT_NOTE:
		/* head, name and padding: 24 bytes where notes are aligned to 8 */
		if (s->sh_addralign != 8 || s->sh_size < 24 + sizeof(*m->info) ||
		    memcmp(at + 12, "ENPU", 5))
			return "the note is not ENPU's";
		m->info = (const void *)(at + 24);
		break;
	case SHT_STRTAB:
		if (!strcmp(name, ENPU_SECTION_STRINGS)) {
			m->strings = (const char *)at;
			m->strings_size = s->sh_size;
		}
		break;
	}
	return NULL;
}

const char *model_file_open(struct model_file *m, const void *data, size_t size)
{
	const Elf64_Ehdr *e = data;
	const Elf64_Shdr *s, *names;

	memset(m, 0, sizeof(*m));
	m->data = data;
	m->size = size;
	if (size < sizeof(*e) || memcmp(e->e_ident, ELFMAG, SELFMAG) ||
	    e->e_type != ENPU_ELF_TYPE || e->e_machine != ENPU_ELF_MACHINE)
		return "no ELF file of ENPU";
	if (e->e_shoff % 8 || e->e_shoff > size ||
	    (uint64_t)e->e_shnum * sizeof(*s) > size - e->e_shoff || e->e_shstrndx >= e->e_shnum)
		return "the section headers lie outside";
	s = (const void *)(m->data + e->e_shoff);
	names = &s[e->e_shstrndx];
	for (unsigned int i = 1; i < e->e_shnum; i++) {
		const char *err;

		if (s[i].sh_offset > size || s[i].sh_size > size - s[i].sh_offset)
			return "a section lies outside";
		err = take_section(m, &s[i], (const char *)m->data + names->sh_offset +
						     s[i].sh_name);
		if (err)
			return err;
	}
	if (!m->regions || !m->tensors || !m->steps || !m->layers || !m->strings || !m->info)
		return "a table is missing";
	return NULL;
}
