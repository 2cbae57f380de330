// SPDX-License-Identifier: MIT
/*
 * TFLite_Detection_PostProcess: from box encodings and class scores to boxes,
 * by non-maximum suppression, to the bit as TensorFlow Lite's kernel does it.
 *
 * That fixes more than the formulas: the order and width of the floating-point
 * operations, and which of equal scores comes first. The kernel picks the best
 * k by the standard library's partial_sort, whose order among equals follows
 * from its heap: best_first() goes the same way. The tensors were checked when
 * the model was loaded. Slots past the last detection are 0.
 */
#include "cpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

enum { IN_BOXES, IN_SCORES, NUM_IN };
enum { OUT_BOXES, OUT_CLASSES, OUT_SCORES, OUT_COUNT, NUM_OUT };

struct box {
	float ymin, xmin, ymax, xmax;
};

struct detector {
	const struct enpu_detection_params *params;
	const struct accel_tensor *score_tensor;
	const void *scores;
	uint32_t columns;		/* of scores: classes and, if it is there, background */
	uint32_t first_class;		/* column: 1 after a background */
	uint32_t anchors;
	struct box *boxes;		/* [anchors] */
	float *row_scores;		/* [anchors]: what the suppression compares */
	uint32_t *kept;			/* [anchors]: rows over the threshold, best first */
	uint32_t *spare;		/* [anchors]: for sorting */
	unsigned char *active;		/* [anchors] */
	uint32_t *selected;		/* [anchors] */
	struct box *out_boxes;
	float *out_classes;
	float *out_scores;
};

static float dequantize(const struct accel_tensor *tensor, const void *data, size_t index)
{
	if (tensor->dtype == ACCEL_F32)
		return ((const float *)data)[index];
	return (float)((double)tensor->scale *
		       (((const unsigned char *)data)[index] - tensor->zero_point));
}

/* Of a box encoding: not in the same order of operations as a score */
static float dequantize_coordinate(const struct accel_tensor *tensor, const void *data,
				   size_t index)
{
	if (tensor->dtype == ACCEL_F32)
		return ((const float *)data)[index];
	return ((float)((const unsigned char *)data)[index] - (float)tensor->zero_point) *
	       tensor->scale;
}

static float score(const struct detector *d, uint32_t row, uint32_t class)
{
	return dequantize(d->score_tensor, d->scores,
			  (size_t)row * d->columns + d->first_class + class);
}

static float decode_center(float encoded, float scale, float size, float center)
{
	return (float)((double)encoded / (double)scale * (double)size + (double)center);
}

static float decode_half(float encoded, float scale, float size)
{
	return (float)(0.5 * exp((double)encoded / (double)scale) * (double)size);
}

/* Returns 0 if a box is inside out. */
static int decode_boxes(struct detector *d, const struct accel_tensor *tensor, const void *data)
{
	const struct enpu_detection_params *p = d->params;

	for (uint32_t row = 0; row < d->anchors; row++) {
		const float *anchor = p->anchors[row];
		struct box *box = &d->boxes[row];
		float at[4], y, x, h, w;

		for (uint32_t i = 0; i < 4; i++)
			at[i] = dequantize_coordinate(tensor, data,
						      (size_t)row * tensor->dims[2] + i);
		y = decode_center(at[0], p->y_scale, anchor[2], anchor[0]);
		x = decode_center(at[1], p->x_scale, anchor[3], anchor[1]);
		h = decode_half(at[2], p->h_scale, anchor[2]);
		w = decode_half(at[3], p->w_scale, anchor[3]);
		*box = (struct box){ y - h, x - w, y + h, x + w };
		if (box->ymin > box->ymax || box->xmin > box->xmax)
			return 0;
	}
	return 1;
}

static float intersection_over_union(const struct box *a, const struct box *b)
{
	float area_a = (a->ymax - a->ymin) * (a->xmax - a->xmin);
	float area_b = (b->ymax - b->ymin) * (b->xmax - b->xmin);
	float height, width, both;

	if (area_a <= 0 || area_b <= 0)
		return 0;
	height = (b->ymax < a->ymax ? b->ymax : a->ymax) -
		 (a->ymin < b->ymin ? b->ymin : a->ymin);
	width = (b->xmax < a->xmax ? b->xmax : a->xmax) -
		(a->xmin < b->xmin ? b->xmin : a->xmin);
	both = (height > 0 ? height : 0) * (width > 0 ? width : 0);
	return both / (area_a + area_b - both);
}

