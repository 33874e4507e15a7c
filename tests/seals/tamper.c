/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tamper ATTACK LOG NEW_LOG [KEYS OTHER_LOG]: a log directory as somebody would leave it who can write to it. Each attack is a
 * function in a table; frames are written anew, so that only what the attack changes is not as it was.
 * tamper list LOG: a line for each record: run id, sequence, payload and, of a seal, its note, the last two in base64.
 *   KEYS       a directory of private keys (sensor.key) as they followed each other: 0, 1, 2 ...
 *   OTHER_LOG  another node's
 * The log has three runs: the second one was killed.
 */
#include "evidence/base.h"
#include "evidence/base64.h"
#include "evidence/diag.h"
#include "evidence/event.h"
#include "evidence/log.h"
#include "evidence/seal.h"
#include <string.h>

struct record {
	Varve__V1__Event *ev; /* what is written is what this is when it is packed */
};

struct evidence {
	struct record *v;
	size_t cnt, cap;
};

static struct evidence all, other;
static const char *keys_dir;

#define die(...) (fprintf(stderr, "tamper: " __VA_ARGS__), fputc('\n', stderr), exit(1))

/* --- reading and writing */

static void load(const char *dir, struct evidence *e)
{
	struct log_reader *reader;
	const uint8_t *payload;
	struct log_pos pos;
	size_t len;

	if (log_reader_open(dir, 0, &reader))
		die("%s: no log", dir);
	while (log_reader_next(reader, &payload, &len, &pos) == 1) {
		if (e->cnt == e->cap)
			e->v = reallocarray(e->v, e->cap = e->cap * 2 + 64, sizeof(*e->v));
		e->v[e->cnt].ev = event_decode(payload, len);
		/* Else every record that is written would be another one. */
		if (varve__v1__event__get_packed_size(e->v[e->cnt].ev) != len)
			die("a record is not what it is packed to");
		e->cnt++;
	}
	log_reader_close(reader);
}

static void save(const char *dir)
{
	static uint8_t buf[LOG_FRAME_MAX];
	struct log_opts opts = {.segment_bytes = 64 << 20};
	struct log_recovery recovery;
	struct log *log;

	if (log_open(dir, &opts, &log, &recovery))
		die("%s: cannot write", dir);
	for (size_t i = 0; i < all.cnt; i++)
		if (log_append(log, buf, varve__v1__event__pack(all.v[i].ev, buf), NULL))
			die("cannot append");
	log_close(log);
}

/* --- finding one's way */

static bool is_seal(size_t i)
{
	return all.v[i].ev->body_case == VARVE__V1__EVENT__BODY_SEAL;
}

/* First record of the run (0, 1, 2); of the one behind the last: the end. */
static size_t run_at(int run)
{
	for (size_t i = 0; i < all.cnt; i++)
		if (all.v[i].ev->body_case == VARVE__V1__EVENT__BODY_RUN_START && !run--)
			return i;
	return all.cnt;
}

/* The n-th seal of a run. */
static size_t seal_at(int run, int n)
{
	for (size_t i = run_at(run); i < run_at(run + 1); i++)
		if (is_seal(i) && !n--)
			return i;
	die("run %d has too few seals", run);
}

static size_t last_seal(int run)
{
	for (size_t i = run_at(run + 1); i > run_at(run); i--)
		if (is_seal(i - 1))
			return i - 1;
	die("run %d has no seal", run);
}

/* A record in a period of the run that has at least three. */
static size_t record_at(int run)
{
	for (size_t i = seal_at(run, 0) + 1; i + 3 < run_at(run + 1); i++)
		if (!is_seal(i) && !is_seal(i + 1) && !is_seal(i + 2))
			return i;
	die("run %d has too few records", run);
}

static void cut_out(size_t from, size_t to)
{
	memmove(&all.v[from], &all.v[to], (all.cnt - to) * sizeof(*all.v));
	all.cnt -= to - from;
}

static Varve__V1__Event *copy_of(const Varve__V1__Event *ev)
{
	static uint8_t buf[LOG_FRAME_MAX];

	return event_decode(buf, varve__v1__event__pack(ev, buf));
}

