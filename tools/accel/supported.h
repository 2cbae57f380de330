/* SPDX-License-Identifier: MIT */
/* The tables of operators that the compiler takes, told to people and programs. */
#ifndef ACCEL_CLI_SUPPORTED_H
#define ACCEL_CLI_SUPPORTED_H

void supported_print(void);
void supported_print_json(void);

#endif
