/* SPDX-License-Identifier: MIT */
#ifndef TASKS_OBJECTS_H
#define TASKS_OBJECTS_H

#include <accel/tasks.h>

/* A list that grows; all zero: empty. list: free() */
struct object_list {
	struct accel_object *list;
	size_t count;
	size_t room;
};

/* 0, or -1: out of memory */
int objects_add(struct object_list *list, const struct accel_object *object);

#endif
