/* SPDX-License-Identifier: MIT */
/* Messages to the user: file, place, reason. */
#ifndef ENPU_DIAG_H
#define ENPU_DIAG_H

#include <stdbool.h>

#include "include/enpu-compiler.h"

#define DIAG_NO_OP	(-1)

/* @diag may be NULL: the message is dropped. Long texts are kept whole. */
void diag_add(struct enpu_diag *diag, enum enpu_severity severity, int op_index,
	      const char *format, ...) __attribute__((format(printf, 4, 5)));

#define diag_error(diag, ...)	diag_add(diag, ENPU_ERROR, DIAG_NO_OP, __VA_ARGS__)

#endif
