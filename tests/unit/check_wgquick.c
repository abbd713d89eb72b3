/* SPDX-License-Identifier: ISC */
/* lib/wgquick: what providers hand out, and what must be refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wgquick/wgquick.h"

#define KEY  "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
#define PUB  "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="
#define PSK  "/UwcSPg38hW/D9Y3tcS1FOV0K1wuURMbS0sesJEP5ak="
#define IFC  "[Interface]\nPrivateKey = " KEY "\nAddress = 10.2.0.2/32\n"
#define PEER "[Peer]\nPublicKey = " PUB "\nEndpoint = 192.0.2.1:51820\n"
#define ALL  "AllowedIPs = 0.0.0.0/0\n"

static struct wgquick w;
static char why[WGQUICK_TEXT], notes[2048];

static void
note_cb(void *arg, const char *what)
{
	(void)arg;
	ck_assert_uint_lt(strlen(notes) + strlen(what) + 2, sizeof(notes));
	(void)strcat(strcat(notes, what), "\n");
}

static int
read_text(const char *text)
{
	notes[0] = '\0';
	return wgquick_read(&w, text, strlen(text), why, note_cb, NULL);
}

START_TEST(a_whole_file)
{
	char net[AFW_ADDR_TEXT + 4], addr[AFW_ADDR_TEXT];
	char key[WGQUICK_KEY_TEXT];

	ck_assert_int_eq(
	    read_text("# a provider's\r\n"
		      "[interface]\r\n"
		      "privatekey=" KEY " # secret\r\n"
		      "Address = 10.2.0.2/24, fd00::2/64\n"
		      "Address = 10.3.0.1\n"
		      "DNS = 10.2.0.1, fd00::53, lan.example\n"
		      "MTU = 1380\nPostUp = rm -rf /\nTable = off\n\n"
		      "[PEER]\nPublicKey = " PUB "\n"
		      "PresharedKey = " PSK "\n"
		      "AllowedIPs = 0.0.0.0/0, ::/0\n"
		      "Endpoint = [2001:db8::1]:443\n"
		      "PersistentKeepalive = 25"),
	    0);
	wgquick_key_print(w.private_key, key);
	ck_assert_str_eq(key, KEY);
	wgquick_key_print(w.public_key, key);
	ck_assert_str_eq(key, PUB);
	wgquick_key_print(w.preshared_key, key);
	ck_assert_str_eq(key, PSK);
	ck_assert_uint_eq(w.addrs, 3);
	ck_assert_str_eq(
	    wgquick_net_print(&w.addr[0], net, sizeof(net)), "10.2.0.2/24");
	ck_assert_str_eq(
	    wgquick_net_print(&w.addr[1], net, sizeof(net)), "fd00::2/64");
	ck_assert_str_eq(
	    wgquick_net_print(&w.addr[2], net, sizeof(net)), "10.3.0.1/32");
	ck_assert_uint_eq(w.dns, 2);
	ck_assert_str_eq(
	    afw_addr_print(&w.dns_addr[1], addr, sizeof(addr)), "fd00::53");
	ck_assert_uint_eq(w.mtu, 1380);
	ck_assert_uint_eq(w.keepalive, 25);
	ck_assert_uint_eq(w.allowed, 2);
	ck_assert_str_eq(
	    wgquick_net_print(&w.allow[1], net, sizeof(net)), "::/0");
	ck_assert_str_eq(w.host, "2001:db8::1");
	ck_assert_uint_eq(w.port, 443);
	ck_assert_str_eq(notes,
	    "line 6: DNS: the search domain 'lan.example' is left out\n"
	    "line 8: PostUp is left out\nline 9: Table is left out\n");
}
END_TEST

START_TEST(a_name_as_endpoint)
{
	ck_assert_int_eq(read_text(IFC "[Peer]\nPublicKey = " PUB "\n" ALL
				       "Endpoint = vpn-1.example.net:51820\n"),
	    0);
	ck_assert_str_eq(w.host, "vpn-1.example.net");
	ck_assert_uint_eq(w.keepalive, 0);
	ck_assert_uint_eq(w.mtu, 0);
}
END_TEST

static const struct {
	const char *text, *why;
} bad[] = {
    {"", "[Interface] has no PrivateKey"},
    {"[Interface]\nAddress = 10.0.0.2/32\n" PEER ALL, "no PrivateKey"},
    {"[Interface]\nPrivateKey = " KEY "\n" PEER ALL, "no Address"},
    {IFC, "[Peer] has no PublicKey"},
    {IFC PEER, "[Peer] has no AllowedIPs"},
    {IFC "[Peer]\nPublicKey = " PUB "\n" ALL, "[Peer] has no Endpoint"},
    {IFC PEER ALL PEER ALL, "line 8: a second [Peer]"},
    {"Address = 1.2.3.4/32\n", "line 1: 'Address' before any section"},
    {IFC "Adress = 1.2.3.4/32\n", "line 4: [Interface] has no 'Adress'"},
    {IFC PEER "AllowedIP = ::/0\n", "line 7: [Peer] has no 'AllowedIP'"},
    {IFC "nonsense\n", "line 4: no '=' in it"},
    {"[Interfaces]\n", "line 1: no such section"},
    {"[Interface]\nPrivateKey = abc\n", "line 2: PrivateKey: not a key"},
    {"[Interface]\nPrivateKey = "
     "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBm!=\n",
	"line 2: PrivateKey: not a key"},
    {"[Interface]\nAddress = 10.0.0.256/32\n", "line 2: Address: '10.0.0.256"},
    {"[Interface]\nAddress = 10.0.0.2/33\n", "line 2: Address: '10.0.0.2/33'"},
    {"[Interface]\nAddress = fd00::2/129\n", "line 2: Address: 'fd00::2/129'"},
    {"[Interface]\nAddress = 10.0.0.2/32,\n", "a part of the list is empty"},
    {"[Interface]\nMTU = 500\n", "line 2: MTU: '500' is not 576 to 65535"},
    {"[Interface]\nMTU = 1420x\n", "line 2: MTU"},
    {IFC PEER "PersistentKeepalive = -1\n", "line 7: PersistentKeepalive"},
    {IFC PEER "PersistentKeepalive = 65536\n", "line 7: PersistentKeepalive"},
    {IFC PEER "Endpoint = 192.0.2.1\n", "line 7: Endpoint: no port"},
    {IFC PEER "Endpoint = 192.0.2.1:0\n", "line 7: Endpoint: no port"},
    {IFC PEER "Endpoint = 192.0.2.1:65536\n", "line 7: Endpoint: no port"},
    {IFC PEER "Endpoint = 2001:db8::1:51820\n", "must stand in [ ]"},
    {IFC PEER "Endpoint = [192.0.2.1]:51820\n", "is no IPv6 address"},
    {IFC PEER "Endpoint = a b:51820\n", "is no host name"},
};

START_TEST(refused)
{
	uint8_t zero[sizeof(w)] = {0};

	ck_assert_int_eq(read_text(bad[_i].text), -1);
	ck_assert_msg(strstr(why, bad[_i].why) != NULL, "%s", why);
	ck_assert_ptr_null(strstr(why, KEY));
	/* nothing secret stays behind */
	ck_assert_mem_eq(&w, zero, sizeof(w));
}
END_TEST

