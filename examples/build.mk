# SPDX-License-Identifier: MIT
# Programs that show how libaccel and libaccel-tasks are used

$(eval $(call program,what-is-there,examples/what-is-there.c,libaccel-tasks.so.1 libaccel.so.1,-lpng))
