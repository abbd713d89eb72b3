/* SPDX-License-Identifier: ISC */
/* What becomes one write to the device and what does not; in which order. */
#include "path_lab.h"

#include "afwrt-tun/coalesce.h"
#include "afwrt-tun/device.h"

#define WRITES_MAX 300

static struct {
	struct device_meta m;
	size_t len;
	uint8_t b[PACKET_MAX];
} writes[WRITES_MAX];
static size_t n_writes;
static bool takes_gso, refuses;

/* In the place of device.c. */
bool
device_takes_gso(const struct device *d)
{
	(void)d;
	return takes_gso;
}

bool
device_write(struct device *d, const uint8_t *data, size_t len,
    const struct device_meta *m)
{
	(void)d;
	ck_assert_uint_lt(n_writes, WRITES_MAX);
	ck_assert_uint_le(len, PACKET_MAX);
	memset(&writes[n_writes].m, 0, sizeof(writes[0].m));
	if (m != NULL)
		writes[n_writes].m = *m;
	writes[n_writes].len = len;
	memcpy(writes[n_writes].b, data, len);
	n_writes++;
	return !refuses;
}

static struct lab_packet made;

static void
setup(void)
{
	(void)coalesce_flush();
	n_writes = 0;
	takes_gso = true;
	refuses = false;
}

static struct lab_spec
data(int six, uint32_t seq, size_t n)
{
	struct lab_spec s = {.src = six ? "2001:db8::1" : "198.51.100.1",
	    .dst = six ? "fd00::5" : "192.168.1.5",
	    .sport = 443,
	    .dport = 5000,
	    .flags = PACKET_ACK,
	    .ack = 7,
	    .df = true};

	s.proto = PACKET_TCP;
	s.seq = seq;
	s.payload = n;
	return s;
}

static bool
add(const struct lab_spec *s)
{
	static struct packet p;

	lab_make(&made, s);
	ck_assert(packet_parse(&p, made.b, made.len));
	return coalesce_add(NULL, &p);
}

/* Bytes of one write as the kernel would send them: the checksum completed. */
static void
whole(size_t i, int six)
{
	size_t h = six ? 40 : 20;
	uint32_t sum, k;
	uint8_t *b = writes[i].b;

	ck_assert(writes[i].m.partial);
	ck_assert_uint_eq(writes[i].m.start, h);
	ck_assert_uint_eq(writes[i].m.offset, 16);
	ck_assert_uint_eq(writes[i].m.header, h + 20);
	ck_assert_uint_eq(writes[i].m.family, six ? 6 : 4);
	for (sum = 0, k = 0; k < writes[i].len - h; k++)
		sum += k % 2 ? b[h + k] : (uint32_t)b[h + k] << 8;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(b + h + 16, ~sum & 0xffff);
	ck_assert(lab_checksums_ok(b, writes[i].len));
}

START_TEST(a_run_is_one_write)
{
	struct lab_spec s;
	uint32_t i, seq = 0xfffffc00; /* wraps */

	for (i = 0; i < 10; i++, seq += 1000) {
		s = data(_i, seq, i == 9 ? 123 : 1000);
		ck_assert(add(&s));
		ck_assert_uint_eq(n_writes, i == 9); /* a short one ends it */
	}
	ck_assert_uint_eq(coalesce_flush(), 0);
	ck_assert_uint_eq(n_writes, 1);
	ck_assert_uint_eq(writes[0].len, (_i ? 60 : 40) + 9123);
	ck_assert_uint_eq(writes[0].m.gso, 1000);
	whole(0, _i);
}
END_TEST

START_TEST(flush_ends_it)
{
	struct lab_spec s = data(0, 0, 500);

	ck_assert(add(&s));
	ck_assert_uint_eq(n_writes, 0);
	(void)coalesce_flush();
	ck_assert_uint_eq(n_writes, 1);
	ck_assert_uint_eq(writes[0].m.gso, 0); /* alone: as it came */
	ck_assert(!writes[0].m.partial);
	ck_assert(lab_checksums_ok(writes[0].b, writes[0].len));
}
END_TEST

