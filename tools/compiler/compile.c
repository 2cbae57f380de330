// SPDX-License-Identifier: MIT
/* The library's entry points: from a file to a compiled model, pass by pass. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sha256.h>

#include "emit/emit.h"
#include "import.h"
#include "ops/operator.h"
#include "passes/passes.h"
#include "quant/quantizer.h"
#include "quant/verify.h"
#include "report/report.h"

#define DEFAULT_PRESET	"enpu-512"
#define MAX_FILE_BYTES	((size_t)1 << 31)
/* What a compilation may take beside the file: far more than any sound model needs. */
#define MEMORY_LIMIT	((size_t)3 << 30)

static int choose_machine(struct schedule *s, const struct enpu_compile_options *opts,
			  struct enpu_diag *diag)
{
	const char *preset = opts && opts->preset ? opts->preset : DEFAULT_PRESET;

	s->machine = machine_find(preset);
	if (!s->machine) {
		diag_error(diag, "there is no configuration '%s': choose one of %s", preset,
			   machine_names());
		return -EINVAL;
	}
	s->sram_bytes = s->machine->sram_bytes;
	if (!opts || !opts->sram_bytes)
		return 0;
	if (opts->sram_bytes > s->machine->sram_bytes) {
		diag_error(diag, "%u bytes of SRAM are asked for, %s has %u", opts->sram_bytes,
			   preset, s->machine->sram_bytes);
		return -EINVAL;
	}
	s->sram_bytes = opts->sram_bytes;
	return 0;
}

static void collect_stats(const struct schedule *s, struct enpu_compile_stats *stats)
{
	const struct traffic traffic = schedule_traffic(s);
	const struct program *p = s->program;

	memset(stats, 0, sizeof(*stats));
	for (size_t i = 0; i < p->n_layers; i++)
		stats->macs += p->layers[i].macs;
	for (size_t i = 0; i < s->n_steps; i++) {
		stats->commands += s->steps[i].n_tasks;
		stats->estimated_cycles += s->steps[i].cycles;
		if ((uint64_t)s->steps[i].sram_peak > stats->sram_peak_bytes)
			stats->sram_peak_bytes = s->steps[i].sram_peak;
	}
	stats->weight_bytes = s->constant_bytes;
	stats->scratch_bytes = s->scratch_bytes;
	stats->cpu_ops = p->n_cpu_steps;
	stats->npu_ops = p->graph->n_ops - stats->cpu_ops;
	stats->dram_read_bytes = traffic.read;
	stats->dram_write_bytes = traffic.written;
}

/* From a graph of quantized tensors, which is used up, to a file. */
static int compile_graph(struct graph *g, const struct source *source,
			 const struct enpu_compile_options *opts, struct enpu_blob *out,
			 struct enpu_compile_stats *stats)
{
	struct program p = { .arena = g->arena, .diag = g->diag, .graph = g };
	struct schedule s = { .program = &p, .dump = opts ? opts->dump : NULL };
	int err = choose_machine(&s, opts, g->diag);

	if (!err)
		err = check_operators(g);
	if (err)
		return err;
	fold_operators(&p, g);
	assign_views(&p);
	err = lower_operators(&p);
	if (err)
		return err;
	if (s.dump)
		program_dump(&p, s.dump);
	schedule_program(&s);
	err = place_in_dram(&s);
	if (err)
		return err;
	err = emit_model(&s, source, out);
	if (err)
		return err;
	collect_stats(&s, stats);
	if (opts && opts->report)
		err = report_collect(&s, source, out->size, stats, opts->report);
	if (err)
		enpu_blob_free(out);
	return err;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The int8 graph with other outputs: only the run counts. */
static int compile_exposed(struct verification *v, struct graph *g, struct enpu_blob *out)
{
	struct enpu_compile_options opts = *v->opts;
	struct enpu_compile_stats ignored;

	opts.dump = NULL;
	opts.report = NULL;
	return compile_graph(g, v->compile_arg, &opts, out, &ignored);
}

/* @source: the same graph once more, for verification to compare with. */
static int quantize_and_compile(struct graph *g, struct graph *source_graph, struct source *source,
				const struct enpu_compile_options *opts, struct enpu_blob *out,
				struct enpu_compile_stats *stats)
{
	struct graph teacher, made;
	struct verification v = {
		.source = source_graph, .teacher = &teacher, .made = &made, .model = out,
		.opts = opts, .compile = compile_exposed, .compile_arg = source,
	};
	int err = quantize_graph(g, opts, &teacher);

