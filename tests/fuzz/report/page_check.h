/* SPDX-License-Identifier: MIT */
/* Is a report sound, whatever was in the model? Knows nothing of how it was made. */
#ifndef FUZZ_PAGE_CHECK_H
#define FUZZ_PAGE_CHECK_H

#include <stddef.h>

/* NULL, or what is wrong with the page. */
const char *page_check(const char *page, size_t size);

#endif
