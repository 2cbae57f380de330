// SPDX-License-Identifier: MIT
/*
 * Rows in pieces, for the vector unit's commands.
 */
#include "vector.h"

int enpu_for_pieces(struct enpu_exec *x, const struct enpu_tile *tile,
		    int (*piece)(struct enpu_exec *x, void *arg, uint32_t row, uint32_t col,
				 uint32_t count), void *arg)
{
	uint32_t at_once = enpu_piece_cols(tile->channels);

	for (uint32_t row = 0; row < tile->height; row++) {
		for (uint32_t col = 0; col < tile->width;) {
			uint32_t left = tile->width - col;
			uint32_t count = left < at_once ? left : at_once;
			int err = piece(x, arg, row, col, count);

			if (!err)
				err = enpu_exec_poll(x);
			if (err)
				return err;
			col += count;
		}
	}
	return 0;
}

int32_t *enpu_piece_values(struct enpu_exec *x, enum enpu_scratch which)
{
	return enpu_scratch(x, which, ENPU_PIECE * sizeof(int32_t));
}
