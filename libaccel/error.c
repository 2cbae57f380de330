// SPDX-License-Identifier: MIT
/* Error texts: one line, without control characters, cut at a whole character. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text that was cut may end in the middle of a UTF-8 sequence: drop that part. */
static void trim_utf8(char *text, size_t len)
{
	size_t start = len;

	while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0 && (unsigned char)text[start - 1] >= 0xc0)
		text[start - 1] = '\0';
}

int accel_fail(struct accel_error *err, int code, const char *fmt, ...)
{
	va_list args;
	int len;

	if (!err)
		return code;
	err->code = code;
	va_start(args, fmt);
	len = vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	if (len < 0)
		snprintf(err->text, sizeof(err->text), "%s", strerror(-code));
	else if ((size_t)len >= sizeof(err->text))
		trim_utf8(err->text, sizeof(err->text) - 1);
	for (char *c = err->text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return code;
}
