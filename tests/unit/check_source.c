/* SPDX-License-Identifier: ISC */
/* Sources without a flow: held, asked about, let through or dropped. */
#include "path_lab.h"

#include <stdio.h>
#include <stdlib.h>

#include "afwrt-tun/clock.h"
#include "afwrt-tun/device.h"
#include "afwrt-tun/held.h"

#define LAN4 "192.168.1.77"
#define LAN6 "fd00:1::77"

static struct lab_packet a, b;
static struct route *r1, *r2;

static void
setup(void)
{
	lab_open(0);
	r1 = lab_route(1, "10.8.0.2", "fd00:8::2");
	r2 = lab_route(2, "10.9.0.2", "fd00:9::2");
	lab_net_silent = true;
}

static void
udp(const char *src, uint16_t port, size_t payload)
{
	struct lab_spec s = {.src = src,
	    .dst = strchr(src, ':') == NULL ? "198.51.100.7" : "2001:db8::7",
	    .proto = PACKET_UDP,
	    .sport = port,
	    .dport = 7,
	    .payload = payload};

	lab_make(&a, &s);
	lab_from_lan(&a);
}

/* In the place of clock.c: time stands still unless it is moved. */
uint32_t clock_now = 1000;

void
clock_update(void)
{
}

static void
once_more(uint32_t seconds_later)
{
	const struct device_meta whole = {0};
	struct lab_packet *copy = malloc(sizeof(*copy));

	ck_assert_ptr_nonnull(copy);
	clock_now += seconds_later;
	memcpy(copy->b, a.b, a.len);
	forward_from_device(copy->b, a.len, &whole);
	free(copy);
}

START_TEST(no_rule_and_no_default)
{
	udp(LAN4, 1, 10);
	udp(LAN4, 2, 10);
	ck_assert_uint_eq(lab_asked, 1); /* one question for both */
	lab_answer(SOURCE_NONE);
	ck_assert_uint_eq(lab_n_sent, 0);
	udp(LAN4, 3, 10); /* the answer is good for a moment */
	ck_assert_uint_eq(lab_n_sent, 0);
}
END_TEST

START_TEST(no_rule_but_a_default)
{
	forward_default_set(2);
	udp(_i == 0 ? LAN4 : LAN6, 1, 10);
	udp(_i == 0 ? LAN4 : LAN6, 2, 10);
	ck_assert_uint_eq(lab_n_sent, 0);
	lab_flushed = 0;
	lab_answer(SOURCE_NONE);
	ck_assert_uint_eq(lab_n_sent, 2);
	ck_assert_uint_ge(lab_flushed, 1);
	ck_assert_uint_eq(lab_sent[0].route, 2);
	ck_assert_uint_eq(get16(lab_sent[0].b + lab_upper(lab_sent[0].b)), 1);
	ck_assert_uint_eq(get16(lab_sent[1].b + lab_upper(lab_sent[1].b)), 2);
	udp(_i == 0 ? LAN4 : LAN6, 3, 10); /* known for a while */
	ck_assert_uint_eq(lab_n_sent, 3);
	ck_assert_uint_eq(lab_asked, 1);
}
END_TEST

START_TEST(a_flow_comes)
{
	forward_default_set(2);
	udp(LAN4, 1, 10);
	lab_flow(LAN4, 1);
	lab_answer(SOURCE_FLOW);
	ck_assert_uint_eq(lab_n_sent, 1);
	ck_assert_uint_eq(lab_sent[0].route, 1);
	udp(LAN4, 1, 10);
	ck_assert_uint_eq(lab_sent[1].route, 1);
}
END_TEST

START_TEST(a_flow_comes_before_its_answer)
{
	struct afw_addr addr = lab_addr(LAN4);

	udp(LAN4, 1, 10);
	lab_flow(LAN4, 1);
	forward_source_flow(&addr);
	ck_assert_uint_eq(lab_n_sent, 1);
	lab_answer(SOURCE_LATE); /* whatever it is */
	ck_assert_uint_eq(lab_n_sent, 1);
}
END_TEST

