# SPDX-License-Identifier: MIT
$(eval $(call flags,tests/bench/,$(shell pkg-config --cflags libdrm)))
$(eval $(call program,bench-infer,tests/bench/infer.c,libaccel.so.1))
$(eval $(call program,empty-job,tests/bench/empty-job.c tests/bench/insn-clock.c,,-ldrm))
$(eval $(call program,user-job,tests/bench/user-job.c tests/bench/insn-clock.c,,-ldrm))
$(eval $(call program,many-clients,tests/bench/many-clients.c,,-ldrm))

.PHONY: bench
bench: build module $(O)/bin/ort-bench ## NPU, CPU and ONNX Runtime side by side; BENCH="--runs 51 --rst"
	@scripts/get-models models/ oracle/onnxruntime >/dev/null
	@O=$(O) tests/bench/run $(BENCH)
