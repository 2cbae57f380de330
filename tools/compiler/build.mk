# SPDX-License-Identifier: MIT
$(eval $(call static_library,libenpu-compiler,$(wildcard tools/compiler/*.c tools/compiler/*/*.c)))
LIBS_libenpu-compiler := -lmd -ldnnl
