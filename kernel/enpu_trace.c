// SPDX-License-Identifier: GPL-2.0-only
/* The code of the tracepoints that enpu_trace.h describes. */
#ifndef __CHECKER__
#define CREATE_TRACE_POINTS
#include "enpu_trace.h"
#endif
