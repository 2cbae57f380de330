// SPDX-License-Identifier: MIT
/* Classes and boxes: the best, the overlap, the suppression of what overlaps. */
#include <math.h>
#include <stdlib.h>

#include "objects.h"

static int class_before(const void *a, const void *b)
{
	const struct accel_class *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* Keeps the list sorted while it goes: @want is small where @count is large. */
size_t accel_top(const float *scores, size_t count, struct accel_class *top, size_t want)
{
	size_t have = 0;

	for (size_t i = 0; i < count && want; i++) {
		struct accel_class next = { i, isnan(scores[i]) ? -INFINITY : scores[i] };
		size_t at;

		if (have == want && class_before(&next, &top[have - 1]) > 0)
			continue;
		have += have < want;
		for (at = have - 1; at > 0 && class_before(&next, &top[at - 1]) < 0; at--)
			top[at] = top[at - 1];
		top[at] = next;
	}
	return have;
}

static float area(const struct accel_box *box)
{
	float width = box->right - box->left, height = box->bottom - box->top;

	return width > 0 && height > 0 ? width * height : 0;
}

float accel_box_overlap(const struct accel_box *a, const struct accel_box *b)
{
	struct accel_box both = {
		.left = a->left > b->left ? a->left : b->left,
		.top = a->top > b->top ? a->top : b->top,
		.right = a->right < b->right ? a->right : b->right,
		.bottom = a->bottom < b->bottom ? a->bottom : b->bottom,
	};
	float common = area(&both), all = area(a) + area(b) - common;

	return all > 0 ? common / all : 0;
}

static int object_before(const void *a, const void *b)
{
	const struct accel_object *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	if (x->class_index != y->class_index)
		return x->class_index < y->class_index ? -1 : 1;
	if (x->box.top != y->box.top)
		return x->box.top < y->box.top ? -1 : 1;
	return (x->box.left > y->box.left) - (x->box.left < y->box.left);
}

static int is_sound(const struct accel_object *object)
{
	const struct accel_box *box = &object->box;

	return isfinite(object->score) && isfinite(area(box)) && area(box) > 0;
}

static int stands_alone(const struct accel_object *kept, size_t count,
			const struct accel_object *next, float overlap)
{
	for (size_t i = 0; i < count; i++)
		if (kept[i].class_index == next->class_index &&
		    accel_box_overlap(&kept[i].box, &next->box) > overlap)
			return 0;
	return 1;
}

size_t accel_nms(struct accel_object *objects, size_t count, float overlap)
{
	size_t sound = 0, kept = 0;

	for (size_t i = 0; i < count; i++)
		if (is_sound(&objects[i]))
			objects[sound++] = objects[i];
	if (sound)
		qsort(objects, sound, sizeof(*objects), object_before);
	for (size_t i = 0; i < sound; i++)
		if (stands_alone(objects, kept, &objects[i], overlap))
			objects[kept++] = objects[i];
	return kept;
}

int objects_add(struct object_list *list, const struct accel_object *object)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		struct accel_object *more = realloc(list->list, room * sizeof(*more));

		if (!more)
			return -1;
		list->list = more;
		list->room = room;
	}
	list->list[list->count++] = *object;
	return 0;
}
