// SPDX-License-Identifier: MIT
/*
 * A strict reader of the little HTML that reports use: UTF-8 without controls, known
 * tags, closed in order, attributes in double quotes with known names, entities by name
 * or number, one script. What a model's texts could break shows here.
 */
#include "page_check.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MAX_DEPTH	32

static const char *const tags[] = {
	"html", "head", "title", "style", "body", "a", "header", "p", "h1", "h2", "h3", "bdi", "b",
	"nav", "main", "section", "dl", "div", "dt", "dd", "span", "i", "ul", "ol", "li", "button",
	"label", "output", "svg", "rect", "path", "details", "summary", "table", "thead", "tbody",
	"tfoot", "tr", "th", "td", "small", "code", "script",
};

static const char *const void_tags[] = { "meta", "input", "br", "!DOCTYPE" };

static const char *const attributes[] = {
	"lang", "charset", "http-equiv", "content", "name", "class", "href", "id", "hidden",
	"aria-label", "aria-labelledby", "aria-hidden", "aria-live", "aria-sort", "data-total",
	"data-v", "data-k", "data-sort", "data-zoom", "data-by", "style", "type", "placeholder",
	"autocomplete", "spellcheck", "tabindex", "role", "viewBox", "preserveAspectRatio", "x", "y",
	"width", "height", "d", "title", "scope", "colspan", "html",
};

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

struct reader {
	const char *at, *end;
	const char *open[MAX_DEPTH];
	size_t open_length[MAX_DEPTH];
	unsigned int depth, scripts;
};

static bool listed(const char *const *list, size_t count, const char *name, size_t length)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(list[i]) == length && !memcmp(list[i], name, length))
			return true;
	return false;
}

static size_t sequence(const uint8_t *s, size_t left)
{
	if (s[0] < 0x80)
		return 1;
	if (left >= 2 && s[0] >= 0xc2 && s[0] <= 0xdf && s[1] >> 6 == 2)
		return 2;
	if (left >= 3 && s[0] >> 4 == 0xe && s[1] >> 6 == 2 && s[2] >> 6 == 2 &&
	    !(s[0] == 0xe0 && s[1] < 0xa0) && !(s[0] == 0xed && s[1] > 0x9f))
		return 3;
	if (left >= 4 && s[0] >= 0xf0 && s[0] <= 0xf4 && s[1] >> 6 == 2 && s[2] >> 6 == 2 &&
	    s[3] >> 6 == 2 && !(s[0] == 0xf0 && s[1] < 0x90) && !(s[0] == 0xf4 && s[1] > 0x8f))
		return 4;
	return 0;
}

static const char *check_characters(const char *page, size_t size)
{
	const uint8_t *s = (const uint8_t *)page;

	for (size_t i = 0; i < size;) {
		size_t n = sequence(s + i, size - i);

		if (!n)
			return "it is not UTF-8";
		if ((s[i] < ' ' && s[i] != '\n' && s[i] != '\t') || s[i] == 0x7f ||
		    (s[i] == 0xc2 && s[i + 1] < 0xa0))
			return "it has a control character";
		if (s[i] == 0xe2 && s[i + 1] == 0x80 && s[i + 2] >= 0xaa && s[i + 2] <= 0xae)
			return "it has a character that turns the text's direction";
		i += n;
	}
	return NULL;
}

static size_t name_length(const char *at, const char *end)
{
	size_t n = 0;

	while (at + n < end && (at[n] == '-' || at[n] == '!' || (at[n] >= '0' && at[n] <= '9') ||
				(at[n] >= 'A' && at[n] <= 'Z') || (at[n] >= 'a' && at[n] <= 'z')))
		n++;
	return n;
}

static const char *read_entity(struct reader *r)
{
	static const char *const entities[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };

	for (size_t i = 0; i < COUNT(entities); i++) {
		size_t n = strlen(entities[i]);

		if ((size_t)(r->end - r->at) >= n && !memcmp(r->at, entities[i], n)) {
			r->at += n;
			return NULL;
		}
	}
	return "an ampersand is not escaped";
}

static const char *read_attribute(struct reader *r)
{
	size_t n = name_length(r->at, r->end);
	const char *wrong;

	if (!n || !listed(attributes, COUNT(attributes), r->at, n))
		return "there is an attribute that reports do not have";
	r->at += n;
	if (r->at + 1 >= r->end || *r->at != '=')
		return NULL;
	if (*++r->at != '"')
		return "an attribute's value is not in quotes";
	for (r->at++; r->at < r->end && *r->at != '"';) {
		if (*r->at == '<')
			return "an attribute's value has a <";
		if (*r->at != '&') {
			r->at++;
			continue;
		}
		wrong = read_entity(r);
		if (wrong)
			return wrong;
	}
	if (r->at == r->end)
		return "an attribute's value has no end";
	r->at++;
	return NULL;
}

static const char *read_close(struct reader *r)
{
	size_t n = name_length(r->at, r->end);

	if (!r->depth || n != r->open_length[r->depth - 1] ||
	    memcmp(r->at, r->open[r->depth - 1], n) || r->at + n == r->end || r->at[n] != '>')
		return "tags are not closed in order";
	r->depth--;
	r->at += n + 1;
	return NULL;
}

/* Of style and script, whose content is no markup. */
static const char *skip_raw(struct reader *r, const char *close)
{
	const char *end = memmem(r->at, r->end - r->at, close, strlen(close));

	if (!end)
		return "style or script has no end";
	r->at = end;
	return NULL;
}

static const char *read_open(struct reader *r)
{
	const char *name = r->at, *wrong;
	size_t n = name_length(r->at, r->end);
	bool is_void = listed(void_tags, COUNT(void_tags), name, n);

	if (!is_void && !listed(tags, COUNT(tags), name, n))
		return "there is a tag that reports do not have";
	r->at += n;
	while (r->at < r->end && *r->at == ' ') {
		r->at++;
		wrong = read_attribute(r);
		if (wrong)
			return wrong;
	}
	if (r->at < r->end && *r->at == '/') {
		is_void = true;
		r->at++;
	}
	if (r->at == r->end || *r->at++ != '>')
		return "a tag has no end";
	if (is_void)
		return NULL;
	if (r->depth == MAX_DEPTH)
		return "tags are nested too deep";
	r->open[r->depth] = name;
	r->open_length[r->depth++] = n;
	if (n == 5 && !memcmp(name, "style", 5))
		return skip_raw(r, "</style>");
	if (n != 6 || memcmp(name, "script", 6))
		return NULL;
	r->scripts++;
	return skip_raw(r, "</script>");
}

static const char *read_next(struct reader *r)
{
	if (*r->at == '&')
		return read_entity(r);
	if (*r->at == '>')
		return "a > is not escaped";
	if (*r->at++ != '<')
		return NULL;
	if (r->end - r->at > 3 && !memcmp(r->at, "!--", 3)) {
		const char *close = memmem(r->at, r->end - r->at, "-->", 3);

		if (!close)
			return "a comment has no end";
		r->at = close + 3;
		return NULL;
	}
	if (r->at < r->end && *r->at == '/') {
		r->at++;
		return read_close(r);
	}
	return read_open(r);
}

const char *page_check(const char *page, size_t size)
{
	struct reader r = { .at = page, .end = page + size };
	const char *wrong = check_characters(page, size);

	while (!wrong && r.at < r.end)
		wrong = read_next(&r);
	if (wrong)
		return wrong;
	if (r.depth)
		return "a tag is not closed";
	return r.scripts == 1 ? NULL : "it has not one script";
}
