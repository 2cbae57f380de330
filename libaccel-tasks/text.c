// SPDX-License-Identifier: MIT
/* Text in a picture: found, turned upright, cut out, read. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

#define TALL		1.5	/* height to width: text that runs downwards */
#define UPSIDE_DOWN	0.5f
#define MAX_PARTS	16
#define SQUEEZE		1.1	/* how much narrower text may be shown to avoid a cut */
#define MAX_WIDTH	16384	/* of a line: more is shown narrower */

/* Detector: the usual means and deviations of photographs, blue first as it was trained */
static const struct accel_pixels photo = {
	.mean = { 123.675f, 116.28f, 103.53f },
	.scale = { 1 / 58.395f, 1 / 57.12f, 1 / 57.375f },
	.bgr = 1,
};

static const struct accel_pixels line = {
	.mean = { 127.5f, 127.5f, 127.5f },
	.scale = { 1 / 127.5f, 1 / 127.5f, 1 / 127.5f },
	.bgr = 1,
	.fill = 128,
};

static float top_of(const struct accel_text *text)
{
	float a = text->corners[0].y, b = text->corners[1].y;

	return a < b ? a : b;
}

static float middle_of(const struct accel_text *text)
{
	return (text->corners[0].y + text->corners[1].y + text->corners[2].y +
		text->corners[3].y) / 4;
}

static float bottom_of(const struct accel_text *text)
{
	float a = text->corners[2].y, b = text->corners[3].y;

	return a > b ? a : b;
}

static int by_height(const void *a, const void *b)
{
	float x = middle_of(a), y = middle_of(b);

	return (x > y) - (x < y);
}

static int by_left(const void *a, const void *b)
{
	const struct accel_text *x = a, *y = b;

	return (x->corners[0].x > y->corners[0].x) - (x->corners[0].x < y->corners[0].x);
}

/* A row: texts whose middle is between top and bottom of its first */
static void sort_reading(struct accel_text *texts, size_t count)
{
	size_t end;

	if (count)
		qsort(texts, count, sizeof(*texts), by_height);
	for (size_t i = 0; i < count; i = end) {
		float limit = (middle_of(&texts[i]) + bottom_of(&texts[i])) / 2;

		for (end = i + 1; end < count && middle_of(&texts[end]) < limit &&
		     top_of(&texts[end]) < middle_of(&texts[i]); end++)
			;
		qsort(texts + i, end - i, sizeof(*texts), by_left);
	}
}

static float into(float at, uint32_t size)
{
	return at < 0 ? 0 : at > (float)size ? (float)size : at;
}

/* 0: nothing of it is in the picture */
static int to_picture(const struct accel_map *map, const struct accel_picture *picture,
		      struct accel_text *text)
{
	struct accel_map quad = { { 0 } };

	for (unsigned int i = 0; i < 4; i++) {
		struct accel_point at = accel_map_point(map, text->corners[i]);

		text->corners[i].x = into(at.x, picture->width);
		text->corners[i].y = into(at.y, picture->height);
	}
	return accel_map_quad(&quad, text->corners, 1, 1) == 0;
}

int accel_text_find(struct accel_net *detector, const struct accel_picture *picture,
		    struct accel_text **texts, size_t *count, struct accel_error *err)
{
	const struct accel_values *out = &detector->outputs[0];
	uint32_t width, height;
	struct accel_map map;
	char shape[SHAPE_TEXT];
	size_t kept = 0;
	int ret = accel_input_size(&detector->input, &width, &height, err);

	if (ret)
		return ret;
	if (detector->num_outputs != 1 || out->count != (size_t)width * height)
		return task_error(err, -EINVAL, "%s: not a detector of text: %u outputs, the first %s; expected one of [1, 1, %u, %u]",
				  detector->name, detector->num_outputs, shape_text(out, shape),
				  height, width);
	accel_map_letterbox(&map, picture, width, height, ACCEL_TOP_LEFT);
	ret = accel_net_show(detector, picture, &map, &photo, err);
	if (!ret)
		ret = accel_text_boxes(out->data, width, height, texts, count, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < *count; i++)
		if (to_picture(&map, picture, &(*texts)[i]))
			(*texts)[kept++] = (*texts)[i];
	*count = kept;
	sort_reading(*texts, *count);
	return 0;
}

static double distance(const struct accel_point *a, const struct accel_point *b)
{
	return hypot((double)b->x - (double)a->x, (double)b->y - (double)a->y);
}

static double longer(double a, double b)
{
	return a > b ? a : b;
}

/* The corners again, beginning @steps further on */
static void turn(struct accel_point corners[4], unsigned int steps)
{
	struct accel_point old[4];

	memcpy(old, corners, sizeof(old));
	for (unsigned int i = 0; i < 4; i++)
		corners[i] = old[(i + steps) % 4];
}

