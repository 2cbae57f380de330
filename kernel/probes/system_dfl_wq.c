// SPDX-License-Identifier: GPL-2.0-only
/* The unbound work queue has its new name; the old one is deprecated, and says so */
#include <linux/workqueue.h>

void probe(struct work_struct *work);
void probe(struct work_struct *work)
{
	queue_work(system_dfl_wq, work);
}
