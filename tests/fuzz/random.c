// SPDX-License-Identifier: MIT
/* The numbers that mutations are drawn by: splitmix64. */
#include "mutations.h"

static uint64_t state;

void seed_random(uint64_t seed)
{
	state = seed;
}

uint64_t next_random(void)
{
	uint64_t z;

	state += 0x9e3779b97f4a7c15;
	z = state;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

size_t below(size_t n)
{
	return n ? next_random() % n : 0;
}
