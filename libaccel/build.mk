# SPDX-License-Identifier: MIT
# libaccel.so.1, and libaccel.a from the same objects, for tests that look inside.
LIBACCEL_SRCS    := $(sort $(wildcard libaccel/*.c))
LIBACCEL_VERSION := $(shell awk '/^\#define ACCEL_VERSION_(MAJOR|MINOR|PATCH)/ { v = v s $$3; s = "." } END { print v }' \
			libaccel/include/accel/version.h)
LIBDRM_CFLAGS    := $(shell pkg-config --cflags libdrm)
LIBDRM_LIBS      := $(shell pkg-config --libs libdrm)

$(eval $(call flags,libaccel/,$(LIBDRM_CFLAGS)))
$(eval $(call static_library,libaccel,$(LIBACCEL_SRCS)))
$(eval $(call shared_library,libaccel.so.1,$(LIBACCEL_SRCS),,$(LIBDRM_LIBS) -ldl,libaccel/libaccel.map))

.PHONY: install install-libaccel
install: install-libaccel
install-libaccel: $(O)/lib/libaccel.so.1
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include/accel
	install -m 644 $< $(DESTDIR)$(PREFIX)/lib/libaccel.so.$(LIBACCEL_VERSION)
	ln -sf libaccel.so.$(LIBACCEL_VERSION) $(DESTDIR)$(PREFIX)/lib/libaccel.so.1
	ln -sf libaccel.so.1 $(DESTDIR)$(PREFIX)/lib/libaccel.so
	install -m 644 libaccel/include/accel/*.h $(DESTDIR)$(PREFIX)/include/accel
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(LIBACCEL_VERSION)|' libaccel/accel.pc.in \
		> $(DESTDIR)$(PREFIX)/lib/pkgconfig/accel.pc
