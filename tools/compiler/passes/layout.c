// SPDX-License-Identifier: MIT
#include "rewrite.h"
int simplify_layout(struct graph *g)
{
	return 0;
}
