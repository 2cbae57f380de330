// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: sysfs
 *
 * What anybody may know of the device as a whole, one value a file, next to the
 * attributes of the PCI function. Where another accel driver has the same value,
 * its name and unit are taken (the ivpu driver's npu_*), so that monitors which know
 * that one know this one. Documentation/ABI describes each.
 *
 * The driver core adds and removes them with the binding: none is there before
 * the device can be asked or after it was unbound. None wakes it.
 *
 * What processes do is not for anybody's eyes: that is in their fdinfo, and in
 * debugfs (enpu_debugfs.c).
 */

#include <linux/device.h>
#include <linux/pci.h>
#include <linux/sysfs.h>

#include "enpu_account.h"
#include "enpu_device.h"
#include "enpu_gem.h"
#include "enpu_sysfs.h"

static struct enpu_device *enpu_sysfs_device(struct device *dev)
{
	return pci_get_drvdata(to_pci_dev(dev));
}

static ssize_t npu_busy_time_us_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct enpu_usage usage;

	enpu_account_total(enpu_sysfs_device(dev), &usage);

	return sysfs_emit(buf, "%llu\n", usage.busy_ns / NSEC_PER_USEC);
}
static DEVICE_ATTR_RO(npu_busy_time_us);

static ssize_t npu_queues_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct enpu_usage usage;

	return sysfs_emit(buf, "%u\n", enpu_account_total(enpu_sysfs_device(dev), &usage));
}
static DEVICE_ATTR_RO(npu_queues);

static ssize_t npu_jobs_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct enpu_usage usage;

	enpu_account_total(enpu_sysfs_device(dev), &usage);

	return sysfs_emit(buf, "%llu\n", usage.jobs);
}
static DEVICE_ATTR_RO(npu_jobs);

static ssize_t npu_memory_utilization_show(struct device *dev, struct device_attribute *attr,
					   char *buf)
{
	return sysfs_emit(buf, "%llu\n", enpu_gem_resident(enpu_sysfs_device(dev)));
}
static DEVICE_ATTR_RO(npu_memory_utilization);

static ssize_t npu_max_frequency_mhz_show(struct device *dev, struct device_attribute *attr,
					  char *buf)
{
	return sysfs_emit(buf, "%u\n", enpu_sysfs_device(dev)->info.clock_khz / 1000);
}
static DEVICE_ATTR_RO(npu_max_frequency_mhz);

static ssize_t npu_current_frequency_mhz_show(struct device *dev, struct device_attribute *attr,
					      char *buf)
{
	struct enpu_device *enpu = enpu_sysfs_device(dev);

	return sysfs_emit(buf, "%u\n", READ_ONCE(enpu->hw_on) ? enpu->info.clock_khz / 1000 : 0);
}
static DEVICE_ATTR_RO(npu_current_frequency_mhz);

static ssize_t npu_reset_count_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(enpu_sysfs_device(dev)->info.reset_count));
}
static DEVICE_ATTR_RO(npu_reset_count);

static struct attribute *enpu_sysfs_attrs[] = {
	&dev_attr_npu_busy_time_us.attr,
	&dev_attr_npu_jobs.attr,
	&dev_attr_npu_queues.attr,
	&dev_attr_npu_memory_utilization.attr,
	&dev_attr_npu_max_frequency_mhz.attr,
	&dev_attr_npu_current_frequency_mhz.attr,
	&dev_attr_npu_reset_count.attr,
	NULL
};

static const struct attribute_group enpu_sysfs_group = {
	.attrs = enpu_sysfs_attrs,
};

/* For &pci_driver.dev_groups */
const struct attribute_group *enpu_sysfs_groups[] = {
	&enpu_sysfs_group,
	NULL
};
