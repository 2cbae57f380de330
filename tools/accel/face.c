// SPDX-License-Identifier: MIT
/* accel run face: faces in a picture, and whether two pictures show the same. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"
#include "json.h"
#include "nets.h"
#include "picture.h"
#include "task.h"

#define DEFAULT_THRESHOLD	0.65
#define DEFAULT_SAME		0.5
#define MAX_TILES		16

struct options {
	struct task_options task;
	const char *detector;
	const char *rnet, *onet;	/* an MTCNN's; or both NULL */
	const char *landmarks;
	const char *embedder;
	double threshold;
	double same;
	unsigned long tiles;
	int compare;
};

/* The faces of a picture; embeddings[i] belongs to faces[i] */
struct scene {
	struct picture picture;
	struct accel_face *faces;
	float **embeddings;
	size_t count;
	size_t length;			/* of an embedding; 0: there are none */
};

struct session {
	const struct options *opts;
	struct nets nets;
	struct accel_net *detector, *rnet, *onet, *landmarks, *embedder;
	struct scene *scenes;		/* [num_pictures] */
};

static int describe(struct session *s, const struct accel_picture *view, struct scene *scene,
		    size_t i)
{
	struct accel_error err;

	if (s->landmarks && accel_face_landmarks(s->landmarks, view, &scene->faces[i], &err))
		return cli_error("%s", err.text);
	if (s->embedder && accel_face_embed(s->embedder, view, &scene->faces[i],
					    &scene->embeddings[i], &scene->length, &err))
		return cli_error("%s", err.text);
	return CLI_OK;
}

static int find_faces(struct session *s, const struct accel_picture *view, struct scene *scene)
{
	struct accel_net *const mtcnn[] = { s->detector, s->rnet, s->onet };
	float threshold = (float)s->opts->threshold;
	struct accel_error err;
	int ret;

	if (s->onet)
		ret = accel_faces_mtcnn(mtcnn, view, threshold, &scene->faces, &scene->count,
					&err);
	else
		ret = accel_faces_find(s->detector, view, threshold,
				       (unsigned int)s->opts->tiles, &scene->faces, &scene->count,
				       &err);
	return ret ? cli_error("%s", err.text) : CLI_OK;
}

static int look_at(struct session *s, const char *path, struct scene *scene)
{
	struct accel_picture view;
	int ret;

	if (picture_load(path, &scene->picture))
		return CLI_FAILED;
	view = (struct accel_picture){ scene->picture.width, scene->picture.height,
				       scene->picture.rgb };
	ret = find_faces(s, &view, scene);
	if (ret)
		return ret;
	scene->embeddings = calloc(scene->count + 1, sizeof(*scene->embeddings));
	if (!scene->embeddings)
		return cli_error("out of memory");
	for (size_t i = 0; i < scene->count && !ret; i++)
		ret = describe(s, &view, scene, i);
	return ret;
}

static int rounded(float at)
{
	return (int)floor((double)at + 0.5);
}

static void print_scene(const char *path, const struct scene *scene)
{
	printf("%s: %zu face%s\n", path, scene->count, scene->count == 1 ? "" : "s");
	for (size_t i = 0; i < scene->count; i++) {
		const struct accel_face *face = &scene->faces[i];

		printf("  %zu  %.6f  (%d, %d) to (%d, %d)\n", i + 1, (double)face->score,
		       rounded(face->box.left), rounded(face->box.top), rounded(face->box.right),
		       rounded(face->box.bottom));
	}
}

static void json_points(struct json *json, const struct accel_face *face)
{
	static const char *const names[ACCEL_FACE_POINTS] = {
		[ACCEL_LEFT_EYE] = "left_eye",
		[ACCEL_RIGHT_EYE] = "right_eye",
		[ACCEL_NOSE] = "nose",
		[ACCEL_MOUTH_LEFT] = "mouth_left",
		[ACCEL_MOUTH_RIGHT] = "mouth_right",
		[ACCEL_MOUTH] = "mouth",
	};

	json_open(json, "points", '{');
	for (unsigned int i = 0; i < ACCEL_FACE_POINTS; i++) {
		if (!(face->known & (1u << i)))
			continue;
		json_open(json, names[i], '[');
		json_double(json, NULL, (double)face->points[i].x);
		json_double(json, NULL, (double)face->points[i].y);
		json_close(json, ']');
	}
	json_close(json, '}');
}

