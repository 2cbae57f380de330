# SPDX-License-Identifier: MIT
# The server as a library, for the unit tests too, and the program: it with its core.
VU_LIBRARY := $(addprefix tools/device/vfio-user/,control.c dma.c function.c irq.c listen.c \
		log.c pci.c server.c session.c standin.c)
$(eval $(call static_library,libenpu-vfio-user,$(VU_LIBRARY)))
$(eval $(call program,enpu-device,tools/device/vfio-user/main.c,libenpu-vfio-user enpu-device))
