// SPDX-License-Identifier: MIT
/*
 * The operators of TensorFlow Lite: their codes, and how the options of those
 * that the compiler knows are read. Field numbers are those of schema.fbs.
 */
#include "import.h"

#include <string.h>

#include "flexbuffer.h"

#define OPERATOR_FIELD_OPTIONS_TYPE	3
#define OPERATOR_FIELD_OPTIONS		4
#define OPERATOR_FIELD_CUSTOM_OPTIONS	5

static enum activation read_activation(const struct fb_table *t, unsigned int field)
{
	uint8_t act = fb_u8(t, field, ACT_NONE);

	if (act >= ACT_COUNT) {
		fb_fail(t->fb, "%s: fused activation %u is unknown", t->what, act);
		return ACT_NONE;
	}
	return act;
}

static enum padding read_padding(const struct fb_table *t)
{
	uint8_t padding = fb_u8(t, 0, PADDING_SAME);

	if (padding > PADDING_VALID)
		fb_fail(t->fb, "%s: padding %u is unknown", t->what, padding);
	return padding ? PADDING_VALID : PADDING_SAME;
}

static void read_strides(const struct fb_table *t, struct op_attrs *a)
{
	a->padding = read_padding(t);
	a->stride_w = fb_i32(t, 1, 0);
	a->stride_h = fb_i32(t, 2, 0);
}

static void read_conv(const struct fb_table *t, struct op_attrs *a)
{
	read_strides(t, a);
	a->activation = read_activation(t, 3);
	a->dilation_w = fb_i32(t, 4, 1);
	a->dilation_h = fb_i32(t, 5, 1);
}

static void read_depthwise(const struct fb_table *t, struct op_attrs *a)
{
	read_strides(t, a);
	a->depth_multiplier = fb_i32(t, 3, 0);
	a->activation = read_activation(t, 4);
	a->dilation_w = fb_i32(t, 5, 1);
	a->dilation_h = fb_i32(t, 6, 1);
}

static void read_transpose_conv(const struct fb_table *t, struct op_attrs *a)
{
	read_strides(t, a);
	a->activation = read_activation(t, 3);
	a->dilation_w = 1;
	a->dilation_h = 1;
}

static void read_pool(const struct fb_table *t, struct op_attrs *a)
{
	read_strides(t, a);
	a->filter_w = fb_i32(t, 3, 0);
	a->filter_h = fb_i32(t, 4, 0);
	a->dilation_w = 1;
	a->dilation_h = 1;
	a->activation = read_activation(t, 5);
}

static void read_fully_connected(const struct fb_table *t, struct op_attrs *a)
{
	a->activation = read_activation(t, 0);
	a->shuffled_weights = fb_u8(t, 1, 0);
	a->keep_dims = fb_u8(t, 2, 0);
}

static void read_softmax(const struct fb_table *t, struct op_attrs *a)
{
	a->beta = fb_f32(t, 0, 0);
}

static void read_concatenation(const struct fb_table *t, struct op_attrs *a)
{
	a->axis = fb_i32(t, 0, 0);
	a->activation = read_activation(t, 1);
}

static void read_arithmetic(const struct fb_table *t, struct op_attrs *a)
{
	a->activation = read_activation(t, 0);
}

static void read_resize_bilinear(const struct fb_table *t, struct op_attrs *a)
{
	a->align_corners = fb_u8(t, 2, 0);
	a->half_pixel_centers = fb_u8(t, 3, 0);
}

static void read_resize_nearest(const struct fb_table *t, struct op_attrs *a)
{
	a->align_corners = fb_u8(t, 0, 0);
	a->half_pixel_centers = fb_u8(t, 1, 0);
}

static void read_reducer(const struct fb_table *t, struct op_attrs *a)
{
	a->keep_dims = fb_u8(t, 0, 0);
}

static void read_strided_slice(const struct fb_table *t, struct op_attrs *a)
{
	a->begin_mask = fb_i32(t, 0, 0);
	a->end_mask = fb_i32(t, 1, 0);
	a->ellipsis_mask = fb_i32(t, 2, 0);
	a->new_axis_mask = fb_i32(t, 3, 0);
	a->shrink_axis_mask = fb_i32(t, 4, 0);
}

static void read_elu(const struct fb_table *t, struct op_attrs *a)
{
	a->alpha = 1;
}

static void read_leaky_relu(const struct fb_table *t, struct op_attrs *a)
{
	a->alpha = fb_f32(t, 0, 0);
}

static void read_gelu(const struct fb_table *t, struct op_attrs *a)
{
	a->approximate = fb_u8(t, 0, 0);
}

static void read_split(const struct fb_table *t, struct op_attrs *a)
{
	a->num_splits = fb_i32(t, 0, 0);
}

