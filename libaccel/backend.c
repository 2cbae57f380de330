// SPDX-License-Identifier: MIT
/*
 * The plug-in loader. A backend NAME is libaccel-NAME.so in the first of these
 * directories that has it: those of $ACCEL_PLUGIN_PATH, the directory of
 * libaccel itself, accel/ below that. A program with raised privileges does
 * not look at the environment.
 */
#include "backend.h"

#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <accel/version.h>

#include "error.h"

#define PREFIX		"libaccel-"
#define SUFFIX		".so"
#define MAX_DIRS	16
#define MAX_NAME	31

struct dirs {
	char *path[MAX_DIRS];
	unsigned int count;
};

static void dirs_add(struct dirs *dirs, const char *format, const char *path, int len)
{
	char *copy;

	if (dirs->count == MAX_DIRS || len == 0)
		return;
	if (asprintf(&copy, format, len, path) >= 0)
		dirs->path[dirs->count++] = copy;
}

static void dirs_get(struct dirs *dirs)
{
	const char *path = secure_getenv("ACCEL_PLUGIN_PATH");
	char own[PATH_MAX];
	char *slash;
	Dl_info info;

	*dirs = (struct dirs){ 0 };
	while (path && *path) {
		int len = (int)strcspn(path, ":");

		dirs_add(dirs, "%.*s", path, len);
		path += len + (path[len] == ':');
	}
	if (!dladdr((const void *)accel_version, &info) || !realpath(info.dli_fname, own))
		return;
	slash = strrchr(own, '/');
	dirs_add(dirs, "%.*s", own, (int)(slash - own));
	dirs_add(dirs, "%.*s/accel", own, (int)(slash - own));
}

static void dirs_put(struct dirs *dirs)
{
	for (unsigned int i = 0; i < dirs->count; i++)
		free(dirs->path[i]);
}

/* A name becomes part of a path: it has letters, digits and dashes only. */
static int name_valid(const char *name, size_t len)
{
	if (len == 0 || len > MAX_NAME)
		return 0;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '-')
			return 0;
	return 1;
}

static int check_ops(const struct accel_backend_ops *ops, const char *path,
		     struct accel_error *err)
{
	if (!ops)
		return accel_fail(err, -ENODEV, "%s: the plug-in can't work here", path);
	if (ops->abi != ACCEL_BACKEND_ABI)
		return accel_fail(err, -ELIBBAD, "%s: plug-in ABI %u, this libaccel has %u", path,
				  ops->abi, ACCEL_BACKEND_ABI);
	if (ops->size < sizeof(*ops))
		return accel_fail(err, -ELIBBAD, "%s: plug-in is older than this libaccel", path);
	return 0;
}

static int load_file(const char *path, struct accel_backend *backend, struct accel_error *err)
{
	const struct accel_backend_ops *(*entry)(void);
	int ret;

	/* A plug-in may leave threads that are about to end: its code stays. */
	backend->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!backend->handle)
		return accel_fail(err, -ELIBACC, "plug-in: %s", dlerror());
	*(void **)&entry = dlsym(backend->handle, "accel_backend_entry");
	if (!entry) {
		ret = accel_fail(err, -ELIBBAD, "%s: not a libaccel plug-in: no accel_backend_entry",
				 path);
	} else {
		backend->ops = entry();
		ret = check_ops(backend->ops, path, err);
	}
	if (ret)
		dlclose(backend->handle);
	return ret;
}

static int load_from(const struct dirs *dirs, const char *name, struct accel_backend *backend,
		     struct accel_error *err)
{
	char path[PATH_MAX];
	char list[256] = "";
	size_t at = 0;

	for (unsigned int i = 0; i < dirs->count; i++) {
		int len = snprintf(path, sizeof(path), "%s/" PREFIX "%s" SUFFIX, dirs->path[i],
				   name);

		if (len > 0 && (size_t)len < sizeof(path) && access(path, F_OK) == 0)
			return load_file(path, backend, err);
		if (at < sizeof(list))
			at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s",
					       at ? ", " : "", dirs->path[i]);
	}
	return accel_fail(err, -ENOENT, "no backend '%s': no " PREFIX "%s" SUFFIX " in %s", name,
			  name, list);
}

int accel_backend_load(const char *name, struct accel_backend *backend, struct accel_error *err)
{
	struct dirs dirs;
	int ret;

	*backend = (struct accel_backend){ 0 };
	if (strcmp(name, accel_drm_ops.name) == 0) {
		backend->ops = &accel_drm_ops;
		return 0;
	}
	if (!name_valid(name, strlen(name)))
		return accel_fail(err, -EINVAL, "'%s' is not the name of a backend", name);
	dirs_get(&dirs);
	ret = load_from(&dirs, name, backend, err);
	dirs_put(&dirs);
	return ret;
}

void accel_backend_unload(struct accel_backend *backend)
{
	if (backend->handle)
		dlclose(backend->handle);
}

/* The NAME of libaccel-NAME.so, into @name; 0: it is another file */
static int plugin_name(const char *file, char name[MAX_NAME + 1])
{
	size_t len = strlen(file);

	if (len < sizeof(PREFIX SUFFIX) || memcmp(file, PREFIX, sizeof(PREFIX) - 1) ||
	    strcmp(file + len - (sizeof(SUFFIX) - 1), SUFFIX))
		return 0;
	file += sizeof(PREFIX) - 1;
	len -= sizeof(PREFIX SUFFIX) - 1;
	if (!name_valid(file, len))
		return 0;
	memcpy(name, file, len);
	name[len] = '\0';
	return 1;
}

static int is_plugin(const struct dirent *entry)
{
	char name[MAX_NAME + 1];

	return plugin_name(entry->d_name, name);
}

/* Whether a directory before @dir has a plug-in of that file name, which then counts */
static int shadowed(const struct dirs *dirs, unsigned int dir, const char *file)
{
	char path[PATH_MAX];

	for (unsigned int i = 0; i < dir; i++) {
		int len = snprintf(path, sizeof(path), "%s/%s", dirs->path[i], file);

		if (len > 0 && (size_t)len < sizeof(path) && access(path, F_OK) == 0)
			return 1;
	}
	return 0;
}

static int visit(const char *file, int (*fn)(const struct accel_backend_ops *ops, void *arg),
		 void *arg)
{
	struct accel_backend backend;
	char name[MAX_NAME + 1];
	int ret;

	if (!plugin_name(file, name) || accel_backend_load(name, &backend, NULL))
		return 0;
	ret = fn(backend.ops, arg);
	accel_backend_unload(&backend);
	return ret;
}

static int foreach_in(const struct dirs *dirs, unsigned int dir,
		      int (*fn)(const struct accel_backend_ops *ops, void *arg), void *arg)
{
	struct dirent **files;
	int count = scandir(dirs->path[dir], &files, is_plugin, alphasort);
	int ret = 0;

	if (count < 0)
		return 0;
	for (int i = 0; i < count; i++) {
		if (!ret && !shadowed(dirs, dir, files[i]->d_name))
			ret = visit(files[i]->d_name, fn, arg);
		free(files[i]);
	}
	free(files);
	return ret;
}

int accel_backend_foreach(int (*fn)(const struct accel_backend_ops *ops, void *arg), void *arg)
{
	int ret = fn(&accel_drm_ops, arg);
	struct dirs dirs;

	dirs_get(&dirs);
	for (unsigned int i = 0; i < dirs.count && !ret; i++)
		ret = foreach_in(&dirs, i, fn, arg);
	dirs_put(&dirs);
	return ret;
}
