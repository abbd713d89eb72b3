/* SPDX-License-Identifier: ISC */
/*
 * The NAT table outlives its process: a copy of the memfd at any moment, also
 * with a write in the middle, can be adopted, and what is adopted works.
 */
#include "path_lab.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "afwrt-tun/clock.h"
#include "afwrt-tun/nat.h"
#include "afwrt-tun/nat_adopt.h"

static struct route *r1;
static int kept = -1; /* our duplicate of the memfd, as the supervisor's */

static struct lab_packet made[4][2]; /* by device; TCP, UDP */

static void
make_all(void)
{
	static const char *const src[] = {
	    "192.168.1.1", "192.168.1.2", "192.168.1.3", "fd00::4"};
	struct lab_spec s = {.sport = 1, .dport = 443, .flags = PACKET_SYN};
	int i;

	for (i = 0; i < 8; i++) {
		s.src = src[i / 2];
		s.dst = i / 2 == 3 ? "2001:db8::9" : "198.51.100.9";
		s.proto = i % 2 ? PACKET_UDP : PACKET_TCP;
		lab_make(&made[i / 2][i % 2], &s);
	}
}

static void
setup(void)
{
	lab_open(0);
	make_all();
	r1 = lab_route(1, "10.8.0.2", "fd00:8::2");
	kept = lab_memfd();
	ck_assert_int_eq(nat_open(dup(kept), true), 0);
}

static void
teardown(void)
{
	(void)close(kept);
	lab_close();
}

/* Without an assertion: a child that is to be killed runs it, and would leave
 * half a line in the report. */
static enum nat_result
send_one(unsigned int device, uint16_t port, uint8_t proto, uint8_t flags)
{
	static uint8_t b[128];
	const struct lab_packet *m = &made[device % 4][proto == PACKET_UDP];
	struct packet p;

	memcpy(b, m->b, m->len);
	if (!packet_parse(&p, b, m->len))
		return NAT_DROP;
	put16(b + p.l4, port);
	if (proto == PACKET_TCP)
		b[p.l4 + 13] = flags;
	return nat_out(&r1->conns[0], &p);
}

static void
some_traffic(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		(void)send_one((unsigned int)rand(),
		    (uint16_t)(1 + rand() % 5000),
		    rand() % 2 ? PACKET_UDP : PACKET_TCP, PACKET_SYN);
}

static struct nat_map *
view(int fd)
{
	struct nat_map *m =
	    mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	ck_assert_ptr_ne(m, MAP_FAILED);
	return m;
}

static uint32_t
good_entries(const struct nat_map *m)
{
	uint32_t i, n = 0;

	for (i = 0; i < NAT_ENTRIES; i++)
		n += m->entries[i].check != 0;
	return n;
}

START_TEST(goes_on_after_a_restart)
{
	uint32_t n;

	ck_assert_int_eq(send_one(0, 1000, PACKET_TCP, PACKET_SYN), NAT_OK);
	some_traffic(2000);
	n = nat_table_total();
	ck_assert_int_eq(nat_open(dup(kept), false), 0);
	ck_assert_uint_eq(nat_table_total(), n);
	ck_assert_uint_eq(nat_count(1), n);
	/* in mid-stream, and no reset */
	ck_assert_int_eq(send_one(0, 1000, PACKET_TCP, PACKET_ACK), NAT_OK);
	/* "fresh" means what it says */
	ck_assert_int_eq(nat_open(dup(kept), true), 0);
	ck_assert_uint_eq(nat_table_total(), 0);
}
END_TEST

