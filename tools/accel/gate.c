// SPDX-License-Identifier: MIT
/* The accuracy gate: see gate.h. */
#include "gate.h"

#include <inttypes.h>

static double percent(uint32_t part, uint32_t whole)
{
	return 100.0 * part / whole;
}

static double output_drop(const struct enpu_tensor_accuracy *output)
{
	if (output->agreement >= 0)
		return 100 * (1 - output->agreement);
	return 100 * (1 - output->cosine);
}

double gate_drop(const struct enpu_accuracy *accuracy)
{
	double most = 0;

	if (accuracy->labelled)
		return percent(accuracy->float_correct, accuracy->labelled) -
		       percent(accuracy->npu_correct, accuracy->labelled);
	for (uint32_t i = 0; i < accuracy->num_outputs; i++)
		if (output_drop(&accuracy->outputs[i]) > most)
			most = output_drop(&accuracy->outputs[i]);
	return most;
}

static void print_tensor(const struct enpu_tensor_accuracy *t, FILE *to)
{
	fprintf(to, "  %8.2f  %8.6f  %8.6f  %-20s %s", t->sqnr_db, t->cosine, t->least_cosine,
		t->type, t->name);
	if (t->agreement >= 0)
		fprintf(to, ", same top class %.2f%%", 100 * t->agreement);
	fputc('\n', to);
}

void gate_print(const struct enpu_accuracy *accuracy, FILE *to)
{
	fprintf(to, "  SQNR dB    cosine     least  operator\n");
	for (uint32_t i = 0; i < accuracy->num_layers; i++)
		print_tensor(&accuracy->layers[i], to);
	fprintf(to, "outputs, %" PRIu32 " samples:\n", accuracy->samples);
	for (uint32_t i = 0; i < accuracy->num_outputs; i++)
		print_tensor(&accuracy->outputs[i], to);
	if (accuracy->labelled)
		fprintf(to, "top-1 of %" PRIu32 " labelled samples: float %.2f%%, NPU %.2f%%\n",
			accuracy->labelled, percent(accuracy->float_correct, accuracy->labelled),
			percent(accuracy->npu_correct, accuracy->labelled));
	fprintf(to, "drop: %.3f points\n", gate_drop(accuracy));
}

static void json_tensors(struct json *json, const char *key,
			 const struct enpu_tensor_accuracy *list, uint32_t count)
{
	json_open(json, key, '[');
	for (uint32_t i = 0; i < count; i++) {
		json_open(json, NULL, '{');
		json_string(json, "name", list[i].name);
		json_string(json, "operator", list[i].type);
		json_double(json, "sqnr_db", list[i].sqnr_db);
		json_double(json, "cosine", list[i].cosine);
		json_double(json, "least_cosine", list[i].least_cosine);
		if (list[i].agreement >= 0)
			json_double(json, "same_top_class", list[i].agreement);
		json_close(json, '}');
	}
	json_close(json, ']');
}

void gate_json(struct json *json, const struct enpu_accuracy *accuracy)
{
	json_open(json, "accuracy", '{');
	json_unsigned(json, "samples", accuracy->samples);
	json_double(json, "drop", gate_drop(accuracy));
	if (accuracy->labelled) {
		json_unsigned(json, "labelled", accuracy->labelled);
		json_unsigned(json, "float_correct", accuracy->float_correct);
		json_unsigned(json, "npu_correct", accuracy->npu_correct);
	}
	json_tensors(json, "outputs", accuracy->outputs, accuracy->num_outputs);
	json_tensors(json, "layers", accuracy->layers, accuracy->num_layers);
	json_close(json, '}');
}