static void read_blocks(const struct fb_table *t, struct op_attrs *a)
{
	a->block_size = fb_i32(t, 0, 0);
}

static void read_gather(const struct fb_table *t, struct op_attrs *a)
{
	a->axis = fb_i32(t, 0, 0);
	a->batch_dims = fb_i32(t, 1, 0);
}

static void read_stack(const struct fb_table *t, struct op_attrs *a)
{
	a->axis = fb_i32(t, 1, 0);
}

static void read_mirror_pad(const struct fb_table *t, struct op_attrs *a)
{
	a->symmetric = fb_u8(t, 0, 0);
}

static void read_batch_matmul(const struct fb_table *t, struct op_attrs *a)
{
	a->adj_x = fb_u8(t, 0, 0);
	a->adj_y = fb_u8(t, 1, 0);
}

static void read_cumsum(const struct fb_table *t, struct op_attrs *a)
{
	a->exclusive = fb_u8(t, 0, 0);
	a->reverse = fb_u8(t, 1, 0);
}

static void read_call_once(const struct fb_table *t, struct op_attrs *a)
{
	a->subgraph = fb_i32(t, 0, 0);
}

static void read_var_handle(const struct fb_table *t, struct op_attrs *a)
{
	a->container = fb_string(t, 0, "container");
	a->variable = fb_string(t, 1, "shared_name");
}

/* A radius that no tensor has room for leaves the window empty, which is refused. */
static void read_local_response(const struct fb_table *t, struct op_attrs *a)
{
	int32_t radius = fb_i32(t, 0, 0);

	a->filter_w = radius < 0 || radius > 65536 ? 0 : 2 * radius + 1;
	a->epsilon = fb_f32(t, 1, 0);
	a->alpha = fb_f32(t, 2, 0);
	a->beta = fb_f32(t, 3, 0);
}

struct builtin {
	const char *name;
	enum op_kind kind;
	uint8_t options_type;		/* member of the union BuiltinOptions */
	void (*read)(const struct fb_table *t, struct op_attrs *a);
};

#define KNOWN(id, type, reader)	{ #id, OP_##id, type, reader }
#define NAMED(id)		{ #id, OP_UNKNOWN, 0, NULL }

