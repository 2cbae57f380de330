// SPDX-License-Identifier: MIT
/*
 * MTCNN (Zhang et al., "Joint face detection and alignment using multitask cascaded
 * convolutional networks", 2016): three nets, each of which looks closer at what the one before
 * has found. The first sees windows of 12 x 12 pixels of the picture in many sizes, the second
 * 24 x 24, the third 48 x 48; all correct the box, the last one finds five points.
 *
 * The nets were trained by a program that has columns first: the first side of their inputs
 * is x, and so is the first side of the first net's outputs.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "canvas.h"
#include "error.h"

#define WINDOW		12u
#define STRIDE		2
#define LEAST_FACE	20		/* pixels */
#define FACTOR		0.709		/* from one size to the next: half the area */
#define PROPOSED	0.6f		/* lowest score of the first net */
#define REFINED		0.7f		/* of the second */
#define POINTS		5

static const struct accel_pixels pixels = {
	{ 127.5f, 127.5f, 127.5f }, { 1 / 128.0f, 1 / 128.0f, 1 / 128.0f }, 0, 0,
};

/* What a net says of one place: which of its outputs is what */
struct answers {
	const struct accel_values *scores, *shifts, *points;
};

struct candidate {
	const struct level *level;	/* in which the first net saw it */
	struct accel_box box;		/* pixels of the picture */
	struct accel_box shift;		/* of its sides, in widths and heights of it */
	float score;
	struct accel_point points[POINTS];	/* in the box, 0 to 1 */
};

struct candidates {
	struct candidate *list;
	size_t count, room;
};

