/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rings, live or from a file. The live part follows the layout of BPF_MAP_TYPE_RINGBUF
 * (kernel/bpf/ringbuf.c): a page with the consumer's position, which we write; a page with the
 * producer's; the data, mapped twice in a row so that no record is split. Each record has a header
 * of eight bytes, whose first word is its length with two flag bits.
 */
#include "sensor/ring.h"
#include "bpf/event.h"
#include "evidence/base.h"
#include "evidence/diag.h"
#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>

#define RING_FILE_MAGIC "VARVERB1"

struct live_ring {
	unsigned long *consumer_pos; /* shared with the kernel */
	const unsigned long *producer_pos;
	const char *data;
	size_t size;	   /* a power of two */
	unsigned long pos; /* read up to here */
	unsigned long end; /* the producer's position when this turn began */
};

struct ring {
	struct live_ring live[RING_CNT_MAX];
	size_t cnt;
	FILE *file; /* instead of live rings */
	char buf[EV_REC_MAX];
};

static int live_open(struct live_ring *r, int map_fd)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	char *mem;

	if (bpf_obj_get_info_by_fd(map_fd, &info, &len))
		return -errno;
	r->consumer_pos = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	if (r->consumer_pos == MAP_FAILED) {
		r->consumer_pos = NULL;
		return -errno;
	}
	mem = mmap(NULL, page + 2 * (size_t)info.max_entries, PROT_READ, MAP_SHARED, map_fd, page);
	if (mem == MAP_FAILED)
		return -errno;
	r->producer_pos = (void *)mem;
	r->data = mem + page;
	r->size = info.max_entries;
	r->pos = __atomic_load_n(r->consumer_pos, __ATOMIC_ACQUIRE);
	return 0;
}

int ring_open(const int *map_fds, size_t cnt, struct ring **ret_ring)
{
	struct ring *ring = calloc(1, sizeof(*ring));
	int err;

	if (!ring)
		return -ENOMEM;
	for (; ring->cnt < cnt; ring->cnt++) {
		err = live_open(&ring->live[ring->cnt], map_fds[ring->cnt]);
		if (err) {
			ring->cnt++;
			ring_close(ring);
			return log_err(err, "cannot map a ring buffer");
		}
	}
	*ret_ring = ring;
	return 0;
}

int ring_open_file(const char *path, struct ring **ret_ring)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	char magic[sizeof(RING_FILE_MAGIC) - 1];
	struct ring *ring;

	if (!file)
		return log_err(-errno, "cannot open %s", path);
	if (fread(magic, 1, sizeof(magic), file) != sizeof(magic) ||
	    memcmp(magic, RING_FILE_MAGIC, sizeof(magic)))
		return log_err(-EPROTO, "%s holds no raw ring records", path);
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	ring->file = TAKE_PTR(file);
	*ret_ring = ring;
	return 0;
}

void ring_close(struct ring *ring)
{
	size_t page = sysconf(_SC_PAGESIZE), i;

	if (!ring)
		return;
	for (i = 0; i < ring->cnt; i++) {
		struct live_ring *r = &ring->live[i];

		if (r->consumer_pos)
			munmap(r->consumer_pos, page);
		if (r->producer_pos)
			munmap((void *)r->producer_pos, page + 2 * r->size);
	}
	if (ring->file)
		fclose(ring->file);
	free(ring);
}

static unsigned long live_end(const struct live_ring *r)
{
	return __atomic_load_n(r->producer_pos, __ATOMIC_ACQUIRE);
}

/*
 * The record at the ring's read position. 1: there it is; 0: there is none in this turn; -EAGAIN:
 * its maker has not finished it. Discarded ones are passed over.
 */
