/* SPDX-License-Identifier: MIT */
/* The names by which page.html refers to what is in a report. */
#ifndef ENPU_REPORT_FIELDS_H
#define ENPU_REPORT_FIELDS_H

#include "report.h"
#include "template.h"

extern const struct record report_record;

#endif