START_TEST(a_flow_takes_the_default_away)
{
	struct afw_addr addr = lab_addr(LAN4);

	forward_default_set(2);
	udp(LAN4, 1, 10);
	lab_answer(SOURCE_NONE);
	lab_flow(LAN4, 1);
	udp(LAN4, 1, 10);
	ck_assert_uint_eq(lab_sent[1].route, 1);
	flow_del(&addr);
	forward_source_forget();
	udp(LAN4, 1, 10);
	ck_assert_uint_eq(lab_n_sent, 2); /* asked anew */
	lab_answer(SOURCE_NONE);
	ck_assert_uint_eq(lab_n_sent, 3);
	ck_assert_uint_eq(lab_sent[2].route, 2);
}
END_TEST

START_TEST(late_is_dropped)
{
	forward_default_set(2);
	udp(LAN4, 1, 10);
	lab_answer(SOURCE_LATE);
	ck_assert_uint_eq(lab_n_sent, 0);
	udp(LAN4, 2, 10); /* and asked again */
	ck_assert_uint_eq(lab_asked, 2);
	lab_answer(SOURCE_NONE);
	ck_assert_uint_eq(lab_n_sent, 1);
}
END_TEST

/* It said there was a flow, but it is gone again. */
START_TEST(yes_without_a_flow)
{
	forward_default_set(2);
	udp(LAN4, 1, 10);
	lab_answer(SOURCE_FLOW);
	ck_assert_uint_eq(lab_n_sent, 0);
}
END_TEST

START_TEST(nobody_to_ask)
{
	forward_default_set(2);
	lab_net_down = true;
	udp(LAN4, 1, 10);
	lab_net_down = false;
	udp(LAN4, 2, 10);
	lab_answer(SOURCE_NONE);
	ck_assert_uint_eq(lab_n_sent, 1); /* the first one is lost */
}
END_TEST

START_TEST(an_answer_ends)
{
	uint32_t i;

	forward_default_set(2);
	udp(LAN4, 1, 10);
	lab_answer(SOURCE_NONE);
	/* while packets come it is renewed, and no packet waits for it */
	for (i = 0; i < 4 * SOURCE_TTL; i++) {
		once_more(1);
		ck_assert_uint_eq(lab_n_sent, 2 + i);
		lab_answer(SOURCE_NONE);
	}
	ck_assert_uint_gt(lab_asked, 3);
	ck_assert_uint_lt(lab_asked, 12);
	once_more(SOURCE_TTL + 1);
	ck_assert_uint_eq(lab_n_sent, 1 + i);
	lab_answer(SOURCE_LATE);
	ck_assert_uint_eq(lab_n_sent, 1 + i);
}
END_TEST

START_TEST(a_source_has_a_limit)
{
	uint32_t i;

	forward_default_set(2);
	for (i = 0; i < HELD_PACKETS + 9; i++)
		udp(LAN4, (uint16_t)(1 + i), 10);
	ck_assert_uint_eq(lab_asked, 1);
	lab_answer(SOURCE_NONE);
	ck_assert_uint_eq(lab_n_sent, HELD_PACKETS);
}
END_TEST

static void
udp_of(uint32_t n, size_t payload)
{
	char text[32];

	(void)snprintf(
	    text, sizeof(text), "10.%u.%u.%u", n >> 16, n >> 8 & 255, n & 255);
	udp(text, 9, payload);
}

/* Sources that are made up: questions are bounded at one time and a second,
 * and a source that is known does not suffer. */
START_TEST(a_flood)
{
	uint32_t i;

	forward_default_set(2);
	udp(LAN4, 1, 10);
	lab_answer(SOURCE_NONE);
	for (i = 0; i < 2000; i++)
		udp_of(i + 1, 10);
	ck_assert_uint_eq(lab_n_asked, SOURCE_ASKS);
	lab_answer(SOURCE_LATE);
	for (i = 0; i < 2000; i++) {
		udp_of(i + 1, 10);
		lab_answer(SOURCE_LATE);
	}
	ck_assert_uint_le(lab_asked, SOURCE_RATE);
	ck_assert_uint_eq(lab_n_sent, 1);
	udp(LAN4, 2, 10);
	ck_assert_uint_eq(lab_n_sent, 2);
}
END_TEST