/* A process is killed while it works on the table; the next one takes it. */
START_TEST(killed_at_any_moment)
{
	struct nat_map *m;
	int status, round;
	uint32_t before;
	pid_t pid;

	some_traffic(300);
	for (round = 0; round < 20; round++) {
		pid = fork();
		ck_assert_int_ne(pid, -1);
		if (pid == 0) {
			srand((unsigned int)round);
			for (;;) {
				some_traffic(50);
				clock_now += 7; /* things run out, too */
				nat_tick();
			}
		}
		(void)usleep((useconds_t)(2000 + rand() % 5000));
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		/* the child ran ahead of the clock */
		m = view(kept);
		for (before = 0; before < NAT_ENTRIES; before++)
			if (m->entries[before].check != 0)
				m->entries[before].used = clock_now;
		before = good_entries(m);
		ck_assert_int_eq(nat_open(dup(kept), false), 0);
		/* one entry may have been half made or half gone */
		ck_assert_uint_ge(nat_table_total() + 1, before);
		ck_assert_uint_eq(nat_table_total(), good_entries(m));
		some_traffic(100);
		ck_assert_uint_eq(nat_table_total(), good_entries(m));
		(void)munmap(m, sizeof(*m));
	}
}
END_TEST

/* Rubbish of every kind is thrown out, the rest is kept. */
START_TEST(rubbish)
{
	struct nat_map *m;
	int round, i;
	size_t at;

	for (round = 0; round < 60; round++) {
		some_traffic(200);
		m = view(kept);
		for (i = 0; i < 40; i++) {
			at = (size_t)rand() % (400 * sizeof(struct nat_entry));
			((uint8_t *)m->entries)[at] ^=
			    (uint8_t)(1 << rand() % 8);
		}
		if (round % 10 == 9) /* the same entry twice */
			m->entries[500] = m->entries[0];
		ck_assert_int_eq(nat_open(dup(kept), false), 0);
		ck_assert_uint_eq(nat_table_total(), good_entries(m));
		some_traffic(200);
		nat_tick();
		nat_route_drop(1);
		ck_assert_uint_eq(nat_table_total(), 0);
		ck_assert_uint_eq(good_entries(m), 0);
		(void)munmap(m, sizeof(*m));
	}
}
END_TEST

START_TEST(each_field_is_looked_at)
{
	struct nat_map *m = view(kept);
	size_t i;

	for (i = 0; i < sizeof(struct nat_entry); i++) {
		ck_assert_int_eq(nat_open(dup(kept), true), 0);
		ck_assert_int_eq(
		    send_one(0, 1000, PACKET_TCP, PACKET_SYN), NAT_OK);
		ck_assert_uint_eq(good_entries(m), 1);
		((uint8_t *)&m->entries[0])[i] ^= 0x80;
		ck_assert_int_eq(nat_open(dup(kept), false), 0);
		ck_assert_msg(nat_table_total() == 0 ||
			(i == offsetof(struct nat_entry, used)),
		    "byte %zu", i);
	}
	(void)munmap(m, sizeof(*m));
}
END_TEST

START_TEST(foreign_files)
{
	struct nat_map *m;
	struct stat st;

	some_traffic(10);
	m = view(kept);
	m->version++;
	ck_assert_int_eq(nat_open(dup(kept), false), 0);
	ck_assert_uint_eq(nat_table_total(), 0);
	some_traffic(10);
	ck_assert_uint_gt(nat_table_total(), 0);
	(void)munmap(m, sizeof(*m));
	ck_assert_int_eq(ftruncate(kept, 100), 0);
	ck_assert_int_eq(nat_open(dup(kept), false), 0);
	ck_assert_uint_eq(nat_table_total(), 0);
	ck_assert_int_eq(fstat(kept, &st), 0);
	ck_assert_int_eq(st.st_size, sizeof(struct nat_map));
	ck_assert_int_eq(nat_open(-1, false), -1);
	ck_assert_int_eq(send_one(0, 1, PACKET_UDP, 0), NAT_DROP);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("adopt");
	TCase *t = tcase_create("adopt");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, goes_on_after_a_restart);
	tcase_add_test(t, killed_at_any_moment);
	tcase_add_test(t, rubbish);
	tcase_add_test(t, each_field_is_looked_at);
	tcase_add_test(t, foreign_files);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
