// SPDX-License-Identifier: MIT
/* accel run ocr: the text in a picture. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "json.h"
#include "nets.h"
#include "picture.h"
#include "task.h"

struct options {
	struct task_options task;
	const char *detector;
	const char *direction;
	const char *recognizer;
	const char *keys;
	double threshold;
};

/* A picture and what it says */
struct page {
	struct picture picture;
	struct accel_text *texts;
	size_t count;
};

struct session {
	const struct options *opts;
	struct nets nets;
	struct accel_net *detector, *direction, *recognizer;
	struct accel_keys *keys;
	struct json json;
};

static int set_up(struct session *s)
{
	const struct options *opts = s->opts;
	struct accel_error err;
	int ret;

	if (accel_keys_load(opts->keys, &s->keys, &err))
		return cli_error("%s", err.text);
	ret = nets_open(&s->nets, opts->recognizer, &s->recognizer);
	if (!ret)
		ret = nets_open_if(&s->nets, opts->detector, &s->detector);
	if (!ret)
		ret = nets_open_if(&s->nets, opts->direction, &s->direction);
	return ret;
}

/* Without a detector all of the picture is one line. */
static int whole_picture(struct page *page)
{
	float w = (float)page->picture.width, h = (float)page->picture.height;

	page->texts = calloc(1, sizeof(*page->texts));
	if (!page->texts)
		return cli_error("out of memory");
	page->count = 1;
	page->texts[0].corners[1] = (struct accel_point){ w, 0 };
	page->texts[0].corners[2] = (struct accel_point){ w, h };
	page->texts[0].corners[3] = (struct accel_point){ 0, h };
	return CLI_OK;
}

/* Lines that say something, with a score that is high enough */
static void drop_doubtful(struct page *page, double threshold)
{
	size_t kept = 0;

	for (size_t i = 0; i < page->count; i++) {
		struct accel_text *text = &page->texts[i];

		if (text->text[0] && (double)text->score >= threshold)
			page->texts[kept++] = *text;
		else
			free(text->text);
	}
	page->count = kept;
}

static int read_page(struct session *s, struct page *page)
{
	struct accel_picture view = { page->picture.width, page->picture.height,
				      page->picture.rgb };
	struct accel_error err;

	if (!s->detector && whole_picture(page))
		return CLI_FAILED;
	if (s->detector && accel_text_find(s->detector, &view, &page->texts, &page->count, &err))
		return cli_error("%s", err.text);
	for (size_t i = 0; i < page->count; i++)
		if (accel_text_read(s->recognizer, s->direction, s->keys, &view, &page->texts[i],
				    &err))
			return cli_error("%s", err.text);
	drop_doubtful(page, s->opts->threshold);
	return CLI_OK;
}

static void json_page(struct json *json, const char *path, const struct page *page)
{
	json_open(json, NULL, '{');
	json_string(json, "picture", path);
	json_open(json, "lines", '[');
	for (size_t i = 0; i < page->count; i++) {
		const struct accel_text *text = &page->texts[i];

		json_open(json, NULL, '{');
		json_string(json, "text", text->text);
		json_double(json, "score", (double)text->score);
		json_open(json, "corners", '[');
		for (unsigned int k = 0; k < 4; k++) {
			json_open(json, NULL, '[');
			json_double(json, NULL, (double)text->corners[k].x);
			json_double(json, NULL, (double)text->corners[k].y);
			json_close(json, ']');
		}
		json_close(json, ']');
		json_close(json, '}');
	}
	json_close(json, ']');
	json_close(json, '}');
}

static void print_page(const struct session *s, const char *path, const struct page *page)
{
	if (s->opts->task.num_pictures > 1)
		printf("%s:\n", path);
	for (size_t i = 0; i < page->count; i++)
		printf("%s\n", page->texts[i].text);
}

static int draw(struct page *page, const char *path)
{
	char label[32];

	for (size_t i = 0; i < page->count; i++) {
		const struct accel_point *c = page->texts[i].corners;
		struct box box = {
			.left = (int)fminf(fminf(c[0].x, c[1].x), fminf(c[2].x, c[3].x)),
			.top = (int)fminf(fminf(c[0].y, c[1].y), fminf(c[2].y, c[3].y)),
			.right = (int)ceilf(fmaxf(fmaxf(c[0].x, c[1].x), fmaxf(c[2].x, c[3].x))),
			.bottom = (int)ceilf(fmaxf(fmaxf(c[0].y, c[1].y), fmaxf(c[2].y, c[3].y))),
		};

		snprintf(label, sizeof(label), "%zu", i + 1);
		draw_box(&page->picture, box, (unsigned int)i, label);
	}
	return picture_write_png(path, &page->picture) ? CLI_FAILED : CLI_OK;
}