static int add(struct candidates *c, const struct candidate *next)
{
	if (c->count == c->room) {
		size_t room = c->room ? 2 * c->room : 64;
		struct candidate *more = realloc(c->list, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		c->list = more;
		c->room = room;
	}
	c->list[c->count++] = *next;
	return 0;
}

/* ---- which boxes stay ---- */

static int better(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	if (x->box.top != y->box.top)
		return x->box.top < y->box.top ? -1 : 1;
	return (x->box.left > y->box.left) - (x->box.left < y->box.left);
}

static float area(const struct accel_box *b)
{
	return (b->right - b->left) * (b->bottom - b->top);
}

static float overlap(const struct candidate *a, const struct candidate *b)
{
	return accel_box_overlap(&a->box, &b->box);
}

static float overlap_in_level(const struct candidate *a, const struct candidate *b)
{
	return a->level == b->level ? overlap(a, b) : 0;
}

/* What both have in common, of the smaller one */
static float covered(const struct candidate *first, const struct candidate *second)
{
	const struct accel_box *a = &first->box, *b = &second->box;
	float width = fminf(a->right, b->right) - fmaxf(a->left, b->left);
	float height = fminf(a->bottom, b->bottom) - fmaxf(a->top, b->top);

	return width > 0 && height > 0 ? width * height / fminf(area(a), area(b)) : 0;
}

static int is_sound(const struct candidate *c)
{
	return isfinite(c->score) && isfinite(area(&c->box)) && c->box.right > c->box.left &&
	       c->box.bottom > c->box.top;
}

/* What has more than @most in common with a better one goes. */
static void suppress(struct candidates *c, float most,
		     float (*common)(const struct candidate *a, const struct candidate *b))
{
	size_t sound = 0, kept = 0, k;

	for (size_t i = 0; i < c->count; i++)
		if (is_sound(&c->list[i]))
			c->list[sound++] = c->list[i];
	if (sound)
		qsort(c->list, sound, sizeof(*c->list), better);
	for (size_t i = 0; i < sound; i++) {
		for (k = 0; k < kept; k++)
			if (common(&c->list[k], &c->list[i]) > most)
				break;
		if (k == kept)
			c->list[kept++] = c->list[i];
	}
	c->count = kept;
}

/* The box as the net would rather have it */
static void shift(struct candidate *c)
{
	float width = c->box.right - c->box.left, height = c->box.bottom - c->box.top;

	c->box.left += c->shift.left * width;
	c->box.top += c->shift.top * height;
	c->box.right += c->shift.right * width;
	c->box.bottom += c->shift.bottom * height;
}

static void make_square(struct accel_box *b)
{
	float x = (b->left + b->right) / 2, y = (b->top + b->bottom) / 2;
	float half = fmaxf(b->right - b->left, b->bottom - b->top) / 2;

	*b = (struct accel_box){ x - half, y - half, x + half, y + half };
}

/* What the next net is shown */
static void prepare(struct candidates *c)
{
	for (size_t i = 0; i < c->count; i++) {
		shift(&c->list[i]);
		make_square(&c->list[i].box);
	}
}

/* ---- the nets ---- */

/* The output whose last dimension is @last; NULL: there is none, or more than one */
static const struct accel_values *output_of(const struct accel_net *net, uint32_t last)
{
	const struct accel_values *found = NULL;

	for (unsigned int i = 0; i < net->num_outputs; i++) {
		const struct accel_values *out = &net->outputs[i];

		if (!out->rank || out->dims[out->rank - 1] != last)
			continue;
		if (found)
			return NULL;
		found = out;
	}
	return found;
}

static struct answers answers_of(const struct accel_net *net)
{
	return (struct answers){ output_of(net, 2), output_of(net, 4), output_of(net, 2 * POINTS) };
}

/* An output for every window of a side; nets that pad have one more. */
static int windows_fit(uint32_t outputs, uint32_t side)
{
	return side >= WINDOW && outputs - ((side - WINDOW) / STRIDE + 1) <= 1;
}

static int fits_first(const struct accel_net *net, const struct answers *a, uint32_t width,
		      uint32_t height)
{
	static const uint32_t scores[] = { 1, 0, 0, 2 };
	uint32_t shifts[] = { 1, 0, 0, 4 };

	if (net->num_outputs != 2 || !a->scores || !shape_is(a->scores, 4, scores) || !a->shifts)
		return 0;
	shifts[1] = a->scores->dims[1];
	shifts[2] = a->scores->dims[2];
	return shape_is(a->shifts, 4, shifts) && windows_fit(shifts[1], height) &&
	       windows_fit(shifts[2], width);
}

static int fits_next(const struct accel_net *net, const struct answers *a, uint32_t width,
		     uint32_t height, unsigned int number)
{
	return net->num_outputs == 1 + number && width == WINDOW << number && width == height &&
	       a->scores && a->scores->count == 2 && a->shifts && a->shifts->count == 4 &&
	       (number == 1 || (a->points && a->points->count == 2 * POINTS));
}

static int check(const struct accel_net *net, unsigned int number, struct accel_error *err)
{
	static const char *const expected[] = {
		"[1, (w - 10) / 2, (h - 10) / 2, 2] and the same with 4, of an input [1, w, h, 3]",
		"[1, 2] and [1, 4], of an input [1, 24, 24, 3]",
		"[1, 2], [1, 4] and [1, 10], of an input [1, 48, 48, 3]",
	};
	struct answers a = answers_of(net);
	char input[SHAPE_TEXT], shapes[256];
	uint32_t width, height;
	int ret = accel_input_size(&net->input, &width, &height, err);

	if (ret)
		return ret;
	if (number ? fits_next(net, &a, width, height, number) : fits_first(net, &a, width, height))
		return 0;
	return task_error(err, -EINVAL, "%s: not net %c of an MTCNN: outputs %s of an input %s; expected %s",
			  net->name, "PRO"[number], shapes_text(net->outputs, net->num_outputs,
								shapes, sizeof(shapes)),
			  shape_text(&net->input, input), expected[number]);
}

static struct candidate candidate_at(const struct answers *a, size_t place)
{
	const float *s = a->shifts->data + 4 * place;
	struct candidate c = {
		.score = a->scores->data[2 * place + 1],
		.shift = { s[0], s[1], s[2], s[3] },
	};

	for (unsigned int i = 0; i < POINTS && a->points; i++)
		c.points[i] = (struct accel_point){ a->points->data[i],
						    a->points->data[POINTS + i] };
	return c;
}

struct first_net {
	struct answers answers;
	struct candidates *found;
};

/* The windows that lie in the piece as a whole */
static int read_piece(void *arg, const struct piece *p, struct accel_error *err)
{
	const struct first_net *net = arg;
	const struct answers *a = &net->answers;
	const uint32_t *dims = a->scores->dims;
	float sx = (float)p->level->scale_x, sy = (float)p->level->scale_y;

	for (uint32_t x = 0; x + WINDOW <= p->width; x += STRIDE) {
		for (uint32_t y = 0; y + WINDOW <= p->height; y += STRIDE) {
			size_t place = (size_t)(p->at_x + x) / STRIDE * dims[2] +
				       (p->at_y + y) / STRIDE;
			struct candidate c = candidate_at(a, place);
			float left = (float)(p->x + x), top = (float)(p->y + y);

			if (!(c.score >= PROPOSED))
				continue;
			c.level = p->level;
			c.box = (struct accel_box){ left / sx, top / sy, (left + WINDOW) / sx,
						    (top + WINDOW) / sy };
			if (add(net->found, &c))
				return task_no_memory(err);
		}
	}
	return 0;
}

static int propose(struct accel_net *net, const struct pyramid *pyramid, struct candidates *found,
		   struct accel_error *err)
{
	struct first_net first = { answers_of(net), found };
	struct canvas canvas = {
		.net = net, .pixels = &pixels, .window = WINDOW, .stride = STRIDE,
		.look = read_piece, .arg = &first,
	};
	int ret = canvas_open(&canvas, err);

	for (size_t i = 1; i < pyramid->count && !ret; i++)
		ret = canvas_show(&canvas, &pyramid->levels[i], err);
	if (!ret)
		ret = canvas_finish(&canvas, err);
	canvas_close(&canvas);
	suppress(found, 0.5f, overlap_in_level);
	suppress(found, 0.7f, overlap);
	return ret;
}

/* What @box shows, from the level that has hardly more pixels than the net */
static int show(struct accel_net *net, const struct pyramid *pyramid, const struct accel_box *box,
		struct accel_error *err)
{
	double side = (double)box->right - (double)box->left, pixel = side / net->input.dims[1];
	const struct level *level = pyramid_level(pyramid, side, net->input.dims[1]);
	struct accel_map map = { {
		0, pixel * level->scale_x, (double)box->left * level->scale_x,
		pixel * level->scale_y, 0, (double)box->top * level->scale_y,
		0, 0, 1,
	} };

	return accel_net_show(net, &level->picture, &map, &pixels, err);
}

/* Keeps those that @net, too, takes for faces. */
static int refine(struct accel_net *net, const struct pyramid *pyramid, float threshold,
		  struct candidates *c, struct accel_error *err)
{
	struct answers a = answers_of(net);
	size_t kept = 0;

	for (size_t i = 0; i < c->count; i++) {
		struct candidate next;
		int ret = show(net, pyramid, &c->list[i].box, err);

		if (ret)
			return ret;
		next = candidate_at(&a, 0);
		next.box = c->list[i].box;
		if (next.score >= threshold)
			c->list[kept++] = next;
	}
	c->count = kept;
	return 0;
}

static struct accel_face face_of(const struct candidate *c)
{
	static const enum accel_face_point order[POINTS] = {
		ACCEL_LEFT_EYE, ACCEL_RIGHT_EYE, ACCEL_NOSE, ACCEL_MOUTH_LEFT, ACCEL_MOUTH_RIGHT,
	};
	struct accel_face face = { .box = c->box, .score = c->score };

	for (unsigned int i = 0; i < POINTS; i++) {
		face.points[order[i]] = c->points[i];
		face.known |= 1u << order[i];
	}
	return face;
}

/* Points are told in the box that was shown, not in the one that comes of it. */
static void place_points(struct candidate *c)
{
	float width = c->box.right - c->box.left, height = c->box.bottom - c->box.top;

	for (unsigned int i = 0; i < POINTS; i++) {
		c->points[i].x = c->box.left + c->points[i].x * width;
		c->points[i].y = c->box.top + c->points[i].y * height;
	}
}

static int find(struct accel_net *const nets[3], const struct pyramid *pyramid, float threshold,
		struct candidates *c, struct accel_error *err)
{
	int ret = propose(nets[0], pyramid, c, err);

	if (ret)
		return ret;
	prepare(c);
	ret = refine(nets[1], pyramid, REFINED, c, err);
	if (ret)
		return ret;
	suppress(c, 0.7f, overlap);
	prepare(c);
	ret = refine(nets[2], pyramid, threshold, c, err);
	for (size_t i = 0; i < c->count; i++) {
		place_points(&c->list[i]);
		shift(&c->list[i]);
	}
	suppress(c, 0.7f, covered);
	return ret;
}

int accel_faces_mtcnn(struct accel_net *const nets[3], const struct accel_picture *picture,
		      float threshold, struct accel_face **faces, size_t *count,
		      struct accel_error *err)
{
	struct candidates c = { 0 };
	struct pyramid pyramid;
	int ret = 0;

	for (unsigned int i = 0; i < 3 && !ret; i++)
		ret = check(nets[i], i, err);
	if (ret)
		return ret;
	ret = pyramid_build(&pyramid, picture, (double)WINDOW / LEAST_FACE, FACTOR, WINDOW) ?
	      task_no_memory(err) : find(nets, &pyramid, threshold, &c, err);
	pyramid_free(&pyramid);
	*count = ret ? 0 : c.count;
	*faces = *count ? malloc(c.count * sizeof(**faces)) : NULL;
	if (*count && !*faces)
		ret = task_no_memory(err);
	for (size_t i = 0; i < *count && !ret; i++)
		(*faces)[i] = face_of(&c.list[i]);
	free(c.list);
	return ret;
}
