# SPDX-License-Identifier: MIT
# The oracle: what TensorFlow Lite computes. It is loaded at run time, nothing of it is linked.

$(eval $(call program,tflite-oracle,tests/oracle/tflite_oracle.c tests/oracle/expose.c,,-ldl))
