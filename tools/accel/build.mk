# SPDX-License-Identifier: MIT
ACCEL_SRCS := $(sort $(wildcard tools/accel/*.c))

$(eval $(call flags,tools/accel/,-Itools/compiler/include))
$(eval $(call program,accel,$(ACCEL_SRCS),libaccel-tasks.so.1 libaccel.so.1 libenpu-compiler,-lmd -ljpeg -lpng))

.PHONY: install install-accel
install: install-accel
install-accel: $(O)/bin/accel
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install $< $(DESTDIR)$(PREFIX)/bin/accel
	install -m 644 Documentation/man/accel.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 tools/accel/accel.bash \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/accel
