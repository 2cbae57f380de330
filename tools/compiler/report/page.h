/* SPDX-License-Identifier: MIT */
/* The files that a report is made of, built in. */
#ifndef ENPU_REPORT_PAGE_H
#define ENPU_REPORT_PAGE_H

extern const char report_page_html[], report_page_css[], report_page_js[];

#endif
