// SPDX-License-Identifier: MIT
/* page.html, page.css and page.js, each with a zero behind it; make runs in the tree's root. */
#include "page.h"

#define BUILD_IN(symbol, path)				\
	__asm__(".pushsection .rodata\n"		\
		".global " #symbol "\n"			\
		".hidden " #symbol "\n"			\
		#symbol ":\n"				\
		".incbin \"" path "\"\n"		\
		".byte 0\n"				\
		".popsection\n")

BUILD_IN(report_page_html, "tools/compiler/report/page.html");
BUILD_IN(report_page_css, "tools/compiler/report/page.css");
BUILD_IN(report_page_js, "tools/compiler/report/page.js");