static void put_in(size_t at, const Varve__V1__Event *ev)
{
	if (all.cnt == all.cap)
		all.v = reallocarray(all.v, all.cap *= 2, sizeof(*all.v));
	memmove(&all.v[at + 1], &all.v[at], (all.cnt - at) * sizeof(*all.v));
	all.v[at].ev = copy_of(ev);
	all.cnt++;
}

/* Sequences without a gap again. */
static void renumber(int run)
{
	size_t from = run_at(run), to = run_at(run + 1);

	for (size_t i = from; i < to; i++)
		all.v[i].ev->sequence = i - from;
}

/* --- seals */

static struct note note_of(const Varve__V1__Event *ev, struct seal *ret_seal)
{
	struct note note;

	if (note_parse(ev->seal->note, strlen(ev->seal->note), &note) || seal_parse(note.text, ret_seal))
		die("no seal");
	return note;
}

struct pair {
	struct note_key pub;
	EVP_PKEY *private_key;
};

static struct pair pair_of(const char *name, const uint8_t *seed)
{
	struct pair p = {.private_key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32)};
	uint8_t pub[32];
	size_t len = sizeof(pub);

	EVP_PKEY_get_raw_public_key(p.private_key, pub, &len);
	note_key_init(&p.pub, name, pub);
	return p;
}

static bool load_key(int n, struct pair *ret)
{
	char path[512], text[1024] = "", *b64;
	uint8_t bytes[33];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%d", keys_dir, n);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fgets(text, sizeof(text), f))
		die("%s is empty", path);
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	/* Base64 has plus signs as well: the last field is 44 characters. */
	b64 = text + strlen(text) - 44;
	if (!base64_decode_exactly(b64, 44, bytes, sizeof(bytes)))
		die("%s is no key", path);
	*ret = pair_of("varve/test-node", bytes + 1);
	return true;
}

/* The number of the key that signed. */
static int signer_of(const Varve__V1__Event *ev)
{
	struct seal seal;
	struct note note = note_of(ev, &seal);
	struct pair p;

	for (int n = 0; load_key(n, &p); n++)
		if (note_verify(&note, &p.pub))
			return n;
	die("the key of a seal was not kept");
}

static int newest_key(void)
{
	struct pair p;
	int n = 0;

	while (load_key(n, &p))
		n++;
	return n - 1;
}

static void sign_anew(Varve__V1__Event *ev, const struct seal *seal, const struct pair *p)
{
	char buf[NOTE_MAX + 1];
	size_t text, len;

	if (seal_format(seal, buf, NOTE_MAX, &text))
		die("a seal is too long");
	len = text;
	note_sign(buf, NOTE_MAX, text, &len, &p->pub, p->private_key);
	buf[len] = '\0';
	ev->seal->note = strdup(buf); /* the old one stays, for who points into it */
}

/* --- attacks */

static void none(void)
{
}

static void change(void)
{
	all.v[record_at(0)].ev->boot_time_nano ^= 1;
}

static void remove_record(void)
{
	size_t at = record_at(0);

	cut_out(at, at + 1);
}

static void remove_and_renumber(void)
{
	remove_record();
	renumber(0);
}

static void insert(void)
{
	size_t at = record_at(0);

	put_in(at + 1, all.v[at].ev);
	all.v[at + 1].ev->boot_time_nano ^= 1;
}

static void insert_and_renumber(void)
{
	insert();
	renumber(0);
}

static void swap(void)
{
	size_t at = record_at(0);
	struct record was = all.v[at];

	all.v[at] = all.v[at + 1];
	all.v[at + 1] = was;
}

static void swap_and_renumber(void)
{
	swap();
	renumber(0);
}

static void cut_at_seal(void)
{
	all.cnt = seal_at(2, 1) + 1;
}

/* Back to the seal before the last: no key was changed behind it. */
static void cut_end(void)
{
	size_t at = last_seal(2);

	do
		at--;
	while (!is_seal(at));
	all.cnt = at + 1;
}

/* What is here begins in the middle of a run, between two seals. */
static void cut_head(void)
{
	cut_out(0, record_at(0) + 1);
}

