// SPDX-License-Identifier: GPL-2.0-only
/* namespaces are symbols, not strings */
#include <linux/module.h>

MODULE_IMPORT_NS(DMA_BUF);
