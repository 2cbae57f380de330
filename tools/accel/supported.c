// SPDX-License-Identifier: MIT
/* accel compile --supported-ops: see supported.h. Documentation/operators.rst is its JSON. */
#include "supported.h"

#include <stdio.h>

#include <enpu-compiler.h>

#include "json.h"

/* The last column may be empty. */
static void print_row(const char *name, const char *runs_on, const char *what,
		      const char *restrictions)
{
	if (*restrictions)
		printf("%-30s %-10s  %-33s %s\n", name, runs_on, what, restrictions);
	else
		printf("%-30s %-10s  %s\n", name, runs_on, what);
}

void supported_print(void)
{
	struct enpu_onnx_operator_info onnx;
	struct enpu_operator_info op;
	char name[64];

	print_row("OPERATOR", "RUNS ON", "TYPES", "RESTRICTIONS");
	for (unsigned int i = 0; enpu_supported_operator(i, &op); i++) {
		snprintf(name, sizeof(name), "%s%s", op.runs_on, op.float_on_cpu ? " *" : "");
		print_row(op.name, name, op.types, op.restrictions);
	}
	printf("* float32 too, on the CPU, between or behind quantized parts of a model\n\n");
	print_row("ONNX (SINCE SET)", "RUNS ON", "BECOMES", "RESTRICTIONS");
	for (unsigned int i = 0; enpu_supported_onnx_operator(i, &onnx); i++) {
		snprintf(name, sizeof(name), "%s (%d)", onnx.name, onnx.since);
		print_row(name, onnx.runs_on, onnx.becomes, onnx.restrictions);
	}
}

void supported_print_json(void)
{
	struct json json = { .to = stdout };
	struct enpu_operator_info op;
	struct enpu_onnx_operator_info onnx;

	json_open(&json, NULL, '{');
	json_open(&json, "tflite", '[');
	for (unsigned int i = 0; enpu_supported_operator(i, &op); i++) {
		json_open(&json, NULL, '{');
		json_string(&json, "operator", op.name);
		json_bool(&json, "in_tflite", op.in_tflite);
		json_string(&json, "runs_on", op.runs_on);
		json_bool(&json, "float_on_cpu", op.float_on_cpu);
		json_string(&json, "types", op.types);
		json_string(&json, "restrictions", op.restrictions);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_open(&json, "onnx", '[');
	for (unsigned int i = 0; enpu_supported_onnx_operator(i, &onnx); i++) {
		json_open(&json, NULL, '{');
		json_string(&json, "operator", onnx.name);
		json_string(&json, "domain", onnx.domain);
		json_unsigned(&json, "since", (uint64_t)onnx.since);
		json_string(&json, "becomes", onnx.becomes);
		json_string(&json, "runs_on", onnx.runs_on);
		json_string(&json, "restrictions", onnx.restrictions);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_close(&json, '}');
}
