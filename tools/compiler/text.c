// SPDX-License-Identifier: MIT
/* Texts of a model file, made fit to be shown: see text.h. */
#include "text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

const char *clean_text(struct arena *arena, const char *text, size_t limit)
{
	const unsigned char *s = (const unsigned char *)(text ? text : "");
	size_t room = strnlen((const char *)s, limit) * (sizeof(REPLACEMENT) - 1), n = 0;
	char *clean = arena_alloc(arena, (room < limit ? room : limit) + sizeof(ELLIPSIS), 1);

	while (*s) {
		uint32_t c;
		size_t length = decode(s, &c);
		bool shown = length && is_shown(c);

		if (n + (shown ? length : sizeof(REPLACEMENT) - 1) > limit) {
			memcpy(clean + n, ELLIPSIS, sizeof(ELLIPSIS) - 1);
			n += sizeof(ELLIPSIS) - 1;
			break;
		}
		memcpy(clean + n, shown ? (const char *)s : REPLACEMENT,
		       shown ? length : sizeof(REPLACEMENT) - 1);
		n += shown ? length : sizeof(REPLACEMENT) - 1;
		s += length ? length : 1;
	}
	return clean;
}