	if (!err)
		err = graph_copy(g, &made);
	if (!err)
		err = compile_graph(g, source, opts, out, stats);
	if (err || !opts->verify)
		return err;
	err = verify_model(&v);
	if (err)
		enpu_blob_free(out);
	return err;
}

static int import_and_compile(struct graph *g, const void *data, size_t size, const char *folder,
			      struct source *source, const struct enpu_compile_options *opts,
			      struct enpu_blob *out, struct enpu_compile_stats *stats)
{
	struct graph again = *g;
	int err = import_model(g, data, size, folder, opts);

	if (err || !opts || !opts->quantize)
		return err ? err : compile_graph(g, source, opts, out, stats);
	/* what it has to say it has said */
	again.diag = NULL;
	err = import_model(&again, data, size, folder, opts);
	again.diag = g->diag;
	return err ? err : quantize_and_compile(g, &again, source, opts, out, stats);
}

static int compile_data(const char *name, const char *folder, const void *data, size_t size,
			const struct enpu_compile_options *opts, struct enpu_blob *out,
			struct enpu_compile_stats *stats, struct enpu_diag *diag)
{
	struct arena arena = { .limit = MEMORY_LIMIT };
	struct graph g = { .arena = &arena, .diag = diag, .file = base_name(name) };
	struct source source = { .name = base_name(name), .bytes = size };
	struct enpu_compile_stats ignored;
	struct schedule machine = { 0 };
	SHA2_CTX sha;
	/* before anything that takes long */
	int err = choose_machine(&machine, opts, diag);

	if (err)
		return err;
	SHA256Init(&sha);
	SHA256Update(&sha, data, size);
	SHA256Final(source.sha256, &sha);
	if (setjmp(arena.oom)) {
		diag_error(diag, "%s: compiling needs more memory than there is, or more than "
			   "%zu MiB", base_name(name), MEMORY_LIMIT >> 20);
		arena_free(&arena);
		return -ENOMEM;
	}
	err = import_and_compile(&g, data, size, folder, &source, opts, out,
				 stats ? stats : &ignored);
	arena_free(&arena);
	return err;
}

int enpu_compile_memory(const char *name, const void *data, size_t size,
			const struct enpu_compile_options *opts, struct enpu_blob *out,
			struct enpu_compile_stats *stats, struct enpu_diag *diag)
{
	return compile_data(name, NULL, data, size, opts, out, stats, diag);
}

static int read_file(const char *path, void **data, size_t *size, struct enpu_diag *diag)
{
	FILE *f = fopen(path, "rb");
	size_t capacity = 0, n;
	char *bigger;

	*data = NULL;
	*size = 0;
	if (!f)
		goto fail;
	do {
		if (*size == capacity) {
			capacity = capacity ? 2 * capacity : 1 << 20;
			if (capacity > MAX_FILE_BYTES) {
				errno = EFBIG;
				goto fail;
			}
			bigger = realloc(*data, capacity);
			if (!bigger)
				goto fail;
			*data = bigger;
		}
		n = fread((char *)*data + *size, 1, capacity - *size, f);
		*size += n;
	} while (n);
	if (!ferror(f)) {
		fclose(f);
		return 0;
	}
fail:
	n = errno ? errno : EIO;
	diag_error(diag, "%s: %s", path, strerror(n));
	if (f)
		fclose(f);
	free(*data);
	*data = NULL;
	return -(int)n;
}

int enpu_compile_file(const char *path, const struct enpu_compile_options *opts,
		      struct enpu_blob *out, struct enpu_compile_stats *stats,
		      struct enpu_diag *diag)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, slash - path + 1) : strdup(".");
	void *data = NULL;
	size_t size;
	int err;

	if (!folder) {
		diag_error(diag, "%s: %s", path, strerror(ENOMEM));
		return -ENOMEM;
	}
	err = read_file(path, &data, &size, diag);
	if (!err)
		err = compile_data(path, folder, data, size, opts, out, stats, diag);
	free(folder);
	free(data);
	return err;
}
