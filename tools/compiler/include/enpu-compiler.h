/* SPDX-License-Identifier: MIT */
/*
 * libenpu-compiler: turns a TensorFlow Lite model into a compiled model (.enpu).
 *
 * Every call is self-contained: the library has no global state, so any number
 * of threads may compile at once. What a call hands back belongs to the caller,
 * who releases it with the function named beside it. Functions return 0 or a
 * negative errno:
 *
 *   -EINVAL      the model file is malformed, or an option makes no sense
 *   -EOPNOTSUPP  the model is well formed, but holds what the NPU cannot run
 *   -EFBIG       the model is beyond a limit of the compiler
 *   -ENOMEM      memory ran out
 *   other        the file could not be read
 *
 * and, on failure, at least one message of severity ENPU_ERROR says where and why.
 */
#ifndef ENPU_COMPILER_H
#define ENPU_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum enpu_severity {
	ENPU_NOTE,
	ENPU_WARNING,
	ENPU_ERROR,
};

struct enpu_message {
	enum enpu_severity severity;
	int op_index;			/* operator in the source model, or -1 */
	char *text;			/* one line, UTF-8, no newline */
};

/* What the compiler has to say. Start from all zeroes; messages are appended. */
struct enpu_diag {
	struct enpu_message *messages;
	size_t count;
};

void enpu_diag_free(struct enpu_diag *diag);

/* Bytes owned by the caller: release with enpu_blob_free(). */
struct enpu_blob {
	void *data;
	size_t size;
};

void enpu_blob_free(struct enpu_blob *blob);

/* An input's dimensions, where an ONNX model leaves some open. */
struct enpu_input_shape {
	const char *name;
	unsigned int rank;
	const int32_t *dims;
};

/* An input of an ONNX model that is always the same: it becomes a constant. */
struct enpu_input_value {
	const char *name;
	unsigned int count;
	const double *values;
};

struct enpu_report;

/*
 * Quantization of float models: Documentation/quantization.rst.
 */

/* An input of the model. */
struct enpu_input_info {
	const char *name;
	const char *type;		/* "float32", "int8", ... */
	uint32_t rank;
	int32_t dims[6];
	size_t bytes;
};

/*
 * Samples of what the model will see, read one at a time, in any order and more than once. For a
 * model that keeps variables from run to run they are steps of sequences, read in their order.
 */
struct enpu_samples {
	void *arg;
	/*
	 * Called once, before any other: how many samples there are for a model with these
	 * inputs, or a negative errno with a line of text in @error. @in_sequence: the model
	 * has variables.
	 */
	int (*open)(void *arg, const struct enpu_input_info *inputs, uint32_t num_inputs,
		    bool in_sequence, char *error, size_t error_size);
	/*
	 * Sample @index: fill data[i], inputs[i].bytes bytes, dense, in inputs[i].type. 0, or
	 * a negative errno with a line of text in @error.
	 */
	int (*read)(void *arg, uint32_t index, const struct enpu_input_info *inputs,
		    uint32_t num_inputs, void *const *data, char *error, size_t error_size);
	/*
	 * Whether sample @index begins a sequence, with the first values of variables; else it goes
	 * on after the one before. The first sample does. NULL: each does
	 */
	bool (*begins)(void *arg, uint32_t index);
	/* Its class, for verification; -1: not known. NULL: no sample has one */
	int32_t (*label)(void *arg, uint32_t index);
};

/* How the range of a tensor's 256 levels follows from what calibration saw. */
enum enpu_ranges {
	ENPU_RANGES_MSE,		/* the least squared error */
	ENPU_RANGES_MINMAX,		/* everything */
	ENPU_RANGES_PERCENTILE,		/* all but a few outliers */
	ENPU_RANGES_KL,			/* the least Kullback-Leibler divergence */
};

enum enpu_rounding {
	ENPU_ROUNDING_ADAPTIVE,		/* up or down as the layer's outputs come closest */
	ENPU_ROUNDING_NEAREST,
};

struct enpu_quantize_options {
	const struct enpu_samples *samples;	/* for calibration */
	enum enpu_ranges ranges;
	double percentile;		/* for ENPU_RANGES_PERCENTILE; 0: 99.99 */
	enum enpu_rounding rounding;
	bool keep_bias;			/* don't correct what rounding adds on average */
	bool equalize;			/* channels across layers */
	/*
	 * Tensors that 8 bits cost the outputs most get 16, until this share of the work is
	 * done on them: multiply-accumulates, and values that others take; 0 to 100
	 */
	double int16_percent;
	/*
	 * Layers that 8-bit weights cost the outputs most get weights of 16, until this share of
	 * the multiply-accumulates is done twice; 0 to 100
	 */
	double wide_weights_percent;
	/* Share of the weights that get 4 bits, in layers where that costs least; 0 to 100 */
	double int4_percent;
};

/* Runs compiled models for verification. Functions return 0, or a negative errno with text. */
struct enpu_runner {
	void *arg;
	int (*load)(void *arg, const struct enpu_blob *model, void **instance, char *error,
		    size_t error_size);
	/* One inference; buffers have the size of the model's tensors, in its order. */
	int (*run)(void *instance, const void *const *inputs, void *const *outputs, char *error,
		   size_t error_size);
	void (*unload)(void *instance);
};