/* What must not be merged: it is written after what was collected. */
START_TEST(not_merged)
{
	struct lab_spec s = data(0, 0, 500), t = data(0, 500, 500);

	ck_assert(add(&s));
	switch (_i) {
	case 0:
		t.seq = 501; /* a gap */
		break;
	case 1:
		t.ack = 8;
		break;
	case 2:
		t.flags |= PACKET_FIN;
		break;
	case 3:
		t.payload = 501;
		break;
	case 4:
		t.df = false;
		break;
	case 5:
		t.payload = 0;
		break;
	case 6:
		t.flags = PACKET_RST;
		break;
	case 7:
		t.seq = 0; /* again */
		break;
	}
	ck_assert(add(&t));
	(void)coalesce_flush();
	ck_assert_uint_eq(n_writes, 2);
	ck_assert_uint_eq(writes[0].len, 540);
	ck_assert_uint_eq(get32(writes[0].b + 24), 0);
	ck_assert_mem_eq(writes[1].b, made.b, made.len);
	ck_assert_uint_eq(writes[1].m.gso, 0);
}
END_TEST

/* Damaged on its way: the receiver is to see that it is. */
START_TEST(wrong_checksum)
{
	struct lab_spec s = data(0, 0, 500), t = data(0, 500, 500);
	struct packet p;

	ck_assert(add(&s));
	lab_make(&made, &t);
	made.b[100] ^= 1;
	ck_assert(packet_parse(&p, made.b, made.len));
	ck_assert(coalesce_add(NULL, &p));
	(void)coalesce_flush();
	ck_assert_uint_eq(n_writes, 2);
	ck_assert_uint_eq(writes[1].m.gso, 0);
	ck_assert(!lab_checksums_ok(writes[1].b, writes[1].len));
}
END_TEST

START_TEST(push_is_kept)
{
	struct lab_spec s = data(0, 0, 500), t = data(0, 500, 500);

	t.flags |= PACKET_PSH;
	ck_assert(add(&s));
	ck_assert(add(&t));
	ck_assert_uint_eq(n_writes, 1);
	ck_assert_uint_eq(writes[0].b[33], PACKET_PSH | PACKET_ACK);
	whole(0, 0);
}
END_TEST

START_TEST(many_connections)
{
	struct lab_spec s;
	uint32_t i, c;
	size_t k, bytes = 0;

	for (i = 0; i < 3; i++)
		for (c = 0; c < 20; c++) {
			s = data(0, i * 100, 100);
			s.dport = (uint16_t)(1000 + c);
			ck_assert(add(&s));
		}
	(void)coalesce_flush();
	for (k = 0; k < n_writes; k++)
		bytes += writes[k].len - 40;
	ck_assert_uint_eq(bytes, 6000);
}
END_TEST

START_TEST(never_above_64k)
{
	struct lab_spec s;
	uint32_t i;
	size_t k, bytes = 0;

	for (i = 0; i < 100; i++) {
		s = data(1, i * 1300, 1300);
		ck_assert(add(&s));
	}
	(void)coalesce_flush();
	ck_assert_uint_eq(n_writes, 2);
	for (k = 0; k < n_writes; k++) {
		bytes += writes[k].len - 60;
		whole(k, 1);
	}
	ck_assert_uint_eq(bytes, 130000);
}
END_TEST

START_TEST(without_offload)
{
	struct lab_spec s = data(0, 0, 500);

	takes_gso = false;
	ck_assert(add(&s));
	ck_assert_uint_eq(n_writes, 1);
	refuses = true;
	ck_assert(!add(&s));
	takes_gso = true;
	ck_assert(add(&s));
	ck_assert_uint_eq(coalesce_flush(), 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("coalesce");
	TCase *t = tcase_create("coalesce");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, a_run_is_one_write, 0, 2);
	tcase_add_test(t, flush_ends_it);
	tcase_add_loop_test(t, not_merged, 0, 8);
	tcase_add_test(t, wrong_checksum);
	tcase_add_test(t, push_is_kept);
	tcase_add_test(t, many_connections);
	tcase_add_test(t, never_above_64k);
	tcase_add_test(t, without_offload);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
