// SPDX-License-Identifier: MIT
/*
 * The storm: whatever can happen to a device and its users happens, at random, while
 * clients (e2e-client --storm) run and compare every result. This program starts the
 * clients, makes the weather, and looks whether each client still gets on. A storm
 * is made from a seed; what it did when is printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../e2e/progress.h"

#define STALL		150	/* seconds without result or error: a client hangs */
#define RETURN		120	/* seconds until a device that was added is there */
#define CALM		240	/* seconds until each client has a right result again */
#define MAX_LINE	512

struct client {
	const char *command;
	pid_t pid;
	uint64_t seen;		/* results and errors when last looked at */
	double seen_at;
};

struct storm {
	uint64_t state;		/* of the random numbers */
	double began, seconds;
	const char *path;	/* of the progress file */
	struct progress *progress;
	struct client clients[PROGRESS_CLIENTS];
	unsigned int num_clients;
	unsigned int device, spares;	/* model in use, and how many come after it */
	bool failed;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

/* splitmix64 */
static unsigned int below(struct storm *storm, unsigned int limit)
{
	uint64_t z = storm->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % limit;
}

static void __attribute__((format(printf, 2, 3))) say(const struct storm *storm,
						      const char *format, ...)
{
	va_list args;

	printf("# %6.1f s ", now() - storm->began);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

static bool fail(struct storm *storm, const char *what)
{
	say(storm, "FAILED: %s", what);
	storm->failed = true;
	return false;
}

static void sleep_ms(unsigned int ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* The PCI function of the first device that is there */
static bool pci_path(char *path)
{
	char link[64];
	glob_t found;
	bool there;

	if (glob("/sys/class/accel/accel*", 0, NULL, &found))
		return false;
	snprintf(link, sizeof(link), "%s/device", found.gl_pathv[0]);
	globfree(&found);
	there = realpath(link, path);
	return there;
}

static bool write_file(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX + 64];
	ssize_t written;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	written = write(fd, text, strlen(text));
	close(fd);
	return written == (ssize_t)strlen(text);
}

static bool read_word(const char *folder, const char *name, char *word, size_t size)
{
	char path[PATH_MAX + 64];
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, word, size - 1);
	if (fd >= 0)
		close(fd);
	if (length < 0)
		return false;
	word[length] = '\0';
	word[strcspn(word, "\n")] = '\0';
	return true;
}

/* One line to the control socket of the model in use; its answer is none if it dies. */
static bool control(struct storm *storm, const char *line, char *answer)
{
	char path[64], number[16] = "";
	struct pollfd ready = { .events = POLLIN };
	ssize_t length;

	if (storm->device)
		snprintf(number, sizeof(number), "%u", storm->device);
	snprintf(path, sizeof(path), "/dev/virtio-ports/enpu.control%s", number);
	ready.fd = open(path, O_RDWR | O_CLOEXEC);
	answer[0] = '\0';
	if (ready.fd < 0 || dprintf(ready.fd, "%s\n", line) < 0) {
		if (ready.fd >= 0)
			close(ready.fd);
		return false;
	}
	length = poll(&ready, 1, 30000) > 0 ? read(ready.fd, answer, MAX_LINE - 1) : -1;
	close(ready.fd);
	answer[length > 0 ? length : 0] = '\0';
	return !strncmp(answer, "ok", 2);
}

static bool ask_model(struct storm *storm, const char *format, unsigned int limit)
{
	char line[64], answer[MAX_LINE];

	snprintf(line, sizeof(line), format, 1 + below(storm, limit));
	say(storm, "device %u: %s", storm->device, line);
	return control(storm, line, answer);
}

static void start(struct storm *storm, unsigned int number)
{
	struct client *client = &storm->clients[number];
	char command[2 * MAX_LINE];

	client->seen_at = now();
	client->pid = fork();
	if (client->pid)
		return;
	snprintf(command, sizeof(command), "exec e2e-client --storm %s:%u %s", storm->path,
		 number, client->command);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static void signal_all(struct storm *storm, int number)
{
	unsigned int i;

	for (i = 0; i < storm->num_clients; i++)
		kill(storm->clients[i].pid, number);
}

static uint64_t answers(const struct storm *storm, unsigned int number)
{
	const struct client_progress *client = &storm->progress->clients[number];
	uint64_t sum = client->right;
	unsigned int i;

	for (i = 0; i < PROGRESS_ERRORS; i++)
		sum += client->errors[i];
	return sum;
}

/* Has a client ended, or does one hang? */
static bool clients_get_on(struct storm *storm)
{
	unsigned int i;
	int status;

	for (i = 0; i < storm->num_clients; i++) {
		struct client *client = &storm->clients[i];
		char text[64];

		if (waitpid(client->pid, &status, WNOHANG) == client->pid) {
			snprintf(text, sizeof(text), "client %u has ended with status 0x%x", i,
				 status);
			client->pid = 0;
			return fail(storm, text);
		}
		if (answers(storm, i) != client->seen) {
			client->seen = answers(storm, i);
			client->seen_at = now();
		}
		if (now() - client->seen_at > STALL) {
			snprintf(text, sizeof(text), "client %u hangs", i);
			return fail(storm, text);
		}
	}
	return true;
}

static bool device_is_there(void)
{
	char path[PATH_MAX];

	return pci_path(path);
}

static bool wait_for_device(struct storm *storm)
{
	double end = now() + RETURN;

	while (!device_is_there() && now() < end)
		sleep_ms(20);
	return device_is_there() || fail(storm, "the device does not come back");
}

/* What can happen. Each returns whether it did. */

static bool do_kill(struct storm *storm)
{
	unsigned int number = below(storm, storm->num_clients);

	say(storm, "kill -9 client %u", number);
	kill(storm->clients[number].pid, SIGKILL);
	waitpid(storm->clients[number].pid, NULL, 0);
	start(storm, number);
	return true;
}

static bool do_hang(struct storm *storm)
{
	return ask_model(storm, "hang %u", 300);
}

static bool do_fault(struct storm *storm)
{
	return ask_model(storm, "fault-dma %u", 3000);
}

static bool do_lose_irq(struct storm *storm)
{
	return ask_model(storm, "lose-irq %u", 3);
}

/* A queue that does not stop when it is hung: the whole device has to be reset. */
static bool do_stuck(struct storm *storm)
{
	return ask_model(storm, "stuck-queue %u", 1) && ask_model(storm, "hang %u", 100);
}

static bool do_fatal(struct storm *storm)
{
	return ask_model(storm, "fatal %u", 200);
}

static bool do_flr(struct storm *storm)
{
	char path[PATH_MAX];

	say(storm, "function level reset");
	return pci_path(path) && write_file(path, "reset", "1");
}

/* While nobody has work for it, the device falls asleep; the next job wakes it. */
static bool do_suspend(struct storm *storm)
{
	char path[PATH_MAX], delay[16], status[32] = "";
	double end = now() + 20;

	snprintf(delay, sizeof(delay), "%u", below(storm, 40));
	if (!pci_path(path) || !write_file(path, "power/autosuspend_delay_ms", delay))
		return false;
	signal_all(storm, SIGSTOP);
	while (strcmp(status, "suspended") && now() < end) {
		if (!read_word(path, "power/runtime_status", status, sizeof(status)))
			break;
		sleep_ms(5);
	}
	say(storm, "runtime suspend after %s ms: %s", delay, status);
	sleep_ms(below(storm, 100));
	signal_all(storm, SIGCONT);
	return !strcmp(status, "suspended");
}

static bool do_unbind(struct storm *storm)
{
	const char *driver = "/sys/bus/pci/drivers/enpu";
	char path[PATH_MAX];

	if (!pci_path(path))
		return false;
	say(storm, "unbind and bind the driver");
	if (!write_file(driver, "unbind", strrchr(path, '/') + 1))
		return false;
	sleep_ms(below(storm, 200));
	return write_file(driver, "bind", strrchr(path, '/') + 1) && wait_for_device(storm);
}

static bool do_remove(struct storm *storm)
{
	char path[PATH_MAX];

	if (!pci_path(path))
		return false;
	say(storm, "remove the device and rescan");
	if (!write_file(path, "remove", "1"))
		return false;
	sleep_ms(below(storm, 200));
	return write_file("/sys/bus/pci", "rescan", "1") && wait_for_device(storm);
}

/*
 * The model's process dies, at a command or at any moment. Its slot is then dead for
 * ever, as QEMU does not connect again; another model is plugged into another slot.
 */
static bool do_death(struct storm *storm)
{
	char path[PATH_MAX], line[64], answer[MAX_LINE];
	double end = now() + RETURN;

	if (!storm->spares || !pci_path(path))
		return false;
	if (below(storm, 2)) {
		snprintf(line, sizeof(line), "die %u", 1 + below(storm, 50));
		say(storm, "device %u: %s", storm->device, line);
		control(storm, line, answer);
	} else {
		snprintf(line, sizeof(line), "enpu-host 'kill-device %u'", storm->device);
		say(storm, "%s", line);
		if (system(line))
			return fail(storm, "the device cannot be killed");
	}
	while (device_is_there() && now() < end)
		sleep_ms(20);
	if (device_is_there())
		return fail(storm, "nobody notices that the device is dead");

	/* what is still in the slot reads as ones */
	if (!write_file(path, "remove", "1"))
		return fail(storm, "the dead device cannot be removed");
	storm->device++;
	storm->spares--;
	snprintf(line, sizeof(line), "enpu-host 'plug-device %u'", storm->device);
	say(storm, "%s", line);
	if (system(line))
		return fail(storm, "the next device cannot be plugged in");
	/* a kernel without PCI hotplug has to be told */
	for (end = now() + 10; !device_is_there() && now() < end; )
		sleep_ms(20);
	if (!device_is_there())
		write_file("/sys/bus/pci", "rescan", "1");
	return wait_for_device(storm);
}

static struct {
	const char *name;
	unsigned int weight;
	bool (*happen)(struct storm *storm);
	unsigned int times;
} kinds[] = {
	{ "kill", 10, do_kill },
	{ "hang", 3, do_hang },
	{ "fault", 8, do_fault },
	{ "lost interrupt", 8, do_lose_irq },
	{ "stuck queue", 2, do_stuck },
	{ "fatal error", 3, do_fatal },
	{ "function reset", 3, do_flr },
	{ "runtime suspend", 6, do_suspend },
	{ "unbind", 3, do_unbind },
	{ "remove", 3, do_remove },
	{ "death", 1, do_death },
};

#define KINDS	(sizeof(kinds) / sizeof(kinds[0]))

/* Each kind once, in any order, then by their weights */
static unsigned int choose(struct storm *storm)
{
	unsigned int i, at, sum = 0, missing = 0;

	for (i = 0; i < KINDS; i++) {
		missing += !kinds[i].times;
		sum += kinds[i].weight;
	}
	if (missing) {
		at = below(storm, missing);
		for (i = 0; kinds[i].times || at--; i++)
			;
		return i;
	}
	at = below(storm, sum);
	for (i = 0; at >= kinds[i].weight; i++)
		at -= kinds[i].weight;
	return i;
}

static void weather(struct storm *storm)
{
	while (!storm->failed && now() - storm->began < storm->seconds) {
		unsigned int kind = choose(storm), pause = below(storm, 1500);
		double end = now() + pause * 1e-3;

		kinds[kind].times += kinds[kind].happen(storm);
		while (!storm->failed && clients_get_on(storm) && now() < end)
			sleep_ms(50);
	}
}

/* The storm is over: each client gets right results. */
static void calm(struct storm *storm)
{
	static const char *const wishes[] = {
		"hang 0", "fault-dma 0", "lose-irq 0", "stuck-queue 0"
	};
	uint64_t right[PROGRESS_CLIENTS];
	char answer[MAX_LINE];
	double end = now() + CALM;
	unsigned int i;

	say(storm, "calm");
	for (i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++)
		if (!control(storm, wishes[i], answer))
			fail(storm, "the device does not take its faults back");
	for (i = 0; i < storm->num_clients; i++)
		right[i] = storm->progress->clients[i].right;
	for (i = 0; i < storm->num_clients && !storm->failed; i++) {
		while (storm->progress->clients[i].right < right[i] + 2 && now() < end &&
		       clients_get_on(storm))
			sleep_ms(50);
		if (storm->progress->clients[i].right < right[i] + 2)
			fail(storm, "a client gets no right result after the storm");
	}
}

static void stop(struct storm *storm)
{
	double end = now() + STALL;
	unsigned int i;
	int status;

	storm->progress->stop = 1;
	for (i = 0; i < storm->num_clients; i++) {
		struct client *client = &storm->clients[i];
		pid_t ended = 0;

		if (!client->pid)
			continue;
		while (now() < end && !(ended = waitpid(client->pid, &status, WNOHANG)))
			sleep_ms(20);
		if (ended != client->pid || status)
			fail(storm, "a client does not end well");
		if (ended != client->pid)
			kill(client->pid, SIGKILL);
	}
}

static void report(struct storm *storm)
{
	unsigned int i, j;

	for (i = 0; i < storm->num_clients; i++) {
		const struct client_progress *client = &storm->progress->clients[i];

		printf("# client %u: %llu right results, %llu beginnings", i,
		       (unsigned long long)client->right, (unsigned long long)client->opened);
		for (j = 0; j < PROGRESS_ERRORS; j++)
			if (client->errors[j])
				printf(", %llu times '%s'", (unsigned long long)client->errors[j],
				       strerror(j));
		printf("\n");
		if (!client->right)
			fail(storm, "this client has never got a right result");
	}
	printf("# what happened:");
	for (i = 0; i < KINDS; i++)
		printf("%s %u %s", i ? "," : "", kinds[i].times, kinds[i].name);
	printf("\n");
	for (i = 0; i < KINDS; i++)
		if (!kinds[i].times && !storm->failed)
			fail(storm, "not everything has happened");
}

static bool open_progress(struct storm *storm)
{
	int fd = open(storm->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*storm->progress)))
		return false;
	storm->progress = mmap(NULL, sizeof(*storm->progress), PROT_READ | PROT_WRITE, MAP_SHARED,
			       fd, 0);
	close(fd);
	return storm->progress != MAP_FAILED;
}