static void json_scene(struct json *json, const char *path, const struct scene *scene)
{
	json_open(json, NULL, '{');
	json_string(json, "picture", path);
	json_unsigned(json, "width", scene->picture.width);
	json_unsigned(json, "height", scene->picture.height);
	json_open(json, "faces", '[');
	for (size_t i = 0; i < scene->count; i++) {
		const struct accel_face *face = &scene->faces[i];

		json_open(json, NULL, '{');
		json_double(json, "score", (double)face->score);
		json_double(json, "left", (double)face->box.left);
		json_double(json, "top", (double)face->box.top);
		json_double(json, "right", (double)face->box.right);
		json_double(json, "bottom", (double)face->box.bottom);
		json_points(json, face);
		if (scene->embeddings[i]) {
			json_open(json, "embedding", '[');
			for (size_t k = 0; k < scene->length; k++)
				json_double(json, NULL, (double)scene->embeddings[i][k]);
			json_close(json, ']');
		}
		json_close(json, '}');
	}
	json_close(json, ']');
	json_close(json, '}');
}

/* The two faces, one of each picture, that are most alike */
struct pair {
	size_t a, b;
	double similarity;
};

static double similarity(const struct session *s, size_t a, size_t b)
{
	const struct scene *x = &s->scenes[0], *y = &s->scenes[1];

	return (double)accel_cosine(x->embeddings[a], y->embeddings[b], x->length);
}

static struct pair closest(const struct session *s)
{
	struct pair best = { 0, 0, -2 };

	for (size_t a = 0; a < s->scenes[0].count; a++) {
		for (size_t b = 0; b < s->scenes[1].count; b++) {
			struct pair next = { a, b, similarity(s, a, b) };

			if (next.similarity > best.similarity)
				best = next;
		}
	}
	return best;
}

static void print_comparison(const struct session *s)
{
	const struct options *opts = s->opts;
	struct pair best = closest(s);

	printf("most alike: face %zu of %s and face %zu of %s, similarity %.4f: %s\n", best.a + 1,
	       opts->task.pictures[0], best.b + 1, opts->task.pictures[1], best.similarity,
	       best.similarity >= opts->same ? "the same person" : "different persons");
}

static void json_comparison(struct json *json, const struct session *s)
{
	struct pair best = closest(s);

	json_open(json, "similarities", '[');
	for (size_t a = 0; a < s->scenes[0].count; a++) {
		json_open(json, NULL, '[');
		for (size_t b = 0; b < s->scenes[1].count; b++)
			json_double(json, NULL, similarity(s, a, b));
		json_close(json, ']');
	}
	json_close(json, ']');
	json_double(json, "similarity", best.similarity);
	json_bool(json, "same", best.similarity >= s->opts->same);
}

static void print(const struct session *s)
{
	struct json json = { .to = stdout };

	if (!s->opts->task.json) {
		for (int i = 0; i < s->opts->task.num_pictures; i++)
			print_scene(s->opts->task.pictures[i], &s->scenes[i]);
		if (s->opts->compare)
			print_comparison(s);
		return;
	}
	json_open(&json, NULL, '{');
	json_open(&json, "pictures", '[');
	for (int i = 0; i < s->opts->task.num_pictures; i++)
		json_scene(&json, s->opts->task.pictures[i], &s->scenes[i]);
	json_close(&json, ']');
	if (s->opts->compare)
		json_comparison(&json, s);
	json_close(&json, '}');
}

static int draw(const struct scene *scene, const char *path)
{
	struct picture copy = scene->picture;
	char label[32];

	for (size_t i = scene->count; i-- > 0;) {
		const struct accel_box *b = &scene->faces[i].box;
		struct box box = { rounded(b->left), rounded(b->top), rounded(b->right),
				   rounded(b->bottom) };

		snprintf(label, sizeof(label), "%zu: %.0f%%", i + 1,
			 100 * (double)scene->faces[i].score);
		draw_box(&copy, box, (unsigned int)i, label);
	}
	return picture_write_png(path, &copy) ? CLI_FAILED : CLI_OK;
}

static int work(struct session *s)
{
	const struct options *opts = s->opts;
	int ret = nets_open(&s->nets, opts->detector, &s->detector);

	if (!ret)
		ret = nets_open_if(&s->nets, opts->rnet, &s->rnet);
	if (!ret)
		ret = nets_open_if(&s->nets, opts->onet, &s->onet);
	if (!ret)
		ret = nets_open_if(&s->nets, opts->landmarks, &s->landmarks);
	if (!ret)
		ret = nets_open_if(&s->nets, opts->embedder, &s->embedder);
	s->scenes = calloc((size_t)opts->task.num_pictures, sizeof(*s->scenes));
	if (!ret && !s->scenes)
		ret = cli_error("out of memory");
	for (int i = 0; i < opts->task.num_pictures && !ret; i++) {
		ret = look_at(s, opts->task.pictures[i], &s->scenes[i]);
		if (!ret && opts->compare && s->scenes[i].count == 0)
			ret = cli_error("%s: no face in it", opts->task.pictures[i]);
	}
	if (ret)
		return ret;
	print(s);
	return opts->task.boxes ? draw(&s->scenes[0], opts->task.boxes) : CLI_OK;
}

