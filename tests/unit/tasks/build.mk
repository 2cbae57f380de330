# SPDX-License-Identifier: MIT
# Decoders and geometry of libaccel-tasks, by hand-worked cases

$(eval $(call flags,tests/unit/tasks/,-iquote libaccel-tasks))
$(foreach t,geometry objects faces mtcnn text,$(eval $(call unit_test,tasks-$(t),\
	tests/unit/tasks/test-$(t).c tests/unit/tasks/fake_net.c,libaccel-tasks libaccel.so.1)))
