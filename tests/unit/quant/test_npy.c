// SPDX-License-Identifier: MIT
/* .npy files: what NumPy writes is read, anything else is refused with a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "npy.h"

#include <string.h>

/* A file of version @version with this dictionary and @bytes bytes of data. */
static const char *read_made(unsigned char version, const char *dictionary, size_t bytes,
			     struct npy *npy)
{
	size_t length = strlen(dictionary);
	FILE *file = tmpfile();
	const char *reason;

	assert_non_null(file);
	fwrite("\x93NUMPY", 1, 6, file);
	fputc(version, file);
	fputc(0, file);
	fputc(length & 255, file);
	fputc(length >> 8, file);
	if (version > 1)
		fwrite("\0\0", 1, 2, file);
	fwrite(dictionary, 1, length, file);
	for (size_t i = 0; i < bytes; i++)
		fputc(0, file);
	rewind(file);
	reason = npy_read_header(file, npy);
	fclose(file);
	return reason;
}

static void test_good(void **state)
{
	struct npy npy;

	assert_null(read_made(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n",
			      24, &npy));
	assert_string_equal(npy.type, "float32");
	assert_int_equal(npy.rank, 2);
	assert_int_equal(npy.dims[0], 2);
	assert_int_equal(npy.dims[1], 3);
	assert_int_equal(npy.elements, 6);
	assert_int_equal(npy.offset, 10 + 60);
	assert_null(read_made(2, "{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }", 5,
			      &npy));
	assert_int_equal(npy.rank, 1);
	assert_int_equal(npy.offset, 12 + 57);
	assert_null(read_made(1, "{'descr': '<i8', 'fortran_order': False, 'shape': (), }", 8,
			      &npy));
	assert_int_equal(npy.rank, 0);
	assert_int_equal(npy.elements, 1);
}

static void test_bad(void **state)
{
	static const struct {
		const char *dictionary;
		size_t bytes;
		const char *reason;
	} cases[] = {
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 23, "size" },
		{ "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 24, "order" },
		{ "{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }", 24, "type" },
		{ "{'descr': '<f44', 'fortran_order': False, 'shape': (2, 3), }", 24, "type" },
		{ "{'fortran_order': False, 'shape': (2, 3), }", 24, "descr" },
		{ "{'descr': '<f4', 'fortran_order': False, }", 24, "shape" },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (2, -3), }", 24, "shape" },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (2", 24, "shape" },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999, 2), }", 0,
		  "large" },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999, 9999999999), }",
		  0, "large" },
		{ "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 4,
		  "dimensions" },
		{ "", 0, "order" },
	};
	struct npy npy;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *reason = read_made(1, cases[i].dictionary, cases[i].bytes, &npy);

		assert_non_null(reason);
		if (!strstr(reason, cases[i].reason))
			fail_msg("case %zu: '%s' does not say '%s'", i, reason, cases[i].reason);
	}
	assert_non_null(read_made(9, cases[0].dictionary, 24, &npy));
}

static void test_short(void **state)
{
	static const char whole[] = "\x93NUMPY\x01\0\x40\0{'descr'";
	struct npy npy;

	for (size_t size = 0; size < sizeof(whole); size++) {
		FILE *file = tmpfile();

		assert_non_null(file);
		fwrite(whole, 1, size, file);
		rewind(file);
		assert_non_null(npy_read_header(file, &npy));
		fclose(file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
