// SPDX-License-Identifier: MIT
/* Reading JPEG files by libjpeg. Damage is an error, not a grey area. */
#include "picture.h"

#include <setjmp.h>
#include <stdlib.h>

#include <jpeglib.h>
#include <jerror.h>

#include "cli.h"

/* A progressive file may ask for any number of passes over the picture. */
#define MAX_SCANS	100

struct reader {
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	struct jpeg_progress_mgr progress;
	const char *path;
	jmp_buf failed;
};

static void fail(j_common_ptr jpeg)
{
	struct reader *reader = jpeg->client_data;
	char text[JMSG_LENGTH_MAX];

	jpeg->err->format_message(jpeg, text);
	cli_error("%s: JPEG: %s", reader->path, text);
	longjmp(reader->failed, 1);
}

/* Level -1 is a warning: corrupt data, but the decoder could go on. */
static void message(j_common_ptr jpeg, int level)
{
	if (level < 0 && jpeg->err->msg_code != JWRN_EXTRANEOUS_DATA)
		fail(jpeg);
}

static void watch(j_common_ptr jpeg)
{
	struct reader *reader = jpeg->client_data;

	if (reader->jpeg.input_scan_number > MAX_SCANS) {
		cli_error("%s: JPEG: more than %d scans", reader->path, MAX_SCANS);
		longjmp(reader->failed, 1);
	}
}

static void open_reader(struct reader *reader, FILE *file)
{
	reader->jpeg.err = jpeg_std_error(&reader->errors);
	reader->errors.error_exit = fail;
	reader->errors.emit_message = message;
	jpeg_create_decompress(&reader->jpeg);
	reader->progress.progress_monitor = watch;
	reader->jpeg.progress = &reader->progress;
	jpeg_stdio_src(&reader->jpeg, file);
	jpeg_read_header(&reader->jpeg, TRUE);
}

static int read_rows(struct reader *reader, struct picture *picture)
{
	struct jpeg_decompress_struct *jpeg = &reader->jpeg;

	picture->width = jpeg->image_width;
	picture->height = jpeg->image_height;
	if (picture_alloc(picture, reader->path))
		return -1;
	jpeg->out_color_space = JCS_RGB;
	jpeg->dct_method = JDCT_ISLOW;
	jpeg_start_decompress(jpeg);
	while (jpeg->output_scanline < jpeg->output_height) {
		JSAMPROW row = picture->rgb + 3 * (size_t)jpeg->output_scanline * picture->width;

		jpeg_read_scanlines(jpeg, &row, 1);
	}
	jpeg_finish_decompress(jpeg);
	return 0;
}

int picture_read_jpeg(FILE *file, const char *path, struct picture *picture)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	volatile int ret = -1;

	if (!reader) {
		cli_error("%s: out of memory", path);
		return -1;
	}
	reader->path = path;
	reader->jpeg.client_data = reader;
	if (setjmp(reader->failed) == 0) {
		open_reader(reader, file);
		ret = read_rows(reader, picture);
	}
	jpeg_destroy_decompress(&reader->jpeg);
	free(reader);
	return ret;
}
