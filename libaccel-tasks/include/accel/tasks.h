/* SPDX-License-Identifier: MIT */
/*
 * libaccel-tasks: from a picture to a model's input, and from its outputs to
 * classes, objects, faces and text. For models that libaccel runs, or anything
 * else that gives arrays of floats.
 *
 * A task is three steps, and one type carries it from end to end:
 *
 *	struct accel_map map;		output pixel -> place in the picture
 *
 *	accel_map_letterbox(&map, ...);			how the picture gets into the input
 *	accel_net_show(net, &picture, &map, &pixels, &err);	fill the input, and run
 *	accel_detect(net, ...);				boxes, in the input's pixels
 *	accel_map_box(&map, &box);			the same, in the picture's
 *
 * The functions of whole tasks at the end do all three.
 *
 * Units: coordinates are pixels from the top left corner of the picture's top
 * left pixel, so that the centre of that pixel is (0.5, 0.5). Scores are
 * probabilities. Angles don't occur: what is turned is given by its corners.
 *
 * Errors: as in libaccel, 0 or a negative errno with the struct accel_error
 * filled in. -EINVAL: the model's shapes don't fit the task, and the text says
 * which and what was expected; -ENOMEM; else what libaccel said.
 *
 * Ownership: a list that a function makes is released by free(), lines of text
 * by accel_text_free(). Pictures and arrays are only looked at.
 *
 * Threads: there is no global state. A net is used by one thread at a time, as
 * the instance behind it; everything else by any number.
 */
#ifndef ACCEL_TASKS_H
#define ACCEL_TASKS_H

#include <stddef.h>
#include <stdint.h>

#include <accel/device.h>
#include <accel/error.h>
#include <accel/model.h>
#include <accel/tensor.h>
#include <accel/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 8-bit RGB, rows from the top without padding */
struct accel_picture {
	uint32_t width;
	uint32_t height;
	const uint8_t *rgb;
};

struct accel_point {
	float x, y;
};

struct accel_box {
	float left, top, right, bottom;
};

/* ---- geometry: where an input's pixels come from ---- */

/* A projective map: (x, y, 1) of the input times m is (x w, y w, w) in the picture */
struct accel_map {
	double m[9];
};

/* All of the picture, each side by itself */
ACCEL_API void accel_map_stretch(struct accel_map *map, const struct accel_picture *picture,
				 uint32_t width, uint32_t height);

enum accel_gravity {
	ACCEL_CENTRE,
	ACCEL_TOP_LEFT,
};

/* All of the picture, in its proportions; the rest of the input is filled */
ACCEL_API void accel_map_letterbox(struct accel_map *map, const struct accel_picture *picture,
				   uint32_t width, uint32_t height, enum accel_gravity gravity);
/* A part of the picture, which may reach beyond it */
ACCEL_API void accel_map_crop(struct accel_map *map, const struct accel_box *box, uint32_t width,
			      uint32_t height);
/*
 * Turned, scaled and moved so that @points of the picture come as close as can
 * be (least squares) to @targets of the input. -EINVAL: @targets are all alike
 */
ACCEL_API int accel_map_align(struct accel_map *map, const struct accel_point *points,
			      const struct accel_point *targets, unsigned int count);
/*
 * The quadrilateral @corners, clockwise from what becomes the top left. -EINVAL:
 * it has no area, or isn't convex
 */
ACCEL_API int accel_map_quad(struct accel_map *map, const struct accel_point corners[4],
			     uint32_t width, uint32_t height);

ACCEL_API struct accel_point accel_map_point(const struct accel_map *map, struct accel_point at);
/* For maps that don't turn: the box of the two corners */
ACCEL_API struct accel_box accel_map_box(const struct accel_map *map, const struct accel_box *box);

/*
 * accel_map_sample() - what @map shows of @picture, in 3 * @width * @height bytes
 * @fill: value of what lies outside
 *
 * Bilinear between pixel centres, edges repeated, without antialiasing. The
 * same bytes on every machine.
 */
