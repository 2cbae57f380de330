// SPDX-License-Identifier: MIT
/*
 * MSI-X vectors: what is raised arrives once, and waits behind masks.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../tools/device/vfio-user/irq.h"

struct fixture {
	struct vu_irqs *irqs;
	int fd;		/* ours; vector 1 has a duplicate of it */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->irqs = vu_irqs_new(4);
	f->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	vu_irqs_bind(f->irqs, 1, dup(f->fd));
	vu_irqs_control(f->irqs, true, false);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	vu_irqs_free(f->irqs);
	close(f->fd);
	free(f);
	return 0;
}

/* How often the eventfd was signalled since the last time */
static uint64_t signals(const struct fixture *f)
{
	uint64_t n = 0;

	if (read(f->fd, &n, sizeof(n)) < 0)
		assert_int_equal(errno, EAGAIN);
	return n;
}

static void test_raises(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(vu_irqs_count(f->irqs), 4);
	vu_irqs_raise(f->irqs, 1);
	assert_int_equal(signals(f), 1);
	vu_irqs_raise(f->irqs, 1);
	vu_irqs_raise(f->irqs, 1);
	assert_int_equal(signals(f), 2);
	/* Vectors that are unbound, or do not exist */
	vu_irqs_raise(f->irqs, 0);
	vu_irqs_raise(f->irqs, 4);
	vu_irqs_raise(f->irqs, ~0u);
	assert_int_equal(signals(f), 0);
	assert_int_equal(vu_irqs_pending(f->irqs), 0);
}

static void test_mask_keeps_one_pending(void **state)
{
	struct fixture *f = *state;

	vu_irqs_mask(f->irqs, 1, true);
	vu_irqs_raise(f->irqs, 1);
	vu_irqs_raise(f->irqs, 1);
	assert_int_equal(signals(f), 0);
	assert_int_equal(vu_irqs_pending(f->irqs), 1u << 1);
	vu_irqs_mask(f->irqs, 1, false);
	assert_int_equal(signals(f), 1);
	assert_int_equal(vu_irqs_pending(f->irqs), 0);
}

static void test_function_mask_and_disable(void **state)
{
	struct fixture *f = *state;

	vu_irqs_control(f->irqs, true, true);
	vu_irqs_raise(f->irqs, 1);
	assert_int_equal(signals(f), 0);
	vu_irqs_control(f->irqs, true, false);
	assert_int_equal(signals(f), 1);

	vu_irqs_control(f->irqs, false, false);
	vu_irqs_raise(f->irqs, 1);
	assert_int_equal(signals(f), 0);
	vu_irqs_control(f->irqs, true, false);
	assert_int_equal(signals(f), 0);
}

static void test_unbinds(void **state)
{
	struct fixture *f = *state;

	vu_irqs_mask(f->irqs, 1, true);
	vu_irqs_raise(f->irqs, 1);
	vu_irqs_unbind_all(f->irqs);
	assert_int_equal(vu_irqs_pending(f->irqs), 0);
	vu_irqs_raise(f->irqs, 1);
	assert_int_equal(signals(f), 0);
	vu_irqs_bind(f->irqs, 1, dup(f->fd));
	vu_irqs_raise(f->irqs, 1);
	assert_int_equal(signals(f), 1);
}

/* A client may hand over what blocks: a full eventfd in blocking mode, a pipe nobody reads. */
static void test_never_blocks(void **state)
{
	struct fixture *f = *state;
	int full = eventfd(0, EFD_CLOEXEC);
	int ends[2];
	unsigned int i;

	assert_int_equal(eventfd_write(full, UINT64_MAX - 1), 0);
	vu_irqs_bind(f->irqs, 1, full);
	vu_irqs_raise(f->irqs, 1);
	assert_int_equal(pipe(ends), 0);
	vu_irqs_bind(f->irqs, 2, ends[1]);
	for (i = 0; i < 20000; i++)
		vu_irqs_raise(f->irqs, 2);
	close(ends[0]);
}

#define IRQ_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IRQ_TEST(test_raises),
		IRQ_TEST(test_mask_keeps_one_pending),
		IRQ_TEST(test_function_mask_and_disable),
		IRQ_TEST(test_unbinds),
		IRQ_TEST(test_never_blocks),
	};

	alarm(60);
	return cmocka_run_group_tests_name("vfio-user: irq", tests, NULL, NULL);
}
