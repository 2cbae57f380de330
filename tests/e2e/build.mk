# SPDX-License-Identifier: MIT
$(eval $(call flags,tests/e2e/,$(shell pkg-config --cflags libdrm)))
$(eval $(call program,e2e-client,tests/e2e/client.c tests/e2e/mapping.c,libaccel.so.1))