int main(int argc, char **argv)
{
	struct storm storm = { .seconds = 180, .path = "/tmp/storm-progress" };
	unsigned long long seed = 1;
	unsigned int i;
	int option;

	while ((option = getopt(argc, argv, "s:t:d:")) != -1) {
		switch (option) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			storm.seconds = strtod(optarg, NULL);
			break;
		case 'd':
			storm.spares = strtoul(optarg, NULL, 0);
			break;
		default:
			optind = argc;
		}
	}
	storm.num_clients = argc - optind;
	if (!storm.num_clients || storm.num_clients > PROGRESS_CLIENTS) {
		fputs("usage: storm [-s SEED] [-t SECONDS] [-d SPARE-DEVICES] CLIENT...\n"
		      "Each CLIENT is MODEL INPUT OUTPUT..., for e2e-client.\n", stderr);
		return 2;
	}
	storm.state = seed;
	if (!open_progress(&storm)) {
		perror(storm.path);
		return 2;
	}
	storm.began = now();
	say(&storm, "seed %llu, %u clients", seed, storm.num_clients);
	for (i = 0; i < storm.num_clients; i++) {
		storm.clients[i].command = argv[optind + i];
		start(&storm, i);
	}
	weather(&storm);
	if (!storm.failed)
		calm(&storm);
	stop(&storm);
	report(&storm);
	unlink(storm.path);
	return storm.failed ? 1 : 0;
}