/* The same, and no seal has a frontier to go on from. */
static void cut_head_and_frontiers(void)
{
	cut_head();
	for (size_t i = 0; i < all.cnt; i++)
		if (is_seal(i))
			all.v[i].ev->seal->n_frontier = 0;
}

static void cut_between(void)
{
	all.cnt = record_at(2) + 2;
}

static void cut_first_run(void)
{
	cut_out(seal_at(0, 1) + 1, run_at(1));
}

static void cut_killed_run(void)
{
	cut_out(run_at(2) - 1, run_at(2));
}

static void change_killed_tail(void)
{
	if (last_seal(1) + 1 == run_at(2))
		die("nothing is behind the last seal");
	all.v[run_at(2) - 1].ev->boot_time_nano ^= 1;
}

static void remove_period(void)
{
	cut_out(seal_at(0, 1) + 1, seal_at(0, 2) + 1);
}

static void remove_run(void)
{
	cut_out(run_at(1), run_at(2));
}

static void remove_last_run(void)
{
	all.cnt = run_at(2);
}

static void remove_first_run(void)
{
	cut_out(0, run_at(1));
}

static void seal_of_other_run(void)
{
	all.v[seal_at(2, 1)].ev->seal->note = all.v[seal_at(0, 1)].ev->seal->note;
}

static void seal_of_other_node(void)
{
	for (size_t i = 0; i < other.cnt; i++)
		if (other.v[i].ev->body_case == VARVE__V1__EVENT__BODY_SEAL)
			all.v[seal_at(0, 1)].ev->seal->note = other.v[i].ev->seal->note;
}

/* The whole record, behind the one that it belongs behind. */
static void seal_of_other_run_put_in(void)
{
	put_in(seal_at(2, 1) + 1, all.v[seal_at(0, 1)].ev);
}

static void sign_with_other_key(void)
{
	static const uint8_t seed[32] = {7};
	struct pair p = pair_of("varve/test-node", seed);
	Varve__V1__Event *ev = all.v[seal_at(0, 1)].ev;
	struct seal seal;

	note_of(ev, &seal);
	sign_anew(ev, &seal, &p);
}

/* The same, and says that it is the right key. */
static void forge(void)
{
	static const uint8_t seed[32] = {7};
	struct pair p = pair_of("varve/test-node", seed), right;
	Varve__V1__Event *ev = all.v[last_seal(0)].ev;
	struct seal seal;

	load_key(signer_of(ev), &right);
	memcpy(p.pub.id, right.pub.id, sizeof(p.pub.id));
	note_of(ev, &seal);
	sign_anew(ev, &seal, &p);
}

static void sign_with_old_key(void)
{
	Varve__V1__Event *ev = all.v[last_seal(0)].ev;
	int signer = signer_of(ev);
	struct seal seal;
	struct pair p;

	if (!signer || !load_key(signer - 1, &p))
		die("there was one key only");
	note_of(ev, &seal);
	sign_anew(ev, &seal, &p);
}

/*
 * A record is changed, and all that follows in its run is made to fit, with the newest key: what who took the node and its key could
 * do. As the sealed journals did in CVE-2023-31439, only the time of the key speaks against it.
 */
static void forge_with_newest_key(void)
{
	struct tree_hash leaf, frontier[TREE_LEVELS];
	static uint8_t buf[LOG_FRAME_MAX];
	struct tree_hash seal_leaf = {};
	struct pair p;
	struct tree t;

	change();
	load_key(newest_key(), &p);
	tree_init(&t);
	for (size_t i = run_at(0); i < run_at(1); i++) {
		Varve__V1__Event *ev = all.v[i].ev;
		struct seal seal;

		if (is_seal(i)) {
			size_t cnt = tree_frontier(&t, frontier);

			note_of(ev, &seal);
			tree_root(&t, &seal.root);
			seal.previous = seal_leaf;
			seal.has_next = false;
			sign_anew(ev, &seal, &p);
			for (size_t k = 0; k < cnt; k++)
				memcpy(ev->seal->frontier[k].data, &frontier[k], TREE_HASH_LEN);
		}
		tree_leaf_hash(buf, varve__v1__event__pack(ev, buf), &leaf);
		tree_add(&t, &leaf);
		if (is_seal(i))
			seal_leaf = leaf;
	}
}

