// SPDX-License-Identifier: GPL-2.0-only
/*
 * Systematic fault injection. Each operation is done again and again; the first
 * time its first allocation (or access to user memory) fails, then its second,
 * and so on until it gets through undisturbed. (Where the same loop runs for each of many
 * vectors, not each of its rounds fails.) Each failure must be a clean error
 * that changed nothing, and the operation must work right after it.
 *
 * Needs a kernel with failslab, fail_page_alloc, fail_usercopy and fail-nth, see
 * tests/kernel-config. What leaks is for kmemleak to find, afterwards.
 */
#include "fail_nth/operations.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest.h"

#define DEBUGFS		"/sys/kernel/debug/"
#define SHMEM_HUGE	"/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define MAX_FAULTS	20000
/* of the repetitive: each of the first ones, then some; the step is prime, so that they differ */
#define FIRST_FAULTS	100
#define FAULT_STEP	31

static int fail_nth_file;

static void arm(unsigned int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	/* fails only if a fault that is still armed strikes here, and then it is spent */
	if (pwrite(fail_nth_file, text, length, 0) != length &&
	    pwrite(fail_nth_file, text, length, 0) != length)
		ksft_exit_fail_msg("fail-nth: %s\n", strerror(errno));
}

/* Returns whether the fault has struck. */
static bool disarm(void)
{
	char text[16] = "";
	ssize_t length = pread(fail_nth_file, text, sizeof(text) - 1, 0);

	arm(0);
	return length > 0 && !atoi(text);
}

/* What an operation may answer when memory is short or the caller's is bad */
static bool is_clean(const struct operation *operation, int error)
{
	bool clean = !error || error == -ENOMEM || error == -EFAULT;
	unsigned int i;

	for (i = 0; i < COUNT(operation->also); i++)
		clean |= error == operation->also[i];
	return clean;
}

static bool finish(const struct operation *operation, struct attempt *attempt, bool ok)
{
	if (operation->cleanup)
		operation->cleanup(attempt);
	if (!operation->bare)
		ctx_fini(&attempt->ctx);
	else if (!ok)
		probe_act(attempt);	/* for those after us */
	return ok;
}

struct tally {
	unsigned int faults, errors, survived;
};

/*
 * One attempt, in which the nth possible fault happens. Returns whether it went as
 * it should; *struck: whether there were as many.
 */
static bool try_nth(const struct operation *operation, unsigned int n, bool *struck,
		    struct tally *tally)
{
	struct attempt attempt = { .fd = -1 };
	int ret;

	*struck = false;
	ret = operation->bare ? 0 : ctx_init(&attempt.ctx, 0);
	if (!ret && operation->setup)
		ret = operation->setup(&attempt);
	if (ret) {
		ksft_print_msg("%s: cannot be prepared (%d) for fault %u\n", operation->name,
			       ret, n);
		return false;
	}

	arm(n);
	ret = operation->act(&attempt);
	*struck = disarm();
	tally->faults += *struck;
	tally->errors += *struck && ret;
	tally->survived += *struck && !ret;

	if (*struck ? !is_clean(operation, ret) : ret) {
		ksft_print_msg("%s: fault %u: unexpected answer %d\n", operation->name, n, ret);
		return finish(operation, &attempt, false);
	}
	/* EFAULT may be about the answer: then the operation itself was done */
	if (ret == -ENOMEM && operation->failed && !operation->failed(&attempt)) {
		ksft_print_msg("%s: fault %u: it failed, and left traces\n", operation->name, n);
		return finish(operation, &attempt, false);
	}
	if (ret && operation->once)
		return finish(operation, &attempt, true);
	if (ret) {
		ret = operation->act(&attempt);
		if (ret) {
			ksft_print_msg("%s: fault %u: then it does not work: %d\n",
				       operation->name, n, ret);
			return finish(operation, &attempt, false);
		}
	}
	if (operation->done && !operation->done(&attempt)) {
		ksft_print_msg("%s: fault %u: then the result is wrong\n", operation->name, n);
		return finish(operation, &attempt, false);
	}
	return finish(operation, &attempt, true);
}

