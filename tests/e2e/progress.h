/* SPDX-License-Identifier: MIT */
/*
 * What clients in a storm tell, in a file that all of them map: e2e-client writes,
 * tests/storm reads.
 */
#ifndef E2E_PROGRESS_H
#define E2E_PROGRESS_H

#include <stdint.h>

#define PROGRESS_CLIENTS	8
#define PROGRESS_ERRORS		160	/* by errno */

struct client_progress {
	volatile uint64_t right;	/* results that were compared */
	volatile uint64_t opened;	/* times that the client has begun anew */
	volatile uint64_t errors[PROGRESS_ERRORS];	/* of jobs and of beginnings */
};

struct progress {
	volatile uint32_t stop;		/* set: clients end */
	uint32_t pad;
	struct client_progress clients[PROGRESS_CLIENTS];
};

#endif