static const struct builtin builtins[] = {
	[0] = KNOWN(ADD, 11, read_arithmetic),
	[1] = KNOWN(AVERAGE_POOL_2D, 5, read_pool),
	[2] = KNOWN(CONCATENATION, 10, read_concatenation),
	[3] = KNOWN(CONV_2D, 1, read_conv),
	[4] = KNOWN(DEPTHWISE_CONV_2D, 2, read_depthwise),
	[5] = KNOWN(DEPTH_TO_SPACE, 94, read_blocks),
	[6] = KNOWN(DEQUANTIZE, 0, NULL),
	[7] = NAMED(EMBEDDING_LOOKUP),
	[8] = KNOWN(FLOOR, 0, NULL),
	[9] = KNOWN(FULLY_CONNECTED, 8, read_fully_connected),
	[10] = NAMED(HASHTABLE_LOOKUP),
	[11] = KNOWN(L2_NORMALIZATION, 12, read_arithmetic),
	[12] = NAMED(L2_POOL_2D),
	[13] = { "LOCAL_RESPONSE_NORMALIZATION", OP_LRN, 13, read_local_response },
	[14] = KNOWN(LOGISTIC, 0, NULL),
	[15] = NAMED(LSH_PROJECTION),
	[16] = NAMED(LSTM),
	[17] = KNOWN(MAX_POOL_2D, 5, read_pool),
	[18] = KNOWN(MUL, 21, read_arithmetic),
	[19] = KNOWN(RELU, 0, NULL),
	[20] = KNOWN(RELU_N1_TO_1, 0, NULL),
	[21] = KNOWN(RELU6, 0, NULL),
	[22] = KNOWN(RESHAPE, 17, NULL),
	[23] = KNOWN(RESIZE_BILINEAR, 15, read_resize_bilinear),
	[24] = NAMED(RNN),
	[25] = KNOWN(SOFTMAX, 9, read_softmax),
	[26] = KNOWN(SPACE_TO_DEPTH, 19, read_blocks),
	[27] = NAMED(SVDF),
	[28] = KNOWN(TANH, 0, NULL),
	[34] = KNOWN(PAD, 22, NULL),
	[35] = NAMED(UNIDIRECTIONAL_SEQUENCE_RNN),
	[36] = KNOWN(GATHER, 23, read_gather),
	[37] = KNOWN(BATCH_TO_SPACE_ND, 0, NULL),
	[38] = KNOWN(SPACE_TO_BATCH_ND, 0, NULL),
	[39] = KNOWN(TRANSPOSE, 26, NULL),
	[40] = KNOWN(MEAN, 27, read_reducer),
	[41] = KNOWN(SUB, 28, read_arithmetic),
	[42] = KNOWN(DIV, 29, read_arithmetic),
	[43] = KNOWN(SQUEEZE, 30, NULL),
	[44] = NAMED(UNIDIRECTIONAL_SEQUENCE_LSTM),
	[45] = KNOWN(STRIDED_SLICE, 32, read_strided_slice),
	[46] = NAMED(BIDIRECTIONAL_SEQUENCE_RNN),
	[47] = KNOWN(EXP, 0, NULL),
	[48] = KNOWN(TOPK_V2, 0, NULL),
	[49] = KNOWN(SPLIT, 35, read_split),
	[50] = KNOWN(LOG_SOFTMAX, 0, NULL),
	[52] = NAMED(BIDIRECTIONAL_SEQUENCE_LSTM),
	[53] = KNOWN(CAST, 0, NULL),
	[54] = KNOWN(PRELU, 0, NULL),
	[55] = KNOWN(MAXIMUM, 0, NULL),
	[56] = KNOWN(ARG_MAX, 0, NULL),
	[57] = KNOWN(MINIMUM, 0, NULL),
	[58] = KNOWN(LESS, 0, NULL),
	[59] = KNOWN(NEG, 0, NULL),
	[60] = KNOWN(PADV2, 0, NULL),
	[61] = KNOWN(GREATER, 0, NULL),
	[62] = KNOWN(GREATER_EQUAL, 0, NULL),
	[63] = KNOWN(LESS_EQUAL, 0, NULL),
	[64] = NAMED(SELECT),
	[65] = KNOWN(SLICE, 48, NULL),
	[66] = KNOWN(SIN, 0, NULL),
	[67] = KNOWN(TRANSPOSE_CONV, 49, read_transpose_conv),
	[68] = NAMED(SPARSE_TO_DENSE),
	[69] = KNOWN(TILE, 0, NULL),
	[70] = KNOWN(EXPAND_DIMS, 52, NULL),
	[71] = KNOWN(EQUAL, 0, NULL),
	[72] = KNOWN(NOT_EQUAL, 0, NULL),
	[73] = KNOWN(LOG, 0, NULL),
	[74] = KNOWN(SUM, 27, read_reducer),
	[75] = KNOWN(SQRT, 0, NULL),
	[76] = KNOWN(RSQRT, 0, NULL),
	[77] = NAMED(SHAPE),
	[78] = KNOWN(POW, 0, NULL),
	[79] = KNOWN(ARG_MIN, 0, NULL),
	[80] = NAMED(FAKE_QUANT),
	[81] = KNOWN(REDUCE_PROD, 27, read_reducer),
	[82] = KNOWN(REDUCE_MAX, 27, read_reducer),
	[83] = KNOWN(PACK, 59, read_stack),
	[84] = KNOWN(LOGICAL_OR, 0, NULL),
	[85] = NAMED(ONE_HOT),
	[86] = KNOWN(LOGICAL_AND, 0, NULL),
	[87] = KNOWN(LOGICAL_NOT, 0, NULL),
	[88] = KNOWN(UNPACK, 64, read_stack),
	[89] = KNOWN(REDUCE_MIN, 27, read_reducer),
	[90] = NAMED(FLOOR_DIV),
	[91] = NAMED(REDUCE_ANY),
	[92] = KNOWN(SQUARE, 0, NULL),
	[93] = NAMED(ZEROS_LIKE),
	[94] = NAMED(FILL),
	[95] = NAMED(FLOOR_MOD),
	[96] = NAMED(RANGE),
	[97] = KNOWN(RESIZE_NEAREST_NEIGHBOR, 74, read_resize_nearest),
	[98] = KNOWN(LEAKY_RELU, 75, read_leaky_relu),
	[99] = KNOWN(SQUARED_DIFFERENCE, 0, NULL),
	[100] = KNOWN(MIRROR_PAD, 77, read_mirror_pad),
	[101] = KNOWN(ABS, 0, NULL),
	[102] = KNOWN(SPLIT_V, 0, NULL),
	[103] = NAMED(UNIQUE),
	[104] = KNOWN(CEIL, 0, NULL),
	[105] = KNOWN(REVERSE_V2, 0, NULL),
	[106] = NAMED(ADD_N),
	[107] = NAMED(GATHER_ND),
	[108] = KNOWN(COS, 0, NULL),
	[109] = NAMED(WHERE),
	[110] = NAMED(RANK),
	[111] = KNOWN(ELU, 0, read_elu),
	[112] = NAMED(REVERSE_SEQUENCE),
	[114] = KNOWN(QUANTIZE, 0, NULL),
	[116] = KNOWN(ROUND, 0, NULL),
	[117] = KNOWN(HARD_SWISH, 0, NULL),
	[118] = NAMED(IF),
	[119] = NAMED(WHILE),
	[120] = NAMED(NON_MAX_SUPPRESSION_V4),
	[121] = NAMED(NON_MAX_SUPPRESSION_V5),
	[122] = NAMED(SCATTER_ND),
	[123] = KNOWN(SELECT_V2, 0, NULL),
	[124] = NAMED(DENSIFY),
	[125] = NAMED(SEGMENT_SUM),
	[126] = KNOWN(BATCH_MATMUL, 101, read_batch_matmul),
	[128] = KNOWN(CUMSUM, 102, read_cumsum),
	[129] = KNOWN(CALL_ONCE, 103, read_call_once),
	[130] = NAMED(BROADCAST_TO),
	[131] = NAMED(RFFT2D),
	[132] = NAMED(CONV_3D),
	[142] = KNOWN(VAR_HANDLE, 111, read_var_handle),
	[143] = KNOWN(READ_VARIABLE, 0, NULL),
	[144] = KNOWN(ASSIGN_VARIABLE, 0, NULL),
	[145] = NAMED(BROADCAST_ARGS),
	[150] = KNOWN(GELU, 116, read_gelu),
	[158] = KNOWN(SIGN, 0, NULL),
};

