# SPDX-License-Identifier: MIT
# Unit tests of the quantizer: cases worked by hand.

$(eval $(call flags,tests/unit/quant/,-Itools/compiler -Itools/compiler/include -iquote tools/accel))
$(eval $(call unit_test,quant-ranges,tests/unit/quant/test_ranges.c,libenpu-compiler))
$(eval $(call unit_test,quant-search,tests/unit/quant/test_search.c,libenpu-compiler))
$(eval $(call unit_test,quant-npy,tests/unit/quant/test_npy.c tools/accel/npy.c))
$(eval $(call unit_test,quant-stages,\
	tests/unit/quant/test_stages.c tests/unit/compiler/graph_fixture.c,libenpu-compiler))
