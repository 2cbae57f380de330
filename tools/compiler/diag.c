// SPDX-License-Identifier: MIT
/* Messages to the user: see diag.h. */
#include "diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MESSAGES	4096

/* Names come from the model file: keep what they hold from garbling a terminal. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

void diag_add(struct enpu_diag *diag, enum enpu_severity severity, int op_index,
	      const char *format, ...)
{
	struct enpu_message *messages;
	va_list args;
	char *text;
	int len;

	if (!diag || diag->count >= MAX_MESSAGES)
		return;
	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		return;
	make_printable(text);
	messages = realloc(diag->messages, (diag->count + 1) * sizeof(*messages));
	if (!messages) {
		free(text);
		return;
	}
	messages[diag->count++] = (struct enpu_message) {
		.severity = severity, .op_index = op_index, .text = text,
	};
	diag->messages = messages;
}

void enpu_diag_free(struct enpu_diag *diag)
{
	for (size_t i = 0; i < diag->count; i++)
		free(diag->messages[i].text);
	free(diag->messages);
	memset(diag, 0, sizeof(*diag));
}

void enpu_blob_free(struct enpu_blob *blob)
{
	free(blob->data);
	memset(blob, 0, sizeof(*blob));
}
