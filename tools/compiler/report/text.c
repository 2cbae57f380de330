// SPDX-License-Identifier: MIT
/*
 * Names of a model file as a page may show them. They are anybody's bytes: what is not
 * UTF-8, is no character, controls, or turns the direction of the text becomes U+FFFD,
 * and long ones are cut.
 */
#include <stdio.h>
#include <string.h>

#include "report.h"

#define MAX_TEXT	160	/* bytes of a name */
#define ELLIPSIS	"\xe2\x80\xa6"
#define REPLACEMENT	"\xef\xbf\xbd"

/* Length of the UTF-8 sequence at @s and its character; 0: it is malformed. */
static size_t decode(const unsigned char *s, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 :
		   s[0] < 0xf8 ? 4 : 0;

	if (n <= 1) {
		*c = s[0];
		return n;
	}
	*c = s[0] & (0x7f >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	if (*c < least[n] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return n;
}

static bool is_shown(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} hidden[] = {
		{ 0, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x61c, 0x61c },
		{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfdd0, 0xfdef },
		{ 0xfeff, 0xfeff }, { 0xfff0, 0xfffb }, { 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return false;
	return (c & 0xfffe) != 0xfffe;
}

const char *clean_text(struct arena *arena, const char *text)
{
	const unsigned char *s = (const unsigned char *)(text ? text : "");
	char clean[MAX_TEXT + sizeof(ELLIPSIS)];
	size_t n = 0;

	while (*s) {
		uint32_t c;
		size_t length = decode(s, &c);
		bool shown = length && is_shown(c);

		if (n + (shown ? length : sizeof(REPLACEMENT) - 1) > MAX_TEXT) {
			memcpy(clean + n, ELLIPSIS, sizeof(ELLIPSIS) - 1);
			n += sizeof(ELLIPSIS) - 1;
			break;
		}
		memcpy(clean + n, shown ? (const char *)s : REPLACEMENT,
		       shown ? length : sizeof(REPLACEMENT) - 1);
		n += shown ? length : sizeof(REPLACEMENT) - 1;
		s += length ? length : 1;
	}
	return arena_printf(arena, "%.*s", (int)n, clean);
}

const char *tensor_shape(struct arena *arena, const struct tensor *t)
{
	char text[MAX_RANK * 14 + 1] = "";
	size_t n = 0;

	for (int i = 0; i < t->rank; i++)
		n += snprintf(text + n, sizeof(text) - n, "%s%d", i ? "\xc3\x97" : "", t->dims[i]);
	return arena_printf(arena, "%s", t->rank ? text : "scalar");
}
