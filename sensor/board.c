/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/board.h"

#include "evidence/base.h"

#include <string.h>

struct phase {
	const char *doing;
	uint64_t limit_s; /* silent for longer: it hangs */
};

/* A start reads the log and has the kernel verify the programs; an end waits for Kafka. A turn
 * takes a fifth of a second under the heaviest load, but a disk may make it wait. */
static const struct phase phases[] = {
	[BOARD_STARTING] = {"starting", 300},
	[BOARD_RUNNING] = {"running", 30},
	[BOARD_STOPPING] = {"stopping", 120},
};

static const char *const lacks[BOARD_NEED_CNT] = {
	[BOARD_HOOKS] = "no hook is attached",
	[BOARD_LOG] = "the log cannot be written",
	[BOARD_CANARY] = "no probe saw what the sensor did itself",
};

void board_init(struct board *b, uint64_t now_ns)
{
	memset(&b->metrics, 0, sizeof(b->metrics));
	memset(b->has, 0, sizeof(b->has));
	pthread_mutex_init(&b->lock, NULL);
	board_enter(b, BOARD_STARTING, now_ns);
}

void board_fini(struct board *b)
{
	pthread_mutex_destroy(&b->lock);
}

void board_enter(struct board *b, enum board_phase phase, uint64_t now_ns)
{
	/* The time first: a reader in between finds the old phase, and it fresh. */
	atomic_store(&b->turned_ns, now_ns);
	atomic_store(&b->phase, phase);
}

void board_turned(struct board *b, uint64_t now_ns)
{
	atomic_store_explicit(&b->turned_ns, now_ns, memory_order_relaxed);
}

bool board_publish(struct board *b, const struct metrics *metrics, const bool has[BOARD_NEED_CNT])
{
	if (pthread_mutex_trylock(&b->lock))
		return false;
	b->metrics = *metrics;
	memcpy(b->has, has, sizeof(b->has));
	pthread_mutex_unlock(&b->lock);
	return true;
}

/* The loop may turn between the reader's clock and this. */
static uint64_t age_ns(struct board *b, uint64_t now_ns)
{
	uint64_t turned = atomic_load(&b->turned_ns);

	return turned < now_ns ? now_ns - turned : 0;
}

bool board_is_alive(struct board *b, uint64_t now_ns, char *ret_line, size_t size)
{
	const struct phase *phase = &phases[atomic_load(&b->phase)];
	uint64_t age_s = age_ns(b, now_ns) / NSEC_PER_SEC;
	bool alive = age_s <= phase->limit_s;

	if (alive)
		snprintf(ret_line, size, "ok: %s", phase->doing);
	else
		snprintf(ret_line, size, "%s, and the loop has not turned for %llu s", phase->doing,
			 (unsigned long long)age_s);
	return alive;
}

bool board_is_ready(struct board *b, uint64_t now_ns, char *ret_line, size_t size)
{
	int phase = atomic_load(&b->phase);
	bool has[BOARD_NEED_CNT];

	if (!board_is_alive(b, now_ns, ret_line, size))
		return false;
	if (phase != BOARD_RUNNING) {
		snprintf(ret_line, size, "%s", phases[phase].doing);
		return false;
	}
	pthread_mutex_lock(&b->lock);
	memcpy(has, b->has, sizeof(has));
	pthread_mutex_unlock(&b->lock);
	for (unsigned int i = 0; i < BOARD_NEED_CNT; i++) {
		if (has[i])
			continue;
		snprintf(ret_line, size, "%s", lacks[i]);
		return false;
	}
	snprintf(ret_line, size, "ok");
	return true;
}

void board_read(struct board *b, uint64_t now_ns, struct metrics *ret_metrics)
{
	char line[128];

	pthread_mutex_lock(&b->lock);
	*ret_metrics = b->metrics;
	pthread_mutex_unlock(&b->lock);
	*ret_metrics->turn_age = age_ns(b, now_ns);
	*ret_metrics->ready = board_is_ready(b, now_ns, line, sizeof(line));
}