/*
 * A heap of indices with the smallest value on top: the element at @hole is
 * replaced by @index, which goes where it belongs.
 */
static void heap_place(const float *values, uint32_t *heap, uint32_t size, uint32_t hole,
		       uint32_t index)
{
	uint32_t top = hole;

	while (2 * hole + 2 < size) {
		uint32_t child = 2 * hole + 2;

		if (values[heap[child]] > values[heap[child - 1]])
			child--;
		heap[hole] = heap[child];
		hole = child;
	}
	if (2 * hole + 2 == size) {
		heap[hole] = heap[2 * hole + 1];
		hole = 2 * hole + 1;
	}
	while (hole > top && values[heap[(hole - 1) / 2]] > values[index]) {
		heap[hole] = heap[(hole - 1) / 2];
		hole = (hole - 1) / 2;
	}
	heap[hole] = index;
}

/* The indices of the @k largest of @n values, largest first; @indices has room for @n. */
static void best_first(const float *values, uint32_t n, uint32_t k, uint32_t *indices)
{
	uint32_t best = 0;

	for (uint32_t i = 0; i < n; i++)
		indices[i] = i;
	if (k == 1) {
		for (uint32_t i = 1; i < n; i++)
			if (values[i] > values[best])
				best = i;
		indices[0] = best;
		return;
	}
	for (uint32_t i = k / 2; i-- > 0;)
		heap_place(values, indices, k, i, indices[i]);
	for (uint32_t i = k; k > 0 && i < n; i++) {
		if (values[indices[i]] > values[indices[0]]) {
			uint32_t index = indices[i];

			indices[i] = indices[0];
			heap_place(values, indices, k, 0, index);
		}
	}
	for (uint32_t i = k; i-- > 1;) {
		uint32_t index = indices[i];

		indices[i] = indices[0];
		heap_place(values, indices, i, 0, index);
	}
}

/* Merges two runs of rows, best score first; of equals those of the first run first */
static void merge(const float *values, const uint32_t *a, uint32_t num_a, const uint32_t *b,
		  uint32_t num_b, uint32_t *to)
{
	uint32_t i = 0, j = 0;

	while (i < num_a || j < num_b) {
		if (j == num_b || (i < num_a && !(values[b[j]] > values[a[i]])))
			*to++ = a[i++];
		else
			*to++ = b[j++];
	}
}

static void sort_stable(const float *values, uint32_t *rows, uint32_t n, uint32_t *spare)
{
	for (uint64_t run = 1; run < n; run *= 2) {
		for (uint64_t at = 0; at < n; at += 2 * run) {
			uint64_t mid = at + run < n ? at + run : n;
			uint64_t end = at + 2 * run < n ? at + 2 * run : n;

			merge(values, rows + at, (uint32_t)(mid - at), rows + mid,
			      (uint32_t)(end - mid), spare + at);
		}
		memcpy(rows, spare, n * sizeof(*rows));
	}
}

/* Of row_scores into selected; returns how many, at most @max */
static uint32_t suppress(struct detector *d, uint32_t max)
{
	uint32_t kept = 0, count = 0;

	for (uint32_t row = 0; row < d->anchors; row++)
		if (d->row_scores[row] >= d->params->score_threshold)
			d->kept[kept++] = row;
	sort_stable(d->row_scores, d->kept, kept, d->spare);
	memset(d->active, 1, kept);
	for (uint32_t i = 0; i < kept && count < max; i++) {
		if (!d->active[i])
			continue;
		d->selected[count++] = d->kept[i];
		for (uint32_t j = i + 1; j < kept; j++)
			if (d->active[j] &&
			    intersection_over_union(&d->boxes[d->kept[i]], &d->boxes[d->kept[j]]) >
			    d->params->iou_threshold)
				d->active[j] = 0;
	}
	return count;
}

static void emit(struct detector *d, size_t slot, uint32_t row, uint32_t class, float value)
{
	d->out_boxes[slot] = d->boxes[row];
	d->out_classes[slot] = (float)class;
	d->out_scores[slot] = value;
}