/* Width to height of what lies between the corners; text that runs downwards is laid on its side */
static double lay_down(struct accel_point corners[4])
{
	double width = longer(distance(&corners[0], &corners[1]),
			      distance(&corners[3], &corners[2]));
	double height = longer(distance(&corners[0], &corners[3]),
			       distance(&corners[1], &corners[2]));

	if (!(width > 0 && height > 0))
		return 0;
	if (height < TALL * width)
		return width / height;
	turn(corners, 1);
	return height / width;
}

/* The text's picture, @height high and as wide as it must be; rgb: free() */
static int cut_out(const struct accel_picture *picture, const struct accel_point corners[4],
		   double aspect, uint32_t height, struct accel_picture *cut,
		   struct accel_error *err)
{
	struct accel_map map = { { 0 } };
	uint8_t *rgb;

	*cut = (struct accel_picture){ .width = MAX_WIDTH, .height = height };
	if (aspect * height < MAX_WIDTH)
		cut->width = (uint32_t)ceil(aspect * height);
	if (!(aspect > 0) || accel_map_quad(&map, corners, cut->width, cut->height))
		return task_error(err, -EINVAL, "text whose corners lie in a line");
	rgb = malloc(3 * (size_t)cut->width * cut->height);
	if (!rgb)
		return task_no_memory(err);
	accel_map_sample(&map, picture, cut->width, cut->height, 0, rgb);
	cut->rgb = rgb;
	return 0;
}

/* Columns @from to @to of a cut, at the left of the net's input; narrowed if they don't fit */
static int show(struct accel_net *net, const struct accel_picture *cut, uint32_t from, uint32_t to,
		struct accel_error *err)
{
	uint32_t width, height;
	struct accel_picture part = { .width = to - from, .height = cut->height };
	struct accel_map map;
	uint8_t *rgb;
	int ret = accel_input_size(&net->input, &width, &height, err);

	if (ret)
		return ret;
	rgb = malloc(3 * (size_t)part.width * part.height);
	if (!rgb)
		return task_no_memory(err);
	for (uint32_t y = 0; y < part.height; y++)
		memcpy(rgb + 3 * (size_t)y * part.width,
		       cut->rgb + 3 * ((size_t)y * cut->width + from), 3 * (size_t)part.width);
	part.rgb = rgb;
	accel_map_stretch(&map, &part, width, height);
	if ((double)part.width / part.height < (double)width / height)
		map.m[0] = (double)part.height / height;
	ret = accel_net_show(net, &part, &map, &line, err);
	free(rgb);
	return ret;
}

/* How much is written in a column: the steps from each pixel to the next, green for all */
static unsigned int ink(const struct accel_picture *cut, uint32_t x)
{
	unsigned int sum = 0;

	for (uint32_t y = 1; y < cut->height; y++) {
		const uint8_t *at = cut->rgb + 3 * ((size_t)y * cut->width + x) + 1;

		sum += (unsigned int)abs(at[0] - at[-3 * (ptrdiff_t)cut->width]);
	}
	return sum;
}

/* The emptiest of the columns from half of @width on, as the end of what begins at @from */
static uint32_t gap(const struct accel_picture *cut, uint32_t from, uint32_t width)
{
	unsigned int least = UINT32_MAX, window = 0;
	uint32_t reach = cut->height / 8, best = from + width;

	/* A gap between words is wider than one between letters. */
	for (uint32_t x = from + width / 2; x < from + width; x++) {
		window = 0;
		for (uint32_t i = 0; i < 2 * reach + 1; i++)
			if (x + i >= reach && x + i - reach < cut->width)
				window += ink(cut, x + i - reach);
		if (window <= least) {
			least = window;
			best = x;
		}
	}
	return best;
}

static int is_upside_down(struct accel_net *net, const struct accel_picture *cut, int *upside_down,
			  struct accel_error *err)
{
	const struct accel_values *out = &net->outputs[0];
	uint32_t width, height, fits;
	char shape[SHAPE_TEXT];
	int ret = accel_input_size(&net->input, &width, &height, err);

	if (ret)
		return ret;
	if (net->num_outputs != 1 || out->count != 2)
		return task_error(err, -EINVAL, "%s: not a net of directions: output %s, expected [1, 2]",
				  net->name, shape_text(out, shape));
	/* The beginning, in its proportions, tells more than all of it made narrow. */
	fits = (uint32_t)((uint64_t)cut->height * width / height);
	ret = show(net, cut, 0, fits && fits < cut->width ? fits : cut->width, err);
	if (!ret)
		*upside_down = out->data[1] > UPSIDE_DOWN;
	return ret;
}