/* How far the compiled model is from the float one, on one tensor, over all samples. */
struct enpu_tensor_accuracy {
	char *name;
	char *type;			/* of the operator that makes it */
	double sqnr_db;			/* signal to quantization noise */
	double cosine;			/* mean of all samples */
	double least_cosine;		/* of one sample */
	double agreement;		/* share of samples of the same top class; or -1 */
};

struct enpu_accuracy {
	struct enpu_tensor_accuracy *layers, *outputs;
	uint32_t num_layers, num_outputs;
	uint32_t samples;		/* verified; layers: at most layer_samples of them */
	uint32_t labelled;		/* samples whose class is known; */
	uint32_t float_correct, npu_correct;	/* of these, what either classifies right */
};

void enpu_accuracy_free(struct enpu_accuracy *accuracy);

struct enpu_verify_options {
	const struct enpu_samples *samples;	/* that calibration did not see */
	const struct enpu_runner *runner;
	uint32_t layer_samples;		/* for figures of every layer; 0: none */
};

struct enpu_compile_options {
	const char *preset;		/* "enpu-256", "enpu-512", "enpu-2048"; NULL: "enpu-512" */
	uint32_t sram_bytes;		/* on-chip SRAM to use; 0: what the preset has */
	FILE *dump;			/* the graph and the schedule, as text; NULL: none */
	struct enpu_report **report;	/* gets what enpu_report_write() shows; NULL: none */
	const struct enpu_input_shape *input_shapes;
	unsigned int n_input_shapes;
	const struct enpu_input_value *input_values;
	unsigned int n_input_values;
	const struct enpu_quantize_options *quantize;	/* NULL: the model is quantized */
	const struct enpu_verify_options *verify;	/* NULL: don't; needs quantize */
	struct enpu_accuracy *accuracy;	/* what verification found; to be freed */
	/* Called now and then with what is being done; NULL: not */
	void (*progress)(void *arg, const char *what, uint32_t done, uint32_t total);
	void *progress_arg;
};

/* What the compiled model will cost; all counts are per inference. */
struct enpu_compile_stats {
	uint64_t macs;
	uint64_t commands;
	uint64_t estimated_cycles;	/* of the NPU; see Documentation/cost-model.rst */
	uint64_t dram_read_bytes;	/* weights, inputs, spilled feature maps */
	uint64_t dram_write_bytes;
	uint64_t weight_bytes;		/* of constants in the compiled model */
	uint64_t scratch_bytes;		/* of DRAM for intermediate tensors */
	uint64_t sram_peak_bytes;
	uint32_t npu_ops, cpu_ops;	/* operators of the source model, by where they run */
};

/**
 * enpu_compile_file() - compile a .tflite or .onnx file
 * @path: the model
 * @opts: NULL for the defaults
 * @out: the compiled model; untouched on failure
 * @stats: may be NULL
 * @diag: may be NULL
 */
int enpu_compile_file(const char *path, const struct enpu_compile_options *opts,
		      struct enpu_blob *out, struct enpu_compile_stats *stats,
		      struct enpu_diag *diag);

/**
 * enpu_compile_memory() - the same from memory, without data in files beside the model
 * @name: stands for the file name in messages and in the compiled model
 * @data: the model; must stay unchanged during the call
 */
int enpu_compile_memory(const char *name, const void *data, size_t size,
			const struct enpu_compile_options *opts, struct enpu_blob *out,
			struct enpu_compile_stats *stats, struct enpu_diag *diag);

/**
 * enpu_report_write() - write the HTML report of a compilation
 * @report: from enpu_compile_options.report
 * @accuracy: what verification found, or NULL; its layers get to operators by the names of
 *	tensors, and without any the report has no columns for them
 * @out: receives one self-contained HTML page, the same bytes for the same model
 *
 * Returns 0, -EIO if @out failed, or -ENOMEM.
 */
int enpu_report_write(const struct enpu_report *report, const struct enpu_accuracy *accuracy,
		      FILE *out);

/* NULL is fine. */
void enpu_report_free(struct enpu_report *report);

/* One line of the table of operators. All strings are static. */
struct enpu_operator_info {
	const char *name;		/* as in TensorFlow Lite, where it has it */
	bool in_tflite;			/* else a kind that other formats bring */
	const char *runs_on;		/* "NPU", "CPU", "NPU or CPU", "compiler": folded there */
	bool float_on_cpu;		/* float32 too, between quantized parts of a model */
	const char *types;
	const char *restrictions;
};

/* Line @index of the table of operators; false past its end. */
bool enpu_supported_operator(unsigned int index, struct enpu_operator_info *info);

/* The same for ONNX. */
struct enpu_onnx_operator_info {
	const char *name;
	const char *domain;		/* NULL: ONNX's own */
	int since;			/* the operator set from which on it is taken */
	const char *becomes;		/* name in the other table; "": nothing that is executed */
	/* As above; "compiler": computed or folded there; "nothing": only constants */
	const char *runs_on;
	const char *restrictions;	/* beside those of what it becomes */
};

bool enpu_supported_onnx_operator(unsigned int index, struct enpu_onnx_operator_info *info);

#ifdef __cplusplus
}
#endif

#endif