ACCEL_API void accel_map_sample(const struct accel_map *map, const struct accel_picture *picture,
				uint32_t width, uint32_t height, uint8_t fill, uint8_t *rgb);

/* ---- a net: floats in, floats out ---- */

/* A tensor of real values, dense and row major */
struct accel_values {
	const char *name;
	uint32_t rank;
	uint32_t dims[ACCEL_MAX_RANK];	/* past rank: 1 */
	size_t count;
	const float *data;		/* of an output: valid until the next run */
};

/* The shape of a tensor, without data */
ACCEL_API struct accel_values accel_shape_of(const struct accel_tensor *tensor);

#define ACCEL_NET_OUTPUTS	16

/* Made by accel_net_create(), or by the caller over another runtime */
struct accel_net {
	const char *name;		/* the file, in errors */
	struct accel_values input;	/* data isn't used */
	unsigned int num_outputs;
	struct accel_values outputs[ACCEL_NET_OUTPUTS];
	/* Run on input.count floats and set data, and dims, of the outputs. 0, or as above */
	int (*run)(struct accel_net *net, const float *input, struct accel_error *err);
	void (*release)(struct accel_net *net);
};

/*
 * accel_net_create() - an instance of @model on @dev that takes and gives floats
 *
 * Quantizes the input and dequantizes the outputs by the tensors' scale and
 * zero point. @model has one input; it and @dev are held.
 */
ACCEL_API int accel_net_create(struct accel_model *model, struct accel_device *dev,
			       struct accel_net **net, struct accel_error *err);
ACCEL_API void accel_net_release(struct accel_net *net);	/* NULL: nothing */

/* Real values to the nearest that @tensor can hold, in @data */
ACCEL_API void accel_quantize(const struct accel_tensor *tensor, const float *values, void *data);
ACCEL_API void accel_dequantize(const struct accel_tensor *tensor, const void *data,
				float *values);

/* How a pixel's bytes become an input's values: (byte - mean) * scale */
struct accel_pixels {
	float mean[3];			/* in the order of the input's channels */
	float scale[3];
	int bgr;			/* the input's first channel is blue */
	uint8_t fill;			/* byte outside of the picture */
};

/*
 * accel_pixels_place() - the values of an input
 * @shape: [n, height, width, c] or [n, c, height, width], c 3 or 1 (luma); all n get the same
 * @rgb: @width x @height of the shape, as accel_map_sample() makes it
 */
ACCEL_API int accel_pixels_place(const struct accel_pixels *pixels,
				 const struct accel_values *shape, const uint8_t *rgb,
				 float *values, struct accel_error *err);
/* Width and height of an input for pictures; -EINVAL: it takes none */
ACCEL_API int accel_input_size(const struct accel_values *input, uint32_t *width,
			       uint32_t *height, struct accel_error *err);
/* Fill the net's input with what @map shows of @picture, and run */
ACCEL_API int accel_net_show(struct accel_net *net, const struct accel_picture *picture,
			     const struct accel_map *map, const struct accel_pixels *pixels,
			     struct accel_error *err);

/* ---- classes and objects ---- */

struct accel_class {
	size_t index;
	float score;
};

/* The @want best of @count scores, best first, of equals the first; returns how many */
ACCEL_API size_t accel_top(const float *scores, size_t count, struct accel_class *top, size_t want);

struct accel_object {
	struct accel_box box;
	size_t class_index;
	float score;
};

/* Intersection over union */
ACCEL_API float accel_box_overlap(const struct accel_box *a, const struct accel_box *b);

/*
 * accel_nms() - leave out objects that overlap a better one by more than @overlap
 *
 * Sorts @objects, best first, moves those that stay to the front, and returns
 * their number. Only objects of one class compete. Scores and boxes that are
 * not numbers, and boxes without area, don't stay.
 */
