/* SPDX-License-Identifier: MIT */
#ifndef TASKS_FACES_H
#define TASKS_FACES_H

#include <accel/tasks.h>

/* A list that grows; all zero: empty. list: free() */
struct face_list {
	struct accel_face *list;
	size_t count;
	size_t room;
};

/* 0, or -1: out of memory */
int faces_add(struct face_list *faces, const struct accel_face *face);

/* A kind of face detector: what it is shown, and how its outputs are read. */
struct face_detector {
	const char *name;
	struct accel_pixels pixels;
	int stretched;			/* else in its proportions */
	float overlap;			/* that suppression allows */
	int (*fits)(const struct accel_net *net);
	/* Adds those of at least @threshold, in pixels of the input. 0, or -1: out of memory */
	int (*read)(const struct accel_net *net, uint32_t width, uint32_t height, float threshold,
		    struct face_list *faces);
};

extern const struct face_detector faces_by_corners, faces_short_range, faces_full_range;

#endif
