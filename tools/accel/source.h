/* SPDX-License-Identifier: MIT */
/* Model files as the user gives them: compiled, or of a framework. */
#ifndef ACCEL_CLI_SOURCE_H
#define ACCEL_CLI_SOURCE_H

#include <accel/accel.h>
#include <enpu-compiler.h>

/* Both return an exit code; a failure was reported on stderr. */

/* Compile @path; what the compiler has to say goes to stderr */
int source_compile(const char *path, const struct enpu_compile_options *opts,
		   struct enpu_blob *blob, struct enpu_compile_stats *stats);

/*
 * Load an .enpu file, or compile a .tflite file and load that; the content
 * tells which. @config: preset for compiling; NULL: that of @dev's size, or
 * without @dev the compiler's default.
 */
int source_load(const char *path, const char *config, const struct accel_device *dev,
		struct accel_model **model);

#endif
