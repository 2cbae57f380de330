# SPDX-License-Identifier: MIT
# The server without its core, for the unit tests, and the program.
VU_LIBRARY := $(addprefix tools/device/vfio-user/,control.c dma.c function.c irq.c listen.c \
		log.c pci.c server.c session.c)
$(eval $(call static_library,libenpu-vfio-user,$(VU_LIBRARY)))
