// SPDX-License-Identifier: MIT
/* The ONNX importer: what it refuses and how, and what it makes of small models. */
#include "graph_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <onnx.pb-c.h>

#include "import.h"

/* A model that is put together piece by piece, and what became of it. */
struct file {
	struct made made;
	Onnx__ModelProto model;
	Onnx__GraphProto g;
	Onnx__OperatorSetIdProto set;
	Onnx__OperatorSetIdProto *sets[1];
	struct enpu_compile_options opts;
};

static int setup(void **state)
{
	struct file *m = test_calloc(1, sizeof(*m));

	made_init(&m->made, 16 << 20);
	onnx__model_proto__init(&m->model);
	onnx__graph_proto__init(&m->g);
	onnx__operator_set_id_proto__init(&m->set);
	m->set.has_version = 1;
	m->set.version = 17;
	m->sets[0] = &m->set;
	m->model.n_opset_import = 1;
	m->model.opset_import = m->sets;
	m->model.graph = &m->g;
	m->model.has_ir_version = 1;
	m->model.ir_version = 8;
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct file *m = *state;

	made_free(&m->made);
	test_free(m);
	return 0;
}

static char *copy(struct file *m, const char *text)
{
	return arena_printf(&m->made.arena, "%s", text);
}

/* Dimensions: 0 is one that is open, with the name "batch". */
static void add_value(struct file *m, bool output, const char *name, int rank, const int64_t *dims)
{
	Onnx__ValueInfoProto *info = arena_new(&m->made.arena, Onnx__ValueInfoProto, 1);
	Onnx__TypeProto *type = arena_new(&m->made.arena, Onnx__TypeProto, 1);
	Onnx__TypeProto__Tensor *tensor = arena_new(&m->made.arena, Onnx__TypeProto__Tensor, 1);
	Onnx__TensorShapeProto *shape = arena_new(&m->made.arena, Onnx__TensorShapeProto, 1);

	onnx__value_info_proto__init(info);
	onnx__type_proto__init(type);
	onnx__type_proto__tensor__init(tensor);
	onnx__tensor_shape_proto__init(shape);
	info->name = copy(m, name);
	info->type = type;
	type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
	type->tensor_type = tensor;
	tensor->has_elem_type = 1;
	tensor->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
	tensor->shape = shape;
	for (int i = 0; i < rank; i++) {
		Onnx__TensorShapeProto__Dimension *d =
			arena_new(&m->made.arena, Onnx__TensorShapeProto__Dimension, 1);

		onnx__tensor_shape_proto__dimension__init(d);
		d->value_case = dims[i] ? ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
					: ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
		if (dims[i])
			d->dim_value = dims[i];
		else
			d->dim_param = copy(m, "batch");
		*arena_push(&m->made.arena, shape->dim, shape->n_dim) = d;
	}
	if (output)
		*arena_push(&m->made.arena, m->g.output, m->g.n_output) = info;
	else
		*arena_push(&m->made.arena, m->g.input, m->g.n_input) = info;
}

static Onnx__TensorProto *add_constant(struct file *m, const char *name, int type, int rank,
				       const int64_t *dims, void *data, size_t bytes)
{
	Onnx__TensorProto *t = arena_new(&m->made.arena, Onnx__TensorProto, 1);

	onnx__tensor_proto__init(t);
	t->name = copy(m, name);
	t->has_data_type = 1;
	t->data_type = type;
	for (int i = 0; i < rank; i++)
		*arena_push(&m->made.arena, t->dims, t->n_dims) = dims[i];
	t->has_raw_data = !!data;
	t->raw_data = (ProtobufCBinaryData){ bytes, data };
	*arena_push(&m->made.arena, m->g.initializer, m->g.n_initializer) = t;
	return t;
}

/* Inputs in one text, between spaces. */
static Onnx__NodeProto *add_node(struct file *m, const char *type, const char *inputs,
				 const char *output)
{
	Onnx__NodeProto *n = arena_new(&m->made.arena, Onnx__NodeProto, 1);
	char *rest = copy(m, inputs), *word;

	onnx__node_proto__init(n);
	n->op_type = copy(m, type);
	n->name = arena_printf(&m->made.arena, "the_%s", type);
	while ((word = strsep(&rest, " ")))
		*arena_push(&m->made.arena, n->input, n->n_input) = word;
	*arena_push(&m->made.arena, n->output, n->n_output) = copy(m, output);
	*arena_push(&m->made.arena, m->g.node, m->g.n_node) = n;
	return n;
}

