/* SPDX-License-Identifier: MIT */
/*
 * Texts of a model file are anybody's bytes. What is not UTF-8, is no character, controls,
 * or turns the direction of the text becomes U+FFFD, and long ones are cut.
 */
#ifndef ENPU_TEXT_H
#define ENPU_TEXT_H

#include "arena.h"

/* At most @limit bytes and an ellipsis; never NULL, nor @text itself. */
const char *clean_text(struct arena *arena, const char *text, size_t limit);

#endif