static void no_seals(void)
{
	for (size_t i = all.cnt; i-- > 0;)
		if (is_seal(i))
			cut_out(i, i + 1);
	for (int run = 0; run < 3; run++)
		renumber(run);
}

/* What a sensor writes whose clock is set back: with the right key. */
static void clock_back(void)
{
	Varve__V1__Event *ev = all.v[last_seal(2)].ev;
	struct seal seal;
	struct pair p;

	load_key(signer_of(ev), &p);
	note_of(ev, &seal);
	seal.time_unix_nano -= 3600 * (int64_t)NSEC_PER_SEC;
	sign_anew(ev, &seal, &p);
}

/* The first run again, behind the last. */
static void run_again(void)
{
	size_t cnt = run_at(1);

	for (size_t i = 0; i < cnt; i++)
		put_in(all.cnt, all.v[i].ev);
}

/* As Kafka may have them: the same again. */
static void copies(void)
{
	size_t at = record_at(0);

	put_in(at + 2, all.v[at].ev);
	put_in(at + 3, all.v[at + 1].ev);
}

static const struct {
	const char *name;
	void (*make)(void);
} attacks[] = {
	{"none", none},
	{"change", change},
	{"remove", remove_record},
	{"remove_and_renumber", remove_and_renumber},
	{"insert", insert},
	{"insert_and_renumber", insert_and_renumber},
	{"swap", swap},
	{"swap_and_renumber", swap_and_renumber},
	{"cut_at_seal", cut_at_seal},
	{"cut_between", cut_between},
	{"cut_end", cut_end},
	{"cut_head", cut_head},
	{"cut_head_and_frontiers", cut_head_and_frontiers},
	{"cut_first_run", cut_first_run},
	{"cut_killed_run", cut_killed_run},
	{"change_killed_tail", change_killed_tail},
	{"remove_period", remove_period},
	{"remove_run", remove_run},
	{"remove_last_run", remove_last_run},
	{"remove_first_run", remove_first_run},
	{"seal_of_other_run", seal_of_other_run},
	{"seal_of_other_run_put_in", seal_of_other_run_put_in},
	{"seal_of_other_node", seal_of_other_node},
	{"sign_with_other_key", sign_with_other_key},
	{"forge", forge},
	{"sign_with_old_key", sign_with_old_key},
	{"forge_with_newest_key", forge_with_newest_key},
	{"no_seals", no_seals},
	{"clock_back", clock_back},
	{"run_again", run_again},
	{"copies", copies},
};

static void print_base64(const void *data, size_t len)
{
	char *text = malloc(BASE64_LEN(len) + 1);

	base64_encode(data, len, text);
	printf(" %s", text);
	free(text);
}

static void list(const char *dir)
{
	static uint8_t buf[LOG_FRAME_MAX];

	load(dir, &all);
	for (size_t i = 0; i < all.cnt; i++) {
		const Varve__V1__Event *ev = all.v[i].ev;

		printf("%s %llu", ev->run_id, (unsigned long long)ev->sequence);
		print_base64(buf, varve__v1__event__pack(ev, buf));
		if (is_seal(i))
			print_base64(ev->seal->note, strlen(ev->seal->note));
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	diag_init("tamper", DIAG_WARN);
	if (argc == 3 && !strcmp(argv[1], "list")) {
		list(argv[2]);
		return 0;
	}
	if (argc < 4)
		die("want ATTACK LOG NEW_LOG [KEYS OTHER_LOG], or list LOG");
	keys_dir = argc > 4 ? argv[4] : "";
	load(argv[2], &all);
	if (argc > 5)
		load(argv[5], &other);
	for (size_t i = 0; i < ARRAY_SIZE(attacks); i++) {
		if (strcmp(attacks[i].name, argv[1]))
			continue;
		attacks[i].make();
		save(argv[3]);
		return 0;
	}
	die("no attack %s", argv[1]);
}
