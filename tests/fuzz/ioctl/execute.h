/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_IOCTL_EXECUTE_H
#define FUZZ_IOCTL_EXECUTE_H

#define DEVICE		"/dev/accel/accel0"
#define NOBODY		65534

/* Faults of this process when it touches what is not there any more: actions.c */
void actions_init(void);

#endif
