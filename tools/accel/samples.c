// SPDX-License-Identifier: MIT
/* Samples from folders: see samples.h. */
#include "samples.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sha256.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "cli.h"
#include "npy.h"

#define MAX_SAMPLES	1000000
#define CHUNK		65536

/* Where the text of a failure goes. */
struct failure {
	char *text;
	size_t size;
};

static int fail(const struct failure *f, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int fail(const struct failure *f, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(f->text, f->size, format, args);
	va_end(args);
	return err;
}

static int has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name), end = strlen(suffix);

	return length > end && strcasecmp(name + length - end, suffix) == 0;
}

static int is_picture(const char *name)
{
	return has_suffix(name, ".jpg") || has_suffix(name, ".jpeg") || has_suffix(name, ".png");
}

static int append(struct samples *s, const char *path, int npy, uint64_t record, int32_t label)
{
	struct sample *list;

	if (s->count == MAX_SAMPLES)
		return -E2BIG;
	/* capacities are powers of two */
	if (!(s->count & (s->count - 1))) {
		list = realloc(s->list, (s->count ? 2 * s->count : 1) * sizeof(*list));
		if (!list)
			return -ENOMEM;
		s->list = list;
	}
	s->list[s->count] = (struct sample){ strdup(path), record, npy, label, { 0 } };
	return s->list[s->count++].path ? 0 : -ENOMEM;
}

/* A sample of the array is the model's input. */
static int is_record(const struct npy *npy, const struct enpu_input_info *input)
{
	if (npy->rank != input->rank || !input->rank || input->dims[0] != 1)
		return 0;
	for (uint32_t d = 1; d < input->rank; d++)
		if (npy->dims[d] != (uint64_t)input->dims[d])
			return 0;
	return 1;
}

/* Whole inputs, whatever they begin with. */
static int is_stack(const struct npy *npy, const struct enpu_input_info *input)
{
	if (npy->rank != input->rank + 1)
		return 0;
	for (uint32_t d = 0; d < input->rank; d++)
		if (npy->dims[d + 1] != (uint64_t)input->dims[d])
			return 0;
	return 1;
}

/* The same with its channels first, as ONNX models have them: the compiled one has not. */
static int is_planar(const struct npy *npy, const struct enpu_input_info *input)
{
	const int32_t *dims = input->dims;

	return npy->rank == 4 && input->rank == 4 && dims[0] == 1 &&
	       npy->dims[1] == (uint64_t)dims[3] && npy->dims[2] == (uint64_t)dims[1] &&
	       npy->dims[3] == (uint64_t)dims[2];
}

static void make_interleaved(const struct npy *npy, const void *from, void *to)
{
	size_t size = npy->element_size, channels = npy->dims[1];
	size_t pixels = npy->dims[2] * npy->dims[3];

	for (size_t c = 0; c < channels; c++)
		for (size_t i = 0; i < pixels; i++)
			memcpy((char *)to + (i * channels + c) * size,
			       (const char *)from + (c * pixels + i) * size, size);
}

static const char *shape_text(uint32_t rank, const int32_t *dims, char *text, size_t size)
{
	size_t used = 0;

	*text = '\0';
	for (uint32_t d = 0; d < rank && used < size; d++)
		used += (size_t)snprintf(text + used, size - used, d ? ",%d" : "%d", dims[d]);
	return text;
}

static FILE *open_npy(const char *path, const struct enpu_input_info *input, struct npy *npy,
		      const struct failure *f)
{
	FILE *file = fopen(path, "rbe");
	const char *reason;
	char shape[80];

	if (!file) {
		fail(f, -errno, "%s: %s", path, strerror(errno));
		return NULL;
	}
	reason = npy_read_header(file, npy);
	if (!reason && strcmp(npy->type, input->type))
		fail(f, -EINVAL, "%s: the elements are %s, input %s takes %s", path, npy->type,
		     input->name, input->type);
	else if (!reason && !is_record(npy, input) && !is_planar(npy, input) &&
		 !is_stack(npy, input))
		fail(f, -EINVAL, "%s: input %s is [%s]: expected that, with the number of samples before it or for a leading 1",
		     path, input->name, shape_text(input->rank, input->dims, shape, sizeof(shape)));
	else if (reason)
		fail(f, -EINVAL, "%s: %s", path, reason);
	else
		return file;
	fclose(file);
	return NULL;
}

