# SPDX-License-Identifier: MIT
$(eval $(call flags,tests/bench/,$(shell pkg-config --cflags libdrm)))
$(eval $(call program,bench-infer,tests/bench/infer.c,libaccel.so.1))
$(eval $(call program,empty-job,tests/bench/empty-job.c tests/bench/insn-clock.c,,-ldrm))