static void tear_down(struct session *s)
{
	for (int i = 0; s->scenes && i < s->opts->task.num_pictures; i++) {
		struct scene *scene = &s->scenes[i];

		for (size_t k = 0; scene->embeddings && k < scene->count; k++)
			free(scene->embeddings[k]);
		free(scene->embeddings);
		free(scene->faces);
		free(scene->picture.rgb);
	}
	free(s->scenes);
	nets_close(&s->nets);
}

enum { OPT_COMPARE = TASK_OPTION_FIRST, OPT_DETECTOR, OPT_RNET, OPT_ONET, OPT_LANDMARKS,
       OPT_EMBEDDER, OPT_THRESHOLD, OPT_SAME, OPT_TILES };

static int set_option(void *arg, int opt)
{
	struct options *opts = arg;

	switch (opt) {
	case OPT_COMPARE:
		opts->compare = 1;
		break;
	case OPT_DETECTOR:
		opts->detector = optarg;
		break;
	case OPT_RNET:
		opts->rnet = optarg;
		break;
	case OPT_ONET:
		opts->onet = optarg;
		break;
	case OPT_LANDMARKS:
		opts->landmarks = optarg;
		break;
	case OPT_EMBEDDER:
		opts->embedder = optarg;
		break;
	case OPT_THRESHOLD:
		return cli_fraction(&run_face_command, "threshold", 0, &opts->threshold);
	case OPT_SAME:
		return cli_fraction(&run_face_command, "same", -1, &opts->same);
	case OPT_TILES:
		if (cli_number(optarg, 1, MAX_TILES, &opts->tiles))
			return cli_usage(&run_face_command,
					 "run face: --tiles: expected 1 to %d, got '%s'",
					 MAX_TILES, optarg);
		break;
	}
	return CLI_OK;
}

static int check(const struct options *opts)
{
	if (opts->compare && opts->task.num_pictures != 2)
		return cli_usage(&run_face_command,
				 "run face: expected two pictures to compare, got %d",
				 opts->task.num_pictures);
	if (!opts->detector)
		return cli_usage(&run_face_command, "run face: no --detector");
	if (!opts->rnet != !opts->onet)
		return cli_usage(&run_face_command, "run face: --rnet and --onet go together");
	if (opts->onet && opts->tiles > 1)
		return cli_usage(&run_face_command,
				 "run face: an MTCNN finds small faces without --tiles");
	if (opts->compare && !opts->embedder)
		return cli_usage(&run_face_command, "run face: --compare needs --embedder");
	return CLI_OK;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "compare", no_argument, NULL, OPT_COMPARE },
		{ "detector", required_argument, NULL, OPT_DETECTOR },
		{ "rnet", required_argument, NULL, OPT_RNET },
		{ "onet", required_argument, NULL, OPT_ONET },
		{ "landmarks", required_argument, NULL, OPT_LANDMARKS },
		{ "embedder", required_argument, NULL, OPT_EMBEDDER },
		{ "threshold", required_argument, NULL, OPT_THRESHOLD },
		{ "same", required_argument, NULL, OPT_SAME },
		{ "tiles", required_argument, NULL, OPT_TILES },
		TASK_OPTIONS,
		{ 0 },
	};
	struct options opts = { .threshold = DEFAULT_THRESHOLD, .same = DEFAULT_SAME, .tiles = 1 };
	struct session session = { .opts = &opts };
	int ret = task_parse(&run_face_command, argc, argv, longs, set_option, &opts, &opts.task);

	if (!ret)
		ret = check(&opts);
	if (ret)
		return ret;
	session.nets = (struct nets){ .device = opts.task.device, .config = opts.task.config };
	ret = work(&session);
	tear_down(&session);
	return ret;
}

const struct command run_face_command = {
	.name = "run face",
	.arguments = "PICTURE... --detector MODEL [OPTIONS]\n"
	"       accel run face --compare A B --detector MODEL --embedder MODEL [OPTIONS]",
	.summary = "find faces in pictures, or compare those of two",
	.options =
	"      --compare       tell whether pictures A and B show the same person\n"
	"      --detector M    model that finds faces: [1, n, 2] and [1, n, 4], or MediaPipe's\n"
	"      --rnet M, --onet M  of an MTCNN, whose P-Net is the detector\n"
	"      --landmarks M   model of 68 landmarks, by which faces are aligned\n"
	"      --embedder M    model that makes a vector of an aligned face\n"
	"      --threshold T   leave out faces with a lower score (default 0.65)\n"
	"      --same T        similarity from which two faces are the same (default 0.5)\n"
	"      --tiles N       look at N x N parts too, for many small faces (default 1)\n"
	"  -b, --boxes OUT.png draw the faces\n"
	"  -d, --device DEVICE drm:0, sim; default: $ACCEL_DEVICE, else the first NPU\n"
	"  -c, --config NAME   for models that are compiled on the fly: the NPU\n"
	"  -j, --json          print JSON, with points and embeddings\n",
	.run = run,
};
