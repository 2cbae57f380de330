// SPDX-License-Identifier: GPL-2.0-only
/*
 * Address spaces that share BOs, changed at the same time. Each change locks the
 * BOs concerned, in the order in which they are mapped, which is another one in
 * each address space: lock orders that collide are resolved by backing off.
 */
#include "enpu_test.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define NUM_BOS		6
#define BO_SIZE		KIB(16)
#define BASE_VA		GIB(4)
#define NUM_CLIENTS	4
#define ROUNDS		100

struct client {
	int fd;
	uint32_t vm;
	const uint32_t *bos;
	/* of the first one mapped, and how to get to the next */
	unsigned int first, step;
	int error;
};

FIXTURE(contention)
{
	int fd;
	uint32_t bos[NUM_BOS];
	struct client clients[NUM_CLIENTS];
};

FIXTURE_SETUP(contention)
{
	static const unsigned int steps[NUM_CLIENTS] = { 1, NUM_BOS - 1, 1, NUM_BOS - 1 };
	unsigned int i;

	self->fd = enpu_open_wait();
	ASSERT_GE(self->fd, 0);
	for (i = 0; i < NUM_BOS; i++)
		ASSERT_EQ(0, bo_create(self->fd, BO_SIZE, 0, &self->bos[i]));
	for (i = 0; i < NUM_CLIENTS; i++) {
		struct client *client = &self->clients[i];

		*client = (struct client){
			.fd = self->fd,
			.bos = self->bos,
			.first = i * NUM_BOS / NUM_CLIENTS,
			.step = steps[i],
		};
		ASSERT_EQ(0, vm_create(self->fd, &client->vm));
	}
}

FIXTURE_TEARDOWN(contention)
{
	close(self->fd);
}

static int map_all(const struct client *client)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < NUM_BOS; i++)
		ret = vm_map(client->fd, client->vm,
			     client->bos[(client->first + i * client->step) % NUM_BOS], 0,
			     BASE_VA + i * BO_SIZE, BO_SIZE, 0);
	return ret;
}

/* An unmapping that concerns all of them */
static void *unmap_rounds(void *arg)
{
	struct client *client = arg;
	unsigned int i;

	for (i = 0; !client->error && i < ROUNDS; i++) {
		client->error = map_all(client);
		if (!client->error)
			client->error = vm_unmap(client->fd, client->vm, BASE_VA,
						 NUM_BOS * BO_SIZE);
	}
	return NULL;
}

/* A mapping in place of a part of each of two others */
static void *replace_rounds(void *arg)
{
	struct client *client = arg;
	unsigned int i, round;

	for (round = 0; !client->error && round < ROUNDS; round++) {
		client->error = map_all(client);
		for (i = 1; !client->error && i < NUM_BOS; i++)
			client->error = vm_map(client->fd, client->vm, client->bos[i], 0,
					       BASE_VA + i * BO_SIZE - BO_SIZE / 2, BO_SIZE, 0);
	}
	return NULL;
}

static int run_all(struct client *clients, void *(*rounds)(void *))
{
	pthread_t threads[NUM_CLIENTS];
	unsigned int i;
	int error = 0;

	for (i = 0; i < NUM_CLIENTS; i++)
		pthread_create(&threads[i], NULL, rounds, &clients[i]);
	for (i = 0; i < NUM_CLIENTS; i++) {
		pthread_join(threads[i], NULL);
		if (clients[i].error)
			error = clients[i].error;
	}
	return error;
}

TEST_F_TIMEOUT(contention, unmap, 600)
{
	EXPECT_EQ(0, run_all(self->clients, unmap_rounds));
}

TEST_F_TIMEOUT(contention, replace, 600)
{
	EXPECT_EQ(0, run_all(self->clients, replace_rounds));
}

TEST_HARNESS_MAIN
