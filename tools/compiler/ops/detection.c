// SPDX-License-Identifier: MIT
/* TFLite_Detection_PostProcess: a step for the host, with its anchors as floats. */
#include <math.h>
#include <string.h>

#include "operator.h"

enum { BOXES, SCORES, ANCHORS };

#define MAX_DETECTIONS	65536

static const char *check_input(struct graph *g, const struct tensor *t, const char *what, int rank)
{
	const char *reason = NULL;

	if (!t || t->type != DTYPE_F32)
		reason = check_8bit(g, t, what);
	if (!reason && t->type == DTYPE_I8)
		reason = arena_printf(g->arena, "the %s are int8: uint8 or float32 is needed",
				      what);
	if (!reason && t->data)
		return arena_printf(g->arena, "the %s are constant", what);
	if (!reason && t->rank != rank)
		return arena_printf(g->arena, "the %s must have %d dimensions", what, rank);
	return reason;
}

static const char *check_anchors(struct graph *g, const struct op *op)
{
	const struct tensor *t = op->inputs[ANCHORS];

	if (!t || !t->data)
		return "the anchors must be constant";
	if (t->rank != 2 || t->dims[1] != 4 || t->dims[0] != op->inputs[BOXES]->dims[1])
		return "the anchors' shape does not fit the boxes";
	return t->type == DTYPE_F32 ? NULL : check_8bit(g, t, "anchors");
}

static const char *check_options(struct graph *g, const struct op *op)
{
	const struct detection_attrs *d = &op->attrs.detection;
	int32_t columns = op->inputs[SCORES]->dims[2];

	if (d->max_detections < 1 || d->max_classes_per_detection < 1 ||
	    (int64_t)d->max_detections * d->max_classes_per_detection > MAX_DETECTIONS)
		return arena_printf(g->arena, "%d detections of %d classes: 1 to %d in all",
				    d->max_detections, d->max_classes_per_detection,
				    MAX_DETECTIONS);
	if (d->num_classes < 1 || columns < d->num_classes || columns > d->num_classes + 1)
		return arena_printf(g->arena, "%d classes do not fit %d scores", d->num_classes,
				    columns);
	if (d->detections_per_class < 1)
		return "detections_per_class must be positive";
	if (!(d->scale_y > 0 && d->scale_x > 0 && d->scale_h > 0 && d->scale_w > 0) ||
	    isnan(d->score_threshold) || !(d->iou_threshold > 0 && d->iou_threshold <= 1))
		return arena_printf(g->arena, "scales %g %g %g %g, thresholds %g %g: scales must be positive, the second threshold in (0, 1]",
				    d->scale_y, d->scale_x, d->scale_h, d->scale_w,
				    d->score_threshold, d->iou_threshold);
	return NULL;
}

/* The source may leave the outputs' shapes open. */
static const char *check_outputs(struct graph *g, struct op *op)
{
	const struct detection_attrs *d = &op->attrs.detection;
	int32_t slots = d->max_detections * d->max_classes_per_detection;
	const int32_t dims[4][3] = { { 1, slots, 4 }, { 1, slots }, { 1, slots }, { 1 } };
	static const int ranks[4] = { 3, 2, 2, 1 };

	for (unsigned int i = 0; i < 4; i++) {
		struct tensor *t = op->outputs[i];
		const char *reason;

		if (t->type != DTYPE_F32)
			return "the outputs must be float32";
		if (t->consumers || !t->is_output)
			return "its outputs must be outputs of the model and nothing else";
		if (!t->rank) {
			t->rank = ranks[i];
			memcpy(t->dims, dims[i], sizeof(dims[i]));
		}
		reason = check_shape(g, t, ranks[i], dims[i]);
		if (reason)
			return reason;
	}
	return NULL;
}

const char *check_detection(struct graph *g, struct op *op)
{
	const char *reason = check_input(g, op->inputs[BOXES], "box encodings", 3);

	if (!reason)
		reason = check_input(g, op->inputs[SCORES], "class scores", 3);
	if (reason)
		return reason;
	if (op->inputs[BOXES]->dims[0] != 1 || op->inputs[SCORES]->dims[0] != 1)
		return "only a batch of 1 is supported";
	if (op->inputs[BOXES]->dims[2] != 4 ||
	    op->inputs[SCORES]->dims[1] != op->inputs[BOXES]->dims[1])
		return "the shapes of boxes and scores do not fit";
	reason = check_anchors(g, op);
	if (!reason)
		reason = check_options(g, op);
	return reason ? reason : check_outputs(g, op);
}

static float anchor_value(const struct tensor *t, int64_t i)
{
	float value;

	if (t->type == DTYPE_F32) {
		memcpy(&value, t->data + 4 * i, sizeof(value));
		return value;
	}
	value = t->type == DTYPE_I8 ? (float)(int8_t)t->data[i] : (float)t->data[i];
	return (value - (float)t->quant.zero_point[0]) * t->quant.scale[0];
}

void lower_detection(struct program *p, const struct op *op)
{
	const struct detection_attrs *d = &op->attrs.detection;
	const struct tensor *anchors = op->inputs[ANCHORS];
	size_t bytes = sizeof(struct enpu_detection_params) +
		       tensor_elements(anchors) * sizeof(float);
	struct enpu_detection_params *params = arena_alloc(p->arena, 1, bytes);

	*params = (struct enpu_detection_params) {
		.max_detections = d->max_detections,
		.max_classes_per_detection = d->max_classes_per_detection,
		.detections_per_class = d->detections_per_class,
		.num_classes = d->num_classes,
		.use_regular_nms = d->use_regular_nms,
		.num_anchors = anchors->dims[0],
		.score_threshold = d->score_threshold,
		.iou_threshold = d->iou_threshold,
		.y_scale = d->scale_y, .x_scale = d->scale_x,
		.h_scale = d->scale_h, .w_scale = d->scale_w,
	};
	for (int64_t i = 0; i < tensor_elements(anchors); i++)
		params->anchors[i / 4][i % 4] = anchor_value(anchors, i);
	*arena_push(p->arena, p->cpu_steps, p->n_cpu_steps) = (struct cpu_step) {
		.kind = ENPU_CPU_DETECTION_POSTPROCESS, .op = op, .n_inputs = ANCHORS,
		.first_layer = p->n_layers, .params = params, .params_bytes = bytes,
	};
}