/* The best classes of each anchor; one suppression over the best scores */
static uint32_t fast_nms(struct detector *d, float *class_scores, uint32_t *order)
{
	const struct enpu_detection_params *p = d->params;
	uint32_t classes = p->num_classes;
	uint32_t best = p->max_classes_per_detection < classes ? p->max_classes_per_detection :
		classes;
	uint32_t count;

	for (uint32_t row = 0; row < d->anchors; row++) {
		float max = score(d, row, 0);

		for (uint32_t c = 1; c < classes; c++)
			if (score(d, row, c) > max)
				max = score(d, row, c);
		d->row_scores[row] = max;
	}
	count = suppress(d, p->max_detections);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t row = d->selected[i];

		for (uint32_t c = 0; c < classes; c++)
			class_scores[c] = score(d, row, c);
		best_first(class_scores, classes, best, order);
		for (uint32_t c = 0; c < best; c++)
			emit(d, (size_t)i * p->max_classes_per_detection + c, row, order[c],
			     class_scores[order[c]]);
	}
	return count;
}

/* What regular_nms() has found so far: [anchors + max_detections] */
struct candidates {
	float *scores;
	uint32_t *rows;
	uint32_t *classes;
	uint32_t *order;
	float *best_scores;
	uint32_t *best_rows;
	uint32_t *best_classes;
};

static uint32_t keep_best(struct candidates *c, uint32_t count, uint32_t max)
{
	uint32_t keep = count < max ? count : max;

	best_first(c->scores, count, keep, c->order);
	for (uint32_t i = 0; i < keep; i++) {
		c->best_scores[i] = c->scores[c->order[i]];
		c->best_rows[i] = c->rows[c->order[i]];
		c->best_classes[i] = c->classes[c->order[i]];
	}
	memcpy(c->scores, c->best_scores, keep * sizeof(*c->scores));
	memcpy(c->rows, c->best_rows, keep * sizeof(*c->rows));
	memcpy(c->classes, c->best_classes, keep * sizeof(*c->classes));
	return keep;
}

/* A suppression for each class; the best of all classes */
static uint32_t regular_nms(struct detector *d, struct candidates *c)
{
	const struct enpu_detection_params *p = d->params;
	uint32_t count = 0;

	for (uint32_t class = 0; class < p->num_classes; class++) {
		uint32_t found;

		for (uint32_t row = 0; row < d->anchors; row++)
			d->row_scores[row] = score(d, row, class);
		found = suppress(d, p->detections_per_class);
		for (uint32_t i = 0; i < found; i++, count++) {
			c->scores[count] = d->row_scores[d->selected[i]];
			c->rows[count] = d->selected[i];
			c->classes[count] = class;
		}
		count = keep_best(c, count, p->max_detections);
	}
	for (uint32_t i = 0; i < count; i++)
		emit(d, i, c->rows[i], c->classes[i], c->scores[i]);
	return count;
}

/* Cuts [count] elements of 4 bytes off the work memory */
static void *cut(char **memory, size_t count)
{
	void *part = *memory;

	*memory += count * sizeof(uint32_t);
	return part;
}

static uint32_t detect(struct detector *d, char *memory)
{
	size_t found = (size_t)d->anchors + d->params->max_detections;
	struct candidates c;
	float *class_scores;

	if (!d->params->use_regular_nms) {
		class_scores = cut(&memory, d->params->num_classes);
		return fast_nms(d, class_scores, cut(&memory, d->params->num_classes));
	}
	c.scores = cut(&memory, found);
	c.rows = cut(&memory, found);
	c.classes = cut(&memory, found);
	c.order = cut(&memory, found);
	c.best_scores = cut(&memory, found);
	c.best_rows = cut(&memory, found);
	c.best_classes = cut(&memory, found);
	return regular_nms(d, &c);
}

static size_t work_size(const struct detector *d)
{
	size_t n = d->anchors;
	size_t rows = 4 * n + 4 * n + n;	/* boxes, four arrays, and active in the last */

	if (d->params->use_regular_nms)
		rows += 7 * (n + d->params->max_detections);
	else
		rows += 2 * (size_t)d->params->num_classes;
	return rows * sizeof(uint32_t);
}