static int do_page(struct session *s, const char *path)
{
	struct page page = { 0 };
	int ret = picture_load(path, &page.picture) ? CLI_FAILED : read_page(s, &page);

	if (!ret && s->opts->task.json)
		json_page(&s->json, path, &page);
	else if (!ret)
		print_page(s, path, &page);
	if (!ret && s->opts->task.boxes)
		ret = draw(&page, s->opts->task.boxes);
	accel_text_free(page.texts, page.count);
	free(page.picture.rgb);
	return ret;
}

static int work(struct session *s)
{
	int ret = set_up(s);

	if (ret)
		return ret;
	if (s->opts->task.json) {
		json_open(&s->json, NULL, '{');
		json_open(&s->json, "pictures", '[');
	}
	for (int i = 0; i < s->opts->task.num_pictures && !ret; i++)
		ret = do_page(s, s->opts->task.pictures[i]);
	if (s->opts->task.json) {
		json_close(&s->json, ']');
		json_close(&s->json, '}');
	}
	return ret;
}

static void tear_down(struct session *s)
{
	accel_keys_free(s->keys);
	nets_close(&s->nets);
}

enum { OPT_DETECTOR = TASK_OPTION_FIRST, OPT_DIRECTION, OPT_RECOGNIZER, OPT_KEYS, OPT_THRESHOLD };

static int set_option(void *arg, int opt)
{
	struct options *opts = arg;

	switch (opt) {
	case OPT_DETECTOR:
		opts->detector = optarg;
		break;
	case OPT_DIRECTION:
		opts->direction = optarg;
		break;
	case OPT_RECOGNIZER:
		opts->recognizer = optarg;
		break;
	case OPT_KEYS:
		opts->keys = optarg;
		break;
	case OPT_THRESHOLD:
		return cli_fraction(&run_ocr_command, "threshold", 0, &opts->threshold);
	}
	return CLI_OK;
}

static int check(const struct options *opts)
{
	if (!opts->recognizer || !opts->keys)
		return cli_usage(&run_ocr_command, "run ocr: no %s",
				 opts->recognizer ? "--keys" : "--recognizer");
	return CLI_OK;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "detector", required_argument, NULL, OPT_DETECTOR },
		{ "direction", required_argument, NULL, OPT_DIRECTION },
		{ "recognizer", required_argument, NULL, OPT_RECOGNIZER },
		{ "keys", required_argument, NULL, OPT_KEYS },
		{ "threshold", required_argument, NULL, OPT_THRESHOLD },
		TASK_OPTIONS,
		{ 0 },
	};
	struct options opts = { .threshold = 0.5 };
	struct session session = { .opts = &opts, .json.to = stdout };
	int ret = task_parse(&run_ocr_command, argc, argv, longs, set_option, &opts, &opts.task);

	if (!ret)
		ret = check(&opts);
	if (ret)
		return ret;
	session.nets = (struct nets){ .device = opts.task.device, .config = opts.task.config };
	ret = work(&session);
	tear_down(&session);
	return ret;
}

const struct command run_ocr_command = {
	.name = "run ocr",
	.arguments = "PICTURE... --recognizer MODEL --keys FILE [--detector MODEL] [OPTIONS]",
	.summary = "read the text in a picture",
	.options =
	"      --detector M    model that finds text; without it the picture is one line\n"
	"      --recognizer M  model that reads a line\n"
	"      --keys FILE     the characters that it knows, one a line\n"
	"      --direction M   model that tells text from text upside down\n"
	"      --threshold T   leave out lines with a lower score (default 0.5)\n"
	"  -b, --boxes OUT.png draw where the lines are, numbered\n"
	"  -d, --device DEVICE drm:0, sim; default: $ACCEL_DEVICE, else the first NPU\n"
	"  -c, --config NAME   for models that are compiled on the fly: the NPU\n"
	"  -j, --json          print JSON, with scores and corners\n",
	.run = run,
};
