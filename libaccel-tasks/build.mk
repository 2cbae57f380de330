# SPDX-License-Identifier: MIT
# libaccel-tasks.so.1: from pictures to inputs, from outputs to objects, faces, text
TASKS_SRCS := $(sort $(wildcard libaccel-tasks/*.c))

$(eval $(call static_library,libaccel-tasks,$(TASKS_SRCS)))
$(eval $(call shared_library,libaccel-tasks.so.1,$(TASKS_SRCS),libaccel.so.1,,libaccel-tasks/libaccel-tasks.map))

.PHONY: install install-tasks
install: install-tasks
install-tasks: $(O)/lib/libaccel-tasks.so.1
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include/accel
	install -m 644 $< $(DESTDIR)$(PREFIX)/lib/libaccel-tasks.so.$(LIBACCEL_VERSION)
	ln -sf libaccel-tasks.so.$(LIBACCEL_VERSION) $(DESTDIR)$(PREFIX)/lib/libaccel-tasks.so.1
	ln -sf libaccel-tasks.so.1 $(DESTDIR)$(PREFIX)/lib/libaccel-tasks.so
	install -m 644 libaccel-tasks/include/accel/tasks.h $(DESTDIR)$(PREFIX)/include/accel
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(LIBACCEL_VERSION)|' \
		libaccel-tasks/accel-tasks.pc.in \
		> $(DESTDIR)$(PREFIX)/lib/pkgconfig/accel-tasks.pc