static const char *run(const struct accel_model_step *step, const void *const *inputs,
		       void *const *outputs)
{
	const struct enpu_detection_params *p = step->params;
	const struct accel_tensor *scores = &step->inputs[IN_SCORES]->tensor;
	struct detector d = {
		.params = p,
		.score_tensor = scores,
		.scores = inputs[IN_SCORES],
		.columns = scores->dims[2],
		.first_class = scores->dims[2] - p->num_classes,
		.anchors = p->num_anchors,
		.out_boxes = outputs[OUT_BOXES],
		.out_classes = outputs[OUT_CLASSES],
		.out_scores = outputs[OUT_SCORES],
	};
	char *work = malloc(work_size(&d));
	char *memory = work;
	const char *wrong = NULL;

	if (!work)
		return "out of memory";
	d.boxes = cut(&memory, 4 * (size_t)d.anchors);
	d.row_scores = cut(&memory, d.anchors);
	d.kept = cut(&memory, d.anchors);
	d.spare = cut(&memory, d.anchors);
	d.selected = cut(&memory, d.anchors);
	d.active = cut(&memory, d.anchors);
	for (unsigned int i = 0; i < NUM_OUT; i++)
		memset(outputs[i], 0, step->outputs[i]->tensor.size);
	if (decode_boxes(&d, &step->inputs[IN_BOXES]->tensor, inputs[IN_BOXES]))
		*(float *)outputs[OUT_COUNT] = (float)detect(&d, memory);
	else
		wrong = "a box has its end before its start";
	free(work);
	return wrong;
}

static int is_table(const struct accel_tensor *tensor, uint32_t rows)
{
	return tensor->rank == 3 && tensor->dims[0] == 1 && tensor->dims[1] == rows &&
	       (tensor->dtype == ACCEL_U8 || tensor->dtype == ACCEL_F32);
}

static const char *check_outputs(const struct accel_model_step *step,
				 const struct enpu_detection_params *p)
{
	uint64_t slots = (uint64_t)p->max_detections * p->max_classes_per_detection;
	const uint64_t elements[NUM_OUT] = {
		[OUT_BOXES] = 4 * slots,
		[OUT_CLASSES] = slots,
		[OUT_SCORES] = slots,
		[OUT_COUNT] = 1,
	};

	if (slots > UINT32_MAX)
		return "detection: max_detections: too many";
	for (unsigned int i = 0; i < NUM_OUT; i++)
		if (step->outputs[i]->tensor.dtype != ACCEL_F32 ||
		    step->outputs[i]->tensor.elements != elements[i])
			return "detection: outputs: not float, or not of the parameters' size";
	return NULL;
}

static const char *check(const struct accel_model_step *step)
{
	const struct enpu_detection_params *p = step->params;
	const struct accel_tensor *boxes, *scores;

	if (step->num_inputs != NUM_IN || step->num_outputs != NUM_OUT)
		return "detection: expected 2 inputs and 4 outputs";
	if (step->params_size < sizeof(*p) ||
	    step->params_size != sizeof(*p) + (uint64_t)p->num_anchors * sizeof(p->anchors[0]))
		return "detection: size: not that of the parameters with their anchors";
	boxes = &step->inputs[IN_BOXES]->tensor;
	scores = &step->inputs[IN_SCORES]->tensor;
	if (!is_table(boxes, p->num_anchors) || boxes->dims[2] < 4)
		return "detection: box encodings: expected uint8 or float [1, anchors, 4]";
	if (p->num_classes == 0 || !is_table(scores, p->num_anchors) ||
	    scores->dims[2] < p->num_classes || scores->dims[2] - p->num_classes > 1)
		return "detection: scores: expected uint8 or float [1, anchors, classes (+ 1)]";
	if (p->use_regular_nms > 1 || !(p->iou_threshold > 0 && p->iou_threshold <= 1))
		return "detection: use_regular_nms or iou_threshold: out of range";
	return check_outputs(step, p);
}

const struct accel_cpu_op accel_detection_op = {
	.name = "TFLite_Detection_PostProcess",
	.check = check,
	.run = run,
};
