/* SPDX-License-Identifier: MIT */
/* Run a compiled model's NPU steps on the device core, in this process. */
#ifndef TEST_EXECUTE_H
#define TEST_EXECUTE_H

#include "model_file.h"

#include <enpu/regs.h>

struct execution {
	uint8_t *regions[ENPU_MAX_REGIONS];	/* contents, by index */
	struct enpu_profile profile;		/* summed over the steps */
	char error[200];
};

/* Allocates and fills constant regions; inputs are the caller's to fill. */
void execution_init(struct execution *x, const struct model_file *m);
void execution_free(struct execution *x, const struct model_file *m);
/* All NPU steps; 0, or -1 with error filled in. */
int execution_run(struct execution *x, const struct model_file *m, const char *preset);

#endif