static int import(struct file *m, const char *folder)
{
	size_t size = onnx__model_proto__get_packed_size(&m->model);
	uint8_t *data = arena_new(&m->made.arena, uint8_t, size);

	onnx__model_proto__pack(&m->model, data);
	m->made.graph = (struct graph){
		.arena = &m->made.arena, .diag = &m->made.diag, .file = "test.onnx",
	};
	return import_model(&m->made.graph, data, size, folder, &m->opts);
}

static void assert_says(const struct file *m, const char *what)
{
	assert_true(m->made.diag.count > 0);
	if (!strstr(m->made.diag.messages[m->made.diag.count - 1].text, what))
		fail_msg("'%s' does not say '%s'",
			 m->made.diag.messages[m->made.diag.count - 1].text, what);
}

static unsigned int count_kind(const struct file *m, enum op_kind kind)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < m->made.graph.n_ops; i++)
		n += m->made.graph.ops[i].kind == kind;
	return n;
}

static const int64_t image[] = { 1, 2, 4, 4 };

static void open_dimensions_are_named(void **state)
{
	static const int64_t open[] = { 0, 3, 0 };
	static const int32_t dims[] = { 1, 3, 8 };
	static const struct enpu_input_shape shape = { "x", 3, dims };
	struct file *m = *state;

	add_value(m, false, "x", 3, open);
	add_value(m, true, "y", 3, open);
	add_node(m, "Relu", "x", "y");
	assert_int_equal(import(m, NULL), -EINVAL);
	assert_says(m, "input x is [batch,3,batch], which leaves dimensions open: fix them with --shape x=Nx3xN");
	m->opts.input_shapes = &shape;
	m->opts.n_input_shapes = 1;
	assert_int_equal(import(m, NULL), 0);
	assert_int_equal(m->made.graph.outputs[0]->dims[2], 8);
}

static void errors_name_the_node(void **state)
{
	struct file *m = *state;

	add_value(m, false, "x", 4, image);
	add_value(m, true, "z", 4, image);
	add_node(m, "Relu", "x", "y");
	add_node(m, "Reshape", "y x", "z");
	assert_int_equal(import(m, NULL), -EOPNOTSUPP);
	assert_says(m, "node 1 (Reshape the_Reshape) on (y float32[1,2,4,4], x float32[1,2,4,4]): its shape");
	m->g.node[1]->op_type = "Det";
	assert_int_equal(import(m, NULL), -EOPNOTSUPP);
	assert_says(m, "node 1 (Det the_Reshape): the operator Det is not supported");
}

static void convolutions_are_nhwc(void **state)
{
	static const int64_t shape[] = { 2, 2, 1, 1 }, two[] = { 2 };
	float weights[] = { 1, 2, 3, 4 }, bias[] = { 5, 6 };
	struct file *m = *state;

	add_value(m, false, "x", 4, image);
	add_value(m, true, "y", 4, image);
	add_constant(m, "w", 1, 4, shape, weights, sizeof(weights));
	add_constant(m, "b", 1, 1, two, bias, sizeof(bias));
	add_node(m, "Conv", "x w b", "c");
	add_node(m, "Sigmoid", "c", "s");
	add_node(m, "Mul", "c s", "p");
	add_node(m, "Conv", "p w b", "y");
	assert_int_equal(import(m, NULL), 0);
	/* the input is NHWC now, the output is as it was */
	assert_true(m->made.graph.inputs[0]->was_nchw);
	assert_int_equal(m->made.graph.inputs[0]->dims[3], 2);
	assert_int_equal(m->made.graph.outputs[0]->dims[1], 2);
	assert_int_equal(count_kind(m, OP_TRANSPOSE), 1);
	assert_int_equal(count_kind(m, OP_CONV_2D), 2);
	/* x * sigmoid(x) */
	assert_int_equal(count_kind(m, OP_SILU), 1);
	assert_int_equal(m->made.graph.n_ops, 4);
}

static void shapes_are_computed(void **state)
{
	static const int64_t one[] = { 1 };
	int64_t zero = 0, minus = -1;
	struct file *m = *state;

	add_value(m, false, "x", 4, image);
	add_value(m, true, "y", 2, (int64_t[]){ 1, 32 });
	add_constant(m, "zero", 7, 0, NULL, &zero, 8);
	add_constant(m, "axis", 7, 1, one, &zero, 8);
	add_constant(m, "minus", 7, 1, one, &minus, 8);
	add_node(m, "Shape", "x", "s");
	add_node(m, "Gather", "s zero", "n");
	add_node(m, "Unsqueeze", "n axis", "u");
	add_node(m, "Concat", "u minus", "t");
	m->g.node[3]->n_attribute = 1;
	m->g.node[3]->attribute = (Onnx__AttributeProto *[]){ &(Onnx__AttributeProto){
		PROTOBUF_C_MESSAGE_INIT(&onnx__attribute_proto__descriptor), .name = "axis",
		.has_i = 1, .i = 0,
		.has_type = 1, .type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT,
	} };
	add_node(m, "Reshape", "x t", "y");
	assert_int_equal(import(m, NULL), 0);
	assert_int_equal(m->made.graph.n_ops, 1);
	assert_int_equal(m->made.graph.outputs[0]->dims[1], 32);
}

