/* SPDX-License-Identifier: MIT */
/* Model files of all formats to graphs. */
#ifndef ENPU_IMPORT_H
#define ENPU_IMPORT_H

#include "ir/graph.h"

/*
 * Recognises the format by content. @folder: where the file lies, for data beside it;
 * NULL: it is in memory only. @data stays as long as the graph. 0 or -errno with a message.
 */
int import_model(struct graph *g, const void *data, size_t size, const char *folder,
		 const struct enpu_compile_options *opts);

#endif