START_TEST(no_text)
{
	static const char nul[] = "[Interface]\nMTU = 14\00020\n";
	char *big = malloc(6000);

	ck_assert_int_eq(
	    wgquick_read(&w, nul, sizeof(nul) - 1, why, NULL, NULL), -1);
	ck_assert_str_eq(why, "line 2: too long, or no text");
	memset(big, 'a', 6000);
	ck_assert_int_eq(wgquick_read(&w, big, 6000, why, NULL, NULL), -1);
	free(big);
}
END_TEST

START_TEST(too_many)
{
	char text[16384] = IFC PEER;
	int i;

	for (i = 0; i < AFW_WG_ALLOWED_MAX; i++)
		(void)sprintf(text + strlen(text),
		    "AllowedIPs = 10.%d.%d.0/24\n", i / 8, i);
	ck_assert_int_eq(read_text(text), 0);
	ck_assert_uint_eq(w.allowed, AFW_WG_ALLOWED_MAX);
	(void)strcat(text, "AllowedIPs = 11.0.0.0/8\n");
	ck_assert_int_eq(read_text(text), -1);
	ck_assert_ptr_nonnull(strstr(why, "more than 128"));
}
END_TEST

/* A key on a line of its own, as a broken line leaves it: '=' looks like the
 * end of a name. No part of it may be in what is said. */
START_TEST(a_lost_key)
{
	static const char *const texts[] = {IFC KEY "\n" PEER ALL,
	    KEY "\n" IFC PEER ALL, IFC PEER PSK "\n" ALL,
	    "[" KEY "\n" IFC PEER ALL};

	ck_assert_int_eq(read_text(texts[_i]), -1);
	ck_assert_msg(strstr(why, "yAnz") == NULL, "%s", why);
	ck_assert_msg(strstr(why, "UwcS") == NULL, "%s", why);
	ck_assert_msg(strstr(why, "line ") == why, "%s", why);
}
END_TEST

/* Bytes of any kind: no crash, and an answer. */
START_TEST(garbage)
{
	char text[400];
	size_t i, n;
	int k;

	srandom(7);
	for (k = 0; k < 20000; k++) {
		n = (size_t)snprintf(text, sizeof(text), "%s", IFC PEER ALL);
		for (i = 0; i < 4; i++)
			text[(size_t)random() % n] = (char)random();
		(void)wgquick_read(
		    &w, text, (size_t)random() % n, why, NULL, NULL);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wgquick");
	TCase *t = tcase_create("wgquick");
	SRunner *r;
	int failed;

	tcase_add_test(t, a_whole_file);
	tcase_add_test(t, a_name_as_endpoint);
	tcase_add_loop_test(t, refused, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(t, no_text);
	tcase_add_test(t, too_many);
	tcase_add_loop_test(t, a_lost_key, 0, 4);
	tcase_add_test(t, garbage);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