ACCEL_API size_t accel_nms(struct accel_object *objects, size_t count, float overlap);

enum accel_detector {
	ACCEL_DETECTOR_NONE,
	ACCEL_DETECTOR_SSD,	/* TFLite_Detection_PostProcess: SSD, EfficientDet-Lite */
	ACCEL_DETECTOR_YOLO,	/* YOLOv8 and later: [1, 4 + classes, n] */
	ACCEL_DETECTOR_YOLO_SPLIT,	/* [1, 4, n] and [1, classes, n], which quantizes better */
};

/* By the shapes of the outputs and the size of the input; data isn't looked at */
ACCEL_API enum accel_detector accel_detector_kind(const struct accel_values *outputs,
						  unsigned int count, uint32_t width,
						  uint32_t height);

/* What a kind of detector expects of its input; NULL: the bytes as they are */
ACCEL_API const struct accel_pixels *accel_detector_pixels(enum accel_detector kind);
ACCEL_API void accel_detector_map(enum accel_detector kind, const struct accel_picture *picture,
				  uint32_t width, uint32_t height, struct accel_map *map);

/*
 * accel_detect() - objects in the outputs of a detector
 * @width, @height: of the input; boxes are in its pixels
 * @threshold: lowest score
 * @objects: best first, free(); NULL if there are none
 *
 * YOLO's boxes are thinned out by accel_nms() at 0.45; the others are already.
 */
ACCEL_API int accel_detect(const struct accel_values *outputs, unsigned int num_outputs,
			   uint32_t width, uint32_t height, float threshold,
			   struct accel_object **objects, size_t *count, struct accel_error *err);

/* ---- anchors ---- */

struct accel_anchor {
	float x, y, width, height;	/* centre and size, fractions of the input */
};

/* EfficientDet's: strides 8 to 128, 3 octaves, aspects 1, 2, 1/2; free() */
ACCEL_API struct accel_anchor *accel_anchors_efficientdet(uint32_t width, uint32_t height,
							  size_t *count);
/*
 * Objects of raw heads: @boxes [n, 4] as (y, x, log h, log w) relative to
 * @anchors, divided by @scales of the same order (NULL: 1), @scores [n, @classes].
 * Not thinned out. As accel_detect()
 */
ACCEL_API int accel_decode_anchors(const struct accel_anchor *anchors, size_t n,
				   const float *boxes, const float *scores, size_t classes,
				   const float scales[4], uint32_t width, uint32_t height,
				   float threshold, struct accel_object **objects, size_t *count,
				   struct accel_error *err);

/* ---- faces ---- */

/* As seen in the picture: left is the picture's left */
enum accel_face_point {
	ACCEL_LEFT_EYE, ACCEL_RIGHT_EYE, ACCEL_NOSE, ACCEL_MOUTH_LEFT, ACCEL_MOUTH_RIGHT,
	ACCEL_MOUTH,			/* its centre; for detectors that know no corners */
	ACCEL_FACE_POINTS
};

struct accel_face {
	struct accel_box box;		/* pixels of the picture */
	float score;
	uint32_t known;			/* bit mask of the points that are set */
	struct accel_point points[ACCEL_FACE_POINTS];
};

/*
 * accel_faces_find() - faces in a picture
 * @detector: outputs [1, n, 2] and [1, n, 4] (scores and corners of boxes as
 *	fractions; the whole picture is shown, stretched), or those of
 *	MediaPipe's short range or full range detector, which find points too
 * @tiles: 1: the picture as a whole; n: also in n x n parts that overlap by a
 *	quarter, for pictures with many small faces
 * @faces: best first, free(); NULL if there are none
 */
ACCEL_API int accel_faces_find(struct accel_net *detector, const struct accel_picture *picture,
			       float threshold, unsigned int tiles, struct accel_face **faces,
			       size_t *count, struct accel_error *err);
