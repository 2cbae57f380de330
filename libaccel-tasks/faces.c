// SPDX-License-Identifier: MIT
/* Finding faces: the picture as a whole and in parts, what they give put together. */
#include "faces.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "error.h"

#define MAX_TILES	16
#define TILE_OVERLAP	0.25

int faces_add(struct face_list *faces, const struct accel_face *face)
{
	if (faces->count == faces->room) {
		size_t room = faces->room ? 2 * faces->room : 32;
		struct accel_face *more = realloc(faces->list, room * sizeof(*more));

		if (!more)
			return -1;
		faces->list = more;
		faces->room = room;
	}
	faces->list[faces->count++] = *face;
	return 0;
}

static const struct face_detector *find_detector(const struct accel_net *net)
{
	static const struct face_detector *const all[] = {
		&faces_by_corners, &faces_short_range, &faces_full_range,
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i]->fits(net))
			return all[i];
	return NULL;
}

static int not_a_detector(const struct accel_net *net, struct accel_error *err)
{
	char shapes[256];

	return task_error(err, -EINVAL, "%s: not a face detector: outputs %s; expected [1, n, 2] and [1, n, 4], or MediaPipe's [1, 896 or 2304, 16] and [1, 896 or 2304, 1]",
			  net->name, shapes_text(net->outputs, net->num_outputs, shapes,
						 sizeof(shapes)));
}

/* From the input's pixels to the picture's */
static void to_picture(const struct accel_map *map, struct accel_face *face)
{
	face->box = accel_map_box(map, &face->box);
	for (unsigned int i = 0; i < ACCEL_FACE_POINTS; i++)
		if (face->known & (1u << i))
			face->points[i] = accel_map_point(map, face->points[i]);
}

static int find_in(struct accel_net *net, const struct face_detector *detector,
		   const struct accel_picture *picture, const struct accel_box *part,
		   float threshold, struct face_list *faces, struct accel_error *err)
{
	struct accel_picture view = {
		.width = (uint32_t)(part->right - part->left),
		.height = (uint32_t)(part->bottom - part->top),
	};
	size_t first = faces->count;
	uint32_t width, height;
	struct accel_map map;
	int ret = accel_input_size(&net->input, &width, &height, err);

	if (ret)
		return ret;
	if (detector->stretched)
		accel_map_stretch(&map, &view, width, height);
	else
		accel_map_letterbox(&map, &view, width, height, ACCEL_CENTRE);
	map.m[2] += (double)part->left;
	map.m[5] += (double)part->top;
	ret = accel_net_show(net, picture, &map, &detector->pixels, err);
	if (ret)
		return ret;
	if (detector->read(net, width, height, threshold, faces))
		return task_no_memory(err);
	for (size_t i = first; i < faces->count; i++)
		to_picture(&map, &faces->list[i]);
	return 0;
}

/* Where the tile @index of @tiles begins and ends, of @size: whole pixels */
static void tile_span(uint32_t size, unsigned int tiles, unsigned int index, float *from, float *to)
{
	double length = size / (tiles - (tiles - 1) * TILE_OVERLAP);
	double start = index * length * (1 - TILE_OVERLAP);

	*from = (float)floor(start);
	*to = index + 1 == tiles ? (float)size : (float)floor(start + length);
}

/* A face that a tile's inner edge cuts, or touches, is whole in the tile beside it. */
static void drop_cut(struct face_list *faces, size_t first, const struct accel_box *part,
		     const struct accel_picture *picture)
{
	float w = (float)picture->width, h = (float)picture->height;
	size_t kept = first;

	for (size_t i = first; i < faces->count; i++) {
		const struct accel_box *box = &faces->list[i].box;
		int cut = (part->left > 0 && box->left < part->left + 1) ||
			  (part->top > 0 && box->top < part->top + 1) ||
			  (part->right < w && box->right > part->right - 1) ||
			  (part->bottom < h && box->bottom > part->bottom - 1);

		if (!cut)
			faces->list[kept++] = faces->list[i];
	}
	faces->count = kept;
}

static int find_in_tiles(struct accel_net *net, const struct face_detector *detector,
			 const struct accel_picture *picture, unsigned int tiles, float threshold,
			 struct face_list *faces, struct accel_error *err)
{
	int ret = 0;

	for (unsigned int i = 0; i < tiles * tiles && !ret; i++) {
		size_t first = faces->count;
		struct accel_box part;

		tile_span(picture->width, tiles, i % tiles, &part.left, &part.right);
		tile_span(picture->height, tiles, i / tiles, &part.top, &part.bottom);
		ret = find_in(net, detector, picture, &part, threshold, faces, err);
		if (!ret)
			drop_cut(faces, first, &part, picture);
	}
	return ret;
}

static int face_before(const void *a, const void *b)
{
	const struct accel_face *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	if (x->box.top != y->box.top)
		return x->box.top < y->box.top ? -1 : 1;
	return (x->box.left > y->box.left) - (x->box.left < y->box.left);
}

/* What isn't a number in a box overlaps nothing: it goes first. */
static int is_sound(const struct accel_face *face)
{
	const struct accel_box *box = &face->box;
	float width = box->right - box->left, height = box->bottom - box->top;

	return isfinite(face->score) && width > 0 && height > 0 && isfinite(width * height);
}

/* Sorts, and keeps those that overlap no better one by more than @overlap */
static void thin_out(struct face_list *faces, float overlap)
{
	size_t sound = 0, kept = 0, k;

	for (size_t i = 0; i < faces->count; i++)
		if (is_sound(&faces->list[i]))
			faces->list[sound++] = faces->list[i];
	if (sound)
		qsort(faces->list, sound, sizeof(*faces->list), face_before);
	for (size_t i = 0; i < sound; i++) {
		for (k = 0; k < kept; k++)
			if (accel_box_overlap(&faces->list[k].box, &faces->list[i].box) > overlap)
				break;
		if (k == kept)
			faces->list[kept++] = faces->list[i];
	}
	faces->count = kept;
}

int accel_faces_find(struct accel_net *detector, const struct accel_picture *picture,
		     float threshold, unsigned int tiles, struct accel_face **faces,
		     size_t *count, struct accel_error *err)
{
	const struct face_detector *kind = find_detector(detector);
	struct accel_box whole = { 0, 0, (float)picture->width, (float)picture->height };
	struct face_list list = { 0 };
	int ret;

	if (!kind)
		return not_a_detector(detector, err);
	if (tiles == 0 || tiles > MAX_TILES || tiles > picture->width || tiles > picture->height)
		return task_error(err, -EINVAL, "%u tiles a side: more than %d, or than the picture has pixels",
				  tiles, MAX_TILES);
	ret = find_in(detector, kind, picture, &whole, threshold, &list, err);
	if (!ret && tiles > 1)
		ret = find_in_tiles(detector, kind, picture, tiles, threshold, &list, err);
	if (ret) {
		free(list.list);
		return ret;
	}
	thin_out(&list, kind->overlap);
	*faces = list.list;
	*count = list.count;
	return 0;
}
