// SPDX-License-Identifier: MIT
/* The version of the library that runs. */
#include <accel/version.h>

#define STRING(x)	#x
#define VERSION(a, b, c) STRING(a) "." STRING(b) "." STRING(c)

const char *accel_version(void)
{
	return VERSION(ACCEL_VERSION_MAJOR, ACCEL_VERSION_MINOR, ACCEL_VERSION_PATCH);
}