/*
 * accel_faces_mtcnn() - the same by an MTCNN: three nets, each looking closer
 * @nets: P, for windows of 12 pixels in an input of any size, [1, x, y, 3] with columns
 *	first as in TensorFlow's versions; R, 24 x 24; O, 48 x 48
 * @threshold: lowest score of the last one
 *
 * Faces of 20 pixels and more, with five points.
 */
ACCEL_API int accel_faces_mtcnn(struct accel_net *const nets[3],
				const struct accel_picture *picture, float threshold,
				struct accel_face **faces, size_t *count,
				struct accel_error *err);
/*
 * Set @face's points by a net of 68 landmarks: input of one channel, values
 * byte / 256, showing the face's square; output 136 fractions, x and y by turns
 */
ACCEL_API int accel_face_landmarks(struct accel_net *net, const struct accel_picture *picture,
				   struct accel_face *face, struct accel_error *err);
/*
 * The face moved so that its points lie as in the 112 x 112 pictures that
 * recognizers are trained with; without points: its box, widened to a square
 */
ACCEL_API int accel_face_map(const struct accel_face *face, uint32_t width, uint32_t height,
			     struct accel_map *map);
/*
 * What makes this face this face: @embedding, of length 1, free(). -EINVAL also:
 * all values are 0
 */
ACCEL_API int accel_face_embed(struct accel_net *net, const struct accel_picture *picture,
			       const struct accel_face *face, float **embedding, size_t *count,
			       struct accel_error *err);
/* -1 to 1; 0 if one of them has no length */
ACCEL_API float accel_cosine(const float *a, const float *b, size_t count);

/* ---- text ---- */

struct accel_text {
	struct accel_point corners[4];	/* clockwise from where the text's top left is */
	float score;			/* that there is text; after reading, of what it says */
	char *text;			/* UTF-8, or NULL: not read */
};

/* The characters that a recognizer knows, from a file of one a line */
struct accel_keys;
ACCEL_API int accel_keys_load(const char *path, struct accel_keys **keys, struct accel_error *err);
ACCEL_API void accel_keys_free(struct accel_keys *keys);	/* NULL: nothing */

/*
 * accel_text_boxes() - regions of text in a map of probabilities (DB)
 * @map: [@height][@width]: how likely each pixel is text
 * @texts: corners in the map's pixels, free()
 *
 * Pixels over 0.3 that hang together and have a mean of 0.6 or more: the
 * smallest rectangle around them, widened by area * 1.5 / perimeter.
 */
ACCEL_API int accel_text_boxes(const float *map, uint32_t width, uint32_t height,
			       struct accel_text **texts, size_t *count, struct accel_error *err);
/* The same for a picture, in reading order: rows from the top, each from the left */
ACCEL_API int accel_text_find(struct accel_net *detector, const struct accel_picture *picture,
			      struct accel_text **texts, size_t *count, struct accel_error *err);
/*
 * The most likely text of [@steps][@classes] probabilities: class 0 is "no
 * character", then the keys, and a space if there is one class more. -EINVAL:
 * @classes doesn't fit the keys. @text: free()
 */
ACCEL_API int accel_text_decode(const float *scores, size_t steps, size_t classes,
				const struct accel_keys *keys, char **text, float *score,
				struct accel_error *err);
/*
 * Read @text in @picture, and set its text and score. @direction: a net that
 * tells text from text upside down, or NULL; what it takes for upside down is
 * read both ways, and the better reading counts. Text that is wider than the
 * recognizer's input is read in parts, which are cut where it has a gap.
 */
ACCEL_API int accel_text_read(struct accel_net *recognizer, struct accel_net *direction,
			      const struct accel_keys *keys, const struct accel_picture *picture,
			      struct accel_text *text, struct accel_error *err);
ACCEL_API void accel_text_free(struct accel_text *texts, size_t count);

#ifdef __cplusplus
}
#endif

#endif