static int live_peek(struct live_ring *r, const char **ret_data, size_t *ret_len)
{
	const __u32 *hdr;
	__u32 word;

	while (r->pos < r->end) {
		hdr = (const void *)(r->data + (r->pos & (r->size - 1)));
		word = __atomic_load_n(hdr, __ATOMIC_ACQUIRE);
		if (word & BPF_RINGBUF_BUSY_BIT)
			return -EAGAIN;
		if (!(word & BPF_RINGBUF_DISCARD_BIT)) {
			*ret_data = (const char *)hdr + BPF_RINGBUF_HDR_SZ;
			*ret_len = word;
			return 1;
		}
		word &= ~BPF_RINGBUF_DISCARD_BIT;
		r->pos += (word + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
	}
	return 0;
}

static uint64_t record_time(const char *data, size_t len)
{
	uint64_t ns = 0;

	if (len >= sizeof(struct ev_hdr))
		memcpy(&ns, data + offsetof(struct ev_hdr, time_ns), sizeof(ns));
	return ns;
}

/*
 * The ring whose next record is the oldest; NULL if there is none, or if one of the rings waits for
 * an unfinished record, which may be older: that is a matter of microseconds, and the next turn's.
 */
static struct live_ring *live_oldest(struct ring *ring, const char **ret_data, size_t *ret_len)
{
	struct live_ring *best = NULL;
	uint64_t best_ns = 0;
	const char *data;
	size_t i, len;

	for (i = 0; i < ring->cnt; i++) {
		int there = live_peek(&ring->live[i], &data, &len);

		if (there < 0)
			return NULL;
		if (!there || (best && record_time(data, len) >= best_ns))
			continue;
		best = &ring->live[i];
		best_ns = record_time(data, len);
		*ret_data = data;
		*ret_len = len;
	}
	return best;
}

static size_t file_turn(struct ring *ring, size_t most, ring_fn fn, void *ctx)
{
	size_t n;
	__u32 len;

	for (n = 0; n < most; n++) {
		if (fread(&len, sizeof(len), 1, ring->file) != 1 || len > sizeof(ring->buf) ||
		    fread(ring->buf, 1, len, ring->file) != len)
			break;
		fn(ring->buf, len, ctx);
	}
	return n;
}

size_t ring_turn(struct ring *ring, size_t most, ring_fn fn, void *ctx)
{
	const char *data = NULL;
	struct live_ring *r;
	size_t n, i, len = 0;

	if (ring->file)
		return file_turn(ring, most, fn, ctx);
	/*
	 * Ends are taken in the order of the descriptors, the caller's: the ring whose records
	 * explain those of the others last. So what was there before an earlier ring's record is
	 * within the later ring's end.
	 */
	for (i = 0; i < ring->cnt; i++)
		ring->live[i].end = live_end(&ring->live[i]);
	for (n = 0; n < most; n++) {
		r = live_oldest(ring, &data, &len);
		if (!r)
			break;
		fn(data, len, ctx);
		r->pos += (len + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
	}
	return n;
}

struct ring_mark ring_mark(const struct ring *ring)
{
	struct ring_mark mark = {};
	size_t i;

	for (i = 0; i < ring->cnt; i++)
		mark.end[i] = live_end(&ring->live[i]);
	return mark;
}

bool ring_is_past(const struct ring *ring, const struct ring_mark *mark)
{
	size_t i;

	for (i = 0; i < ring->cnt; i++) {
		if (ring->live[i].pos < mark->end[i])
			return false;
	}
	return true;
}

void ring_fill(const struct ring *ring, size_t i, uint64_t *ret_waiting, uint64_t *ret_size)
{
	const struct live_ring *r = &ring->live[i];

	*ret_waiting = i < ring->cnt ? live_end(r) - r->pos : 0;
	*ret_size = i < ring->cnt ? r->size : 0;
}

void ring_commit(struct ring *ring)
{
	size_t i;

	for (i = 0; i < ring->cnt; i++)
		__atomic_store_n(ring->live[i].consumer_pos, ring->live[i].pos, __ATOMIC_RELEASE);
}

int ring_record_open(const char *path, int *ret_fd)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return log_err(-errno, "cannot record to %s", path);
	if (write(fd, RING_FILE_MAGIC, strlen(RING_FILE_MAGIC)) != (ssize_t)strlen(RING_FILE_MAGIC))
		return log_err(-EIO, "cannot record to %s", path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int ring_record(int fd, const void *data, size_t len)
{
	__u32 word = len;

	if (write(fd, &word, sizeof(word)) != sizeof(word) || write(fd, data, len) != (ssize_t)len)
		return -EIO;
	return 0;
}
