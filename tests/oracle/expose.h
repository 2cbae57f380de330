/* SPDX-License-Identifier: MIT */
/*
 * Makes every tensor that an operator of a TFLite model writes an output of
 * the model, by an edit of its bytes: the interpreter then keeps them all.
 */
#ifndef ENPU_TESTS_EXPOSE_H
#define ENPU_TESTS_EXPOSE_H

#include <stddef.h>

/*
 * Replaces *model (malloc'ed, *size bytes) by the edited copy. Returns 0, or -1
 * with the model untouched when it is not as the schema says.
 */
int expose_all_tensors(unsigned char **model, size_t *size);

#endif
