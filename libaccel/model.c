// SPDX-License-Identifier: MIT
/* Models: reading the file, what users can ask of a model, what a device must have. */
#include "model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

#define MAX_FILE	(UINT64_C(4) << 30)
#define IMAGE_ALIGN	64

static void destroy(struct accel_model *model)
{
	free(model->layers);
	free(model->steps);
	free(model->inputs);
	free(model->outputs);
	free(model->tensors);
	free(model->image);
	free(model->file);
	pthread_mutex_destroy(&model->lock);
	free(model);
}

/* Takes @image over, even on failure. */
static int create(const char *name, void *image, size_t size, struct accel_model **out,
		  struct accel_error *err)
{
	struct accel_model *model = calloc(1, sizeof(*model));
	int ret;

	if (!model) {
		free(image);
		return accel_fail(err, -ENOMEM, "%s: out of memory", name);
	}
	model->refs = 1;
	model->image = image;
	pthread_mutex_init(&model->lock, NULL);
	model->file = strdup(name);
	if (model->file)
		ret = accel_model_parse(model, image, size, err);
	else
		ret = accel_fail(err, -ENOMEM, "%s: out of memory", name);
	if (ret)
		destroy(model);
	else
		*out = model;
	return ret;
}

static void *alloc_image(size_t size)
{
	return aligned_alloc(IMAGE_ALIGN, (size + IMAGE_ALIGN) & ~(size_t)(IMAGE_ALIGN - 1));
}

int accel_model_load_memory(const char *name, const void *data, size_t size,
			    struct accel_model **model, struct accel_error *err)
{
	void *image;

	if (size > MAX_FILE)
		return accel_fail(err, -EFBIG, "%s: larger than 4 GiB", name);
	image = alloc_image(size);
	if (!image)
		return accel_fail(err, -ENOMEM, "%s: out of memory", name);
	if (size)
		memcpy(image, data, size);
	return create(name, image, size, model, err);
}

static int read_all(int fd, void *to, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = read(fd, (char *)to + done, size - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -EIO;	/* it became shorter while we read */
		done += (size_t)got;
	}
	return 0;
}

static int read_file(const char *path, int fd, void **image, size_t *size,
		     struct accel_error *err)
{
	struct stat st;
	int ret;

	if (fstat(fd, &st))
		return accel_fail(err, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return accel_fail(err, -EINVAL, "%s: not a regular file", path);
	if ((uint64_t)st.st_size > MAX_FILE)
		return accel_fail(err, -EFBIG, "%s: larger than 4 GiB", path);
	*size = (size_t)st.st_size;
	*image = alloc_image(*size);
	if (!*image)
		return accel_fail(err, -ENOMEM, "%s: out of memory", path);
	ret = read_all(fd, *image, *size);
	if (ret) {
		free(*image);
		return accel_fail(err, ret, "%s: reading: %s", path, strerror(-ret));
	}
	return 0;
}

int accel_model_load(const char *path, struct accel_model **model, struct accel_error *err)
{
	/* Not to hang in open() on a FIFO: that is refused afterwards */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	void *image = NULL;
	size_t size = 0;
	int ret;

	if (fd < 0)
		return accel_fail(err, -errno, "%s: %s", path, strerror(errno));
	ret = read_file(path, fd, &image, &size, err);
	close(fd);
	if (ret)
		return ret;
	return create(path, image, size, model, err);
}

struct accel_model *accel_model_ref(struct accel_model *model)
{
	atomic_fetch_add(&model->refs, 1);
	return model;
}

void accel_model_release(struct accel_model *model)
{
	if (model && atomic_fetch_sub(&model->refs, 1) == 1)
		destroy(model);
}

const struct accel_model_info *accel_model_info(const struct accel_model *model)
{
	return &model->info;
}

const struct accel_tensor *accel_model_input(const struct accel_model *model, unsigned int index)
{
	return index < model->info.num_inputs ? &model->inputs[index]->tensor : NULL;
}

const struct accel_tensor *accel_model_output(const struct accel_model *model, unsigned int index)
{
	return index < model->info.num_outputs ? &model->outputs[index]->tensor : NULL;
}

const struct accel_layer *accel_model_layer(const struct accel_model *model, unsigned int index)
{
	return index < model->info.num_layers ? &model->layers[index] : NULL;
}

const struct accel_step *accel_model_step(const struct accel_model *model, unsigned int index)
{
	return index < model->info.num_steps ? &model->steps[index].step : NULL;
}

static int check_caps(const struct accel_model_info *model, const struct accel_device_info *dev,
		      struct accel_error *err)
{
	uint32_t missing = model->caps & ~dev->caps;
	unsigned int bit = missing ? (unsigned int)__builtin_ctz(missing) : 0;
	const char *name = accel_cap_name(bit);

	if (missing && name)
		return accel_fail(err, -ENOTSUP, "%s: needs the capability %s, which %s doesn't have",
				  model->file, name, dev->id);
	if (missing)
		return accel_fail(err, -ENOTSUP,
				  "%s: needs capability bit %u, which %s doesn't have",
				  model->file, bit, dev->id);
	return 0;
}

int accel_model_check(const struct accel_model *m, const struct accel_device *device,
		      struct accel_error *err)
{
	const struct accel_device_info *dev = accel_device_info(device);
	const struct accel_model_info *model = &m->info;
	uint64_t opcodes = model->opcodes & ~dev->opcodes;

	if (model->arch_version >> 16 != dev->arch_version >> 16 ||
	    model->arch_version > dev->arch_version)
		return accel_fail(err, -ENOTSUP, "%s: needs ENPU architecture %u.%u, %s has %u.%u",
				  model->file, model->arch_version >> 16,
				  model->arch_version & 0xffff, dev->id, dev->arch_version >> 16,
				  dev->arch_version & 0xffff);
	if (opcodes)
		return accel_fail(err, -ENOTSUP, "%s: needs command opcode %d, which %s doesn't have",
				  model->file, __builtin_ctzll(opcodes), dev->id);
	if (model->sram_bytes > dev->sram_bytes)
		return accel_fail(err, -ENOTSUP,
				  "%s: needs %u bytes of SRAM (it was compiled for %s), %s has %u",
				  model->file, model->sram_bytes, model->preset, dev->id,
				  dev->sram_bytes);
	return check_caps(model, dev, err);
}