#define BUILTINS	((int32_t)(sizeof(builtins) / sizeof(builtins[0])))
#define BUILTIN_CUSTOM	32

static const struct builtin *find_builtin(enum op_kind kind)
{
	for (int32_t i = 0; i < BUILTINS; i++)
		if (builtins[i].name && builtins[i].kind == kind)
			return &builtins[i];
	return NULL;
}

const char *tflite_op_name(int32_t builtin)
{
	return builtin >= 0 && builtin < BUILTINS ? builtins[builtin].name : NULL;
}

enum op_kind tflite_op_kind(int32_t builtin, const char *custom)
{
	if (builtin == BUILTIN_CUSTOM)
		return strcmp(custom, "TFLite_Detection_PostProcess") ? OP_UNKNOWN
								      : OP_DETECTION_POSTPROCESS;
	return tflite_op_name(builtin) ? builtins[builtin].kind : OP_UNKNOWN;
}

static double number(const struct flex_map *map, const char *key, double def)
{
	double value;

	return flex_map_number(map, key, &value) ? value : def;
}

/* Numbers outside int32 (or none at all) become 0, which the checker refuses. */
static int32_t whole(const struct flex_map *map, const char *key, int32_t def)
{
	double value = number(map, key, def);

	return value >= INT32_MIN && value <= INT32_MAX ? (int32_t)value : 0;
}

static void read_detection(struct fb_table *table, struct detection_attrs *d)
{
	struct fb_vector bytes = fb_vector(table, OPERATOR_FIELD_CUSTOM_OPTIONS, 1,
					   "custom_options");
	struct flex_map map;

	if (fb_failed(table->fb))
		return;
	if (!bytes.count || flex_map_open(&map, table->fb->data + bytes.pos, bytes.count)) {
		fb_fail(table->fb, "byte %u: the options of TFLite_Detection_PostProcess are no "
			"FlexBuffers map", bytes.pos);
		return;
	}
	d->max_detections = whole(&map, "max_detections", 0);
	d->max_classes_per_detection = whole(&map, "max_classes_per_detection", 0);
	d->detections_per_class = whole(&map, "detections_per_class", 100);
	d->use_regular_nms = number(&map, "use_regular_nms", 0) != 0;
	d->score_threshold = number(&map, "nms_score_threshold", 0);
	d->iou_threshold = number(&map, "nms_iou_threshold", 0);
	d->num_classes = whole(&map, "num_classes", 0);
	d->scale_y = number(&map, "y_scale", 0);
	d->scale_x = number(&map, "x_scale", 0);
	d->scale_h = number(&map, "h_scale", 0);
	d->scale_w = number(&map, "w_scale", 0);
}

void tflite_read_options(struct fb_table *table, struct op *op)
{
	const struct builtin *b = find_builtin(op->kind);
	struct fb_table options = { .fb = table->fb, .what = op->name };
	uint8_t type = fb_u8(table, OPERATOR_FIELD_OPTIONS_TYPE, 0);

	if (op->kind == OP_DETECTION_POSTPROCESS) {
		read_detection(table, &op->attrs.detection);
		return;
	}
	if (op->kind == OP_UNKNOWN || !b || !b->read)
		return;
	/* left out options are all defaults; those of another operator are damage */
	if (type && type != b->options_type) {
		fb_fail(table->fb, "operator %d (%s) carries options of type %u, %u is expected",
			op->index, op->name, type, b->options_type);
		return;
	}
	if (type)
		fb_child(table, OPERATOR_FIELD_OPTIONS, op->name, &options);
	b->read(&options, &op->attrs);
}