static void set_external(struct file *m, Onnx__TensorProto *t, const char *location,
			 const char *offset)
{
	static Onnx__StringStringEntryProto entries[2];
	static Onnx__StringStringEntryProto *list[] = { &entries[0], &entries[1] };

	onnx__string_string_entry_proto__init(&entries[0]);
	onnx__string_string_entry_proto__init(&entries[1]);
	entries[0].key = "location";
	entries[0].value = (char *)location;
	entries[1].key = "offset";
	entries[1].value = (char *)offset;
	t->n_external_data = 2;
	t->external_data = list;
	t->has_data_location = 1;
	t->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
}

static void data_lies_beside_the_model(void **state)
{
	static const struct {
		const char *location, *offset, *says;
	} bad[] = {
		{ "../w.bin", "0", "only files beside the model" },
		{ "a/../../w.bin", "0", "only files beside the model" },
		{ "/etc/passwd", "0", "only files beside the model" },
		{ "", "0", "only files beside the model" },
		{ "none.bin", "0", "No such file" },
		{ "w.bin", "5", "it ends before the data" },
		{ "w.bin", "18446744073709551615", "it ends before the data" },
		{ "w.bin", "x", "is no number" },
		{ ".", "0", "not a regular file" },
	};
	static const int64_t two[] = { 2 }, shape[] = { 1, 2 };
	const float data[] = { 1, 1.5f, 2.5f };
	char folder[] = "/tmp/enpu-onnx-XXXXXX", path[100];
	struct file *m = *state;
	Onnx__TensorProto *t;
	int fd;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/w.bin", folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, data, sizeof(data)), sizeof(data));
	close(fd);
	add_value(m, false, "x", 2, shape);
	add_value(m, true, "y", 2, shape);
	t = add_constant(m, "w", 1, 1, two, NULL, 0);
	add_node(m, "Add", "x w", "y");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		set_external(m, t, bad[i].location, bad[i].offset);
		assert_int_equal(import(m, folder), -EINVAL);
		assert_says(m, bad[i].says);
	}
	set_external(m, t, "w.bin", "4");
	assert_int_equal(import(m, NULL), -EINVAL);
	assert_says(m, "compile from a file");
	assert_int_equal(import(m, folder), 0);
	assert_memory_equal(m->made.graph.ops[0].inputs[1]->data, &data[1], 8);
	unlink(path);
	rmdir(folder);
}

/* protobuf-c would follow it to the end of the stack. */
static void nesting_has_an_end(void **state)
{
	struct file *m = *state;
	uint8_t *data = arena_new(&m->made.arena, uint8_t, 1 << 20), *at = data + (1 << 20);
	size_t inner = 0;

	/* GraphProto.node (1) of NodeProto.attribute (5) of AttributeProto.g (6) ... */
	for (int level = 0; level < 3000; level++) {
		static const uint8_t keys[] = { 0x2a, 0x0a, 0x32 };
		size_t left = inner;

		*--at = 0;
		for (int k = 4; k >= 0; k--)
			at[k - 4] = 0;
		at -= 4;
		for (int k = 0; k < 5; k++, left >>= 7)
			at[k] = (left & 0x7f) | (k < 4 ? 0x80 : 0);
		*--at = level == 2999 ? 0x3a : keys[level % 3];
		inner += 6;
	}
	m->made.graph = (struct graph){
		.arena = &m->made.arena, .diag = &m->made.diag, .file = "test.onnx",
	};
	assert_int_equal(import_model(&m->made.graph, at, inner, NULL, NULL), -EINVAL);
	assert_says(m, "nested too deep");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(open_dimensions_are_named, setup, teardown),
		cmocka_unit_test_setup_teardown(errors_name_the_node, setup, teardown),
		cmocka_unit_test_setup_teardown(convolutions_are_nhwc, setup, teardown),
		cmocka_unit_test_setup_teardown(shapes_are_computed, setup, teardown),
		cmocka_unit_test_setup_teardown(data_lies_beside_the_model, setup, teardown),
		cmocka_unit_test_setup_teardown(nesting_has_an_end, setup, teardown),
	};

	return cmocka_run_group_tests_name("compiler-onnx", tests, NULL, NULL);
}
