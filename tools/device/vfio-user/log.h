/* SPDX-License-Identifier: MIT */
/*
 * Messages of the server process, one line each on stderr. The level is set once,
 * before any other thread runs.
 */
#ifndef VU_LOG_H
#define VU_LOG_H

enum log_level {
	LOG_NONE,	/* tests */
	LOG_ERROR,	/* something does not work, and the reader must act */
	LOG_INFO,	/* clients come and go, resets */
	LOG_DEBUG,	/* memory, interrupts and resets, each */
};

void log_set_level(enum log_level level);
void log_print(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	log_print(LOG_ERROR, __VA_ARGS__)
#define log_info(...)	log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...)	log_print(LOG_DEBUG, __VA_ARGS__)

#endif