START_TEST(held_in_all_has_a_limit)
{
	uint32_t i;

	for (i = 0; i < 200; i++)
		udp_of(i + 1, 40000);
	forward_default_set(2);
	r2->conns[0].mtu = 1400;
	lab_answer(SOURCE_NONE);
	ck_assert_uint_eq(r2->up_packets + r2->dropped,
	    r2->up_packets); /* fragments, none is lost */
	ck_assert_uint_ge(r2->up_bytes, SOURCE_BYTES - 60000);
	ck_assert_uint_le(r2->up_bytes, SOURCE_BYTES + SOURCE_BYTES / 16);
	/* all of it is given back */
	lab_n_sent = 0;
	once_more(SOURCE_TTL + 1);
	lab_answer(SOURCE_NONE);
	ck_assert_uint_gt(lab_n_sent, 20);
}
END_TEST

START_TEST(another_net)
{
	forward_default_set(2);
	udp(LAN4, 1, 10);
	forward_source_forget(); /* while a question is under way */
	lab_answer(SOURCE_NONE);
	ck_assert_uint_eq(lab_n_sent, 0);
	udp(LAN4, 1, 10);
	ck_assert_uint_eq(lab_n_sent, 1);
}
END_TEST

/* Two protected devices that talk by the tunnel: out it goes; what the node
 * sends back as if from a device of ours is dropped, and so is our own
 * address as a source. */
START_TEST(hairpin)
{
	struct lab_spec s = {.src = LAN4,
	    .dst = "192.168.1.78",
	    .proto = PACKET_UDP,
	    .sport = 5000,
	    .dport = 6000,
	    .payload = 20};

	lab_flow(LAN4, 1);
	lab_flow("192.168.1.78", 2);
	lab_make(&a, &s);
	lab_from_lan(&a);
	ck_assert_uint_eq(lab_n_sent, 1);
	ck_assert_uint_eq(lab_sent[0].route, 1);
	ck_assert(lab_addr_is(lab_sent[0].b, 0, "10.8.0.2"));
	/* straight back, as a node does that routes it to its peer */
	b.len = lab_sent[0].len;
	memcpy(b.b, lab_sent[0].b, b.len);
	lab_from_node(r2, &b);
	s.src = "192.168.1.78";
	s.dst = "10.8.0.2";
	s.sport = 6000;
	s.dport = 5000;
	lab_make(&a, &s);
	lab_from_node(r1, &a);
	s.src = "10.8.0.2";
	lab_make(&a, &s);
	lab_from_node(r1, &a);
	ck_assert(!lab_to_lan(&b));
	ck_assert_uint_eq(r1->dropped, 2);
	ck_assert_uint_eq(r2->dropped, 1);
	/* a device asks for the tunnel's own address */
	s.src = LAN4;
	s.dst = "10.8.0.2";
	s.sport = 5000;
	lab_make(&a, &s);
	lab_from_lan(&a);
	ck_assert_uint_eq(lab_n_sent, 2);
	b.len = lab_sent[1].len;
	memcpy(b.b, lab_sent[1].b, b.len);
	lab_from_node(r1, &b);
	ck_assert(!lab_to_lan(&b));
	ck_assert_uint_eq(r1->dropped, 3);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("source");
	TCase *t = tcase_create("source");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, lab_close);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, no_rule_and_no_default);
	tcase_add_loop_test(t, no_rule_but_a_default, 0, 2);
	tcase_add_test(t, a_flow_comes);
	tcase_add_test(t, a_flow_comes_before_its_answer);
	tcase_add_test(t, a_flow_takes_the_default_away);
	tcase_add_test(t, late_is_dropped);
	tcase_add_test(t, yes_without_a_flow);
	tcase_add_test(t, nobody_to_ask);
	tcase_add_test(t, an_answer_ends);
	tcase_add_test(t, a_source_has_a_limit);
	tcase_add_test(t, a_flood);
	tcase_add_test(t, held_in_all_has_a_limit);
	tcase_add_test(t, another_net);
	tcase_add_test(t, hairpin);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