/* Where a function of the kernel begins, and the next one. */
static bool find_function(const char *function, unsigned long *start, unsigned long *end)
{
	unsigned long address;
	char line[256], name[128];
	FILE *symbols = fopen("/proc/kallsyms", "re");

	*start = 0;
	*end = ULONG_MAX;
	while (symbols && fgets(line, sizeof(line), symbols)) {
		if (sscanf(line, "%lx %*c %127s", &address, name) == 2 && !strcmp(name, function))
			*start = address;
	}
	if (!*start)
		return false;
	rewind(symbols);
	while (fgets(line, sizeof(line), symbols)) {
		if (sscanf(line, "%lx", &address) == 1 && address > *start && address < *end)
			*end = address;
	}
	fclose(symbols);
	return true;
}

/* What a fault's stack must, or must not have: @which is "require" or "reject". */
static void set_stack(const char *which, unsigned long start, unsigned long end)
{
	static const char *const attributes[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	char path[128], from[32], to[32];
	unsigned int i;

	snprintf(from, sizeof(from), "0x%lx", start);
	snprintf(to, sizeof(to), "0x%lx", end);
	for (i = 0; i < COUNT(attributes); i++) {
		snprintf(path, sizeof(path), DEBUGFS "%s/%s-start", attributes[i], which);
		if (!write_file(path, from)) {
			snprintf(path, sizeof(path), DEBUGFS "%s/%s-end", attributes[i], which);
			if (!write_file(path, to))
				continue;
		}
		ksft_exit_fail_msg("cannot write to %s\n", path);
	}
}

/* Faults are to happen where the operation says. */
static void aim(const struct operation *operation)
{
	unsigned long start = 0, end = ULONG_MAX;

	if (operation->within && !find_function(operation->within, &start, &end))
		ksft_exit_fail_msg("no address of %s()\n", operation->within);
	set_stack("require", start, end);

	start = 0;
	end = 0;
	if (operation->spared && !find_function(operation->spared, &start, &end))
		ksft_exit_fail_msg("no address of %s()\n", operation->spared);
	set_stack("reject", start, end);
}

static bool sweep(const struct operation *operation)
{
	struct tally tally = {};
	bool ok = true, struck = true;
	unsigned int n;

	aim(operation);
	for (n = 1; ok && struck && n < MAX_FAULTS;
	     n += operation->repetitive && n >= FIRST_FAULTS ? FAULT_STEP : 1)
		ok = try_nth(operation, n, &struck, &tally);
	ksft_print_msg("%s: %u faults: %u errors, %u survived\n", operation->name, tally.faults,
		       tally.errors, tally.survived);
	return ok && !struck && (tally.faults || operation->easy);
}

/* Whatever an address space or queue needs of the device has come back. */
static bool all_is_there(void)
{
	int fd = enpu_open();
	struct drm_enpu_dev_info info = enpu_info(fd);
	uint32_t i, vm = 0, queue;
	bool ok = info.num_vms > 0;

	for (i = 0; ok && i < info.num_vms; i++)
		ok = !vm_create(fd, &vm);
	for (i = 0; ok && i < info.num_queues; i++)
		ok = !queue_create(fd, vm, 0, &queue);
	close(fd);
	return ok;
}

static void set_up(void)
{
	static const char *const settings[][2] = {
		{ DEBUGFS "failslab/ignore-gfp-wait", "N" },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N" },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ DEBUGFS "fail_page_alloc/min-order", "0" },
		{ DEBUGFS "failslab/verbose", "0" },
		{ DEBUGFS "fail_page_alloc/verbose", "0" },
		{ DEBUGFS "fail_usercopy/verbose", "0" },
		/* so that there are blocks of 2 MiB */
		{ SHMEM_HUGE, "force" },
	};
	unsigned int i;

	fail_nth_file = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth_file < 0)
		ksft_exit_skip("this kernel has no fault injection\n");
	for (i = 0; i < COUNT(settings); i++)
		if (write_file(settings[i][0], settings[i][1]))
			ksft_exit_fail_msg("cannot write to %s\n", settings[i][0]);
}

static bool chosen(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], name); i++)
		;
	return argc == 1 || i < argc;
}

int main(int argc, char **argv)
{
	unsigned int i;

	ksft_print_header();
	set_up();
	ksft_set_plan(num_operations + 1);
	for (i = 0; i < num_operations; i++) {
		if (chosen(operations[i].name, argc, argv))
			ksft_test_result(sweep(&operations[i]), "fail_nth.%s\n",
					 operations[i].name);
		else
			ksft_test_result_skip("fail_nth.%s\n", operations[i].name);
	}
	ksft_test_result(all_is_there(), "fail_nth.nothing_is_lost\n");
	write_file(SHMEM_HUGE, "never");
	ksft_finished();
}