/* Half a turn: the first pixel is the last */
static void turn_round(const struct accel_picture *cut)
{
	uint8_t *rgb = (uint8_t *)(uintptr_t)cut->rgb;
	size_t count = (size_t)cut->width * cut->height;

	for (size_t i = 0; i < count / 2; i++) {
		uint8_t *a = rgb + 3 * i, *b = rgb + 3 * (count - 1 - i), keep[3];

		memcpy(keep, a, 3);
		memcpy(a, b, 3);
		memcpy(b, keep, 3);
	}
}

/* What was read of a text's parts so far */
struct reading {
	char *text;
	double score;			/* sum, weighted by length */
	size_t length;
};

static int append(struct reading *reading, char *part, float score, struct accel_error *err)
{
	size_t have = reading->text ? strlen(reading->text) : 0, more = strlen(part);
	char *all = realloc(reading->text, have + more + 2);

	if (!all) {
		free(part);
		return task_no_memory(err);
	}
	if (have && more && all[have - 1] != ' ' && part[0] != ' ')
		all[have++] = ' ';
	memcpy(all + have, part, more + 1);
	reading->text = all;
	reading->score += (double)score * (double)more;
	reading->length += more;
	free(part);
	return 0;
}

static int read_part(struct accel_net *net, const struct accel_keys *keys,
		     const struct accel_picture *cut, uint32_t from, uint32_t to,
		     struct reading *reading, struct accel_error *err)
{
	const struct accel_values *out = &net->outputs[0];
	float score;
	char *part;
	int ret = show(net, cut, from, to, err);

	if (!ret)
		ret = accel_text_decode(out->data, out->dims[1], out->dims[2], keys, &part, &score,
					err);
	return ret ? ret : append(reading, part, score, err);
}

static int read_cut(struct accel_net *net, const struct accel_keys *keys,
		    const struct accel_picture *cut, uint32_t fits, struct reading *reading,
		    struct accel_error *err)
{
	uint32_t from = 0;
	int ret = 0;

	for (unsigned int i = 0; i < MAX_PARTS && from < cut->width && !ret; i++) {
		uint32_t left = cut->width - from;
		uint32_t to = left <= SQUEEZE * fits || i == MAX_PARTS - 1 ? cut->width :
			gap(cut, from, fits);

		ret = read_part(net, keys, cut, from, to, reading, err);
		from = to;
	}
	return ret;
}

static int check_recognizer(const struct accel_net *net, struct accel_error *err)
{
	static const uint32_t expected[] = { 1, 0, 0 };
	char shape[SHAPE_TEXT];

	if (net->num_outputs == 1 && shape_is(&net->outputs[0], 3, expected))
		return 0;
	return task_error(err, -EINVAL, "%s: not a recognizer of text: %u outputs, the first %s; expected [1, steps, characters]",
			  net->name, net->num_outputs, shape_text(&net->outputs[0], shape));
}

static double score_of(const struct reading *reading)
{
	return reading->length ? reading->score / (double)reading->length : 0;
}

/* Directions are often mistaken: what may be upside down is read both ways. */
static int read_both_ways(struct accel_net *recognizer, struct accel_net *direction,
			  const struct accel_keys *keys, const struct accel_picture *cut,
			  uint32_t fits, struct reading *reading, struct accel_error *err)
{
	struct reading turned = { 0 };
	int upside_down = 0;
	int ret = read_cut(recognizer, keys, cut, fits, reading, err);

	if (!ret && direction)
		ret = is_upside_down(direction, cut, &upside_down, err);
	if (ret || !upside_down)
		return ret;
	turn_round(cut);
	ret = read_cut(recognizer, keys, cut, fits, &turned, err);
	if (!ret && score_of(&turned) > score_of(reading)) {
		struct reading keep = *reading;

		*reading = turned;
		turned = keep;
	}
	free(turned.text);
	return ret;
}

int accel_text_read(struct accel_net *recognizer, struct accel_net *direction,
		    const struct accel_keys *keys, const struct accel_picture *picture,
		    struct accel_text *text, struct accel_error *err)
{
	struct accel_point corners[4];
	struct reading reading = { 0 };
	struct accel_picture cut;
	uint32_t width, height;
	int ret = accel_input_size(&recognizer->input, &width, &height, err);

	if (!ret)
		ret = check_recognizer(recognizer, err);
	if (ret)
		return ret;
	memcpy(corners, text->corners, sizeof(corners));
	ret = cut_out(picture, corners, lay_down(corners), height, &cut, err);
	if (ret)
		return ret;
	ret = read_both_ways(recognizer, direction, keys, &cut, width, &reading, err);
	free((void *)(uintptr_t)cut.rgb);
	if (ret) {
		free(reading.text);
		return ret;
	}
	free(text->text);
	text->text = reading.text;
	text->score = (float)score_of(&reading);
	return 0;
}

void accel_text_free(struct accel_text *texts, size_t count)
{
	for (size_t i = 0; texts && i < count; i++)
		free(texts[i].text);
	free(texts);
}
