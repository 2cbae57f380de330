# SPDX-License-Identifier: MIT
# ONNX models: what the importer makes of them.

$(eval $(call flags,tests/onnx/,-Itools/compiler -Itools/compiler/include))
$(eval $(call program,onnx-graph,$(addprefix tests/onnx/,graph_dump.c given.c),libenpu-compiler))