static int add_npy(struct samples *s, const char *path, int32_t label,
		   const struct enpu_input_info *input, const struct failure *f)
{
	struct npy npy;
	FILE *file = open_npy(path, input, &npy, f);
	int err = file ? 0 : -EINVAL;

	if (!file)
		return err;
	fclose(file);
	for (uint64_t i = 0; i < npy.dims[0] && !err; i++)
		err = append(s, path, 1, i, label);
	return err;
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int add_folder(struct samples *s, const char *dir, int32_t label,
		      const struct enpu_input_info *input, const struct failure *f);

static int add_entry(struct samples *s, const char *dir, const char *name, int32_t label,
		     const struct enpu_input_info *input, const struct failure *f)
{
	unsigned long class;
	char *path;
	struct stat st;
	int err = 0;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	if (stat(path, &st))
		err = fail(f, -errno, "%s: %s", path, strerror(errno));
	else if (S_ISDIR(st.st_mode) && label < 0 && !cli_number(name, 0, INT32_MAX, &class))
		err = add_folder(s, path, (int32_t)class, input, f);
	else if (S_ISREG(st.st_mode) && has_suffix(name, ".npy"))
		err = add_npy(s, path, label, input, f);
	else if (S_ISREG(st.st_mode) && is_picture(name))
		err = append(s, path, 0, 0, label);
	free(path);
	return err;
}

static int add_folder(struct samples *s, const char *dir, int32_t label,
		      const struct enpu_input_info *input, const struct failure *f)
{
	struct dirent **entries;
	int count = scandir(dir, &entries, visible, alphasort), err = 0;

	if (count < 0)
		return fail(f, -errno, "%s: %s", dir, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (!err)
			err = add_entry(s, dir, entries[i]->d_name, label, input, f);
		free(entries[i]);
	}
	free(entries);
	return err;
}

/*
 * Of a model with several inputs each has a folder in ours, with its name, or with its number if
 * no folder can have that name: the same record of the file of the same name in each is a sample.
 */
static char *folder_of(const struct samples *s, const struct enpu_input_info *inputs, uint32_t i)
{
	const char *name = inputs[i].name;
	char *path;
	int length;

	if (*name && *name != '.' && !strchr(name, '/'))
		length = asprintf(&path, "%s/%s", s->dir, name);
	else
		length = asprintf(&path, "%s/%" PRIu32, s->dir, i);
	return length < 0 ? NULL : path;
}

/* The file that has input @i of the sample; free(). NULL: out of memory */
static char *file_of(const struct samples *s, const struct sample *sample,
		     const struct enpu_input_info *inputs, uint32_t num_inputs, uint32_t i)
{
	char *folder, *path;

	if (num_inputs == 1)
		return strdup(sample->path);
	folder = folder_of(s, inputs, i);
	if (!folder || asprintf(&path, "%s/%s", folder, sample->path) < 0)
		path = NULL;
	free(folder);
	return path;
}

/* The files of the first input's folder, by their names there */
static int add_inputs(struct samples *s, const struct enpu_input_info *inputs,
		      const struct failure *f)
{
	struct samples first = { 0 };
	char *folder = folder_of(s, inputs, 0);
	int err = folder ? add_folder(&first, folder, -1, inputs, f) : -ENOMEM;

	for (size_t i = 0; i < first.count && !err; i++) {
		const struct sample *sample = &first.list[i];
		const char *name = strrchr(sample->path, '/') + 1;

		if (sample->npy)
			err = append(s, name, 1, sample->record, sample->label);
		else
			err = fail(f, -EINVAL, "%s: a model with several inputs takes .npy files",
				   sample->path);
	}
	samples_free(&first);
	free(folder);
	return err;
}

/* @size bytes of @file from where it stands; all there are if 0. */
static int hash(SHA2_CTX *sha, FILE *file, uint64_t size)
{
	uint64_t left = size ? size : UINT64_MAX;
	unsigned char chunk[CHUNK];
	size_t got = 1;

	while (left && got) {
		got = fread(chunk, 1, left < CHUNK ? left : CHUNK, file);
		SHA256Update(sha, chunk, got);
		left -= got;
	}
	return ferror(file) ? -EIO : 0;
}

static int hash_input(SHA2_CTX *sha, const char *path, const struct sample *sample,
		      const struct enpu_input_info *input, const struct failure *f)
{
	struct npy npy = { 0 };
	FILE *file;
	int err = 0;

	if (sample->npy)
		file = open_npy(path, input, &npy, f);
	else
		file = fopen(path, "rbe");
	if (!file)
		return sample->npy ? -EINVAL : fail(f, -errno, "%s: %s", path, strerror(errno));
	if (sample->npy && sample->record >= npy.dims[0])
		err = fail(f, -EINVAL, "%s: %" PRIu64 " samples, the first input has more", path,
			   npy.dims[0]);
	else if (sample->npy && fseek(file, (long)(sample->record * input->bytes), SEEK_CUR))
		err = -EIO;
	else
		err = hash(sha, file, sample->npy ? input->bytes : 0);
	fclose(file);
	return err == -EIO ? fail(f, err, "%s: %s", path, strerror(-err)) : err;
}

static int hash_sample(const struct samples *s, struct sample *sample,
		       const struct enpu_input_info *inputs, uint32_t num_inputs,
		       const struct failure *f)
{
	SHA2_CTX sha;
	int err = 0;

	SHA256Init(&sha);
	for (uint32_t i = 0; i < num_inputs && !err; i++) {
		char *path = file_of(s, sample, inputs, num_inputs, i);

		err = path ? hash_input(&sha, path, sample, &inputs[i], f) : -ENOMEM;
		free(path);
	}
	SHA256Final(sample->sha256, &sha);
	return err;
}

/* An array holds the steps of a sequence. */
static bool samples_begins(void *arg, uint32_t index)
{
	const struct samples *s = arg;
	const struct sample *sample = &s->list[index], *before = sample - 1;

	return !index || !sample->npy || sample->record != before->record + 1 ||
	       strcmp(sample->path, before->path) != 0;
}

/* Where the next one begins after the one that begins at @i */
static size_t sequence_end(struct samples *s, size_t i)
{
	do
		i++;
	while (i < s->count && !samples_begins(s, (uint32_t)i));
	return i;
}

/*
 * Of a sequence all steps get the hash of the whole: that single steps are alike, as those of
 * silence are, says nothing.
 */
static void hash_sequences(struct samples *s)
{
	for (size_t i = 0, next; i < s->count; i = next) {
		unsigned char digest[sizeof(s->list[0].sha256)];
		SHA2_CTX sha;

		next = sequence_end(s, i);
		SHA256Init(&sha);
		for (size_t step = i; step < next; step++)
			SHA256Update(&sha, s->list[step].sha256, sizeof(digest));
		SHA256Final(digest, &sha);
		for (size_t step = i; step < next; step++)
			memcpy(s->list[step].sha256, digest, sizeof(digest));
	}
}

static int by_hash(const void *a, const void *b)
{
	const struct sample *const *x = a, *const *y = b;

	return memcmp((*x)->sha256, (*y)->sha256, sizeof((*x)->sha256));
}

/* What was learned from can't be examined on. */
static int check_apart(const struct samples *s, const struct failure *f)
{
	const struct sample **seen;
	int err = 0;

	if (!s->apart || !s->apart->count)
		return 0;
	seen = calloc(s->apart->count, sizeof(*seen));
	if (!seen)
		return -ENOMEM;
	for (size_t i = 0; i < s->apart->count; i++)
		seen[i] = &s->apart->list[i];
	qsort(seen, s->apart->count, sizeof(*seen), by_hash);
	for (size_t i = 0; i < s->count && !err; i++) {
		const struct sample *key = &s->list[i];
		const struct sample **twin = bsearch(&key, seen, s->apart->count, sizeof(*seen),
						     by_hash);

		if (twin)
			err = fail(f, -EINVAL, "%s: the same content is in the calibration (%s): verification needs data that calibration did not see",
				   key->path, (*twin)->path);
	}
	free(seen);
	return err;
}

/* The first steps of each sequence, of all as many. */
static void cut_sequences(struct samples *s)
{
	size_t sequences = 0, kept = 0, most;

	if (!s->limit || s->count <= s->limit)
		return;
	for (size_t i = 0; i < s->count; i = sequence_end(s, i))
		sequences++;
	most = s->limit > sequences ? s->limit / sequences : 1;
	for (size_t i = 0, next; i < s->count; i = next) {
		next = sequence_end(s, i);
		for (size_t step = i; step < next; step++) {
			struct sample sample = s->list[step];

			if (step - i < most && kept < s->limit)
				s->list[kept++] = sample;
			else
				free(sample.path);
		}
	}
	s->count = kept;
}

/* Every n-th sample, so that of a sorted folder all parts are used. */
static void thin_out(struct samples *s)
{
	if (!s->limit || s->count <= s->limit)
		return;
	for (size_t i = 0; i < s->limit; i++) {
		size_t from = i * s->count / s->limit;
		struct sample kept = s->list[from];

		s->list[from] = s->list[i];
		s->list[i] = kept;
	}
	for (size_t i = s->limit; i < s->count; i++)
		free(s->list[i].path);
	s->count = s->limit;
}

static int samples_open(void *arg, const struct enpu_input_info *inputs, uint32_t num_inputs,
			bool in_sequence, char *error, size_t error_size)
{
	const struct failure f = { error, error_size };
	struct samples *s = arg;
	int err;

	*error = '\0';
	if (!num_inputs)
		return fail(&f, -EINVAL, "%s: the model has no inputs", s->dir);
	if (num_inputs == 1)
		err = add_folder(s, s->dir, -1, inputs, &f);
	else
		err = add_inputs(s, inputs, &f);
	if (in_sequence)
		cut_sequences(s);
	else
		thin_out(s);
	for (size_t i = 0; i < s->count && !err; i++)
		err = hash_sample(s, &s->list[i], inputs, num_inputs, &f);
	if (!err && in_sequence)
		hash_sequences(s);
	if (!err)
		err = check_apart(s, &f);
	if (err)
		return *error ? err : fail(&f, err, "%s: %s", s->dir, strerror(-err));
	if (!s->count)
		return fail(&f, -EINVAL, "%s: no JPEG, PNG or .npy file is in this folder", s->dir);
	return (int)s->count;
}

static int read_record(FILE *file, const struct npy *npy, const struct sample *sample,
		       const struct enpu_input_info *input, void *data)
{
	void *planes = NULL;
	int err = 0;

	if (fseek(file, (long)(sample->record * input->bytes), SEEK_CUR))
		return -EIO;
	if (!is_record(npy, input) && !is_stack(npy, input)) {
		planes = malloc(input->bytes);
		if (!planes)
			return -ENOMEM;
	}
	if (fread(planes ? planes : data, 1, input->bytes, file) != input->bytes)
		err = -EIO;
	else if (planes)
		make_interleaved(npy, planes, data);
	free(planes);
	return err;
}

static int read_npy(const char *path, const struct sample *sample,
		    const struct enpu_input_info *input, void *data, const struct failure *f)
{
	struct npy npy;
	FILE *file = open_npy(path, input, &npy, f);
	int err;

	if (!file)
		return -EINVAL;
	err = read_record(file, &npy, sample, input, data);
	fclose(file);
	return err ? fail(f, err, "%s: reading: %s", path, strerror(-err)) : 0;
}

static int read_picture(const struct samples *s, const struct sample *sample,
			const struct enpu_input_info *input, void *data, const struct failure *f)
{
	struct picture picture;
	int planar, err;

	if (strcmp(input->type, "float32") || !preprocess_fits(input->rank, input->dims, &planar))
		return fail(f, -EINVAL, "%s: input %s doesn't take a picture: expected float32 with 1 or 3 channels",
			    sample->path, input->name);
	if (picture_load(sample->path, &picture))
		return fail(f, -EINVAL, "%s: not a picture that can be read", sample->path);
	err = preprocess_picture(&s->preprocess, &picture, input->dims, data);
	free(picture.rgb);
	return err ? fail(f, -EINVAL, "%s: resizing failed", sample->path) : 0;
}

static int samples_read(void *arg, uint32_t index, const struct enpu_input_info *inputs,
			uint32_t num_inputs, void *const *data, char *error, size_t error_size)
{
	const struct failure f = { error, error_size };
	const struct samples *s = arg;
	const struct sample *sample = &s->list[index];
	int err = 0;

	if (!sample->npy)
		return read_picture(s, sample, inputs, data[0], &f);
	for (uint32_t i = 0; i < num_inputs && !err; i++) {
		char *path = file_of(s, sample, inputs, num_inputs, i);

		err = path ? read_npy(path, sample, &inputs[i], data[i], &f) :
			     fail(&f, -ENOMEM, "out of memory");
		free(path);
	}
	return err;
}

static int32_t samples_label(void *arg, uint32_t index)
{
	const struct samples *s = arg;

	return s->list[index].label;
}

struct enpu_samples samples_source(struct samples *samples)
{
	return (struct enpu_samples){
		.arg = samples, .open = samples_open, .read = samples_read,
		.begins = samples_begins, .label = samples_label,
	};
}

void samples_free(struct samples *samples)
{
	for (size_t i = 0; i < samples->count; i++)
		free(samples->list[i].path);
	free(samples->list);
	samples->list = NULL;
	samples->count = 0;
}
